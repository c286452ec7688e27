"""The functions of NumPy and SciPy that bounded numbers have a rule for, beside the basic ones of their own module.

Elementary functions err as `nnlaws.rounding.elementary` says, sums and products as `nnlaws.rounding.reductions`.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np
from nnlaws_spec.numbers.array import (
    COMPOSED,
    REARRANGEMENTS,
    SUBSCRIPTS,
    apply,
    called,
    no_rule,
    norm,
    options,
    rearranged,
)

from nnlaws.rounding import reductions
from nnlaws.rounding.elementary import ELEMENTARY, logaddexp_error, power_error
from nnlaws.rounding.number import (
    BASIC,
    BASIC_FUNCTIONS,
    Bounded,
    absolute,
    as_bounded,
    decided,
    divide,
    known,
    rounded,
    where,
    widest,
)


def ufunc_of(ufunc: Any, method: str, inputs: Any, kwargs: Mapping[str, Any]) -> Any:
    """What a ufunc of NumPy or SciPy gives."""
    if method == "__call__" and ufunc in _MULTILINEAR:
        return _multilinear(ufunc, inputs, kwargs)
    rule = _NAMED.get(ufunc.__name__) if method == "__call__" and not kwargs else None
    if rule is None:
        options(Bounded.KIND, ufunc, kwargs)
        _missing(called(ufunc, method))
    format = widest(*inputs)
    return rule(ufunc, *(as_bounded(x, format) for x in inputs))


def function_of(function: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    """What any other function of NumPy gives."""
    if function in REARRANGEMENTS:
        return _rearranged(function, *args, **kwargs)
    if function in _MULTILINEAR:
        return _multilinear(function, args, kwargs)
    rule = _FUNCTIONS.get(function) or COMPOSED.get(function)
    if rule is None:
        _missing(called(function))
    return apply(rule, function, Bounded.KIND, args, kwargs)


# --- elementary functions, of nnlaws.rounding.elementary, by the ufunc's name ---


def _elementary(ufunc: Any, a: Bounded) -> Bounded:
    function = ELEMENTARY[ufunc.__name__]
    error, units = function.error(a.value, a.error), function.own(a.value, a.error)
    return known(rounded(ufunc(a.value), error, a.format, units=units), ufunc.__name__ in _NONNEGATIVE)


_NONNEGATIVE = ("exp2", "cosh", "erfc", "expit")


def _power(ufunc: Any, a: Bounded, b: Bounded) -> Bounded:
    """|c^y − x^y| ≤ |c − x|^y besides, for 0 < y < 1 and c, x ≥ 0, as the power is concave and 0 at 0."""
    value = np.power(a.value, b.value)
    error, units = power_error(*np.broadcast_arrays(a.value, a.error, b.value, b.error, value))
    certain = (b.error == 0) & (b.value > 0)
    if a.nonnegative:
        error = np.where(certain & (b.value < 1), np.fmin(error, a.error**b.value), error)
    result = rounded(value, error, a.format, units=units)
    even = bool((certain & (b.value % 2 == 0)).all())
    error = np.where((units == 0) & (error == 0), 0.0, result.error)
    return Bounded(value, error, a.format, a.nonnegative or even)


def _logaddexp(ufunc: Any, a: Bounded, b: Bounded) -> Bounded:
    error = logaddexp_error(a.value, a.error, b.value, b.error, a.format.u)
    return rounded(np.logaddexp(a.value, b.value), error, a.format)


def _xlogy(ufunc: Any, a: Bounded, b: Bounded) -> Bounded:
    nothing = (a.value == 0) & (a.error == 0)
    return where(nothing, np.zeros(np.broadcast_shapes(a.shape, b.shape)), a * np.log(b))


def _sign(ufunc: Any, a: Bounded) -> Bounded:
    if ((np.abs(a.value) <= 2 * a.error) & (a.error > 0)).any():
        raise ValueError("a sign of bounded numbers depends on rounding; take signs of exact arguments only")
    return Bounded(np.sign(a.value), np.zeros(a.shape), a.format)


def _reciprocal(ufunc: Any, a: Bounded) -> Bounded:
    return divide(as_bounded(1.0, a.format), a)


def _fabs(ufunc: Any, a: Bounded) -> Bounded:
    return absolute(a)


def _equality(ufunc: Any, a: Bounded, b: Bounded) -> Any:
    return decided(ufunc)(a, b)


_NAMED: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(ELEMENTARY, _elementary),
    "power": _power,
    "float_power": _power,
    "logaddexp": _logaddexp,
    "xlogy": _xlogy,
    "sign": _sign,
    "reciprocal": _reciprocal,
    "fabs": _fabs,
    "equal": _equality,
    "not_equal": _equality,
}


# --- sums and products of many, of nnlaws.rounding.reductions ---

_MULTILINEAR: tuple[Any, ...] = (
    *(np.matmul, np.dot, np.inner, np.outer, np.tensordot, np.vdot, np.kron, np.trace, np.convolve, np.einsum),
    *(getattr(np, name) for name in ("matvec", "vecmat", "vecdot") if hasattr(np, name)),
)


def _multilinear(function: Any, args: Any, kwargs: Any) -> Bounded:
    """Operands are the arguments, up to the first that cannot be one, such as the number of axes of tensordot."""
    first = int(function is np.einsum and isinstance(args[0], str))
    count = {np.trace: 1, np.einsum: len(args) - first}.get(function, 2)
    operands, rest = args[first : first + count], args[first + count :]
    options(Bounded.KIND, function, {name: kwargs[name] for name in ("out", "where") if name in kwargs})
    if function is np.einsum and not first:
        raise TypeError(SUBSCRIPTS)
    format = widest(*operands)
    lifted = [as_bounded(x, format) for x in operands]
    value, error = reductions.multilinear(lambda *arrays: function(*args[:first], *arrays, *rest, **kwargs), lifted)
    return Bounded(value, error, format, all(x.nonnegative for x in lifted))


def _rearranged(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Numbers beside bounded ones are lifted first."""
    first, *rest = args
    several = isinstance(first, list | tuple)
    format = widest(*(first if several else [first]))
    lifted: Any = [as_bounded(x, format) for x in first] if several else first
    parts = (attrgetter("value"), attrgetter("error"))
    value, error = (rearranged(function, part, lifted, *rest, **kwargs) for part in parts)
    nonnegative = all(x.nonnegative for x in lifted) if several else lifted.nonnegative
    if isinstance(value, list):
        return [Bounded(*each, format, nonnegative) for each in zip(value, error, strict=True)]
    return Bounded(value, error, format, nonnegative)


def _reduced(function: Callable[..., Any]) -> Callable[..., Bounded]:
    def rule(a: Bounded, axis: Any = None, *, keepdims: bool = False) -> Bounded:
        value, error = function(a, axis, keepdims)
        return Bounded(value, error, a.format, a.nonnegative)

    return rule


def _running(function: Callable[..., Any]) -> Callable[..., Bounded]:
    def rule(a: Bounded, axis: int | None = None) -> Bounded:
        value, error = function(a, axis)
        return Bounded(value, error, a.format, a.nonnegative)

    return rule


def _min(a: Bounded, axis: Any = None, *, keepdims: bool = False) -> Any:
    return known(-np.max(-a, axis=axis, keepdims=keepdims), a.nonnegative)


def _var(
    a: Bounded, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: float | None = None
) -> Bounded:
    value, error = reductions.var(a, axis, ddof if correction is None else correction, keepdims)
    return Bounded(value, error, a.format, nonnegative=True)


def _std(
    a: Bounded, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: float | None = None
) -> Bounded:
    variance = _var(a, axis, ddof=ddof, keepdims=keepdims, correction=correction)
    return Bounded(*reductions.root(variance, 2.0), a.format, nonnegative=True)


def _norm(x: Bounded, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Of 2-norms the root is of a sum of squares; 4 units admit one that divides by the largest entry first."""
    if ord not in (None, 2, "fro"):
        return norm(x, ord, axis, keepdims)
    norm(x[..., :0], ord, axis, keepdims)  # raises where there is no rule
    return Bounded(*reductions.root(np.sum(x * x, axis=axis, keepdims=keepdims), 4.0), x.format, nonnegative=True)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.min: _min,
    np.prod: _reduced(reductions.prod),
    np.cumsum: _running(reductions.cumsum),
    np.cumprod: _running(reductions.cumprod),
    np.var: _var,
    np.std: _std,
    np.linalg.norm: _norm,
}


def _missing(name: str) -> NoReturn:
    tables = (*BASIC_FUNCTIONS, *_FUNCTIONS, *COMPOSED, *REARRANGEMENTS, *_MULTILINEAR, *BASIC)
    no_rule(Bounded.KIND, name, {*_NAMED, *(each.__name__ for each in tables)})
