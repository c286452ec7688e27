"""The training example: both sides stay within the bound, what is no rounding does not, and the bound is sharp.

Missing libraries are skipped; NNLAWS_REQUIRE_LIBRARIES=1 makes that a failure.
"""

import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
OPTIMIZERS = ("gradient_descent", "momentum", "rmsprop", "adam", "adamw")
STEPS = 4


def need(library: str) -> None:
    if find_spec(library) is None:
        if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
            pytest.fail(f"{library} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it")
        pytest.skip(f"{library} is not installed")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    need("sklearn")
    monkeypatch.syspath_prepend(ROOT / "examples")
    return import_module("train_digits")


@pytest.fixture
def bounds(example: Any) -> Any:
    return sys.modules["digits_bound"]


def first_steps(example: Any) -> Any:
    whole = example.digits(1)
    return whole._replace(batches=whole.batches[:STEPS])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_reference_is_within_the_bound_of_the_formulas(example: Any, bounds: Any, name: str) -> None:
    """Those in 64 bits of mantissa where NumPy has them; with double alone, in twice the bound."""
    theta, data = example.first_parameters(), first_steps(example)
    optimizer = example.OPTIMIZERS[name]
    wide = [theta.astype(np.longdouble)] + [np.zeros(theta.shape, np.longdouble)] * optimizer.kept
    exact: list[Any] = []
    for t, (x, y) in enumerate(data.batches, start=1):
        loss, gradient = bounds.loss_and_gradient(wide[0], (x.astype(np.longdouble), y.astype(np.longdouble)))
        exact.append(loss)
        options = {option: np.longdouble(value) for option, value in optimizer.options.items()}
        wide = list(optimizer.rule(wide, gradient, t, **options))
    error = np.abs(example.train_reference(name, theta, data).losses - np.array(exact))
    allowed, proved = example.apart(name, theta, data.batches)
    precise = np.finfo(np.longdouble).nmant > 60
    assert np.all(error <= allowed / (2 if precise else 1))
    assert np.all(allowed[: len(proved)] <= 1.1 * proved)
    assert np.all(allowed < 1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_losses_of_torch_are_as_close_as_rounding_allows(example: Any, name: str) -> None:
    need("torch")
    theta, data = example.first_parameters(), first_steps(example)
    runs = example.train_reference(name, theta, data), example.train_torch(name, theta, data)
    assert example.within(runs, example.apart(name, theta, data.batches))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_learning_rate_that_is_slightly_off_is_not_rounding(example: Any, name: str) -> None:
    theta, data = example.first_parameters(), first_steps(example)
    limits = example.apart(name, theta, data.batches)
    run, optimizer = example.train_reference(name, theta, data), example.OPTIMIZERS[name]
    rate = optimizer.options["learning_rate"]
    example.OPTIMIZERS[name] = optimizer._replace(options={**optimizer.options, "learning_rate": rate * (1 + 1e-9)})
    try:
        other = example.train_reference(name, theta, data)
    finally:
        example.OPTIMIZERS[name] = optimizer
    assert example.within((run, run), limits)
    assert not example.within((run, other), limits)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_errors_reach_later_losses_as_the_bound_says(
    example: Any, bounds: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One error alone, of the first gradient along one coordinate: what the bound adds is what the loss moves by."""
    theta, data = example.first_parameters(), first_steps(example)
    options, rule, kept, _ = example.OPTIMIZERS[name]
    plain, first = bounds.loss_and_gradient, data.batches[0]
    error = 1e-6 * (np.arange(theta.size) == 1100)

    def moved(theta: Any, batch: Any) -> Any:
        loss, gradient = plain(theta, batch)
        return loss, gradient + error if batch is first else gradient

    def loosened(theta: Any, batch: Any) -> Any:
        loss, gradient = plain(theta, batch)
        return loss, gradient.loosened(error) if batch is first and isinstance(theta, bounds.Bounded) else gradient

    def losses(loss_and_gradient: Any) -> Any:
        state, found = [theta] + [0 * theta] * kept, []
        for t, batch in enumerate(data.batches, start=1):
            loss, gradient = loss_and_gradient(state[0], batch)
            found.append(loss)
            state = rule(state, gradient, t, **options)
        return np.array(found)

    without = bounds.loss_bounds(rule, kept, theta, data.batches, **options)
    monkeypatch.setattr(bounds, "loss_and_gradient", loosened)
    added = bounds.loss_bounds(rule, kept, theta, data.batches, **options) - without
    np.testing.assert_allclose(added, np.abs(losses(moved) - losses(plain)), rtol=1e-3, atol=1e-14)
    assert added[-1] > 1e-10


def test_the_page_tells_of_the_figure_that_is_there() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", page):
        assert (ROOT / "docs" / target).exists(), target
    assert (ROOT / "docs" / "training.svg").stat().st_size < 150_000
