"""The laws of chapters/decay.md: values against the exact ones, structure within the rounding of the loosest
convention.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.entries import by_itself, shuffled
from nnlaws.authoring.evidence import Evidence, agree, require, worst
from nnlaws.authoring.law import Law, laws_of, slack, values
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.decay import at_size
from nnlaws.chapters.decay import inputs as cases
from nnlaws.chapters.decay.operations import EXPONENTIAL_DECAY, INVERSE_ROOT_DECAY, INVERSE_TIME_DECAY, STAIRCASE_DECAY
from nnlaws.rounding.formats import Floats


def value(f: Subject, ruler: Ruler, epoch: Array, **options: Any) -> Evidence:
    """The learning rate is what its formula says."""
    return values(f, ruler, epoch, **options)


def first_rate(f: Subject, ruler: Ruler, epoch: Array, **options: Any) -> Evidence:
    """At epoch 0 it is the initial one, or `factor` times it."""
    want = np.full(epoch.shape, options["initial"] * options.get("factor", 1.0))
    allowed = ruler.loose(epoch, **options).error + ruler.format.u * want
    return agree(f(epoch, **options), want, allowed, ruler.format, "the initial learning rate")


def never_growing(f: Subject, ruler: Ruler, epoch: Array, **options: Any) -> Evidence:
    """From an epoch to a later one it does not grow, and it is never below 0."""
    rates = f(epoch, **options)
    allowed = slack(rates, ruler.loose(epoch, **options), ruler.format)
    before, after, both = rates[:, :-1], rates[:, 1:], allowed[:, :-1] + allowed[:, 1:]
    falling = agree(after, np.minimum(after, before), both, ruler.format, "at most the rate of the epoch before")
    return worst(falling, require((rates >= 0).all(axis=-1), "a learning rate is below 0, or NaN", rates))


def proportional(f: Subject, ruler: Ruler, epoch: Array, *, initial: float, **options: Any) -> Evidence:
    """Twice the initial rate gives twice the rate."""
    rates = f(epoch, initial=initial, **options)
    allowed = slack(rates, ruler.loose(epoch, initial=initial, **options), ruler.format)
    got = f(epoch, initial=2 * initial, **options)
    return agree(got, 2 * rates, 4 * allowed, ruler.format, "twice the rate from half the initial one")


def flat(f: Subject, ruler: Ruler, epoch: Array, *, every: float, **options: Any) -> Evidence:
    """On a stair the rate is that of its first epoch."""
    given: dict[str, Any] = {**options, "every": every}
    wide = epoch.astype(np.float64)
    stair = (every * np.floor(wide / every)).astype(epoch.dtype)
    rates: Floats = f(epoch, **given)
    allowed = slack(rates, ruler.loose(epoch, **given), ruler.format)
    return agree(rates, f(stair, **given), 2 * allowed, ruler.format, "the rate at the stair's first epoch")


def _laws_of(operation: Operation) -> Callable[..., Law]:
    build, shares = cases.BUILDERS[operation], {"value": 0.6, "structure": 0.2}
    return laws_of(operation, build, cases.epoch_cases, shares, m=cases.SAMPLES, columns=cases.COLUMNS, lanes=8)


VALUE: Any = {"kind": "value"}
_STATEMENTS = {
    INVERSE_TIME_DECAY: ("LR-1", "the rate is divided by 1 + rate · epoch"),
    EXPONENTIAL_DECAY: ("LR-2", "every epoch multiplies it"),
    STAIRCASE_DECAY: ("LR-3", "every so many epochs multiply it"),
    INVERSE_ROOT_DECAY: ("LR-4", "it is divided by √(epoch + 1)"),
}


def _laws() -> tuple[Law, ...]:
    found: list[Law] = []
    for operation, (clause, statement) in _STATEMENTS.items():
        decay = _laws_of(operation)
        found += [
            decay(clause, value, statement, **VALUE, boundary=cases.boundary(operation)),
            decay("LR-5", first_rate, "it begins with the initial rate", cases.first_epoch(operation), m=(1, 2)),
            decay("LR-6", never_growing, "it never grows", cases.in_order(operation), m=(2, 6)),
            decay("LR-7", by_itself, "it depends on its epoch alone", shuffled(cases.BUILDERS[operation]), m=(2, 6)),
            decay("LR-8", proportional, "it is proportional to the initial rate"),
        ]
    return (*found, _laws_of(STAIRCASE_DECAY)("LR-9", flat, "it is flat between the steps"))


LAWS: tuple[Law, ...] = (*_laws(), *at_size.LAWS)
