"""The contract: what each operation is called, what it takes, and what it returns.

An implementation is any module or object with attributes of these names. Arrays are NumPy arrays of one floating dtype,
samples first; what a signature lists after `*` are Python floats, given by name. The Protocols are for type checkers
and readers; OPERATIONS is what the harness reads.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol

from nnlaws_reference.dtypes import Array


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
    )
}
