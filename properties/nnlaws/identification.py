"""Identification: which named conventions a black box uses, found by elimination.

Every combination of the conventions that bear on an operation is tried: the target is held to it by the operation's
laws of value. What is left fits; each of the others is eliminated by a case, as small as Hypothesis can make it.
Grades of rounding are loosened only where no combination fits without.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from nnlaws_spec.clauses import clauses

from nnlaws.api import Bench, bench, select
from nnlaws.operations import OPERATIONS, Operation, idle
from nnlaws.verdict import LawResult, Outcome, Task

Conventions = dict[str, str]


@dataclass(frozen=True)
class Trial:
    """A combination of conventions and, unless it fits, the law that eliminates it, with the smallest case."""

    conventions: Conventions
    broken: LawResult | None = None

    @property
    def fits(self) -> bool:
        return self.broken is None

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.conventions.items()) or "the notes' own choice"


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
    def refused(self) -> str:
        """Why nothing could be tried, where the target raised or died under every combination alike."""
        outcomes = {trial.broken.outcome for trial in self.trials if trial.broken}
        broken = self.trials[0].broken
        return broken.reason if broken and not self.fitting and outcomes == {Outcome.ERROR} else ""


@dataclass(frozen=True)
class Identification:
    """What was found of a target: `found` by operation and dtype."""

    target: str
    description: str
    found: tuple[Identified, ...]

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
                changing = OPERATIONS[each.operation].conventions
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
            bearing = [o for o in by_operation if name in (*OPERATIONS[o].conventions, *OPERATIONS[o].grades)]
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
    with bench(target, select(operations, (), dtypes, profile, seed, timeout)) as runs:
        plan = runs.plan()
        by_value: dict[tuple[str, str], list[Task]] = {}
        for task in plan.tasks:
            if (
                task.offered
                and task.law.endswith(("value", "distribution"))
                and _choices(OPERATIONS[task.operation], task.dtype)
            ):
                by_value.setdefault((task.operation, task.dtype), []).append(task)
        found = [_identify(runs, *key, tasks, progress) for key, tasks in by_value.items()]
    name = str(target) if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
    return Identification(name, plan.description, tuple(found))


def _identify(
    runs: Bench, operation: str, dtype: str, tasks: list[Task], progress: Callable[[str, Trial], None] | None
) -> Identified:
    """Tries all combinations of conventions, with as few grades loosened as it takes for one to fit."""
    choices = _choices(OPERATIONS[operation], dtype)
    grades = {name: values for name, values in choices.items() if name in OPERATIONS[operation].grades}
    plain = _combinations({name: values for name, values in choices.items() if name not in grades})
    trials: list[Trial] = []
    arrays = 0
    for loosened in (chosen for size in range(len(grades) + 1) for chosen in combinations(grades, size)):
        for grade in product(*(grades[name] for name in loosened)):
            for conventions in plain:
                trial, tried = _try(runs, tasks, {**conventions, **dict(zip(loosened, grade, strict=True))})
                trials.append(trial)
                arrays = max(arrays, tried if trial.fits else 0)
                if progress is not None:
                    progress(f"{operation} {dtype}", trial)
        if any(trial.fits for trial in trials):
            break
    return Identified(operation, dtype, tuple(trials), arrays)


def _try(runs: Bench, tasks: list[Task], conventions: Conventions) -> tuple[Trial, int]:
    arrays = 0
    for task in tasks:
        result = runs.run(replace(task, trial=conventions))
        arrays += result.cases
        if result.outcome not in (Outcome.CONFORMS, Outcome.DECLARED):
            return Trial(conventions, result), arrays
    return Trial(conventions), arrays


def _choices(operation: Operation, dtype: str) -> dict[str, list[str]]:
    """For each convention that bears on the operation, the values that its chapter names, but for finer grades."""
    choices: dict[str, list[str]] = {}
    for clause in clauses().values():
        for variant in clause.variants if clause.chapter == operation.chapter else ():
            bears = variant.name in (*operation.conventions, *operation.grades)
            if variant.value == "two_pass" or idle(variant.name, dtype):
                continue
            if bears and variant.value not in choices.setdefault(variant.name, []):
                choices[variant.name].append(variant.value)
    return {name: values for name, values in choices.items() if values}


def _combinations(choices: dict[str, list[str]]) -> list[Conventions]:
    """All of them, the fewest conventions first."""
    every = product(*([None, *values] for values in choices.values()))
    named = [{name: value for name, value in zip(choices, chosen, strict=True) if value} for chosen in every]
    return sorted(named, key=len)
