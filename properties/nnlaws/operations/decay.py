"""The operations of the learning rate's decay."""

from typing import Protocol

from nnlaws_reference.dtypes import Array

from nnlaws.operations.operation import Operation


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


_BY_EPOCH = ("arithmetic", "hyperparameters")

OPERATIONS = (
    Operation(
        "inverse_time_decay", "decay", "epoch(m), *, initial, rate -> alpha(m)", InverseTimeDecay, grades=_BY_EPOCH
    ),
    Operation(
        "exponential_decay", "decay", "epoch(m), *, initial, rate -> alpha(m)", ExponentialDecay, grades=_BY_EPOCH
    ),
    Operation(
        "staircase_decay",
        "decay",
        "epoch(m), *, initial, rate, every -> alpha(m)",
        StaircaseDecay,
        grades=_BY_EPOCH,
    ),
    Operation(
        "inverse_root_decay",
        "decay",
        "epoch(m), *, initial, factor -> alpha(m)",
        InverseRootDecay,
        grades=_BY_EPOCH,
    ),
)
