"""What a layer of PyTorch is recognised as: batch norm, by what it remembers and what it does to a few batches."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import nn

from nnlaws.native import names
from nnlaws.native.names import Keywords, Parameters, Unrecognised, pick, raised, switched_off, told
from nnlaws.native.probed import MODERATE, PROBE, SMALL, STATE, WEIGHT, acting, averages, calls
from nnlaws.native.torch.batch_norm import Factory, batch_norm
from nnlaws.native.torch.compiled import always_compiled
from nnlaws.native.torch.state import tensors, within

RANKS = (2, 4, 3, 5)


class Numbers(NamedTuple):
    """What ε and the momentum are called: as parameters of the class, or else as attributes beside the averages."""

    eps: str
    momentum: str
    eps_set: str = ""
    momentum_set: str = ""


def recognised(
    kind: Callable[..., nn.Module], there: Parameters, given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """The target that a class of batch norm, or a function that makes it, is. Raises Unrecognised."""
    try:
        return _recognised(kind, there, given, settings, about)
    except Unrecognised:
        raise
    except Exception as error:  # a layer may refuse what it is tried on
        raise Unrecognised(f"tried on a few batches, it {raised(error)}") from error


def _recognised(
    kind: Callable[..., nn.Module], there: Parameters, given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    eps, momentum = pick(there, "eps"), pick(there, "bn_momentum")
    names.left_to_laws(given, {eps, momentum} - {""})
    fixed = {**switched_off({name: each for name, each in there.items() if name != momentum}, given), **given}
    plain = _factory(kind, fixed, Numbers(eps, momentum))
    probe = _made(plain)
    state = _state(probe)
    owner = within(probe, state[2].rpartition(".")[0])
    numbers = Numbers(
        *(eps, momentum),
        "" if eps else next((name for name in names.NAMES["eps"] if _is_number(owner, name)), ""),
        "" if momentum else next((name for name in names.NAMES["bn_momentum"] if _is_number(owner, name)), ""),
    )
    factory = _factory(kind, fixed, numbers, state[2].rpartition(".")[0])
    ranks = _ranks(probe, settings.get("input", ""))
    if not _over_the_batch(factory, ranks[0]):
        raise Unrecognised("it normalises each sample by itself, as instance norm does, and not the batch")
    weight = _weight_of_new(factory, ranks[0], state, WEIGHT)
    acts = abs(_weight_of_new(factory, ranks[0], state, WEIGHT / 2) - weight) > 0.01
    settable = bool(momentum) or (bool(numbers.momentum_set) and acts) or abs(weight - 0.5) < 0.01  # or cumulative
    lines = [
        f"taken for batch norm of input of {_or(ranks)} axes, {averages(weight)}" if settable else
        f"taken for batch norm of input of {_or(ranks)} axes",
        *told(fixed),
    ]  # fmt: skip
    written: Keywords = {}
    if not eps and not _eps_acts(factory, ranks[0], state):
        written["eps"] = _acting(factory, ranks[0], state)
    decay = round(1 - weight, 3)
    if not settable and 0 < decay < 1 and abs(1 - weight - decay) < 1e-9:
        written["batch_norm_running.decay"] = decay
    params, wrap = settings.get("params", ""), settings.get("wrap", "")
    lines += [f"its parameters and averages in {params}"] * bool(params) + [f"called through {wrap}"] * bool(wrap)
    made = batch_norm(
        factory,
        input=[f"{rank}d" for rank in ranks],
        params=_dtype(params) if params else None,
        wrap=names.found(wrap) if wrap else always_compiled,
        device=settings.get("device", "cpu"),
        momentum_of="old" if abs(weight - (1 - WEIGHT)) < 0.01 else "new",
        state=state,
        insisted=True,
        fixed=written,
        **about,
    )
    if not settable:
        running = "" if "batch_norm_running.decay" in written else " and batch_norm_running"
        lines.append(f"without a momentum to set, batch_norm_train{running} cannot be judged")
        del made.batch_norm_train
        if running:
            del made.batch_norm_running
    learnt = tensors(probe)
    if not all(learnt[name].requires_grad for name in state[:2]):
        lines.append("without gradients of γ and β, batch_norm_backward cannot be judged")
        del made.batch_norm_backward
    made.recognised = tuple(lines)
    return made


def _factory(kind: Callable[..., nn.Module], fixed: Keywords, numbers: Numbers, owner: str = "") -> Factory:
    """Makes a layer of n features with that ε and that momentum."""

    def factory(n: int, *, eps: float, momentum: float) -> nn.Module:
        ours = {numbers.eps: eps, numbers.momentum: momentum}
        layer = kind(n, **{name: value for name, value in ours.items() if name}, **fixed)
        for name, value in ((numbers.eps_set, eps), (numbers.momentum_set, momentum)):
            if name:
                setattr(within(layer, owner), name, value)
        return layer

    return factory


def _made(factory: Factory) -> nn.Module:
    try:
        return factory(PROBE, eps=SMALL, momentum=WEIGHT)
    except Exception as error:
        raise Unrecognised(f"made of {PROBE} features, it {raised(error)}") from None


def _state(probe: nn.Module) -> tuple[str, ...]:
    """The names of γ, β, mean and variance: what has one number a feature, under one of the names of each."""
    there = tensors(probe)
    vectors = {
        name.rpartition(".")[2]: name  # a compiled layer, or one in a container, calls them something.running_mean
        for name, value in there.items()
        if value.numel() == PROBE and PROBE in value.shape
    }
    found = [next((name for name in (word, *calls(word)) if name in vectors), "") for word in STATE]
    has = ", ".join(there) or "nothing"
    if not all(found[2:]):
        raise Unrecognised(f"it keeps no running_mean and running_var of {PROBE} features, but {has}")
    if not all(found[:2]):
        raise Unrecognised(f"it has no weight and bias of {PROBE} features, but {has}")
    return tuple(vectors[name] for name in found)


def _is_number(owner: nn.Module, name: str) -> bool:
    value = getattr(owner, name, None)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _batch(rank: int, value: float) -> torch.Tensor:
    return torch.full((5, PROBE, *(2,) * (rank - 2)), value)


def _ranks(probe: nn.Module, wanted: str) -> tuple[int, ...]:
    """The numbers of axes of what it takes."""
    found: list[int] = []
    reasons: list[str] = []
    for rank in (int(wanted[0]),) if wanted else RANKS:
        try:
            out = probe.train()(torch.randn_like(_batch(rank, 0.0)))
        except Exception as error:
            reasons.append(f"{rank} axes: {type(error).__name__}")
            continue
        if isinstance(out, torch.Tensor) and out.ndim == rank:
            found.append(rank)
        else:
            reasons.append(f"{rank} axes: a result of another shape")
    if not found:
        raise Unrecognised(f"it takes no input that was tried ({'; '.join(reasons)})")
    return tuple(found)


def _over_the_batch(factory: Factory, rank: int) -> bool:
    """Whether the samples of a batch stay apart: where each is normalised by itself, all have the mean 0."""
    if rank == 2:
        return True
    levels = torch.arange(5.0).reshape(5, *(1,) * (rank - 1))
    x = levels + torch.randn(_batch(rank, 0.0).shape, generator=torch.Generator().manual_seed(0)) / 8
    out = _made(factory).train()(x)
    return bool(out.flatten(2).mean(dim=2).abs().max() > 0.1)


def _weight_of_new(factory: Factory, rank: int, state: tuple[str, ...], momentum: float) -> float:
    """The weight of the second batch in the average of two; the first may have been taken as it is."""
    layer = factory(PROBE, eps=SMALL, momentum=momentum).to(torch.float64).train()
    averages: list[float] = []
    for value in (4.0, 8.0):
        layer(_batch(rank, value).to(tensors(layer)[state[2]].dtype))
        averages.append(float(tensors(layer)[state[2]].mean()))
    return (averages[1] - averages[0]) / (8.0 - averages[0]) if averages[0] != 8.0 else float("nan")


def _inferred(factory: Factory, rank: int, state: tuple[str, ...], eps: float, var: float) -> float:
    """What 1 is normalised to at inference, of mean 0 and that variance, in float64."""
    layer = factory(PROBE, eps=eps, momentum=WEIGHT).to(torch.float64)
    there = tensors(layer)
    with torch.no_grad():
        for name, value in zip(state, (1.0, 0.0, 0.0, var), strict=True):
            there[name].fill_(value)
        return float(layer.eval()(_batch(rank, 1.0).to(there[state[2]].dtype)).mean())


def _eps_acts(factory: Factory, rank: int, state: tuple[str, ...]) -> bool:
    """Whether the ε that is set is the one that it is normalised with."""
    return _inferred(factory, rank, state, SMALL, 0.0) != _inferred(factory, rank, state, MODERATE, 0.0)


def _acting(factory: Factory, rank: int, state: tuple[str, ...]) -> float:
    """The ε that is written into it. Raises Unrecognised where there is none."""
    return acting(lambda var: _inferred(factory, rank, state, SMALL, var))


def _or(ranks: tuple[int, ...]) -> str:
    return " or ".join(map(str, ranks))


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise Unrecognised(f"--params {name} is no dtype of PyTorch; expected one, as in float32")
    return found
