"""Under which conventions a target is judged that declares none: found on a few usual cases, before its laws run.

What is recognised, a layer as its library has it, says nothing of conventions. The first combination that a few cases
of each law of value hold under is taken; the laws then run under it, and see whatever the few cases did not. An
operation that no combination comes near to is not judged: the target has its arguments, as RAdam has Adam's, and is
something else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.errors import TargetError
from nnlaws_server.loading import named

from nnlaws.authoring.case import expand
from nnlaws.authoring.convention import Convention, each_combination, values
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, TargetFault
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.diagnosis import by_results
from nnlaws.harness.limits import Beyond
from nnlaws.harness.methods import few
from nnlaws.harness.search import evaluate
from nnlaws.harness.targets import Target
from nnlaws.isolation.guard import GuardedSubject, Watch
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of

NEAR = 0.02  # of the largest entry, by which what is called so may be off, and is still meant to be the same formula
WORDS = {
    "gradient_descent": ("sgd", "descent"),
    "momentum": ("sgd", "momentum"),
    "rmsprop": ("rmsprop",),
    "adam": ("adam",),
    "adamw": ("adamw", "adam"),
}
"""What is in the name of an optimizer that is meant to be one: others that come near are another algorithm."""
SAME = {"", "w", "tf", "8bit", "32bit", "paged", "fused", "foreach", "cpu", "my", "custom", "simple", "naive", "plain"}
"""What else may be in the name of one, and it is still the same."""
_NEUTRAL = """
my own custom simple naive plain basic numpy np scratch from with by and optimizer optimiser optim update updates step
apply parameters params weights w b variables gd sgd gradient descent new fn func function class algorithm method
"""
NEUTRAL = frozenset(_NEUTRAL.split())
"""Words in a name that say nothing of another algorithm."""
CALLED = {
    "gradient_descent": {"sgd", "gd", "descent"},
    "momentum": {"sgd", "momentum"},
    "rmsprop": {"rmsprop"},
    "adam": {"adam", "adamw"},
    "adamw": {"adamw"},
}
"""What is in the name of a function or a class of someone's own that is meant to be one, if all else is neutral."""
OTHERS = re.compile(r"(?<![a-z])[NR][Aa]dam|(?<![A-Za-z])[nr]adam|[Aa]da[Mm]ax|AMS[Gg]rad|(?i:amsgrad)")
"""Algorithms of their own, in whose names one of ours is."""
CASES, OPTIONS = 44, 11  # that a law is tried on, and with how many options
MOST = 3  # weaker bounds that are tried together
TOGETHER_AS = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
"""Operations that one layer is."""
WIDELY, FEW = 60, 5  # boundary cases, and sizes, by which what is called otherwise is told apart
APART = 24  # cases by which an algorithm is told from another

Conventions = Mapping[str, str]


@dataclass(frozen=True)
class Fit:
    """The first combination that a few cases hold under, fewest weaker bounds first; or how far the nearest is off."""

    conventions: Conventions | None
    off: float = 0.0
    fault: str = ""  # what it raised, where it did so in every case


def judged_as(target: Target, selection: Selection, watch: Watch) -> Target:
    """The target under the conventions that fit, of the operations that it comes near to at all.

    Where none fits an operation, those that fit the target's others are its own too, as far as they bear on it.
    """
    tried: dict[str, list[tuple[str, Fit]]] = {}
    for name in target.operations:
        judging = chapter_of(OPERATIONS[name]).judging
        if isinstance(judging, Rounding) and (not selection.operations or name in selection.operations):
            dtypes = judging.dtypes(selection.dtypes, target.dtypes)
            tried[name] = [(dtype, _fit(target, OPERATIONS[name], dtype, watch)) for dtype in dtypes]
    tried = _agreed(tried)
    shared = {
        key: value
        for found in tried.values()
        for _, fit in found
        if fit.conventions is not None
        for key, value in fit.conventions.items()
    }
    declared, left, told = dict(target.conventions), dict(target.operations), list(target.recognised)
    for name, found in tried.items():
        usual = name not in WORDS  # no algorithm that has others beside it
        meant = usual or _is_meant(target, name)
        near = NEAR if meant and not usual else 0.0
        far = all(fit.conventions is None and fit.off > near for _, fit in found)
        if not far and not meant and not target.insisted:
            far = not all(_holds_widely(target, name, dtype, fit, watch) for dtype, fit in found)
        called = far and _is_called(target, name) and not any(fit.fault for _, fit in found)
        known = meant and far and not called and any(_is_known(target, name, dtype, watch) for dtype, _ in found)
        if not target.insisted and far and not known and not called:
            left.pop(name)
            reasons = dict.fromkeys(fit.fault for _, fit in found if fit.fault)
            off = min((fit.off for _, fit in found), default=np.inf)
            apart = f", off by {100 * off:.2g} % under the nearest conventions" if 0 < off < np.inf else ""
            apart = apart or " on some inputs" * (off == 0)
            why = f"it raised: {'; '.join(reasons)}" if reasons else ""
            why = why or f"it has its arguments, and does something else{apart}"
            told.append(f"not judged as {name}: {why} (--as {name} insists)")
            continue
        own = {each.name for each in OPERATIONS[name].conventions}
        of_others = {key: value for key, value in shared.items() if key in own}
        chosen = {dtype: of_others if fit.conventions is None else fit.conventions for dtype, fit in found}
        for dtype, conventions in chosen.items():
            declared |= {f"{name}.{dtype}.{key}": value for key, value in conventions.items()}
        told += _told(name, chosen)
    return replace(target, conventions=declared, operations=left, recognised=tuple(told))


def as_it_is(target: Target, why: str) -> Target:
    """The target under the notes' own conventions, where it cannot be tried. Raises TargetError for what may be
    something else, which trying would tell.
    """
    if not target.insisted:
        raise TargetError(f"tried on a few cases, to tell what it is, {why}")
    return replace(target, recognised=(*target.recognised, f"judged as the notes have it: when it was tried, {why}"))


def _agreed(tried: Mapping[str, list[tuple[str, Fit]]]) -> dict[str, list[tuple[str, Fit]]]:
    """The same, where what one layer does in training decides what it is to do elsewhere: one layer has one ε."""
    agreed: dict[str, list[tuple[str, Fit]]] = {}
    first: dict[tuple[str, str], str] = {}  # by dtype and convention
    for name, found in tried.items():
        bearing = {each.name for each in OPERATIONS[name].conventions if each.effect == "value"}
        agreed[name] = []
        for dtype, fit in found:
            own = fit.conventions
            if own is not None and name in TOGETHER_AS:
                kept = {key: value for key in bearing if (value := first.get((dtype, key), own.get(key, "")))}
                for key in bearing:
                    first.setdefault((dtype, key), own.get(key, ""))
                own = {**{key: value for key, value in own.items() if key not in bearing}, **kept}
            agreed[name].append((dtype, replace(fit, conventions=own)))
    return agreed


def _is_called(target: Target, name: str) -> bool:
    """Whether it has just the operation's name, with nothing else in it but how it is computed: then what it does
    otherwise is no other algorithm, but wrong.
    """
    module, _, whole = named(target.name).name.rpartition(":")
    if module.endswith(".py"):
        return name in CALLED and bool(CALLED[name] & (said := _words(whole))) and said <= NEUTRAL | CALLED[name]
    before, found, after = re.sub(r"[^a-z0-9]", "", whole.lower()).partition(name)
    return name in WORDS and bool(found) and {before, after} <= SAME


def _words(name: str) -> set[str]:
    """The words of a name, in small letters.

    >>> sorted(_words("RMSPropOptimizer")), sorted(_words("update_params_adam_w")), sorted(_words("MySGD2"))
    (['optimizer', 'rmsprop'], ['adamw', 'params', 'update'], ['my', 'sgd'])
    """
    whole = re.sub(r"(?i)rms_?prop", "_Rmsprop_", re.sub(r"(?i)adam_?w(?![a-z])", "_Adamw_", name))
    return {word.lower() for word in re.findall(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]", whole)}


def _is_meant(target: Target, name: str) -> bool:
    """Whether it is called so: of what a library has, with nothing else in its name but how it is computed."""
    module, _, own = named(target.name).name.rpartition(":")
    if OTHERS.search(own):
        return False
    for word in WORDS.get(name, ()):
        before, found, after = re.sub(r"[^a-z0-9]", "", own.lower()).partition(word)
        if found and (module.endswith(".py") or {before, after} <= SAME):
            return True
    return False


def _told(name: str, found: Mapping[str, Conventions]) -> list[str]:
    """A line for what one or several dtypes are judged as."""
    by_words: dict[str, list[str]] = {}
    for dtype, conventions in found.items():
        words = ", ".join(f"{key} = {value}" for key, value in conventions.items())
        by_words.setdefault(words, []).append(dtype)
    if set(by_words) == {""}:
        return []
    return [
        f"{name} judged as {words or 'the notes have it'}" + (f" ({', '.join(dtypes)})" if len(by_words) > 1 else "")
        for words, dtypes in by_words.items()
    ]


def _fit(target: Target, operation: Operation, dtype: str, watch: Watch) -> Fit:
    ruler = Ruler(operation, format_of(DTYPES[dtype]), target.conventions_for(operation.name, dtype))
    subject, limits = GuardedSubject(target.operations[operation.name], operation, watch), target.limits.of(operation)
    laws = [limits.law(law) for law in LAWS if law.operation is operation and law.kind == "value"]
    cases = [(law, case) for law in laws for case in _cases(law)]
    bearing = [each for each in operation.conventions if dtype in each.dtypes and each.effect != "tighter bound"]
    left = [each for each in bearing if each.name not in ruler.conventions]
    weaker = {each.name for each in left if each.effect == "weaker bound"}
    if fault := _fault(laws[0], subject, ruler):
        return Fit(None, np.inf, fault)
    off = np.inf
    for conventions in _tried(left):
        tried = ruler.declaring(conventions)
        failing = next((each for each in cases if not _holds(each[0], subject, tried, each[1])), None)
        if failing is None:
            return Fit(conventions)
        if not weaker & conventions.keys():
            off = min(off, _off([*((laws[0], case) for case in _cases(laws[0])[:APART]), failing], subject, tried))
    return Fit(None, off)


def _is_known(target: Target, name: str, dtype: str, watch: Watch) -> bool:
    """Whether the operation does just what a known mistake does: then it is meant to be one."""
    operation, chapter = OPERATIONS[name], chapter_of(OPERATIONS[name])
    ruler = Ruler(operation, format_of(DTYPES[dtype]), target.conventions_for(name, dtype))
    subject = GuardedSubject(target.operations[name], operation, watch)
    law = next(target.law(law.id) for law in LAWS if law.operation is operation and law.kind == "value")
    failing: list[tuple[Case, Evidence]] = []
    for case in filter(law.admits, few(law)):
        try:
            evidence = evaluate(law, subject, ruler, case)
        except NotOffered:
            continue
        except TargetFault:
            return False
        if not evidence.holds:
            failing.append((case, evidence))
    if not failing:
        return False
    _, _, cause, _ = by_results.explain(chapter, law, subject, ruler, failing[:1], 0.0)
    return cause is not None and cause.name in {mutant.name for mutant in chapter.mutants_of(operation)}


def _holds_widely(target: Target, name: str, dtype: str, fit: Fit, watch: Watch) -> bool:
    """Whether what is called otherwise is the same on many more cases, large ones too: some projects or clips its steps
    now and then alone.
    """
    operation, conventions = OPERATIONS[name], {**target.conventions_for(name, dtype), **(fit.conventions or {})}
    ruler = Ruler(operation, format_of(DTYPES[dtype]), conventions)
    subject = GuardedSubject(target.operations[name], operation, watch)
    for law in [target.law(law.id) for law in LAWS if law.operation is operation]:
        if law.kind == "value" and law.boundary:
            cases = [*law.boundary(ruler.format, law.m, law.columns)][:WIDELY]
        else:
            cases = [*law.trials[:FEW]] if law.at_size else []
        if not all(_holds(law, subject, ruler, case) for case in cases):
            return False
    return True


def _tried(conventions: list[Convention]) -> Iterator[Conventions]:
    changing = values(each for each in conventions if each.effect == "value")
    weaker = values(each for each in conventions if each.effect != "value")
    for size in range(min(len(weaker), MOST) + 1):
        for names in combinations(weaker, size):
            for bound in product(*(weaker[name] for name in names)):
                for plain in each_combination(changing):
                    yield {**plain, **dict(zip(names, bound, strict=True))}


def _cases(law: Law) -> list[Case]:
    """A few of every size, family and level, and with several options, by which conventions are told apart."""
    judging = chapter_of(law.operation).judging
    assert isinstance(judging, Rounding)
    found: list[Case] = []
    for number in range(CASES):
        size = law.m[number % 2], law.columns[number // 2 % 2]
        family, level = judging.families[number % len(judging.families)], judging.levels[number % len(judging.levels)]
        found.append(Case(*size, family, level, number + TOGETHER * (number % OPTIONS)))
    return [case for case in (*few(law), *found) if law.admits(case)]


def _fault(law: Law, subject: GuardedSubject, ruler: Ruler) -> str:
    """What the target raises, if it does so in each of a few cases."""
    faults: list[str] = []
    for case in filter(law.admits, few(law)):
        try:
            evaluate(law, subject, ruler, case)
        except Beyond:
            continue
        except TargetFault as fault:
            faults.append(str(fault))
        else:
            return ""
    return faults[0] if faults else ""


def _holds(law: Law, subject: GuardedSubject, ruler: Ruler, case: Case) -> bool:
    """Whether it does, where it is about such a case, and the target takes it."""
    if not law.admits(case):
        return True
    try:
        return evaluate(law, subject, ruler, case).holds
    except NotOffered:
        return True
    except TargetFault:
        return False


def _off(cases: Sequence[tuple[Law, Case]], subject: GuardedSubject, ruler: Ruler) -> float:
    """How far results are off, in parts of the largest entry, of an optimizer's of the moves: the most of several."""
    found: list[float] = []
    for law, case in cases:
        inputs = expand(law.build, case, ruler.format, 1)
        if inputs.extra:
            continue
        try:
            got = subject.results(*inputs.arguments, **inputs.options)
        except NotOffered:
            continue
        except TargetFault:
            found.append(np.inf)
            continue
        start = inputs.arguments[0][:, None] if "theta" in law.operation.arguments else 0.0
        measures = ruler.measures(*inputs.arguments, **inputs.options)
        for result, measure in zip(got, measures, strict=True):
            want = measure.exact.hi - np.asarray(start, np.float64)
            with np.errstate(all="ignore"):
                apart = np.abs(result - measure.exact.hi) - measure.allowed
                worst = np.nanmax(np.where(np.isfinite(measure.exact.hi), apart, 0.0), initial=0.0)
                largest = np.nanmax(np.abs(np.where(np.isfinite(want), want, 0.0)), initial=0.0)
            found.append(0.0 if worst <= 0 else worst / largest if largest > 0 else np.inf)
    return max(found, default=np.inf)
