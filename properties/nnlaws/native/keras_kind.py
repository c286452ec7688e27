"""What Keras 3 and Keras 2 have in common: layers, optimizers, schedules and losses, called as the operations.

The layer and its variables have the arguments' dtype; so do an optimizer's. The rate is the optimizer's own variable,
which is float32.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import driver, functions
from nnlaws.native.driver import Optimizer
from nnlaws.native.functions import Kit
from nnlaws.native.kept import kept
from nnlaws.native.names import Keywords, Unrecognised, left_to_laws, of_optimizer, parameters, pick, settled, told

State = tuple[Any, Any]
"""A variable, which an optimizer moves, and the optimizer."""
Operations = Mapping[str, Callable[..., Keywords]]
VARIABLES = ("gamma", "beta", "moving_mean", "moving_variance")


class Keras(NamedTuple):
    """A library of this kind, and what it has in its own way.

    module: with its layers, losses and optimizers. optimizers: the classes that its optimizers are of. kit: its
    tensors, of which `array` is a copy. value(variable): its value, which stays as it is. gradients(layer, x, dout): of
    x, γ and β. made(kind, n, dtype, **options): a variable of n numbers and an optimizer with all of its own variables.
    states(optimizer): these. apply(optimizer, gradient, variable): a step. hand_on(old, new): what one saves, restored
    in the other.
    """

    module: Any
    optimizers: tuple[type, ...]
    description: str
    kit: Kit
    value: Callable[[Any], Any]
    gradients: Callable[[Any, Any, Any], tuple[Any, ...]]
    made: Callable[..., State]
    states: Callable[[Any], list[Any]]
    apply: Callable[[Any, Any, Any], Any]
    hand_on: Callable[[Any, Any], None]


def batch_norm(keras: Keras, factory: Callable[..., Any], **more: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(dtype=…, epsilon=…, momentum=…)`, a layer with the variables
    gamma, beta, moving_mean and moving_variance. Its momentum is the weight of the old statistics, as decay is. What
    it keeps in a wider type than the input's is rounded to that. more: description, dtypes, conventions.
    """
    tensor, array = keras.kit.tensor, keras.kit.array

    def layer(z: Array, *variables: Array, **options: float) -> Any:
        """As if new; its first variables are set to those given."""
        made, start = _layer(keras, factory, z.shape[-1], z.dtype.name, **options)
        for variable, value in zip(made.variables, start, strict=True):
            variable.assign(value)
        for name, value in zip(VARIABLES, variables, strict=False):
            variable = getattr(made, name)
            variable.assign(tensor(value.astype(array(variable).dtype)))
        return made

    def averages(made: Any, like: Array) -> tuple[Array, Array]:
        return array(made.moving_mean).astype(like.dtype), array(made.moving_variance).astype(like.dtype)

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """Of an odd number of samples the output is that of a call with averages that stay: it may not hang on them."""
        none = np.zeros_like(gamma)  # what 0 − (0 − σ²) starts from; 1 − (1 − σ²) is off by the rounding of 1
        made = layer(z, gamma, beta, none, none, epsilon=eps, momentum=0.0)
        out, kept_averages = array(made(tensor(z), training=True)), averages(made, z)
        if len(z) % 2:
            out = array(layer(z, gamma, beta, epsilon=eps, momentum=0.5)(tensor(z), training=True))
        return out, *kept_averages

    def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        found = keras.gradients(layer(z, gamma, epsilon=eps), tensor(z), tensor(dout))
        dz, dgamma, dbeta = map(array, found)
        return dz, dgamma.astype(z.dtype), dbeta.astype(z.dtype)

    def running(batches: Array, *, decay: float) -> tuple[Array, Array]:
        made = layer(batches, momentum=decay)
        for batch in batches:
            made(tensor(batch), training=True)
        return averages(made, batches)

    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        """Of every other number of samples by the second call: the first is to leave the averages as they are."""
        made = layer(z, gamma, beta, mean, var, epsilon=eps)
        for _ in range(len(z) % 2):
            made(tensor(z), training=False)
        return array(made(tensor(z), training=False))

    return SimpleNamespace(
        **more,
        batch_norm_train=train,
        batch_norm_backward=backward,
        batch_norm_running=running,
        batch_norm_inference=inference,
    )


@kept(1024)  # building a layer takes longer than anything that is done with it here
def _layer(keras: Keras, factory: Callable[..., Any], n: int, dtype: str, **options: float) -> tuple[Any, list[Any]]:
    """A layer, and what its variables are at first."""
    layer = factory(dtype=dtype, **options)
    layer.build((None, n))
    return layer, [keras.value(variable) for variable in layer.variables]


def optimizer(
    keras: Keras,
    kind: Callable[..., Any],
    operations: Operations | None = None,
    *,
    fixed: Keywords | None = None,
    **more: Any,
) -> SimpleNamespace:
    """A target: the operations by `kind(learning_rate=…, …)`; operations, fixed, more: see `nnlaws.torch.optimizer`."""

    found = operations or of_optimizer(parameters(kind))
    return SimpleNamespace(**more, **driver.each(partial(_driven_by, keras, kind), found, fixed))


def _driven_by(keras: Keras, kind: Callable[..., Any], **options: Any) -> Optimizer[State]:
    """The optimizer of that class and options."""
    tensor, array = keras.kit.tensor, keras.kit.array

    def init(theta: Array) -> State:
        variable, made = reset(keras, *built(keras.made, kind, len(theta), theta.dtype.name, **options))
        variable.assign(tensor(theta))
        return variable, made

    def restored(state: State) -> State:
        """A new optimizer with what the old one saved."""
        theta = array(state[0])
        variable, made = keras.made(kind, len(theta), theta.dtype.name, **options)
        variable.assign(tensor(theta))
        keras.hand_on(state[1], made)
        return variable, made

    def step(state: State, gradient: Array, rate: float) -> State:
        variable, made = state
        made.learning_rate = rate
        keras.apply(made, tensor(gradient), variable)
        return state

    return Optimizer(init, step, lambda state: array(state[0]), restored)


_FIRST: WeakKeyDictionary[Any, list[Array]] = WeakKeyDictionary()
"""Of each optimizer, what its variables were when it was built."""


@kept(1024)  # building one takes longer than its first steps
def built(made: Callable[..., State], kind: Callable[..., Any], n: int, dtype: str, **options: Any) -> State:
    return made(kind, n, dtype, **options)


def reset(keras: Keras, variable: Any, made: Any) -> State:
    """As if new: all that an optimizer keeps is in its variables, and all of them are as they were at first."""
    states = keras.states(made)
    for state, first in zip(states, _FIRST.setdefault(made, [keras.kit.array(each) for each in states]), strict=True):
        state.assign(keras.kit.tensor(first))
    return variable, made


def schedule(keras: Keras, kind: Callable[..., Any], operations: Operations, **more: Any) -> SimpleNamespace:
    """A target: the operations by `kind(…)`, called with the epoch; `initial` is among the options of each."""

    def operation(keywords: Callable[..., Keywords]) -> Callable[..., Array]:
        def run(epoch: Array, **options: Any) -> Array:
            rates = kind(**keywords(**options))(keras.kit.tensor(epoch.astype(np.int32)))
            return keras.kit.array(rates).astype(epoch.dtype)

        return run

    return SimpleNamespace(**more, **{name: operation(keywords) for name, keywords in operations.items()})


def over_steps(
    keras: Keras, kind: Callable[..., Any], there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords
) -> SimpleNamespace | None:
    """A target: the schedules over a number of steps that the parameters are those of; None of others."""

    def powers(start: float, end: float, steps: float, power: float = 1.0) -> Keywords:
        own = {"initial_learning_rate": start, "decay_steps": int(steps), "end_learning_rate": end, "power": power}
        return {**given, **own}

    def cosine(start: float, end: float, steps: float) -> Keywords:
        return {**given, "initial_learning_rate": start, "decay_steps": int(steps), "alpha": end / start}

    def restarts(start: float, end: float, period: float, stretch: float, shrink: float) -> Keywords:
        own = {"initial_learning_rate": start, "first_decay_steps": int(period), "t_mul": stretch, "m_mul": shrink}
        return {**given, **own, "alpha": end / start}

    def warmed(peak: float, end: float, warmup: float, steps: float) -> Keywords:
        """decay_steps is what comes after the warm-up."""
        more = {"initial_learning_rate": 0.0, "warmup_target": peak, "warmup_steps": int(warmup)}
        return {**cosine(peak, end, steps - warmup), **more}

    def warmup_cosine_schedule(step: Array, **options: float) -> Array:
        """With a warm-up it takes one step at a time."""
        made = kind(**warmed(**options))
        each = [float(keras.kit.array(made(keras.kit.tensor(one)))) for one in step.astype(np.int32)]
        return np.array(each, step.dtype)

    def made(own: set[str], operations: Operations, **one_by_one: Callable[..., Array]) -> SimpleNamespace:
        left_to_laws(given, own)
        lines = (f"taken for a schedule: {', '.join((*operations, *one_by_one))}", *told(given))
        positive = ("cosine_schedule.start", "warmup_cosine_schedule.peak", "cosine_restarts_schedule.start")
        return schedule(keras, kind, operations, recognised=lines, positive=positive, **one_by_one, **about)

    if {"initial_learning_rate", "decay_steps", "end_learning_rate", "power"} <= there.keys():
        own = {"initial_learning_rate", "decay_steps", "end_learning_rate", "power"}
        return made(own, {"linear_schedule": powers, "polynomial_schedule": powers})
    if {"initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha"} <= there.keys():
        own = {"initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha"}
        if keras.module.backend.backend() == "jax":
            raise Unrecognised(
                "with JAX it is compiled anew for each call, which takes too long: choose another backend"
            )
        return made(own, {"cosine_restarts_schedule": restarts})
    if {"initial_learning_rate", "decay_steps", "alpha"} <= there.keys():
        own = {"initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps"}
        if "warmup_target" not in there or keras.module.backend.backend() == "jax":  # which compiles each step anew
            return made(own, {"cosine_schedule": cosine})
        return made(own, {"cosine_schedule": cosine}, warmup_cosine_schedule=warmup_cosine_schedule)
    return None


def recognise(keras: Keras, found: Any, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer, schedule or loss of the library, or a function of its tensors; None for whatever else."""
    module, about = keras.module, {"description": keras.description}
    kind, there = settings.get("as", ""), parameters(found)
    if inspect.isclass(found):
        if issubclass(found, keras.optimizers):
            return _optimizer(keras, found, there, given, about)
        if issubclass(found, module.optimizers.schedules.LearningRateSchedule):
            return _schedule(keras, found, there, given, about)
        if issubclass(found, module.layers.Layer):
            made = _made(found, given)
            if all(name in there for name in ("epsilon", "momentum")) and _has_variables(found, given):
                left_to_laws(given, {"epsilon", "momentum"})
                lines = ("taken for batch norm, its momentum the weight of the old", *told(given))
                return batch_norm(keras, partial(found, **given), recognised=lines, insisted=True, **about)
            return functions.recognise(keras.kit, made, kind, about)
        if issubclass(found, module.losses.Loss):
            return functions.recognise(keras.kit, _made(found, given), kind, about)
        return None
    root = str(getattr(found, "__module__", "") or type(found).__module__).partition(".")[0]
    if isinstance(found, (module.layers.Layer, module.losses.Loss)) or root == module.__name__:
        return functions.recognise(keras.kit, partial(found, **given) if given else found, kind, about)
    return None


def _made(kind: Callable[..., Any], given: Keywords) -> Any:
    try:
        return kind(**given)
    except Exception as error:
        raise Unrecognised(f"made without other arguments it raised {type(error).__name__}: {error}") from None


def _has_variables(kind: Callable[..., Any], given: Keywords) -> bool:
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
    keras: Keras, kind: Any, there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords
) -> SimpleNamespace:
    operations = of_optimizer(there, getattr(kind, "__name__", ""), given)
    fixed = settled(there, given, operations)
    lines = (f"taken for an optimizer: {', '.join(operations)}", *told(fixed))
    made = optimizer(keras, kind, operations, fixed=fixed, recognised=lines, **about)
    if "nadam" in operations:  # its momentum rises by 0.96^t
        made.fixed = {"nadam.momentum_decay": 1.0}
    if "lion" in operations:
        made.positive = ("lion.beta1",)
    return made


def _schedule(
    keras: Keras, kind: Any, there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords
) -> SimpleNamespace:
    if over := over_steps(keras, kind, there, given, about):
        return over
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
    return schedule(keras, kind, operations, recognised=lines, **about)
