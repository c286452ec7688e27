"""How far rounding may carry exponentially weighted averages and the optimizers made of them.

Each function takes bounded arguments without an error, with any stacked leading axes, and covers the sound algorithms
for one operation. The value is that of the conventions declared (OP-1, OP-8 ... OP-11). What an average, a correction
and a quotient cost is counted in roundings of each quantity, so that any order and any folding is covered. Each
convention admits more than the default:

- by default: what is made of the options alone (1 − β, β^t, α/(1 − β^t)) is computed in double and rounded once, where
  it meets an array; parameters and state are kept in the type computed in.
- `hyperparameters: working`: the options are rounded to that type first, and all is computed there.
- `state: narrow`: in float16 and bfloat16, parameters and state are rounded to the nearest of that type after every
  step, with a compensation of the parameters or without.
- `parameters: compensated`: θ and its compensation are of that type, and θ is off by one rounding besides the steps'.
- `parameters: stochastic`: θ is rounded to one of the two numbers beside it after every step.
- `arithmetic: narrow`: in those types every operation on arrays is rounded to them. What is made of the options alone
  is computed in double as by default, and rounded to them where it meets an array; but 1 − αλ to float32. The averages
  are kept uncorrected (OP-2).

Whatever is rounded to the nearest is no further from it than any number of the type that it comes from: so what a step
moves by less than half a spacing stands still, and is off by that step and no more. That is what narrow types may hide;
what a coarser β₂, or a coarser 1 − αλ, does to θ they may not.

Below, u is the unit roundoff of the type computed in, E_x the error of x, and every step may flush what is smaller than
`tiny` to 0. Where a square or a sum may pass the type's range, nothing is promised.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.averages import Arithmetic, Average, arithmetic_of, averages, corrected, corrections
from nnlaws.rounding.counted import given, over, plus, root, square, times
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import Bounded, Conventions

Rate = float | tuple[float, ...]
POWERS = {"without_rate": 0, "rate_squared": 2}  # of the rate, in what θ loses as it decays; else 1


@np.errstate(all="ignore")
def exponential_average(values: Bounded, *, beta: float, bias_correction: bool, conventions: Conventions) -> Bounded:
    arithmetic = arithmetic_of(values, conventions)
    kind = "first_value" if conventions.get("average_start") == "first_value" else "average"
    x = arithmetic.wide(values)
    average = averages(x, beta, arithmetic, kind)
    if bias_correction and kind == "average":
        average = corrected(average, x, beta, corrections(beta, values.shape[-2], arithmetic), arithmetic, 2)
    return arithmetic.stored(average)


@np.errstate(all="ignore")
def gradient_descent(theta: Bounded, grads: Bounded, *, learning_rate: Rate, conventions: Conventions) -> Bounded:
    updates = gradient_descent_updates(grads, learning_rate=learning_rate, conventions=conventions)
    return _descended(theta, updates, conventions)


@np.errstate(all="ignore")
def momentum(theta: Bounded, grads: Bounded, *, learning_rate: Rate, beta: float, conventions: Conventions) -> Bounded:
    updates = momentum_updates(grads, learning_rate=learning_rate, beta=beta, conventions=conventions)
    return _descended(theta, updates, conventions)


@np.errstate(all="ignore")
def rmsprop(
    theta: Bounded, grads: Bounded, *, learning_rate: Rate, beta: float, eps: float, conventions: Conventions
) -> Bounded:
    updates = rmsprop_updates(grads, learning_rate=learning_rate, beta=beta, eps=eps, conventions=conventions)
    return _descended(theta, updates, conventions)


@np.errstate(all="ignore")
def adam(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta1: float,
    beta2: float,
    eps: float,
    conventions: Conventions,
) -> Bounded:
    updates = adam_updates(
        grads, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps, conventions=conventions
    )
    return _descended(theta, updates, conventions)


@np.errstate(all="ignore")
def adamw(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    conventions: Conventions,
) -> Bounded:
    arithmetic = arithmetic_of(grads, conventions)
    at, g, decoupling = arithmetic.wide(theta), arithmetic.wide(grads), conventions.get("decoupling")
    adam = _Adam(learning_rate, beta1, beta2, eps, grads, conventions)
    updates = None if decoupling == "l2" else adam.updates(g)
    decay, iterates = given(np.asarray(weight_decay), arithmetic.format), []
    for t in range(g.shape[-2]):
        if updates is None:
            now = slice(t, t + 1)
            gradient = plus(g[..., now, :], times(decay, at[..., None, :], 1))
            at = _moved(at, adam.updates(gradient, now)[..., 0, :], arithmetic)
        else:
            power = POWERS.get(str(decoupling), 1)
            shrink = weight_decay * adam.alpha.value[t, 0] ** power
            decayed = _decayed_after if decoupling == "after_step" else partial(_decayed, more=2 * (power > 1))
            at = decayed(at, updates[..., t, :], shrink, arithmetic)
        iterates.append(at)
    return arithmetic.returned(_stacked(iterates) if iterates else g, theta.value[..., None, :])


@np.errstate(all="ignore")
def gradient_descent_updates(grads: Bounded, *, learning_rate: Rate, conventions: Conventions) -> Bounded:
    g = arithmetic_of(grads, conventions).wide(grads)
    return times(_rates(learning_rate, g), g, 1)


@np.errstate(all="ignore")
def momentum_updates(grads: Bounded, *, learning_rate: Rate, beta: float, conventions: Conventions) -> Bounded:
    """α v, or v itself with the rate inside. Looking ahead is one more step of the average, by the same gradient; or
    its two terms, each multiplied by the rate.
    """
    arithmetic = arithmetic_of(grads, conventions)
    g, velocity = arithmetic.wide(grads), conventions.get("velocity", "average")
    alpha = _rates(learning_rate, g)
    kind = {"average": "average", "dampened": "first_value"}.get(velocity, "sum")
    x = times(alpha, g, 1) if velocity == "rate_inside" else g
    v = averages(x, beta, arithmetic, kind)
    if arithmetic.lookahead:
        average = Average.after(v, beta, arithmetic, kind)
        terms = arithmetic.format.u * (average.beta * v.largest + average.c * x.largest)
        v = average.take(x).loosened(2 * terms if velocity != "rate_inside" else 0 * terms)
    return v if velocity == "rate_inside" else times(alpha, v, 1)


@np.errstate(all="ignore")
def rmsprop_updates(
    grads: Bounded, *, learning_rate: Rate, beta: float, eps: float, conventions: Conventions
) -> Bounded:
    """Centred, s − a² cancels; where rounding may carry it below 0 nothing is promised: some clamp it, some do not."""
    arithmetic = arithmetic_of(grads, conventions)
    g, inside = arithmetic.wide(grads), conventions.get("rmsprop_epsilon") == "inside"
    s = averages(square(g), beta, arithmetic, "from_one" if conventions.get("accumulator") == "one" else "average")
    alpha = _rates(learning_rate, g)
    if conventions.get("second_moment") != "centred":
        return _step(alpha, g, _divisor(s, eps, inside))
    a = square(averages(g, beta, arithmetic))
    s = plus(s, Bounded(-a.value, a.error, a.format))
    negative = s.value - 2 * s.error + (eps if inside else 0.0) < 0
    step = _step(alpha, g, _divisor(s, eps, inside)._replace(least=0.0))
    return step.loosened(np.where(negative & (g.largest > 0), np.inf, 0.0))


@np.errstate(all="ignore")
def adam_updates(
    grads: Bounded, *, learning_rate: Rate, beta1: float, beta2: float, eps: float, conventions: Conventions
) -> Bounded:
    g = arithmetic_of(grads, conventions).wide(grads)
    return _Adam(learning_rate, beta1, beta2, eps, grads, conventions).updates(g)


UPDATES: dict[str, Callable[..., Bounded]] = {
    "gradient_descent": gradient_descent_updates,
    "momentum": momentum_updates,
    "rmsprop": rmsprop_updates,
    "adam": adam_updates,
}
"""What each step takes off θ, (..., T, n), in the type computed in: of the optimizers whose steps do not depend on θ.
They take the gradients, the options and `conventions`."""


class _Adam:
    """The steps of Adam, and between them its moments."""

    def __init__(
        self,
        learning_rate: Rate,
        beta1: float,
        beta2: float,
        eps: float,
        grads: Bounded,
        conventions: Conventions,
    ) -> None:
        self.arithmetic, steps = arithmetic_of(grads, conventions), grads.shape[-2]
        arithmetic = self.arithmetic
        self.alpha = _rates(learning_rate, arithmetic.wide(grads))
        self.m, self.v = (Average(beta, arithmetic, (*grads.shape[:-2], grads.shape[-1])) for beta in (beta1, beta2))
        self.c1, self.c2 = (corrections(beta, steps, arithmetic) for beta in (beta1, beta2))
        self.eps, self.form = eps, conventions.get("adam_form", "epsilon_outside")

    def updates(self, g: Bounded, now: slice = slice(None)) -> Bounded:
        """Of the steps `now`: literally; with α√(1 − β₂^t)/(1 − β₁^t) and ε√(1 − β₂^t); or with √v/√(1 − β₂^t).

        With ε̂, outside the root or inside, v is not corrected: the step is α√(1 − β₂^t)/(1 − β₁^t) m over √v + ε, or
        over √(v + ε). As m/(1 − β₁^t) over √((v + ε)/(1 − β₂^t)) there is one rounding more under the root, which
        halves it, and none of √(1 − β₂^t), nor of its product with m, which are two.
        """
        alpha, c1, c2 = self.alpha[now], self.c1[now], self.c2[now]
        squares = square(g)
        m, v = self.m.through(g), self.v.through(squares)
        if self.form == "uncorrected":
            return _step(alpha, m, _divisor(v, self.eps))
        if self.form in ("epsilon_hat", "epsilon_hat_inside"):
            divisor = _divisor(v, self.eps, inside=self.form == "epsilon_hat_inside")
            return _step(alpha, over(times(root(c2, 1), m, 1), c1, 2), divisor)
        if now == slice(None):
            m, v = (
                corrected(m, g, self.m.beta, c1, self.arithmetic, 2),
                corrected(v, squares, self.v.beta, c2, self.arithmetic, 1),
            )
        else:
            m, v = over(m, c1, 2), over(v, c2, 1)
        return _step(alpha, m, _divisor(v, self.eps, inside=self.form == "epsilon_inside"))


class _Divisor(NamedTuple):
    """What a step is divided by, and what no computed one is below."""

    value: Bounded
    least: float


def _divisor(s: Bounded, eps: float, inside: bool = False) -> _Divisor:
    """√s + ε, where √s may have been √v/√c; or √(s + ε), where a product with (s + ε)^(−½) may replace the quotient."""
    epsilon = given(np.asarray(eps), s.format)
    least = max(eps - epsilon.error.item(), 0.0)
    if inside:
        return _Divisor(root(plus(s, epsilon), 3), least**0.5 * (1 - 4 * s.format.u))
    return _Divisor(plus(root(s, 3), epsilon), least)


def _step(alpha: Bounded, x: Bounded, divisor: _Divisor) -> Bounded:
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


def _rates(learning_rate: Rate, grads: Bounded) -> Bounded:
    """α_t (T, 1)."""
    rates = np.broadcast_to(np.asarray(learning_rate, dtype=np.float64), (grads.shape[-2],))
    return given(rates[:, None], grads.format)


def _moved(theta: Bounded, update: Bounded, arithmetic: Arithmetic, *, kept: bool = True) -> Bounded:
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


def _decayed_after(theta: Bounded, update: Bounded, shrink: float, arithmetic: Arithmetic) -> Bounded:
    """θ' = θ − update, and then θ' − sθ' as in `_decayed`. What is kept is kept once, after both: so it has moved by
    the update, by sθ', and by what is rounded away of 1 − s.
    """
    between = _moved(theta, update, arithmetic, kept=shrink == 0)
    if shrink == 0:
        return between
    nothing = Bounded(0 * update.value, 0 * update.error, update.format)
    after = _decayed(between, nothing, shrink, arithmetic, kept=False)
    lost = (shrink + arithmetic.factors * abs(1 - shrink)) * between.largest
    touched = theta.largest + update.largest > 0
    return arithmetic.settled(after, (1 + 16 * arithmetic.format.u) * (update.largest + lost), touched)


def _decayed(
    theta: Bounded, update: Bounded, shrink: float, arithmetic: Arithmetic, *, kept: bool = True, more: int = 0
) -> Bounded:
    """θ − sθ − update, s = αλ. As (1 − s)θ, of which 1 − s is rounded no more coarsely than to float32, unless the
    options are rounded first, s then three times; as two terms, sθ of four roundings, and their sum; or as α(x + λθ),
    five of sθ and one of the sum. θ, once decayed, is rounded where the update is subtracted from it; and no further
    than it has moved, for θ is a number of the type. more: roundings of s, as of α²λ, that are counted besides.
    """
    if shrink == 0:
        return _moved(theta, update, arithmetic)
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


def _descended(theta: Bounded, updates: Bounded, conventions: Conventions) -> Bounded:
    """Step by step; or θ_0 less the sum of the updates, of which every partial sum but the first is rounded, and no
    further than the sum before is from it.
    """
    arithmetic, u = arithmetic_of(theta, conventions), updates.format.u
    start, iterates = arithmetic.wide(theta), list[Bounded]()
    for t in range(updates.shape[-2]):
        iterates.append(_moved(iterates[-1] if iterates else start, updates[..., t, :], arithmetic))
    steps = _stacked(iterates) if iterates else updates
    first = start[..., None, :]
    moves = updates.largest > 0
    again = moves & (np.cumsum(moves, axis=-2) > 1)
    sums = np.minimum(u * (np.abs(steps.value - first.value) + 2 * steps.error), (1 + 8 * u) * updates.largest)
    rounding = np.cumsum(np.where(again, sums, 0.0), axis=-2) + np.where(first.largest > 0, u * steps.largest, 0.0)
    by_sum = first.error + np.cumsum(updates.error, axis=-2) + rounding
    error = np.where(steps.error > 0, np.maximum(steps.error, by_sum), 0.0)
    return arithmetic.returned(Bounded(steps.value, error, steps.format), theta.value[..., None, :])


def _stacked(iterates: list[Bounded]) -> Bounded:
    """Along the axis before the last."""
    value, error = (np.stack(each, axis=-2) for each in ([x.value for x in iterates], [x.error for x in iterates]))
    return Bounded(value, error, iterates[0].format)
