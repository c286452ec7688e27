"""Schedules of libraries as they are: `nnlaws check torch.optim.lr_scheduler:CosineAnnealingLR`."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError
from nnlaws.harness.targets import resolve

FOUND = [
    ("torch.optim.lr_scheduler:LinearLR", {"linear_schedule"}, Outcome.CONFORMS),
    ("torch.optim.lr_scheduler:PolynomialLR", {"polynomial_schedule"}, Outcome.CONFORMS),
    ("torch.optim.lr_scheduler:CosineAnnealingLR", {"cosine_schedule"}, Outcome.DECLARED),
    ("torch.optim.lr_scheduler:CosineAnnealingWarmRestarts", {"cosine_restarts_schedule"}, Outcome.CONFORMS),
    ("torch.optim.lr_scheduler:OneCycleLR", {"one_cycle_schedule"}, Outcome.DECLARED),
    ("torch.optim.lr_scheduler:CyclicLR", {"cyclical_schedule"}, Outcome.CONFORMS),
    ("optax:sgdr_schedule", {"cosine_restarts_schedule"}, Outcome.CONFORMS),
    ("optax:cosine_onecycle_schedule", {"one_cycle_schedule"}, Outcome.CONFORMS),
    ("optax:linear_onecycle_schedule", {"one_cycle_schedule"}, Outcome.DECLARED),
    ("keras.optimizers.schedules:CosineDecayRestarts", {"cosine_restarts_schedule"}, Outcome.CONFORMS),
    ("optax:linear_schedule", {"linear_schedule"}, Outcome.CONFORMS),
    ("optax:polynomial_schedule", {"polynomial_schedule"}, Outcome.CONFORMS),
    ("optax:cosine_decay_schedule", {"cosine_schedule"}, Outcome.CONFORMS),
    ("optax:warmup_cosine_decay_schedule", {"warmup_cosine_schedule"}, Outcome.CONFORMS),
    ("keras.optimizers.schedules:PolynomialDecay", {"linear_schedule", "polynomial_schedule"}, Outcome.CONFORMS),
    ("keras.optimizers.schedules:CosineDecay", {"cosine_schedule", "warmup_cosine_schedule"}, Outcome.CONFORMS),
]


def outcomes(report: Any) -> set[Outcome]:
    return {each.outcome for each in report.results} - {Outcome.NOT_OFFERED}


def judged(target: Any, laws: Sequence[str] = ("first_rate", "last_rate"), **more: Any) -> Any:
    return check(target, laws=laws, dtypes=("float32",), profile="quick", timeout=60, shapes="few", **more)


@pytest.mark.parametrize(("target", "operations", "outcome"), FOUND, ids=[each[0] for each in FOUND])
def test_a_schedule_is_recognised_by_its_parameters(
    target: str, operations: set[str], outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(target.partition(".")[0].partition(":")[0])
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    report = judged(target)
    assert set(report.offered) == operations
    assert outcomes(report) == {outcome}


@pytest.mark.usefixtures("hurried")
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
    held = resolve("own_schedules.py:Held").operations["cosine_schedule"]
    rates = held(np.array([0.0, 10.0, 15.0]), start=0.5, end=0.1, steps=10.0)
    assert rates == pytest.approx([0.5, 0.1, 0.1])
    assert outcomes(judged("own_schedules.py:Held", laws=["first_rate"])) == {Outcome.CONFORMS}
    swapped = resolve("own_schedules.py:Swapped").operations["cosine_schedule"]
    target = SimpleNamespace(cosine_schedule=swapped)
    assert outcomes(judged(target, laws=["cosine_schedule.first_rate"])) == {Outcome.VIOLATES}


def test_what_the_laws_set_is_not_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    with pytest.raises(LoadError, match="eta_min is set by the laws, to many values: leave it out"):
        judged("torch.optim.lr_scheduler:CosineAnnealingLR eta_min=0.1")


def test_a_mode_that_is_given_says_how_cycles_shrink() -> None:
    pytest.importorskip("torch")
    cyclic = "torch.optim.lr_scheduler:CyclicLR"
    every = judged(f"{cyclic} mode=exp_range")
    halves = check(f"{cyclic} mode=triangular2", laws=("value",), dtypes=("float16",), profile="quick", shapes="few")
    assert outcomes(every) == {Outcome.DECLARED}
    assert outcomes(halves) == {Outcome.CONFORMS}
    assert any("shrink = 0.5 alone" in line for line in halves.declares), halves.declares


def test_halves_of_halves_pass_the_largest_double() -> None:
    """2 to the number of cycles does, after 1,024 of them: pytorch #52989."""
    pytest.importorskip("torch")
    cyclic = "torch.optim.lr_scheduler:CyclicLR mode=triangular2"
    report = check(cyclic, laws=("value",), dtypes=("float32",), profile="quick", shapes="few")
    (found,) = (each for each in report.results if each.outcome is not Outcome.NOT_OFFERED)
    assert found.outcome in (Outcome.ERROR, Outcome.VIOLATES)
    assert "OverflowError" in found.reason + str(found.violation)


def test_three_phases_of_lines_are_told_by_what_is_given() -> None:
    pytest.importorskip("torch")
    report = judged("torch.optim.lr_scheduler:OneCycleLR three_phase=True anneal_strategy=linear")
    assert outcomes(report) == {Outcome.DECLARED}
    (declared,) = {
        tuple(sorted(each.conventions.items())) for each in report.results if each.operation in report.offered
    }
    assert dict(declared) == {"turns": "within", "anneal": "line", "phases": "three"}


def test_with_jax_restarts_are_left_to_another_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(LoadError, match="compiled anew for each call"):
        judged("keras.optimizers.schedules:CosineDecayRestarts")
