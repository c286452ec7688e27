"""Rounding bounds: no sound computation leaves them, and they are not so wide as to allow anything."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
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

Tree = tuple[Any, ...]


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
        return self._seen(getattr(np, name)(*arguments))

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


def _evaluate(tree: Tree, arithmetic: Arithmetic, leaves: Sequence[Array]) -> Any:
    """The value of an expression. Conditions of `where` compare exact leaves, which no rounding can change."""
    kind, *parts = tree
    if kind == "leaf":
        return arithmetic.leaf(leaves[parts[0]])
    if kind == "constant":
        return parts[0]
    if kind == "where":
        comparison, a, b, if_true, if_false = parts
        condition = COMPARISONS[comparison](leaves[a].astype(np.float64), leaves[b].astype(np.float64))
        chosen = (_evaluate(branch, arithmetic, leaves) for branch in (if_true, if_false))
        return arithmetic.apply("where", condition, *chosen)
    x, *others = (_evaluate(part, arithmetic, leaves) for part in parts if isinstance(part, tuple))
    if kind == "astype":
        return arithmetic.astype(x, DTYPES[parts[1]])
    if kind == "index":
        return x[..., {"first": slice(1), "last": slice(-1, None), "reversed": slice(None, None, -1)}[parts[1]]]
    return arithmetic.reduce(kind, x) if kind in REDUCTIONS else arithmetic.apply(kind, x, *others)


LEAVES = 3

constants = st.sampled_from((0.0, 1.0, -1.0, 2.0, 0.1, -3.3, 1e-3, 700.0, 2.0**-20)).map(
    lambda value: ("constant", value)
)


def trees(casts: tuple[str, ...]) -> st.SearchStrategy[Tree]:
    """Expressions of up to about ten steps; casts: the dtypes that a step may convert to."""
    leaf: st.SearchStrategy[Tree] = st.integers(0, LEAVES - 1).map(lambda number: ("leaf", number))
    places = st.integers(0, LEAVES - 1)

    def grow(smaller: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        beside = smaller | constants
        return st.one_of(
            st.tuples(st.sampled_from(UNARY), smaller),
            st.tuples(st.sampled_from(BINARY), smaller, beside),
            st.tuples(st.sampled_from(BINARY), beside, smaller),
            st.tuples(st.sampled_from(REDUCTIONS), smaller),
            st.tuples(st.just("where"), st.sampled_from(tuple(COMPARISONS)), places, places, smaller, beside),
            st.tuples(st.just("index"), smaller, st.sampled_from(("first", "last", "reversed"))),
            st.tuples(st.just("astype"), smaller, st.sampled_from(casts)),
        )

    return st.recursive(leaf, grow, max_leaves=6)


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


@dataclass
class Tally:
    """Elements seen, by whether they were judged and, where not, why."""

    judged: int = 0
    out_of_range: int = 0
    undefined: int = 0
    unbounded: int = 0
    undecided: int = 0

    @property
    def share(self) -> float:
        return self.judged / max(1, self.judged + self.out_of_range + self.undefined + self.unbounded + self.undecided)


def _judge(tree: Tree, leaves: Sequence[Array], tally: Tally) -> None:
    """Asserts for each element that the computed value and `value` lie within `error` of the exact value."""
    floats = InFloats()
    with np.errstate(all="ignore"), ctx.workprec(1024):
        computed = _evaluate(tree, floats, leaves)
        bound: Bounded = _evaluate(tree, InBounds(), leaves)
        exact = np.broadcast_to(np.asarray(_evaluate(tree, InBalls(), leaves), dtype=object), bound.shape)
        assert computed.dtype == bound.dtype
        assert computed.shape == bound.shape
        for place in np.ndindex(bound.shape):
            error, truth = float(bound.error[place]), exact[place]
            if not floats.alive[place[0]]:
                tally.out_of_range += 1
            elif not truth.is_finite():
                tally.undefined += 1
            elif not np.isfinite(error):
                tally.unbounded += 1
            else:
                offs = [abs(arb(float(x[place])) - truth) for x in (computed, bound.value)]
                assert not any(off > error for off in offs), f"{place}: off by {offs}, allowed {error}"
                if all(off <= error for off in offs):
                    tally.judged += 1
                else:
                    tally.undecided += 1


CASTS = {
    "float16": ("float16", "float32"),
    "bfloat16": ("bfloat16", "float32"),
    "float32": ("float32", "float64", "float16"),
    "float64": ("float64", "float32"),
}


@pytest.mark.parametrize("name", DTYPES)
def test_no_expression_leaves_its_bound(name: str) -> None:
    """Every rule, in every format, stepwise rounded by NumPy."""
    tally, dtype = Tally(), DTYPES[name]
    families = st.lists(st.sampled_from(tuple(MAGNITUDES)), min_size=LEAVES, max_size=LEAVES)

    @settings(repeatable, max_examples=300)
    @given(tree=trees(CASTS[name]), families=families, seed=st.integers(0, 2**32 - 1))
    def holds(tree: Tree, families: list[str], seed: int) -> None:
        random = np.random.default_rng(seed)
        _judge(tree, [_leaf(family, random, dtype) for family in families], tally)

    holds()
    assert tally.judged > 1000
    assert tally.share > 0.5, tally
