"""Samplers as they are: what makes a range that draws by a seed, whoever wrote it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nnlaws import check
from nnlaws.harness.parent import LoadError

MINE = """
import numpy as np

class Range:
    def __init__(self, low, high, scale="linear"):
        self.low, self.high, self.scale = low, high, scale

    def rvs(self, n_samples=1, random_state=None):
        u = np.random.default_rng(random_state).random(n_samples)
        if self.scale == "log":
            return np.clip(self.low * (self.high / self.low) ** u, self.low, self.high)
        if self.scale == "square":
            u = u**2
        return self.low + u * (self.high - self.low)

class Short(Range):
    "It draws from nine tenths of the range."
    def rvs(self, n_samples=1, random_state=None):
        return self.low + 0.97 * (super().rvs(n_samples, random_state) - self.low)

class Whole:
    def __init__(self, lower, upper):
        self.lower, self.upper = lower, upper

    def sample(self, size=1, random_state=None):
        "Of a generator alone, as some libraries have it."
        return random_state.randint(self.lower, self.upper, size)

class Range2(Range):
    "It draws, but not by a seed."
    rvs = None

    def sample(self, shape=()):
        return np.random.random(shape)
"""


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Any]:
    def judge(target: str) -> Any:
        (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
        return check(f"{tmp_path / 'mine.py'}:{target}", profile="quick")

    return judge


@pytest.mark.parametrize(
    ("target", "offered"),
    [
        ("Range", "sample_uniform"),
        ("Range scale=log", "sample_log_uniform"),
        ("Whole", "sample_integer"),
    ],
)
def test_it_conforms_as_what_it_is(target: str, offered: str, judged: Callable[..., Any]) -> None:
    report = judged(target)
    assert report.offered == (offered,)
    assert report.conforms, str(report)
    assert report.recognised[0].startswith(f"taken for {offered}")


def test_a_range_that_is_too_short_violates(judged: Callable[..., Any]) -> None:
    report = judged("Short")
    assert report.offered == ("sample_uniform",)
    assert not report.conforms


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Range scale=square", "even on no scale of the notes"),
        ("Range2", "is not recognised|offers no operation"),
    ],
)
def test_what_draws_otherwise_is_refused(target: str, message: str, judged: Callable[..., Any]) -> None:
    with pytest.raises(LoadError, match=message):
        judged(target)
