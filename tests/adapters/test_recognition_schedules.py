"""Schedules of libraries as they are: `nnlaws check torch.optim.lr_scheduler:CosineAnnealingLR`."""

from typing import Any

import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

FOUND = [
    ("torch.optim.lr_scheduler:LinearLR", {"linear_schedule"}, Outcome.CONFORMS),
    ("torch.optim.lr_scheduler:PolynomialLR", {"polynomial_schedule"}, Outcome.CONFORMS),
    ("torch.optim.lr_scheduler:CosineAnnealingLR", {"cosine_schedule"}, Outcome.DECLARED),
    ("optax:linear_schedule", {"linear_schedule"}, Outcome.CONFORMS),
    ("optax:polynomial_schedule", {"polynomial_schedule"}, Outcome.CONFORMS),
    ("optax:cosine_decay_schedule", {"cosine_schedule"}, Outcome.CONFORMS),
    ("optax:warmup_cosine_decay_schedule", {"warmup_cosine_schedule"}, Outcome.CONFORMS),
    ("keras.optimizers.schedules:PolynomialDecay", {"linear_schedule", "polynomial_schedule"}, Outcome.CONFORMS),
    ("keras.optimizers.schedules:CosineDecay", {"cosine_schedule", "warmup_cosine_schedule"}, Outcome.CONFORMS),
]


def judged(target: Any, **more: Any) -> Any:
    laws = ("first_rate", "last_rate")
    return check(target, laws=laws, dtypes=("float32",), profile="quick", timeout=60, shapes="few", **more)


@pytest.mark.parametrize(("target", "operations", "outcome"), FOUND, ids=[each[0] for each in FOUND])
def test_a_schedule_is_recognised_by_its_parameters(
    target: str, operations: set[str], outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(target.partition(".")[0].partition(":")[0])
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    report = judged(target)
    assert set(report.offered) == operations
    assert {each.outcome for each in report.results if each.outcome is not Outcome.NOT_OFFERED} == {outcome}


def test_a_scheduler_of_one_s_own_is_judged_as_it_is(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held at the end, it is not periodic; with the ends swapped, it violates."""
    pytest.importorskip("torch")
    (tmp_path / "own_schedules.py").write_text(
        """
import math
from torch.optim.lr_scheduler import LRScheduler


class Held(LRScheduler):
    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        height = (1 + math.cos(math.pi * min(self.last_epoch, self.T_max) / self.T_max)) / 2
        return [self.mixed(lr, height) for lr in self.base_lrs]

    def mixed(self, lr, height):
        return self.eta_min + (lr - self.eta_min) * height


class Swapped(Held):
    def mixed(self, lr, height):
        return lr + (self.eta_min - lr) * height
""",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    outcomes = {
        name: {each.outcome for each in judged(f"own_schedules.py:{name}").results} - {Outcome.NOT_OFFERED}
        for name in ("Held", "Swapped")
    }
    assert outcomes["Held"] == {Outcome.CONFORMS}
    assert Outcome.VIOLATES in outcomes["Swapped"]


def test_what_the_laws_set_is_not_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    with pytest.raises(LoadError, match="eta_min is set by the laws, to many values: leave it out"):
        judged("torch.optim.lr_scheduler:CosineAnnealingLR eta_min=0.1")
