"""How far rounding may carry SGD, AdaGrad, AMSGrad, NAdam, RAdam and Lion.

Each function takes bounded arguments without an error, with any stacked leading axes, and covers the sound algorithms
for one operation under the conventions declared (MO-1 ... MO-6), as nnlaws/chapters/optimizers/bounds.py does it: what
is made of the options alone is computed in double and rounded once, where it meets an array; parameters and state are
kept in the type computed in. Under `hyperparameters: working` the options are rounded to that type first, and all is
computed there; `state: narrow` rounds parameters and state to a narrow type after every step, `arithmetic: narrow`
every operation on arrays. A product of μ, as NAdam has it, is state, and is kept as such.

Below, u is the unit roundoff of the type computed in, and every step may flush what is smaller than `tiny` to 0. Where
a square, a product or a sum may pass the type's range, nothing is promised.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.averages import DOUBLE, POWER, Arithmetic, Average, arithmetic_of, averages, corrected, corrections
from nnlaws.rounding.counted import given, over, plus, root, square, times
from nnlaws.rounding.formats import Format
from nnlaws.rounding.number import EXP, LOG, Bounded, Conventions
from nnlaws.rounding.steps import (
    Rate,
    decayed_by,
    descended,
    divisor_of,
    moved_by,
    rates_of,
    stacked,
    step_along,
)

THRESHOLDS = {"four": 4.0}
WARMING = 0.96
TERMS = 5
"""Roundings of each of NAdam's two terms, where they are not added up first but subtracted from θ one after the other:
the product with α, the quotient, which may be a product with the reciprocal, and once more where θ is rounded between
them, the first being larger than the sum, perhaps, but no larger than both."""


@np.errstate(all="ignore")
def sgd(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta: float,
    dampening: float,
    weight_decay: float,
    conventions: Conventions,
) -> Bounded:
    """d = g + λθ has a rounding of the product and one of the sum; v as averages have them, from d or from 0."""
    arithmetic = arithmetic_of(grads, conventions)
    at, g = arithmetic.wide(theta), arithmetic.wide(grads)
    alpha, decay, old = rates_of(learning_rate, g), *(given(np.asarray(x), g.format) for x in (weight_decay, beta))
    kind = "sum" if conventions.get("first_velocity") == "dampened" else "sum_from_first"
    velocity = Average(beta, arithmetic, (*g.shape[:-2], g.shape[-1]), kind, 1 - dampening)
    iterates = list[Bounded]()
    for t in range(g.shape[-2]):
        now = slice(t, t + 1)
        along = g[..., now, :]
        if weight_decay:
            along = plus(along, _in_range(times(decay, at[..., None, :], 1)))
        if beta:
            v = velocity.through(_in_range(along))
            along = plus(along, times(old, v, 1)) if arithmetic.lookahead else v
        at = moved_by(at, times(alpha[now], _in_range(along), 1)[..., 0, :], arithmetic)
        iterates.append(at)
    return arithmetic.returned(stacked(iterates) if iterates else g, theta.value[..., None, :])


@np.errstate(all="ignore")
def adagrad(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    eps: float,
    initial_accumulator: float,
    conventions: Conventions,
) -> Bounded:
    """Every square is rounded, and every sum of them; kept in a narrow type, the sum has moved by the square."""
    arithmetic = arithmetic_of(grads, conventions)
    g, totals = arithmetic.wide(grads), list[Bounded]()
    squares = square(g)
    first = given(np.full((*g.shape[:-2], g.shape[-1]), initial_accumulator), g.format)
    for t in range(g.shape[-2]):
        before, new = totals[-1] if totals else first, squares[..., t, :]
        after = _in_range(plus(before, new))
        totals.append(arithmetic.kept(after, new.largest + 4 * g.format.u * after.largest))
    if not totals:
        return arithmetic.returned(g, theta.value[..., None, :])
    divisor = divisor_of(stacked(totals), eps, inside=conventions.get("adagrad_epsilon") == "inside")
    return descended(theta, step_along(rates_of(learning_rate, g), g, divisor), conventions)


@np.errstate(all="ignore")
def amsgrad(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta1: float,
    beta2: float,
    eps: float,
    conventions: Conventions,
) -> Bounded:
    """As Adam's; the larger of two second moments is selected, not rounded."""
    moments = _Moments.of(grads, beta1, beta2, conventions)
    arithmetic, form = moments.arithmetic, conventions.get("amsgrad_form")
    alpha, c1, c2 = rates_of(learning_rate, moments.g), moments.c1, moments.c2
    largest = _largest(moments.second)
    if form == "corrected_maximum":
        largest = _largest(moments.corrected_second)
        largest = arithmetic.kept(largest, largest.largest)
    if form == "uncorrected":
        updates = step_along(alpha, moments.first, divisor_of(largest, eps))
    elif form == "epsilon_hat":
        updates = step_along(alpha, over(times(root(c2, 1), moments.first, 1), c1, 2), divisor_of(largest, eps))
    else:
        below = largest if form == "corrected_maximum" else over(largest, c2, 1)
        updates = step_along(alpha, moments.corrected_first, divisor_of(below, eps))
    return descended(theta, updates, conventions)


@np.errstate(all="ignore")
def nadam(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
    conventions: Conventions,
) -> Bounded:
    """Two terms, of the gradient and of its average: added up and divided, or divided and subtracted each by itself."""
    moments = _Moments.of(grads, beta1, beta2, conventions)
    arithmetic, g, format = moments.arithmetic, moments.g, moments.g.format
    constant = conventions.get("momentum_schedule") == "steady"
    of_gradient, of_average = _weights(beta1, None if constant else momentum_decay, g.shape[-2], arithmetic)
    terms = times(of_gradient, g, 2), times(of_average, moments.first, 2)
    ahead = plus(*terms)
    apart = TERMS * format.u * (terms[0].largest + terms[1].largest)
    ahead = ahead.loosened(np.where(ahead.largest > 0, apart, 0.0))
    updates = step_along(rates_of(learning_rate, g), ahead, divisor_of(moments.corrected_second, eps))
    return descended(theta, updates, {**conventions, "lookahead": "nesterov"})


@np.errstate(all="ignore")
def radam(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta1: float,
    beta2: float,
    eps: float,
    conventions: Conventions,
) -> Bounded:
    """Rectified or not, by ρ, of the options alone; where its rounding leaves open which, the one or the other."""
    moments = _Moments.of(grads, beta1, beta2, conventions)
    alpha, steps = rates_of(learning_rate, moments.g), moments.g.shape[-2]
    threshold = THRESHOLDS.get(conventions.get("rectified_above", ""), 5.0)
    plain = times(alpha, moments.corrected_first, 1)
    if conventions.get("unrectified") == "still":
        plain = Bounded(0 * plain.value, 0 * plain.error, plain.format)
    rectified = _rectified(beta2, steps, threshold, moments.arithmetic)
    first, c1, c2 = moments.first, moments.c1, moments.c2
    if conventions.get("radam_form") == "epsilon_outside":
        along, divisor = moments.corrected_first, divisor_of(moments.corrected_second, eps)
    else:
        along, divisor = over(times(root(c2, 1), first, 1), c1, 2), divisor_of(moments.second, eps)
    adaptive = step_along(alpha, times(rectified.factor, along, 1), divisor)
    value = np.where(rectified.above, adaptive.value, plain.value)
    error = np.where(rectified.above, adaptive.error, plain.error)
    either = np.abs(adaptive.value - plain.value) + np.maximum(adaptive.error, plain.error)
    updates = Bounded(value, np.where(rectified.open, either, error), plain.format)
    return descended(theta, updates, conventions)


@np.errstate(all="ignore")
def lion(
    theta: Bounded,
    grads: Bounded,
    *,
    learning_rate: Rate,
    beta1: float,
    beta2: float,
    weight_decay: float,
    conventions: Conventions,
) -> Bounded:
    """The sign is exact where rounding leaves no doubt of it; else −1, 0 and 1 may come, which are 2 apart at most.

    Every c that may be computed is within twice its error of its value, and so is the exact one. α is multiplied by a
    sign, or by a sign and a decay, added up: then the product is rounded.
    """
    arithmetic = arithmetic_of(grads, conventions)
    at, g = arithmetic.wide(theta), arithmetic.wide(grads)
    alpha, shape, iterates = rates_of(learning_rate, g), (*g.shape[:-2], g.shape[-1]), list[Bounded]()
    m = averages(g, beta2, arithmetic)
    for t in range(g.shape[-2]):
        before = (
            Average.after(m[..., t - 1, :], beta1, arithmetic, "average") if t else Average(beta1, arithmetic, shape)
        )
        c = before.take(g[..., t, :])
        doubtful = (np.abs(c.value) <= 2 * c.error) & (c.largest > 0)
        sign = Bounded(np.sign(c.value), np.where(doubtful, 2.0, 0.0), c.format)
        shrink = weight_decay * alpha.value[t, 0]
        beyond = weight_decay * at.largest > at.format.largest  # λθ, which α multiplies
        moved = times(alpha[t], sign, float(weight_decay > 0)).loosened(np.where(beyond, np.inf, 0.0))
        at = decayed_by(at, moved, shrink, arithmetic)
        iterates.append(at)
    return arithmetic.returned(stacked(iterates) if iterates else g, theta.value[..., None, :])


def _in_range(x: Bounded) -> Bounded:
    """Nothing is known of it where it may pass the range of the type computed in."""
    return x.loosened(np.where(x.largest > x.format.largest, np.inf, 0.0))


class _Moments(NamedTuple):
    """Adam's averages of the gradients and of their squares, with their corrections 1 − β^t."""

    arithmetic: Arithmetic
    g: Bounded
    first: Bounded
    second: Bounded
    c1: Bounded
    c2: Bounded
    corrected_first: Bounded
    corrected_second: Bounded

    @classmethod
    def of(cls, grads: Bounded, beta1: float, beta2: float, conventions: Conventions) -> "_Moments":
        arithmetic = arithmetic_of(grads, conventions)
        g, steps = arithmetic.wide(grads), grads.shape[-2]
        squares = square(g)
        first, second = averages(g, beta1, arithmetic), averages(squares, beta2, arithmetic)
        c1, c2 = (_flushed(corrections(beta, steps, arithmetic)) for beta in (beta1, beta2))
        return cls(
            *(arithmetic, g, first, second, c1, c2),
            corrected(first, g, beta1, c1, arithmetic, 2),
            corrected(second, squares, beta2, c2, arithmetic, 1),
        )


def _flushed(x: Bounded) -> Bounded:
    """A correction that is subnormal in the type computed in may be 0 there, as 1 − 0.99999 in float16."""
    return x.loosened(np.where(np.abs(x.value) < x.format.tiny, x.format.tiny, 0.0))


def _largest(x: Bounded) -> Bounded:
    """The largest so far along the axis before the last."""
    found = list[Bounded]()
    for t in range(x.shape[-2]):
        now = x[..., t, :]
        largest: Any = np.maximum(found[-1], now) if found else now
        found.append(largest)
    return stacked(found) if found else x


def _scalars(arithmetic: Arithmetic) -> Format:
    """What is made of the options alone is computed in this."""
    return arithmetic.format if arithmetic.rounded_options else DOUBLE


def _meeting(x: Bounded, format: Format) -> Bounded:
    """A number that multiplies an array, rounded once more."""
    return Bounded(x.value, x.error + format.u * x.largest, format)


def _weights(beta1: float, decay: float | None, steps: int, arithmetic: Arithmetic) -> tuple[Bounded, Bounded]:
    """(1 − μ_t)/(1 − P_t) and μ_{t+1}/(1 − P_{t+1}), each (T, 1).

    0.96^{tψ} as exp(tψ log 0.96) has the roundings of log, of both products and of the exponential, of which all but
    the last weigh tψ |log 0.96|; where the options are rounded, so do those of 0.96 and ψ, the former by tψ. Then the
    difference from 1, and the product with β₁, which may be rounded. P is state: in each step μ is rounded to the type
    of the state, if it is not in that already, and so is the product, which may be two. No decay: μ = β₁.
    """
    format, state = _scalars(arithmetic), arithmetic.format
    if decay is None:
        mu = np.full(steps + 1, beta1)
        error = given(mu, format).error
    else:
        x = np.arange(1.0, steps + 2) * decay
        power, weight = WARMING**x, np.abs(x * np.log(WARMING))
        rounded = x + weight if arithmetic.rounded_options else 0.0
        off = power * (max(POWER, EXP) + (LOG + 2) * weight + rounded) * format.u
        mu = beta1 * (1 - power / 2)
        error = beta1 * (off / 2 + format.u * (1 - power / 2)) + 2 * format.u * mu
    of_mu = np.divide(error, mu, out=np.zeros(steps + 1), where=mu > 0)
    product = np.asarray(np.cumprod(mu), np.float64)
    grown = np.asarray(np.expm1(np.cumsum(np.log1p(of_mu + 3 * state.u))), np.float64)
    mu_, product_ = (
        Bounded(mu[:, None], error[:, None], format),
        Bounded(product[:, None], (product * grown)[:, None], format),
    )
    one = Bounded(np.ones((steps + 1, 1)), np.zeros((steps + 1, 1)), format)
    left, new = (plus(one, Bounded(-each.value, each.error, format)) for each in (product_, mu_))
    return _meeting(over(new[:-1], left[:-1], 1), state), _meeting(over(mu_[1:], left[1:], 1), state)


class _Rectified(NamedTuple):
    """By step (T, 1): the factor r, whether ρ is above the threshold, and whether its rounding leaves that open."""

    factor: Bounded
    above: NDArray[np.bool_]
    open: NDArray[np.bool_]


def _rectified(beta2: float, steps: int, threshold: float, arithmetic: Arithmetic) -> _Rectified:
    """ρ_∞ − 2t β₂^t/(1 − β₂^t) cancels: what its terms lose is far more of ρ_t than of them. Each of the six
    products and quotients under the root is rounded, and so is each difference; the root may be a power.
    """
    format = _scalars(arithmetic)
    alone = arithmetic if arithmetic.rounded_options else Arithmetic(DOUBLE, DOUBLE, False, False, False)
    t, c2 = np.arange(1.0, steps + 1)[:, None], corrections(beta2, steps, alone)
    power = Bounded(beta2**t, c2.error, format)
    lost = float(1 - (1 - beta2) != beta2) * (1 - beta2)
    if arithmetic.rounded_options:
        lost += beta2 + (1 - beta2)
    rest = Bounded(np.full((steps, 1), 1 - beta2), np.full((steps, 1), lost * format.u), format)
    longest = plus(over(_exactly(2, rest), rest, 1), _exactly(-1, rest))
    fewer = over(times(Bounded(2 * t, 0 * t, format), power, 1), c2, 1)
    length = plus(longest, Bounded(-fewer.value, fewer.error, format))
    above = length.value > threshold
    undecided = np.abs(length.value - threshold) <= 2 * length.error
    some = Bounded(np.where(above | undecided, length.value, longest.value), length.error, format)
    some = Bounded(np.maximum(some.value, threshold), some.error, format)
    under = over(
        times(times(_less(some, 4), _less(some, 2), 1), longest, 1),
        times(times(_less(longest, 4), _less(longest, 2), 1), some, 1),
        1,
    )
    ever = longest.value - 2 * longest.error > 4
    error = np.where(ever | ~(above | undecided), root(under, 2).error, np.inf)
    factor = Bounded(root(under, 2).value, error, format)
    return _Rectified(_meeting(factor, arithmetic.format), above, undecided)


def _exactly(number: float, like: Bounded) -> Bounded:
    return Bounded(np.full(like.shape, float(number)), np.zeros(like.shape), like.format)


def _less(x: Bounded, number: float) -> Bounded:
    return plus(x, _exactly(-number, x))
