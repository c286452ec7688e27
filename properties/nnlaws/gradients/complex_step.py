"""The complex step: Im f(x + ihv)/h is the rate along v with next to no rounding, where f runs on complex numbers."""

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from nnlaws.gradients.rates import Array, Problem, Rates, pair, safety_factor

UFUNCS = {
    *("add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "power", "exp", "log", "sin"),
    *("cos", "tan", "sinh", "cosh", "tanh", "matmul", "maximum", "minimum"),
}
OTHERS = {"sum", "mean", "prod", "max", "min", "dot", "einsum", "reshape", "ravel", "transpose", "stack"}


class _Analytic(NDArrayOperatorsMixin):
    """A complex array that allows only what is analytic where f is smooth; all else raises.

    Values cannot tell whether an |x| of weight 1e-12 hides in f; operations can. Being no ndarray, it cannot
    lose its imaginary part in np.asarray. NumPy orders complex numbers by real part: maxima keep f's branch.
    """

    def __init__(self, value: Any) -> None:
        self.value: Array = np.asarray(value)
        if self.value.dtype.kind != "c":
            raise TypeError("not complex")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("not an array")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        allowed = method == "__call__" and not options and ufunc.__name__ in UFUNCS
        return _Analytic(ufunc(*_plain(inputs))) if allowed else NotImplemented

    def __array_function__(self, function: Any, _: Any, args: Any, options: Any) -> Any:
        allowed = function.__name__ in OTHERS and not {"out", "dtype"} & set(options)
        return _Analytic(function(*_plain(args), **options)) if allowed else NotImplemented

    def __getitem__(self, index: Any) -> Any:
        return _Analytic(self.value[index])

    def __getattr__(self, name: str) -> Any:
        if name in {"shape", "ndim", "size"}:
            return getattr(self.value, name)
        if name not in OTHERS:
            raise AttributeError(name)
        return partial(getattr(np, name), self)  # back through __array_function__


def _plain(value: Any) -> Any:
    """The arguments of a NumPy function, unwrapped."""
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value.value if isinstance(value, _Analytic) else value


def complex_step(problem: Problem, h: Array, v: Array, noise: Array | None) -> Rates:
    """Complex steps. Their rounding, and the gradient's, is how much residuals change from x to x ± hv, where
    a right g leaves none either; with other lengths of the step, lest a linear f round the same again."""
    tiny = float(h.min() * np.finfo(problem.x.dtype).eps)  # truncation, of order tiny², is below any rounding
    difference = np.array([_residual(problem, problem.x, d, tiny) for d in v])
    if noise is None:
        pairs = [pair(problem.x, d, float(h.min())) for d in v]
        near = [
            [_residual(problem, both[side], d, stretch * tiny) for d, both in zip(v, pairs, strict=True)]
            for side, stretch in ((0, 1.3), (1, 1.7))
        ]
        spread = np.abs(np.array(near) - difference).max(axis=(0, 1))  # at least the root mean square
        noise = np.asarray(spread * safety_factor(2 * len(v), cases=difference.size))
    return Rates(difference, noise + problem.slack(v, float(np.finfo(np.longdouble).eps)), noise, h)


def _residual(problem: Problem, x: Array, v: Array, h: float) -> Array:
    """Im f(x + ihv)/h − ⟨v, gradient(x)⟩, (M,): f in x's precision, the dot product beyond double."""
    z = (x + 1j * h * v.reshape(x.shape)).astype(np.result_type(x, np.complex64))
    value = problem.f(_Analytic(z))
    if not isinstance(value, _Analytic) or value.shape != problem.shape:
        raise TypeError("f left the complex numbers")
    g = np.asarray(problem.gradient(x), dtype=np.longdouble).reshape(problem.g.shape)
    return np.asarray(np.imag(value.value).ravel() / np.float64(h) - g @ v, dtype=np.float64)
