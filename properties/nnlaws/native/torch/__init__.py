"""PyTorch's layers, optimizers, schedules and losses as targets; and what an object of PyTorch is recognised as.

nnlaws.check(nnlaws.torch.batch_norm(timm.layers.BatchNormAct2d, input="4d"))
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from nnlaws.native import names
from nnlaws.native.driver import none_zero
from nnlaws.native.functions import recognise as function
from nnlaws.native.names import Keywords, Unrecognised, parameters, pick, raised, told
from nnlaws.native.torch import layers
from nnlaws.native.torch.batch_norm import batch_norm
from nnlaws.native.torch.compiled import always_compiled, exported_for
from nnlaws.native.torch.functions import kit, loss, rows
from nnlaws.native.torch.optimizers import optimizer
from nnlaws.native.torch.phases import phases
from nnlaws.native.torch.schedules import over_steps, schedule

__all__ = ["batch_norm", "loss", "optimizer", "recognise", "rows", "schedule"]

SETTINGS = ("as", "input", "device", "params", "wrap")


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """What `found` is, as a target; None where it is nothing of PyTorch. given: keywords for its class. settings: `as`,
    `input`, `device`. Raises Unrecognised.
    """
    kind, about = settings.get("as", ""), {"description": f"PyTorch {torch.__version__}"}
    _works(settings.get("device", "cpu"))
    factory: Any = found
    if inspect.isclass(found) and issubclass(found, optim.Optimizer):
        return _optimizer(found, given, settings, about)
    if callable(found) and not inspect.isclass(found) and _makes_optimizers(found, given):
        return _optimizer(found, given, settings, about)
    if inspect.isclass(found) and issubclass(found, lr_scheduler.LRScheduler):
        return _schedule(found, given, about)
    if isinstance(found, nn.Module) and layers.is_made(found):
        return layers.recognised_as_made(found, given, settings, about)
    if inspect.isclass(found) and issubclass(found, nn.Module):
        return _module(found, parameters(found), given, settings, about)
    if callable(found) and not inspect.isclass(found):
        if kind == "batch_norm":
            return layers.recognised(factory, parameters(factory), given, settings, about)
        return _function(found, given, settings, about)
    return None


def _works(device: str) -> None:
    """Raises Unrecognised where PyTorch has no such device here."""
    try:
        torch.zeros(1, device=device)
    except Exception as error:
        raise Unrecognised(f"--device {device}: a tensor there {raised(error)}") from None


def _as_it_was_made(module: nn.Module) -> None:
    """Raises Unrecognised where a loss was made with what makes something else of it."""
    own = {name: getattr(module, name, None) for name in names.OTHERWISE}
    names.only_what_there_is(
        {name: True for name, value in own.items() if isinstance(value, torch.Tensor) or _is_above_0(value)}
    )


def _is_above_0(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 0


def _function(
    found: Callable[..., Any], given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """A function of tensors, or a module that was made already."""
    if isinstance(found, nn.Module):
        _as_it_was_made(found)
    dtype = exported_for(found)
    about = about if dtype is None else {**about, "dtypes": (str(dtype).removeprefix("torch."),)}
    call = always_compiled(partial(found, **given) if given else found)
    made = function(kit(settings.get("device", "cpu")), call, settings.get("as", ""), about)
    if dtype is not None:
        made.recognised += (f"judged in {str(dtype).removeprefix('torch.')} alone, which it was exported for",)
    return made


def _optimizer(
    kind: Callable[..., Any], given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    there = _with_defaults(kind, parameters(kind), given)
    operations = names.of_optimizer(there, getattr(kind, "__name__", ""), given)
    fixed = names.settled(there, given, operations)
    rate = pick(there, "learning_rate")
    needed = {rate: 1.0} if rate else {}  # set anew at each step; some scale their decay by the one they are made with
    return optimizer(
        kind,
        operations,
        fixed={**needed, **fixed},
        device=settings.get("device", "cpu"),
        positive=none_zero(partial(kind, [torch.nn.Parameter(torch.zeros(2))]), operations, {**needed, **fixed}),
        recognised=(f"taken for an optimizer: {', '.join(operations)}", *told(fixed)),
        **about,
    )


def _with_defaults(kind: Callable[..., Any], there: names.Parameters, given: Keywords) -> names.Parameters:
    """The parameters of a class; of one that takes whatever there is, those that its groups have."""
    if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in there.values()):
        return there
    with suppress(Exception):
        usual: dict[str, Any] = kind([torch.nn.Parameter(torch.zeros(2))], **given).defaults
        only = inspect.Parameter.KEYWORD_ONLY
        return {**{name: inspect.Parameter(name, only, default=value) for name, value in usual.items()}, **there}
    return there


def _makes_optimizers(found: Callable[..., Any], given: Keywords) -> bool:
    """Whether a function makes an optimizer of a list of parameters."""
    there = parameters(found)
    rate = pick(there, "learning_rate")
    if not rate and not isinstance(found, partial):
        return False
    with suppress(Exception):
        made = found([torch.nn.Parameter(torch.zeros(2))], **({rate: 0.1} if rate else {}), **given)
        return isinstance(made, optim.Optimizer) or (hasattr(made, "set_hyper") and hasattr(made, "step"))
    return False


def _schedule(kind: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    there = parameters(kind)
    if found := over_steps(kind, given, **about) or phases(kind, given, **about):
        return found
    rate, every = pick(there, "rate"), pick(there, "every")
    operations: dict[str, Callable[..., Keywords]] = {}
    if rate and every:
        operations["staircase_decay"] = lambda rate, every: {
            pick(there, "rate"): rate,
            pick(there, "every"): int(every),
        }
    elif rate:
        operations["exponential_decay"] = lambda rate: {pick(there, "rate"): rate}
    else:
        raise Unrecognised(f"its parameters are {', '.join(there)}; expected gamma, and step_size for stairs")
    names.left_to_laws(given, {rate, every} - {""})
    known = {"optimizer", "self", rate, every, *given}
    needed = [name for name, each in there.items() if each.default is inspect.Parameter.empty and name not in known]
    if needed or "milestones" in there:
        raise Unrecognised(f"it needs {', '.join(needed) or 'milestones'} as well: it is no schedule of a factor alone")
    whole = {name: partial(_with, each, given) for name, each in operations.items()}
    return schedule(kind, whole, recognised=(f"taken for a schedule: {', '.join(operations)}", *told(given)), **about)


def _with(keywords: Callable[..., Keywords], given: Keywords, **options: Any) -> Keywords:
    return {**given, **keywords(**options)}


def _module(
    kind: Callable[..., nn.Module],
    there: names.Parameters,
    given: Keywords,
    settings: Mapping[str, str],
    about: Keywords,
) -> SimpleNamespace:
    """A layer with running averages is batch norm; one of logits by rows is softmax or its logarithm; of logits and
    targets, a loss.
    """
    wanted = settings.get("as", "")
    if wanted in ("", "batch_norm"):
        try:
            return layers.recognised(kind, there, given, settings, about)
        except Unrecognised as reason:
            if wanted:
                raise
            why = str(reason)
    else:
        why = ""
    fixed = {**names.switched_off(there, given), **given}
    try:
        module = kind(**fixed)
    except Exception as error:
        raise Unrecognised(why or f"made without arguments it raised {type(error).__name__}: {error}") from None
    made = function(kit(settings.get("device", "cpu")), module, wanted, about, why)
    made.recognised += told(fixed)
    return made
