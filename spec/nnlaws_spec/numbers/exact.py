"""Exact arrays: balls under all the functions that a formula in NumPy's and SciPy's words may call.

On plain object arrays of balls NumPy finds the operators, `exp`, `log` and sums, which the formulas of this
specification need. It does not find `tanh` by its own name, `erf`, powers, comparisons that are certain, or variances.
`Exact` wraps such an array and finds them, so the formula of anyone's test runs unchanged.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, NoReturn

import numpy as np
from flint import arb
from numpy.typing import ArrayLike, NDArray

from nnlaws_spec.numbers.array import (
    COMPOSED,
    REARRANGEMENTS,
    SUBSCRIPTS,
    NumberArray,
    apply,
    called,
    no_rule,
    options,
    rearranged,
    vdot,
    vecdot,
    vecmat,
)
from nnlaws_spec.numbers.ball import Enclosure, Undecided, balls, enclose


class Exact(NumberArray):
    """An array of balls. `balls`: the object array itself."""

    __slots__ = ("balls",)

    KIND = "exact numbers"

    def __init__(self, array: Any) -> None:
        self.balls: NDArray[np.object_] = np.asarray(array, dtype=object)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.balls.shape

    def __repr__(self) -> str:
        return f"Exact({self.balls!r})"

    def __getitem__(self, key: Any) -> "Exact":
        return Exact(self.balls[key])

    def astype(self, dtype: Any) -> "Exact":
        """Itself: a cast rounds, and exact numbers are not rounded."""
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and ufunc in _ON_OBJECTS:
            return Exact(ufunc(*(_balls(x) for x in inputs), **kwargs))
        if method == "__call__" and ufunc.__name__ in _ROWS and not kwargs:
            return _ROWS[ufunc.__name__](*(Exact(_balls(x)) for x in inputs))
        rule = _UFUNCS.get(ufunc.__name__) if method == "__call__" and not kwargs else None
        if rule is None:
            options(Exact.KIND, ufunc, kwargs)
            _missing(called(ufunc, method))
        result = np.frompyfunc(rule, ufunc.nin, 1)(*(_balls(x) for x in inputs))
        return np.asarray(result, dtype=bool) if ufunc.__name__ in _COMPARISONS else Exact(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in REARRANGEMENTS:
            moved = rearranged(function, _balls, *args, **kwargs)
            return [Exact(_lift(each)) for each in moved] if isinstance(moved, list) else Exact(_lift(moved))
        if function is np.einsum and isinstance(args[0], str):
            return Exact(np.einsum(args[0], *(_balls(x) for x in args[1:]), **kwargs))
        if function in _ON_OBJECTS:
            return Exact(function(*(_balls(x) if isinstance(x, Exact) else x for x in args), **kwargs))
        rule = _FUNCTIONS.get(function) or COMPOSED.get(function)
        if rule is None:
            _missing(called(function))
        return apply(rule, function, Exact.KIND, args, kwargs)


def enclose_exact(formula: Callable[..., Any], *arguments: ArrayLike, within: ArrayLike) -> Enclosure:
    """`enclose`, for a formula in any of the functions that exact arrays have a rule for."""

    def evaluated(*lifted: Any) -> Any:
        return _balls(formula(*(Exact(each) for each in lifted)))

    evaluated.__name__ = getattr(formula, "__name__", "the formula")
    return enclose(evaluated, *arguments, within=within)


def _missing(name: str) -> NoReturn:
    known = [*_UFUNCS, *_ROWS, *(each.__name__ for each in (*_FUNCTIONS, *COMPOSED, *REARRANGEMENTS, *_ON_OBJECTS))]
    no_rule(Exact.KIND, name, known)


def _balls(x: Any) -> NDArray[np.object_]:
    return x.balls if isinstance(x, Exact) else balls(x)


_lift = np.frompyfunc(lambda x: x if isinstance(x, arb) else arb(float(x)), 1, 1)


# --- one number, or two ---


def _log_add(a: arb, b: arb) -> arb:
    return a.max(b) + (-abs(a - b)).exp().log1p()


def _power(x: arb, y: arb) -> arb:
    """x^y; of an exact integer y for any x, as a product."""
    whole = y.unique_fmpz() if y.is_integer() else None
    return x**y if whole is None else x**whole


def _sign(x: arb) -> arb:
    if not (x > 0 or x < 0 or x == 0):
        raise Undecided("the sign of a number that may be 0")
    return x.sgn()


def _xlogy(x: arb, y: arb) -> arb:
    return arb(0) if x == 0 else x * y.log()


def _decided(answer: Callable[[arb, arb], bool], opposite: Callable[[arb, arb], bool]) -> Callable[[arb, arb], bool]:
    """A comparison that the radii leave no doubt about."""

    def decide(a: arb, b: arb) -> bool:
        if bool(answer(a, b)) == bool(opposite(a, b)):
            raise Undecided("a comparison of numbers that may be equal")
        return bool(answer(a, b))

    return decide


_COMPARISONS: dict[str, Callable[[arb, arb], bool]] = {
    "greater": _decided(lambda a, b: a > b, lambda a, b: a <= b),
    "greater_equal": _decided(lambda a, b: a >= b, lambda a, b: a < b),
    "less": _decided(lambda a, b: a < b, lambda a, b: a >= b),
    "less_equal": _decided(lambda a, b: a <= b, lambda a, b: a > b),
    "equal": _decided(lambda a, b: a == b, lambda a, b: not a.overlaps(b)),
    "not_equal": _decided(lambda a, b: not a.overlaps(b), lambda a, b: a == b),
}

_UFUNCS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "absolute": abs,
    "fabs": abs,
    "sign": _sign,
    "square": lambda x: x * x,
    "sqrt": arb.sqrt,
    "reciprocal": lambda x: 1 / x,
    "power": _power,
    "float_power": _power,
    "maximum": arb.max,
    "minimum": arb.min,
    "exp": arb.exp,
    "exp2": lambda x: arb(2) ** x,
    "expm1": arb.expm1,
    "log": arb.log,
    "log2": lambda x: x.log() / arb.const_log2(),
    "log10": lambda x: x.log() / arb.const_log10(),
    "log1p": arb.log1p,
    "logaddexp": _log_add,
    "sin": arb.sin,
    "cos": arb.cos,
    "sinh": arb.sinh,
    "cosh": arb.cosh,
    "tanh": arb.tanh,
    "arctan": arb.atan,
    "arcsinh": arb.asinh,
    "erf": arb.erf,
    "erfc": arb.erfc,
    "expit": lambda x: 1 / (1 + (-x).exp()),
    "log_expit": lambda x: -_log_add(arb(0), -x),
    "xlogy": _xlogy,
    **_COMPARISONS,
}

# --- several ---

_ON_OBJECTS: tuple[Callable[..., Any], ...] = (
    *(np.matmul, np.dot, np.inner, np.outer, np.tensordot, np.kron, np.trace, np.convolve, np.cumsum, np.cumprod),
    *(getattr(np, name) for name in ("matvec",) if hasattr(np, name)),
)
"""Sums and products only, so NumPy does them on object arrays as they are."""

_ROWS: dict[str, Callable[..., Any]] = {"vecdot": vecdot, "vecmat": vecmat}
"""NumPy takes conjugates of these, which balls have none of."""


def _sum(a: Exact, axis: Any = None, *, keepdims: bool = False) -> Exact:
    return Exact(_lift(a.balls.sum(axis=axis, keepdims=keepdims)))


def _prod(a: Exact, axis: Any = None, *, keepdims: bool = False) -> Exact:
    return Exact(_lift(a.balls.prod(axis=axis, keepdims=keepdims)))


def _mean(a: Exact, axis: Any = None, *, keepdims: bool = False) -> Any:
    total = _sum(a, axis, keepdims=keepdims)
    return total / (a.size // max(total.size, 1))


def _selected(largest: Callable[[arb, arb], arb]) -> Callable[..., Exact]:
    def select(a: Exact, axis: Any = None, *, keepdims: bool = False) -> Exact:
        axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        found: Any = reduce(lambda x, k: np.frompyfunc(largest, 2, 1).reduce(x, axis=k, keepdims=True), axes, a.balls)
        return Exact(found if keepdims else np.squeeze(np.asarray(found, dtype=object), axis=axes))

    return select


def _where(condition: Any, x: Any, y: Any) -> Exact:
    return Exact(np.where(condition, _balls(x), _balls(y)))


def _einsum(*operands: Any) -> Exact:
    raise TypeError(SUBSCRIPTS)


_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: _sum,
    np.prod: _prod,
    np.mean: _mean,
    np.max: _selected(arb.max),
    np.min: _selected(arb.min),
    np.where: _where,
    np.vdot: lambda a, b: vdot(Exact(_balls(a)), Exact(_balls(b))),
    np.einsum: _einsum,
}
