"""The operations of the learning rate's decay."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import decay as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.chapters.decay import bounds


class InverseTimeDecay(Protocol):
    """epoch: (m,) whole numbers, counted from 0; initial, rate ≥ 0.

    Returns the learning rates initial/(1 + rate epoch) (m,) (LR-1).
    """

    def __call__(self, epoch: Array, /, *, initial: float, rate: float) -> Array: ...


class ExponentialDecay(Protocol):
    """epoch: (m,) whole numbers, counted from 0; initial ≥ 0; rate in (0, 1].

    Returns the learning rates initial rate^epoch (m,) (LR-2).
    """

    def __call__(self, epoch: Array, /, *, initial: float, rate: float) -> Array: ...


class StaircaseDecay(Protocol):
    """epoch: (m,) whole numbers, counted from 0; initial ≥ 0; rate in (0, 1]; every: epochs a stair, a whole number.

    Returns the learning rates initial rate^⌊epoch/every⌋ (m,) (LR-3).
    """

    def __call__(self, epoch: Array, /, *, initial: float, rate: float, every: float) -> Array: ...


class InverseRootDecay(Protocol):
    """epoch: (m,) whole numbers, counted from 0; initial, factor ≥ 0.

    Returns the learning rates initial factor/√(epoch + 1) (m,) (LR-4).
    """

    def __call__(self, epoch: Array, /, *, initial: float, factor: float) -> Array: ...


TEXT = chapter("decay")
_ARITHMETIC = named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW)
_POWERS = named(TEXT, "hyperparameters", "working", "weaker bound", dtypes=(*NARROW, "float32"))
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=bounds, apart="m")

INVERSE_TIME_DECAY = _operation(
    "inverse_time_decay", "epoch(m), *, initial, rate -> alpha(m)", InverseTimeDecay, conventions=(_ARITHMETIC,)
)
EXPONENTIAL_DECAY = _operation(
    "exponential_decay", "epoch(m), *, initial, rate -> alpha(m)", ExponentialDecay, conventions=(_ARITHMETIC, _POWERS)
)
STAIRCASE_DECAY = _operation(
    "staircase_decay",
    "epoch(m), *, initial, rate, every -> alpha(m)",
    StaircaseDecay,
    conventions=(_ARITHMETIC, _POWERS),
)
INVERSE_ROOT_DECAY = _operation(
    "inverse_root_decay", "epoch(m), *, initial, factor -> alpha(m)", InverseRootDecay, conventions=(_ARITHMETIC,)
)

OPERATIONS = (INVERSE_TIME_DECAY, EXPONENTIAL_DECAY, STAIRCASE_DECAY, INVERSE_ROOT_DECAY)
