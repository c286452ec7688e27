"""Batch norm of libraries whose layers are made in no time: anew for each call, so that nothing is left of the last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, Parameters, Unrecognised, left_to_laws, parameters, pick, raised, told
from nnlaws.native.probed import ALSO, PROBE, SMALL, WEIGHT
from nnlaws.native.ranks import RANKS, matrix, places

Factory = Callable[..., Any]
"""Makes a layer of n features, by position."""


class Library(NamedTuple):
    """How layers are used.

    tensor, array: of NumPy's arrays, and back. state(layer): what it keeps, by name. put(layer, tensors): in its place.
    forward(layer, x, training): its output. pull(layer, x, dout, names): by the library's own derivative, the gradients
    of x and of what is named, in training. features: the axis of the features, 1 or -1. ranks: the numbers of axes that
    are tried.
    """

    tensor: Callable[[Array], Any]
    array: Callable[[Any], Array]
    state: Callable[[Any], Mapping[str, Any]]
    put: Callable[[Any, Mapping[str, Any]], None]
    forward: Callable[[Any, Any, bool], Any]
    pull: Callable[[Any, Any, Any, Sequence[str]], Sequence[Any]]
    features: int
    ranks: tuple[int, ...] = RANKS


@dataclass(frozen=True)
class BatchNorm:
    """The operations by `factory(n)`, whose ε and momentum are called so; input of one of the ranks, by turns."""

    library: Library
    factory: Factory
    eps: str
    momentum: str
    names: tuple[str, ...]
    ranks: tuple[int, ...] = (2,)
    momentum_of: str = "new"

    def train(self, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """Of an odd number of samples the output is that of a call with averages that stay: it may not hang on them."""
        layer = self.made(z, 0.0, eps, weight=gamma, bias=beta)
        out = self.call(layer, z, training=True)
        averages = self.averages(layer, z)
        if len(z) % 2:
            out = self.call(self.made(z, 0.5, eps, weight=gamma, bias=beta), z, training=True)
        return out, *averages

    def backward(self, dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, ...]:
        layer = self.made(z, 0.5, eps, weight=gamma)
        x, weights = (self.library.tensor(self._places(each)) for each in (z, dout))
        dz, dgamma, dbeta = map(self.library.array, self.library.pull(layer, x, weights, self.names[:2]))
        return self._matrix(dz), dgamma.reshape(-1), dbeta.reshape(-1)

    def running(self, batches: Array, *, decay: float) -> tuple[Array, Array]:
        layer = self.made(batches, decay, SMALL)
        for batch in batches:
            self.call(layer, batch, training=True)
        return self.averages(layer, batches)

    def inference(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        """Of every other number of samples by the second call: the first is to leave the averages as they are."""
        layer = self.made(z, 0.5, eps, weight=gamma, bias=beta, running_mean=mean, running_var=var)
        for _ in range(len(z) % 2):
            self.call(layer, z, training=False)
        return self.call(layer, z, training=False)

    def made(self, like: Array, decay: float, eps: float, **given: Array) -> Any:
        """A layer of as many features, with this state, and all of it of that dtype."""
        momentum = 1 - decay if self.momentum_of == "new" else decay
        layer = self.factory(like.shape[-1], **{self.eps: eps, self.momentum: momentum})
        kept = self.library.state(layer)
        start = {name: self.library.array(kept[name]) for name in self.names}
        ours = {theirs: given[own] for own, theirs in zip(ALSO, self.names, strict=True) if own in given}
        whole = {name: ours.get(name, value).astype(like.dtype).reshape(value.shape) for name, value in start.items()}
        self.library.put(layer, {name: self.library.tensor(value) for name, value in whole.items()})
        return layer

    def call(self, layer: Any, z: Array, *, training: bool) -> Array:
        given = self.library.tensor(self._places(z))
        return self._matrix(self.library.array(self.library.forward(layer, given, training)))

    def averages(self, layer: Any, like: Array) -> tuple[Array, Array]:
        kept = self.library.state(layer)
        mean, var = (self.library.array(kept[name]).astype(like.dtype).reshape(-1) for name in self.names[2:])
        return mean, var

    def _places(self, x: Array) -> Array:
        rank = self.ranks[len(x) % len(self.ranks)]
        return np.ascontiguousarray(places(x, rank, self.library.features == -1))

    def _matrix(self, x: Array) -> Array:
        whole: Array = matrix(x, self.library.features == -1)
        return whole


def recognised(
    library: Library, kind: Factory, given: Keywords, about: Keywords, there: Parameters | None = None, input: str = ""
) -> SimpleNamespace:
    """The target that a class of batch norm, or a function that makes it, is. there: its parameters. input: the rank
    that it is said to take. Raises Unrecognised.
    """
    there = parameters(kind) if there is None else there
    eps, momentum = pick(there, "eps"), pick(there, "bn_momentum")
    if lacking := [word for word, name in (("eps", eps), ("momentum", momentum)) if not name]:
        words = ", ".join(there) or "not known"
        raise Unrecognised(f"its parameters are {words}; of batch norm's it has no {', '.join(lacking)}")
    left_to_laws(given, {eps, momentum})
    factory: Factory = partial(kind, **given) if given else kind
    try:
        layer = factory(PROBE, **{eps: SMALL, momentum: WEIGHT})
    except Exception as error:
        raise Unrecognised(f"made of {PROBE} features, it {raised(error)}") from None
    names = _names(library.state(layer))
    try:
        return _recognised(BatchNorm(library, factory, eps, momentum, names), given, about, input)
    except Unrecognised:
        raise
    except Exception as error:  # a layer may refuse what it is tried on
        raise Unrecognised(f"tried on a few batches, it {raised(error)}") from error


def _recognised(plain: BatchNorm, given: Keywords, about: Keywords, input: str) -> SimpleNamespace:
    ranks = _ranks(plain, (int(input[0]),) if input else plain.library.ranks)
    if not _over_the_batch(plain, next((rank for rank in ranks if rank > 2), 2)):
        raise Unrecognised("it normalises each sample by itself, as instance norm does, and not the batch")
    weight = _weight_of_new(plain, ranks[0])
    senses = {"new": abs(weight - WEIGHT) < 0.01, "old": abs(weight - (1 - WEIGHT)) < 0.01}
    sense = next((each for each, it_is in senses.items() if it_is), "")
    averages = f"its {plain.momentum} the weight of the {sense}" if sense else (
        f"the second batch with a weight of {weight:.3g} where its {plain.momentum} is {WEIGHT}"
    )  # fmt: skip
    layer = BatchNorm(plain.library, plain.factory, plain.eps, plain.momentum, plain.names, ranks, sense or "new")
    axes = " or ".join(map(str, sorted(ranks)))
    return SimpleNamespace(
        **about,
        insisted=True,
        positive=() if _can_be_made(plain, 0.0) else ("eps",),
        recognised=(f"taken for batch norm of input of {axes} axes, {averages}", *told(given)),
        batch_norm_train=layer.train,
        batch_norm_backward=layer.backward,
        batch_norm_running=layer.running,
        batch_norm_inference=layer.inference,
    )


def _names(kept: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of γ, β, mean and variance: what has one number a feature, under one of the names of each."""
    vectors = {
        name.rpartition(".")[2]: name  # in a container, something.running_mean
        for name, value in kept.items()
        if PROBE in value.shape and int(np.prod(value.shape)) == PROBE
    }
    found = {own: next((name for name in (own, *also) if name in vectors), "") for own, also in ALSO.items()}
    if lacking := [own for own, name in found.items() if not name]:
        raise Unrecognised(f"it keeps no {', '.join(lacking)} of {PROBE} features, but {', '.join(kept) or 'nothing'}")
    return tuple(vectors[name] for name in found.values())


def _can_be_made(plain: BatchNorm, eps: float) -> bool:
    try:
        plain.factory(PROBE, **{plain.eps: eps, plain.momentum: WEIGHT})
    except Exception:
        return False
    return True


def _ranks(plain: BatchNorm, wanted: Sequence[int]) -> tuple[int, ...]:
    """The numbers of axes of what it takes. Raises Unrecognised where it takes none of those wanted."""
    found: list[int] = []
    reasons: list[str] = []
    for rank in wanted:
        try:
            out = _normalised(plain, _batch(plain, rank))
        except Exception as error:
            reasons.append(f"{rank} axes: {type(error).__name__}")
            continue
        if out.ndim == rank:
            found.append(rank)
    if not found:
        raise Unrecognised(f"it takes no input that was tried ({'; '.join(reasons) or 'results of another shape'})")
    return tuple(found)


def _batch(plain: BatchNorm, rank: int) -> Array:
    """Samples of levels 0 to 4, and a little noise."""
    levels = np.arange(5.0).reshape(5, *(1,) * (rank - 1))
    x = levels + np.random.default_rng(0).standard_normal((5, *(2,) * (rank - 2), PROBE)) / 8
    return np.ascontiguousarray(np.moveaxis(x, -1, plain.library.features), np.float32)


def _normalised(plain: BatchNorm, x: Array) -> Array:
    layer = plain.made(np.zeros((1, PROBE), np.float32), 0.5, SMALL)
    return plain.library.array(plain.library.forward(layer, plain.library.tensor(x), True))


def _over_the_batch(plain: BatchNorm, rank: int) -> bool:
    """Whether the samples of a batch stay apart: where each is normalised by itself, all have the mean 0."""
    out = _normalised(plain, _batch(plain, rank))
    return bool(np.abs(out.reshape(len(out), -1).mean(axis=1)).max() > 0.1)


def _weight_of_new(plain: BatchNorm, rank: int) -> float:
    """The weight of the second batch in the average of two; the first may have been taken as it is."""
    layer = plain.factory(PROBE, **{plain.eps: SMALL, plain.momentum: WEIGHT})
    means: list[float] = []
    for value in (4.0, 8.0):
        batch = np.full_like(_batch(plain, rank), value)
        plain.library.array(plain.library.forward(layer, plain.library.tensor(batch), True))
        means.append(float(plain.library.array(plain.library.state(layer)[plain.names[2]]).mean()))
    return (means[1] - means[0]) / (8.0 - means[0]) if means[0] != 8.0 else float("nan")
