"""Sonnet on TensorFlow: batch norm and optimizers of its kind, called as the operations.

A layer's variables have its input's dtype; an optimizer's have the parameters'. An optimizer's state is saved and
restored by tf.train.Checkpoint, as Sonnet's documentation does.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import sonnet as snt
import tensorflow as tf
from nnlaws_reference.dtypes import Array

from nnlaws.native import probed, tensorflow
from nnlaws.native.driver import driven
from nnlaws.native.kept import kept
from nnlaws.native.names import Keywords, Parameters, Unrecognised, of_optimizer, parameters, settled, told

NEEDED = ("create_scale", "create_offset", "decay_rate", "eps")
LEARNT, AVERAGES = ("scale", "offset"), ("moving_mean", "moving_variance")
DESCRIPTION = f"Sonnet {snt.__version__}"
tensor, copied = tensorflow.KIT.tensor, tensorflow.copied
Factory = Callable[..., snt.Module]


def batch_norm(factory: Factory, **declared: Any) -> SimpleNamespace:
    """A target: the batch-norm operations by `factory(create_scale=True, create_offset=True, decay_rate=…, eps=…)`,
    called with `is_training`, which has scale and offset, and averages moving_mean and moving_variance. Its decay_rate
    is the weight of the old statistics, as decay is. declared: description, dtypes, conventions.
    """

    def layer(z: Array, *given: Array, eps: float = 1e-5, decay: float = 0.5) -> snt.Module:
        """As if new; its first variables are set to those given: γ, β, mean and variance."""
        made, start = _layer(factory, z.shape[-1], z.dtype.name, eps, decay)
        for variable, value in zip(made.variables, start, strict=True):
            variable.assign(value)
        there = (*(getattr(made, name) for name in LEARNT), *(getattr(made, name).average for name in AVERAGES))
        for variable, value in zip(there, given, strict=False):
            variable.assign(tensor(value.reshape(variable.shape)))
        return made

    def averages(made: snt.Module) -> tuple[Array, Array]:
        """Copies, since the layer is used again."""
        mean, var = (copied(getattr(made, name).value).reshape(-1) for name in AVERAGES)
        return mean, var

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """Of an odd number of samples the output is that of a call with averages that stay: it may not hang on them."""
        made = layer(z, gamma, beta, eps=eps, decay=0.0)
        out, kept_averages = copied(made(tensor(z), is_training=True)), averages(made)
        if len(z) % 2:
            out = copied(layer(z, gamma, beta, eps=eps, decay=0.5)(tensor(z), is_training=True))
        return out, *kept_averages

    def backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
        made = layer(z, gamma, eps=eps)
        found = tensorflow.pulled_back(
            lambda x: made(x, is_training=True), tensor(z), (made.scale, made.offset), tensor(dout)
        )
        dz, dgamma, dbeta = map(copied, found)
        return dz, dgamma, dbeta

    def running(batches: Array, *, decay: float) -> tuple[Array, Array]:
        made = layer(batches, decay=decay)
        for batch in batches:
            made(tensor(batch), is_training=True)
        return averages(made)

    def inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
        """Of every other number of samples by the second call: the first is to leave the averages as they are."""
        made = layer(z, gamma, beta, mean, var, eps=eps)
        for _ in range(len(z) % 2):
            made(tensor(z), is_training=False)
        return copied(made(tensor(z), is_training=False))

    return SimpleNamespace(
        **declared,
        batch_norm_train=train,
        batch_norm_backward=backward,
        batch_norm_running=running,
        batch_norm_inference=inference,
    )


@kept(1024)  # making one takes longer than calling it
def _layer(factory: Factory, n: int, dtype: str, eps: float, decay: float) -> tuple[snt.Module, list[Any]]:
    """A layer, and what its variables are at first: its first call makes them."""
    made = factory(create_scale=True, create_offset=True, decay_rate=decay, eps=eps)
    made(tf.zeros((1, n), dtype), is_training=False)
    return made, [tf.identity(variable) for variable in made.variables]


def optimizer(
    kind: Callable[..., snt.Optimizer],
    operations: Mapping[str, Callable[..., Keywords]] | None = None,
    *,
    fixed: Keywords | None = None,
    **declared: Any,
) -> SimpleNamespace:
    """A target: the operations by `kind(learning_rate=…, …)`, which has `apply(updates, parameters)`; operations,
    fixed, declared: see `nnlaws.torch.optimizer`.
    """

    def made(**options: Any) -> tensorflow.Made:
        new = kind(**{"learning_rate": 0.0, **(fixed or {}), **options})
        return tensorflow.Made(
            new,
            partial(setattr, new, "learning_rate"),
            lambda gradient, variable: new.apply([gradient], [variable]),
        )

    def operation(name: str, keywords: Callable[..., Keywords]) -> Callable[..., Array]:
        return driven(name, lambda **options: tensorflow.driven_by(partial(made, **keywords(**options))))

    found = operations or of_optimizer(_parameters(kind))
    return SimpleNamespace(**declared, **{name: operation(name, keywords) for name, keywords in found.items()})


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A module class of Sonnet that is batch norm, or an optimizer; None for whatever else."""
    if not inspect.isclass(found) or not issubclass(found, snt.Module):
        return None
    there = _parameters(found)
    if issubclass(found, snt.Optimizer):
        operations = of_optimizer(there)
        fixed = settled(there, given, operations)
        lines = (f"taken for an optimizer: {', '.join(operations)}", *told(fixed))
        return optimizer(found, operations, fixed=fixed, recognised=lines, description=DESCRIPTION)
    return probed.recognised(found, there, given, NEEDED, _probe, batch_norm, DESCRIPTION)


def _parameters(kind: Any) -> Parameters:
    """Those of its __init__, which the metaclass hides."""
    return {name: each for name, each in parameters(kind.__init__).items() if name != "self"}


def _probe(factory: Factory) -> None:
    """Raises Unrecognised where it makes no layer of that kind; and what it raises itself."""
    made, _ = _layer(factory, 3, "float32", 1e-5, 0.5)
    absent = [name for name in LEARNT if getattr(made, name, None) is None]
    absent += [name for name in AVERAGES if getattr(getattr(made, name, None), "average", None) is None]
    if absent:
        raise Unrecognised(f"it has no {', '.join(absent)}; expected scale and offset, and averages moving_mean and "
                           "moving_variance")  # fmt: skip
