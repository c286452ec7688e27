"""tinygrad: batch norm, optimizers, losses and functions as they are, called as the operations."""

import inspect
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from tinygrad import Context, Device, Tensor
from tinygrad.nn import optim
from tinygrad.nn.state import get_state_dict, load_state_dict

from nnlaws.native import driver, functions, layers
from nnlaws.native.driver import Optimizer, joined, none_zero, parts
from nnlaws.native.functions import Kit
from nnlaws.native.names import Keywords, Unrecognised, of_optimizer, parameters, pick, raised, settled, told

SETTINGS = ("as", "input")
DTYPES = ("float32", "float64", "float16")
"""Its bfloat16 comes back to NumPy as float32."""
OF_STATE = ("float32", "float16")
"""Of an optimizer, which keeps float32 whatever its parameters are."""
_ONE = threading.RLock()  # whether it is training is one switch of the process


def tensor(x: Array) -> Any:
    """A copy, of the same dtype."""
    return Tensor(np.array(x, order="C")).realize()


def array(x: Any) -> Array:
    return np.array(x.numpy())


def _gradient(function: Callable[..., Any], z: Array) -> Array:
    logits = tensor(z)
    function(logits).backward()
    return array(logits.grad)


KIT = Kit("tinygrad", tensor, array, lambda x: isinstance(x, Tensor), _gradient)


def _put(layer: Any, values: Mapping[str, Any]) -> None:
    kept = get_state_dict(layer)
    for name, value in values.items():
        kept[name].replace(value)


def _forward(layer: Any, x: Any, training: bool) -> Any:
    with _ONE, Context(TRAINING=int(training)):
        return layer(x).realize(*get_state_dict(layer).values())


def _pull(layer: Any, x: Any, dout: Any, names: Sequence[str]) -> Sequence[Any]:
    learnt = [get_state_dict(layer)[name] for name in names]
    with _ONE, Context(TRAINING=1):
        (layer(x) * dout).sum().backward()
        return [each.grad for each in (x, *learnt)]


LIBRARY = layers.Library(tensor, array, get_state_dict, _put, _forward, _pull, features=1, ranks=(2, 4))


def optimizer(
    make: Callable[..., Any],
    operations: Mapping[str, Callable[..., Keywords]] | None = None,
    *,
    fixed: Keywords | None = None,
    **more: Any,
) -> SimpleNamespace:
    """A target: the operations by `make(parameters, lr=…)`; operations, fixed, more: see `nnlaws.torch.optimizer`."""

    found = driver.each(partial(driven_by, make), operations or of_optimizer(parameters(make)), fixed)
    return SimpleNamespace(**more, **{name: _alone(operation) for name, operation in found.items()})


def _alone(operation: Callable[..., Array]) -> Callable[..., Array]:
    """One call at a time."""

    @wraps(operation)
    def run(*arguments: Any, **options: Any) -> Array:
        with _ONE, Context(TRAINING=1):
            return operation(*arguments, **options)

    return run


def driven_by(make: Callable[..., Any], **options: Any) -> Optimizer[Any]:
    """The optimizer of that factory and options; its parameters are among what it keeps, and is saved."""

    def init(theta: Array) -> Any:
        return make([tensor(part) for part in parts(theta)], lr=0.1, **options)

    def restored(made: Any) -> Any:
        new = make([Tensor.zeros(*each.shape, dtype=each.dtype).realize() for each in made.params], lr=0.2, **options)
        saved = {name: tensor(array(value)) for name, value in get_state_dict(made).items()}
        load_state_dict(new, saved, verbose=False)
        return new

    return Optimizer(init, _step, lambda made: joined([array(each) for each in made.params]), restored)


def _step(made: Any, gradient: Array, rate: float) -> Any:
    made.lr.assign(Tensor([rate], dtype=made.lr.dtype)).realize()
    for parameter, part in zip(made.params, parts(gradient), strict=True):
        parameter.grad = tensor(part)
    made.step()
    return made


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer or loss of tinygrad, or a function of its tensors; None for whatever else."""
    there, kind = parameters(found), settings.get("as", "")
    if not callable(found):
        return None
    if inspect.isclass(found) and not issubclass(found, optim.Optimizer) and not _may_be_batch_norm(found, there):
        return None
    about: Keywords = {"description": f"tinygrad on {_device()}"}
    if pick(there, "learning_rate") == "lr" and _makes_optimizers(found, given):
        return _optimizer(found, given, {**about, "dtypes": OF_STATE})
    about["dtypes"] = DTYPES
    if inspect.isclass(found) or kind == "batch_norm":
        return layers.recognised(LIBRARY, found, given, about, input=settings.get("input", ""))
    if not inspect.isroutine(found) and hasattr(found, "running_mean"):
        raise Unrecognised("it is one layer of one number of features; give its class, or a function that makes it")
    whole = partial(found, **given) if given else found
    return functions.recognise(KIT, whole, kind, about)


def _device() -> str:
    """The device that tensors are on. Raises Unrecognised where none works."""
    try:
        (Tensor([1.0]).realize() + time.time() % 1).numpy()  # a number that no cache has: it is compiled
        return str(Device.DEFAULT)
    except Exception as error:
        raise Unrecognised(
            f"tinygrad has no device that works: adding two numbers {raised(error)}. On a CPU it needs clang; with "
            "DEV=PYTHON in the environment it needs nothing"
        ) from None


def _may_be_batch_norm(found: Any, there: Mapping[str, Any]) -> bool:
    """There is no class of which all layers are."""
    own = str(getattr(found, "__module__", "")).partition(".")[0] == "tinygrad"
    return own or bool(pick(there, "eps") and pick(there, "bn_momentum"))


def _makes_optimizers(found: Callable[..., Any], given: Keywords) -> bool:
    try:
        return isinstance(found([Tensor.zeros(2)], lr=0.1, **given), optim.Optimizer)
    except Exception:
        return False


def _optimizer(make: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    there = parameters(make)
    operations = of_optimizer(there)
    fixed = settled(there, given, operations)
    return optimizer(
        make,
        operations,
        fixed=fixed,
        positive=none_zero(lambda **options: make([Tensor.zeros(2)], lr=0.1, **{**fixed, **options}), operations),
        recognised=(
            f"taken for an optimizer: {', '.join(operations)}",
            *told(fixed),
            f"judged in {' and '.join(OF_STATE)}: it keeps float32, whatever its parameters are",
        ),
        **about,
    )
