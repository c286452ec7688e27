"""Objax as it is: what each is taken for, what conforms, and what is told as wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnlaws import check
from nnlaws_server.errors import TargetError

Need = Callable[[str], Any]
Taken = Callable[[str], Any]
pytestmark = pytest.mark.filterwarnings("ignore")

MINE = """
import jax

if not hasattr(jax.sharding, "PmapSharding"):  # newer JAX has none, and Objax 1.8 asks for it at each step
    jax.sharding.PmapSharding = type("PmapSharding", (), {})

import objax
from objax.optimizer import SGD, Adam, Momentum

class Half(SGD):
    "Wrong: it goes half the way."
    def __call__(self, lr, grads):
        super().__call__(lr / 2, grads)

class Unscaled(objax.nn.BatchNorm0D):
    "Wrong: without gamma."
    def __call__(self, x, training):
        return (super().__call__(x, training) - self.beta.value) / self.gamma.value + self.beta.value
"""
BATCH_NORM = {"batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference"}
LOSS = {"cross_entropy", "cross_entropy_gradient"}


@pytest.fixture
def mine(tmp_path: Path, need: Need) -> Callable[[str], str]:
    """A target's text, with the path of the file above for `mine.py`."""
    need("objax")
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    return lambda target: target.replace("mine.py", str(path))


def judged(target: str, law: str) -> Any:
    return check(target, profile="quick", dtypes=["float32"], timeout=60, laws=[law], shapes="few")


@pytest.mark.parametrize(
    ("target", "offered", "words"),
    [
        ("objax.functional:softmax", {"softmax"}, "called as f(z, axis=-1)"),
        ("objax.functional.loss:cross_entropy_logits", LOSS, "probabilities, the values one by one over samples"),
        ("objax.functional.loss:cross_entropy_logits_sparse", LOSS, "class numbers, the values one by one"),
        ("objax.nn:BatchNorm2D", BATCH_NORM, "taken for batch norm, its momentum the weight of the old"),
        ("mine.py:Momentum", {"momentum", "gradient_descent"}, "taken for an optimizer"),
        ("mine.py:Momentum nesterov=True", {"momentum", "gradient_descent"}, "with nesterov = True"),
        ("mine.py:Adam", {"adam"}, "taken for an optimizer: adam"),
    ],
)
def test_it_is_taken_for_what_it_is(
    target: str, offered: set[str], words: str, taken: Taken, mine: Callable[[str], str]
) -> None:
    made = taken(mine(target))
    assert {name for name, value in vars(made).items() if callable(value)} == offered
    assert words in "; ".join(made.recognised)


@pytest.mark.parametrize("kind", ["BatchNorm0D", "BatchNorm1D", "BatchNorm2D"])
def test_its_operations_are_those_of_the_library(kind: str, need: Need, taken: Taken) -> None:
    """On numbers of which every step is exact, but for a root; the variance is no rounded difference from 1."""
    need("objax")
    layer, z = taken(f"objax.nn:{kind}"), np.array([[-1.0], [1.0]], np.float32) / 1024
    gamma, beta = np.array([3.0], np.float32), np.array([0.5], np.float32)
    out, mean, var = layer.batch_norm_train(z, gamma, beta, eps=0.0)
    assert (out.tolist(), mean.tolist(), var.tolist(), out.dtype) == ([[-2.5], [3.5]], [0.0], [2.0**-20], np.float32)
    dz, dgamma, dbeta = layer.batch_norm_backward(np.array([[1.0], [3.0]], np.float32), 1024 * z, gamma, eps=0.0)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0.0], [0.0]], [2.0], [4.0])
    mean, var = layer.batch_norm_running(2048 * z[None], decay=0.75)
    assert (mean.tolist(), var.tolist()) == ([0.0], [1.75])
    out = layer.batch_norm_inference(1024 * z, gamma, beta, gamma / 3, gamma, eps=1.0)
    assert out.tolist() == [[-2.5], [0.5]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_optimizer_is_interrupted_and_goes_on(dtype: str, taken: Taken, mine: Callable[[str], str]) -> None:
    adam = taken(mine("mine.py:Adam")).adam
    theta, grads = np.arange(3, dtype=dtype), np.random.default_rng(0).standard_normal((4, 3)).astype(dtype)
    options = {"learning_rate": (0.1, 0.2, 0.3, 0.1), "beta1": 0.9, "beta2": 0.99, "eps": 1e-6}
    whole = adam(theta, grads, **options)
    assert whole.dtype == dtype
    assert np.array_equal(whole, adam(theta, grads, save_at=2, **options))


@pytest.mark.slow  # each choice of numbers is compiled
def test_it_conforms(mine: Callable[[str], str]) -> None:
    report = judged(mine("mine.py:Adam"), "adam.value")
    assert "adam judged as adam_form = epsilon_hat_inside" in "; ".join(report.recognised)
    assert report.conforms, str(report)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("Half --as gradient_descent", "gradient_descent.value"),
        pytest.param("Unscaled", "batch_norm_inference.value", marks=pytest.mark.slow),
    ],
)
def test_what_is_wrong_is_told(name: str, law: str, mine: Callable[[str], str]) -> None:
    report = judged(mine(f"mine.py:{name}"), law)
    assert [result.law for result in report.results if result.broken] == [law], str(report)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("objax.nn:BatchNorm", "made of 3 features, it raised TypeError"),
        ("objax.nn:BatchNorm1D eps=0.1", "eps is set by the laws"),
        ("objax.nn:GroupNorm2D", "of batch norm's it has no momentum"),
        ("objax.functional:relu", "is not recognised"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str, need: Need, taken: Taken) -> None:
    need("objax")
    with pytest.raises(TargetError, match=message):
        taken(target)
