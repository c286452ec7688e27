"""thinc as it is: what each is taken for, what conforms, and what is told as wrong."""

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
from thinc.api import Optimizer

class Slow(Optimizer):
    "Wrong: it goes half the way."
    def __call__(self, key, weights, gradient, *, lr_scale=1.0):
        return super().__call__(key, weights, gradient, lr_scale=lr_scale / 2)

def sgd(learn_rate, *, L2=0.0, grad_clip=1.0):
    return Slow(learn_rate, L2=L2, grad_clip=grad_clip, beta1=0.0, beta2=0.0)
"""


@pytest.mark.parametrize(
    ("target", "offered", "words"),
    [
        ("thinc.api:SGD", {"gradient_descent"}, "with grad_clip = 0.0"),
        ("thinc.api:Adam", {"adam", "adamw"}, "with grad_clip = 0.0"),
        ("thinc.backends:NumpyOps.softmax", {"softmax"}, "called as f(z, axis=-1)"),
        ("thinc.api:softmax_activation", {"softmax"}, "taken for softmax by rows, called as f(z)"),
        ("thinc.api:decaying", {"inverse_time_decay"}, "taken for a schedule: inverse_time_decay"),
        ("thinc.api:compounding", {"exponential_decay"}, "with stop = 0.0"),
    ],
)
def test_it_is_taken_for_what_it_is(target: str, offered: set[str], words: str, need: Need, taken: Taken) -> None:
    need("thinc")
    made = taken(target)
    assert {name for name, value in vars(made).items() if callable(value)} == offered
    assert words in "; ".join(made.recognised)


def test_gradients_are_not_clipped_and_a_state_is_saved(need: Need, taken: Taken) -> None:
    need("thinc")
    theta, grads = np.zeros(3, np.float32), np.full((4, 3), 8.0, np.float32)
    moved = taken("thinc.api:SGD").gradient_descent(theta, grads, learning_rate=(0.5, 0.25, 0.0, 1.0))
    assert moved[:, 0].tolist() == [-4.0, -6.0, -6.0, -14.0]
    adam, options = taken("thinc.api:Adam").adam, {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-6}
    assert np.array_equal(adam(theta, grads, **options), adam(theta, grads, save_at=2, **options))
    decayed = taken("thinc.api:compounding").exponential_decay(np.arange(3.0), initial=8.0, rate=0.5)
    assert decayed.tolist() == [8.0, 4.0, 2.0]


def test_adam_without_beta2_is_gradient_descent(need: Need) -> None:
    """docs/findings.md has it; β₁ of 0 alone is refused."""
    need("thinc")
    report = check("thinc.api:Adam", profile="quick", dtypes=["float32"], timeout=60, laws=["adam.value", "OP-17"])
    assert "adamw judged as adam_form = epsilon_hat, decoupling = after_step" in "; ".join(report.recognised)
    assert "judged without adam.beta1 and adamw.beta1 of 0, which it refuses" in report.declares
    assert [result.clause for result in report.results if result.broken] == ["OP-10"], str(report)


def test_what_is_wrong_is_told(tmp_path: Path, need: Need) -> None:
    need("thinc")
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    target = f"{path}:sgd --as gradient_descent"
    report = check(target, profile="quick", dtypes=["float32"], timeout=60, laws=["gradient_descent.value"])
    assert [result.law for result in report.results if result.broken] == ["gradient_descent.value"], str(report)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("thinc.api:Adam beta1=0.9", "beta1 is set by the laws"),
        ("thinc.api:compounding stop=0.1", "stop is set by the laws"),
        ("thinc.loss:CategoricalCrossentropy", "its losses are of probabilities, not of logits"),
        ("thinc.api:Relu", "is not recognised"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str, need: Need, taken: Taken) -> None:
    need("thinc")
    with pytest.raises(TargetError, match=message):
        taken(target)
