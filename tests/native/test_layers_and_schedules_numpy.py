"""Batch norm that goes wrong between calls, and schedules that are functions of an epoch, in NumPy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nnlaws import check
from nnlaws.harness.parent import LoadError

MINE = """
import numpy as np

class Norm:
    def __init__(self, n, eps=1e-5, momentum=0.9):
        self.gamma, self.beta, self.eps, self.momentum = np.ones(n), np.zeros(n), eps, momentum
        self.running_mean, self.running_var = np.zeros(n), np.ones(n)

    def moved(self, x):
        keep = self.momentum
        self.running_mean = keep * self.running_mean + (1 - keep) * x.mean(0)
        self.running_var = keep * self.running_var + (1 - keep) * x.var(0)

    def scaled(self, x, mean, var):
        return self.gamma * (x - mean) / np.sqrt(var + self.eps) + self.beta

    def forward(self, x, training=True):
        if training and len(x):
            self.moved(x)
            return self.scaled(x, x.mean(0), x.var(0))
        return self.scaled(x, self.running_mean, self.running_var)

class ByAverages(Norm):
    "Wrong: in training it normalises by the averages."
    def forward(self, x, training=True):
        if training and len(x):
            self.moved(x)
        return self.scaled(x, self.running_mean, self.running_var)

class Moving(Norm):
    "Wrong: at inference the averages go on."
    def forward(self, x, training=True):
        out = super().forward(x, training)
        if not training:
            self.moved(x)
        return out

class Forgets(Norm):
    "Wrong: at inference it leaves ε out."
    def forward(self, x, training=True):
        if training:
            return super().forward(x)
        return self.gamma * (x - self.running_mean) / np.sqrt(self.running_var) + self.beta

class Without(Norm):
    "Right, and without ε: of no variance nothing is promised."
    def __init__(self, n, momentum=0.9):
        super().__init__(n, 0.0, momentum)
        del self.eps

    def scaled(self, x, mean, var):
        with np.errstate(all="ignore"):
            return self.gamma * (x - mean) / np.sqrt(var) + self.beta

class Activated(Norm):
    "More than batch norm."
    def scaled(self, x, mean, var):
        return np.maximum(super().scaled(x, mean, var), 0)

norm = Norm(3)

class Loss:
    def forward(self, z, y):
        z = z - z.max(-1, keepdims=True)
        logs = z - np.log(np.exp(z).sum(-1, keepdims=True))
        return -(y * logs).sum(-1).mean()

class Derived(Loss):
    "Its backward pass gives nothing."
    def backward(self):
        return None

class OfMean(Loss):
    "Its gradient is that of the mean."
    def forward(self, z, y):
        self.z, self.y = z, y
        return super().forward(z, y)

    def backward(self):
        e = np.exp(self.z - self.z.max(-1, keepdims=True))
        return (e / e.sum(-1, keepdims=True) - self.y) / len(self.y)

class OfSum(OfMean):
    "The division is left to what comes before."
    def backward(self, dout):
        return dout * super().backward() * len(self.y)

class ForgetsTargets(OfMean):
    "Wrong: the targets are forgotten."
    def backward(self):
        return super().backward() + self.y / len(self.y)

def smooth(z, y, smoothing=0.1):
    z = z - z.max(-1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return -((y * (1 - smoothing) + smoothing / z.shape[-1]) * logs).sum(-1).mean()

def exponential(epoch, lr0=0.1, k=0.95):
    return lr0 * k**epoch

def inverse(epoch, lr0=0.1, decay_rate=1.0):
    return lr0 / (1 + decay_rate * epoch)

def late(epoch, lr0=0.1, decay_rate=1.0):
    "Wrong: an epoch too late."
    return lr0 / (1 + decay_rate * (epoch + 1))

def stairs(epoch, initial_lr=0.1, drop=0.5, epochs_drop=10):
    return initial_lr * drop ** (epoch // epochs_drop)

def natural(epoch, lr0=0.1, k=0.05):
    return lr0 * np.exp(-k * epoch)
"""


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Any]:
    def judge(name: str, *laws: str) -> Any:
        (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
        return check(f"{tmp_path / 'mine.py'}:{name}", profile="quick", dtypes=["float32"], laws=laws)

    return judge


@pytest.mark.parametrize("name", ["Norm", "Without"])
def test_what_is_right_conforms(name: str, judged: Callable[..., Any]) -> None:
    report = judged(name, "BN-4", "BN-21", "BN-23", "BN-24", "BN-25")
    assert report.conforms, str(report)
    assert set(report.offered) == {"batch_norm_train", "batch_norm_running", "batch_norm_inference"}


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("ByAverages", "batch_norm_train.value"),
        ("Moving", "batch_norm_inference.value"),
        ("Forgets", "batch_norm_inference.value"),
    ],
)
def test_what_goes_wrong_from_call_to_call_violates(name: str, law: str, judged: Callable[..., Any]) -> None:
    assert not judged(name, law).conforms


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Activated", "there is more in it than batch norm"),
        ("norm", "made already: give its class"),
        ("natural", "takes the factor itself"),
    ],
)
def test_what_is_something_else_is_told_so(name: str, message: str, judged: Callable[..., Any]) -> None:
    with pytest.raises(LoadError, match=message):
        judged(name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Derived", "its backward is not judged: of logits of shape (4, 3) it gives ()"),
        ("smooth", "with smoothing = 0.0"),
    ],
)
def test_what_is_left_out_of_a_loss_is_told(name: str, told: str, judged: Callable[..., Any]) -> None:
    report = judged(name, "cross_entropy.value")
    assert report.conforms, str(report)
    assert told in report.recognised


@pytest.mark.parametrize(("name", "of"), [("OfMean", "mean"), ("OfSum", "sum")])
def test_the_backward_pass_of_a_loss_is_judged(name: str, of: str, judged: Callable[..., Any]) -> None:
    report = judged(name)
    assert set(report.offered) == {"cross_entropy", "cross_entropy_gradient"}
    assert f"its backward gives the gradient of the {of}" in report.recognised
    assert not [each for each in report.results if each.outcome.value in ("violates", "error")], str(report)


def test_a_wrong_backward_pass_of_a_loss_violates(judged: Callable[..., Any]) -> None:
    report = judged("ForgetsTargets", "cross_entropy_gradient.value", "cross_entropy.value")
    assert [each.law for each in report.results if each.broken] == ["cross_entropy_gradient.value"]


@pytest.mark.parametrize(
    ("name", "operation"),
    [("exponential", "exponential_decay"), ("inverse", "inverse_time_decay"), ("stairs", "staircase_decay")],
)
def test_a_function_of_an_epoch_is_a_schedule(name: str, operation: str, judged: Callable[..., Any]) -> None:
    report = judged(name)
    assert report.conforms, str(report)
    assert {result.operation for result in report.results if result.outcome.value == "conforms"} == {operation}


def test_a_schedule_that_is_late_violates(judged: Callable[..., Any]) -> None:
    report = judged("late", "inverse_time_decay.value")
    assert not report.conforms
