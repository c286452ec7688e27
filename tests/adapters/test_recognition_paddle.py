"""Paddle as it is: what each is taken for, what conforms, and what is told as wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnlaws import check
from nnlaws_server.errors import TargetError

Need = Callable[[str], Any]
Taken = Callable[[str], Any]
pytestmark = pytest.mark.filterwarnings("ignore")  # Paddle warns when it is imported, and of each layer in training

MINE = """
import paddle

class Unbiased(paddle.nn.Layer):
    "Wrong: it normalises by the variance over m - 1. Its momentum is the weight of the new, unlike Paddle's own."

    def __init__(self, n, epsilon=1e-5, momentum=0.1):
        super().__init__()
        self.epsilon, self.momentum = epsilon, momentum
        self.gamma = self.create_parameter([n], default_initializer=paddle.nn.initializer.Constant(1.0))
        self.beta = self.create_parameter([n], is_bias=True)
        self.register_buffer("running_mean", paddle.zeros([n]))
        self.register_buffer("running_var", paddle.ones([n]))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0)
            for kept, new in ((self.running_mean, mean), (self.running_var, var)):
                kept.set_value((1 - self.momentum) * kept + self.momentum * new.detach())
        return (x - mean) / paddle.sqrt(var + self.epsilon) * self.gamma + self.beta

class Half(paddle.optimizer.SGD):
    "Wrong: it goes half the way."
    def set_lr(self, value):
        super().set_lr(value / 2)

class Late(paddle.optimizer.lr.StepDecay):
    "Wrong: every stair is an epoch late."
    def get_lr(self):
        return self.base_lr * self.gamma ** (max(self.last_epoch - 1, 0) // self.step_size)
"""
BATCH_NORM = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
LOSS = ("cross_entropy", "cross_entropy_gradient")

CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "paddle.nn.functional:softmax": (("softmax",), "taken for softmax by rows"),
    "paddle.nn.functional:log_softmax": (("log_softmax",), "taken for log_softmax by rows"),
    "paddle.nn:Softmax": (("softmax",), "taken for softmax by rows, called as f(z)"),
    "paddle.nn:CrossEntropyLoss": (LOSS, "class numbers, the mean over samples"),
    "paddle.nn:CrossEntropyLoss soft_label=True": (LOSS, "probabilities, the mean over samples; with soft_label"),
    "paddle.nn.functional:cross_entropy": (LOSS, "class numbers, the mean over samples"),
    "paddle.nn:BatchNorm1D": (BATCH_NORM, "input of 2 or 3 axes, its momentum the weight of the old"),
    "paddle.nn:BatchNorm2D data_format=NHWC": (BATCH_NORM, "input of 4 axes"),
    "paddle.nn:BatchNorm3D": (BATCH_NORM, "input of 5 axes"),
    "paddle.optimizer:SGD": (("gradient_descent",), "taken for an optimizer"),
    "paddle.optimizer:RMSProp": (("rmsprop",), "taken for an optimizer"),
    "paddle.optimizer:AdamW": (("adam", "adamw"), "with weight_decay = 0.0"),
    "paddle.optimizer.lr:StepDecay": (("staircase_decay",), "taken for a schedule: staircase_decay"),
}


@pytest.mark.parametrize("target", CASES)
def test_it_is_taken_for_what_it_is(target: str, need: Need, taken: Taken) -> None:
    need("paddle")
    offered, words = CASES[target]
    made = taken(target)
    assert {name for name, value in vars(made).items() if callable(value)} == set(offered)
    assert words in "; ".join(made.recognised)


@pytest.mark.parametrize("target", ["paddle.nn:BatchNorm1D", "paddle.nn:BatchNorm2D data_format=NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_operations_are_those_of_the_library(target: str, dtype: str, need: Need, taken: Taken) -> None:
    """On numbers of which every step is exact."""
    need("paddle")
    layer, z = taken(target), np.array([[-1.0], [1.0]], dtype)
    gamma, beta = np.array([3.0], dtype), np.array([0.5], dtype)
    out, mean, var = layer.batch_norm_train(z, gamma, beta, eps=0.0)
    assert (out.tolist(), mean.tolist(), var.tolist(), out.dtype) == ([[-2.5], [3.5]], [0.0], [1.0], dtype)
    dout = np.array([[1.0], [3.0]], dtype)
    dz, dgamma, dbeta = layer.batch_norm_backward(dout, z, gamma, eps=0.0)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0.0], [0.0]], [2.0], [4.0])
    mean, var = layer.batch_norm_running(2 * z[None], decay=0.75)
    assert (mean.tolist(), var.tolist()) == ([0.0], [1.75])
    out = layer.batch_norm_inference(z, gamma, beta, np.array([1.0], dtype), np.array([3.0], dtype), eps=1.0)
    assert out.tolist() == [[-2.5], [0.5]]


def test_an_optimizer_is_interrupted_and_goes_on(need: Need, taken: Taken) -> None:
    need("paddle")
    adam = taken("paddle.optimizer:Adam").adam
    theta, grads = np.arange(5, dtype=np.float32), np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    options = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-6}
    assert np.array_equal(adam(theta, grads, **options), adam(theta, grads, save_at=3, **options))


@pytest.mark.parametrize(
    ("target", "laws", "words"),
    [
        ("paddle.optimizer:Momentum", ["momentum.value", "OP-17"], "momentum judged as velocity = heavy_ball"),
        ("paddle.optimizer.lr:ExponentialDecay", ["LR-2"], "not judged as inverse_time_decay"),
    ],
)
def test_it_conforms(target: str, laws: list[str], words: str, need: Need) -> None:
    need("paddle")
    report = check(target, profile="quick", dtypes=["float32"], timeout=60, laws=laws)
    assert report.conforms, str(report)
    assert words in "; ".join(report.recognised)
    alone = "judged without rate of 1, which it refuses"
    assert (alone in report.declares) == target.endswith("ExponentialDecay")


def test_logits_are_clipped(need: Need) -> None:
    """docs/findings.md has it."""
    need("paddle")
    report = check("paddle.nn:Softmax", profile="quick", dtypes=["float32"], timeout=60, laws=["softmax.value"])
    assert [
        result.violation.cause.name for result in report.results if result.violation and result.violation.cause
    ] == ["softmax.clipped_shift"]


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("Unbiased", "batch_norm_train.value"),
        ("Half --as gradient_descent", "gradient_descent.value"),
        ("Late --as staircase_decay", "staircase_decay.value"),
    ],
)
def test_what_is_wrong_is_told(name: str, law: str, tmp_path: Path, need: Need) -> None:
    need("paddle")
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    report = check(f"{path}:{name}", profile="quick", dtypes=["float32"], timeout=60, laws=[law])
    (broken,) = [result for result in report.results if result.broken]
    assert broken.law == law
    if name == "Unbiased":
        assert "batch_norm_train.unbiased_variance" in str(report)
        assert "its momentum the weight of the new" in report.recognised[0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("paddle.optimizer.lr:NaturalExpDecay", r"it falls as the initial rate times e\^\(-gamma epoch\)"),
        ("paddle.optimizer.lr:MultiStepDecay", "expected learning_rate, gamma, and step_size alone"),
        ("paddle.optimizer:SGD learning_rate=0.1", "learning_rate is set by the laws"),
        ("paddle.nn:LayerNorm", "of batch norm's it has no momentum"),
        ("paddle.nn:BatchNorm1D weight_attr=False", "it keeps no weight of 3 features"),
        ("paddle.nn:BatchNorm1D use_global_stats=True", "use_global_stats makes something else of it"),
        ("paddle.nn:NLLLoss", "the cross entropy of logarithms of probabilities, not of logits"),
        ("paddle.nn.functional:relu", "is not recognised"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str, need: Need, taken: Taken) -> None:
    need("paddle")
    with pytest.raises(TargetError, match=message):
        taken(target)
