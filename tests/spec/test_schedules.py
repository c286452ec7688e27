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


RESTARTS: dict[str, float] = {"start": 0.5, "end": 0.1, "period": 2.0, "stretch": 3.0, "shrink": 0.5}
CYCLE: dict[str, float] = {"initial": 0.2, "peak": 1.0, "end": 0.0, "up": 2.0, "steps": 6.0}
STABLE: dict[str, float] = {"peak": 1.0, "end": 0.0, "warmup": 2.0, "stable": 1.0, "steps": 7.0}
TRIANGLES: dict[str, float] = {"initial": 0.0, "peak": 1.0, "up": 2.0, "down": 1.0, "shrink": 0.5}


def values(name: str, options: dict[str, float], **conventions: str) -> Any:
    found = getattr(schedules, name)(STEPS, **options, **conventions)
    return pytest.approx([float(each) for each in found])


def test_restarts_in_balls_are_exact() -> None:
    step = np.array([0.0, 1.0, 2.0, 5.0, 7.0, 8.0, 26.0, 27.0, 80.0, 242.0])
    with ctx.workprec(200):
        options: dict[str, Any] = RESTARTS
        found = schedules.cosine_restarts_schedule(balls(step), **options)
        assert all(float(each.rad()) < 1e-50 for each in found)
        for at, power in ((0, 0), (2, 1), (5, 2), (6, 3), (8, 4), (9, 5)):
            assert found[at].overlaps(arb(0.1) + (arb(0.5) - arb(0.1)) * arb(0.5) ** power)


def test_a_restart_may_shrink_the_rate_itself() -> None:
    options = {**RESTARTS, "stretch": 1.0}
    assert values("cosine_restarts_schedule", options, restart="rate") == [
        0.5,
        0.3,
        0.25,
        0.175,
        0.125,
        0.1125,
        0.0625,
        0.08125,
        0.03125,
    ]
    assert values("cosine_restarts_schedule", options) == [0.5, 0.3, 0.3, 0.2, 0.2, 0.15, 0.15, 0.125, 0.125]


def test_ways_of_one_cycle() -> None:
    assert values("one_cycle_schedule", CYCLE, anneal="line") == [0.2, 0.6, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0]
    assert values("one_cycle_schedule", CYCLE, phases="three") == [0.2, 0.6, 1.0, 0.6, 0.2, 0.1, 0.0, 0.0, 0.0]
    within = {**CYCLE, "up": 3.0, "steps": 7.0}
    assert values("one_cycle_schedule", CYCLE) == values("one_cycle_schedule", within, turns="within").expected


def test_ways_down_from_a_level() -> None:
    def found(**conventions: str) -> Any:
        return values("warmup_stable_decay_schedule", STABLE, **conventions)

    assert found() == [0.0, 0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert found(decline="cosine") == [0.0, 0.5, 1.0, 1.0, 0.8535534, 0.5, 0.1464466, 0.0, 0.0]
    assert found(decline="root") == [0.0, 0.5, 1.0, 1.0, 0.5, 0.2928932, 0.1339746, 0.0, 0.0]
    assert found(warmup_start="from_one") == [0.5, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert found(last="within") == [0.0, 0.5, 1.0, 1.0, 2 / 3, 1 / 3, 0.0, 0.0, 0.0]


def test_cycles_shrink_by_cycle_or_by_step() -> None:
    assert values("cyclical_schedule", TRIANGLES) == [0, 0.5, 1, 0, 0.25, 0.5, 0, 0.125, 0.25]
    assert values("cyclical_schedule", TRIANGLES, shrinks="every_step") == [
        0,
        0.25,
        0.25,
        0,
        1 / 32,
        1 / 32,
        0,
        1 / 256,
        1 / 256,
    ]
