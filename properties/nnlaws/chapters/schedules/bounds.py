"""How far rounding may carry a learning rate on its schedule.

Each function takes bounded steps without an error, of any shape, and covers the sound algorithms for one operation.
The norm makes what it makes of the options alone in double, and rounds it once, where it meets an array.
`hyperparameters: working` rounds each option to the type computed in first; `arithmetic: narrow` makes the type
computed in the steps' own. What is kept from step to step, as schedulers do that multiply the rate they hold, is kept
in double: t steps lose t roundings there (`_chained`).
"""

from dataclasses import dataclass

import numpy as np
from nnlaws_spec.formulas.schedules import periods

from nnlaws.rounding.averages import DOUBLE, POWER, Arithmetic, arithmetic_of
from nnlaws.rounding.counted import given, inexact, over, root, times
from nnlaws.rounding.elementary import ELEMENTARY
from nnlaws.rounding.elementary import POWER as ELEMENTARY_POWER
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import EXP, Bounded, Conventions

COSINE = ELEMENTARY["cos"].units
CHAIN = 8.0  # roundings of a step that is made of the one before
QUOTIENT = 2.0  # roundings of t/T, which may be a product with 1/T
PARTS = 10.0  # roundings of a rate that is made of others by factors: see `one_cycle_schedule`
TURN = 4.0  # roundings of u/T · T, with which it may turn in place of u, in double
COUNT = 12.0  # roundings of what is behind a step, in periods: see `cosine_restarts_schedule`


@dataclass(frozen=True)
class _Way:
    """How much of the way is left, 1 at first, 0 at the end, and by how much that errs; and how many steps it took."""

    left: Floats
    error: Floats
    taken: Floats


@np.errstate(all="ignore")
def linear_schedule(step: Bounded, *, start: float, end: float, steps: float, conventions: Conventions) -> Bounded:
    arithmetic = arithmetic_of(step, conventions)
    way = _line(step.value, steps, arithmetic, conventions)
    return arithmetic.stored(_between(start, end, way, arithmetic))


@np.errstate(all="ignore")
def polynomial_schedule(
    step: Bounded, *, start: float, end: float, steps: float, power: float, conventions: Conventions
) -> Bounded:
    """(1 − p)^power, at the ends of the interval; and a power's own rounding.

    At T what is left is 0 whatever the rounding: else a power below 1 would make much of it, or NaN.
    """
    arithmetic = arithmetic_of(step, conventions)
    line = _line(step.value, steps, arithmetic, conventions)
    least, most = np.maximum(line.left - 2 * line.error, 0.0), line.left + 2 * line.error
    left = line.left**power
    moved = np.maximum(most**power - left, left - least**power)
    exponent = power * np.abs(np.log(np.where(left > 0, line.left, 1.0)))
    own = np.maximum(np.maximum(POWER, power), EXP + 2 * exponent) * arithmetic.format.u * (left + moved)
    certain = (line.error == 0) | ((left == 0) & np.isfinite(line.error))
    way = _Way(left, np.where(certain, 0.0, moved + own), line.taken * (1 + power))
    return arithmetic.stored(_between(start, end, way, arithmetic))


@np.errstate(all="ignore")
def cosine_schedule(step: Bounded, *, start: float, end: float, steps: float, conventions: Conventions) -> Bounded:
    arithmetic = arithmetic_of(step, conventions)
    return arithmetic.stored(_between(start, end, _cosine(step.value, steps, arithmetic, conventions), arithmetic))


@np.errstate(all="ignore")
def warmup_linear_schedule(
    step: Bounded, *, peak: float, end: float, warmup: float, steps: float, conventions: Conventions
) -> Bounded:
    arithmetic, t = arithmetic_of(step, conventions), step.value
    way = _line(np.maximum(t - warmup, 0.0), steps - warmup, arithmetic, conventions)
    return arithmetic.stored(_warmed(t, peak, warmup, _between(peak, end, way, arithmetic), arithmetic, conventions))


@np.errstate(all="ignore")
def warmup_cosine_schedule(
    step: Bounded, *, peak: float, end: float, warmup: float, steps: float, conventions: Conventions
) -> Bounded:
    arithmetic, t = arithmetic_of(step, conventions), step.value
    way = _cosine(np.maximum(t - warmup, 0.0), steps - warmup, arithmetic, conventions)
    return arithmetic.stored(_warmed(t, peak, warmup, _between(peak, end, way, arithmetic), arithmetic, conventions))


@np.errstate(all="ignore")
def inverse_root_schedule(step: Bounded, *, initial: float, timescale: float, conventions: Conventions) -> Bounded:
    """α₀ √(τ/(t + τ)), α₀/√((t + τ)/τ), α₀ √τ/√(t + τ), α₀ (1 + t/τ)^(−½)."""
    arithmetic = arithmetic_of(step, conventions)
    format, t = arithmetic.format, step.value
    start, scale = (_option(each, arithmetic) for each in (initial, timescale))
    apart = Bounded(t + timescale, scale.error + format.u * (t + timescale), format)
    alpha = times(start, root(over(scale, apart, 3), 2), 2)
    return arithmetic.stored(alpha.loosened(POWER * format.u * alpha.largest))


@np.errstate(all="ignore")
def cosine_restarts_schedule(
    step: Bounded, *, start: float, end: float, period: float, stretch: float, shrink: float, conventions: Conventions
) -> Bounded:
    """Steps are whole, and so are restarts: (t − s)/P within a period of P steps rounds once, or twice.

    Keras and TensorFlow take t/T, of the first period's T, subtract s/T and divide by P/T. Of t/P the first loses u;
    the second 6, by a power, a difference and a quotient; the third, by a power and a quotient, 5 of what is left,
    which is no more. The height, a power of shrink, is `_height`'s.
    """
    arithmetic, t = arithmetic_of(step, conventions), step.value
    before, first, length = periods(t, period, stretch)
    u, p = arithmetic.format.u, (t - first) / length
    left, error = _half_cosine(p, u * np.where(t == 0, 0.0, QUOTIENT * p + COUNT * t / length), arithmetic)
    height, off = _height(shrink, before, arithmetic)
    if conventions.get("restart") == "rate":
        way = _Way(left, error, before)
        alpha = _between(start * height, end, way, arithmetic)
        return arithmetic.stored(alpha.loosened(start * (off + 2 * u * height) * left))
    error = height * error + off * left + np.where(before > 0, 2 * u * height * left, 0.0)
    return arithmetic.stored(_between(start, end, _Way(height * left, error, before), arithmetic))


@np.errstate(all="ignore")
def one_cycle_schedule(
    step: Bounded, *, initial: float, peak: float, end: float, up: float, steps: float, conventions: Conventions
) -> Bounded:
    """Each way with its own ends.

    Libraries make the rates of one another: Optax the first of the peak, by a quotient of both, the peak of that, and
    so on; each factor rounds twice, its reciprocal once more, and the product once (`PARTS`). They turn at a part of T
    times T, a few roundings of T from step u in double, which is so much of a way: more of a short one. At the very
    turn it is the last step of one way or the first of the other.
    """
    arithmetic, t = arithmetic_of(step, conventions), step.value
    within = conventions.get("turns") == "within"
    top, bottom = (max(up - 1, 1), max(steps - 1, 2)) if within else (up, steps)
    nothing = np.inf if within and up == 1 else 0.0
    ways = [(0.0, top, initial, peak), (top, bottom, peak, end)]
    if conventions.get("phases") == "three":
        foot = 2 * top
        ways = [ways[0], (top, foot, peak, initial), (foot, max(bottom, foot + 1), initial, end)]
        nothing = np.inf if steps <= 2 * up else nothing
    value, error = np.zeros(t.shape), np.zeros(t.shape)
    for first, last, begin, finish in ways:
        way = _turning(np.maximum(t - first, 0.0), last - first, steps if first else 0.0, arithmetic, conventions)
        part = _between(begin, finish, way, arithmetic)
        off = part.error + PARTS * arithmetic.format.u * part.value + nothing
        value = np.where(t >= first, part.value, value)
        error = np.where(t > first, off, np.where(t == first, np.maximum(off, error), error))
    return arithmetic.stored(Bounded(value, error, arithmetic.format))


@np.errstate(all="ignore")
def warmup_stable_decay_schedule(
    step: Bounded, *, peak: float, end: float, warmup: float, stable: float, steps: float, conventions: Conventions
) -> Bounded:
    arithmetic, t = arithmetic_of(step, conventions), step.value
    level = warmup + stable
    down = {"cosine": _cosine, "root": _root}.get(conventions.get("decline", ""), _line)
    way = down(np.maximum(t - level, 0.0), steps - level, arithmetic, conventions)
    return arithmetic.stored(_warmed(t, peak, warmup, _between(peak, end, way, arithmetic), arithmetic, conventions))


@np.errstate(all="ignore")
def cyclical_schedule(
    step: Bounded, *, initial: float, peak: float, up: float, down: float, shrink: float, conventions: Conventions
) -> Bounded:
    """Steps are whole: within a cycle r/up, or (up + down − r)/down, rounds once or twice.

    CLR and PyTorch take t over the steps of a cycle, q, add 1, subtract the number of cycles, which leaves an error of
    u(2q + 1), and divide by the part of a cycle that rises, or falls, which is itself a quotient and a difference: of
    the height that is 3u; what is divided errs by u more, for the difference from 1, and its divisor by as much.
    """
    arithmetic, t = arithmetic_of(step, conventions), step.value
    u, cycle = arithmetic.format.u, up + down
    cycles = np.floor(t / cycle)
    within = t - cycles * cycle
    x = np.where(within < up, within / up, (cycle - within) / down)
    behind = (2 * t / cycle + 3) * cycle / np.where(within < up, up, min(up, down))
    error = np.where(t == 0, 0.0, u * (3 * x + behind))
    power = t if conventions.get("shrinks") == "every_step" else cycles
    height, off = _height(shrink, power, arithmetic)
    error = height * error + off * x + np.where(power > 0, 2 * u * height * x, 0.0)
    return arithmetic.stored(_between(peak, initial, _Way(height * x, error, power), arithmetic))


def _height(shrink: float, power: Floats, arithmetic: Arithmetic) -> tuple[Floats, Floats]:
    """shrink^n, and by how much it errs: by a power's own rounding; n times by that of shrink, where it is rounded; or
    n products in double.
    """
    height, format = shrink**power, arithmetic.format
    rounded = np.expm1(power * (format.u * float(inexact(np.asarray(shrink), format)) + 2 * DOUBLE.u))
    error = height * (np.maximum(EXP, ELEMENTARY_POWER) * format.u + rounded)
    return height, np.where((power == 0) | (shrink == 1), 0.0, error + format.tiny)


def _half_cosine(p: Floats, off: Floats, arithmetic: Arithmetic) -> tuple[Floats, Floats]:
    """(1 + cos πp)/2 of a p that errs by `off`, 0 ≤ p ≤ 1, and by how much that errs: see `_cosine`."""
    u = arithmetic.format.u
    left = np.cos(np.pi / 2 * p) ** 2
    moved = np.pi * off + 2 * u * np.pi * p
    slope = np.minimum(np.abs(np.sin(np.pi * p)) + moved, 1.0)
    return left, (moved * slope + COSINE * u * np.abs(np.cos(np.pi * p)) + 2 * u * left) / 2 * (1 + 8 * u)


def _turning(t: Floats, way: float, steps: float, arithmetic: Arithmetic, conventions: Conventions) -> _Way:
    """A line or half a cosine over `way` of all steps. Either end may be off by a few roundings, in double: the first
    by those of `steps`, or of 0, and the last by those of what is behind it.
    """
    off = TURN * DOUBLE.u * np.where(t == 0, steps, steps + way) / way
    if conventions.get("anneal") == "line":
        line = _line(t, way, arithmetic, conventions)
        return _Way(line.left, line.error + off, line.taken)
    cosine = _cosine(t, way, arithmetic, conventions)
    return _Way(cosine.left, cosine.error + np.pi * off, cosine.taken)


def _root(t: Floats, steps: float, arithmetic: Arithmetic, conventions: Conventions) -> _Way:
    """1 − √p: of the root half of what p errs by, its own as a power; and the difference."""
    way, undefined = _length(steps, conventions)
    root = np.sqrt(np.minimum(t, way) / way)
    left = 1 - root
    rounding = arithmetic.format.u * ((QUOTIENT / 2 + ELEMENTARY_POWER) * root + left + arithmetic.format.u)
    return _Way(left, np.where(t == 0, undefined, rounding + undefined), np.minimum(t, way))


def _option(x: float | Floats, arithmetic: Arithmetic) -> Bounded:
    """An option as it meets an array."""
    return given(np.asarray(x), arithmetic.format)


def _line(t: Floats, steps: float, arithmetic: Arithmetic, conventions: Conventions) -> _Way:
    """1 − t/T: the quotient, or a product with 1/T, of a step that the format holds; and the difference.

    At T too: compilers multiply by 1/T, and T · (1/T) may be below 1 or above.
    """
    way, undefined = _length(steps, conventions)
    p = np.minimum(t, way) / way
    left = np.maximum(way - t, 0.0) / way
    rounding = arithmetic.format.u * (QUOTIENT * p + left + p * arithmetic.format.u)
    return _Way(left, np.where(t == 0, undefined, rounding + undefined), np.minimum(t, way))


def _cosine(t: Floats, steps: float, arithmetic: Arithmetic, conventions: Conventions) -> _Way:
    """(1 + cos πp)/2: π, p and their product err by 4u of πp, which the slope sin πp, of at most 1 and of at most
    π(1 − p), carries on; the cosine by its own; the sum by u of itself. As the square of cos(πp/2), or 1 less that of
    the sine, no more.

    Periodic, a step that is made of the one before begins anew at T, with 1 − cos(π/T), whose digits cancel.
    """
    periodic = conventions.get("beyond") == "periodic"
    way, undefined = _length(steps, conventions)
    u, at = arithmetic.format.u, t if periodic else np.minimum(t, way)
    p = at / way
    turned = np.abs(np.mod(p + 1, 2) - 1)  # as far from the start, on the way there and back
    left = np.cos(np.pi / 2 * turned) ** 2
    angle = np.pi * p
    slope = np.minimum(np.minimum(np.abs(np.sin(np.pi * turned)) + 4 * u * angle, 1.0), angle)
    rounding = (4 * u * angle * slope + COSINE * u * np.abs(np.cos(np.pi * turned)) + 2 * u * left) / 2
    anew = np.floor((p + 1) / 2) * way * way if periodic else 0.0
    return _Way(left, rounding * (1 + 8 * u) + undefined, at + anew)


def _length(steps: float, conventions: Conventions) -> tuple[float, float]:
    """The number of steps of the way; and infinity where there is none, for the only step is the first and the last."""
    within = conventions.get("last") == "within"
    return (max(steps - 1, 1), np.inf if steps <= 1 else 0.0) if within else (steps, 0.0)


def _between(start: float | Floats, end: float, way: _Way, arithmetic: Arithmetic) -> Bounded:
    """start·q + end·(1 − q), end + (start − end) q, start + (end − start)(1 − q), and start·((1 − a) q + a) with
    a = end/start; of q left of the way.

    Of each route the roundings, L being the larger of the two and α the rate, of which q's own are `carried`. The
    first: each end, its product, and the sum, which is 3α, and 1 − q once more, L at most. The second: the end, L; the
    difference and the product with q, 2|start − end| q; the sum, α. That |start − end| q is at most α if the rate
    falls, and L if it rises: 3α + L, or α + 3L. The third is the second from the other end. The last: 1 − a, its
    product with q, a, their sum, start, and the last product: 2|start − end| q + L + 3α. All are at most 3α + 3L.
    """
    format, q = arithmetic.format, way.left
    first, last = _option(start, arithmetic), _option(end, arithmetic)
    value = start * q + end * (1 - q)
    apart: Floats = np.abs(np.asarray(start - end))
    carried = apart * way.error
    if arithmetic.rounded_options:
        carried = carried + first.error * q + last.error * (1 - q) + 2 * (first.error + last.error)
    largest: Floats = np.maximum(start, end)
    rounding = 3 * format.u * (value + largest) + 4 * format.tiny
    chained = CHAIN * DOUBLE.u * way.taken * largest
    error = (1 + 8 * format.u) * (carried + rounding) + chained
    return Bounded(value, np.where(largest > 0, error, 0.0), format)


def _warmed(
    t: Floats, peak: float, warmup: float, after: Bounded, arithmetic: Arithmetic, conventions: Conventions
) -> Bounded:
    """peak · t/w, in any order: four roundings. Or peak − peak (1 − t/w): what is left errs by 2u t/w and u of itself,
    it is multiplied by a peak that is rounded, and that is subtracted: of the peak 4u at most, and u of the rate. Or a
    step that is added t times in double.
    """
    ahead, more = {"from_one": (1, 0), "one_more": (1, 1)}.get(conventions.get("warmup_start", ""), (0, 0))
    rising = t < warmup
    counted = t + ahead
    value = peak * counted / max(warmup + more, 1)
    loss = arithmetic.format.u * (4 * value + 4 * peak) + CHAIN * DOUBLE.u * counted * peak
    error = np.where(value == 0, 0.0, loss + 2 * arithmetic.format.tiny)
    if arithmetic.rounded_options:
        error = error + _option(peak, arithmetic).error * counted / max(warmup + more, 1)
    return Bounded(np.where(rising, value, after.value), np.where(rising, error, after.error), after.format)
