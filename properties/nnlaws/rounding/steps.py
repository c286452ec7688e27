"""How far rounding may carry a step of an optimizer, and what is made of many, as chapters need it.

Below, u is the unit roundoff of the type computed in, and every step may flush what is smaller than `tiny` to 0. What
is rounded to the nearest is no further from it than any number of the type that it comes from.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.averages import Arithmetic, arithmetic_of
from nnlaws.rounding.counted import given, over, plus, root, times
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import Bounded, Conventions

Rate = float | tuple[float, ...]


class Divisor(NamedTuple):
    """What a step is divided by, and what no computed one is below."""

    value: Bounded
    least: float


def divisor_of(s: Bounded, eps: float, inside: bool = False) -> Divisor:
    """√s + ε, where √s may have been √v/√c; or √(s + ε), where a product with (s + ε)^(−½) may replace the quotient."""
    epsilon = given(np.asarray(eps), s.format)
    least = max(eps - epsilon.error.item(), 0.0)
    if inside:
        return Divisor(root(plus(s, epsilon), 3), least**0.5 * (1 - 4 * s.format.u))
    return Divisor(plus(root(s, 3), epsilon), least)


def step_along(alpha: Bounded, x: Bounded, divisor: Divisor) -> Bounded:
    """α (x/d), (α x)/d, (α/d) x. Where ε may be rounded to 0, so may what divides: nothing is promised."""
    d, tiny = divisor.value, x.format.tiny
    nearest = np.maximum(d.value - 2 * d.error, divisor.least)
    step = times(alpha, over(x, d, 2, divisor.least), 1)
    product = np.where(alpha.value * (np.abs(x.value) - 2 * x.error) < tiny, tiny / nearest, 0.0)
    quotient = np.where(alpha.value < tiny * d.largest, tiny * x.largest, 0.0)
    flushed = np.where(alpha.value > 0, np.maximum(product, quotient), 0.0)
    error = np.where(nearest > 0, step.error + flushed, np.inf)
    error = np.where((x.largest == 0) & (nearest > 0), 0.0, error)
    return Bounded(np.where(d.value > 0, step.value, 0.0), np.where(np.isfinite(d.error), error, np.inf), x.format)


def rates_of(learning_rate: Rate, grads: Bounded) -> Bounded:
    """α_t (T, 1)."""
    rates = np.broadcast_to(np.asarray(learning_rate, dtype=np.float64), (grads.shape[-2],))
    return given(rates[:, None], grads.format)


def moved_by(theta: Bounded, update: Bounded, arithmetic: Arithmetic, *, kept: bool = True) -> Bounded:
    """θ − update, rounded no further than θ, a number of the type, is from it. Looking ahead, its two terms may be
    subtracted one after the other. kept: whether it is what is kept, and not gone on with.
    """
    value, error = theta.value - update.value, theta.error + update.error
    before, step, u = theta.largest, update.largest, arithmetic.format.u
    rounding = np.where((before > 0) & (step > 0), u * (np.abs(value) + 2 * error), 0.0)
    if arithmetic.lookahead:
        rounding = np.where(step > 0, rounding + u * (before + step), 0.0)
        error = error + np.where(step > 0, 2 * arithmetic.format.tiny, 0.0)
    else:
        rounding = np.minimum(rounding, (1 + 8 * u) * step)
    return _settled(value, error, rounding, step, step > 0, arithmetic, kept=kept)


def decayed_after(theta: Bounded, update: Bounded, shrink: float, arithmetic: Arithmetic) -> Bounded:
    """θ' = θ − update, and then θ' − sθ' as in `decayed_by`. What is kept is kept once, after both: so it has moved by
    the update, by sθ', and by what is rounded away of 1 − s.
    """
    between = moved_by(theta, update, arithmetic, kept=shrink == 0)
    if shrink == 0:
        return between
    nothing = Bounded(0 * update.value, 0 * update.error, update.format)
    after = decayed_by(between, nothing, shrink, arithmetic, kept=False)
    lost = (shrink + arithmetic.factors * abs(1 - shrink)) * between.largest
    touched = theta.largest + update.largest > 0
    return arithmetic.settled(after, (1 + 16 * arithmetic.format.u) * (update.largest + lost), touched)


def decayed_by(
    theta: Bounded, update: Bounded, shrink: float, arithmetic: Arithmetic, *, kept: bool = True, more: int = 0
) -> Bounded:
    """θ − sθ − update, s = αλ. As (1 − s)θ, of which 1 − s is rounded no more coarsely than to float32, unless the
    options are rounded first, s then three times; as two terms, sθ of four roundings, and their sum; or as α(x + λθ),
    five of sθ and one of the sum. θ, once decayed, is rounded where the update is subtracted from it; and no further
    than it has moved, for θ is a number of the type. more: roundings of s, as of α²λ, that are counted besides.
    """
    if shrink == 0:
        return moved_by(theta, update, arithmetic)
    u, left = arithmetic.format.u, abs(1 - shrink)
    before, step = theta.largest, update.largest
    part = shrink * before
    factor = arithmetic.factors * left * before
    once = np.where(step > 0, np.minimum(u * np.maximum(before, left * before), part + factor), 0.0)
    ways = factor + once + 3 * u * part, once + u * (4 * part + np.maximum(part, step)), u * (5 * part + step)
    rounding = (1 + 8 * u) * (np.maximum.reduce(ways) + more * u * part) + 2 * arithmetic.format.tiny
    value = theta.value - shrink * theta.value - update.value
    error = left * theta.error + update.error + np.where(before > 0, rounding, 0.0)
    moved = (1 + 8 * u) * (part + step) + factor
    last = np.where(before > 0, np.minimum(u * (np.abs(value) + 2 * error), moved), 0.0)
    return _settled(value, error, last, moved, before + step > 0, arithmetic, kept=kept)


def _settled(
    value: Floats,
    error: Floats,
    rounding: Floats,
    moved: Floats,
    touched: NDArray[np.bool_],
    arithmetic: Arithmetic,
    *,
    kept: bool,
) -> Bounded:
    """The new θ: `rounding` more, and what is lost besides where it is kept in a narrow type; if it was `touched`."""
    u, tiny = arithmetic.format.u, arithmetic.format.tiny
    flushed = np.where((np.abs(value) - 2 * error < tiny) & (rounding > 0), tiny, 0.0)
    settled = Bounded(value, error + (1 + 4 * u) * rounding + flushed, arithmetic.format)
    return arithmetic.settled(settled, (1 + 8 * u) * moved, touched) if kept else settled


def descended(theta: Bounded, updates: Bounded, conventions: Conventions) -> Bounded:
    """Step by step; or θ_0 less the sum of the updates, of which every partial sum but the first is rounded, and no
    further than the sum before is from it.
    """
    arithmetic, u = arithmetic_of(theta, conventions), updates.format.u
    start, iterates = arithmetic.wide(theta), list[Bounded]()
    for t in range(updates.shape[-2]):
        iterates.append(moved_by(iterates[-1] if iterates else start, updates[..., t, :], arithmetic))
    steps = stacked(iterates) if iterates else updates
    first = start[..., None, :]
    moves = updates.largest > 0
    again = moves & (np.cumsum(moves, axis=-2) > 1)
    sums = np.minimum(u * (np.abs(steps.value - first.value) + 2 * steps.error), (1 + 8 * u) * updates.largest)
    rounding = np.cumsum(np.where(again, sums, 0.0), axis=-2) + np.where(first.largest > 0, u * steps.largest, 0.0)
    by_sum = first.error + np.cumsum(updates.error, axis=-2) + rounding
    error = np.where(steps.error > 0, np.maximum(steps.error, by_sum), 0.0)
    return arithmetic.returned(Bounded(steps.value, error, steps.format), theta.value[..., None, :])


def stacked(iterates: list[Bounded]) -> Bounded:
    """Along the axis before the last."""
    value, error = (np.stack(each, axis=-2) for each in ([x.value for x in iterates], [x.error for x in iterates]))
    return Bounded(value, error, iterates[0].format)
