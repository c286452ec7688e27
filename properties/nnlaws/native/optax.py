"""Optax on JAX, under jit: its optimizers and schedules, and others of its kind, called as the operations."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import optax
from nnlaws_reference.dtypes import Array

from nnlaws.native.driver import OPTIONS, USUAL, Optimizer, driven
from nnlaws.native.names import Keywords, Unrecognised, of_optimizer, parameters, pick, settled, told
from nnlaws.native.optax_schedules import over_steps, rates

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64

Make = Callable[..., optax.GradientTransformation]
State = tuple[Any, Any]
"""The parameters, and what Optax keeps."""
Operations = Mapping[str, Callable[..., Keywords]]
RATE, INITIAL = ("learning_rate", "lr"), ("init_value", "learning_rate", "initial", "init_lr", "lr")


def optimizer(
    make: Make, operations: Operations | None = None, *, fixed: Keywords | None = None, rate: str = RATE[0], **more: Any
) -> SimpleNamespace:
    """A target: the operations by `make(learning_rate=…, …)`, which gives a GradientTransformation.

    operations: of each, what makes keywords of its options, as in {"adam": lambda beta1, beta2, eps: {"b1": beta1, …}};
    default by the names of what `make` takes. fixed: keywords that are the same in all of them. rate: what the learning
    rate is called. Hyperparameters are arguments of the compiled step, which gives what Python floats would; a factory
    that branches on them is not compiled. A state is saved and restored by its leaves. more: description, dtypes,
    conventions.
    """
    made = partial(make, **(fixed or {}))
    found = operations or of_optimizer(parameters(make))
    compiled = {
        name: not branches(made, {rate: 0.1, **keywords(**{each: USUAL[each] for each in OPTIONS[name]})})
        for name, keywords in found.items()
    }

    def operation(name: str, keywords: Callable[..., Keywords]) -> Callable[..., Array]:
        return driven(name, lambda **options: driven_by(made, rate, compiled=compiled[name], **keywords(**options)))

    return SimpleNamespace(**more, **{name: operation(name, keywords) for name, keywords in found.items()})


def branches(make: Make, numbers: Keywords) -> bool:
    """Whether the factory branches on its numbers, as by `if weight_decay:`, so that they cannot be compiled in."""

    def first_step(numbers: dict[str, Any], theta: jax.Array) -> Any:
        made = make(**numbers)
        return made.update(theta, made.init(theta), theta)

    try:
        jax.eval_shape(first_step, numbers, jax.ShapeDtypeStruct((2,), np.float32))
    except jax.errors.ConcretizationTypeError:
        return True
    return False


def driven_by(make: Make, rate_name: str = RATE[0], *, compiled: bool = True, **options: float) -> Optimizer[State]:
    """The optimizer of that factory and options."""
    begin, go_on = (initial, _step) if compiled else (initial.__wrapped__, _step.__wrapped__)

    def init(theta: Any) -> State:
        return theta, begin(make, {rate_name: 0.0, **options}, theta)

    def step(state: State, gradient: Array, rate: float) -> State:
        parameters, own = state
        new: State = go_on(make, {rate_name: rate, **options}, gradient, own, parameters)
        return new

    def restored(state: State) -> State:
        """A new state with the leaves of the old one, which went to NumPy and back."""
        parameters, own = state
        _, new = init(parameters)
        return parameters, jax.tree.unflatten(
            jax.tree.structure(new), [np.array(leaf) for leaf in jax.tree.leaves(own)]
        )

    return Optimizer(init, step, lambda state: state[0], restored)


@partial(jax.jit, static_argnums=0)
def initial(make: Make, options: dict[str, float], parameters: jax.Array) -> Any:
    return make(**options).init(parameters)


@partial(jax.jit, static_argnums=0)
def update(make: Make, options: dict[str, float], gradient: jax.Array, state: Any) -> tuple[jax.Array, Any]:
    averages: Any
    averages, state = make(**options).update(gradient, state)
    return averages, state


@partial(jax.jit, static_argnums=0)
def _step(
    make: Make, options: dict[str, float], gradient: jax.Array, state: Any, parameters: jax.Array
) -> tuple[jax.Array, Any]:
    updates, state = make(**options).update(gradient, state, parameters)
    moved: Any = optax.apply_updates(parameters, updates)
    return moved, state


def schedule(make: Callable[..., optax.Schedule], operations: Operations, **more: Any) -> SimpleNamespace:
    """A target: the operations by `make(…)`, a function of the epoch; `initial` is among the options of each."""

    def operation(keywords: Callable[..., Keywords]) -> Callable[..., Array]:
        return lambda epoch, **options: rates(make(**keywords(**options)), epoch)

    return SimpleNamespace(**more, **{name: operation(keywords) for name, keywords in operations.items()})


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A factory of optimizers or of schedules; None for whatever else."""
    factory: Any = found
    there = parameters(factory)
    about = {"description": f"Optax {optax.__version__}"}
    if not callable(found) or inspect.isclass(found):
        return None
    rate = next((name for name in RATE if name in there), "")
    if rate and isinstance(_made(factory, {rate: 0.1, **given}), optax.GradientTransformation):
        operations = of_optimizer(there, getattr(factory, "__name__", name.partition(":")[2]), given)
        fixed = settled(there, given, operations)
        lines = (f"taken for an optimizer: {', '.join(operations)}", *told(fixed))
        return optimizer(factory, operations, fixed=fixed, rate=rate, recognised=lines, **about)
    if over := over_steps(factory, there, given, about):
        return over
    start = next((name for name in INITIAL if name in there), "")
    if start and pick(there, "rate"):
        return _schedule(factory, start, there, given, about)
    return None


def _made(factory: Callable[..., Any], given: Keywords) -> Any:
    try:
        return factory(**given)
    except Exception:
        return None


def _schedule(
    found: Callable[..., Any], start: str, there: Mapping[str, inspect.Parameter], given: Keywords, about: Keywords
) -> SimpleNamespace:
    rate, every, stairs = (pick(there, word) for word in ("rate", "every", "staircase"))
    if not every:
        raise Unrecognised(f"its parameters are {', '.join(there)}; expected an initial rate, a factor, and its steps")
    more = {name: 0 for name, each in there.items() if each.default is inspect.Parameter.empty}

    def each(**options: Any) -> Keywords:
        own = {start: options["initial"], rate: options["rate"], every: int(options.get("every", 1))}
        return {**{name: value for name, value in more.items() if name not in own}, **given, **own}

    operations: dict[str, Callable[..., Keywords]] = {"exponential_decay": each}
    if stairs:
        operations["staircase_decay"] = lambda **options: {**each(**options), stairs: True}
    lines = (f"taken for a schedule: {', '.join(operations)}", *told(given))
    return schedule(found, operations, recognised=lines, **about)
