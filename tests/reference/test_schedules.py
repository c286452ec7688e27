"""Reference schedules: the formulas' values, and bad input."""

from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.formulas import schedules as formulas

OPTIONS: dict[str, dict[str, float]] = {
    "linear_schedule": {"start": 0.5, "end": 0.1, "steps": 7},
    "polynomial_schedule": {"start": 0.5, "end": 0.1, "steps": 7, "power": 0.5},
    "cosine_schedule": {"start": 0.5, "end": 0.1, "steps": 7},
    "warmup_linear_schedule": {"peak": 0.5, "end": 0.1, "warmup": 3, "steps": 7},
    "warmup_cosine_schedule": {"peak": 0.5, "end": 0.1, "warmup": 3, "steps": 7},
    "inverse_root_schedule": {"initial": 0.5, "timescale": 7.0},
    "cosine_restarts_schedule": {"start": 0.5, "end": 0.1, "period": 2, "stretch": 2, "shrink": 0.5},
    "one_cycle_schedule": {"initial": 0.1, "peak": 0.5, "end": 0.0, "up": 3, "steps": 7},
    "warmup_stable_decay_schedule": {"peak": 0.5, "end": 0.1, "warmup": 3, "stable": 2, "steps": 9},
    "cyclical_schedule": {"initial": 0.1, "peak": 0.5, "up": 3, "down": 2, "shrink": 0.5},
}
every_schedule = pytest.mark.parametrize("name", OPTIONS)


@every_schedule
@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_what_the_formula_says(name: str, dtype: str) -> None:
    step = np.arange(12.0).reshape(3, 4).astype(DTYPES[dtype])
    got = getattr(reference, name)(step, **OPTIONS[name])
    want = getattr(formulas, name)(step.astype(np.float64), **OPTIONS[name])
    assert (got.dtype, got.shape) == (step.dtype, step.shape)
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=2.0**-7 if step.dtype.itemsize == 2 else 1e-6)


@every_schedule
@pytest.mark.parametrize("step", [0.5, -1.0, np.nan, np.inf])
def test_steps_are_whole_and_counted_from_0(name: str, step: float) -> None:
    with pytest.raises(ValueError, match="expected steps to be whole numbers, counted from 0, got"):
        getattr(reference, name)(np.array([step]), **OPTIONS[name])


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("linear_schedule", {"steps": 0}, "expected steps to be a whole number, 1 or more, got 0"),
        ("cosine_schedule", {"steps": 2.5}, "expected steps to be a whole number, 1 or more, got 2.5"),
        ("linear_schedule", {"start": -0.1}, "expected start finite and ≥ 0, got -0.1"),
        ("cosine_schedule", {"end": np.inf}, "expected end finite and ≥ 0, got inf"),
        ("polynomial_schedule", {"power": 0.0}, "expected power finite and > 0, got 0.0; 1 is a line"),
        ("warmup_linear_schedule", {"warmup": -1}, "expected warmup to be a whole number, 0 or more, got -1"),
        ("warmup_cosine_schedule", {"warmup": 7}, "expected steps to be a whole number, 8 or more, got 7"),
        ("inverse_root_schedule", {"timescale": 0.0}, "expected timescale finite and > 0, got 0.0; 10,000 is usual"),
        ("cosine_restarts_schedule", {"period": 0}, "expected period to be a whole number, 1 or more, got 0"),
        ("cosine_restarts_schedule", {"stretch": 1.5}, "expected stretch to be a whole number, 1 or more, got 1.5"),
        ("cosine_restarts_schedule", {"shrink": 0.0}, "expected shrink above 0 and at most 1, got 0.0"),
        ("one_cycle_schedule", {"up": 0}, "expected up to be a whole number, 1 or more, got 0"),
        ("one_cycle_schedule", {"up": 7}, "expected steps to be a whole number, 8 or more, got 7"),
        ("one_cycle_schedule", {"initial": -1.0}, "expected initial finite and ≥ 0, got -1.0"),
        ("warmup_stable_decay_schedule", {"stable": 6}, "expected steps to be a whole number, 10 or more, got 9"),
        ("warmup_stable_decay_schedule", {"stable": -1}, "expected stable to be a whole number, 0 or more, got -1"),
        ("cyclical_schedule", {"down": 0}, "expected down to be a whole number, 1 or more, got 0"),
        ("cyclical_schedule", {"shrink": 1.5}, "expected shrink above 0 and at most 1, got 1.5"),
    ],
)
def test_other_numbers_are_refused(name: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("+", r"\+")):
        getattr(reference, name)(np.zeros(1), **{**OPTIONS[name], **change})


def test_whole_numbers_of_an_integer_dtype_are_refused() -> None:
    with pytest.raises(ValueError, match="expected an array of float16"):
        reference.linear_schedule(np.arange(3), **OPTIONS["linear_schedule"])


def test_a_rate_keeps_its_digits_near_the_end() -> None:
    """The cosine's square does not cancel: of the last step before the end all digits are right."""
    step, steps = np.array([99_999.0]), 100_000
    got = reference.cosine_schedule(step, start=1.0, end=0.0, steps=steps)[0]
    assert got == pytest.approx(np.sin(np.pi / 2 / steps) ** 2, rel=1e-12)


@pytest.mark.parametrize("stretch", [1, 2, 3, 5, 10])
def test_it_begins_again_where_whole_numbers_say(stretch: int) -> None:
    """Also where the logarithm of (t/period)(stretch − 1) + 1 rounds below a whole number, as of 243 by 3."""
    first = np.cumsum([0, *(7 * stretch**i for i in range(8))]).astype(np.float64)
    got = reference.cosine_restarts_schedule(first, start=0.5, end=0.1, period=7, stretch=stretch, shrink=0.5)
    assert got == pytest.approx(0.1 + 0.4 * 0.5 ** np.arange(9), rel=1e-15)


def test_a_cycle_is_the_same_however_often_it_came() -> None:
    step = np.arange(5.0)
    got = reference.cyclical_schedule(step + 5 * 20_000, initial=0.1, peak=0.5, up=3, down=2)
    assert np.array_equal(got, reference.cyclical_schedule(step, initial=0.1, peak=0.5, up=3, down=2))
