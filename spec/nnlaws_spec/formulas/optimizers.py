"""Exponentially weighted averages and the optimizers made of them: the formulas of chapters/optimizers.md.

An optimizer is a trajectory: theta (..., n) and the gradients grads (..., T, n) give the T iterates (..., T, n), theta
not among them. learning_rate is a float, or a tuple of T floats, one a step. What is computed with the options is
computed in the arrays' own kind of number, so in balls nothing is rounded away: not 1 − β, not β^t.
"""

from typing import Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers
from nnlaws_spec.formulas.trajectories import LearningRate, in_order, root, steps

AverageStart: TypeAlias = Literal["zero", "first_value"]
Velocity: TypeAlias = Literal["average", "heavy_ball", "rate_inside", "dampened"]
Lookahead: TypeAlias = Literal["none", "nesterov"]
RmspropEpsilon: TypeAlias = Literal["outside", "inside"]
Accumulator: TypeAlias = Literal["zero", "one"]
SecondMoment: TypeAlias = Literal["raw", "centred"]
AdamForm: TypeAlias = Literal["epsilon_outside", "epsilon_inside", "epsilon_hat", "epsilon_hat_inside", "uncorrected"]
Decoupling: TypeAlias = Literal["times_rate", "without_rate", "rate_squared", "after_step", "l2"]


def exponential_average(
    values: Numbers, *, beta: float, bias_correction: bool, average_start: AverageStart = "zero"
) -> Numbers:
    """OP-1: v_t = β v_{t−1} + (1 − β) x_t from v_0 = 0; OP-2: v_t / (1 − β^t). From v_1 = x_1, nothing is corrected."""
    zero = 0 * values[..., :1, :].sum(axis=-2)
    b, v, averages = beta + zero, zero, []
    for t in range(1, values.shape[-2] + 1):
        x = values[..., t - 1, :]
        v = x + zero if t == 1 and average_start == "first_value" else b * v + (1 - b) * x
        averages.append(v / (1 - b**t) if bias_correction and average_start == "zero" else v)
    return in_order(averages, values)


def effective_window(beta: Numbers) -> Numbers:
    """OP-3: 1 / (1 − β), the number of values that an average effectively averages over."""
    return 1 / (1 - beta)


def gradient_descent(theta: Numbers, grads: Numbers, *, learning_rate: LearningRate) -> Numbers:
    """OP-7: θ_t = θ_{t−1} − α_t g_t."""
    iterates = []
    for g, rate in steps(grads, learning_rate):
        theta = theta - rate * g
        iterates.append(theta)
    return in_order(iterates, grads)


def momentum(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta: float,
    velocity: Velocity = "average",
    lookahead: Lookahead = "none",
) -> Numbers:
    """OP-8: v_t = β v_{t−1} + (1 − β) g_t, θ_t = θ_{t−1} − α_t v_t.

    heavy_ball: v_t = β v_{t−1} + g_t. rate_inside: v_t = β v_{t−1} + α_t g_t, θ_t = θ_{t−1} − v_t. dampened: v_1 = g_1,
    then the average. nesterov moves by β v_t and the gradient's term of v_t once more, in place of v_t.
    """
    zero = 0 * theta
    b, v, iterates = beta + zero, zero, []
    for t, (g, rate) in enumerate(steps(grads, learning_rate), start=1):
        gain, outer = {"heavy_ball": (1, rate), "rate_inside": (rate, 1)}.get(velocity, (1 - b, rate))
        v = g + zero if t == 1 and velocity == "dampened" else b * v + gain * g
        theta = theta - outer * (b * v + gain * g if lookahead == "nesterov" else v)
        iterates.append(theta)
    return in_order(iterates, grads)


def rmsprop(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta: float,
    eps: float,
    rmsprop_epsilon: RmspropEpsilon = "outside",
    accumulator: Accumulator = "zero",
    second_moment: SecondMoment = "raw",
) -> Numbers:
    """OP-9: s_t = β s_{t−1} + (1 − β) g_t², θ_t = θ_{t−1} − α_t g_t / (√s_t + ε), or g_t / √(s_t + ε).

    one: s_0 = 1. centred: s_t − a_t² in place of s_t, with a_t = β a_{t−1} + (1 − β) g_t from a_0 = 0.
    """
    zero = 0 * theta
    b, a, s, iterates = beta + zero, zero, zero + (accumulator == "one"), []
    for g, rate in steps(grads, learning_rate):
        a = b * a + (1 - b) * g
        s = b * s + (1 - b) * (g * g)
        moment = s - a * a if second_moment == "centred" else s
        theta = theta - rate * (g / root(moment, eps, inside=rmsprop_epsilon == "inside"))
        iterates.append(theta)
    return in_order(iterates, grads)


def adam(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta1: float,
    beta2: float,
    eps: float,
    adam_form: AdamForm = "epsilon_outside",
) -> Numbers:
    """OP-10: m_t = β₁ m_{t−1} + (1 − β₁) g_t, v_t = β₂ v_{t−1} + (1 − β₂) g_t², θ_t = θ_{t−1} − α_t m̂_t / (√v̂_t + ε).

    m̂_t = m_t / (1 − β₁^t), v̂_t = v_t / (1 − β₂^t). epsilon_inside: m̂ / √(v̂ + ε). epsilon_hat:
    m √(1 − β₂^t) / (1 − β₁^t) / (√v + ε). epsilon_hat_inside: the same with √(v + ε). uncorrected: m / (√v + ε).
    """
    zero = 0 * theta
    b1, b2, m, v, iterates = beta1 + zero, beta2 + zero, zero, zero, []
    for t, (g, rate) in enumerate(steps(grads, learning_rate), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        theta = theta - rate * _direction(m, v, 1 - b1**t, 1 - b2**t, eps, adam_form)
        iterates.append(theta)
    return in_order(iterates, grads)


def adamw(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    adam_form: AdamForm = "epsilon_outside",
    decoupling: Decoupling = "times_rate",
) -> Numbers:
    """OP-11: θ_t = θ_{t−1} − α_t λ θ_{t−1} − the step of OP-10.

    without_rate: θ_{t−1} − λ θ_{t−1} − the step. rate_squared: θ_{t−1} − α_t² λ θ_{t−1} − the step. after_step:
    θ_{t−1} less the step, and then less α_t λ of that.
    l2: g_t + λ θ_{t−1} takes the place of g_t, and nothing else decays.
    """
    zero = 0 * theta
    b1, b2, m, v, iterates = beta1 + zero, beta2 + zero, zero, zero, []
    for t, (gradient, rate) in enumerate(steps(grads, learning_rate), start=1):
        decay = weight_decay * theta
        g = gradient + decay if decoupling == "l2" else gradient
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        step = rate * _direction(m, v, 1 - b1**t, 1 - b2**t, eps, adam_form)
        after = rate * (weight_decay * (theta - step))
        shrunk = {
            "times_rate": rate * decay,
            "without_rate": decay,
            "rate_squared": rate * (rate * decay),
            "after_step": after,
            "l2": zero,
        }[decoupling]
        theta = theta - shrunk - step
        iterates.append(theta)
    return in_order(iterates, grads)


def rmsprop_longest_step(*, learning_rate: Numbers, beta: Numbers) -> Numbers:
    """OP-23: α / √(1 − β), which no step of RMSprop passes: s_t ≥ (1 − β) g_t²."""
    return learning_rate / np.sqrt(1 - beta)


def adam_longest_step(t: int, *, learning_rate: Numbers, beta1: Numbers, beta2: Numbers) -> Numbers:
    """OP-23: α √(1 − β₂^t)/(1 − β₁^t) · √(Σ_{j<t} ((1 − β₁) β₁^j)² / ((1 − β₂) β₂^j)), which no Adam step t ≥ 1 passes.

    0 < β₂ < 1; learning_rate, beta1 and beta2 are numbers of one kind.
    """
    weights = sum(((1 - beta1) * beta1**j) ** 2 / ((1 - beta2) * beta2**j) for j in range(t))
    return learning_rate * np.sqrt(1 - beta2**t) / (1 - beta1**t) * np.sqrt(weights)


def quadratic_descent(theta: Numbers, *, curvature: float, learning_rate: float, steps: int) -> Numbers:
    """OP-25: gradient descent on ½hθ² from theta (..., n): its iterates (..., T, n), (1 − αh)^t θ_0."""
    factor = 1 - (learning_rate + 0 * theta) * curvature
    return np.stack([factor**t * theta for t in range(1, steps + 1)], axis=-2)


def quadratic_momentum(theta: Numbers, *, curvature: float, learning_rate: float, beta: float, steps: int) -> Numbers:
    """OP-25: momentum on ½hθ²: θ_{t+1} = (1 + β − α (1 − β) h) θ_t − β θ_{t−1}, from θ_{−1} = θ_0, at rest."""
    b = beta + 0 * theta
    before, iterates = theta, []
    for _ in range(steps):
        before, theta = theta, (1 + b - learning_rate * ((1 - b) * curvature)) * theta - b * before
        iterates.append(theta)
    return np.stack(iterates, axis=-2)


def _direction(m: Numbers, v: Numbers, c1: Numbers, c2: Numbers, eps: float, adam_form: AdamForm) -> Numbers:
    """What Adam steps along, of the moments m and v and the corrections c₁ = 1 − β₁^t and c₂ = 1 − β₂^t."""
    if adam_form == "uncorrected":
        return m / root(v, eps, inside=False)
    if adam_form in ("epsilon_hat", "epsilon_hat_inside"):
        return m * np.sqrt(c2) / c1 / root(v, eps, inside=adam_form == "epsilon_hat_inside")
    return m / c1 / root(v / c2, eps, inside=adam_form == "epsilon_inside")
