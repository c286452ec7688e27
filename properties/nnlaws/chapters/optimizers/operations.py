"""The operations of averages and optimizers."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import optimizers as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation, Option
from nnlaws.chapters.optimizers import bounds


class ExponentialAverage(Protocol):
    """values: (T, n); beta in [0, 1), the weight of the old; bias_correction: True or False.

    Returns the exponentially weighted averages after 1 ... T values (T, n): v = beta v + (1 − beta) x from v = 0; if
    corrected, each is divided by 1 − beta^t (OP-1, OP-2).
    """

    def __call__(self, values: Array, /, *, beta: float, bias_correction: bool) -> Array: ...


class GradientDescent(Protocol):
    """theta: the parameters before the first step (n,); grads: the gradients of T steps (T, n).

    learning_rate: a float, or a tuple of T floats, one a step. Returns the parameters after each step (T, n): theta
    less learning_rate times gradient (OP-7).
    """

    def __call__(self, theta: Array, grads: Array, /, *, learning_rate: Option) -> Array: ...


class Momentum(Protocol):
    """theta, grads, learning_rate: as for gradient_descent; beta in [0, 1). May take save_at (OP-17).

    Returns the T iterates (T, n): v = beta v + (1 − beta) g from v = 0; theta less learning_rate times v (OP-8).
    """

    def __call__(self, theta: Array, grads: Array, /, *, learning_rate: Option, beta: float) -> Array: ...


class RMSProp(Protocol):
    """theta, grads, learning_rate: as for gradient_descent; beta in [0, 1); eps ≥ 0. May take save_at (OP-17).

    Returns the T iterates (T, n): s = beta s + (1 − beta) g² from s = 0; theta less learning_rate g/(√s + eps) (OP-9).
    """

    def __call__(self, theta: Array, grads: Array, /, *, learning_rate: Option, beta: float, eps: float) -> Array: ...


class Adam(Protocol):
    """theta, grads, learning_rate: as for gradient_descent; beta1, beta2 in [0, 1); eps ≥ 0. May take save_at (OP-17).

    Returns the T iterates (T, n): m and v are the averages of g by beta1 and of g² by beta2, both with bias correction;
    theta less learning_rate m/(√v + eps) (OP-10).
    """

    def __call__(
        self, theta: Array, grads: Array, /, *, learning_rate: Option, beta1: float, beta2: float, eps: float
    ) -> Array: ...


class AdamW(Protocol):
    """As adam, with weight_decay ≥ 0. May take save_at (OP-17).

    Returns the T iterates (T, n): theta less learning_rate weight_decay theta, less the step of adam (OP-11).
    """

    def __call__(
        self,
        theta: Array,
        grads: Array,
        /,
        *,
        learning_rate: Option,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
    ) -> Array: ...


TEXT = chapter("optimizers")
_NARROW = (
    named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
    named(
        TEXT,
        "state",
        "narrow",
        "weaker bound",
        dtypes=NARROW,
        unseen="what rounds away between two steps then goes unseen",
    ),
)
_PARAMETERS = (
    named(
        TEXT,
        "parameters",
        "compensated",
        "weaker bound",
        dtypes=NARROW,
        unseen="what the compensation loses then goes unseen",
    ),
    named(
        TEXT,
        "parameters",
        "stochastic",
        "weaker bound",
        dtypes=NARROW,
        weaker_than=("compensated",),
        waives=("CT-3",),
        unseen="an error of a unit of the narrow type in any step, and that calls differ, then go unseen",
    ),
)
_ROUNDING = (
    *_NARROW,
    named(
        TEXT,
        "hyperparameters",
        "working",
        "weaker bound",
        dtypes=(*NARROW, "float32"),
        unseen="a number that is rounded to the type computed in then goes unseen: bfloat16(0.999) is 1",
    ),
)
_AVERAGE_START = named(TEXT, "average_start", "first_value")
_VELOCITIES = tuple(named(TEXT, "velocity", form) for form in ("heavy_ball", "rate_inside", "dampened"))
_LOOKAHEAD = named(TEXT, "lookahead", "nesterov")
_RMSPROP = (
    named(TEXT, "rmsprop_epsilon", "inside"),
    named(TEXT, "accumulator", "one"),
    named(TEXT, "second_moment", "centred"),
)
_ADAM_FORMS = tuple(
    named(TEXT, "adam_form", form) for form in ("epsilon_inside", "epsilon_hat", "epsilon_hat_inside", "uncorrected")
)
_DECOUPLINGS = tuple(named(TEXT, "decoupling", form) for form in ("without_rate", "rate_squared", "after_step", "l2"))
_operation = partial(
    Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=bounds, apart="n", proportional=True
)
_STEPS = "theta(n), grads(T,n), *, learning_rate"

EXPONENTIAL_AVERAGE = _operation(
    "exponential_average",
    "values(T,n), *, beta, bias_correction -> averages(T,n)",
    ExponentialAverage,
    conventions=(_AVERAGE_START, *_ROUNDING),
)
GRADIENT_DESCENT = _operation(
    "gradient_descent", f"{_STEPS} -> iterates(T,n)", GradientDescent, conventions=(*_NARROW, *_PARAMETERS)
)
MOMENTUM = _operation(
    "momentum",
    f"{_STEPS}, beta -> iterates(T,n)",
    Momentum,
    conventions=(*_ROUNDING, *_PARAMETERS, *_VELOCITIES, _LOOKAHEAD),
)
RMSPROP = _operation(
    "rmsprop", f"{_STEPS}, beta, eps -> iterates(T,n)", RMSProp, conventions=(*_ROUNDING, *_PARAMETERS, *_RMSPROP)
)
ADAM = _operation(
    "adam",
    f"{_STEPS}, beta1, beta2, eps -> iterates(T,n)",
    Adam,
    conventions=(*_ROUNDING, *_PARAMETERS, *_ADAM_FORMS),
)
ADAMW = _operation(
    "adamw",
    f"{_STEPS}, beta1, beta2, eps, weight_decay -> iterates(T,n)",
    AdamW,
    conventions=(*_ROUNDING, *_PARAMETERS, *_ADAM_FORMS, *_DECOUPLINGS),
)

OPERATIONS = (EXPONENTIAL_AVERAGE, GRADIENT_DESCENT, MOMENTUM, RMSPROP, ADAM, ADAMW)
