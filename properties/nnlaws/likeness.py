"""Diagnosis where chance has a part: which one known mistake, or undeclared convention, draws as the target did.

Results cannot be compared number by number, as `diagnosis` compares them: the same mistake draws others with the same
seed. Where draws lie on their scale, how far neighbours are apart and how many differ is compared instead, in thousands
of them. What has no chances, a grid or a finer box, has to be the same.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.clauses import Variant, clauses

from nnlaws.bounds.ruler import Ruler
from nnlaws.cases.case import Case
from nnlaws.cases.search import scale_of
from nnlaws.evidence import Evidence
from nnlaws.laws import LAWS
from nnlaws.laws.law import Law
from nnlaws.mutants import MUTANTS, Mutant
from nnlaws.scale import Floats, Scale
from nnlaws.statistics import THRESHOLD
from nnlaws.subject import GuardedSubject, TargetFault
from nnlaws.verdict import Cause

LIKELY = 1e-3  # the probability of a difference as large by chance, below which a mistake is not the one
# What one call draws says nothing of these laws
NOT_IN_DRAWS = ("same_seed", "other_seed", "seeds_apart", "surroundings_of_draws_kept")
DISTRIBUTIONS = ("distribution", "scales")  # names of laws of thousands of draws, by e-processes
LATER = 1  # how much the mutant's seed is more than the target's: its draws must not be the same by the same generator

Failure = tuple[Case, Evidence]


def explain(
    law: Law, subject: GuardedSubject, ruler: Ruler, failures: Sequence[Failure]
) -> tuple[Case, Evidence, Cause | None, str]:
    """The example to show, its evidence, the cause if exactly one fits, and the fix: as of `diagnosis.explain`."""
    case, evidence = failures[-1]
    allowing = [variant for variant in _variants(law, ruler) if _admits(variant, law, subject, ruler)]
    if len(allowing) == 1:
        (variant,) = allowing
        name, declare = f"{variant.name} = {variant.value}", f'{{"{variant.name}": "{variant.value}"}}'
        cause = Cause(name, f"a convention that is not declared: {variant.meaning}", "")
        return case, evidence, cause, f"declare conventions = {declare}, or do as the clause says"
    fitting = [
        mutant
        for mutant in MUTANTS
        if mutant.operation == law.operation.name
        and law.name not in NOT_IN_DRAWS
        and _like(mutant, law, subject, ruler)
    ]
    if len(fitting) == 1:
        (mutant,) = fitting
        return case, evidence, Cause(mutant.name, mutant.fault, mutant.seen), mutant.fix
    return case, evidence, None, law.fix


def _variants(law: Law, ruler: Ruler) -> list[Variant]:
    """The conventions that bear on the operation and are not declared."""
    own = {
        (variant.name, variant.value): variant
        for clause in clauses().values()
        for variant in clause.variants
        if clause.chapter == law.operation.chapter and variant.name in law.operation.conventions
    }
    return [variant for variant in own.values() if ruler.conventions.get(variant.name) != variant.value]


def _admits(variant: Variant, law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether, with the variant declared, the law holds on all of its cases; and so does that of distribution."""
    declared = ruler.declaring({variant.name: variant.value})
    return all(_holds(each, subject, declared) for each in {each.id: each for each in (law, *_of_draws(law))}.values())


def _of_draws(law: Law) -> list[Law]:
    """The law of how the operation's draws are distributed, if there is one: it draws enough to tell most things."""
    return [each for each in LAWS if each.operation is law.operation and each.name in DISTRIBUTIONS]


def _holds(law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether the law holds; of chances, without anything that is unlikely by itself."""
    most = -np.log(LIKELY) / THRESHOLD if law.name in DISTRIBUTIONS else 1.0
    try:
        return all(_evidence(law, subject, ruler, case).ratio <= most for case in law.trials)
    except TargetFault:
        return False


def _evidence(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> Evidence:
    return law.evidence(subject, ruler, law.build(case, ruler.format))


def _like(mutant: Mutant, law: Law, subject: GuardedSubject, ruler: Ruler) -> bool:
    """Whether the mutant breaks the law too, and what it returns is like what the target returns."""
    other = GuardedSubject(mutant.function, law.operation)
    compare: Callable[..., bool] = _COMPARED.get(law.operation.name, _the_same)
    try:
        if all(_evidence(law, other, ruler, case).holds for case in law.trials):
            return False
        tried = {case: each for each in (*_of_draws(law), law) for case in each.trials}
        return all(compare(subject, other, each.build(case, ruler.format).options) for case, each in tried.items())
    except TargetFault:
        return False


def _the_same(subject: GuardedSubject, other: GuardedSubject, options: dict[str, Any]) -> bool:
    """Whether both return the same, up to rounding; what calls a function of ours is not compared."""
    if "best_at" in options or "seed" in options:
        return False
    given = {name: value for name, value in options.items() if name not in ("space", "incumbent")}
    arguments = [np.asarray(options[name]) if name == "incumbent" else options[name] for name in options]
    arguments = arguments[: len(options) - len(given)]
    got, another = (each.arrays(*arguments, **given)[0] for each in (subject, other))
    if not _numbers(got, another):
        return False
    return bool(np.allclose(got, another, rtol=1e-9, atol=0, equal_nan=True))


def _draws(subject: GuardedSubject, other: GuardedSubject, options: dict[str, Any]) -> bool:
    """Whether two samplers draw alike."""
    low, high, size, seed = (options[name] for name in ("low", "high", "size", "seed"))
    got, another = (
        each.arrays(low, high, size=size, seed=start)[0] for each, start in ((subject, seed), (other, seed + LATER))
    )
    return _numbers(got, another) and _alike(Scale("linear", low, high), got, another)


def _points(subject: GuardedSubject, other: GuardedSubject, options: dict[str, Any]) -> bool:
    """Whether two searches draw each axis alike, and how far each axis is from the next."""
    space, budget, seed = (options[name] for name in ("space", "budget", "seed"))
    got, another = (
        each.arrays(space, budget=budget, seed=start)[0] for each, start in ((subject, seed), (other, seed + LATER))
    )
    if not _numbers(got, another) or got.ndim != 2 or got.shape[1] != len(space):
        return False
    positions = [
        [scale_of(axis).position(column.copy()) for axis, column in zip(space, points.T, strict=True)]
        for points in (got, another)
    ]
    apart = [[a - b for a, b in pairwise(each)] for each in positions]
    unit = Scale("linear", 0.0, 1.0)
    return all(
        _alike(unit, a, b)
        for one, two in ((positions[0], positions[1]), (apart[0], apart[1]))
        for a, b in zip(one, two, strict=True)
    )


def _numbers(got: Array, another: Array) -> bool:
    """Whether both are numbers, and as many."""
    return got.shape == another.shape and {got.dtype.kind, another.dtype.kind} <= set("iuf")


def _alike(scale: Scale, got: Array, another: Array) -> bool:
    """Whether two rows of draws may be of one kind: where they lie, how neighbours differ, how many differ, and how far
    each is from the next larger one."""
    if got.shape != another.shape or got.ndim != 1 or len(got) < 2:
        return False
    rows = [np.nan_to_num(scale.position(x.astype(np.float64))) for x in (got, another)]
    steps = [np.diff(row) for row in rows]
    gaps = [np.diff(np.sort(row)) for row in rows]
    differing = [len(np.unique(row)) for row in rows]
    if abs(differing[0] - differing[1]) > 10 + 0.05 * max(differing):
        return False
    return all(_same_distribution(*pair) for pair in (rows, steps, gaps))


def _same_distribution(a: Floats, b: Floats) -> bool:
    from scipy.stats import ks_2samp  # half a second that only violations need

    found: Any = ks_2samp(a, b)
    return bool(found.pvalue > LIKELY)


_COMPARED: dict[str, Callable[..., bool]] = {
    "sample_uniform": _draws,
    "sample_log_uniform": _draws,
    "sample_one_minus_log_uniform": _draws,
    "sample_integer": _draws,
    "random_search": _points,
}
