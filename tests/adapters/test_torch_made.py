"""Layers and optimizers of PyTorch that draw when they are made: that is no call's doing."""

from typing import Any

import pytest
from nnlaws import check

torch = pytest.importorskip("torch")
nnlaws_torch = pytest.importorskip("nnlaws.native.torch")


class Drawn(torch.optim.SGD):  # type: ignore[misc,name-defined]
    """Descends, and has drawn something that no step needs."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, lr=lr)
        self.drawn = torch.randn(3)


class DrawnInSteps(Drawn):
    def step(self, closure: Any = None) -> Any:
        torch.randn(1)
        return super().step(closure)


class DrawnLayer(torch.nn.BatchNorm1d):  # type: ignore[misc,name-defined]
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        torch.nn.init.normal_(self.weight)


def kept_as_it_was(target: Any) -> list[bool]:
    report = check(target, laws=("CT-7",), dtypes=("float32",), profile="quick")
    return [result.violation is None for result in report.results if str(result.outcome) != "not offered"]


def test_initial_weights_that_are_drawn_are_no_call_that_changes_the_process() -> None:
    held = kept_as_it_was(nnlaws_torch.optimizer(Drawn))
    held += kept_as_it_was(nnlaws_torch.batch_norm(DrawnLayer))
    assert held
    assert all(held)


def test_a_step_that_draws_from_the_global_generator_is_still_told() -> None:
    held = kept_as_it_was(nnlaws_torch.optimizer(DrawnInSteps))
    assert held
    assert not any(held)
