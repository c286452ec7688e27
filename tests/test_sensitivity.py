"""The sensitivity ladder: the error is where and as large as it says, and what it counts without a run, a run shows."""

import inspect
import json
import math
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnlaws.chapters import OPERATIONS
from nnlaws.harness.methods import search
from nnlaws.harness.search import Search
from nnlaws.harness.targets import resolve
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def sensitivity(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield import_module("sensitivity")
    for name in ("sensitivity", "ladder", "gradient_checkers", "page"):
        sys.modules.pop(name, None)


@pytest.fixture
def ladder(sensitivity: Any) -> Any:
    return sensitivity.ladder


# --- the error ---


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_smallest_error_is_one_or_two_units_in_the_last_place(ladder: Any, dtype: str) -> None:
    format = format_of(DTYPES[dtype])
    x = np.linspace(1, 2, 9)[:-1].astype(format.dtype).astype(np.float64)
    assert (ladder.off(x, 1, format) > x).all()
    assert (ladder.off(x, 1, format) <= x + 2 * format.ulp(x)).all()
    assert ladder.off(np.array([0.0, -np.inf]), 3, format).tolist() == [0.0, -np.inf]
    assert ladder.off(np.array([-1.0]), format.digits, format) == [-2.0]


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        ("element", [[0, 0, 0], [0, 0, 1]]),
        ("row", [[0, 0, 0], [1, 1, 1]]),
        ("step", [[0, 0, 0], [1, 1, 1]]),
        ("feature", [[0, 0, 1], [0, 0, 1]]),
        ("first element", [[1, 0, 0], [0, 0, 0]]),
    ],
)
def test_the_error_is_where_it_should_be(ladder: Any, kind: str, entries: list[list[int]]) -> None:
    assert ladder.hit(kind, (2, 3)).astype(int).tolist() == entries


def test_a_number_is_an_element_and_nothing_has_none(ladder: Any) -> None:
    assert ladder.hit("element", ()).all()
    assert not ladder.hit("row", (0, 3)).any()


def test_only_the_spot_is_changed(ladder: Any) -> None:
    """In one of three results, which stay what they are otherwise."""
    operation = OPERATIONS["batch_norm_train"]
    z, ones = np.arange(6, dtype=np.float32).reshape(3, 2) ** 2, np.ones(2, np.float32)
    wrong = ladder.injected(operation.reference, 2, partial(ladder.hit, "element"), 24, format_of(z.dtype))
    got, want = wrong(z, ones, ones, eps=0.0), operation.reference(z, ones, ones, eps=0.0)
    assert [each.dtype for each in got] == [np.float32] * 3
    assert np.array_equal(got[0], want[0])
    assert np.array_equal(got[1], want[1])
    assert (got[2] / want[2]).tolist() == [1, 2]


def test_what_it_is_put_into_still_takes_what_it_took(ladder: Any) -> None:
    """A law of optimizers looks whether one can be saved."""
    adam = resolve("reference").operations["adam"]
    wrong = ladder.injected(adam, 0, partial(ladder.hit, "step"), 3, format_of(DTYPES["float64"]))
    assert "save_at" in inspect.signature(wrong).parameters


def test_every_result_of_every_operation_has_a_spot(ladder: Any) -> None:
    found = {name: ladder.spots(each) for name, each in OPERATIONS.items() if each.arrays}
    assert {len(found[name]) for name in ("cross_entropy", "exponential_decay")} == {1}
    assert [spot.kind for spot in found["adam"]] == ["element", "step", "feature"]
    assert [(spot.result, spot.kind) for spot in found["batch_norm_backward"]] == [
        *(("dz", kind) for kind in ("element", "row", "feature")),
        *((result, "element") for result in ("dgamma", "dbeta")),
    ]


# --- thresholds ---


@pytest.mark.parametrize("threshold", range(1, 9))
def test_bisection_finds_the_threshold(ladder: Any, threshold: int) -> None:
    tried: list[int] = []

    def caught(k: int) -> bool:
        tried.append(k)
        return k >= threshold

    assert ladder.least(7, caught) == threshold
    assert all(1 <= k <= 7 for k in tried)
    assert len(tried) <= 3


def test_a_hundredth_of_the_runs_may_miss(ladder: Any) -> None:
    assert ladder.all_but(0, [3, 1, 2]) == 3
    assert ladder.all_but(1, [3, 1, 2]) == 2


# --- what others allow ---


def _pairs() -> list[tuple[float, float]]:
    random = np.random.default_rng(0)
    want = random.standard_normal(60) * 10.0 ** random.integers(-8, 4, 60)
    got = want * (1 + 10.0 ** random.uniform(-9, 1, 60))
    return [
        *zip(got.tolist(), want.tolist(), strict=True),
        (0.0, 0.0),
        (math.inf, math.inf),
        (math.nan, 1.0),
        (1e-6, 0.0),
    ]


def _passes(check: Any, *arguments: Any, **options: Any) -> bool:
    try:
        check(*arguments, **options)
    except AssertionError:
        return False
    return True


def _ours(ladder: Any, scheme: str, got: float, want: float, dtype: str = "float64") -> bool:
    return bool(ladder.OTHERS[scheme](np.array([got]), np.array([want]), format_of(DTYPES[dtype]))[0])


def test_numpy_and_onnx_are_as_they_are(ladder: Any) -> None:
    for got, want in _pairs():
        assert _ours(ladder, "numpy", got, want) == _passes(np.testing.assert_allclose, got, want)
        assert _ours(ladder, "onnx", got, want) == _passes(np.testing.assert_allclose, got, want, rtol=1e-3, atol=1e-7)


def test_array_api_tests_is_as_it_is(ladder: Any) -> None:
    for got, want in _pairs():
        assert _ours(ladder, "array-api", got, want) == math.isclose(got, want, rel_tol=0.25, abs_tol=1)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_torch_is_as_it_is(ladder: Any, dtype: str) -> None:
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    torch = import_module("torch")
    for pair in _pairs():
        with np.errstate(over="ignore"):
            got, want = (float(np.array(each).astype(dtype)) for each in pair)
        tensors = (torch.tensor(each, dtype=getattr(torch, dtype)) for each in (got, want))
        assert _ours(ladder, "torch", got, want, dtype) == _passes(torch.testing.assert_close, *tensors)


# --- runs ---


def test_what_is_drawn_first_does_not_depend_on_the_error(ladder: Any) -> None:
    """So what those examples show need not be run. An example that comes again is the failing one, run once more."""
    of = ladder.Runs(OPERATIONS["cross_entropy_gradient"], format_of(DTYPES["float32"]), range(2))
    law = ladder.primary(of.operation)
    drawn: list[list[str]] = []
    for k in (0, 1, 3):
        wrong = ladder.injected(of.reference, 0, partial(ladder.hit, "row"), k, of.format)
        tokens: list[str] = []
        subject = GuardedSubject(wrong, of.operation)
        search(Search(law, subject, of.ruler, "", Selection(seed=1), tokens.append, shrink=False))
        drawn.append(list(dict.fromkeys(tokens))[: ladder.UNSTEERED])
    right, *others = drawn
    assert len(right) == ladder.UNSTEERED
    assert all(each == right[: len(each)] for each in others)
    assert of.record(1).examples == ladder.UNSTEERED


@pytest.mark.parametrize("operation", ["softmax", "batch_norm_running", "momentum"])
def test_what_the_first_examples_show_a_run_finds(ladder: Any, operation: str) -> None:
    of = ladder.Runs(OPERATIONS[operation], format_of(DTYPES["float32"]), range(3))
    spot = ladder.spots(of.operation)[0]
    of.laws = [ladder.primary(of.operation)]
    for seed in of.seeds:
        drawn = ladder.Drawn.of(of.record(seed).entries[spot])
        k = ladder.least(of.highest, partial(drawn.violates, format=of.format))
        assert k <= of.highest
        wrong = ladder.injected(of.reference, 0, partial(ladder.hit, spot.kind), k, of.format)
        assert of.breaks(wrong, seed) is not None


def test_a_ladder_of_one_operation(ladder: Any) -> None:
    seen = ladder.climb("inverse_root_decay", "float32", 3, 0)
    (rung,) = seen.rungs
    assert rung.caught == 3
    assert 1 <= rung.k <= rung.same_arrays < rung.others["array-api"]
    assert seen.alarms["nnlaws"] == 0


# --- the log ---


def test_what_the_log_has_is_not_done_again(sensitivity: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    job = ("three", int, ("3",))
    lines = [
        {"name": "three", "given": ["4"], "found": 4},
        {"name": "other", "given": ["3"], "found": 3},
        {"name": "three", "given": ["3"], "found": 3},
    ]
    log.write_text("\n".join(map(json.dumps, lines)) + '\n{"name": "thr', encoding="utf-8")
    assert sensitivity.read(log, [job]) == {"three": 3}
    assert sensitivity.run([job], 1, log, 0.0) == {"three": 3}


def test_the_pages_can_be_made_of_a_part(sensitivity: Any, ladder: Any) -> None:
    found = {"inverse_root_decay float64": sensitivity.plain(ladder.climb("inverse_root_decay", "float64", 2, 0))}
    section, table = sensitivity.report(found, 2, 5, False)
    assert "Unfinished: 1 of 5 parts." in section
    assert "| inverse_root_decay |" in section
    assert "| inverse_root_decay | float64 | element |" in table
