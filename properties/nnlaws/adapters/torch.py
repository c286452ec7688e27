"""PyTorch on CPU: torch.nn.functional's softmax, log_softmax and cross_entropy, nn.BatchNorm1d, autograd, torch.optim,
and draws of a Generator.

Where every row of the targets is one-hot, cross_entropy is given class numbers, as most training code does; otherwise
the rows themselves, as probabilities. Those are two code paths in PyTorch, and both are judged.

A layer's parameters and running averages have the arguments' dtype, as in a model moved by `model.to(dtype)`. PyTorch's
momentum is the weight of the new statistics, 1 − decay, and its running variance divides by m − 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch import nn
from torch.nn import functional

from nnlaws.adapters import torch_optimizers
from nnlaws.adapters.kept import kept
from nnlaws.adapters.torch_arrays import array, tensor

description = (
    f"PyTorch {torch.__version__} on CPU: torch.nn.functional.softmax, log_softmax, cross_entropy, nn.BatchNorm1d, "
    "autograd, torch.optim, Tensor.uniform_ (float32), randint"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {
    "running_variance": "unbiased",
    "batch_norm_running.arithmetic": "narrow",  # the averages are rounded to the layer's dtype after every batch
    **torch_optimizers.conventions,
    "sample_integer.bounds": "half_open",
}

Layer = Callable[..., nn.BatchNorm1d | nn.BatchNorm2d]


def softmax(z: Array) -> Array:
    return array(functional.softmax(tensor(z), dim=-1))


def log_softmax(z: Array) -> Array:
    return array(functional.log_softmax(tensor(z), dim=-1))


def cross_entropy(z: Array, y: Array) -> Array:
    return array(functional.cross_entropy(tensor(z), _targets(y)))


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    logits = tensor(z).requires_grad_()
    (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, _targets(y)), logits)
    return array(gradient)


@dataclass(frozen=True)
class BatchNorm:
    """The batch-norm operations by one layer class, whose input `enter` makes of a matrix (m, n) and `leave` undoes."""

    layer: Layer
    enter: Callable[[torch.Tensor], torch.Tensor]
    leave: Callable[[torch.Tensor], torch.Tensor]

    def train(self, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        x = tensor(z)
        layer = self._fresh(x, eps=eps, momentum=1.0, weight=gamma, bias=beta)
        out = self.leave(layer(self.enter(x)))
        return array(out), *_averages(layer)

    def backward(self, dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        x = tensor(z).requires_grad_()
        layer = self._fresh(x, eps=eps, weight=gamma)
        weighted = (layer(self.enter(x)) * self.enter(tensor(dout))).sum()  # its gradient in out is dout
        dz, dgamma, dbeta = torch.autograd.grad(weighted, (x, *layer.parameters()))
        return array(dz), array(dgamma), array(dbeta)

    def running(self, batches: Array, *, decay: float) -> tuple[Array, Array]:
        xs = tensor(batches)
        layer = self._fresh(xs, momentum=1 - decay)
        for x in xs:
            layer(self.enter(x))
        return _averages(layer)

    def inference(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        x = tensor(z)
        layer = self._fresh(x, eps=eps, weight=gamma, bias=beta, running_mean=mean, running_var=var)
        return array(self.leave(layer.eval()(self.enter(x))))

    def _fresh(self, x: torch.Tensor, eps: float = 1e-5, momentum: float = 0.1, **state: Array) -> nn.Module:
        """The layer as it is when made, with this state; making one takes longer than all that it does here."""
        layer = _made(self.layer, x.shape[-1], eps, momentum, x.dtype)
        layer.reset_parameters()
        tensors = dict([*layer.named_parameters(), *layer.named_buffers()])
        with torch.no_grad():
            for name, value in state.items():
                tensors[name].copy_(tensor(value))
        return layer.train()


@kept(256)
def _made(layer: Layer, n: int, eps: float, momentum: float, dtype: torch.dtype) -> nn.BatchNorm1d | nn.BatchNorm2d:
    return layer(n, eps=eps, momentum=momentum, dtype=dtype)


_rows = BatchNorm(nn.BatchNorm1d, lambda x: x, lambda x: x)
batch_norm_train = _rows.train
batch_norm_backward = _rows.backward
batch_norm_running = _rows.running
batch_norm_inference = _rows.inference

exponential_average = torch_optimizers.exponential_average
gradient_descent = torch_optimizers.gradient_descent
momentum = torch_optimizers.momentum
rmsprop = torch_optimizers.rmsprop
adam = torch_optimizers.adam
adamw = torch_optimizers.adamw
exponential_decay = torch_optimizers.exponential_decay
staircase_decay = torch_optimizers.staircase_decay


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    chances = torch.Generator().manual_seed(seed)
    return array(torch.empty(size, dtype=torch.float32).uniform_(low, high, generator=chances))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.asarray(torch.randint(low, high, (size,), generator=torch.Generator().manual_seed(seed)))


def _averages(layer: nn.Module) -> tuple[Array, Array]:
    """Copies, since the layer is used again."""
    averages = dict(layer.named_buffers())
    return array(averages["running_mean"].clone()), array(averages["running_var"].clone())


def _targets(y: Array) -> torch.Tensor:
    if ((y == 1).sum(axis=-1) == 1).all():
        return torch.from_numpy(y.argmax(axis=-1))
    return tensor(y)
