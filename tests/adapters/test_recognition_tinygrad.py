"""tinygrad as it is, on its device that needs no compiler: what its objects are taken for, and what is told of others.

Each new shape, and each new number, is compiled: no law runs here on more than a few arrays.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.chapters import OPERATIONS
from nnlaws_server.errors import TargetError
from nnlaws_server.loading import loaded
from nnlaws_server.recognising import recognised

Need = Callable[[str], Any]

BATCH_NORM = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
LOSS = ("cross_entropy", "cross_entropy_gradient")

TAKEN: dict[str, tuple[tuple[str, ...], str]] = {
    "tinygrad:Tensor.softmax": (("softmax",), "taken for softmax by rows, called as f(z, axis=-1)"),
    "tinygrad.tensor:Tensor.log_softmax": (("log_softmax",), "taken for log_softmax by rows, called as f(z, axis=-1)"),
    "tinygrad:Tensor.cross_entropy": (LOSS, "class numbers or probabilities, the mean over samples"),
    "tinygrad:Tensor.sparse_categorical_crossentropy reduction=sum": (LOSS, "class numbers, the sum over samples"),
    "tinygrad.nn:BatchNorm": (BATCH_NORM, "batch norm of input of 2 or 4 axes, its momentum the weight of the new"),
    "tinygrad.nn.optim:SGD": (("gradient_descent", "momentum"), "it keeps float32, whatever its parameters are"),
    "tinygrad.nn.optim:Adam": (("adam",), "taken for an optimizer: adam"),
    "tinygrad.nn.optim:AdamW": (("adam", "adamw"), "with weight_decay = 0.0"),
}


@pytest.fixture(autouse=True)
def interpreted(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Python, where there is no clang: here, and in the processes that are started."""
    need("tinygrad")
    if shutil.which("clang") is None:
        monkeypatch.setenv("DEV", "PYTHON")
        monkeypatch.setattr(need("tinygrad.helpers").DEV, "value", "PYTHON")


def taken(target: str) -> Any:
    """What it is recognised as, in this process, and with no law run."""
    return recognised(loaded(target, {}), target, OPERATIONS, {}, "nnlaws.native.recognition")


@pytest.mark.parametrize("target", TAKEN)
def test_it_is_taken_for_what_it_is(target: str) -> None:
    offered, words = TAKEN[target]
    made = taken(target)
    assert words in "; ".join(made.recognised)
    assert {name for name in OPERATIONS if hasattr(made, name)} == set(offered)


def quick(target: str, **more: Any) -> Any:
    return check(target, profile="quick", dtypes=["float32"], timeout=60, shapes="few", **more)


def test_it_conforms() -> None:
    report = quick("tinygrad:Tensor.softmax", laws=["SM-8"])
    assert report.conforms, str(report)


def test_batch_norm_is_that_of_the_library() -> None:
    """On numbers of which every step is exact; the running variance is unbiased."""
    target = taken("tinygrad.nn:BatchNorm")
    z, gamma, beta = np.array([[-1.0], [1.0]]), np.array([3.0]), np.array([0.5])
    out, mean, var = target.batch_norm_train(z, gamma, beta, eps=0.0)
    assert (out.tolist(), mean.tolist(), var.tolist()) == ([[-2.5], [3.5]], [0.0], [2.0])
    dz, dgamma, dbeta = target.batch_norm_backward(np.array([[1.0], [3.0]]), z, gamma, eps=0.0)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0.0], [0.0]], [2.0], [4.0])
    mean, var = target.batch_norm_running(np.array([z, z + 4.0]), decay=0.75)
    assert (mean.tolist(), var.tolist()) == ([1.0], [0.5625 + 0.25 * 2 + 0.75 * 0.25 * 2])
    out = target.batch_norm_inference(z, gamma, beta, np.array([1.0]), np.array([3.0]), eps=1.0)
    assert out.tolist() == [[-2.5], [0.5]]


def test_an_optimizer_goes_on_from_what_it_saved() -> None:
    target = taken("tinygrad.nn.optim:SGD")
    theta, grads = np.array([1.0, 2.0, 3.0], np.float32), np.ones((3, 3), np.float32)
    options: dict[str, Any] = {"learning_rate": 0.5, "beta": 0.5}
    whole = target.momentum(theta, grads, **options)
    assert whole.tolist() == [[0.5, 1.5, 2.5], [-0.25, 0.75, 1.75], [-1.125, -0.125, 0.875]]
    assert np.array_equal(target.momentum(theta, grads, **options, save_at=1), whole)


MINE = """
from tinygrad import Tensor, nn


class Shifted(nn.BatchNorm):
    "Wrong: not in evaluation."

    def __call__(self, x):
        return super().__call__(x) + 0.01


def over(z):
    return 1.005 * z.softmax()
"""


def test_what_is_wrong_is_told_by_its_clause(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    report = quick(f"{path}:over", laws=["SM-8"])
    assert {result.clause for result in report.results if result.outcome is Outcome.VIOLATES} == {"SM-8"}
    shifted = taken(f"{path}:Shifted")
    z, one = np.array([[-1.0], [1.0]]), np.ones(1)
    assert np.allclose(shifted.batch_norm_train(z, one, 0 * one, eps=0.0)[0], z + 0.01)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("tinygrad.nn:LayerNorm", "of batch norm's it has no momentum"),
        ("tinygrad.nn:BatchNorm affine=False", "it keeps no weight, bias of 3 features"),
        ("tinygrad.nn:BatchNorm eps=0.1", "eps is set by the laws"),
        ("tinygrad.nn:Linear", "of batch norm's it has no eps, momentum"),
        ("tinygrad:Tensor.relu", "is not recognised"),
        ("tinygrad:Tensor.cross_entropy label_smoothing=0.1", "label_smoothing makes something else of it"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        taken(target)


def test_without_a_device_that_works_it_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any) -> None:
        raise FileNotFoundError("clang")

    monkeypatch.setattr("tinygrad.Tensor.numpy", refuse)
    with pytest.raises(TargetError, match=r"tinygrad has no device that works: .* it needs clang; with DEV=PYTHON"):
        taken("tinygrad:Tensor.softmax")
