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

import numpy as np

from nnlaws.rounding.averages import Average, arithmetic_of, averages, corrected, corrections
from nnlaws.rounding.counted import given, over, plus, root, square, times
from nnlaws.rounding.number import Bounded, Conventions
from nnlaws.rounding.steps import (
    Rate,
    decayed_after,
    decayed_by,
    descended,
    divisor_of,
    moved_by,
    rates_of,
    stacked,
    step_along,
)

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
    return descended(theta, updates, conventions)


@np.errstate(all="ignore")
def momentum(theta: Bounded, grads: Bounded, *, learning_rate: Rate, beta: float, conventions: Conventions) -> Bounded:
    updates = momentum_updates(grads, learning_rate=learning_rate, beta=beta, conventions=conventions)
    return descended(theta, updates, conventions)


@np.errstate(all="ignore")
def rmsprop(
    theta: Bounded, grads: Bounded, *, learning_rate: Rate, beta: float, eps: float, conventions: Conventions
) -> Bounded:
    updates = rmsprop_updates(grads, learning_rate=learning_rate, beta=beta, eps=eps, conventions=conventions)
    return descended(theta, updates, conventions)


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
    return descended(theta, updates, conventions)


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
            at = moved_by(at, adam.updates(gradient, now)[..., 0, :], arithmetic)
        else:
            power = POWERS.get(str(decoupling), 1)
            shrink = weight_decay * adam.alpha.value[t, 0] ** power
            decayed = decayed_after if decoupling == "after_step" else partial(decayed_by, more=2 * (power > 1))
            at = decayed(at, updates[..., t, :], shrink, arithmetic)
        iterates.append(at)
    return arithmetic.returned(stacked(iterates) if iterates else g, theta.value[..., None, :])


@np.errstate(all="ignore")
def gradient_descent_updates(grads: Bounded, *, learning_rate: Rate, conventions: Conventions) -> Bounded:
    g = arithmetic_of(grads, conventions).wide(grads)
    return times(rates_of(learning_rate, g), g, 1)


@np.errstate(all="ignore")
def momentum_updates(grads: Bounded, *, learning_rate: Rate, beta: float, conventions: Conventions) -> Bounded:
    """α v, or v itself with the rate inside. Looking ahead is one more step of the average, by the same gradient; or
    its two terms, each multiplied by the rate.
    """
    arithmetic = arithmetic_of(grads, conventions)
    g, velocity = arithmetic.wide(grads), conventions.get("velocity", "average")
    alpha = rates_of(learning_rate, g)
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
    alpha = rates_of(learning_rate, g)
    if conventions.get("second_moment") != "centred":
        return step_along(alpha, g, divisor_of(s, eps, inside))
    a = square(averages(g, beta, arithmetic))
    s = plus(s, Bounded(-a.value, a.error, a.format))
    negative = s.value - 2 * s.error + (eps if inside else 0.0) < 0
    step = step_along(alpha, g, divisor_of(s, eps, inside)._replace(least=0.0))
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
        self.alpha = rates_of(learning_rate, arithmetic.wide(grads))
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
            return step_along(alpha, m, divisor_of(v, self.eps))
        if self.form in ("epsilon_hat", "epsilon_hat_inside"):
            divisor = divisor_of(v, self.eps, inside=self.form == "epsilon_hat_inside")
            return step_along(alpha, over(times(root(c2, 1), m, 1), c1, 2), divisor)
        if now == slice(None):
            m, v = (
                corrected(m, g, self.m.beta, c1, self.arithmetic, 2),
                corrected(v, squares, self.v.beta, c2, self.arithmetic, 1),
            )
        else:
            m, v = over(m, c1, 2), over(v, c2, 1)
        return step_along(alpha, m, divisor_of(v, self.eps, inside=self.form == "epsilon_inside"))
