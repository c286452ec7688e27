"""How a layer of NumPy is put into training or inference."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nnlaws.native.names import Keywords, Parameters, Unrecognised

TRAINING = ("training", "train", "is_training", "is_train", "train_flg", "train_flag", "train_mode")
INFERENCE = ("eval", "test", "inference", "is_test", "evaluate", "predict")
Mode = Callable[[Any, bool], Keywords]
"""Puts a layer into training or inference, and gives the keywords of its call."""


def mode_of(there: Parameters, layer: Any) -> tuple[Mode, str]:
    """How it is put into one, and that in words. there: the parameters of its call. Raises Unrecognised."""
    for names, sense in ((TRAINING, True), (("retain_derived",), True), (INFERENCE, False)):
        if name := next((each for each in names if each in there), ""):
            return partial(_by_argument, name, sense, not sense), f"called with {name}={sense} in training"
    if "mode" in there:
        return partial(_by_argument, "mode", "train", "test"), "called with mode='train' or 'test'"
    if callable(getattr(layer, "train", None)) and callable(getattr(layer, "eval", None)):
        return _by_methods, "after train() or eval()"
    for names, sense in ((TRAINING, True), (INFERENCE, False)):
        if name := next((each for each in names if isinstance(getattr(layer, each, None), bool)), ""):
            return partial(_by_attribute, name, sense), f"with {name} = {sense} in training"
    raise Unrecognised("nothing tells its training from inference: no argument of its call, no train() and eval()")


def _by_argument(name: str, in_training: Any, at_inference: Any, layer: Any, training: bool) -> Keywords:
    return {name: in_training if training else at_inference}


def _by_methods(layer: Any, training: bool) -> Keywords:
    (layer.train if training else layer.eval)()
    return {}


def _by_attribute(name: str, in_training: bool, layer: Any, training: bool) -> Keywords:
    setattr(layer, name, training == in_training)
    return {}
