"""Batch norm of PyTorch, of any rank: a layer as its library makes it, called as the four operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from nnlaws_reference.dtypes import Array
from torch import nn

from nnlaws.native.kept import kept
from nnlaws.native.probed import STATE
from nnlaws.native.ranks import sizes
from nnlaws.native.torch.arrays import array, made_apart, tensor
from nnlaws.native.torch.state import State

Factory = Callable[..., nn.Module]


def batch_norm(
    factory: Factory,
    *,
    input: str | Sequence[str] = "2d",
    params: torch.dtype | None = None,
    device: str = "cpu",
    wrap: Callable[[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = lambda layer: layer,
    momentum_of: str = "new",
    state: Sequence[str] = STATE,
    memory_format: torch.memory_format = torch.contiguous_format,
    **declared: Any,
) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(n, eps=…, momentum=…)`, a layer of n features.

    input: the rank of what it takes, "2d" (m, n), "3d" (N, n, L), "4d" (N, n, H, W) or "5d", whose places are the
    samples; of several, each by turns. params: the dtype of γ, β and the averages, default the input's, to which their
    gradients and the averages are rounded before they are judged. wrap: what is made of the layer before it is called,
    such as torch.compile. momentum_of: whether the layer's momentum is the weight of the new statistics or of the old.
    state: the names of γ, β, mean and variance; of a layer without γ or β, nothing in its place. declared:
    description, dtypes, conventions.
    """
    ranks = tuple(int(each[0]) for each in ([input] if isinstance(input, str) else input))
    layer = BatchNorm(factory, ranks, params, device, wrap, momentum_of, tuple(state), memory_format)
    return SimpleNamespace(
        **declared,
        batch_norm_train=layer.train,
        batch_norm_backward=layer.backward,
        batch_norm_running=layer.running,
        batch_norm_inference=layer.inference,
    )


@dataclass(frozen=True)
class BatchNorm:
    """The operations by one kind of layer: see `batch_norm`."""

    factory: Factory
    ranks: tuple[int, ...] = (2,)
    params: torch.dtype | None = None
    device: str = "cpu"
    wrap: Callable[[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = lambda layer: layer
    momentum_of: str = "new"
    state: tuple[str, ...] = STATE
    memory_format: torch.memory_format = torch.contiguous_format

    def train(self, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """Of an odd number of samples the output is that of a call with averages that stay: it may not hang on them."""
        x = self._given(z)
        layer = self._fresh(x, 0.0, eps, weight=gamma, bias=beta)
        out = array(self._matrix(layer.call(self._input(x))))
        averages = self._averages(layer, x)
        if len(z) % 2:
            other = self._fresh(x, 0.5, eps, weight=gamma, bias=beta)
            out = array(self._matrix(other.call(self._input(x))))
        return out, *averages

    def backward(self, dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        x = self._given(z).requires_grad_()
        layer = self._fresh(x, 0.5, eps, weight=gamma)
        weighted = (layer.call(self._input(x)) * self._input(self._given(dout))).sum()  # its gradient in out is dout
        learnt = (layer.state.tensor(self.state[0]), layer.state.tensor(self.state[1]))
        dz, dgamma, dbeta = torch.autograd.grad(weighted, (x, *learnt))
        return array(dz), array(dgamma.to(x.dtype).reshape(-1)), array(dbeta.to(x.dtype).reshape(-1))

    def running(self, batches: Array, *, decay: float) -> tuple[Array, Array]:
        xs = self._given(batches)
        layer = self._fresh(xs, decay, 1e-5)
        for x in xs:
            layer.call(self._input(x))
        return self._averages(layer, xs)

    def inference(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        """Of every other number of samples by the second call: the first is to leave the averages as they are."""
        x = self._given(z)
        layer = self._fresh(x, 0.5, eps, weight=gamma, bias=beta, running_mean=mean, running_var=var)
        layer.module.eval()
        with torch.no_grad():  # as a network is used, and some tell inference by that
            for _ in range(len(z) % 2):
                layer.call(self._input(x))
            return array(self._matrix(layer.call(self._input(x))))

    def _given(self, x: Array) -> torch.Tensor:
        return tensor(x, self.device)

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        """(m, n) as a batch of one of the ranks, by turns: where m has divisors enough, no axis but those that are left
        over is 1.
        """
        m, n = x.shape
        rank = self.ranks[m % len(self.ranks)]
        if rank == 2:
            return x
        places = x.reshape(*sizes(m, rank), n).movedim(-1, 1)
        return places.contiguous(memory_format=self.memory_format) if rank == 4 else places.contiguous()

    def _matrix(self, places: torch.Tensor) -> torch.Tensor:
        return places if places.ndim == 2 else places.movedim(1, -1).reshape(-1, places.shape[1])

    def _fresh(self, x: torch.Tensor, decay: float, eps: float, **given: Array) -> "_Made":
        """The layer as it is when made, in training, with this state; making one takes longer than all the rest."""
        momentum = 1 - decay if self.momentum_of == "new" else decay
        layer = _made(self, x.shape[-1], eps, momentum, self.params or x.dtype)
        layer.state.restore()
        layer.module.train()
        names: dict[str, str] = dict(zip(STATE, self.state, strict=True))
        for name, value in given.items():
            if names[name]:
                layer.state.put(names[name], self._given(value))
        return layer

    def _averages(self, layer: "_Made", like: torch.Tensor) -> tuple[Array, Array]:
        """Copies, since the layer is used again."""
        mean, var = (layer.state.tensor(name).to(like.dtype, copy=True).reshape(-1) for name in self.state[2:])
        return array(mean), array(var)


@dataclass(frozen=True)
class _Made:
    """A layer, what is called in its stead, and its state."""

    module: nn.Module
    call: Callable[[torch.Tensor], torch.Tensor]
    state: State


@kept(256)
def _made(of: BatchNorm, n: int, eps: float, momentum: float, dtype: torch.dtype) -> _Made:
    module = made_apart(of.factory)(n, eps=eps, momentum=momentum).to(device=of.device, dtype=dtype)
    return _Made(module, of.wrap(module), State(module))
