"""Identification: which named conventions a black box uses, found by elimination.

Every combination of the conventions that bear on an operation is tried: the target is held to it by the operation's
laws of value. What is left fits; each of the others is eliminated by a case, as small as Hypothesis can make it.
Bounds are weakened only where no combination fits without.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import inf
from typing import Any

from nnlaws.api import Runner, runner, select
from nnlaws.authoring.convention import each_combination, values
from nnlaws.authoring.operation import Operation
from nnlaws.chapters import OPERATIONS
from nnlaws.plan import Task
from nnlaws.report import LawResult, Outcome

Conventions = dict[str, str]


@dataclass(frozen=True)
class Trial:
    """A combination of conventions and, unless it fits, the law that eliminates it, with the smallest case.

    held: how many laws held before that one.
    """

    conventions: Conventions
    broken: LawResult | None = None
    held: int = 0

    @property
    def fits(self) -> bool:
        return self.broken is None

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.conventions.items()) or "the clauses' own choice"


@dataclass(frozen=True)
class Identified:
    """What was found of one operation in one dtype. arrays: how many the combinations that fit were held to."""

    operation: str
    dtype: str
    trials: tuple[Trial, ...]
    arrays: int

    @property
    def fitting(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.fits]

    @property
    def nearest(self) -> Trial:
        """Where none fits, the combination under which the most laws held, then the one that errs least."""
        return min(self.trials, key=lambda trial: (-trial.held, _ratio(trial), len(trial.conventions)))

    @property
    def refused(self) -> str:
        """Why nothing could be tried, where the target raised or died under every combination alike."""
        outcomes = {trial.broken.outcome for trial in self.trials if trial.broken}
        broken = self.trials[0].broken
        return broken.reason if broken and not self.fitting and outcomes == {Outcome.ERROR} else ""


def _ratio(trial: Trial) -> float:
    """How far beyond what is allowed, in the law that eliminates it."""
    worst = trial.broken.worst if trial.broken else 0.0
    return inf if worst is None else worst


@dataclass(frozen=True)
class Identification:
    """What was found of a target: `found` by operation and dtype.

    plugins: chapters of other packages, with package and version. left_out: a line for each of those that is broken.
    """

    target: str
    description: str
    found: tuple[Identified, ...]
    plugins: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether exactly one combination fits each operation, the same in every dtype."""
        return all(len(each.fitting) == 1 for each in self.found) and not self.torn

    @property
    def torn(self) -> list[str]:
        """The operations that follow one convention in one dtype and another in another: no declaration says that."""
        seen: dict[str, set[frozenset[tuple[str, str]]]] = {}
        for each in self.found:
            for trial in each.fitting[:1]:
                changing = OPERATIONS[each.operation].changing
                found = frozenset(pair for pair in trial.conventions.items() if pair[0] in changing)
                seen.setdefault(each.operation, set()).add(found)
        return [operation for operation, all_found in seen.items() if len(all_found) > 1]

    @property
    def declaration(self) -> Conventions:
        """The conventions to declare: what fits in every dtype, under the operation's name where operations differ."""
        by_operation: dict[str, Conventions] = {}
        for operation in dict.fromkeys(each.operation for each in self.found):
            alone = [each.fitting[0].conventions for each in self.found if each.operation == operation and each.fitting]
            by_operation[operation] = {name: value for found in alone for name, value in found.items()}
        declared: Conventions = {}
        for name in dict.fromkeys(name for found in by_operation.values() for name in found):
            bearing = [o for o in by_operation if name in {each.name for each in OPERATIONS[o].conventions}]
            values = {by_operation[operation].get(name, "") for operation in bearing}
            if len(values) == 1:
                declared[name] = values.pop()
            else:
                declared |= {f"{o}.{name}": by_operation[o][name] for o in bearing if name in by_operation[o]}
        return declared


def identify(
    target: Any,
    *,
    operations: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    profile: str = "ci",
    seed: int | None = None,
    timeout: float = 10.0,
    progress: Callable[[str, Trial], None] | None = None,
) -> Identification:
    """Finds which conventions an implementation uses, whatever it declares itself.

    target, operations, dtypes, profile, seed, timeout: as for `check`. progress: called after each combination with the
    operation and dtype, and the trial. Raises LoadError and UsageError as `check` does.
    """
    with runner(target, select(operations, (), dtypes, profile, seed, timeout)) as runs:
        plan = runs.plan()
        by_value: dict[tuple[str, str], list[Task]] = {}
        for task in plan.tasks:
            if task.offered and task.kind == "value" and _choices(OPERATIONS[task.operation], task.dtype):
                by_value.setdefault((task.operation, task.dtype), []).append(task)
        tried = (_identify(runs, *key, tasks, progress) for key, tasks in by_value.items())
        found = [each for each in tried if each is not None]
    name = str(target) if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
    return Identification(name, plan.description, tuple(found), plan.plugins, plan.left_out)


def _identify(
    runs: Runner, operation: str, dtype: str, tasks: list[Task], progress: Callable[[str, Trial], None] | None
) -> Identified | None:
    """Tries all combinations of conventions, with as few bounds weakened as it takes for one to fit; None where no law
    finds the operation offered.
    """
    choices = _choices(OPERATIONS[operation], dtype)
    weaker = {name: values for name, values in choices.items() if name not in OPERATIONS[operation].changing}
    plain = each_combination({name: values for name, values in choices.items() if name not in weaker})
    trials: list[Trial] = []
    arrays = 0
    for weakened in (chosen for size in range(len(weaker) + 1) for chosen in combinations(weaker, size)):
        for bound in product(*(weaker[name] for name in weakened)):
            for conventions in plain:
                trial, tried, judged = _try(runs, tasks, {**conventions, **dict(zip(weakened, bound, strict=True))})
                if not judged:
                    return None
                trials.append(trial)
                arrays = max(arrays, tried if trial.fits else 0)
                if progress is not None:
                    progress(f"{operation} {dtype}", trial)
        if any(trial.fits for trial in trials):
            break
    return Identified(operation, dtype, tuple(trials), arrays)


def _try(runs: Runner, tasks: list[Task], conventions: Conventions) -> tuple[Trial, int, bool]:
    """The trial, how many arrays it took, and whether any law judged: one that is not offered counts for nothing."""
    arrays = held = 0
    judged = False
    for task in tasks:
        result = runs.run(replace(task, trial=conventions))
        arrays += result.cases
        if result.outcome is Outcome.NOT_OFFERED:
            continue
        judged = True
        if result.outcome in (Outcome.VIOLATES, Outcome.ERROR):
            return Trial(conventions, result, held), arrays, True
        held += 1
    return Trial(conventions, held=held), arrays, judged


def _choices(operation: Operation, dtype: str) -> dict[str, list[str]]:
    """For each convention that bears on the operation, its values, but for those whose bound is tighter."""
    bearing = (each for each in operation.conventions if dtype in each.dtypes and each.effect != "tighter bound")
    return values(bearing)
