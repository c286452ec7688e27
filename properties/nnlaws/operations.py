"""The contract: what each operation is called, what it takes, and what it returns.

An implementation is any module or object with attributes of these names. Arrays are NumPy arrays of one floating dtype,
samples first; what a signature lists after `*` are Python floats, given by name; a learning rate may also be a tuple of
floats, one a step. The Protocols are for type checkers and readers; OPERATIONS is what the harness reads.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol

from nnlaws_reference.dtypes import Array

Option = float | tuple[float, ...]
"""What may be given by name: a number, or one a step."""


class Softmax(Protocol):
    """z: logits (m, C). Returns the class probabilities (m, C): each row e^z / Σ e^z (SM-1)."""

    def __call__(self, z: Array, /) -> Array: ...


class LogSoftmax(Protocol):
    """z: logits (m, C). Returns the log-probabilities (m, C): each row z − log Σ e^z (SM-11)."""

    def __call__(self, z: Array, /) -> Array: ...


class CrossEntropy(Protocol):
    """z: logits (m, C); y: targets (m, C), rows ≥ 0 that sum to 1.

    Returns the scalar J, the mean over the batch (SM-12, SM-13).
    """

    def __call__(self, z: Array, y: Array, /) -> Array: ...


class CrossEntropyGradient(Protocol):
    """z: logits (m, C); y: targets (m, C). Returns ∂J/∂z (m, C): softmax minus target, over m (SM-16)."""

    def __call__(self, z: Array, y: Array, /) -> Array: ...


class BatchNormTrain(Protocol):
    """z: a mini-batch (m, n); gamma, beta: (n,); eps ≥ 0.

    Returns out = γ (z − μ)/√(σ² + ε) + β (m, n), and the mean μ and biased variance σ² (n,) of each feature over the
    mini-batch, as they go into the running averages (BN-1 to BN-4).
    """

    def __call__(self, z: Array, gamma: Array, beta: Array, /, *, eps: float) -> tuple[Array, Array, Array]: ...


class BatchNormBackward(Protocol):
    """dout: the gradient with respect to the result of batch_norm_train (m, n); z: (m, n); gamma: (n,); eps ≥ 0.

    Returns the gradients dz (m, n), dgamma (n,) and dbeta (n,) (BN-13 to BN-15).
    """

    def __call__(self, dout: Array, z: Array, gamma: Array, /, *, eps: float) -> tuple[Array, Array, Array]: ...


class BatchNormRunning(Protocol):
    """batches: T mini-batches (T, m, n); decay in [0, 1]: the weight of the old average.

    Returns the running mean and variance (n,) after the last, from mean 0 and variance 1 (BN-18, BN-19).
    """

    def __call__(self, batches: Array, /, *, decay: float) -> tuple[Array, Array]: ...


class BatchNormInference(Protocol):
    """z: samples (m, n); gamma, beta, mean, var: (n,); eps ≥ 0.

    Returns γ (z − mean)/√(var + ε) + β (m, n), with the averages kept from training (BN-21).
    """

    def __call__(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, /, *, eps: float) -> Array: ...


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


Dims = dict[str, tuple[str, ...]]
"""Of each array by name, what its axes count, as in {"z": ("m", "C")}."""

_ARRAY = re.compile(r"(\w+)\(([\w,]*)\)")


@dataclass(frozen=True)
class Operation:
    """One operation: its `name`, `chapter` and `signature`, as in "z(m,C), y(m,C) -> J()", and what may be declared.

    conventions: names of those that change the value; the formula takes each as a keyword. grades: names of those
    that change how much rounding is allowed. The formula, reference and rounding bound are the functions of the
    operation's name in the three modules of its chapter.
    """

    name: str
    chapter: str
    signature: str
    protocol: type
    conventions: tuple[str, ...] = ()
    grades: tuple[str, ...] = ("arithmetic",)

    @property
    def meaning(self) -> str:
        """Arguments, result and clauses, in one sentence or two."""
        return " ".join(str(self.protocol.__doc__).split())

    @cached_property
    def arguments(self) -> Dims:
        """The arrays that it takes, in order."""
        return _dims(self.signature.partition("->")[0])

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The numbers that it takes by name."""
        listed = self.signature.partition("->")[0].partition("*,")[2]
        return tuple(name.strip() for name in listed.split(",") if name.strip())

    @cached_property
    def results(self) -> Dims:
        """The arrays that it returns, in order: one by itself, several as a tuple."""
        return _dims(self.signature.partition("->")[2])

    @property
    def call(self) -> str:
        """How it is called: name(z, gamma, *, eps)."""
        keywords = ("*", *self.options) if self.options else ()
        return f"{self.name}({', '.join((*self.arguments, *keywords))})"

    @property
    def scalar(self) -> bool:
        """Whether it returns one number for the whole batch."""
        return list(self.results.values()) == [()]

    @property
    def per_sample(self) -> bool:
        """Whether all it returns is one array with a row a sample, so that no samples give no rows."""
        (first, *others) = self.results.values()
        return not others and first[:1] == ("m",)

    @cached_property
    def formula(self) -> Callable[..., Any]:
        return self._in("nnlaws_spec.formulas")

    @cached_property
    def reference(self) -> Callable[..., Any]:
        return self._in("nnlaws_reference")

    @cached_property
    def bound(self) -> Callable[..., Any]:
        return self._in("nnlaws.bounds")

    def result_shapes(self, shapes: Iterable[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the results for arguments of these shapes."""
        sizes = {
            dim: size
            for dims, shape in zip(self.arguments.values(), shapes, strict=True)
            for dim, size in zip(dims, shape, strict=True)
        }
        return tuple(tuple(sizes[dim] for dim in dims) for dims in self.results.values())

    def _in(self, package: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(f"{package}.{self.chapter}"), self.name)
        return function


def _dims(listed: str) -> Dims:
    return {name: tuple(filter(None, dims.split(","))) for name, dims in _ARRAY.findall(listed)}


_NORMALISING = ("arithmetic", "normalisation")
_BY_STATISTICS = ("arithmetic", "variance")
_BY_STEPS = ("arithmetic", "state", "hyperparameters")
_BY_EPOCH = ("arithmetic", "hyperparameters")

OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("softmax", "softmax", "z(m,C) -> a(m,C)", Softmax, grades=_NORMALISING),
        Operation("log_softmax", "softmax", "z(m,C) -> l(m,C)", LogSoftmax, grades=_NORMALISING),
        Operation("cross_entropy", "softmax", "z(m,C), y(m,C) -> J()", CrossEntropy, grades=_NORMALISING),
        Operation(
            "cross_entropy_gradient", "softmax", "z(m,C), y(m,C) -> dz(m,C)", CrossEntropyGradient, grades=_NORMALISING
        ),
        Operation(
            "batch_norm_train",
            "batch_norm",
            "z(m,n), gamma(n), beta(n), *, eps -> out(m,n), mean(n), var(n)",
            BatchNormTrain,
            conventions=("epsilon", "running_variance"),
            grades=_BY_STATISTICS,
        ),
        Operation(
            "batch_norm_backward",
            "batch_norm",
            "dout(m,n), z(m,n), gamma(n), *, eps -> dz(m,n), dgamma(n), dbeta(n)",
            BatchNormBackward,
            conventions=("epsilon",),
            grades=_BY_STATISTICS,
        ),
        Operation(
            "batch_norm_running",
            "batch_norm",
            "batches(T,m,n), *, decay -> mean(n), var(n)",
            BatchNormRunning,
            conventions=("running_average", "running_variance", "weight"),
            grades=_BY_STATISTICS,
        ),
        Operation(
            "batch_norm_inference",
            "batch_norm",
            "z(m,n), gamma(n), beta(n), mean(n), var(n), *, eps -> out(m,n)",
            BatchNormInference,
            conventions=("epsilon",),
        ),
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
}


def idle(name: str, dtype: str) -> bool:
    """Whether a convention or grade says nothing in this dtype: what is computed in is the dtype itself, or double."""
    wide = ("float32", "float64")
    return dtype in {"arithmetic": wide, "state": wide, "hyperparameters": ("float64",)}.get(name, ())
