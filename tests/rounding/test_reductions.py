"""Sums of numbers that are known: how far rounding may carry them, in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters.softmax.operations import SOFTMAX
from nnlaws.rounding.formats import Floats, format_of
from nnlaws.rounding.number import Bounded, bounded

SINGLE = format_of(np.dtype(np.float32))


def summed(x: Floats, random: np.random.Generator) -> float:
    """In float32, two at a time, as chance has it."""
    parts = [np.float32(each) for each in x.tolist()]
    while len(parts) > 1:
        first = parts.pop(random.integers(len(parts)))
        second = parts.pop(random.integers(len(parts)))
        parts.append(first + second)
    return float(parts[0])


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.integers(-(2**9), 2**9), min_size=1, max_size=30), st.integers(-20, 20), st.data())
def test_sums_on_a_grid_are_not_rounded(whole: list[int], exponent: int, data: st.DataObject) -> None:
    x = np.ldexp(np.array(whole, dtype=float), exponent)
    total = bounded(x.astype(np.float32)).sum()
    assert total.error == 0
    assert summed(x, np.random.default_rng(data.draw(st.integers(0, 2**32)))) == total.value


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.integers(1, 20), st.integers(0, 20), st.integers(-130, -20), st.integers(0, 2**32))
def test_what_is_off_the_grid_moves_it_by_no_more_than_that(ones: int, others: int, size: int, seed: int) -> None:
    """Beside ones and zeros, numbers that are known to an error only, and may be flushed to 0."""
    random = np.random.default_rng(seed)
    small = np.ldexp(random.uniform(0.5, 1, others), size).astype(np.float32).astype(float)
    value = np.concatenate([random.choice([1.0, 0.0], ones), small])
    error = np.concatenate([np.zeros(ones), small])
    exact = value + error * random.uniform(-1, 1, value.shape)
    computed = np.where((exact <= error) & (random.random(value.shape) < 0.5), 0.0, value)
    order = random.permutation(len(value))
    total = Bounded(value[order], error[order], SINGLE).sum()
    assert abs(summed(computed[order], random) - exact.sum()) <= total.error * (1 + 1e-12)


@pytest.mark.parametrize("x", [[1.0, 2.0**-24], [1.0, 2.0**-23, 2.0**24], [2.0**24, 1.0, 1.0], [0.1, 0.2]])
def test_sums_off_any_grid_are_rounded(x: list[float]) -> None:
    total = bounded(np.array(x, np.float32)).sum()
    assert total.error > 0
    least = min(abs(float(np.float32(a) + np.float32(b)) - a - b) for a, b in [(x[0], x[1]), (x[-1], x[0])] if a != b)
    assert least <= total.error


def test_zeros_are_not_counted() -> None:
    x = np.zeros(1_000_000, np.float32)
    x[[3, 77_777, 999_999]] = 0.1, 0.2, 0.3
    assert bounded(x).sum().error < 3 * SINGLE.u


@pytest.mark.parametrize("classes", [1000, 131_073])
def test_a_lost_class_is_seen(classes: int) -> None:
    """A row with every fourth class at the top, and the others so far below that they count nothing."""
    z = np.full((1, classes), -1024, np.float32)
    z[0, ::4] = 0
    (measure,) = Ruler(SOFTMAX, SINGLE, {}).measures(z)
    lost = 1 / (len(z[0, ::4]) - 1)
    assert abs(lost - measure.exact.hi[0, 0]) > measure.allowed[0, 0]
