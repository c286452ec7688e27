"""The laws of chapters/decay.md: values against the exact ones, structure within the rounding of the loosest grade."""

from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.bounds.ruler import Floats, Ruler
from nnlaws.cases import decay as cases
from nnlaws.cases.case import Builder
from nnlaws.evidence import Evidence, agree, require, worst
from nnlaws.laws.law import Check, Law, Subject, law, slack, values
from nnlaws.operations import OPERATIONS


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


def by_itself(f: Subject, ruler: Ruler, epoch: Array, *, order: Array, **options: Any) -> Evidence:
    """The rate of an epoch is the same in whatever order, and asked for alone."""
    rates = f(epoch, **options)
    allowed = slack(rates, ruler.loose(epoch, **options), ruler.format)
    shuffled = f(np.take_along_axis(epoch, order, axis=1), **options)
    want = np.take_along_axis(rates, order, axis=1)
    more = np.take_along_axis(allowed, order, axis=1)
    seen = agree(shuffled, want, 2 * more, ruler.format, "the rate of the epoch, asked for in another order")
    alone = np.concatenate([f(epoch[:, i : i + 1].copy(), **options) for i in range(epoch.shape[1])], axis=1)
    return worst(seen, agree(alone, rates, 2 * allowed, ruler.format, "the rate of the epoch, asked for with others"))


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


def _law(operation: str, clause: str, check: Check, statement: str, build: Builder | None = None, **more: Any) -> Law:
    share = 0.6 if check.__name__.endswith("value") else 0.2
    shapes: dict[str, Any] = {
        "m": cases.SAMPLES, "columns": cases.COLUMNS, "cases": cases.epoch_cases, "share": share, "lanes": 8, **more,
    }  # fmt: skip
    return law(clause, operation, check, statement, build or cases.BUILDERS[operation], **shapes)


_VALUE = {
    "inverse_time_decay": ("LR-1", "the rate is divided by 1 + rate · epoch"),
    "exponential_decay": ("LR-2", "every epoch multiplies it"),
    "staircase_decay": ("LR-3", "every so many epochs multiply it"),
    "inverse_root_decay": ("LR-4", "it is divided by √(epoch + 1)"),
}


def _laws() -> tuple[Law, ...]:
    found: list[Law] = []
    for name, (clause, statement) in _VALUE.items():
        operation, decay = OPERATIONS[name], partial(_law, name)
        found += [
            decay(clause, value, statement),
            decay("LR-5", first_rate, "it begins with the initial rate", cases.first_epoch(operation), m=(1, 2)),
            decay("LR-6", never_growing, "it never grows", cases.in_order(operation), m=(2, 6)),
            decay("LR-7", by_itself, "it depends on its epoch alone", cases.shuffled(operation), m=(2, 6)),
            decay("LR-8", proportional, "it is proportional to the initial rate"),
        ]
    return (*found, _law("staircase_decay", "LR-9", flat, "it is flat between the steps"))


LAWS: tuple[Law, ...] = _laws()
