"""Rounding bounds of schedules: no sound algorithm leaves them, and small mistakes do."""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.chapters.schedules import bounds
from nnlaws.chapters.schedules.operations import OPERATIONS
from nnlaws.chapters.schedules.sound import SOUND
from nnlaws.rounding.number import Bounded, bounded
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.formulas import schedules as formulas
from nnlaws_spec.numbers import balls

RATES = ("start", "end", "peak", "initial")
CHANGING = {name for operation in OPERATIONS for name in operation.changing}
NAMES = [operation.name for operation in OPERATIONS]
ENDS = [{"start": 0.2, "end": 0.01}, {"start": 0.0, "end": 0.1}, {"start": 3.0, "end": 0.0}, {"start": 0.1, "end": 0.1}]
CYCLES = [
    {"initial": 0.02, "peak": 0.5, "end": 1e-5},
    {"initial": 0.0, "peak": 0.1, "end": 0.0},
    {"initial": 0.3, "peak": 0.0, "end": 0.7},
    {"initial": 0.1, "peak": 0.1, "end": 0.1},
]
WARMED = [{"peak": each["start"], "end": each["end"]} for each in ENDS]


def options_of(name: str) -> Iterator[dict[str, float]]:
    if name == "inverse_root_schedule":
        yield from ({"initial": 0.1, "timescale": scale} for scale in (0.5, 7.0, 10_000.0))
    elif name == "cosine_restarts_schedule":
        counts = ((1, 1, 0.9), (7, 1, 0.5), (10, 2, 1), (49, 3, 0.75), (1000, 1, 1))
        for ends in ENDS:
            yield from ({**ends, "period": t, "stretch": times, "shrink": part} for t, times, part in counts)
    elif name == "one_cycle_schedule":
        for ends in CYCLES:
            yield from ({**ends, "up": up, "steps": steps} for up, steps in ((3, 10), (1, 49), (300, 1000), (16, 33)))
    elif name == "cyclical_schedule":
        for ends in CYCLES:
            given = {"initial": ends["initial"], "peak": ends["peak"]}
            cycles = ((2, 2, 0.5), (1, 3, 1), (49, 10, 0.999), (1, 1, 0.9), (300, 300, 1))
            yield from ({**given, "up": up, "down": down, "shrink": part} for up, down, part in cycles)
    elif name == "warmup_stable_decay_schedule":
        for ends in WARMED:
            levels = ((0, 10, 49), (3, 0, 10), (30, 500, 1000), (0, 0, 7))
            yield from ({**ends, "warmup": w, "stable": stable, "steps": steps} for w, stable, steps in levels)
    elif name.startswith("warmup"):
        for ends in WARMED:
            yield from ({**ends, "warmup": warmup, "steps": steps} for warmup, steps in ((0, 49), (3, 10), (30, 1000)))
    else:
        for ends in ENDS:
            for steps in (1.0, 49.0, 1000.0):
                powers = (0.5, 1.0, 3.0) if name == "polynomial_schedule" else (None,)
                yield from ({**ends, "steps": steps, **({"power": power} if power else {})} for power in powers)


def steps(dtype: str) -> Array:
    """0 to 55, and some up to 1050, where the format holds them."""
    chosen = np.concatenate([np.arange(56.0), [998.0, 999.0, 1000.0, 1001.0, 1050.0], np.arange(60.0, 1000.0, 37.0)])
    return np.asarray(chosen[chosen <= 256] if dtype == "bfloat16" else chosen, DTYPES[dtype])


def bound_of(name: str, step: Array, options: dict[str, float], conventions: dict[str, str]) -> Bounded:
    found: Bounded = getattr(bounds, name)(bounded(step), **options, conventions=conventions)
    assert (found.dtype, found.shape) == (step.dtype, step.shape)
    assert np.isfinite(found.error).all()
    return found


def worst(got: Array, name: str, step: Array, options: dict[str, float], conventions: dict[str, str]) -> float:
    """error/bound at the worst step."""
    formula: Any = getattr(formulas, name)
    values = {key: value for key, value in conventions.items() if key in CHANGING}
    distance: Any = np.frompyfunc(lambda x, y: float(abs(arb(x) - y).upper()), 2, 1)
    with ctx.workprec(256):
        error = distance(got.astype(np.float64).astype(object), formula(balls(step), **options, **values))
    error = np.where(error.astype(np.float64) > 1e-60, error.astype(np.float64), 0.0)  # a ball's own radius
    allowed = bound_of(name, step, options, conventions).error
    return float(np.max(np.divide(error, allowed, out=np.where(error > 0, np.inf, 0.0), where=allowed > 0)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", SOUND, ids=lambda variant: variant.name)
def test_a_sound_algorithm_stays_within(variant: Any, dtype: str) -> None:
    operation = next(each for each in OPERATIONS if each.name == variant.operation)
    declared = {name: value for name, value in variant.conventions.items() if name in operation.choices(dtype)}
    if declared != variant.conventions:
        return  # it is about other types
    step = steps(dtype)
    for options in options_of(variant.operation):
        if (declared.get("last"), options.get("steps")) == ("within", 1):
            continue  # nothing is promised
        if (declared.get("turns"), options.get("up")) == ("within", 1):
            continue  # nothing is promised
        with np.errstate(all="ignore"):
            got = variant.function(step, **options)
        assert worst(got, variant.operation, step, options, declared) <= 1, options


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bound_is_of_a_few_units(name: str, dtype: str) -> None:
    """Beside the largest rate. A power below 1 is steep at the end; what is made step after step loses more, and so
    does what takes the steps before out of many.
    """
    step = steps(dtype)
    for options in options_of(name):
        largest, power = max(options.get(each, 0.0) for each in RATES), options.get("power", 1.0)
        steep = max(power, options.get("steps", 1.0) ** (1 - power))
        most = 40 * np.finfo(DTYPES[dtype]).eps / 2 + 50 * (step.astype(float) + 1) * 2.0**-53
        again = (
            min(options[each] for each in ("period", "up", "down") if each in options) if "shrink" in options else inf
        )
        most = most * (1 + step.astype(float) / again)
        assert (bound_of(name, step, options, {}).error <= largest * most * steep + 1e-30).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_step_off_is_outside(name: str) -> None:
    """By one step of a thousand, somewhere."""
    step, options = np.arange(1.0, 1000.0), next(options_of(name))
    options = {**options, **({"steps": 1000.0} if "steps" in options else {})}
    formula: Callable[..., Any] = getattr(formulas, name)
    assert worst(formula(step + 1, **options), name, step, options, {}) > 1e6
