"""What breaks one law of optimizers beyond the notes, and what none may refuse."""

from types import SimpleNamespace
from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws import check
from nnlaws.report import Outcome


def outcomes(operation: str, function: Any, law: str, dtype: str = "float32", **declared: str) -> set[Outcome]:
    target = SimpleNamespace(**{operation: function}, conventions=declared)
    report = check(target, operations=[operation], laws=[law], dtypes=[dtype], profile="quick")
    return {each.outcome for each in report.results if each.outcome is not Outcome.NOT_OFFERED}


def test_a_step_of_lion_is_whole() -> None:
    """By 0.999 α it is not, and a rate of half as much is found at once."""
    for factor in (0.999, 0.5):

        def short(theta: Any, grads: Any, *, learning_rate: Any, f: float = factor, **options: float) -> Any:
            shorter = f * learning_rate if isinstance(learning_rate, float) else tuple(f * x for x in learning_rate)
            return reference.lion(theta, grads, learning_rate=shorter, **options)

        assert outcomes("lion", short, "whole_steps") == {Outcome.VIOLATES}


def test_lion_falls_short_where_nan_has_the_sign_0() -> None:
    def lion(theta: Any, grads: Any, *, learning_rate: Any, beta1: float, beta2: float, weight_decay: float) -> Any:
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        m, found = np.zeros_like(theta), []
        for g, rate in zip(grads, rates, strict=True):
            c = np.nan_to_num(np.sign(beta1 * m + (1 - beta1) * g))
            theta = (theta - rate * (c + weight_decay * theta)).astype(theta.dtype)
            m = beta2 * m + (1 - beta2) * g
            found.append(theta)
        return np.stack(found)

    assert outcomes("lion", lion, "not_hidden") == {Outcome.FALLS_SHORT}
    assert outcomes("lion", reference.lion, "not_hidden") == {Outcome.CONFORMS}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_product_of_momenta_in_float32_is_found_in_float64(dtype: str) -> None:
    """As PyTorch keeps it."""

    def nadam(
        theta: Any,
        grads: Any,
        *,
        learning_rate: Any,
        beta1: float,
        beta2: float,
        eps: float,
        momentum_decay: float,
    ) -> Any:
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        m, v, product, found = np.zeros_like(theta), np.zeros_like(theta), np.float32(1), []
        for t, (g, rate) in enumerate(zip(grads, rates, strict=True), 1):
            now, later = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
            product *= np.float32(now)
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            ahead = (1 - now) / (1 - float(product)) * g + later / (1 - float(product) * later) * m
            theta = theta - rate * (ahead / (np.sqrt(v / (1 - beta2**t)) + eps))
            found.append(theta)
        return np.stack(found).astype(grads.dtype)

    expected = Outcome.VIOLATES if dtype == "float64" else Outcome.CONFORMS
    assert outcomes("nadam", nadam, "long_run", dtype) == {expected}


def test_radam_may_stand_still_and_then_shows_no_nan() -> None:
    def still(theta: Any, grads: Any, **options: Any) -> Any:
        return np.repeat(theta[None], len(grads), axis=0)

    assert outcomes("radam", still, "not_hidden", unrectified="still") == {Outcome.DECLARED}
    assert outcomes("radam", still, "not_hidden") == {Outcome.VIOLATES}
    assert outcomes("radam", still, "long_run", unrectified="still") == {Outcome.VIOLATES}


def test_sgd_without_momentum_is_not_dampened() -> None:
    def dampened(theta: Any, grads: Any, *, beta: float, dampening: float, **options: Any) -> Any:
        if beta == 0:
            scaled = np.concatenate([grads[:1], (1 - dampening) * grads[1:]]).astype(grads.dtype)
            return reference.sgd(theta, scaled, beta=beta, dampening=0.0, **options)
        return reference.sgd(theta, grads, beta=beta, dampening=dampening, **options)

    assert outcomes("sgd", dampened, "without_memory") == {Outcome.VIOLATES}
