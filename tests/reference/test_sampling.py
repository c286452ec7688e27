"""The reference samplers: the right law, whole boxes, seeds that repeat; clear in what they refuse."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nnlaws_reference import sample_integer, sample_log_uniform, sample_one_minus_log_uniform, sample_uniform
from scipy import stats

Sampler = Callable[..., Any]
BOXES: dict[Sampler, tuple[float, float]] = {
    sample_uniform: (-1.0, 3.0),
    sample_log_uniform: (1e-4, 1.0),
    sample_one_minus_log_uniform: (0.9, 0.999),
    sample_integer: (1, 6),
}
every_sampler = pytest.mark.parametrize("sample", BOXES, ids=lambda sample: sample.__name__)
continuous = pytest.mark.parametrize("sample", list(BOXES)[:3], ids=lambda sample: sample.__name__)


def test_sa1_sa2_sa3_what_is_uniform() -> None:
    """One look at 200,000 draws of one seed, at 1e-6; the laws of this chapter look harder."""
    u = {
        "linear": (sample_uniform(-1, 3, size=200_000, seed=1) + 1) / 4,
        "log": np.log10(sample_log_uniform(1e-4, 1, size=200_000, seed=2)) / 4 + 1,
        "one minus log": (-np.log10(1 - sample_one_minus_log_uniform(0.9, 0.999, size=200_000, seed=3)) - 1) / 2,
    }
    for name, draws in u.items():
        assert stats.kstest(draws, "uniform").pvalue > 1e-6, name
        assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 5 / math.sqrt(200_000), name  # SA-6


def test_sa4_integers_are_equally_likely() -> None:
    counts = np.bincount(sample_integer(1, 6, size=60_000, seed=0), minlength=7)
    assert counts[0] == 0
    assert stats.chisquare(counts[1:]).pvalue > 1e-6
    assert sample_integer(-3, -3, size=4, seed=0).tolist() == [-3] * 4


def test_sa4_far_integers_lose_no_digits() -> None:
    """A rounded product would never be odd beyond 2^53."""
    high = 2**63 - 1
    draws = sample_integer(high - 7, high, size=400, seed=0)
    assert set(draws.tolist()) == set(range(high - 7, high + 1))


@given(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308), st.integers(0, 2**64))
@settings(deadline=None)
def test_sa5_in_the_box(low: float, high: float, seed: int) -> None:
    assume(low < high)
    draws = sample_uniform(low, high, size=50, seed=seed)
    assert ((draws >= low) & (draws <= high)).all()


@every_sampler
def test_sa5_sa11_in_the_box_and_as_many_as_asked_for(sample: Sampler) -> None:
    low, high = BOXES[sample]
    for size in (0, 1, 10_000):
        draws = sample(low, high, size=size, seed=5)
        assert draws.shape == (size,)
        assert draws.dtype == (np.int64 if sample is sample_integer else np.float64)
        assert ((draws >= low) & (draws <= high)).all()


@continuous
def test_sa7_none_repeats(sample: Sampler) -> None:
    draws = sample(*BOXES[sample], size=10_000, seed=0)
    assert len(np.unique(draws)) == 10_000


@every_sampler
def test_sa9_sa10_seeds(sample: Sampler) -> None:
    low, high = BOXES[sample]
    draws = sample(low, high, size=50, seed=7)
    assert np.array_equal(draws, sample(low, high, size=50, seed=7))
    assert np.array_equal(draws, sample(low, high, size=50, seed=np.random.default_rng(7)))
    assert np.array_equal(draws[:20], sample(low, high, size=20, seed=7))
    others = [sample(low, high, size=50, seed=seed).tolist() for seed in range(7)]
    assert draws.tolist() not in others
    assert len({tuple(other) for other in others}) == 7


@every_sampler
def test_a_generator_goes_on_and_the_global_one_is_left_alone(sample: Sampler) -> None:
    low, high = BOXES[sample]
    before = np.random.get_state(legacy=False)["state"]
    stream = np.random.default_rng(7)
    first, second = sample(low, high, size=50, seed=stream), sample(low, high, size=50, seed=stream)
    assert first.tolist() != second.tolist()
    after = np.random.get_state(legacy=False)["state"]
    assert before["pos"] == after["pos"]
    assert np.array_equal(before["key"], after["key"])


HALF: Any = 1.5
REFUSED: dict[str, tuple[str, Callable[[], Any]]] = {
    "reversed": ("low < high, both finite, got low = 2 and high = 1", lambda: sample_uniform(2, 1, size=1, seed=0)),
    "infinite": ("low < high, both finite", lambda: sample_uniform(0, math.inf, size=1, seed=0)),
    "nan": ("low < high, both finite", lambda: sample_uniform(math.nan, 1, size=1, seed=0)),
    "log of 0": ("0 < low < high, both finite, got low = 0", lambda: sample_log_uniform(0, 1, size=1, seed=0)),
    "log of 1 − 1": ("low < high < 1", lambda: sample_one_minus_log_uniform(0.9, 1, size=1, seed=0)),
    "half": ("whole numbers low ≤ high of 64 bits, got low = 1.5", lambda: sample_integer(HALF, 3, size=1, seed=0)),
    "long": ("whole numbers low ≤ high of 64 bits", lambda: sample_integer(0, 2**63, size=1, seed=0)),
    "size": ("size to be a whole number ≥ 0, how many to draw, got -1", lambda: sample_uniform(0, 1, size=-1, seed=0)),
    "half a draw": ("size to be a whole number ≥ 0", lambda: sample_log_uniform(1, 2, size=HALF, seed=0)),
    "seed": ("non-negative", lambda: sample_uniform(0, 1, size=1, seed=-1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str) -> None:
    words, call = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        call()
