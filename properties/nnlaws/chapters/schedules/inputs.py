"""Inputs for schedules: steps, and the numbers of each schedule. A case's m counts the steps that are asked for."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from hypothesis import strategies as st
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Boundary, Builder, Inputs, Range, RowFamily, Strategy, cases, large
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation, Option
from nnlaws.authoring.token import Case
from nnlaws.chapters.schedules.operations import OPERATIONS
from nnlaws.rounding.formats import Floats, Format

SAMPLES = (1, 6)  # how many steps laws draw that are about any number of them
SINGLE = 24  # digits of float32
LEVELS = (0, 1, 2, 3, 10, 30, 100, 200)  # where a cause is sought
LAST = 200  # the largest k
LARGEST = {"float16": 2048, "bfloat16": 256, "float32": 100_000, "float64": 100_000}
"""The last step: up to it the narrow types hold every whole number, and a scheduler that can only be stepped gets there
in a second. What goes wrong in larger numbers is not seen.
"""

RESTARTS, MANY = 8, 50_000  # restarts that are tried, and the step up to which
OFTEN = 1100  # cycles: 2 to that is beyond a double

COLUMNS: Range = (1, 1)  # steps have none
LATER = 5000  # steps after the last, where the format holds them

START = (0.2, 0.1, 1.0, 0.0, 3.0, 1e-4, 0.75)
END = (0.0, 0.01, 0.1, 0.5, 1e-6, 0.2)
STEPS = (10.0, 7.0, 100.0, 1.0, 3.0, 30.0, 49.0, 1000.0, 2.0)
INITIAL = (0.02, 0.0, 0.1, 1.0, 0.5, 1e-4)
LOW = (0.01, 0.0, 0.1, 0.5, 1e-6, 0.2)  # above 0 first: of a one-cycle it is often a part of another
STEPS_AFTER = (10.0, 7.0, 100.0, 30.0, 49.0, 1000.0)  # beyond any warm-up
_ENDS = {"start": START, "end": END, "steps": STEPS}
_WARMED = {
    "peak": START,
    "end": END,
    "warmup": (2.0, 3.0, 1.0, 0.0, 5.0),
    "steps": (10.0, 7.0, 100.0, 30.0, 6.0, 1000.0),
}
STRETCH = (1.0, 2.0, 3.0, 4.0)
SHRINK = (1.0, 0.5, 0.9, 0.75)
UP = (2.0, 3.0, 1.0)
NUMBERS: dict[str, dict[str, tuple[float, ...]]] = {
    "linear_schedule": _ENDS,
    "polynomial_schedule": {**_ENDS, "power": (2.0, 0.5, 1.0, 3.0, 0.9)},
    "cosine_schedule": _ENDS,
    "warmup_linear_schedule": _WARMED,
    "warmup_cosine_schedule": _WARMED,
    "inverse_root_schedule": {"initial": START, "timescale": (10.0, 1.0, 100.0, 7.0, 10_000.0, 0.5)},
    "cosine_restarts_schedule": {
        **{"start": START, "end": END, "period": (10.0, 7.0, 1.0, 3.0, 100.0, 49.0)},
        **{"stretch": STRETCH, "shrink": SHRINK},
    },
    "one_cycle_schedule": {"initial": INITIAL, "peak": START, "end": LOW, "up": UP, "steps": STEPS_AFTER},
    "warmup_stable_decay_schedule": {
        **{"peak": START, "end": END, "warmup": (2.0, 3.0, 1.0, 0.0), "stable": (3.0, 0.0, 1.0, 2.0)},
        "steps": STEPS_AFTER,
    },
    "cyclical_schedule": {
        **{"initial": INITIAL, "peak": START, "up": (*UP, 10.0, 49.0), "down": (2.0, 5.0, 1.0, 10.0)},
        "shrink": (*SHRINK, 0.999),
    },
}
"""The usual, the first of each the simplest; 0 wherever a clause allows it, and 1 and more; few steps, and many."""

FAMILIES: dict[str, RowFamily] = {
    "counted": lambda random, m, k: k + np.arange(m, dtype=np.float64),
    "same": lambda random, m, k: np.full(m, float(k)),
    "drawn": lambda random, m, k: np.floor(random.random(m) * (k + 1)),
    "far": lambda random, m, k: np.floor(2.0 ** (random.random(m) * (k / LAST * 14))),
    "turns": lambda random, m, k: np.zeros(m),  # see `turns`
}
"""m steps, simplest first: one after another from k on; all k; up to k in any order; up to thousands; about those at
which the schedule turns.
"""


def turns(options: Mapping[str, Option]) -> Floats:
    """0, the last step of a warm-up and the last of all, one before each and one after; twice the last; later; where it
    begins again, also when it has often done so.
    """
    given = {name: value for name, value in options.items() if isinstance(value, float)}
    at = [int(given[name]) for name in ("warmup", "up", "steps") if name in given] or [10]
    level = [int(given["warmup"] + given["stable"])] if "stable" in given else []
    found = {0, 1, 2 * at[-1], at[-1] + LATER, *(each + more for each in (*level, *at) for more in (-1, 0, 1))}
    if "down" in given:
        cycle = given["up"] + given["down"]
        found |= {int(each * cycle + more) for each in (1, 2, OFTEN) for more in (-1, 0, given["up"])}
    if "stretch" in given:
        lengths = given["period"] * given["stretch"] ** np.arange(RESTARTS)
        found |= {int(begin + more) for begin in np.cumsum(lengths) if begin < MANY for more in (-1, 0, 1)}
    return np.array(sorted(each for each in found if each >= 0), np.float64)


@cache
def step_cases(format: Format, m: Range, columns: Range) -> st.SearchStrategy[Case]:
    """Cases of whole steps, which an overlay puts in as whole numbers too."""
    return cases(tuple(FAMILIES), LAST, st.sampled_from((0.0, 1.0, 2.0, 10.0, 100.0)), m, columns)


def steps(case: Case, format: Format, options: Mapping[str, Option]) -> Array:
    """(m,) whole numbers from 0 on."""
    if case.family not in FAMILIES:
        raise UsageError(f"unknown family {case.family!r} in the case {case}; there are {', '.join(FAMILIES)}")
    random = case.random("steps")
    drawn = FAMILIES[case.family](random, case.m, abs(case.k))
    if case.family == "turns":
        drawn = np.resize(random.permutation(turns(options)) if case.k else turns(options), case.m)
    return np.clip(np.rint(np.abs(case.overlay(drawn))), 0, LARGEST[format.name]).astype(format.dtype)


def numbers(operation: Operation, case: Case) -> dict[str, Option]:
    """Those of the schedule, the same for all lanes of the case; the first of each for the simplest; or what the case
    sets itself.
    """
    chosen = NUMBERS[operation.name]
    random = Case(1, 1, "", 0, case.group).random("numbers")
    picked = {name: values[int(random.integers(len(values))) if case.group else 0] for name, values in chosen.items()}
    return {name: type(value)(case.setting(name, value)) for name, value in picked.items()}


def inputs(operation: Operation) -> Builder:
    """Steps, and the schedule's numbers."""

    def build(case: Case, format: Format) -> Inputs:
        options = numbers(operation, case)
        return Inputs((steps(case, format, options),), options=options)

    return build


BUILDERS: dict[Operation, Builder] = {operation: inputs(operation) for operation in OPERATIONS}

THOUSAND = 1000
PLACES = 32  # where those turn that turn often
LONG = 300_007.0  # more steps than are ever asked for


def boundary(operation: Operation) -> Boundary:
    """What chance hardly ever finds, whatever the schedule: every step up to 1000, of schedules of 10 and of 1000;
    where it turns, for each of its numbers; and arrays of the large shapes.
    """

    def cases_of(format: Format, m: Range, columns: Range) -> list[Case]:
        usual = NUMBERS[operation.name]
        again = "steps" not in usual  # it has no end
        places = PLACES if {"stretch", "down", "stable"} & usual.keys() else 12
        found = [Case(THOUSAND + 1, 1, "counted", 0, 0), Case(places, 1, "turns", 0, 0)]
        if again and format.digits >= SINGLE:
            found.append(Case(THOUSAND, 1, "counted", LARGEST[format.name] - THOUSAND, 0))
        if "steps" in usual:
            found.append(Case(THOUSAND + 1, 1, "counted", 0, 0, settings=(("steps", float(THOUSAND)),)))
            if format.digits >= SINGLE:
                late = LARGEST[format.name] - THOUSAND
                found.append(Case(THOUSAND, 1, "counted", late, 0, settings=(("steps", LONG),)))
        for name in ("warmup", "up", "stable"):  # but for one step, and of one step
            others = tuple((other, 0.0) for other in ("warmup", "stable") if other in usual and other != name)
            both = ((9.0, 10.0), (1.0, 2.0), *(((0.0, 1.0),) if name != "up" else ()))
            if name in usual and not again:
                settings = [((name, count), *others, ("steps", steps)) for count, steps in both]
                found += [Case(places, 1, "turns", 0, 0, settings=each) for each in settings]
        for name, values in usual.items():
            found += [Case(places, 1, "turns", 0, 0, settings=((name, value),)) for value in values[1:]]
        return [*found, *large("drawn", LAST, m, columns)]

    return cases_of


def _with_steps(change: Callable[[Array, Mapping[str, Option]], Array], operation: Operation) -> Builder:
    """The same inputs with the steps changed."""

    def build(case: Case, format: Format) -> Inputs:
        given = BUILDERS[operation](case, format)
        changed = np.minimum(change(given.arguments[0], given.options), LARGEST[format.name])
        return Inputs((changed.astype(format.dtype),), options=given.options)

    return build


def first_step(operation: Operation) -> Builder:
    """Step 0 alone, however often."""
    return _with_steps(lambda step, options: np.zeros_like(step), operation)


def last_steps(operation: Operation) -> Builder:
    """The step at which the schedule ends, where the format holds it, and later ones."""
    return _with_steps(lambda step, options: step.astype(np.float64) + float(str(options["steps"])), operation)


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return BUILDERS[operation], step_cases


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """The same: steps have no other size."""
    return BUILDERS[operation], step_cases
