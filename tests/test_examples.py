"""The training example: both sides stay within the bound, what is no rounding does not, and the bound is sharp.
The example of searches: its page says what it prints.

Missing libraries are skipped; NNLAWS_REQUIRE_LIBRARIES=1 makes that a failure.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nnlaws
import numpy as np
import pytest
from nnlaws.report import Outcome
from nnlaws.reports.terminal import imports

ROOT = Path(__file__).parent.parent
OPTIMIZERS = ("gradient_descent", "momentum", "rmsprop", "adam", "adamw")
STEPS = 4


def need(library: str) -> None:
    if find_spec(library) is None:
        if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
            pytest.fail(f"{library} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it")
        pytest.skip(f"{library} is not installed")


def test_the_generated_kernel_passes_a_comparison_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/kernels.md says: near enough on numbers in [0, 1), and wrong."""
    need("torch")
    torch: Any = import_module("torch")
    path = ROOT / "examples" / "generated_kernel.py"
    monkeypatch.syspath_prepend(path.parent)
    kernel, x = import_module("generated_kernel").ModelNew(), torch.rand(16, 16384)
    assert torch.allclose(torch.softmax(x, -1), kernel(x), rtol=1e-4, atol=1e-4)
    report = nnlaws.check(str(path), operations=["softmax"], laws=["softmax.value", "SM-6", "CT-3", "CT-8"])
    (broken,) = (each for each in report.results if each.outcome is Outcome.VIOLATES)
    assert broken.clause == "SM-6"
    assert f"torch {torch.__version__}" in imports(report)
    assert broken.violation is not None
    assert broken.violation.cause is not None
    assert broken.violation.cause.name == "softmax.unshifted"


def printed_by(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int | None, str]:
    monkeypatch.syspath_prepend(ROOT / "examples")
    module = import_module(name)
    with redirect_stdout(io.StringIO()) as printed:
        code = module.main(arguments) if arguments else module.main()
    return code, printed.getvalue()


def test_a_kernel_that_random_numbers_accept_is_refused_at_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/kernels.md says; the library's conforms."""
    need("torch")
    code, printed = printed_by("judge_at_size", ["--rows", "4"], monkeypatch)
    lines = [line for line in printed.splitlines() if line]
    assert code == 1
    assert "Model at 4 × 100003, on random numbers: softmax float32 conforms" in lines[0]
    assert lines[1].endswith("conforms: one lost class of 100,003 would have been seen")
    assert "ModelNew at 4 × 100003, on random numbers: softmax float32 conforms" in lines[2]
    assert lines[3].endswith("violates: fails from C = 1025; class 1024 counts not at all")


def test_a_fixed_budget_refuses_sound_code_and_a_bound_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    _, printed = printed_by("fixed_budget", [], monkeypatch)
    verdicts = {line.split()[0]: line for line in printed.splitlines()[2:]}
    assert all("refuses" in line for line in verdicts.values())
    assert [name for name, line in verdicts.items() if "conforms" in line] == ["plain", "folded"]


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


@pytest.mark.parametrize("name", ["training", "search"])
def test_the_page_tells_of_the_figure_that_is_there(name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", page):
        assert (ROOT / "docs" / target).exists(), target
    assert (ROOT / "docs" / f"{name}.svg").stat().st_size < 150_000


@pytest.fixture(scope="module")
def searching() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples")
        yield import_module("grid_or_random")


@pytest.mark.slow
def test_the_page_of_searches_says_what_the_example_prints(searching: Any) -> None:
    with redirect_stdout(io.StringIO()) as printed:
        assert searching.main([]) == 0
    page = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    shown = f"```text\n{printed.getvalue()}```\n"
    assert shown in page
    quoted = re.findall(r"\d+ of 100|0\.\d{4}", page.replace(shown, ""))
    assert quoted
    assert [each for each in quoted if each not in shown] == []


def test_the_grid_tries_6_values_and_random_search_36(searching: Any) -> None:
    """SE-2 and SE-3 in the searches of the figure, and in the grids that are shifted."""
    space = searching.HARDLY
    grid = searching.reference.grid_search(space, per_axis=6)
    shifted = searching.shifted_grid(space, per_axis=6, offset=np.array([0.3, 0.9]))
    random = searching.reference.random_search(space, budget=36, seed=0)
    for points, values in ((grid, 6), (shifted, 6), (random, 36)):
        assert points.shape == (36, 2)
        assert [len(np.unique(column)) for column in points.T] == [values, values]
        for axis, column in zip(space, points.T, strict=True):
            assert np.all((column >= axis.low) & (column <= axis.high))


def test_shifted_grids_try_every_learning_rate_equally_often(searching: Any) -> None:
    """One at every offset: together they are evenly spaced in log α, so that none is favoured by where a grid lies."""
    offsets = (np.arange(50) + 0.5) / 50
    grids = [searching.shifted_grid(searching.HARDLY, per_axis=6, offset=np.full(2, offset)) for offset in offsets]
    steps = np.diff(np.unique(np.log10([grid[::6, 0] for grid in grids])))
    np.testing.assert_allclose(steps, 4 / 300, rtol=1e-9)


def test_importance_is_the_share_of_the_variance(searching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a sum with slopes 1 and 3 along axes as wide as each other: 1/10 and 9/10; of a product, nothing alone."""

    def unit(point: Any) -> Any:
        return [np.log(x / axis.low) / np.log(axis.high / axis.low) for x, axis in zip(point, space, strict=True)]

    space = searching.HARDLY
    monkeypatch.setattr(searching, "loss", lambda point: np.dot([1, 3], unit(point)))
    np.testing.assert_allclose(searching.importance(space), [0.1, 0.9, 0], atol=1e-12)
    monkeypatch.setattr(searching, "loss", lambda point: np.prod(np.subtract(unit(point), 0.5)))
    np.testing.assert_allclose(searching.importance(space), [0, 0, 1], atol=1e-12)


def test_a_model_is_trained_on_and_not_from_the_start(searching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    point = np.array([1e-2, 1e-8])
    model, first = searching.train(None, point)
    _, second = searching.train(model, point)
    assert searching.train(model, point)[1] == second  # the model that was given is not changed
    monkeypatch.setattr(searching, "STEPS", 2 * searching.STEPS)
    assert searching.loss(point) == second < first < np.log(3)


def test_the_figure_of_searches_is_a_drawing_that_says_what_it_shows() -> None:
    drawing = ElementTree.parse(ROOT / "docs" / "search.svg").getroot()
    words = {each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {"grid: 6 values of α", "random: 36 values of α", "ε hardly matters: 100 of each"} <= words
