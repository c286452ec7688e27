"""Optax on CPU, under jit: sgd, rmsprop, adam and adamw as they are by default, ema, and exponential_decay's schedule.

The target `variants` has Nesterov momentum, centred RMSprop with its accumulator from 1 and ε outside the root, and
Adam with ε inside the root (eps_root). Hyperparameters are arguments of the compiled step, which gives what Python
floats would; a state is saved and restored by flax.serialization.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import optax
from flax import serialization
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.operation import Option

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

Make = Callable[..., optax.GradientTransformation]

description = f"Optax {optax.__version__} on CPU, jax.jit: sgd, rmsprop, adam, adamw, ema, exponential_decay"
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {"arithmetic": "narrow", "velocity": "heavy_ball", "rmsprop_epsilon": "inside"}


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = np.empty_like(values)
    make = _corrected if bias_correction else _uncorrected
    state = _init(make, {"decay": beta}, np.zeros_like(values[0]))
    for value, average in zip(values, averages, strict=True):
        average[...], state = _update(make, {"decay": beta}, value, state)
    return averages


def gradient_descent(theta: Array, grads: Array, *, learning_rate: Option) -> Array:
    return _trajectory(optax.sgd, theta, grads, learning_rate)


def momentum(theta: Array, grads: Array, *, learning_rate: Option, beta: float, save_at: int | None = None) -> Array:
    return _trajectory(optax.sgd, theta, grads, learning_rate, save_at, momentum=beta)


def rmsprop(
    theta: Array, grads: Array, *, learning_rate: Option, beta: float, eps: float, save_at: int | None = None
) -> Array:
    return _trajectory(optax.rmsprop, theta, grads, learning_rate, save_at, decay=beta, eps=eps)


def adam(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    return _trajectory(optax.adam, theta, grads, learning_rate, save_at, b1=beta1, b2=beta2, eps=eps)


def adamw(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    decay = {"weight_decay": weight_decay}
    return _trajectory(optax.adamw, theta, grads, learning_rate, save_at, b1=beta1, b2=beta2, eps=eps, **decay)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _schedule(optax.exponential_decay(initial, 1, rate), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _schedule(optax.exponential_decay(initial, int(every), rate, staircase=True), epoch)


def _trajectory(
    make: Make, theta: Array, grads: Array, learning_rate: Option, save_at: int | None = None, **options: float
) -> Array:
    """One step for each gradient; after `save_at` steps, a new state with what the bytes of the old one hold."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    iterates = np.empty_like(grads)
    parameters: Any = theta
    state = _init(make, {"learning_rate": 0.0, **options}, theta)
    for t, (gradient, rate) in enumerate(zip(grads, rates, strict=True)):
        if t == save_at:
            new = _init(make, {"learning_rate": 0.0, **options}, parameters)
            state = serialization.from_bytes(new, serialization.to_bytes(state))
        parameters, state = _step(make, {"learning_rate": rate, **options}, gradient, state, parameters)
        iterates[t] = parameters
    return iterates


@partial(jax.jit, static_argnums=0)
def _init(make: Make, options: dict[str, float], parameters: jax.Array) -> Any:
    return make(**options).init(parameters)


@partial(jax.jit, static_argnums=0)
def _update(make: Make, options: dict[str, float], gradient: jax.Array, state: Any) -> tuple[jax.Array, Any]:
    averages, state = make(**options).update(gradient, state)
    return averages, state


@partial(jax.jit, static_argnums=0)
def _step(
    make: Make, options: dict[str, float], gradient: jax.Array, state: Any, parameters: jax.Array
) -> tuple[jax.Array, Any]:
    updates, state = make(**options).update(gradient, state, parameters)
    return optax.apply_updates(parameters, updates), state


def _schedule(schedule: optax.Schedule, epoch: Array) -> Array:
    return np.asarray(schedule(epoch.astype(np.int32))).astype(epoch.dtype)


_corrected = partial(optax.ema, debias=True)
_uncorrected = partial(optax.ema, debias=False)
_nesterov = partial(optax.sgd, nesterov=True)
_centred = partial(optax.rmsprop, eps_in_sqrt=False, centered=True, initial_scale=1.0)
_inside = partial(optax.adam, eps=0.0)
_decoupled_inside = partial(optax.adamw, eps=0.0)


def _momentum_nesterov(
    theta: Array, grads: Array, *, learning_rate: Option, beta: float, save_at: int | None = None
) -> Array:
    return _trajectory(_nesterov, theta, grads, learning_rate, save_at, momentum=beta)


def _rmsprop_centred(
    theta: Array, grads: Array, *, learning_rate: Option, beta: float, eps: float, save_at: int | None = None
) -> Array:
    return _trajectory(_centred, theta, grads, learning_rate, save_at, decay=beta, eps=eps)


def _adam_inside(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    return _trajectory(_inside, theta, grads, learning_rate, save_at, b1=beta1, b2=beta2, eps_root=eps)


def _adamw_inside(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    save_at: int | None = None,
) -> Array:
    options = {"b1": beta1, "b2": beta2, "eps_root": eps, "weight_decay": weight_decay}
    return _trajectory(_decoupled_inside, theta, grads, learning_rate, save_at, **options)


variants = SimpleNamespace(
    description=(
        f"Optax {optax.__version__} on CPU, jax.jit: sgd(nesterov=True), adam and adamw(eps_root), "
        "rmsprop(eps_in_sqrt=False, centered=True, initial_scale=1)"
    ),
    dtypes=dtypes,
    conventions={
        "arithmetic": "narrow",
        "velocity": "heavy_ball",
        "lookahead": "nesterov",
        "second_moment": "centred",
        "accumulator": "one",
        "adam_form": "epsilon_inside",
    },
    momentum=_momentum_nesterov,
    rmsprop=_rmsprop_centred,
    adam=_adam_inside,
    adamw=_adamw_inside,
)
