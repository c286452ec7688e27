"""Inputs for losses: logits, class numbers, targets of sigmoids, and what is given by name."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.case import Builder, Inputs, Strategy
from nnlaws.authoring.logits import PLACED, any_size, in_range, logits, moderate, number, reach
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters.losses.operations import LABEL_LOSSES_GRADIENT, OF_LABELS
from nnlaws.rounding.formats import Format

SAMPLES = (1, 4)  # how many laws draw that are about any number of them
COLUMNS = (1, 8)
IGNORED = (-100, -1, 0, 255, 1, 7)  # PyTorch's and Keras' usual ones, that of masks of images, and classes
SMOOTHING = (0.1, 0.5, 0.01, 1.0, 0.25, 0.9)
WEIGHTS = (1.0, 2.0, 0.5, 0.25, 3.0, 0.125)  # numbers of every format, which no sum of a few of them rounds
PARTS = 64  # targets of sigmoids are its multiples
Logits = Callable[[Case, Format], Array]


def moderate_logits(case: Case, format: Format) -> Array:
    """Logits whose exponentials are in range."""
    return logits(case, format, reach(format))


def labels(case: Case, classes: int) -> NDArray[np.int64]:
    """A class for each sample, by chance; of boundary cases a class further in each, from the first to the last."""
    if case.family not in PLACED:
        return case.random("labels").integers(0, classes, case.m)
    rows, last = np.arange(case.m), classes - 1
    places = number(case) * last // 2 + rows if case.m == 1 else rows * last // (case.m - 1) + number(case)
    return np.asarray(places % classes, np.int64)


def _upstream(case: Case, format: Format, shape: tuple[int, ...]) -> Array:
    """Gradients from above, of either sign, one in eight of them 0."""
    random = case.random("upstream")
    return np.where(random.random(shape) < 1 / 8, 0.0, random.standard_normal(shape)).astype(format.dtype)


def label_inputs(operation: Operation, of: Logits = moderate_logits) -> Builder:
    """Logits, class numbers and, for operations that take it, what comes from above."""

    def build(case: Case, format: Format) -> Inputs:
        z = of(case, format)
        more = (_upstream(case, format, (case.m,)),) if operation is LABEL_LOSSES_GRADIENT else ()
        return Inputs((z, labels(case, case.columns), *more))

    return build


def sigmoid_inputs(operation: Operation, of: Logits = moderate_logits) -> Builder:
    """Logits, targets that are 0 or 1, or of half of the cases between them, and what comes from above."""

    def build(case: Case, format: Format) -> Inputs:
        z, random = of(case, format), case.random("targets")
        y = random.integers(0, PARTS + 1, z.shape) / PARTS
        if case.seed % 2 == 0:
            y = np.rint(y)
        more = (_upstream(case, format, z.shape),) if "upstream" in operation.arguments else ()
        return Inputs((z, y.astype(format.dtype), *more))

    return build


def inputs(operation: Operation, of: Logits = moderate_logits) -> Builder:
    """Of either kind."""
    return (label_inputs if operation in OF_LABELS else sigmoid_inputs)(operation, of)


def any_logits(operation: Operation) -> Logits:
    """Logits of every finite size; of a mean, so that the sum over the batch stays in range."""
    if operation.scalar:
        return in_range
    return lambda case, format: logits(case, format, format.largest)


def ignore_index(case: Case) -> int:
    """The same for all lanes of a case; no class where there is only one."""
    found = IGNORED[case.group % len(IGNORED)]
    return found if case.columns > 1 or found < 0 else -100


def _ignoring(given: NDArray[np.int64], case: Case, classes: int) -> NDArray[np.int64]:
    """Labels of which some, but not all, are ignored."""
    random, ignored = case.random("ignored"), ignore_index(case)
    others = np.where(given == ignored, (given + 1) % classes, given)
    some = random.random(case.m) < 0.5
    some[random.integers(case.m)] = False
    return np.asarray(np.where(some, ignored, others), np.int64)


def weights(case: Case) -> tuple[float, ...]:
    """One for each class, in an order that is the group's."""
    random = Case(1, 1, "", 0, case.group).random("weights")
    return tuple(float(each) for each in random.choice(WEIGHTS, case.columns))


def smoothing(case: Case) -> float:
    return SMOOTHING[case.group % len(SMOOTHING)]


def ignoring(operation: Operation) -> Builder:
    """With ignore_index, which some labels are, but not all."""
    return _with(operation, lambda case: {"ignore_index": ignore_index(case)})


def weighed(operation: Operation) -> Builder:
    return _with(operation, lambda case: {"weight": weights(case)})


def smooth(operation: Operation) -> Builder:
    return _with(operation, lambda case: {"label_smoothing": smoothing(case)})


def combined(operation: Operation) -> Builder:
    """With all three."""
    return _with(
        operation,
        lambda case: {
            "ignore_index": ignore_index(case),
            "label_smoothing": smoothing(case),
            "weight": weights(case),
        },
    )


def _with(operation: Operation, options: Callable[[Case], Mapping[str, Any]]) -> Builder:
    build = label_inputs(operation)

    def built(case: Case, format: Format) -> Inputs:
        given, named = build(case, format), dict(options(case))
        z, classes, *rest = given.arguments
        if "ignore_index" in named:
            classes = _ignoring(classes, case, case.columns)
        return Inputs((z, classes, *rest), options=named)

    return built


def all_ignored(operation: Operation) -> Builder:
    """Every label is ignore_index."""
    build = label_inputs(operation)

    def built(case: Case, format: Format) -> Inputs:
        z, given, *rest = build(case, format).arguments
        ignored = ignore_index(case)
        return Inputs((z, np.full_like(given, ignored), *rest), options={"ignore_index": ignored})

    return built


def out_of_range(operation: Operation) -> Builder:
    """One label is no class: one too many, or, for every other group, −1; and labels that are right, beside."""
    build = label_inputs(operation)

    def built(case: Case, format: Format) -> Inputs:
        z, right, *rest = build(case, format).arguments
        wrong = right.copy()
        wrong[case.random("wrong").integers(case.m)] = -1 if case.group % 2 else case.columns
        return Inputs((z, wrong, *rest), {"right": right})

    return built


def shifted(operation: Operation) -> Builder:
    """And a constant c for each sample such that z + c is exact: multiples of 1/4, small enough for eight digits."""

    def build(case: Case, format: Format) -> Inputs:
        limit = min(reach(format) // 2, 32)
        c = np.rint(case.random("shift").uniform(-limit, limit, (case.m, 1)))
        given = label_inputs(operation, lambda case, format: logits(case, format, limit, step=0.25))(case, format)
        return Inputs(given.arguments, {"c": c.astype(format.dtype)})

    return build


def ordinary(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs for laws that hold of every operation."""
    return inputs(operation), moderate


def extreme(operation: Operation) -> tuple[Builder, Strategy]:
    """Inputs of every size that the operation has to bear."""
    return inputs(operation, any_logits(operation)), any_size
