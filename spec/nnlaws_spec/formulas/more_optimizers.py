"""Optimizers beyond the notes: the formulas of chapters/more_optimizers.md.

An optimizer is a trajectory: theta (..., n) and the gradients grads (..., T, n) give the T iterates (..., T, n), theta
not among them. What is computed with the options is computed in the arrays' own kind of number, so in balls nothing is
rounded away. Keywords with a default are the chapter's conventions.
"""

from typing import Literal, TypeAlias

import numpy as np

from nnlaws_spec.formulas import Numbers, maximum, sign
from nnlaws_spec.formulas.trajectories import LearningRate, in_order, root, steps

FirstVelocity: TypeAlias = Literal["gradient", "dampened"]
Lookahead: TypeAlias = Literal["none", "nesterov"]
AdagradEpsilon: TypeAlias = Literal["outside", "inside"]
AMSGradForm: TypeAlias = Literal["epsilon_outside", "epsilon_hat", "corrected_maximum", "uncorrected"]
MomentumSchedule: TypeAlias = Literal["rising", "steady"]
RAdamForm: TypeAlias = Literal["epsilon_hat", "epsilon_outside"]
RectifiedAbove: TypeAlias = Literal["five", "four"]
Unrectified: TypeAlias = Literal["momentum", "still"]

WARMING = 0.96
"""Of NAdam: what is left of the distance to β₁, halved, after 1/ψ steps."""
THRESHOLDS = {"five": 5, "four": 4}


def sgd(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta: float,
    dampening: float,
    weight_decay: float,
    first_velocity: FirstVelocity = "gradient",
    lookahead: Lookahead = "none",
) -> Numbers:
    """MO-1: d_t = g_t + λ θ_{t−1}, v_1 = d_1, v_t = β v_{t−1} + (1 − τ) d_t, θ_t = θ_{t−1} − α_t v_t.

    Where β = 0, every v_t is d_t. dampened: v_1 = (1 − τ) d_1. nesterov moves by d_t + β v_t in place of v_t.
    """
    zero = 0 * theta
    b, gain, v, iterates = beta + zero, 1 - (dampening + zero), zero, []
    for t, (g, rate) in enumerate(steps(grads, learning_rate), start=1):
        d = g + weight_decay * theta
        v = d if t == 1 and first_velocity == "gradient" else b * v + gain * d
        along = d + b * v if lookahead == "nesterov" else v
        theta = theta - rate * (along if beta else d)
        iterates.append(theta)
    return in_order(iterates, grads)


def adagrad(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    eps: float,
    initial_accumulator: float,
    adagrad_epsilon: AdagradEpsilon = "outside",
) -> Numbers:
    """MO-2: s_t = s_{t−1} + g_t² from s_0, θ_t = θ_{t−1} − α_t g_t / (√s_t + ε), or g_t / √(s_t + ε)."""
    s, iterates = initial_accumulator + 0 * theta, []
    for g, rate in steps(grads, learning_rate):
        s = s + g * g
        theta = theta - rate * (g / root(s, eps, inside=adagrad_epsilon == "inside"))
        iterates.append(theta)
    return in_order(iterates, grads)


def amsgrad(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta1: float,
    beta2: float,
    eps: float,
    amsgrad_form: AMSGradForm = "epsilon_outside",
) -> Numbers:
    """MO-3: m_t and v_t as Adam's, w_t = max(w_{t−1}, v_t), θ_t = θ_{t−1} − α_t m_t / c₁ / (√(w_t / c₂) + ε).

    c₁ = 1 − β₁^t and c₂ = 1 − β₂^t. epsilon_hat: m √c₂ / c₁ / (√w + ε). corrected_maximum: w_t = max(w_{t−1}, v_t / c₂)
    and m / c₁ / (√w + ε). uncorrected: m / (√w + ε).
    """
    zero = 0 * theta
    b1, b2, m, v, w, iterates = beta1 + zero, beta2 + zero, zero, zero, zero, []
    for t, (g, rate) in enumerate(steps(grads, learning_rate), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        c1, c2 = 1 - b1**t, 1 - b2**t
        w = maximum(w, v / c2 if amsgrad_form == "corrected_maximum" else v)
        if amsgrad_form == "uncorrected":
            along = m / (np.sqrt(w) + eps)
        elif amsgrad_form == "epsilon_hat":
            along = m * np.sqrt(c2) / c1 / (np.sqrt(w) + eps)
        else:
            along = m / c1 / (np.sqrt(w if amsgrad_form == "corrected_maximum" else w / c2) + eps)
        theta = theta - rate * along
        iterates.append(theta)
    return in_order(iterates, grads)


def nadam(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
    momentum_schedule: MomentumSchedule = "rising",
) -> Numbers:
    """MO-4: μ_t = β₁ (1 − ½ 0.96^{tψ}), P_t = μ_1 … μ_t, m_t and v_t as Adam's, θ_t = θ_{t−1} − α_t n_t / (√v̂_t + ε).

    n_t = (1 − μ_t) g_t / (1 − P_t) + μ_{t+1} m_t / (1 − P_{t+1}). steady: μ_t = β₁.
    """
    zero = 0 * theta
    b1, b2, m, v, product, iterates = beta1 + zero, beta2 + zero, zero, zero, 1 + zero, []

    def mu(t: int) -> Numbers:
        return b1 if momentum_schedule == "steady" else b1 * (1 - (WARMING + zero) ** (t * (momentum_decay + zero)) / 2)

    for t, (g, rate) in enumerate(steps(grads, learning_rate), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        now, later = mu(t), mu(t + 1)
        product = product * now
        ahead = (1 - now) * g / (1 - product) + later * m / (1 - product * later)
        theta = theta - rate * (ahead / (np.sqrt(v / (1 - b2**t)) + eps))
        iterates.append(theta)
    return in_order(iterates, grads)


def radam(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta1: float,
    beta2: float,
    eps: float,
    radam_form: RAdamForm = "epsilon_hat",
    rectified_above: RectifiedAbove = "five",
    unrectified: Unrectified = "momentum",
) -> Numbers:
    """MO-5: m_t and v_t as Adam's; θ_t = θ_{t−1} − α_t r_t m̂_t √c₂ / (√v_t + ε) where ρ_t > 5, else θ_{t−1} − α_t m̂_t.

    c₂ = 1 − β₂^t, ρ_∞ = 2/(1 − β₂) − 1, ρ_t = ρ_∞ − 2t β₂^t/c₂, and
    r_t² = (ρ_t − 4)(ρ_t − 2) ρ_∞ / ((ρ_∞ − 4)(ρ_∞ − 2) ρ_t).
    epsilon_outside: m̂ / (√(v/c₂) + ε). four: ρ_t > 4. still: no step where ρ_t is not above.
    """
    zero = 0 * theta
    b1, b2, m, v, iterates = beta1 + zero, beta2 + zero, zero, zero, []
    threshold, longest = THRESHOLDS[rectified_above], 2 / (1 - b2) - 1
    ever = beta2 > (threshold - 1) / (threshold + 1)  # ρ_∞ > threshold; of no double are the two alike
    for t, (g, rate) in enumerate(steps(grads, learning_rate), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        c2 = 1 - b2**t
        averaged = m / (1 - b1**t)
        step = averaged if unrectified == "momentum" else zero
        if ever:
            length = longest - 2 * t * b2**t / c2
            some = np.where(length > threshold, length, longest)
            r = np.sqrt((some - 4) * (some - 2) * longest / ((longest - 4) * (longest - 2) * some))
            inverse = (
                1 / (np.sqrt(v / c2) + eps) if radam_form == "epsilon_outside" else np.sqrt(c2) / (np.sqrt(v) + eps)
            )
            step = np.where(length > threshold, r * averaged * inverse, step)
        theta = theta - rate * step
        iterates.append(theta)
    return in_order(iterates, grads)


def rectification(t: int, *, beta2: Numbers) -> tuple[Numbers, Numbers]:
    """MO-5: ρ_t and ρ_∞, the length of the average at step t, and after many."""
    longest = 2 / (1 - beta2) - 1
    return longest - 2 * t * beta2**t / (1 - beta2**t), longest


def lion(
    theta: Numbers,
    grads: Numbers,
    *,
    learning_rate: LearningRate,
    beta1: float,
    beta2: float,
    weight_decay: float,
) -> Numbers:
    """MO-6: θ_t = θ_{t−1} − α_t (sign(β₁ m_{t−1} + (1 − β₁) g_t) + λ θ_{t−1}), m_t = β₂ m_{t−1} + (1 − β₂) g_t."""
    zero = 0 * theta
    b1, b2, m, iterates = beta1 + zero, beta2 + zero, zero, []
    for g, rate in steps(grads, learning_rate):
        theta = theta - rate * (sign(b1 * m + (1 - b1) * g) + weight_decay * theta)
        m = b2 * m + (1 - b2) * g
        iterates.append(theta)
    return in_order(iterates, grads)
