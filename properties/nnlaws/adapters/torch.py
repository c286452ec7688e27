"""PyTorch on CPU: torch.nn.functional's softmax, log_softmax and cross_entropy, nn.BatchNorm1d, autograd, torch.optim,
and draws of a Generator.

Where every row of the targets is one-hot, cross_entropy is given class numbers, as most training code does; otherwise
the rows themselves, as probabilities. Those are two code paths in PyTorch, and both are judged.

A layer's parameters and running averages have the arguments' dtype, as in a model moved by `model.to(dtype)`. PyTorch's
momentum is the weight of the new statistics, 1 − decay, and its running variance divides by m − 1.
"""

from functools import partial

import numpy as np
import torch
from nnlaws_reference.dtypes import Array
from torch import nn
from torch.nn import functional

from nnlaws.adapters import torch_optimizers
from nnlaws.native import labels
from nnlaws.native.torch import batch_norm, loss, rows
from nnlaws.native.torch.arrays import array
from nnlaws.native.torch.functions import KIT

description = (
    f"PyTorch {torch.__version__} on CPU: torch.nn.functional.softmax, log_softmax, cross_entropy, "
    "binary_cross_entropy_with_logits, nn.BatchNorm1d, autograd, torch.optim, Tensor.uniform_ (float32), randint, "
    "multinomial, quasirandom.SobolEngine"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {
    "running_variance": "unbiased",
    "batch_norm_running.arithmetic": "narrow",  # the averages are rounded to the layer's dtype after every batch
    "sigmoid_form": "cancelling",
    **torch_optimizers.conventions,
    "sample_integer.bounds": "half_open",
}
positive, fixed, below_one = torch_optimizers.positive, torch_optimizers.fixed, torch_optimizers.below_one

softmax = rows("softmax", partial(functional.softmax, dim=-1)).softmax
log_softmax = rows("log_softmax", partial(functional.log_softmax, dim=-1)).log_softmax
_loss = loss(functional.cross_entropy)
cross_entropy = _loss.cross_entropy
cross_entropy_gradient = _loss.cross_entropy_gradient

_each = partial(functional.cross_entropy, reduction="none")
_labelled = labels.label_losses(KIT, _each, functional.cross_entropy, labels.KEYWORDS)
label_losses = _labelled.label_losses
label_losses_gradient = _labelled.label_losses_gradient
label_cross_entropy = _labelled.label_cross_entropy
label_cross_entropy_gradient = _labelled.label_cross_entropy_gradient
_sigmoids = labels.sigmoid_losses(KIT, partial(functional.binary_cross_entropy_with_logits, reduction="none"))
sigmoid_losses = _sigmoids.sigmoid_losses
sigmoid_losses_gradient = _sigmoids.sigmoid_losses_gradient

_rows = batch_norm(nn.BatchNorm1d)
batch_norm_train = _rows.batch_norm_train
batch_norm_backward = _rows.batch_norm_backward
batch_norm_running = _rows.batch_norm_running
batch_norm_inference = _rows.batch_norm_inference

exponential_average = torch_optimizers.exponential_average
gradient_descent = torch_optimizers.gradient_descent
momentum = torch_optimizers.momentum
rmsprop = torch_optimizers.rmsprop
adam = torch_optimizers.adam
adamw = torch_optimizers.adamw
sgd = torch_optimizers.sgd
adagrad = torch_optimizers.adagrad
amsgrad = torch_optimizers.amsgrad
nadam = torch_optimizers.nadam
radam = torch_optimizers.radam
exponential_decay = torch_optimizers.exponential_decay
staircase_decay = torch_optimizers.staircase_decay
linear_schedule = torch_optimizers.linear_schedule
polynomial_schedule = torch_optimizers.polynomial_schedule
cosine_schedule = torch_optimizers.cosine_schedule
cosine_restarts_schedule = torch_optimizers.cosine_restarts_schedule
one_cycle_schedule = torch_optimizers.one_cycle_schedule
cyclical_schedule = torch_optimizers.cyclical_schedule


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    chances = torch.Generator().manual_seed(seed)
    return array(torch.empty(size, dtype=torch.float32).uniform_(low, high, generator=chances))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return np.asarray(torch.randint(low, high, (size,), generator=torch.Generator().manual_seed(seed)))


def weighted_choice(weights: Array, *, size: int, seed: int) -> Array:
    chances = torch.Generator().manual_seed(seed)
    return np.asarray(torch.multinomial(torch.tensor(weights), size, replacement=True, generator=chances))


def sobol(*, size: int, axes: int, seed: int) -> Array:
    engine = torch.quasirandom.SobolEngine(axes, scramble=True, seed=seed)
    return np.asarray(engine.draw(size, dtype=torch.float64))
