"""Keras, by any backend: layers, optimizers, schedules and losses of its kind, called as the operations.

The layer and its variables have the arguments' dtype; so do an optimizer's. The rate is the optimizer's own variable,
of keras.config.floatx(), which is float32.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.driver import Optimizer, driven
from nnlaws.native.functions import Kit
from nnlaws.native.kept import kept
from nnlaws.native.names import Keywords, Unrecognised, left_to_laws, of_optimizer, parameters, pick, settled, told

State = tuple[keras.Variable, keras.optimizers.Optimizer]
Operations = Mapping[str, Callable[..., Keywords]]
VARIABLES = ("gamma", "beta", "moving_mean", "moving_variance")
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


def batch_norm(factory: Callable[..., keras.layers.Layer], **more: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(dtype=…, epsilon=…, momentum=…)`, a layer with the variables
    gamma, beta, moving_mean and moving_variance. Its momentum is the weight of the old statistics, as decay is.
    more: description, dtypes, conventions.
    """

    def layer(z: Array, *variables: Array, **options: float) -> keras.layers.Layer:
        """As if new; its first variables are set to those given."""
        made, start = _built(factory, z.shape[-1], z.dtype.name, **options)
        for variable, value in zip(made.variables, start, strict=True):
            variable.assign(value)
        for name, value in zip(VARIABLES, variables, strict=False):
            getattr(made, name).assign(tensor(value))
        return made

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        made = layer(z, gamma, beta, epsilon=eps, momentum=0.0)
        out = made(tensor(z), training=True)
        return array(out), array(made.moving_mean), array(made.moving_variance)

    def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        dz, dgamma, dbeta = map(array, _GRADIENTS[BACKEND](layer(z, gamma, epsilon=eps), tensor(z), tensor(dout)))
        return dz, dgamma, dbeta

    def running(batches: Array, *, decay: float) -> tuple[Array, Array]:
        made = layer(batches, momentum=decay)
        for batch in batches:
            made(tensor(batch), training=True)
        return array(made.moving_mean), array(made.moving_variance)

    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        return array(layer(z, gamma, beta, mean, var, epsilon=eps)(tensor(z), training=False))

    return SimpleNamespace(
        **more,
        batch_norm_train=train,
        batch_norm_backward=backward,
        batch_norm_running=running,
        batch_norm_inference=inference,
    )


@kept(1024)  # building a layer takes longer than anything that is done with it here
def _built(
    factory: Callable[..., keras.layers.Layer], n: int, dtype: str, **options: float
) -> tuple[keras.layers.Layer, list[Any]]:
    """A layer, and what its variables are at first."""
    layer = factory(dtype=dtype, **options)
    layer.build((None, n))
    return layer, [keras.ops.copy(variable.value) for variable in layer.variables]


def _torch_gradients(layer: keras.layers.Layer, x: Any, dout: Any) -> tuple[Any, ...]:
    import torch

    out = layer(x.requires_grad_(), training=True)
    gradients: tuple[Any, ...] = torch.autograd.grad(out, (x, layer.gamma.value, layer.beta.value), dout)
    return gradients


def _tensorflow_gradients(layer: keras.layers.Layer, x: Any, dout: Any) -> tuple[Any, ...]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x, training=True)
    return tuple(tape.gradient(out, (x, layer.gamma.value, layer.beta.value), output_gradients=dout))


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


def optimizer(
    kind: Callable[..., keras.optimizers.Optimizer],
    operations: Operations | None = None,
    *,
    fixed: Keywords | None = None,
    **more: Any,
) -> SimpleNamespace:
    """A target: the operations by `kind(learning_rate=…, …)`; operations, fixed, more: see `nnlaws.torch.optimizer`."""

    def operation(name: str, keywords: Callable[..., Keywords]) -> Callable[..., Array]:
        return driven(name, lambda **options: driven_by(kind, **{**(fixed or {}), **keywords(**options)}))

    found = operations or of_optimizer(parameters(kind))
    return SimpleNamespace(**more, **{name: operation(name, keywords) for name, keywords in found.items()})


def driven_by(kind: Callable[..., keras.optimizers.Optimizer], **options: Any) -> Optimizer[State]:
    """The optimizer of that class and options."""

    def init(theta: Array) -> State:
        variable, made = reset(*built(kind, len(theta), theta.dtype.name, **options))
        variable.assign(tensor(theta))
        return variable, made

    def restored(state: State) -> State:
        """A new optimizer with the variables that the old one saved."""
        theta, saved = array(state[0]), dict[str, Array]()
        state[1].save_own_variables(saved)
        variable, made = _new(kind, len(theta), theta.dtype.name, **options)
        variable.assign(tensor(theta))
        made.load_own_variables(saved)
        return variable, made

    return Optimizer(init, _step, lambda state: array(state[0]), restored)


def _step(state: State, gradient: Array, rate: float) -> State:
    _, made = state
    made.learning_rate = rate
    made.apply([tensor(gradient)])
    return state


def _new(kind: Callable[..., keras.optimizers.Optimizer], n: int, dtype: str, **options: Any) -> State:
    variable = keras.Variable(np.zeros(n), dtype=dtype)
    made = kind(learning_rate=0.0, **options)
    made.build([variable])
    return variable, made


built = kept(1024)(_new)  # building one takes longer than its first steps


def reset(variable: keras.Variable, made: keras.optimizers.Optimizer) -> State:
    """As if new: all that an optimizer keeps is in its variables, and all of them start from 0."""
    for state in made.variables:
        state.assign(np.zeros(state.shape))
    return variable, made


def schedule(
    kind: Callable[..., keras.optimizers.schedules.LearningRateSchedule], operations: Operations, **more: Any
) -> SimpleNamespace:
    """A target: the operations by `kind(…)`, called with the epoch; `initial` is among the options of each."""

    def operation(keywords: Callable[..., Keywords]) -> Callable[..., Array]:
        return lambda epoch, **options: rates(kind(**keywords(**options)), epoch)

    return SimpleNamespace(**more, **{name: operation(keywords) for name, keywords in operations.items()})


def rates(made: keras.optimizers.schedules.LearningRateSchedule, epoch: Array) -> Array:
    return array(made(keras.ops.convert_to_tensor(epoch.astype(np.int32)))).astype(epoch.dtype)


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


KIT = Kit("Keras", tensor, array, keras.ops.is_tensor, _gradient, keras.ops.mean)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer, schedule or loss of Keras, or a function of its tensors; None for whatever else."""
    about = {"description": f"Keras {keras.__version__} on {BACKEND}"}
    kind, there = settings.get("as", ""), parameters(found)
    if inspect.isclass(found):
        if issubclass(found, keras.optimizers.Optimizer):
            return _optimizer(found, there, given, about)
        if issubclass(found, keras.optimizers.schedules.LearningRateSchedule):
            return _schedule(found, there, given, about)
        if issubclass(found, keras.layers.Layer):
            made = _made(found, given)
            if all(name in there for name in ("epsilon", "momentum")) and _has_variables(found, given):
                left_to_laws(given, {"epsilon", "momentum"})
                lines = ("taken for batch norm, its momentum the weight of the old", *told(given))
                return batch_norm(partial(found, **given), recognised=lines, insisted=True, **about)
            return functions.recognise(KIT, made, kind, about)
        if issubclass(found, keras.losses.Loss):
            return functions.recognise(KIT, _made(found, given), kind, about)
        return None
    if isinstance(found, (keras.layers.Layer, keras.losses.Loss)) or _root(found) == "keras":
        return functions.recognise(KIT, partial(found, **given) if given else found, kind, about)
    return None


def _root(found: Any) -> str:
    return str(getattr(found, "__module__", "") or type(found).__module__).partition(".")[0]


def _made(kind: Callable[..., Any], given: Keywords) -> Any:
    try:
        return kind(**given)
    except Exception as error:
        raise Unrecognised(f"made without other arguments it raised {type(error).__name__}: {error}") from None


def _has_variables(kind: Callable[..., keras.layers.Layer], given: Keywords) -> bool:
    try:
        layer = kind(**given)
        layer.build((None, 3))
    except Exception as error:
        raise Unrecognised(f"built for 3 features it raised {type(error).__name__}: {error}") from None
    lacking = [name for name in VARIABLES if getattr(layer, name, None) is None]
    if lacking:
        raise Unrecognised(f"it has no {', '.join(lacking)}; expected a layer with {', '.join(VARIABLES)}")
    return True


def _optimizer(
    kind: type[keras.optimizers.Optimizer], there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords
) -> SimpleNamespace:
    operations = of_optimizer(there)
    fixed = settled(there, given, operations)
    lines = (f"taken for an optimizer: {', '.join(operations)}", *told(fixed))
    return optimizer(kind, operations, fixed=fixed, recognised=lines, **about)


def _schedule(kind: Any, there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords) -> SimpleNamespace:
    rate, every, stairs = pick(there, "rate"), pick(there, "every"), pick(there, "staircase")
    if not rate or "initial_learning_rate" not in there:
        raise Unrecognised(f"its parameters are {', '.join(there)}; expected initial_learning_rate and decay_rate")

    def each(**options: Any) -> Keywords:
        own = {"initial_learning_rate": options["initial"], rate: options["rate"], every: int(options.get("every", 1))}
        return {**given, **own}

    operations: dict[str, Callable[..., Keywords]] = {"exponential_decay": each, "inverse_time_decay": each}
    if stairs:
        operations["staircase_decay"] = lambda **options: {**each(**options), stairs: True}
    lines = (f"taken for a schedule: {', '.join(operations)}", *told(given))
    return schedule(kind, operations, recognised=lines, **about)
