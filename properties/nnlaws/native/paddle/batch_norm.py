"""Batch norm of Paddle, of any rank: a layer as its library makes it, called as the four operations."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import paddle
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import (
    Keywords,
    Parameters,
    Unrecognised,
    left_to_laws,
    parameters,
    pick,
    raised,
    switched_off,
    told,
)
from nnlaws.native.paddle.arrays import array, tensor
from nnlaws.native.probed import ALSO, PROBE, WEIGHT
from nnlaws.native.ranks import RANKS, matrix, places


def batch_norm(
    factory: Callable[..., Any],
    *,
    ranks: Sequence[int],
    state: Sequence[str],
    channels_last: bool = False,
    momentum_of: str = "old",
    **declared: Any,
) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(n, eps, momentum)`, a layer of n features, made anew for each
    call.

    ranks: the numbers of axes of what it takes, each by turns. state: the names of γ, β, mean and variance.
    momentum_of: whether its momentum is the weight of the old statistics or of the new. declared: description, dtypes.
    """

    def layer(like: Array, decay: float, eps: float, *values: Array) -> Any:
        """In training, its first variables set to those given."""
        made = factory(like.shape[-1], eps, decay if momentum_of == "old" else 1 - decay)
        made.to(dtype=like.dtype.name)
        made.train()
        for name, value in zip(state, values, strict=False):
            variable = getattr(made, name)
            variable.set_value(tensor(value.reshape(variable.shape)))
        return made

    def given(x: Array) -> Any:
        return tensor(places(x, ranks[len(x) % len(ranks)], channels_last))

    def rows(x: Any) -> Array:
        return np.array(matrix(array(x), channels_last))

    def averages(made: Any) -> tuple[Array, Array]:
        mean, var = (array(getattr(made, name)).reshape(-1) for name in state[2:])
        return mean, var

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        made = layer(z, 0.0, eps, gamma, beta)
        return rows(made(given(z))), *averages(made)

    def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        made, x = layer(z, 0.5, eps, gamma), given(z)
        x.stop_gradient = False
        learnt = [getattr(made, name) for name in state[:2]]
        made(x).backward(given(dout))
        return rows(x.grad), array(learnt[0].grad).reshape(-1), array(learnt[1].grad).reshape(-1)

    def running(batches: Array, *, decay: float) -> tuple[Array, Array]:
        made = layer(batches, decay, 1e-5)
        for batch in batches:
            made(given(batch))
        return averages(made)

    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        """Of every other number of samples by the second call: the first is to leave the averages as they are."""
        made = layer(z, 0.5, eps, gamma, beta, mean, var)
        made.eval()
        for _ in range(len(z) % 2):
            made(given(z))
        return rows(made(given(z)))

    return SimpleNamespace(
        **declared,
        batch_norm_train=train,
        batch_norm_backward=backward,
        batch_norm_running=running,
        batch_norm_inference=inference,
    )


def recognised(
    kind: Callable[..., Any], given: Keywords, settings: Mapping[str, str], about: Keywords
) -> SimpleNamespace:
    """The target that a class of batch norm, or a function that makes it, is. Raises Unrecognised."""
    there = parameters(kind)
    eps, momentum = pick(there, "eps"), pick(there, "bn_momentum")
    if not eps or not momentum:
        absent = " and ".join(word for word, name in (("epsilon", eps), ("momentum", momentum)) if not name)
        raise Unrecognised(f"its parameters are {', '.join(there)}; of batch norm's it has no {absent}")
    left_to_laws(given, {eps, momentum})
    fixed = {**switched_off({name: each for name, each in there.items() if name != momentum}, given), **given}
    last = str(_value(there, fixed, "data_format", "data_layout")).endswith("C")

    def factory(n: int, eps_: float, momentum_: float) -> Any:
        return kind(n, **{eps: eps_, momentum: momentum_}, **fixed)

    try:
        probe = factory(PROBE, 1e-5, WEIGHT)
        state = _state(probe)
        ranks = _ranks(probe, settings.get("input", ""), last)
        make = partial(batch_norm, factory, ranks=ranks, state=state, channels_last=last)
        weight = _weight_of_new(make())
        if ranks[-1] > 2 and not _over_the_batch(probe, ranks[-1], last):
            raise Unrecognised("it normalises each sample by itself, as instance norm does, and not the batch")
    except Unrecognised:
        raise
    except Exception as error:  # a layer may refuse what it is tried on
        raise Unrecognised(f"made of {PROBE} features, and tried on a few batches, it {raised(error)}") from None
    sense = next((word for word, want in (("old", 1 - WEIGHT), ("new", WEIGHT)) if abs(weight - want) < 0.01), "")
    how = f"its {momentum} the weight of the {sense}" if sense else (
        f"the second batch with a weight of {weight:.3g} where its {momentum} is {WEIGHT}"
    )  # fmt: skip
    lines = (f"taken for batch norm of input of {' or '.join(map(str, ranks))} axes, {how}", *told(fixed))
    made = make(momentum_of=sense or "old", insisted=True, **about)
    if any(getattr(probe, name).stop_gradient for name in state[:2]):
        lines += ("without gradients of γ and β, batch_norm_backward cannot be judged",)
        del made.batch_norm_backward
    made.recognised = lines
    return made


def _value(there: Parameters, fixed: Keywords, *words: str) -> Any:
    """What a parameter is, by the first of its names."""
    return next((fixed.get(name, there[name].default) for name in words if name in there), "")


def features(layer: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of what a layer itself keeps, by name."""
    own = [*layer.named_parameters(include_sublayers=False), *layer.named_buffers(include_sublayers=False)]
    return {name: tuple(value.shape) for name, value in own}


def has_averages(layer: Any) -> bool:
    """Whether it keeps a mean and a variance, as a layer of batch norm does."""
    there = features(layer)
    return all(any(name in there for name in (word, *ALSO[word])) for word in ("running_mean", "running_var"))


def _state(probe: Any) -> tuple[str, ...]:
    """The names of γ, β, mean and variance: what has one number a feature, under one of the names of each."""
    there = features(probe)
    vectors = [name for name, shape in there.items() if PROBE in shape and np.prod(shape) == PROBE]
    found = {word: next((name for name in (word, *also) if name in vectors), "") for word, also in ALSO.items()}
    if absent := [word for word, name in found.items() if not name]:
        raise Unrecognised(
            f"it has no {' and '.join(absent)} of {PROBE} features, but {', '.join(there) or 'nothing'}; expected γ, β "
            "and the running averages"
        )
    return tuple(found.values())


def _ranks(probe: Any, wanted: str, channels_last: bool) -> tuple[int, ...]:
    """The numbers of axes of what it takes."""
    found: list[int] = []
    reasons: list[str] = []
    x = np.random.default_rng(0).standard_normal((40, PROBE)).astype(np.float32)
    for rank in (int(wanted[0]),) if wanted else RANKS:
        batch = places(x, rank, channels_last)
        try:
            out = probe(tensor(batch))
        except Exception as error:
            reasons.append(f"{rank} axes: {raised(error)}")
            continue
        if isinstance(out, paddle.Tensor) and tuple(out.shape) == batch.shape:
            found.append(rank)
        else:
            reasons.append(f"{rank} axes: a result of another shape")
    if not found:
        raise Unrecognised(f"it takes no input that was tried ({'; '.join(reasons)})")
    return tuple(found)


def _over_the_batch(probe: Any, rank: int, channels_last: bool) -> bool:
    """Whether the samples of a batch stay apart: where each is normalised by itself, all have the mean 0."""
    noise = np.random.default_rng(0).standard_normal((40, PROBE)).astype(np.float32) / 8
    samples = len(places(noise, rank, channels_last))
    levels = np.repeat(np.arange(samples, dtype=np.float32), 40 // samples)[:, None]
    out = matrix(array(probe(tensor(places(noise + levels, rank, channels_last)))), channels_last)
    return bool(np.abs(out.reshape(samples, -1, PROBE).mean(axis=1)).max() > 0.1)


def _weight_of_new(target: SimpleNamespace) -> float:
    """The weight of the second batch in the average of two; the first may have been taken as it is."""
    batches = np.array([4.0, 8.0])[:, None, None] * np.ones((2, 40, PROBE))
    first, second = (float(target.batch_norm_running(batches[:many], decay=WEIGHT)[0].mean()) for many in (1, 2))
    return (second - first) / (8.0 - first) if first != 8.0 else float("nan")
