"""The formulas of the schedules, in balls: conventions, ends, and the cosine of π itself."""

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from nnlaws_spec.formulas import cos_pi, schedules
from nnlaws_spec.numbers import balls

STEPS = np.arange(9.0)


def test_the_cosine_is_of_pi_itself() -> None:
    with ctx.workprec(200):
        assert (cos_pi(balls(np.array([0.5])))[0]).overlaps(arb(0))
        assert float(abs(cos_pi(balls(np.array([0.5])))[0]).upper()) < 1e-50
    assert cos_pi(np.array([1.0]))[0] == -1


@pytest.mark.parametrize("name", ["linear_schedule", "cosine_schedule", "polynomial_schedule"])
def test_in_balls_nothing_is_rounded_away(name: str) -> None:
    more: dict[str, Any] = {"power": 2.0} if name == "polynomial_schedule" else {}
    with ctx.workprec(200):
        found = getattr(schedules, name)(balls(STEPS), start=0.1, end=0.3, steps=7.0, **more)
        assert all(float(each.rad()) < 1e-50 for each in found)
        assert found[0].overlaps(arb(0.1))
        assert found[7].overlaps(arb(0.3))
        assert found[8].overlaps(arb(0.3))


@pytest.mark.parametrize("name", ["warmup_linear_schedule", "warmup_cosine_schedule"])
def test_ways_to_warm_up(name: str) -> None:
    def first(**conventions: str) -> list[float]:
        found = getattr(schedules, name)(STEPS, peak=1.0, end=0.0, warmup=4.0, steps=8.0, **conventions)
        return [float(each) for each in found[:5]]

    assert first() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert first(warmup_start="from_one") == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert first(warmup_start="one_more") == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_the_last_step_may_be_within() -> None:
    assert schedules.linear_schedule(STEPS, start=1.0, end=0.0, steps=5.0, last="within").tolist() == [
        1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0,
    ]  # fmt: skip


def test_a_cosine_may_go_on() -> None:
    found = schedules.cosine_schedule(STEPS, start=1.0, end=0.0, steps=4.0, beyond="periodic")
    assert found == pytest.approx(found[::-1])
