"""The operations of the learning rate's schedules."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import schedules as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.chapters.schedules import bounds


class LinearSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; start, end ≥ 0; steps ≥ 1, a whole number.

    Returns the learning rates (1 − p) start + p end (m,), p = min(step, steps)/steps (SD-1).
    """

    def __call__(self, step: Array, /, *, start: float, end: float, steps: float) -> Array: ...


class PolynomialSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; start, end ≥ 0; steps ≥ 1, a whole number; power > 0.

    Returns the learning rates (start − end)(1 − p)^power + end (m,), p = min(step, steps)/steps (SD-2).
    """

    def __call__(self, step: Array, /, *, start: float, end: float, steps: float, power: float) -> Array: ...


class CosineSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; start, end ≥ 0; steps ≥ 1, a whole number.

    Returns the learning rates end + (start − end)(1 + cos πp)/2 (m,), p = min(step, steps)/steps (SD-3).
    """

    def __call__(self, step: Array, /, *, start: float, end: float, steps: float) -> Array: ...


class WarmupLinearSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; peak, end ≥ 0; warmup ≥ 0, steps > warmup, whole numbers.

    Returns the learning rates (m,): peak step/warmup below warmup, then along a line from peak to end at steps (SD-4).
    """

    def __call__(self, step: Array, /, *, peak: float, end: float, warmup: float, steps: float) -> Array: ...


class WarmupCosineSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; peak, end ≥ 0; warmup ≥ 0, steps > warmup, whole numbers.

    Returns the learning rates (m,): peak step/warmup below warmup, then along half a cosine from peak to end at steps
    (SD-5).
    """

    def __call__(self, step: Array, /, *, peak: float, end: float, warmup: float, steps: float) -> Array: ...


class InverseRootSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; initial ≥ 0; timescale > 0.

    Returns the learning rates initial √(timescale/(step + timescale)) (m,) (SD-6).
    """

    def __call__(self, step: Array, /, *, initial: float, timescale: float) -> Array: ...


class CosineRestartsSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; start, end ≥ 0; period, stretch ≥ 1, whole numbers; 0 < shrink ≤ 1.

    Returns the learning rates end + shrinkⁱ (start − end)(1 + cos πp)/2 (m,), i being the number of periods before the
    step's own, each stretch times as long as the one before, and p how much of its own is over (SD-12).
    """

    def __call__(
        self, step: Array, /, *, start: float, end: float, period: float, stretch: float, shrink: float
    ) -> Array: ...


class OneCycleSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; initial, peak, end ≥ 0; up ≥ 1, steps > up, whole numbers.

    Returns the learning rates (m,): along half a cosine from initial to peak at step up, then to end at steps (SD-13).
    """

    def __call__(
        self, step: Array, /, *, initial: float, peak: float, end: float, up: float, steps: float
    ) -> Array: ...


class WarmupStableDecaySchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; peak, end ≥ 0; warmup, stable ≥ 0, steps above both, whole numbers.

    Returns the learning rates (m,): peak step/warmup below warmup, peak for stable steps, then along a line to end at
    steps (SD-14).
    """

    def __call__(
        self, step: Array, /, *, peak: float, end: float, warmup: float, stable: float, steps: float
    ) -> Array: ...


class CyclicalSchedule(Protocol):
    """step: (m,) whole numbers, counted from 0; initial, peak ≥ 0; up, down ≥ 1, whole numbers; 0 < shrink ≤ 1.

    Returns the learning rates (m,): along a line from initial to peak in up steps and back in down, over and over, each
    time shrink times as high (SD-15).
    """

    def __call__(
        self, step: Array, /, *, initial: float, peak: float, up: float, down: float, shrink: float
    ) -> Array: ...


TEXT = chapter("schedules")
_ROUNDING = (
    named(TEXT, "hyperparameters", "working", "weaker bound", dtypes=(*NARROW, "float32")),
    named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
)
_LAST = named(TEXT, "last", "within")
_WARMUP = tuple(named(TEXT, "warmup_start", value) for value in ("from_one", "one_more"))
_CYCLE = (named(TEXT, "anneal", "line"), named(TEXT, "phases", "three"), named(TEXT, "turns", "within"))
_DECLINE = tuple(named(TEXT, "decline", value) for value in ("cosine", "root"))
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=bounds, apart="m")

LINEAR_SCHEDULE = _operation(
    "linear_schedule", "step(m), *, start, end, steps -> alpha(m)", LinearSchedule, conventions=(_LAST, *_ROUNDING)
)
POLYNOMIAL_SCHEDULE = _operation(
    "polynomial_schedule",
    "step(m), *, start, end, steps, power -> alpha(m)",
    PolynomialSchedule,
    conventions=(_LAST, *_ROUNDING),
)
COSINE_SCHEDULE = _operation(
    "cosine_schedule",
    "step(m), *, start, end, steps -> alpha(m)",
    CosineSchedule,
    conventions=(_LAST, *_ROUNDING, named(TEXT, "beyond", "periodic")),
)
WARMUP_LINEAR_SCHEDULE = _operation(
    "warmup_linear_schedule",
    "step(m), *, peak, end, warmup, steps -> alpha(m)",
    WarmupLinearSchedule,
    conventions=(_LAST, *_ROUNDING, *_WARMUP),
)
WARMUP_COSINE_SCHEDULE = _operation(
    "warmup_cosine_schedule",
    "step(m), *, peak, end, warmup, steps -> alpha(m)",
    WarmupCosineSchedule,
    conventions=(_LAST, *_ROUNDING, *_WARMUP),
)
INVERSE_ROOT_SCHEDULE = _operation(
    "inverse_root_schedule", "step(m), *, initial, timescale -> alpha(m)", InverseRootSchedule, conventions=_ROUNDING
)
COSINE_RESTARTS_SCHEDULE = _operation(
    "cosine_restarts_schedule",
    "step(m), *, start, end, period, stretch, shrink -> alpha(m)",
    CosineRestartsSchedule,
    conventions=(_ROUNDING[0], named(TEXT, "restart", "rate")),
)
ONE_CYCLE_SCHEDULE = _operation(
    "one_cycle_schedule",
    "step(m), *, initial, peak, end, up, steps -> alpha(m)",
    OneCycleSchedule,
    conventions=(*_ROUNDING, *_CYCLE),
)
WARMUP_STABLE_DECAY_SCHEDULE = _operation(
    "warmup_stable_decay_schedule",
    "step(m), *, peak, end, warmup, stable, steps -> alpha(m)",
    WarmupStableDecaySchedule,
    conventions=(_LAST, *_ROUNDING, *_WARMUP, *_DECLINE),
)
CYCLICAL_SCHEDULE = _operation(
    "cyclical_schedule",
    "step(m), *, initial, peak, up, down, shrink -> alpha(m)",
    CyclicalSchedule,
    conventions=(_ROUNDING[0], named(TEXT, "shrinks", "every_step")),
)

OPERATIONS = (
    LINEAR_SCHEDULE,
    POLYNOMIAL_SCHEDULE,
    COSINE_SCHEDULE,
    WARMUP_LINEAR_SCHEDULE,
    WARMUP_COSINE_SCHEDULE,
    INVERSE_ROOT_SCHEDULE,
    COSINE_RESTARTS_SCHEDULE,
    ONE_CYCLE_SCHEDULE,
    WARMUP_STABLE_DECAY_SCHEDULE,
    CYCLICAL_SCHEDULE,
)
