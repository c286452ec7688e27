"""Rounding bounds: no sound computation leaves them, and they are not so wide as to allow anything."""

import operator
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nnlaws.bounds import Bounded, bounded, join
from nnlaws.bounds import number as rules
from nnlaws.bounds.formats import format_of
from nnlaws.bounds.ruler import FINENESS, Ruler
from nnlaws.cases.case import expand
from nnlaws.cases.softmax import any_size, any_size_inputs, either, moderate, moderate_inputs
from nnlaws.evidence import compare
from nnlaws.operations import OPERATIONS
from nnlaws.sound import SOUND
from nnlaws.sound.variant import SoundVariant
from nnlaws_reference import softmax
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.numbers import balls, enclose
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None)

Floats = NDArray[np.float64]

every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())

# --- the rules: random expressions in floats, in bounded numbers and in balls ---

ROWS, COLUMNS = 12, 4

UNARY = ("negative", "absolute", "square", "sqrt", "exp", "log")
BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
REDUCTIONS = ("sum", "mean", "max")
COMPARISONS = {
    "greater": operator.gt,
    "less": operator.lt,
    "greater_equal": operator.ge,
    "less_equal": operator.le,
}

Step = tuple[Any, ...]
"""The function's name, how many values back each operand stands (or a constant for it), and what else it takes."""

Program = list[Step]


class Arithmetic(Protocol):
    """What an expression is evaluated in. Rows are independent of each other; every axis but the last counts them."""

    def leaf(self, x: Array) -> Any: ...

    def apply(self, name: str, *arguments: Any) -> Any: ...

    def reduce(self, name: str, x: Any) -> Any: ...

    def astype(self, x: Any, dtype: np.dtype[Any]) -> Any: ...


@dataclass
class InFloats:
    """NumPy, each operation rounded to its dtype. `alive`: the rows in which nothing has left the format's range."""

    alive: NDArray[np.bool_] = field(default_factory=lambda: np.ones(ROWS, bool))

    def leaf(self, x: Array) -> Array:
        return x

    def apply(self, name: str, *arguments: Any) -> Array:
        """Constants are rounded to the arrays' dtype here, for beside bfloat16 NumPy would take float32 instead."""
        (dtype,) = {np.result_type(*(x for x in arguments if isinstance(x, np.ndarray) and x.dtype != bool))}
        rounded = (dtype.type(x) if isinstance(x, float) else x for x in arguments)
        return self._seen(getattr(np, name)(*rounded))

    def reduce(self, name: str, x: Array) -> Array:
        return self._seen(getattr(np, name)(x, axis=-1, keepdims=True))

    def astype(self, x: Array, dtype: np.dtype[Any]) -> Array:
        return self._seen(x.astype(dtype))

    def _seen(self, result: Array) -> Array:
        self.alive &= np.isfinite(result).all(axis=-1)
        return result


class InBounds:
    """Bounded numbers. Their steps are NumPy's own functions, which find the rules."""

    def leaf(self, x: Array) -> Bounded:
        return bounded(x)

    def apply(self, name: str, *arguments: Any) -> Any:
        return getattr(np, name)(*arguments)

    def reduce(self, name: str, x: Bounded) -> Any:
        return getattr(np, name)(x, axis=-1, keepdims=True)

    def astype(self, x: Bounded, dtype: np.dtype[Any]) -> Bounded:
        return x.astype(dtype)


class InBalls:
    """The exact values. A cast changes nothing; a selection is made of enclosures of both."""

    def leaf(self, x: Array) -> Any:
        return balls(x)

    def apply(self, name: str, *arguments: Any) -> Any:
        lifted = (arb(x) if isinstance(x, float) else x for x in arguments)
        return _ON_BALLS.get(name, getattr(np, name))(*lifted)

    def reduce(self, name: str, x: Any) -> Any:
        total = (_ON_BALLS["maximum"].reduce if name == "max" else np.add.reduce)(x, axis=-1, keepdims=True)
        return total / x.shape[-1] if name == "mean" else total

    def astype(self, x: Any, dtype: np.dtype[Any]) -> Any:
        return x


_ON_BALLS = {
    "maximum": np.frompyfunc(arb.max, 2, 1),
    "minimum": np.frompyfunc(arb.min, 2, 1),
    "absolute": np.frompyfunc(abs, 1, 1),
}


def _run(program: Program, arithmetic: Arithmetic, leaves: Sequence[Array]) -> list[Any]:
    """The value of every step. Conditions of `where` compare exact leaves, which no rounding can change."""
    values = [arithmetic.leaf(leaf) for leaf in leaves]
    for name, *parts in program:
        x, *others = (part if isinstance(part, float) else values[-1 - part % len(values)] for part in parts[:2])
        if name == "astype":
            values.append(arithmetic.astype(x, DTYPES[parts[2]]))
        elif name == "index":
            values.append(x[..., parts[2]])
        elif name in REDUCTIONS:
            values.append(arithmetic.reduce(name, x))
        elif name == "where":
            comparison, *compared = parts[2:]
            condition = COMPARISONS[comparison](*(leaves[place].astype(np.float64) for place in compared))
            values.append(arithmetic.apply(name, condition, x, *others))
        else:
            values.append(arithmetic.apply(name, x, *others))
    return values[len(leaves) :]


LEAVES = 3


def programs(casts: tuple[str, ...]) -> st.SearchStrategy[Program]:
    """One to eight steps; casts: the dtypes that a step may convert to."""
    constant = st.sampled_from((0.0, 1.0, -1.0, 2.0, 0.1, -3.3, 1e-3, 700.0, 2.0**-20))
    back, unused, place = st.integers(0, 4), st.just(0.0), st.integers(0, LEAVES - 1)
    beside = back | constant
    keys = st.sampled_from((slice(1), slice(-1, None), slice(None, None, -1)))
    step: st.SearchStrategy[Step] = st.one_of(
        st.tuples(st.sampled_from(BINARY), back, beside),
        st.tuples(st.sampled_from(BINARY), beside, back),
        st.tuples(st.sampled_from(UNARY), back),
        st.tuples(st.sampled_from(REDUCTIONS), back),
        st.tuples(st.just("where"), back, beside, st.sampled_from(tuple(COMPARISONS)), place, place),
        st.tuples(st.just("index"), back, unused, keys),
        st.tuples(st.just("astype"), back, unused, st.sampled_from(casts)),
    )
    return st.lists(step, min_size=1, max_size=8)


MAGNITUDES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Floats]] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "around ten": lambda random, shape: 10 + random.standard_normal(shape),
    "small integers": lambda random, shape: random.integers(-3, 4, shape).astype(np.float64),
    "1e-3 to 1e3": lambda random, shape: 10 ** random.uniform(-3, 3, shape) * random.choice([-1, 1], shape),
    "about the smallest normal": lambda random, shape: 2 ** random.uniform(-6, 6, shape),
    "subnormal": lambda random, shape: 2 ** random.uniform(-10, 0, shape),
    "all sizes": lambda random, shape: random.standard_normal(shape),
}


def _leaf(family: str, random: np.random.Generator, dtype: np.dtype[Any]) -> Array:
    """ROWS × COLUMNS numbers. `all sizes`: from the smallest subnormal to 1e30, or the root of the largest."""
    shape, format = (ROWS, COLUMNS), format_of(dtype)
    x = MAGNITUDES[family](random, shape)
    if family in ("about the smallest normal", "subnormal"):
        x *= format.tiny
    if family == "all sizes":
        top = min(np.log2(1e30), np.log2(format.largest) / 2)
        x *= 2 ** random.uniform(np.log2(format.tiny) - format.digits, top, shape)
    return x.astype(dtype)


def _judge(program: Program, leaves: Sequence[Array], tally: Counter[str]) -> None:
    """Asserts of each element of each step that what was computed, and `value`, lie within `error` of the truth."""
    floats = InFloats()
    with np.errstate(all="ignore"), ctx.workprec(1024):
        computed, bounds, exact = (_run(program, each, leaves) for each in (floats, InBounds(), InBalls()))
    for got, bound, truth in zip(computed, bounds, exact, strict=True):
        assert (got.dtype, got.shape) == (bound.dtype, bound.shape)
        for row in np.ndindex(bound.shape):
            tally.update([_judged(float(got[row]), float(bound.value[row]), float(bound.error[row]), truth[row], floats.alive[row[0]])])


def _judged(got: float, value: float, error: float, truth: arb, alive: bool) -> str:
    """What can be said of one element; fails where it is certain that it is out of bounds."""
    if not alive:
        return "out of range"
    if not truth.is_finite():
        return "undefined"
    if not np.isfinite(error):
        return "unbounded"
    with ctx.workprec(1024):
        offs = [abs(arb(x) - truth) for x in (got, value)]
        assert not any(off > error for off in offs), f"{got} and {value} are off by {offs}, allowed {error}"
        return "judged" if all(off <= error for off in offs) else "undecided"


CASTS = {
    "float16": ("float16", "float32"),
    "bfloat16": ("bfloat16", "float32"),
    "float32": ("float32", "float64", "float16"),
    "float64": ("float64", "float32"),
}


@pytest.mark.parametrize("name", DTYPES)
def test_no_expression_leaves_its_bound(name: str) -> None:
    """Every rule, in every format, each step rounded by NumPy."""
    tally, dtype = Counter[str](), DTYPES[name]
    families = st.lists(st.sampled_from(tuple(MAGNITUDES)), min_size=LEAVES, max_size=LEAVES)

    @settings(repeatable, max_examples=250)
    @given(program=programs(CASTS[name]), families=families, seed=st.integers(0, 2**32 - 1))
    # The bound of a quotient is itself a product of two numbers below 1e-154, which float64 rounds to 0.
    @example(program=[("sqrt", 0), ("divide", 1, 0)], families=["about the smallest normal"] * LEAVES, seed=0)
    def holds(program: Program, families: list[str], seed: int) -> None:
        random = np.random.default_rng(seed)
        _judge(program, [_leaf(family, random, dtype) for family in families], tally)

    holds()
    assert tally["judged"] > 10_000
    assert tally["judged"] > 0.5 * tally.total(), tally
