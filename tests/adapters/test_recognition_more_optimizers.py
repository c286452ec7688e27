"""Optimizers beyond the notes, as libraries have them: `nnlaws check torch.optim:NAdam`."""

from typing import Any

import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

FOUND = [
    ("torch.optim:SGD", {"sgd", "momentum", "gradient_descent"}, ""),
    ("torch.optim:Adagrad", {"adagrad"}, ""),
    ("torch.optim:Adam amsgrad=True", {"amsgrad"}, ""),
    ("torch.optim:NAdam", {"nadam"}, ""),
    ("torch.optim:RAdam", {"radam"}, ""),
    ("optax:adagrad", {"adagrad"}, "adagrad_epsilon = inside"),
    ("optax:amsgrad", {"amsgrad"}, "amsgrad_form = corrected_maximum"),
    ("optax:amsgrad bias_correction_nu=False bias_correction_mu=False", {"amsgrad"}, "amsgrad_form = uncorrected"),
    ("optax:nadam", {"nadam"}, "momentum_schedule = steady"),
    ("optax:radam", {"radam"}, "radam_form = epsilon_outside"),
    ("optax:lion", {"lion"}, ""),
    ("keras.optimizers:Adagrad", {"adagrad"}, "adagrad_epsilon = inside"),
    ("keras.optimizers:Adam amsgrad=True", {"amsgrad"}, "amsgrad_form = epsilon_hat"),
    ("keras.optimizers:Nadam", {"nadam"}, ""),
    ("keras.optimizers:Lion", {"lion"}, ""),
    ("mlx.optimizers:SGD", {"sgd", "momentum", "gradient_descent"}, "first_velocity = dampened"),
    ("mlx.optimizers:Adagrad", {"adagrad"}, ""),
    ("mlx.optimizers:Lion", {"lion"}, ""),
]


def judged(target: Any, *laws: str) -> Any:
    return check(target, laws=laws, dtypes=("float32",), profile="quick", timeout=120, shapes="few")


@pytest.mark.parametrize(("target", "operations", "told"), FOUND, ids=[each[0] for each in FOUND])
def test_a_class_is_taken_for_what_it_is(
    target: str, operations: set[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And conforms on a hundred steps, under the convention that it is found to follow."""
    pytest.importorskip(target.partition(".")[0].partition(":")[0])
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    report = judged(target, "long_run", "changing_rate_value")
    assert set(report.offered) == operations
    lines = "; ".join(report.recognised)
    assert told in lines, lines
    outcomes = {each.outcome for each in report.results} - {Outcome.NOT_OFFERED}
    assert outcomes <= {Outcome.CONFORMS, Outcome.DECLARED}, str(report)
    assert outcomes


def test_with_nesterov_s_look_ahead_it_is_momentum_alone() -> None:
    """PyTorch takes no dampening then."""
    pytest.importorskip("torch")
    report = judged("torch.optim:SGD nesterov=True", "CT-1")
    assert "momentum" in report.offered
    assert "sgd" not in report.offered


def test_what_counts_from_the_second_step_is_something_else() -> None:
    """docs/findings.md tells how thinc's RAdam does."""
    pytest.importorskip("thinc")
    with pytest.raises(LoadError, match="not judged as radam: it has its arguments, and does something else"):
        judged("thinc.api:RAdam", "CT-1")


def test_one_s_own_with_a_known_mistake_is_told_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lion that averages first, as a class of PyTorch: its name says what it is meant to be."""
    pytest.importorskip("torch")
    (tmp_path / "own_lion.py").write_text(
        """
import torch


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), lr = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - lr * group["weight_decay"])
                self.move(p, m, beta1, beta2, lr)

    def move(self, p, m, beta1, beta2, lr):
        p.add_(torch.sign(m * beta1 + p.grad * (1 - beta1)), alpha=-lr)
        m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


class LateLion(Lion):
    def move(self, p, m, beta1, beta2, lr):
        m.mul_(beta2).add_(p.grad, alpha=1 - beta2)
        p.add_(torch.sign(m * beta1 + p.grad * (1 - beta1)), alpha=-lr)
""",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    right = judged("own_lion.py:Lion", "lion.value", "lion.whole_steps", "lion.resumed")
    assert {each.outcome for each in right.results} == {Outcome.CONFORMS}, str(right)
    with pytest.raises(LoadError, match="not judged as lion: it has its arguments, and does something else"):
        judged("own_lion.py:LateLion", "lion.value")
    insisted = judged("own_lion.py:LateLion --as lion", "lion.value")
    assert {each.outcome for each in insisted.results} == {Outcome.VIOLATES}, str(insisted)
