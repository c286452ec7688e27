"""What optimizers do where it can be written down at once: at the first step, by a constant gradient, on a quadratic.

All in float64 and from the declared conventions alone: independent witnesses of the formulas, which go step by step.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from nnlaws_spec.formulas import optimizers as formulas
from numpy.typing import NDArray

from nnlaws.authoring.operation import Operation
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import Conventions


def first_step(
    conventions: Conventions, g: Floats, *, learning_rate: float, beta1: float, beta2: float, eps: float
) -> Floats:
    """What Adam subtracts at first: α g/(|g| + ε), or what the form makes of m = (1 − β1) g, v = (1 − β2) g²."""
    size, root = np.abs(g), np.sqrt(1 - beta2)
    ratio = {
        "epsilon_outside": g / (size + eps),
        "epsilon_inside": g / np.sqrt(size**2 + eps),
        "epsilon_hat": root * g / (root * size + eps),
        "epsilon_hat_inside": root * g / np.sqrt((root * size) ** 2 + eps),
        "uncorrected": (1 - beta1) * g / (root * size + eps),
    }
    return np.asarray(learning_rate * ratio[conventions.get("adam_form", "epsilon_outside")])


def weight_of_epsilon(conventions: Conventions, g: Floats, *, beta2: float, eps: float) -> Floats:
    """Ten times ε makes Adam's first step shorter by at most this part of it."""
    form = conventions.get("adam_form", "epsilon_outside")
    if form in ("epsilon_inside", "epsilon_hat_inside"):
        return np.asarray(4.5 * eps / g**2 / (1.0 if form == "epsilon_inside" else 1 - beta2))
    return np.asarray(9 * eps / np.abs(g) / (1.0 if form == "epsilon_outside" else np.sqrt(1 - beta2)))


def longest_step(operation: str, conventions: Conventions, steps: int, **options: Any) -> Floats:
    """The longest that each step of RMSprop or Adam can be, (T,); ε only makes it shorter."""
    given = {name: options[name] for name in ("learning_rate", "beta", "beta1", "beta2") if name in options}
    if operation == "rmsprop":
        return np.full(steps, formulas.rmsprop_longest_step(**given))
    t = np.arange(1, steps + 1)
    longest = np.array([formulas.adam_longest_step(int(step), **given) for step in t])
    if conventions.get("adam_form") != "uncorrected":
        return longest
    return np.asarray(longest * (1 - given["beta1"] ** t) / np.sqrt(1 - given["beta2"] ** t))


def constant_gradient(operation: str, conventions: Conventions, g: Floats, **options: Any) -> Floats:
    """What each of the steps subtracts where all gradients g, (..., T, n), are the same."""
    t = np.arange(1, g.shape[-2] + 1)[:, None]
    rate: float = options.pop("learning_rate")
    return np.asarray(rate * _STEPS[operation](conventions, g, t, **options))


def _momentum(conventions: Conventions, g: Floats, t: NDArray[np.intp], *, beta: float) -> Floats:
    """v_t = (1 − β^t) g; Nesterov's look-ahead is one step on; without the factor 1 − β it is 1/(1 − β) as long."""
    velocity = conventions.get("velocity", "average")
    if velocity == "dampened":
        return g
    gained = 1 - beta ** (t + (1 if conventions.get("lookahead") == "nesterov" else 0))
    return gained * g if velocity == "average" else gained / (1 - beta) * g


def _rmsprop(conventions: Conventions, g: Floats, t: NDArray[np.intp], *, beta: float, eps: float) -> Floats:
    left = beta**t
    s = (1 - left) * g**2 * (left if conventions.get("second_moment") == "centred" else 1)
    if conventions.get("accumulator") == "one":
        s = s + left
    inside = conventions.get("rmsprop_epsilon") == "inside"
    return g / (np.sqrt(s + eps) if inside else np.sqrt(s) + eps)


def _adam(
    conventions: Conventions, g: Floats, t: NDArray[np.intp], *, beta1: float, beta2: float, eps: float
) -> Floats:
    size, root = np.abs(g), np.sqrt(1 - beta2**t)
    form = conventions.get("adam_form", "epsilon_outside")
    if form == "epsilon_inside":
        return g / np.sqrt(size**2 + eps)
    if form == "epsilon_hat":
        return root * g / (root * size + eps)
    if form == "epsilon_hat_inside":
        return root * g / np.sqrt((root * size) ** 2 + eps)
    return (1 - beta1**t) * g / (root * size + eps) if form == "uncorrected" else g / (size + eps)


_STEPS: dict[str, Callable[..., Floats]] = {"momentum": _momentum, "rmsprop": _rmsprop, "adam": _adam}


def response(operation: Operation, conventions: Conventions, steps: int, options: Mapping[str, Any]) -> Floats:
    """K, (T, T): θ_t = θ_0 − Σ_s K_ts g_s, for an optimizer that is linear in its gradients."""
    named: dict[str, Any] = {name: value for name, value in conventions.items() if name in operation.changing}
    return -np.asarray(operation.formula(np.zeros(steps), np.eye(steps), **options, **named))


def on_quadratic(k: Floats, theta: Floats, h: Floats) -> tuple[Floats, Floats]:
    """The iterates (..., T, n) from θ_0 (..., n) where g_t = h θ_{t−1}, and (I + h K S)⁻¹ (..., n, T, T).

    S makes K one step late: θ_t + Σ_{s>1} K_ts h θ_{s−1} = θ_0 − K_t1 h θ_0.
    """
    late = np.zeros_like(k)
    late[:, :-1] = k[:, 1:]
    inverse: Floats = np.linalg.inv(np.eye(len(k)) + h[..., None, None] * late).astype(np.float64)
    right = theta[..., None] * (1 - h[..., None] * k[:, 0])
    return np.moveaxis(np.einsum("...ts,...s->...t", inverse, right), -1, -2), inverse
