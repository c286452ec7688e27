"""Laws at size: many classes, many samples, and many that are ignored."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import at_size, positions, sized, tiled
from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.logit_plates import FAR, TOPS, plates
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Subject
from nnlaws.authoring.token import Case
from nnlaws.chapters.losses.operations import (
    LABEL_CROSS_ENTROPY,
    LABEL_CROSS_ENTROPY_GRADIENT,
    LABEL_LOSSES,
    LABEL_LOSSES_GRADIENT,
    OF_SIGMOIDS,
    SIGMOID_LOSSES,
)
from nnlaws.rounding.formats import Format

DIFFERENT = 997  # rows, where there are more
IGNORED = -100


def label_inputs(operation: Operation, ignoring: bool = False) -> Builder:
    """Logits, and the class at the top, the last of several; of "misses" 32 samples, where kernels go wrong, are of
    another class, 1, 3 … 61 times 1024 below; of "missed" all are, by 1024; of "noise" it is any. Ignoring: all but
    every third sample, and where there are few of these, at other places than tails are.
    """

    def build(case: Case, format: Format) -> Inputs:
        z, random = plates(case, format), case.random("targets")
        rows, classes = case.m, case.columns
        labels = np.asarray(classes - 1 - np.argmax(z[:, ::-1], axis=1), np.int64)
        if case.family == "misses":
            missed = positions(rows, TOPS, random)
            labels[missed] = (labels[missed] + 1 + random.integers(0, classes - 1, len(missed))) % classes
            z[missed, labels[missed]] = -FAR * (1 + 2 * (np.arange(len(missed)) % 31))
        if case.family == "missed":
            labels = (labels + 1) % classes
            z[np.arange(rows), labels] = -FAR
        if case.family == "noise":
            labels = random.integers(0, classes, rows)
        if case.family == "rows":
            labels = tiled(random.integers(0, classes, min(rows, DIFFERENT)), rows, 0).astype(np.int64)
        more: tuple[Array, ...] = ()
        if operation is LABEL_LOSSES_GRADIENT:
            upstream = np.ldexp(1.0, random.integers(-3, 4, min(rows, DIFFERENT)))
            more = (tiled(upstream, rows, 0).astype(format.dtype),)
        if not ignoring:
            return Inputs((z, labels, *more))
        kept = tiled(np.arange(min(rows, DIFFERENT)) % 3 == 0, rows, 0).astype(bool)
        return Inputs((z, np.where(kept, labels, IGNORED), *more), options={"ignore_index": IGNORED})

    return build


def sigmoid_inputs(operation: Operation) -> Builder:
    """Bell-shaped logits, the same rows over and over, and targets that are 0 or 1."""

    def build(case: Case, format: Format) -> Inputs:
        shape, random = (min(case.m, DIFFERENT), case.columns), case.random("plates")
        given = [4 * random.standard_normal(shape), np.rint(random.random(shape))]
        if "upstream" in operation.arguments:
            given.append(np.ldexp(1.0, random.integers(-3, 4, shape)))
        arrays = (tiled(x, case.m, 0).astype(format.dtype) for x in given)
        return Inputs(tuple(arrays))

    return build


def ignored_at_size(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """What is ignored neither costs nor counts, whatever the size."""
    if not f.takes("ignore_index"):
        raise NotOffered(f"{ruler.operation.name} does not take ignore_index: what it does with it is not judged")
    return at_size(f, ruler, *arguments, **options)


_MANY, _MORE, _MOST = 65_537 + 499, 500_009, 3_400_003  # rows: beyond what 16 bits count, and 24 bits an entry
_CLASSES = (
    Case(8, 4095, "parts", 0, 0),
    Case(12, 4097, "terraces", 0, 0),
    Case(64, 1000, "noise", 0, 0),
    Case(2, 32_000, "beacons", 0, 0),
    Case(2, 65_539, "peaks", 0, 0),
    Case(1, 131_073, "equal", 0, 0),
    Case(2, 131_073, "parts", 0, 0),
)
"""Class numbers beyond what 15 and 16 bits hold, and what float32 has no number for in a narrow type."""
_WIDEST = tuple(Case(2, 1_000_003, family, 0, 0) for family in ("parts", "terraces"))

STATEMENTS = {
    LABEL_LOSSES: ("LO-1", "the loss of a sample is −log of the probability of its class"),
    LABEL_LOSSES_GRADIENT: ("LO-3", "the gradient is softmax minus target, times what comes from above"),
    LABEL_CROSS_ENTROPY: ("LO-2", "J is the mean of the losses"),
    LABEL_CROSS_ENTROPY_GRADIENT: ("LO-3", "the gradient is softmax minus target, over m"),
}


def _of_labels(operation: Operation, clause: str, statement: str) -> list[Law]:
    rows = "misses" if operation.scalar else "rows"
    losses = (Case(_MANY, 3, "missed", 0, 0),) if operation.scalar else ()
    cases = (*_CLASSES, *losses, *(Case(m, 3, rows, 0, 0) for m in (4099, _MANY)))
    largest = (*_WIDEST, *(Case(m, 5, rows, 0, 0) for m in (_MORE, _MOST)))
    ignoring = (Case(4099, 3, rows, 0, 0), Case(_MANY, 3, "missed" if operation.scalar else rows, 0, 0))
    return [
        sized(clause, operation, label_inputs(operation), cases, statement, largest=largest),
        sized(
            "LO-4",
            operation,
            label_inputs(operation, ignoring=True),
            ignoring,
            "what is ignored neither costs nor counts",
            ignored_at_size,
            largest=(Case(_MOST, 5, rows, 0, 0),),
        ),
    ]


def _of_sigmoids(operation: Operation) -> Law:
    cases = (Case(499, 17, "noise", 0, 0), Case(_MANY, 3, "noise", 0, 0), Case(2, 131_073, "noise", 0, 0))
    first = operation is SIGMOID_LOSSES
    statement = "the loss is that of a sigmoid" if first else "the gradient is sigmoid minus target"
    return sized(
        "LO-13" if first else "LO-14",
        operation,
        sigmoid_inputs(operation),
        cases,
        statement,
        largest=(Case(_MOST, 5, "noise", 0, 0),),
    )


LAWS: tuple[Law, ...] = (
    *(law for operation, told in STATEMENTS.items() for law in _of_labels(operation, *told)),
    *map(_of_sigmoids, OF_SIGMOIDS),
)
