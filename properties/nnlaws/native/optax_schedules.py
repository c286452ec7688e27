"""Optax' schedules, functions of the step that factories make, called as the operations."""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import optax
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, left_to_laws, pick, told

CYCLE = {"transition_steps", "peak_value", "pct_start", "pct_final", "div_factor", "final_div_factor"}
FACTORS = ("one_cycle_schedule.initial", "one_cycle_schedule.peak", "one_cycle_schedule.end")
THREE_LINES = {"anneal": "line", "phases": "three"}
RESTARTS = {"cosine_restarts_schedule.stretch": 2.0, "cosine_restarts_schedule.shrink": 1.0}
POSITIVE = ("cosine_restarts_schedule.start",)  # the end is a part of it


def rates(made: optax.Schedule, epoch: Array) -> Array:
    return np.asarray(made(epoch.astype(np.int32))).astype(epoch.dtype)


def over_steps(
    make: Callable[..., optax.Schedule], there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords
) -> SimpleNamespace | None:
    """A target: the schedule over a number of steps that the parameters are those of; None of others."""

    def made(schedule: Callable[..., Array], own: set[str], **limits: Any) -> SimpleNamespace:
        left_to_laws(given, own)
        lines = (f"taken for a schedule: {schedule.__name__}", *told(given))
        return SimpleNamespace(recognised=lines, **about, **limits, **{schedule.__name__: schedule})

    def linear_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
        return rates(make(init_value=start, end_value=end, transition_steps=int(steps), **given), step)

    def polynomial_schedule(step: Array, *, start: float, end: float, steps: float, power: float) -> Array:
        ends = {"init_value": start, "end_value": end}
        return rates(make(**ends, power=power, transition_steps=int(steps), **given), step)

    def cosine_schedule(step: Array, *, start: float, end: float, steps: float) -> Array:
        return rates(make(init_value=start, decay_steps=int(steps), alpha=end / start, **given), step)

    def warmup_cosine_schedule(step: Array, *, peak: float, end: float, warmup: float, steps: float) -> Array:
        counts = {"warmup_steps": int(warmup), "decay_steps": int(steps)}
        return rates(make(init_value=0.0, peak_value=peak, end_value=end, **counts, **given), step)

    def one_cycle_schedule(step: Array, *, initial: float, peak: float, end: float, up: float, steps: float) -> Array:
        """The parts are of whole numbers of steps: half a step more than that rounds down to it."""
        half = 0.5
        turns = {"pct_start": (up + half) / steps, "pct_final": (2 * up + half) / steps}
        parts = {name: part for name, part in turns.items() if name in there}
        factors = {"div_factor": peak / initial, "final_div_factor": initial / end}
        whole = make(transition_steps=int(steps), peak_value=peak, **parts, **factors, **given)
        return np.asarray(jax.vmap(whole)(step.astype(np.int32))).astype(step.dtype)

    def cosine_restarts_schedule(
        step: Array, *, start: float, end: float, period: float, stretch: float, shrink: float
    ) -> Array:
        """It is told each of the periods, of which there are few where each is longer."""
        lengths = [int(period)]
        while sum(lengths) <= step.max(initial=0):
            lengths.append(int(lengths[-1] * stretch))
        usual = {"init_value": start, "peak_value": start, "warmup_steps": 0, "end_value": end}
        return rates(make([{**usual, "decay_steps": length} for length in lengths], **given), step)

    if {"init_value", "end_value", "transition_steps"} <= there.keys() and not pick(there, "rate"):
        own = {"init_value", "end_value", "transition_steps", "power"}
        return made(polynomial_schedule if "power" in there else linear_schedule, own)
    if {"init_value", "decay_steps", "alpha"} <= there.keys():  # the end is a part of the start
        return made(cosine_schedule, {"init_value", "decay_steps", "alpha"}, positive=("cosine_schedule.start",))
    if {"init_value", "peak_value", "warmup_steps", "decay_steps", "end_value"} <= there.keys():
        own = {"init_value", "peak_value", "warmup_steps", "decay_steps", "end_value"}
        return made(warmup_cosine_schedule, own, positive=("warmup_cosine_schedule.peak",))
    if {"transition_steps", "peak_value", "pct_start", "div_factor", "final_div_factor"} <= there.keys():
        return made(
            one_cycle_schedule, CYCLE, positive=FACTORS, conventions=THREE_LINES if "pct_final" in there else {}
        )
    if "cosine_kwargs" in there:
        return made(cosine_restarts_schedule, {"cosine_kwargs"}, fixed=RESTARTS, positive=POSITIVE)
    return None
