"""PyTorch's layers, optimizers, schedules and losses as targets; and what an object of PyTorch is recognised as.

nnlaws.check(nnlaws.torch.batch_norm(timm.layers.BatchNormAct2d, input="4d"))
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from nnlaws.native import names
from nnlaws.native.functions import recognise as function
from nnlaws.native.names import Keywords, Unrecognised, parameters, pick, switched_off, told
from nnlaws.native.torch.batch_norm import STATE, batch_norm
from nnlaws.native.torch.compiled import always_compiled, exported_for
from nnlaws.native.torch.functions import kit, loss, rows
from nnlaws.native.torch.optimizers import optimizer
from nnlaws.native.torch.schedules import schedule

__all__ = ["batch_norm", "loss", "optimizer", "recognise", "rows", "schedule"]

SETTINGS = ("as", "input", "device", "params", "wrap")
RANKS = (2, 4, 3, 5)
PROBE = 3  # features of the layer that is made to see what it is


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """What `found` is, as a target; None where it is nothing of PyTorch. given: keywords for its class. settings: `as`,
    `input`, `device`. Raises Unrecognised.
    """
    kind, about = settings.get("as", ""), {"description": f"PyTorch {torch.__version__}"}
    factory: Any = found
    if inspect.isclass(found) and issubclass(found, optim.Optimizer):
        return _optimizer(found, given, settings, about)
    if inspect.isclass(found) and issubclass(found, lr_scheduler.LRScheduler):
        return _schedule(found, given, about)
    if isinstance(found, nn.Module) and {"running_mean", "_orig_mod.running_mean"} & dict(found.named_buffers()).keys():
        raise Unrecognised("it is one layer of one number of features; give its class, or a function that makes it")
    if inspect.isclass(found) and issubclass(found, nn.Module):
        return _module(found, parameters(found), given, settings, about)
    if callable(found) and not inspect.isclass(found):
        if kind == "batch_norm":
            return _batch_norm(factory, parameters(factory), given, settings, about)
        return _function(found, given, settings, about)
    return None


def _function(
    found: Callable[..., Any], given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """A function of tensors, or a module that was made already."""
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
    there = parameters(kind)
    operations = names.of_optimizer(there)
    fixed = names.settled(there, given, operations)
    rate = pick(there, "learning_rate")
    needed = {rate: 0.1} if rate and there[rate].default is inspect.Parameter.empty else {}  # set anew at each step
    return optimizer(
        kind,
        operations,
        fixed={**needed, **fixed},
        device=settings.get("device", "cpu"),
        recognised=(f"taken for an optimizer: {', '.join(operations)}", *told(fixed)),
        **about,
    )


def _schedule(kind: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace:
    there = parameters(kind)
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
            return _batch_norm(kind, there, given, settings, about)
        except Unrecognised as reason:
            if wanted:
                raise
            why = str(reason)
    else:
        why = ""
    try:
        module = kind(**given)
    except Exception as error:
        raise Unrecognised(f"{why}; and made without arguments it raised {type(error).__name__}: {error}") from None
    return function(kit(settings.get("device", "cpu")), module, wanted, about, why)


def _batch_norm(
    kind: Callable[..., nn.Module],
    there: names.Parameters,
    given: Keywords,
    settings: Mapping[str, str],
    about: Keywords,
) -> SimpleNamespace:
    eps, momentum = pick(there, "eps"), pick(there, "bn_momentum")
    names.left_to_laws(given, {eps, momentum} - {""})
    fixed = {**switched_off({name: each for name, each in there.items() if name != momentum}, given), **given}

    def factory(n: int, **numbers: Any) -> nn.Module:
        ours = {eps: numbers["eps"], momentum: numbers["momentum"]}
        return kind(n, **{**{name: value for name, value in ours.items() if name}, **fixed})

    try:
        probe = factory(PROBE, eps=1e-5, momentum=0.25)
    except Exception as error:
        raise Unrecognised(f"made of {PROBE} features, it raised {type(error).__name__}: {error}") from None
    state = dict([*probe.named_parameters(), *probe.named_buffers()])
    # a compiled layer, or one in a container, calls them something.running_mean
    vectors = {name.rpartition(".")[2]: name for name, value in state.items() if value.shape == (PROBE,)}
    if not {*STATE[2:]} <= vectors.keys():
        raise Unrecognised(
            f"it keeps no running_mean and running_var of {PROBE} features, but {', '.join(state) or 'nothing'}"
        )
    if not {*STATE[:2]} <= vectors.keys():
        raise Unrecognised(f"it has no weight and bias of {PROBE} features, but {', '.join(state)}")
    rank = _rank(probe, settings.get("input", ""))
    took = f"taken for batch norm of input of {rank} axes, its momentum the weight of the"
    sense = _momentum_of(factory, rank, vectors["running_mean"])
    if not eps and not isinstance(getattr(probe, "eps", None), float):
        raise Unrecognised("its ε is not known: it has no parameter eps, and no attribute of that name")
    fixed_eps: Keywords = {} if eps else {"fixed": {"eps": probe.eps}}
    lacking = (
        () if momentum else ("without a momentum to set, batch_norm_train and batch_norm_running are not offered",)
    )
    params, wrap = settings.get("params", ""), settings.get("wrap", "")
    told_too = [f"its parameters and averages in {params}"] * bool(params) + [f"called through {wrap}"] * bool(wrap)
    wrapper: Callable[..., Any] = names.found(wrap) if wrap else always_compiled
    made = batch_norm(
        factory,
        input=f"{rank}d",
        params=_dtype(params) if params else None,
        wrap=wrapper,
        device=settings.get("device", "cpu"),
        momentum_of=sense,
        state=[vectors[name] for name in STATE],
        recognised=(f"{took} {sense}", *told(fixed), *told_too, *lacking),
        insisted=True,
        **fixed_eps,
        **about,
    )
    if not momentum:
        del made.batch_norm_train, made.batch_norm_running
    return made


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise Unrecognised(f"--params {name} is no dtype of PyTorch; expected one, as in float32")
    return found


def _rank(probe: nn.Module, wanted: str) -> int:
    """The number of axes of what it takes."""
    ranks = (int(wanted[0]),) if wanted else RANKS
    told: list[str] = []
    for rank in ranks:
        try:
            out = probe.train()(torch.randn((5, PROBE, *(2,) * (rank - 2))))
        except Exception as error:
            told.append(f"{rank} axes: {type(error).__name__}")
            continue
        if isinstance(out, torch.Tensor) and out.ndim == rank:
            return rank
        told.append(f"{rank} axes: a result of another shape")
    raise Unrecognised(f"it takes no input that was tried ({'; '.join(told)})")


def _momentum_of(factory: Callable[..., nn.Module], rank: int, average: str) -> str:
    """Whether its momentum is the weight of the new statistics: which way the average goes from 0."""
    layer = factory(PROBE, eps=1e-5, momentum=0.25).train()
    layer(torch.full((5, PROBE, *(2,) * (rank - 2)), 4.0))
    return "new" if float(dict(layer.named_buffers())[average].mean()) < 2.0 else "old"
