"""The operations of optimizers beyond the notes."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import more_optimizers as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation, Option
from nnlaws.chapters.more_optimizers import bounds


class StochasticGradientDescent(Protocol):
    """theta: the parameters before the first step (n,); grads: the gradients of T steps (T, n).

    learning_rate: a float, or a tuple of T floats, one a step; beta in [0, 1); dampening in [0, 1]; weight_decay ≥ 0.
    May take save_at (MO-11). Returns the T iterates (T, n): d = g + weight_decay theta; v = d at first, then v =
    beta v + (1 − dampening) d, or d where beta is 0; theta less learning_rate times v (MO-1).
    """

    def __call__(
        self,
        theta: Array,
        grads: Array,
        /,
        *,
        learning_rate: Option,
        beta: float,
        dampening: float,
        weight_decay: float,
    ) -> Array: ...


class AdaGrad(Protocol):
    """theta, grads, learning_rate: as for sgd; eps ≥ 0; initial_accumulator ≥ 0. May take save_at (MO-11).

    Returns the T iterates (T, n): s = s + g² from s = initial_accumulator; theta less learning_rate g/(√s + eps)
    (MO-2).
    """

    def __call__(
        self, theta: Array, grads: Array, /, *, learning_rate: Option, eps: float, initial_accumulator: float
    ) -> Array: ...


class AMSGrad(Protocol):
    """theta, grads, learning_rate: as for sgd; beta1, beta2 in [0, 1); eps ≥ 0. May take save_at (MO-11).

    Returns the T iterates (T, n): those of Adam, with the largest v so far in place of v (MO-3).
    """

    def __call__(
        self, theta: Array, grads: Array, /, *, learning_rate: Option, beta1: float, beta2: float, eps: float
    ) -> Array: ...


class NAdam(Protocol):
    """As amsgrad, with momentum_decay ≥ 0. May take save_at (MO-11).

    Returns the T iterates (T, n): with mu_t = beta1 (1 − 0.96^(t momentum_decay)/2) and P_t = mu_1 ... mu_t, theta less
    learning_rate ((1 − mu_t) g/(1 − P_t) + mu_{t+1} m/(1 − P_{t+1}))/(√v + eps), v with bias correction (MO-4).
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
        momentum_decay: float,
    ) -> Array: ...


class RAdam(Protocol):
    """As amsgrad. May take save_at (MO-11).

    Returns the T iterates (T, n): theta less learning_rate r m √(1 − beta2^t)/(√v + eps), m with bias correction, where
    more than 5 squares are averaged, and else less learning_rate m (MO-5).
    """

    def __call__(
        self, theta: Array, grads: Array, /, *, learning_rate: Option, beta1: float, beta2: float, eps: float
    ) -> Array: ...


class Lion(Protocol):
    """theta, grads, learning_rate: as for sgd; beta1, beta2 in [0, 1); weight_decay ≥ 0. May take save_at (MO-11).

    Returns the T iterates (T, n): theta less learning_rate (sign(beta1 m + (1 − beta1) g) + weight_decay theta), and
    then m = beta2 m + (1 − beta2) g, from m = 0 (MO-6).
    """

    def __call__(
        self, theta: Array, grads: Array, /, *, learning_rate: Option, beta1: float, beta2: float, weight_decay: float
    ) -> Array: ...


TEXT = chapter("more_optimizers")
_STATE = "what rounds away between two steps then goes unseen"
_WORKING = "a number that is rounded to the type computed in then goes unseen: bfloat16(0.999) is 1"
_ROUNDING = (
    named(TEXT, "hyperparameters", "working", "weaker bound", dtypes=(*NARROW, "float32"), unseen=_WORKING),
    named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW),
    named(TEXT, "state", "narrow", "weaker bound", dtypes=NARROW, unseen=_STATE),
)
_SGD = (named(TEXT, "first_velocity", "dampened"), named(TEXT, "lookahead", "nesterov"))
_ADAGRAD = (named(TEXT, "adagrad_epsilon", "inside"),)
_AMSGRAD = tuple(named(TEXT, "amsgrad_form", form) for form in ("epsilon_hat", "corrected_maximum", "uncorrected"))
_NADAM = (named(TEXT, "momentum_schedule", "steady"),)
_RADAM = (
    named(TEXT, "radam_form", "epsilon_outside"),
    named(TEXT, "rectified_above", "four"),
    named(TEXT, "unrectified", "still"),
)
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=bounds, apart="n")
_STEPS = "theta(n), grads(T,n), *, learning_rate"

SGD = _operation(
    "sgd",
    f"{_STEPS}, beta, dampening, weight_decay -> iterates(T,n)",
    StochasticGradientDescent,
    conventions=(*_SGD, *_ROUNDING),
    proportional=True,
)
ADAGRAD = _operation(
    "adagrad",
    f"{_STEPS}, eps, initial_accumulator -> iterates(T,n)",
    AdaGrad,
    conventions=(*_ROUNDING, *_ADAGRAD),
    proportional=True,
)
AMSGRAD = _operation(
    "amsgrad",
    f"{_STEPS}, beta1, beta2, eps -> iterates(T,n)",
    AMSGrad,
    conventions=(*_ROUNDING, *_AMSGRAD),
    proportional=True,
)
NADAM = _operation(
    "nadam",
    f"{_STEPS}, beta1, beta2, eps, momentum_decay -> iterates(T,n)",
    NAdam,
    conventions=(*_ROUNDING, *_NADAM),
    proportional=True,
)
RADAM = _operation("radam", f"{_STEPS}, beta1, beta2, eps -> iterates(T,n)", RAdam, conventions=(*_ROUNDING, *_RADAM))
LION = _operation("lion", f"{_STEPS}, beta1, beta2, weight_decay -> iterates(T,n)", Lion, conventions=_ROUNDING)

OPERATIONS = (SGD, ADAGRAD, AMSGRAD, NADAM, RADAM, LION)
"""RAdam's bound and Lion's need not shrink with the unit roundoff: where ρ is next to 5, and c to 0."""
