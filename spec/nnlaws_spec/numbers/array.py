"""Arrays of other kinds of number: what they share under NumPy's functions.

A formula in plain array code runs on such an array if NumPy's functions find a rule for it. Three sorts of rule need
nothing of the number but its arithmetic: functions that only move entries (`REARRANGEMENTS`), functions composed of
others (`COMPOSED`), and methods, which are functions of the same name (`NumberArray`).
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from inspect import Signature, signature
from typing import Any, NoReturn, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import sliding_window_view

INSTEAD = {
    "tan": "np.sin(x) / np.cos(x)",
    "hypot": "np.sqrt(x * x + y * y)",
    "cbrt": "np.sign(x) * np.abs(x) ** (1 / 3)",
    "average": "(w * x).sum() / w.sum()",
    "append": "np.concatenate",
    "select": "np.where",
    "logsumexp": "np.log(np.exp(z - z.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)) + the maximum",
    "softmax": "e / e.sum(axis=-1, keepdims=True) with e = np.exp(z - z.max(axis=-1, keepdims=True))",
    "add.reduce": "np.sum",
    "multiply.reduce": "np.prod",
    "maximum.reduce": "np.max",
    "minimum.reduce": "np.min",
    "add.accumulate": "np.cumsum",
}
"""What to write instead of a function without a rule, where that is known."""

SUBSCRIPTS = "numpy.einsum has a rule where its first argument is the subscripts, as in 'ij,jk->ik'"

REARRANGEMENTS: tuple[Callable[..., Any], ...] = (
    *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.squeeze, np.expand_dims, np.broadcast_to),
    *(np.concatenate, np.stack, np.hstack, np.vstack, np.split, np.array_split, np.copy, np.atleast_1d, np.atleast_2d),
    *(np.take, np.take_along_axis, np.repeat, np.tile, np.roll, np.flip, np.diagonal, np.diag, np.tril, np.triu),
    *(np.pad, sliding_window_view),
)
"""NumPy's functions whose first argument is an array, or several, and which move its entries or put zeros beside."""


class NoRule(TypeError):
    """A function that a kind of number has no rule for."""


class NumberArray(NDArrayOperatorsMixin):
    """An array whose entries are not plain floats. A subclass gives `shape`, indexing, and the two NumPy protocols."""

    __slots__ = ()

    KIND = "these numbers"
    """What the numbers are called in messages."""

    shape: Any

    def __getitem__(self, key: Any) -> Any:
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def T(self) -> Any:  # noqa: N802
        return np.transpose(cast(Any, self))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len() of {self.KIND}: expected an array of at least one axis, got a single number")
        return int(self.shape[0])

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            f"{self.KIND} cannot be written into; build the array with numpy.stack, numpy.concatenate or numpy.where"
        )

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of {self.KIND} is not defined; compare them, and choose with numpy.where")

    def __float__(self) -> float:
        raise TypeError(f"{self.KIND} cannot become a float; in the formula, use NumPy's functions and not math's")

    def __int__(self) -> int:
        raise TypeError(f"{self.KIND} cannot become an integer; give integers as arguments of their own")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            f"{self.KIND} cannot become a plain array; in the formula, use NumPy's functions and operators throughout, "
            "or give `algorithm=`"
        )

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(cast(Any, self), shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(cast(Any, self), (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self) -> Any:
        return np.ravel(cast(Any, self))


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__, method.__doc__ = function.__name__, f"numpy.{function.__name__} of the array."
    return method


_METHODS = (np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.cumsum, np.cumprod, np.clip, np.dot, np.trace)
for _each in (*_METHODS, np.ravel, np.squeeze, np.swapaxes, np.take, np.repeat, np.diagonal, np.copy):
    setattr(
        NumberArray, _each.__name__.removeprefix("a") if _each in (np.max, np.min) else _each.__name__, _method(_each)
    )


def rearranged(function: Callable[..., Any], part: Callable[[Any], Any], *args: Any, **kwargs: Any) -> Any:
    """function(first, …) of one part of each number in `first`, which is an array or a sequence of arrays."""
    if function is np.pad and set(kwargs) - {"pad_width", "mode"}:
        raise NoRule("numpy.pad of other than zeros has no rule; put numbers beside with numpy.concatenate")
    first, *rest = args
    parts = [part(each) for each in first] if isinstance(first, list | tuple) else part(first)
    return function(parts, *rest, **kwargs)


def apply(rule: Callable[..., Any], function: Callable[..., Any], kind: str, args: Any, kwargs: Any) -> Any:
    """rule(*args, **kwargs), with a message of its own where the rule does not know an argument."""
    try:
        _signature(rule).bind(*args, **kwargs)
    except TypeError as error:
        raise NoRule(f"{kind} have a rule for {called(function)}, but not with these arguments: {error}") from None
    return rule(*args, **kwargs)


@cache
def _signature(rule: Callable[..., Any]) -> Signature:
    return signature(rule)


def called(function: Callable[..., Any], method: str = "__call__") -> str:
    """The name of a function of NumPy or SciPy, in full."""
    name, home = function.__name__, getattr(function, "__module__", None) or ""
    home = "numpy.linalg" if home.startswith("numpy.linalg") else "numpy"
    if isinstance(function, np.ufunc) and getattr(np, name.strip("_"), None) is not function:
        home = "scipy.special"
    name = {"amax": "max", "amin": "min"}.get(name, name)
    return f"{home}.{name}" if method == "__call__" else f"{home}.{name}.{method}"


def no_rule(kind: str, name: str, known: Iterable[str], extra: str = "") -> NoReturn:
    """Raises the TypeError of a function without a rule: which, and what to write in its place."""
    short = name.split(".", 1)[1].removeprefix("linalg.").removeprefix("special.")
    near = get_close_matches(short, sorted(known), n=4, cutoff=0.5)
    if short in INSTEAD:
        hint = f"write {INSTEAD[short]} in its place"
    elif near:
        hint = f"write it with functions that have a rule, such as {', '.join(near)}"
    else:
        hint = "write it with functions that have a rule: operators, sums, products, exp, log, tanh, matmul, where …"
    raise NoRule(f"{kind} have no rule for {name}; {hint}{extra}")


def options(kind: str, function: Any, kwargs: Mapping[str, Any]) -> None:
    """Raises the TypeError of a function with options; `out` also comes of y += x, which writes into all views of y."""
    if "out" in kwargs:
        raise NoRule(
            f"{kind} cannot be changed in place by {called(function)}; write y = y + x and not y += x, and give no out="
        )
    if kwargs:
        raise NoRule(f"{kind} have no rule for {called(function)} with {', '.join(kwargs)}; leave that out")


# --- functions composed of others ---


def vecdot(x: Any, y: Any) -> Any:
    """Σ x y along the last axis; all numbers here are real."""
    return np.sum(x * y, axis=-1)


def vdot(x: Any, y: Any) -> Any:
    return np.dot(np.ravel(x), np.ravel(y))


def vecmat(x: Any, y: Any) -> Any:
    """Each vector of x as a row."""
    return np.matmul(x[..., None, :], y)[..., 0, :]


def var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: float | None = None) -> Any:
    """Σ (x − mean)² / (n − ddof)."""
    deviations = x - np.mean(x, axis=axis, keepdims=True)
    total = np.sum(deviations * deviations, axis=axis, keepdims=keepdims)
    return total / (x.size // max(total.size, 1) - (ddof if correction is None else correction))


def std(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: float | None = None) -> Any:
    return np.sqrt(np.var(x, axis=axis, ddof=ddof if correction is None else correction, keepdims=keepdims))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Of vectors, and the Frobenius norm."""
    vectors = x.ndim == 1 or isinstance(axis, int)
    if ord is None or (ord == 2 and vectors) or ord == "fro":
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if vectors and ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if vectors and ord == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    raise NoRule(f"numpy.linalg.norm has no rule with ord={ord!r}; there is one for the norms of vectors 1, 2 and inf")


def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    if n != 1:
        return np.diff(diff(x, n - 1, axis), axis=axis)
    last = np.moveaxis(x, axis, -1)
    return np.moveaxis(last[..., 1:] - last[..., :-1], -1, axis)


def ptp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def zeros_like(x: Any) -> Any:
    return np.zeros(x.shape)


def ones_like(x: Any) -> Any:
    return np.ones(x.shape)


def full_like(x: Any, fill_value: Any) -> Any:
    return np.full(x.shape, fill_value)


COMPOSED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.var: var,
    np.std: std,
    np.linalg.norm: norm,
    np.clip: clip,
    np.diff: diff,
    np.ptp: ptp,
    np.zeros_like: zeros_like,
    np.ones_like: ones_like,
    np.full_like: full_like,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
}
