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

from nnlaws.adapters.driver import Optimizer, stateful, stateless

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

Make = Callable[..., optax.GradientTransformation]
State = tuple[Any, Any]
"""The parameters, and what Optax keeps."""

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


@stateless
def gradient_descent() -> Optimizer[State]:
    return _optimizer(optax.sgd)


@stateful
def momentum(*, beta: float) -> Optimizer[State]:
    return _optimizer(optax.sgd, momentum=beta)


@stateful
def rmsprop(*, beta: float, eps: float) -> Optimizer[State]:
    return _optimizer(optax.rmsprop, decay=beta, eps=eps)


@stateful
def adam(*, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
    return _optimizer(optax.adam, b1=beta1, b2=beta2, eps=eps)


@stateful
def adamw(*, beta1: float, beta2: float, eps: float, weight_decay: float) -> Optimizer[State]:
    return _optimizer(optax.adamw, b1=beta1, b2=beta2, eps=eps, weight_decay=weight_decay)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return _schedule(optax.exponential_decay(initial, 1, rate), epoch)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _schedule(optax.exponential_decay(initial, int(every), rate, staircase=True), epoch)


def _optimizer(make: Make, **options: float) -> Optimizer[State]:
    def init(theta: Any) -> State:
        return theta, _init(make, {"learning_rate": 0.0, **options}, theta)

    def step(state: State, gradient: Array, rate: float) -> State:
        parameters, own = state
        new: State = _step(make, {"learning_rate": rate, **options}, gradient, own, parameters)
        return new

    def restored(state: State) -> State:
        """A new state with what the bytes of the old one hold."""
        parameters, own = state
        _, new = init(parameters)
        return parameters, serialization.from_bytes(new, serialization.to_bytes(own))

    return Optimizer(init, step, lambda state: state[0], restored)


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


@stateful
def _momentum_nesterov(*, beta: float) -> Optimizer[State]:
    return _optimizer(_nesterov, momentum=beta)


@stateful
def _rmsprop_centred(*, beta: float, eps: float) -> Optimizer[State]:
    return _optimizer(_centred, decay=beta, eps=eps)


@stateful
def _adam_inside(*, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
    return _optimizer(_inside, b1=beta1, b2=beta2, eps_root=eps)


@stateful
def _adamw_inside(*, beta1: float, beta2: float, eps: float, weight_decay: float) -> Optimizer[State]:
    return _optimizer(_decoupled_inside, b1=beta1, b2=beta2, eps_root=eps, weight_decay=weight_decay)


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
