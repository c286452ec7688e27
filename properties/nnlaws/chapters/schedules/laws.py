"""The laws of chapters/schedules.md: values against the exact ones, structure within the rounding of the loosest
convention.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.entries import by_itself, shuffled
from nnlaws.authoring.evidence import Evidence, agree
from nnlaws.authoring.law import Law, laws_of, slack, values
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.schedules import at_size
from nnlaws.chapters.schedules import inputs as cases
from nnlaws.chapters.schedules.operations import OPERATIONS

RATES = ("start", "end", "peak", "initial")


def value(f: Subject, ruler: Ruler, step: Array, **options: Any) -> Evidence:
    """The learning rate is what its formula says."""
    return values(f, ruler, step, **options)


def first_rate(f: Subject, ruler: Ruler, step: Array, **options: Any) -> Evidence:
    """At step 0 it is the first one: 0 before a warm-up, or what the convention makes of it."""
    warmup = options.get("warmup", 0.0)
    if not warmup:
        first = next(options[name] for name in ("start", "initial", "peak") if name in options)
    else:
        parts = {"from_one": 1 / warmup, "one_more": 1 / (warmup + 1)}
        first = options["peak"] * parts.get(ruler.conventions.get("warmup_start", ""), 0.0)
    want = np.full(step.shape, first)
    allowed = ruler.loose(step, **options).error + ruler.format.u * want
    return agree(f(step, **options), want, allowed, ruler.format, "the first learning rate")


def last_rate(f: Subject, ruler: Ruler, step: Array, **options: Any) -> Evidence:
    """From the last step on it is the last one."""
    want = np.full(step.shape, options["end"])
    allowed = ruler.loose(step, **options).error + ruler.format.u * want
    over = step.astype(np.float64) >= options["steps"]  # a narrow type may not count so far
    if ruler.conventions.get("beyond") == "periodic":
        over &= step.astype(np.float64) == options["steps"]
    got = np.where(over, f(step, **options), want)
    return agree(got, want, allowed, ruler.format, "the last learning rate")


def between(f: Subject, ruler: Ruler, step: Array, **options: Any) -> Evidence:
    """It is between the smallest of its rates and the largest."""
    given = [options[name] for name in RATES if name in options]
    falling = len(given) == 1 or options.get("warmup") or ruler.conventions.get("restart") == "rate"
    least = 0.0 if falling else min(given)
    rates = f(step, **options)
    allowed = ruler.loose(step, **options).error + ruler.format.u * max(given)
    inside = np.clip(rates, least, max(given))
    return agree(rates, inside, allowed, ruler.format, "a rate between the ends")


def proportional(f: Subject, ruler: Ruler, step: Array, **options: Any) -> Evidence:
    """Twice the rates given give twice the rate."""
    doubled = {name: 2 * number if name in RATES else number for name, number in options.items()}
    rates = f(step, **options)
    allowed = slack(rates, ruler.loose(step, **options), ruler.format)
    got = f(step, **doubled)
    return agree(got, 2 * rates, 4 * allowed, ruler.format, "twice the rate from half the rates given")


def _laws_of(operation: Operation) -> Callable[..., Law]:
    build, shares = cases.BUILDERS[operation], {"value": 0.6, "structure": 0.2}
    return laws_of(operation, build, cases.step_cases, shares, m=cases.SAMPLES, columns=cases.COLUMNS, lanes=8)


VALUE: Any = {"kind": "value"}


def _laws() -> tuple[Law, ...]:
    found: list[Law] = []
    for operation in OPERATIONS:
        schedule, (clause, statement) = _laws_of(operation), at_size.STATEMENTS[operation]
        found += [
            schedule(clause, value, statement, **VALUE, boundary=cases.boundary(operation)),
            schedule("SD-7", first_rate, "it begins where it is told to", cases.first_step(operation), m=(1, 2)),
            schedule("SD-9", between, "it stays between its ends"),
            schedule("SD-10", by_itself, "it depends on its step alone", shuffled(cases.BUILDERS[operation]), m=(2, 6)),
            schedule("SD-11", proportional, "it is proportional to its rates"),
        ]
        if "steps" in operation.options:
            found.append(schedule("SD-8", last_rate, "it ends where it is told to", cases.last_steps(operation)))
    return tuple(found)


LAWS: tuple[Law, ...] = (*_laws(), *at_size.LAWS)
