"""The operations of averages and optimizers."""

from typing import Protocol

from nnlaws_reference.dtypes import Array

from nnlaws.operations.operation import Operation, Option


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


_BY_STEPS = ("arithmetic", "state", "hyperparameters")

OPERATIONS = (
    Operation(
        "exponential_average",
        "optimizers",
        "values(T,n), *, beta, bias_correction -> averages(T,n)",
        ExponentialAverage,
        conventions=("average_start",),
        grades=_BY_STEPS,
    ),
    Operation(
        "gradient_descent",
        "optimizers",
        "theta(n), grads(T,n), *, learning_rate -> iterates(T,n)",
        GradientDescent,
        grades=_BY_STEPS,
    ),
    Operation(
        "momentum",
        "optimizers",
        "theta(n), grads(T,n), *, learning_rate, beta -> iterates(T,n)",
        Momentum,
        conventions=("velocity", "lookahead"),
        grades=_BY_STEPS,
    ),
    Operation(
        "rmsprop",
        "optimizers",
        "theta(n), grads(T,n), *, learning_rate, beta, eps -> iterates(T,n)",
        RMSProp,
        conventions=("rmsprop_epsilon", "accumulator", "second_moment"),
        grades=_BY_STEPS,
    ),
    Operation(
        "adam",
        "optimizers",
        "theta(n), grads(T,n), *, learning_rate, beta1, beta2, eps -> iterates(T,n)",
        Adam,
        conventions=("adam_form",),
        grades=_BY_STEPS,
    ),
    Operation(
        "adamw",
        "optimizers",
        "theta(n), grads(T,n), *, learning_rate, beta1, beta2, eps, weight_decay -> iterates(T,n)",
        AdamW,
        conventions=("adam_form", "decoupling"),
        grades=_BY_STEPS,
    ),
)
