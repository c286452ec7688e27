"""Paddle's layers, optimizers, schedules, losses and functions as targets."""

import inspect
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import paddle

from nnlaws.native import functions
from nnlaws.native.names import Keywords, Unrecognised, raised, switched_off, told
from nnlaws.native.names import parameters as parameters_of
from nnlaws.native.paddle import batch_norm, optimizers, schedules
from nnlaws.native.paddle.arrays import DTYPES, KIT

__all__ = ["recognise"]

SETTINGS = ("as", "input")


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer, optimizer, schedule or loss of Paddle, or a function of its tensors; None for whatever else."""
    kind, about = settings.get("as", ""), {"description": f"Paddle {paddle.__version__}", "dtypes": DTYPES}
    if inspect.isclass(found):
        if issubclass(found, paddle.optimizer.lr.LRScheduler):
            return schedules.recognised(found, given, about)
        if issubclass(found, paddle.optimizer.Optimizer):
            return optimizers.recognised(found, given, about)
        return _layer(found, given, settings, about) if issubclass(found, paddle.nn.Layer) else None
    if isinstance(found, paddle.nn.Layer) and batch_norm.has_averages(found):
        raise Unrecognised("it is one layer of one number of features; give its class, or a function that makes it")
    if not callable(found):
        return None
    if kind == "batch_norm":
        return batch_norm.recognised(found, given, settings, about)
    if optimizers.is_made_by(found, given):
        return optimizers.recognised(found, given, about)
    return functions.recognise(KIT, partial(found, **given) if given else found, kind, about)


def _layer(kind: type[Any], given: Keywords, settings: Mapping[str, str], about: Keywords) -> SimpleNamespace:
    """A layer with running averages is batch norm; one of logits by rows is softmax or its logarithm; of logits and
    targets, a loss.
    """
    wanted, why = settings.get("as", ""), ""
    if wanted in ("", "batch_norm"):
        try:
            return batch_norm.recognised(kind, given, settings, about)
        except Unrecognised as reason:
            if wanted:
                raise
            why = str(reason)
    fixed = {**switched_off(parameters_of(kind), given), **given}
    try:
        made = kind(**fixed)
    except Exception as error:
        raise Unrecognised(why or f"made without other arguments it {raised(error)}") from None
    target = functions.recognise(KIT, made, wanted, about, why)
    target.recognised += told(fixed)
    return target
