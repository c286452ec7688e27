"""What a layer of PyTorch is recognised as: batch norm, by what it remembers and what it does to a few batches."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import nn

from nnlaws.native import names
from nnlaws.native.names import Keywords, Parameters, Unrecognised, pick, raised, switched_off, told
from nnlaws.native.probed import ALSO, MODERATE, PROBE, SMALL, STATE, WEIGHT, acting, averages
from nnlaws.native.ranks import RANKS
from nnlaws.native.torch.batch_norm import Factory, batch_norm
from nnlaws.native.torch.compiled import always_compiled
from nnlaws.native.torch.state import tensors, within

UNSCALED = (("gamma", 1.0), ("beta", 0.0))
"""What a layer without γ, or without β, is as good as."""


class Numbers(NamedTuple):
    """What ε and the momentum are called: as parameters of the class, or else as attributes beside the averages."""

    eps: str
    momentum: str
    eps_set: str = ""
    momentum_set: str = ""


class Tried(NamedTuple):
    """What makes a layer, and of how many features it is made to see what it is."""

    factory: Factory
    n: int

    def made(self, eps: float, momentum: float) -> nn.Module:
        return self.factory(self.n, eps=eps, momentum=momentum)


def recognised(
    kind: Callable[..., nn.Module], there: Parameters, given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """The target that a class of batch norm, or a function that makes it, is. Raises Unrecognised."""
    return _told(partial(_recognised, kind, there, PROBE, given, settings, about))


def is_made(module: nn.Module) -> bool:
    """Whether it is itself a layer that keeps averages; a network that has such a layer is none."""
    names = {name.removeprefix("_orig_mod.") for name in tensors(module)}
    return all(names & {word, *ALSO[word]} for word in STATE[2:])


def recognised_as_made(
    layer: nn.Module, given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """The target that one layer is, of its own number of features. Its γ, β and averages are set by the laws; whatever
    else it is stays. Raises Unrecognised.
    """
    if hasattr(layer, "_orig_mod"):
        raise Unrecognised("it was compiled as one layer: give a function that makes it, with --as batch_norm")
    if given:
        raise Unrecognised(f"{', '.join(given)}: a layer that was made already takes no keywords; give its class")
    state = _state(layer, 0)
    n = tensors(layer)[state[2]].numel()

    def kind(n: int) -> nn.Module:
        made = copy.deepcopy(layer)
        with torch.no_grad():
            _fill(made, state, (1.0, 0.0, 0.0, 1.0))
            for counter in made.buffers():
                if not counter.is_floating_point():  # of batches seen
                    counter.zero_()
        return made

    made = _told(partial(_recognised, kind, {}, n, {}, settings, about))
    made.fixed = {**made.fixed, "n": n}
    made.recognised += ("one layer, as it was made: its features are as many as it has",)
    return made


def _told(recognise: Callable[[], SimpleNamespace]) -> SimpleNamespace:
    try:
        return recognise()
    except Unrecognised:
        raise
    except Exception as error:  # a layer may refuse what it is tried on
        raise Unrecognised(f"tried on a few batches, it {raised(error)}") from error


def _recognised(
    kind: Callable[..., nn.Module],
    there: Parameters,
    n: int,
    given: Keywords,
    settings: Mapping[str, str],
    about: Keywords,
) -> SimpleNamespace:
    eps, momentum = pick(there, "eps"), pick(there, "bn_momentum")
    names.left_to_laws(given, {eps, momentum} - {""})
    fixed = {**switched_off({name: each for name, each in there.items() if name != momentum}, given), **given}
    plain = _factory(kind, fixed, Numbers(eps, momentum))
    probe = _made(Tried(plain, n))
    state = _state(probe, n)
    owner = within(probe, state[2].rpartition(".")[0])
    numbers = Numbers(
        *(eps, momentum),
        "" if eps else next((name for name in names.NAMES["eps"] if _is_number(owner, name)), ""),
        "" if momentum else next((name for name in names.NAMES["bn_momentum"] if _is_number(owner, name)), ""),
    )
    factory = _factory(kind, fixed, numbers, state[2].rpartition(".")[0])
    tried = Tried(factory, n)
    ranks = _ranks(probe, n, settings.get("input", ""))
    if not _over_the_batch(tried, ranks[0]):
        raise Unrecognised("it normalises each sample by itself, as instance norm does, and not the batch")
    weight = _weight_of_new(tried, ranks[0], state, WEIGHT)
    acts = abs(_weight_of_new(tried, ranks[0], state, WEIGHT / 2) - weight) > 0.01
    settable = bool(momentum) or (bool(numbers.momentum_set) and acts) or abs(weight - 0.5) < 0.01  # or cumulative
    lines = [
        f"taken for batch norm of input of {_or(ranks)} axes, {averages(weight)}" if settable else
        f"taken for batch norm of input of {_or(ranks)} axes",
        *told(fixed),
    ]  # fmt: skip
    written: Keywords = {word: value for name, (word, value) in zip(state, UNSCALED, strict=False) if not name}
    if not eps and not _eps_acts(tried, ranks[0], state):
        written["eps"] = _acting(tried, ranks[0], state)
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
    if not all(name and learnt[name].requires_grad for name in state[:2]):
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


def _made(tried: Tried) -> nn.Module:
    try:
        return tried.made(SMALL, WEIGHT)
    except Exception as error:
        raise Unrecognised(f"made of {tried.n} features, it {raised(error)}") from None


def _state(probe: nn.Module, n: int) -> tuple[str, ...]:
    """The names of γ, β, mean and variance: what has one number a feature, under one of the names of each. n: the
    number of features; 0 where it is not known.
    """
    there = tensors(probe)
    vectors = {
        name.rpartition(".")[2]: name  # a compiled layer, or one in a container, calls them something.running_mean
        for name, value in there.items()
        if n == 0 or (value.numel() == n and n in value.shape)
    }
    found = [next((name for name in (word, *ALSO[word]) if name in vectors), "") for word in STATE]
    if not all(found):
        found = _by_values({name: there[path] for name, path in vectors.items()}, found)
    has = ", ".join(there) or "nothing"
    if not all(found[2:]):
        raise Unrecognised(f"it keeps no running_mean and running_var of {n or 'its'} features, but {has}")
    others = [name for word, name in vectors.items() if word not in found and there[name].requires_grad]
    if not all(found[:2]) and others:
        raise Unrecognised(f"it has no weight and bias of {n or 'its'} features, but {has}")
    return tuple(vectors.get(name, "") for name in found)


def _by_values(vectors: Mapping[str, torch.Tensor], found: list[str]) -> list[str]:
    """The same, with what goes by another name: of what is learnt, and of what is not, the one that starts from 1 and
    the one that starts from 0, where there is one of each.
    """
    left = {name: value for name, value in vectors.items() if name not in found}
    for number, (learnt, start) in enumerate(((True, 1.0), (True, 0.0), (False, 0.0), (False, 1.0))):
        alike = [name for name, value in left.items() if value.requires_grad == learnt and bool((value == start).all())]
        if not found[number] and len(alike) == 1:
            found[number] = alike[0]
    return found


def _fill(module: nn.Module, state: tuple[str, ...], values: tuple[float, ...]) -> None:
    """Sets what it has of γ, β, mean and variance."""
    there = tensors(module)
    with torch.no_grad():
        for name, value in zip(state, values, strict=True):
            if name:
                there[name].fill_(value)


def _is_number(owner: nn.Module, name: str) -> bool:
    value = getattr(owner, name, None)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _batch(n: int, rank: int, value: float) -> torch.Tensor:
    return torch.full((5, n, *(2,) * (rank - 2)), value)


def _ranks(probe: nn.Module, n: int, wanted: str) -> tuple[int, ...]:
    """The numbers of axes of what it takes."""
    found: list[int] = []
    reasons: list[str] = []
    for rank in (int(wanted[0]),) if wanted else RANKS:
        try:
            out = probe.train()(torch.randn_like(_batch(n, rank, 0.0)))
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


def _over_the_batch(tried: Tried, rank: int) -> bool:
    """Whether the samples of a batch stay apart: where each is normalised by itself, all have the mean 0."""
    if rank == 2:
        return True
    levels = torch.arange(5.0).reshape(5, *(1,) * (rank - 1))
    x = levels + torch.randn(_batch(tried.n, rank, 0.0).shape, generator=torch.Generator().manual_seed(0)) / 8
    out = _made(tried).train()(x)
    return bool(out.flatten(2).mean(dim=2).abs().max() > 0.1)


def _weight_of_new(tried: Tried, rank: int, state: tuple[str, ...], momentum: float) -> float:
    """The weight of the second batch in the average of two; the first may have been taken as it is."""
    layer = tried.made(SMALL, momentum).to(torch.float64).train()
    averages: list[float] = []
    for value in (4.0, 8.0):
        layer(_batch(tried.n, rank, value).to(tensors(layer)[state[2]].dtype))
        averages.append(float(tensors(layer)[state[2]].mean()))
    return (averages[1] - averages[0]) / (8.0 - averages[0]) if averages[0] != 8.0 else float("nan")


def _inferred(tried: Tried, rank: int, state: tuple[str, ...], eps: float, var: float) -> float:
    """What 1 is normalised to at inference, of mean 0 and that variance, in float64."""
    layer = tried.made(eps, WEIGHT).to(torch.float64)
    there = tensors(layer)
    with torch.no_grad():
        _fill(layer, state, (1.0, 0.0, 0.0, var))
        return float(layer.eval()(_batch(tried.n, rank, 1.0).to(there[state[2]].dtype)).mean())


def _eps_acts(tried: Tried, rank: int, state: tuple[str, ...]) -> bool:
    """Whether the ε that is set is the one that it is normalised with."""
    return _inferred(tried, rank, state, SMALL, 0.0) != _inferred(tried, rank, state, MODERATE, 0.0)


def _acting(tried: Tried, rank: int, state: tuple[str, ...]) -> float:
    """The ε that is written into it. Raises Unrecognised where there is none."""
    return acting(lambda var: _inferred(tried, rank, state, SMALL, var))


def _or(ranks: tuple[int, ...]) -> str:
    return " or ".join(map(str, ranks))


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise Unrecognised(f"--params {name} is no dtype of PyTorch; expected one, as in float32")
    return found
