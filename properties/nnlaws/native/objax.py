"""Objax on JAX, under jit: batch norm, optimizers, and functions and losses of logits."""

import inspect
import io
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import objax
from nnlaws_reference.dtypes import Array

from nnlaws.native import driver, functions, jitted
from nnlaws.native.driver import OPTIONS, USUAL, Optimizer, parts
from nnlaws.native.jax import KIT
from nnlaws.native.kept import kept
from nnlaws.native.names import Keywords, Unrecognised, of_optimizer, parameters, raised, settled, told
from nnlaws.native.ranks import RANKS, matrix, places

try:
    from jax import enable_x64
except ImportError:  # JAX before 0.8
    from jax.experimental import enable_x64

VARIABLES = ("gamma", "beta", "running_mean", "running_var")
NEEDED = ("momentum", "eps")
DTYPES = ("float32", "float64")
"""What Objax makes its variables of: float32, unless JAX has 64 bits switched on."""
Numbers = tuple[tuple[str, Any], ...]
"""Keywords of an optimizer."""


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, an optimizer, a function or a loss of Objax; None for whatever else."""
    version = f"Objax {objax.__version__} on JAX {jax.__version__}"
    if inspect.isclass(found):
        if not issubclass(found, objax.Module):
            return None
        if next(iter(parameters(found)), "") == "vc" and "grads" in parameters(found.__call__):
            return _optimizer(found, given, {"description": version, "dtypes": DTYPES})
        return jitted.recognised(found, found, given, NEEDED, probe, partial(batch_norm, dtypes=DTYPES), version)
    root = str(getattr(found, "__module__", "")).partition(".")[0]
    if root != "objax" or not callable(found):
        return None
    about = {"description": version}
    return functions.recognise(KIT, partial(found, **given) if given else found, settings.get("as", ""), about)


def batch_norm(factory: Callable[..., Any], **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(n, eps=…, momentum=…)`, called with `training`, whose variables
    are gamma, beta, running_mean and running_var, in the input's dtype. Its momentum is the weight of the old
    statistics, as decay is. declared: description, dtypes, conventions.
    """
    rank = _rank(factory)

    def made(z: Any, eps: Any, momentum: Any, *values: Any) -> Any:
        """Its first variables set to those given."""
        layer = factory(z.shape[-1], eps=eps, momentum=momentum)
        for variable in layer.vars():
            variable.assign(variable.value.astype(z.dtype), check=False)
        for each, value in zip(VARIABLES, values, strict=False):
            variable = getattr(layer, each)
            variable.assign(value.astype(z.dtype).reshape(variable.value.shape), check=False)
        return layer

    def start(z: Any) -> Any:
        return _values(made(z, 1e-5, 0.5))

    def train(z: Any, gamma: Any, beta: Any, state: Any, eps: Any, decay: Any) -> tuple[Any, Any]:
        layer = made(z, eps, decay, gamma, beta)
        for key, variable in layer.vars().items():
            if not isinstance(variable, objax.TrainVar):
                variable.assign(state[key], check=False)
        out = matrix(layer(places(z, rank), training=True))
        return out, _values(layer)

    def averages(state: Any, decay: Any) -> tuple[Any, Any]:
        mean, var = (_named(state, each).reshape(-1) for each in VARIABLES[2:])
        return mean, var

    def at_0(state: Any) -> Any:
        """With 1 for the variance, 1 + (variance - 1) would be read for the variance of the batch."""
        kept = tuple(f".{each}" for each in VARIABLES[2:])
        return {key: 0 * value if key.endswith(kept) else value for key, value in state.items()}

    def infer(z: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: Any) -> Any:
        return matrix(made(z, eps, 0.5, gamma, beta, mean, var)(places(z, rank), training=False))

    return jitted.batch_norm(jitted.Layer(start, train, averages, infer, at_0), **declared)


def _values(layer: Any) -> dict[str, Any]:
    return {key: variable.value for key, variable in layer.vars().items()}


def _named(state: Mapping[str, Any], name: str) -> Any:
    (found,) = (value for key, value in state.items() if key.endswith(f".{name}"))
    return found


def _rank(factory: Callable[..., Any]) -> int:
    """The number of axes of what it takes. Raises Unrecognised."""
    z = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    reasons: list[str] = []
    for rank in RANKS:
        layer = factory(3, eps=1e-5, momentum=0.5)
        was = {key: value.shape for key, value in _values(layer).items()}
        try:
            out = layer(jnp.asarray(places(z, rank)), training=True)
        except Exception as error:
            reasons.append(f"{rank} axes: {raised(error)}")
            continue
        if out.ndim == rank and was == {key: value.shape for key, value in _values(layer).items()}:
            return rank
        reasons.append(f"{rank} axes: results or averages of another shape")
    raise Unrecognised(f"it takes no input that was tried ({'; '.join(reasons)})")


def probe(factory: Callable[..., Any]) -> None:
    """Raises Unrecognised where it makes no layer of that kind; and what it raises itself."""
    layer = factory(3, eps=1e-5, momentum=0.5)
    if absent := [each for each in VARIABLES if getattr(layer, each, None) is None]:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected a layer with {', '.join(VARIABLES)}")


def _optimizer(kind: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    there = parameters(kind)
    operations = of_optimizer(there)
    fixed = settled(there, given, operations)

    made = driver.each(lambda **options: driven_by(kind, options), operations, fixed)
    name = next(iter(made))
    try:
        one = np.ones((1, 1), np.float32)
        made[name](one[0], one, learning_rate=0.1, **{each: USUAL[each] for each in OPTIONS[name]})
    except Exception as error:
        raise Unrecognised(f"tried on one step, with JAX {jax.__version__}, it {raised(error)}") from None
    lines = (f"taken for an optimizer: {', '.join(operations)}", *told(fixed))
    return SimpleNamespace(**about, recognised=lines, **made)


class _Driven:
    """An optimizer and the parameters that it steps, compiled, as they are when made."""

    def __init__(self, kind: Callable[..., Any], shapes: tuple[tuple[int, ...], ...], wide: bool, numbers: Numbers):
        dtype = jnp.float64 if wide else jnp.float32
        own = {f"theta{i}": objax.TrainVar(jnp.zeros(shape, dtype)) for i, shape in enumerate(shapes)}
        self.parameters = objax.VarCollection(own)
        optimizer = kind(self.parameters, **dict(numbers))
        self.whole = self.parameters + optimizer.vars()
        self.step = objax.Jit(optimizer, self.whole)
        self._first = [variable.value for variable in self.whole]

    def reset(self) -> None:
        """As if new: all that an optimizer keeps is in its variables."""
        for variable, value in zip(self.whole, self._first, strict=True):
            variable.assign(value, check=False)


_made = kept(256)(_Driven)  # compiling a step takes longer than many of them


def driven_by(kind: Callable[..., Any], options: Mapping[str, Any]) -> Optimizer[_Driven]:
    """The optimizer of that class and options. 64 bits are switched on for float64 alone: where they are on, what it
    computes of Python's numbers would be float64 beside float32 parameters too, as few users have it.
    """

    def init(theta: Array) -> _Driven:
        wide, values = theta.dtype == np.float64, parts(theta)
        with enable_x64(wide):
            made = _made(kind, tuple(value.shape for value in values), wide, tuple(options.items()))
            made.reset()
            for variable, value in zip(made.parameters, values, strict=True):
                variable.assign(jnp.asarray(value), check=False)
        return made

    def step(state: _Driven, gradient: Array, rate: float) -> _Driven:
        with enable_x64(gradient.dtype == np.float64):
            state.step(lr=rate, grads=[jnp.asarray(part) for part in parts(gradient)])
        return state

    def read(state: _Driven) -> Array:
        return np.concatenate([np.asarray(variable.value).reshape(-1) for variable in state.parameters])

    def restored(state: _Driven) -> _Driven:
        """As if new, with the variables that were saved."""
        file = io.BytesIO()
        objax.io.save_var_collection(file, state.whole)
        file.seek(0)
        with enable_x64(next(iter(state.parameters)).value.dtype == np.float64):
            state.reset()
            objax.io.load_var_collection(file, state.whole)
        return state

    return Optimizer(init, step, read, restored)
