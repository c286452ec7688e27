"""MLX: layers, optimizers, schedules, losses and functions as they are, called as the operations."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import mlx.core as mx
import numpy as np
from mlx import nn
from mlx import optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten
from nnlaws_reference.dtypes import Array

from nnlaws.native import driver, functions, layers
from nnlaws.native.driver import OPTIONS, USUAL, Optimizer, joined, none_zero, parts
from nnlaws.native.functions import Kit
from nnlaws.native.names import (
    Keywords,
    Unrecognised,
    of_optimizer,
    parameters,
    pick,
    raised,
    settled,
    told,
    without_an_option,
)

SETTINGS = ("as", "input")
DTYPES = ("float32", "float16", "bfloat16")
WIDE = ("float64",) if mx.default_device() == mx.Device(mx.cpu) else ()  # a GPU of Apple's has none
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
State = tuple[dict[str, Any], Any]
"""The parameters, and the optimizer."""


def tensor(x: Array) -> Any:
    """A copy, of the same dtype: of float64 MLX would make float32. It takes no negative strides."""
    whole = np.array(x, order="C")
    return mx.array(whole, dtype=mx.float64) if x.dtype == np.float64 else mx.array(whole)


def array(x: Any) -> Array:
    """A copy, of the same dtype."""
    return np.array(x.view(mx.uint16)).view(BFLOAT16) if x.dtype == mx.bfloat16 else np.array(x)


def _gradient(function: Callable[..., Any], z: Array) -> Array:
    return array(mx.grad(function)(tensor(z)))


KIT = Kit("MLX", tensor, array, lambda x: isinstance(x, mx.array), _gradient, mx.mean, mx.sum)


def _forward(layer: Any, x: Any, training: bool) -> Any:
    return layer.train(training)(x)


def _pull(layer: Any, x: Any, dout: Any, names: Sequence[str]) -> Sequence[Any]:
    kept = _kept(layer)

    def forward(x: Any, *learnt: Any) -> Any:
        _put(layer, dict(zip(names, learnt, strict=True)))
        return layer.train()(x)

    found: Sequence[Any] = mx.vjp(forward, [x, *(kept[name] for name in names)], [dout])[1]
    return found


def _kept(layer: Any) -> dict[str, Any]:
    return dict(tree_flatten(layer.parameters()))


def _put(layer: Any, values: Mapping[str, Any]) -> None:
    layer.update(tree_unflatten(list(values.items())))


LIBRARY = layers.Library(tensor, array, _kept, _put, _forward, _pull, features=-1)


def optimizer(
    kind: Callable[..., Any],
    operations: Mapping[str, Callable[..., Keywords]] | None = None,
    *,
    fixed: Keywords | None = None,
    **more: Any,
) -> SimpleNamespace:
    """A target: the operations by `kind(learning_rate=…, …)`; operations, fixed, more: see `nnlaws.torch.optimizer`."""

    found = operations or of_optimizer(parameters(kind))
    return SimpleNamespace(**more, **driver.each(partial(driven_by, kind), found, fixed))


def driven_by(kind: Callable[..., Any], **options: Any) -> Optimizer[State]:
    """The optimizer of that class and options."""

    def init(theta: Array) -> State:
        return _named(theta), kind(learning_rate=0.1, **options)

    def restored(state: State) -> State:
        """A new optimizer, with the state that the old one saved; what is not in it, as β₁, is given again."""
        theta, old = state
        new = kind(learning_rate=0.2, **options)
        new.state = tree_unflatten(list(_saved(dict(tree_flatten(old.state))).items()))
        return _saved(theta), new

    return Optimizer(init, _step, lambda state: joined([array(part) for part in state[0].values()]), restored)


def _named(vector: Array) -> dict[str, Any]:
    return {f"part{number}": tensor(part) for number, part in enumerate(parts(vector))}


def _step(state: State, gradient: Array, rate: float) -> State:
    """The rate is given as it is usually, but for float64: of a float the optimizer makes float32."""
    theta, made = state
    made.learning_rate = mx.array(rate, mx.float64) if gradient.dtype == np.float64 else rate
    theta = made.apply_gradients(_named(gradient), theta)
    mx.eval(theta, made.state)
    return theta, made


def _saved(values: Mapping[str, Any]) -> dict[str, Any]:
    """What comes back from a file: safetensors has no float64, and NumPy's format no bfloat16."""
    file = BytesIO()
    wide = any(value.dtype == mx.float64 for value in values.values())
    if wide:
        mx.savez(file, **values)
    else:
        mx.save_safetensors(file, values)
    file.seek(0)
    found: dict[str, Any] = mx.load(file, format="npz" if wide else "safetensors")
    return {name: found[name] for name in values}


def rates(made: Callable[[Any], Any], epoch: Array) -> Array:
    """As an optimizer asks for them: of its number of steps, an array of one whole number."""
    found = [float(made(mx.array(int(each), mx.uint64))) for each in epoch]
    return np.array(found).astype(epoch.dtype)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer, schedule or loss of MLX, or a function of its arrays; None for whatever else."""
    kind, about = settings.get("as", ""), {"description": f"MLX {mx.__version__} on {mx.default_device()}"}
    narrow_too = {**about, "dtypes": (*DTYPES, *WIDE)}
    if inspect.isclass(found):
        if issubclass(found, optim.Optimizer):
            return _optimizer(found, given, narrow_too)
        return _module(found, given, settings, narrow_too) if issubclass(found, nn.Module) else None
    if not callable(found):
        return None
    if isinstance(found, nn.Module) and any(each.endswith("running_mean") for each in _kept(found)):
        raise Unrecognised("it is one layer of one number of features; give its class, or a function that makes it")
    if kind == "batch_norm":
        return layers.recognised(LIBRARY, found, given, narrow_too, input=settings.get("input", ""))
    there = parameters(found)
    if "learning_rate" in there and _makes_optimizers(found, given):
        return _optimizer(found, given, narrow_too)
    if "init" in there:
        return _schedule(found, given, about)
    return functions.recognise(KIT, partial(found, **given) if given else found, kind, narrow_too)


def _module(
    kind: Callable[..., Any], given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace | None:
    wanted, why = settings.get("as", ""), ""
    if wanted in ("", "batch_norm"):
        try:
            return layers.recognised(LIBRARY, kind, given, about, input=settings.get("input", ""))
        except Unrecognised as reason:
            if wanted:
                raise
            why = str(reason)
    try:
        made = kind(**given)
    except Exception as error:
        raise Unrecognised(why or f"made without other arguments, it {raised(error)}") from None
    return functions.recognise(KIT, made, wanted, about, why)


def _makes_optimizers(found: Callable[..., Any], given: Keywords) -> bool:
    try:
        return isinstance(found(learning_rate=0.1, **given), optim.Optimizer)
    except Exception:
        return False


def _optimizer(kind: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    there = parameters(kind)
    operations = of_optimizer(there, getattr(kind, "__name__", ""), given)
    fixed = settled(there, given, operations)
    name, keywords = next(iter(operations.items()))
    try:
        kind(learning_rate=0.1, **{**fixed, **keywords(**{option: USUAL[option] for option in OPTIONS[name]})})
    except Exception as error:
        raise Unrecognised(f"made with a learning rate, it {raised(error)}") from None
    lines = (f"taken for an optimizer: {', '.join(operations)}", *told(fixed))
    made = optimizer(
        kind,
        operations,
        fixed=fixed,
        positive=none_zero(lambda **options: kind(learning_rate=0.1, **{**fixed, **options}), operations),
        recognised=(*lines, *("in float64 its rate is given as an array of float64" for _ in WIDE)),
        **about,
    )
    if alone := without_an_option(there, operations):
        made.fixed = alone
    return made


def _schedule(make: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    """A function that makes one, of its first rate, a factor, and the steps of a stair."""
    there = parameters(make)
    rate, every = pick(there, "rate"), pick(there, "every")
    own = {"init", rate, every, *given}
    needed = [name for name, each in there.items() if each.default is inspect.Parameter.empty and name not in own]
    if not rate or needed:
        raise Unrecognised(
            f"its parameters are {', '.join(there)}; expected init and decay_rate, and step_size for stairs"
        )

    def run(epoch: Array, *, initial: float, rate: float, every: float = 1) -> Array:
        stairs = {pick(there, "every"): int(every)} if pick(there, "every") else {}
        return rates(make(**{"init": initial, pick(there, "rate"): rate, **stairs, **given}), epoch)

    operation = "staircase_decay" if every else "exponential_decay"
    lines = (f"taken for a schedule: {operation}", *told(given))
    return SimpleNamespace(**about, dtypes=DTYPES, recognised=lines, **{operation: run})
