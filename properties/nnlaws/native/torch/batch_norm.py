"""Batch norm of PyTorch, of any rank: a layer as its library makes it, called as the four operations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from nnlaws_reference.dtypes import Array
from torch import nn

from nnlaws.native.kept import kept
from nnlaws.native.torch.arrays import array, made_apart, tensor

STATE = ("weight", "bias", "running_mean", "running_var")
"""What a layer's γ, β and averages are called."""
Factory = Callable[..., nn.Module]


def batch_norm(
    factory: Factory,
    *,
    input: str = "2d",
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
    samples. params: the dtype of γ, β and the averages, default the input's. wrap: what is made of the layer before it
    is called, such as torch.compile. momentum_of: whether the layer's momentum is the weight of the new statistics or
    of the old. state: the names of γ, β, mean and variance. declared: description, dtypes, conventions.
    """
    layer = BatchNorm(factory, int(input[0]), params, device, wrap, momentum_of, tuple(state), memory_format)
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
    rank: int = 2
    params: torch.dtype | None = None
    device: str = "cpu"
    wrap: Callable[[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = lambda layer: layer
    momentum_of: str = "new"
    state: tuple[str, ...] = STATE
    memory_format: torch.memory_format = torch.contiguous_format

    def train(self, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        x = self._given(z)
        layer = self._fresh(x, 0.0, eps, weight=gamma, bias=beta)
        out = self._matrix(layer.call(self._input(x)))
        return array(out), *self._averages(layer)

    def backward(self, dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        x = self._given(z).requires_grad_()
        layer = self._fresh(x, 0.5, eps, weight=gamma)
        weighted = (layer.call(self._input(x)) * self._input(self._given(dout))).sum()  # its gradient in out is dout
        learnt = (layer.tensors[self.state[0]], layer.tensors[self.state[1]])
        dz, dgamma, dbeta = torch.autograd.grad(weighted, (x, *learnt))
        return array(dz), array(dgamma), array(dbeta)

    def running(self, batches: Array, *, decay: float) -> tuple[Array, Array]:
        xs = self._given(batches)
        layer = self._fresh(xs, decay, 1e-5)
        for x in xs:
            layer.call(self._input(x))
        return self._averages(layer)

    def inference(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        x = self._given(z)
        layer = self._fresh(x, 0.5, eps, weight=gamma, bias=beta, running_mean=mean, running_var=var)
        layer.module.eval()
        return array(self._matrix(layer.call(self._input(x))))

    def _given(self, x: Array) -> torch.Tensor:
        return tensor(x, self.device)

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        """(m, n) as a batch of that rank: where m has divisors enough, no axis but those that are left over is 1."""
        if self.rank == 2:
            return x
        m, n = x.shape
        sizes: list[int] = []
        for _ in range(self.rank - 2):
            sizes.append(_smallest_divisor(m))
            m //= sizes[-1]
        places = x.reshape(m, *reversed(sizes), n).movedim(-1, 1)
        return places.contiguous(memory_format=self.memory_format) if self.rank == 4 else places.contiguous()

    def _matrix(self, places: torch.Tensor) -> torch.Tensor:
        return places if self.rank == 2 else places.movedim(1, -1).reshape(-1, places.shape[1])

    def _fresh(self, x: torch.Tensor, decay: float, eps: float, **given: Array) -> "_Made":
        """The layer as it is when made, in training, with this state; making one takes longer than all the rest."""
        momentum = 1 - decay if self.momentum_of == "new" else decay
        layer = _made(self, x.shape[-1], eps, momentum, self.params or x.dtype)
        layer.module.train()
        names: dict[str, str] = dict(zip(STATE, self.state, strict=True))
        with torch.no_grad():
            for name, value in layer.pristine.items():
                layer.tensors[name].copy_(value)
            for name, value in given.items():
                layer.tensors[names[name]].copy_(self._given(value))
        return layer

    def _averages(self, layer: "_Made") -> tuple[Array, Array]:
        """Copies, since the layer is used again."""
        return array(layer.tensors[self.state[2]].clone()), array(layer.tensors[self.state[3]].clone())


@dataclass(frozen=True)
class _Made:
    """A layer, what is called in its stead, its parameters and buffers, and what these were when it was made."""

    module: nn.Module
    call: Callable[[torch.Tensor], torch.Tensor]
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])
    pristine: Mapping[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])


@kept(256)
def _made(of: BatchNorm, n: int, eps: float, momentum: float, dtype: torch.dtype) -> _Made:
    module = made_apart(of.factory)(n, eps=eps, momentum=momentum).to(device=of.device, dtype=dtype)
    tensors = dict([*module.named_parameters(), *module.named_buffers()])
    return _Made(module, of.wrap(module), tensors, {name: value.detach().clone() for name, value in tensors.items()})


def _smallest_divisor(m: int) -> int:
    """The smallest divisor of m above 1; 1 where there is none."""
    return next((d for d in range(2, m + 1) if m % d == 0), 1)
