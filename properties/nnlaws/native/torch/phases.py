"""Schedules of PyTorch that begin again, and those of several phases: a class as its library has it."""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import names
from nnlaws.native.torch.schedules import Kind, rates

RESTARTS = {"T_0", "T_mult", "eta_min"}
CYCLE = {"max_lr", "total_steps", "pct_start", "div_factor", "final_div_factor"}
TRIANGLES = {"base_lr", "max_lr", "step_size_up", "step_size_down"}
MOMENTUM = {"cycle_momentum", "base_momentum", "max_momentum"}
COUNTS = {"epochs", "steps_per_epoch", "anneal_strategy", "three_phase"}
MODES = {"mode", "gamma", "scale_fn", "scale_mode"}
USUAL = {"optimizer", "last_epoch", "verbose", *RESTARTS, *CYCLE, *TRIANGLES, *MOMENTUM, *COUNTS, *MODES}
"""What PyTorch's own have: what more another has may make another schedule of it."""
SHRINKS = {"triangular": 1.0, "triangular2": 0.5}
"""What the modes of cycles make of the height, cycle by cycle."""


def phases(kind: Kind, given: names.Keywords, **declared: Any) -> SimpleNamespace | None:
    """A target: the schedule of several phases that the parameters of `kind` are those of; None of others."""
    there = names.parameters(kind)
    for own, made in ((RESTARTS, _restarts), (CYCLE, _one_cycle), (TRIANGLES, _triangles)):
        if own <= there.keys():
            names.left_to_laws(given, own)
            still = {"cycle_momentum": False} if "cycle_momentum" in there else {}
            alone = there.keys() <= USUAL
            return made(kind, {**still, **given}, recognised=names.told(given), insisted=alone, **declared)
    return None


def _made(schedule: Callable[..., Array], recognised: tuple[str, ...], **declared: Any) -> SimpleNamespace:
    lines = (f"taken for a schedule: {schedule.__name__}", *recognised)
    return SimpleNamespace(recognised=lines, **declared, **{schedule.__name__: schedule})


def _restarts(kind: Kind, given: names.Keywords, **declared: Any) -> SimpleNamespace:
    def cosine_restarts_schedule(
        step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
    ) -> Array:
        """All periods are as high as the first: shrink is 1."""
        return rates(kind, start, step, **given, T_0=int(period), T_mult=int(stretch), eta_min=end)

    return _made(cosine_restarts_schedule, **declared, fixed={"cosine_restarts_schedule.shrink": 1.0})


def _one_cycle(kind: Kind, given: names.Keywords, **declared: Any) -> SimpleNamespace:
    def cycle(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
        """The first rate is a part of the peak, and the last of the first."""
        factors = {"div_factor": peak / initial, "final_div_factor": initial / end}
        counts = {"total_steps": int(steps), "pct_start": up / steps}
        return rates(kind, initial, step, **given, max_lr=peak, **factors, **counts)

    def works(last: float, up: float) -> bool:
        try:
            cycle(np.array([last]), initial=0.5, peak=1.0, end=0.1, up=up, steps=8.0)
        except (ValueError, ZeroDivisionError):
            return False
        return True

    goes_on = works(12.0, 4.0)

    def one_cycle_schedule(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
        """Where it refuses later steps, it is not asked for them: the last rate is the one at the last of the steps."""
        asked = step if goes_on else np.minimum(step.astype(np.float64), steps - 1).astype(step.dtype)
        return cycle(asked, initial=initial, peak=peak, end=end, up=up, steps=steps)

    four = np.array([3.0, 4.0])
    third, fourth = one_cycle_schedule(four, initial=0.5, peak=1.0, end=0.1, up=4.0, steps=8.0)
    usual = {name: each.default for name, each in names.parameters(kind).items()}
    chosen = {**usual, **given}
    conventions = {
        **({"turns": "within"} if third > fourth else {}),
        **({"anneal": "line"} if chosen.get("anneal_strategy") == "linear" else {}),
        **({"phases": "three"} if chosen.get("three_phase") is True else {}),
    }
    factors = tuple(f"one_cycle_schedule.{name}" for name in ("initial", "peak", "end"))
    refused = {} if works(0.0, 1.0) else {"below_one": ("one_cycle_schedule.up",)}
    return _made(one_cycle_schedule, **declared, conventions=conventions, positive=factors, **refused)


def _triangles(kind: Kind, given: names.Keywords, **declared: Any) -> SimpleNamespace:
    """By the mode that is given; without one, by a function of the cycles where the mode would say no other shrink."""
    mode, own = given.get("mode", ""), "scale_fn" in names.parameters(kind)

    def scaled(shrink: float) -> names.Keywords:
        if mode == "exp_range":
            return {"gamma": shrink}
        return {} if mode or shrink == 1 or not own else {"scale_fn": _power(shrink), "scale_mode": "cycle"}

    def cyclical_schedule(step: Array, *, initial: float, peak: float, up: float, down: float, shrink: float) -> Array:
        counts = {"step_size_up": int(up), "step_size_down": int(down)}
        return rates(kind, initial, step, **given, base_lr=initial, max_lr=peak, **counts, **scaled(shrink))

    one = SHRINKS.get(mode or "triangular") if mode or not own else None
    fixed: dict[str, Any] = {} if one is None else {"fixed": {"cyclical_schedule.shrink": one}}
    conventions = {"shrinks": "every_step"} if mode == "exp_range" else {}
    return _made(cyclical_schedule, **declared, conventions=conventions, **fixed)


@cache
def _power(shrink: float) -> Callable[[float], float]:
    """Of the cycle, counted from 1; the same function for the same number, so that rates are kept."""
    return lambda cycle: shrink ** (cycle - 1)
