"""Layers, optimizers, schedules and losses of real libraries, as they are: what each is taken for, and judged as."""

import importlib
import os
from pathlib import Path
from typing import Any

import nnlaws
import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

REQUIRED = bool(os.environ.get("NNLAWS_REQUIRE_LIBRARIES"))


def need(library: str) -> Any:
    """The library. Skips where it is missing, unless all of them are required."""
    try:
        return importlib.import_module(library)
    except ImportError:
        if REQUIRED:
            raise
        pytest.skip(f"{library} is not installed")


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "timeout": 60, **more}
    return check(target, **options)


BATCH_NORM = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
LOSS = ("cross_entropy", "cross_entropy_gradient")

CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "torch.nn:BatchNorm1d": (BATCH_NORM, ("batch_norm_running judged as running_variance = unbiased",)),
    "torch.nn:BatchNorm2d": (
        BATCH_NORM,
        ("taken for batch norm of input of 4 axes, its momentum the weight of the new",),
    ),
    "torch.nn:BatchNorm3d --input 5d": (BATCH_NORM, ("taken for batch norm of input of 5 axes",)),
    "torch.nn:CrossEntropyLoss reduction='sum'": (LOSS, ("class numbers or probabilities, the sum over samples",)),
    "torch.nn.functional:log_softmax": (("log_softmax",), ("taken for log_softmax by rows, called as f(z, dim=-1)",)),
    "torch.nn:Softmax dim=-1": (("softmax",), ("taken for softmax by rows, called as f(z)",)),
    "torch.optim:SGD": (("gradient_descent", "momentum"), ("momentum judged as velocity = heavy_ball",)),
    "torch.optim:RMSprop": (("rmsprop",), ("taken for an optimizer: rmsprop",)),
    "torch.optim:Adam": (("adam", "adamw"), ("adamw judged as decoupling = l2",)),
    "torch.optim:AdamW": (("adam", "adamw"), ("with weight_decay",)),
    "torch.optim.lr_scheduler:ExponentialLR": (("exponential_decay",), ("taken for a schedule: exponential_decay",)),
    "torch.optim.lr_scheduler:StepLR": (("staircase_decay",), ("taken for a schedule: staircase_decay",)),
    "optax:sgd nesterov=True": (("gradient_descent", "momentum"), ("lookahead = nesterov",)),
    "jax.nn:softmax": (("softmax",), ("called as f(z, axis=-1)",)),
    "optax:softmax_cross_entropy_with_integer_labels": (LOSS, ("class numbers, the values one by one over samples",)),
    "tensorflow.nn:log_softmax": (("log_softmax",), ("called as f(z, axis=-1)",)),
    "keras.layers:BatchNormalization": (BATCH_NORM, ("taken for batch norm, its momentum the weight of the old",)),
    "flax.nnx:BatchNorm use_fast_variance=False": (BATCH_NORM, ("with use_fast_variance = False",)),
    "keras.optimizers:SGD": (("gradient_descent", "momentum"), ("momentum judged as velocity = rate_inside",)),
    "keras.losses:CategoricalCrossentropy from_logits=True": (LOSS, ("called as f(y_true=y, y_pred=z)",)),
}


@pytest.mark.parametrize("target", CASES)
def test_it_is_taken_for_what_it_is(target: str) -> None:
    """Judged by the laws of value alone: whether all of them hold is not the question here."""
    need(target.partition(".")[0].partition(":")[0])
    offered, words = CASES[target]
    report = quick(target, laws=["CT-1"])
    assert set(report.offered) == set(offered)
    told = "; ".join(report.recognised)
    assert all(each in told for each in words), told
    assert report.conforms, str(report)


@pytest.mark.parametrize("target", ["torch.nn:BatchNorm1d", "torch.optim:Adam", "torch.nn:CrossEntropyLoss"])
def test_it_conforms_as_the_adapter_does(target: str) -> None:
    need("torch")
    report = quick(target)
    assert report.conforms, str(report)
    assert {result.outcome for result in report.results} >= {Outcome.CONFORMS, Outcome.NOT_OFFERED}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("torch.optim:RAdam", "not judged as adam: it has its arguments, and does something else"),
        ("torch.optim:Adagrad", "is not recognised"),
        ("torch.nn:LayerNorm", "it keeps no running_mean and running_var of 3 features"),
        ("torch.nn:BatchNorm1d affine=False", "it has no weight and bias of 3 features"),
        ("torch.nn:BCELoss", "is not recognised"),
        ("torch.nn:BatchNorm1d eps=0.1", "eps is set by the laws, to many values: leave it out"),
        ("torch.optim:SGD momentum=0.9", "momentum is set by the laws"),
        ("torch.optim.lr_scheduler:CosineAnnealingLR", "expected gamma, and step_size for stairs"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str) -> None:
    need("torch")
    with pytest.raises(LoadError, match=message):
        quick(target)


MINE = """
import torch
from torch import nn

class Unbiased(nn.Module):
    def __init__(self, n, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        mean, var = (x.mean(0), x.var(0)) if self.training else (self.running_mean, self.running_var)
        if self.training:
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(var.detach(), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias

def wrapped(n, eps, momentum):
    return nn.Sequential(nn.BatchNorm1d(n, eps=eps, momentum=momentum))
"""


def test_a_layer_that_was_made_already_has_one_number_of_features() -> None:
    torch = need("torch")
    with pytest.raises(LoadError, match="one layer of one number of features"):
        quick(torch.nn.BatchNorm1d(3))


def test_an_optimizer_that_decays_by_default_is_judged_without_as_well() -> None:
    need("optax")
    assert quick("optax:adamw", laws=["adam.value", "adamw.value"]).conforms


def test_each_library_that_is_looked_for_has_its_module() -> None:
    from importlib.util import find_spec

    from nnlaws.native.recognition import LIBRARIES

    assert all(find_spec(f"nnlaws.native.{library}") for library in LIBRARIES)


def test_a_layer_of_ones_own_with_a_mistake_is_told_which(tmp_path: Path) -> None:
    need("torch")
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    report = quick(f"{path}:Unbiased")
    causes = {r.violation.cause.name for r in report.results if r.violation and r.violation.cause}
    assert "batch_norm_train.unbiased_variance" in causes
    assert quick(f"{path}:wrapped --as batch_norm", operations=["batch_norm_train"]).conforms


def test_the_same_in_python(tmp_path: Path) -> None:
    torch = need("torch")
    target = nnlaws.torch.batch_norm(torch.nn.BatchNorm2d, input="4d", conventions={"running_variance": "unbiased"})
    assert quick(target, operations=["batch_norm_running"]).conforms
    wide = nnlaws.torch.batch_norm(torch.nn.BatchNorm1d, params=torch.float32)
    assert wide.batch_norm_inference is not None


def test_wide_parameters_beside_narrow_input() -> None:
    need("torch")
    wide = quick("torch.nn:BatchNorm1d --params float32", dtypes=["bfloat16"], operations=["batch_norm_running"])
    assert "its parameters and averages in float32" in wide.recognised
    assert wide.conforms, str(wide)
    with pytest.raises(LoadError, match="--params float33 is no dtype of PyTorch"):
        quick("torch.nn:BatchNorm1d --params float33")
    with pytest.raises(LoadError, match=r"nnlaws:nothing cannot be had: .*expected module:function"):
        quick("torch.nn:BatchNorm1d --wrap nnlaws:nothing")
    with pytest.raises(LoadError, match="--device cannot be said of what numpy has"):
        quick("scipy.special:softmax --device cuda")


def test_a_layer_is_called_through_what_it_is_wrapped_in() -> None:
    need("torch")
    report = quick("torch.nn:BatchNorm1d --wrap torch.nn:Sequential", laws=["BN-21"])
    assert "called through torch.nn:Sequential" in report.recognised
    assert report.conforms
