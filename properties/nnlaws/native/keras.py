"""Keras, by any backend: layers, optimizers, schedules and losses of its kind, called as the operations.

The rate is the optimizer's own variable, of keras.config.floatx(), which is float32.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import keras_kind
from nnlaws.native.functions import Kit
from nnlaws.native.keras_kind import State
from nnlaws.native.names import Keywords

BACKEND = keras.backend.backend()
if BACKEND == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64


def tensor(x: Array) -> Any:
    """A copy, of the same dtype."""
    return keras.ops.convert_to_tensor(np.array(x), dtype=x.dtype.name)


def array(x: Any) -> Array:
    """A copy, since layers and optimizers are used again."""
    return np.array(keras.ops.convert_to_numpy(x))


def _torch_gradients(layer: keras.layers.Layer, x: Any, dout: Any) -> tuple[Any, ...]:
    import torch

    out = layer(x.requires_grad_(), training=True)
    gradients: tuple[Any, ...] = torch.autograd.grad(out, (x, layer.gamma.value, layer.beta.value), dout)
    return gradients


def _tensorflow_gradients(layer: keras.layers.Layer, x: Any, dout: Any) -> tuple[Any, ...]:
    from nnlaws.native import tensorflow

    return tensorflow.pulled_back(lambda x: layer(x, training=True), x, (layer.gamma.value, layer.beta.value), dout)


def _jax_gradients(layer: keras.layers.Layer, x: Any, dout: Any) -> tuple[Any, ...]:
    import jax

    def forward(x: Any, *learnt: Any) -> Any:
        averages = [variable.value for variable in layer.non_trainable_variables]
        called: Any = layer.stateless_call(learnt, averages, x, training=True)
        return called[0]

    pulled: Any = jax.vjp(forward, x, layer.gamma.value, layer.beta.value)
    return tuple(pulled[1](dout))


_GRADIENTS: dict[str, Callable[..., Any]] = {
    "torch": _torch_gradients,
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
}


def _made(kind: Callable[..., keras.optimizers.Optimizer], n: int, dtype: str, **options: Any) -> State:
    variable = keras.Variable(np.zeros(n), dtype=dtype)
    made = kind(learning_rate=0.0, **options)
    made.build([variable])
    return variable, made


def _hand_on(old: keras.optimizers.Optimizer, new: keras.optimizers.Optimizer) -> None:
    saved = dict[str, Array]()
    old.save_own_variables(saved)
    new.load_own_variables(saved)


def _gradient(function: Callable[..., Any], z: Array) -> Array:
    if BACKEND == "torch":
        import torch

        logits = tensor(z).requires_grad_()
        return array(torch.autograd.grad(function(logits), logits)[0])
    if BACKEND == "jax":
        import jax

        return array(jax.grad(function)(tensor(z)))
    from nnlaws.native.tensorflow import KIT as TENSORFLOW

    assert TENSORFLOW.gradient is not None
    return TENSORFLOW.gradient(function, z)


KIT = Kit("Keras", tensor, array, keras.ops.is_tensor, _gradient, keras.ops.mean, keras.ops.sum)
KERAS = keras_kind.Keras(
    keras,
    (keras.optimizers.Optimizer,),
    f"Keras {keras.__version__} on {BACKEND}",
    KIT,
    value=lambda variable: keras.ops.copy(variable.value),
    gradients=lambda layer, x, dout: _GRADIENTS[BACKEND](layer, x, dout),
    made=_made,
    states=lambda made: made.variables,
    apply=lambda made, gradient, variable: made.apply([gradient]),
    hand_on=_hand_on,
)
batch_norm = partial(keras_kind.batch_norm, KERAS)
optimizer = partial(keras_kind.optimizer, KERAS)
schedule = partial(keras_kind.schedule, KERAS)
over_steps = partial(keras_kind.over_steps, KERAS)
built = partial(keras_kind.built, _made)
reset = partial(keras_kind.reset, KERAS)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer, schedule or loss of Keras, or a function of its tensors; None for whatever else."""
    return keras_kind.recognise(KERAS, found, given, settings)
