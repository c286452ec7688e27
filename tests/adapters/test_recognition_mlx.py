"""MLX as it is: what its layers, optimizers, schedules, losses and functions are taken for, and what is told why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.chapters import OPERATIONS
from nnlaws.harness.parent import LoadError
from nnlaws_server.errors import TargetError
from nnlaws_server.loading import loaded
from nnlaws_server.recognising import recognised

Need = Callable[[str], Any]

BATCH_NORM = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
LOSS = ("cross_entropy", "cross_entropy_gradient")

TAKEN: dict[str, tuple[tuple[str, ...], str]] = {
    "mlx.core:softmax": (("softmax",), "taken for softmax by rows, called as f(z, axis=-1)"),
    "mlx.nn:softmax": (("softmax",), "taken for softmax by rows, called as f(z, axis=-1)"),
    "mlx.nn:Softmax": (("softmax",), "taken for softmax by rows, called as f(z)"),
    "mlx.nn:log_softmax": (("log_softmax",), "taken for log_softmax by rows, called as f(z, axis=-1)"),
    "mlx.nn.losses:cross_entropy reduction=sum": (LOSS, "class numbers or probabilities, the sum over samples"),
    "mlx.nn:BatchNorm": (BATCH_NORM, "batch norm of input of 2 or 3 or 4 axes, its momentum the weight of the new"),
    "mlx.optimizers:SGD nesterov=True": (("gradient_descent", "momentum"), "with nesterov = True"),
    "mlx.optimizers:AdamW": (("adam", "adamw"), "with weight_decay = 0.0"),
    "mlx.optimizers:exponential_decay": (("exponential_decay",), "taken for a schedule: exponential_decay"),
    "mlx.optimizers:step_decay": (("staircase_decay",), "taken for a schedule: staircase_decay"),
}
JUDGED: dict[str, tuple[tuple[str, ...], str]] = {
    "mlx.nn.losses:cross_entropy": (("SM-12", "SM-16"), "the values one by one over samples"),
    "mlx.nn:BatchNorm": (("BN-2", "BN-15", "BN-19"), "batch_norm_running judged as running_variance = unbiased"),
    "mlx.optimizers:RMSprop": (("OP-9", "OP-17"), "taken for an optimizer: rmsprop"),
    "mlx.optimizers:Adam": (("OP-10", "OP-17"), "adam judged as adam_form = uncorrected"),
    "mlx.optimizers:Adam bias_correction=True": (("OP-10",), "with bias_correction = True"),
    "mlx.optimizers:step_decay": (("LR-3",), "taken for a schedule: staircase_decay"),
}


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "timeout": 60, **more}
    return check(target, **options)


def taken(target: str) -> Any:
    """What it is recognised as, in this process, and with no law run."""
    return recognised(loaded(target, {}), target, OPERATIONS, {}, "nnlaws.native.recognition")


@pytest.mark.parametrize("target", TAKEN)
def test_it_is_taken_for_what_it_is(target: str, need: Need) -> None:
    need("mlx.core")
    offered, words = TAKEN[target]
    made = taken(target)
    assert words in "; ".join(made.recognised)
    assert {name for name in OPERATIONS if hasattr(made, name)} == set(offered)


@pytest.mark.parametrize("target", JUDGED)
def test_it_conforms(target: str, need: Need) -> None:
    need("mlx.core")
    clauses, words = JUDGED[target]
    report = quick(target, laws=[*clauses])
    assert words in "; ".join(report.recognised)
    assert report.conforms, str(report)
    assert {result.clause for result in report.results} >= {*clauses}


def test_other_dtypes_are_its_own(need: Need) -> None:
    """The rate is given as an array of float64 there."""
    need("mlx.core")
    report = quick("mlx.optimizers:SGD", dtypes=["float64", "bfloat16"], laws=["OP-7"])
    assert report.conforms, str(report)


MINE = """
import mlx.nn as nn
import mlx.optimizers as optim


class Shifted(nn.BatchNorm):
    "Wrong: what inference normalises by is not what it keeps."

    def __call__(self, x):
        return super().__call__(x) if self.training else super().__call__(x) + 0.01


class InGroup(nn.Module):
    "Right: a batch norm within a layer, its momentum the weight of the old."

    def __init__(self, n, eps=1e-5, decay=0.9):
        super().__init__()
        self.within = nn.BatchNorm(n, eps=eps, momentum=1 - decay)

    def __call__(self, x):
        return self.within(x)


class Instance(nn.BatchNorm):
    "Something else: each sample by itself."

    def __call__(self, x):
        axes = tuple(range(1, x.ndim - 1))
        y = super().__call__(x)
        return y if x.ndim == 2 else (x - x.mean(axes, keepdims=True)) / (x.std(axes, keepdims=True) + self.eps)


class Forgetful(optim.Adam):
    "Wrong: what it keeps starts anew with the second parameter."

    def apply_single(self, gradient, parameter, state):
        return super().apply_single(gradient, parameter, state) if gradient.ndim == 1 else parameter


def make(learning_rate, momentum=0.9):
    return optim.SGD(learning_rate, momentum=momentum)
"""


@pytest.fixture
def mine(tmp_path: Path, need: Need) -> str:
    need("mlx.core")
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    return str(path)


def broken(report: Any) -> set[str]:
    return {result.clause for result in report.results if result.outcome is Outcome.VIOLATES}


def test_what_is_wrong_is_told_by_its_clause(mine: str) -> None:
    assert "BN-21" in broken(quick(f"{mine}:Shifted", laws=["BN-21"]))
    assert "OP-10" in broken(quick(f"{mine}:Forgetful --as adam", laws=["OP-10"]))


def test_what_people_write_is_recognised_too(mine: str) -> None:
    within = quick(f"{mine}:InGroup", laws=["BN-18"])
    assert "its decay the weight of the old" in "; ".join(within.recognised)
    assert within.conforms, str(within)
    assert "taken for an optimizer: momentum, gradient_descent" in taken(f"{mine}:make").recognised


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("mlx.nn:LayerNorm", "of batch norm's it has no momentum"),
        ("mlx.nn:BatchNorm affine=False", "it keeps no weight, bias of 3 features"),
        ("mlx.nn:BatchNorm momentum=0.5", "momentum is set by the laws"),
        ("mlx.nn:BatchNorm --input 5d", "it takes no input that was tried"),
        ("mlx.nn:Linear", "of batch norm's it has no eps, momentum"),
        ("mlx.optimizers:MultiOptimizer", "made with a learning rate, it raised TypeError"),
        ("mlx.optimizers:cosine_decay", "expected init and decay_rate"),
        ("mlx.nn.losses:binary_cross_entropy", "is not recognised"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str, need: Need) -> None:
    need("mlx.core")
    with pytest.raises(TargetError, match=message):
        taken(target)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("Adamax", "it has its arguments, and does something else"),
        ("Muon", "it has its arguments, and does something else"),
        ("Adafactor", "it raised: rmsprop raised TypeError"),
    ],
)
def test_another_algorithm_is_not_judged(kind: str, why: str, need: Need) -> None:
    need("mlx.core")
    with pytest.raises(LoadError, match=rf"not judged as .*: {why}"):
        quick(f"mlx.optimizers:{kind}")


def test_each_sample_by_itself_is_no_batch_norm(mine: str) -> None:
    with pytest.raises(TargetError, match="it normalises each sample by itself"):
        taken(f"{mine}:Instance")


def test_the_operations_are_those_of_the_library(need: Need) -> None:
    """On numbers of which every step is exact."""
    need("mlx.core")
    target = taken("mlx.nn:BatchNorm")
    z, gamma, beta = np.array([[-1.0], [1.0]]), np.array([3.0]), np.array([0.5])
    out, mean, var = target.batch_norm_train(z, gamma, beta, eps=1e-300)
    assert (out.tolist(), mean.tolist(), var.tolist()) == ([[-2.5], [3.5]], [0.0], [2.0])
    dz, dgamma, dbeta = target.batch_norm_backward(np.array([[1.0], [3.0]]), z, gamma, eps=1e-300)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0.0], [0.0]], [2.0], [4.0])
    out = target.batch_norm_inference(z, gamma, beta, np.array([1.0]), np.array([3.0]), eps=1.0)
    assert out.tolist() == [[-2.5], [0.5]]


def test_a_function_that_ends_its_process_is_judged_all_the_same(need: Need) -> None:
    """docs/findings.md tells why it does so: of one class."""
    need("mlx.core")
    assert quick("mlx.nn:log_softmax --fixed C=10", laws=["SM-7"]).conforms
