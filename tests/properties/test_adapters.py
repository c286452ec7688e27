"""Adapters meet the real libraries. Missing ones are skipped; NNLAWS_REQUIRE_LIBRARIES=1 makes that a failure."""

import os
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
from nnlaws import Outcome, Report, check
from nnlaws.implementations import BUILT_IN
from nnlaws_reference.dtypes import DTYPES

NARROW = ("float16", "bfloat16")


@cache
def report(target: str) -> Report:
    return check(target)


def need(library: str) -> None:
    if find_spec(library) is None:
        if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
            pytest.fail(f"{library} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it: make adapters")
        pytest.skip(f"{library} is not installed")


def violated(target: str, operation: str, dtype: str) -> set[str]:
    results = [r for r in report(target).results if r.operation == operation and r.dtype == dtype]
    assert {r.outcome for r in results} <= {Outcome.CONFORMS, Outcome.VIOLATES}
    return {r.clause for r in results if r.outcome is Outcome.VIOLATES}


@pytest.mark.parametrize("target", ["scipy", "reference"])
def test_conforms(target: str) -> None:
    assert report(target).conforms, str(report(target))


def test_scipy_offers_what_it_has() -> None:
    assert report("scipy").offered == ("softmax", "log_softmax")
    absent = {r.operation for r in report("scipy").results if r.outcome is Outcome.NOT_OFFERED}
    assert absent == {"cross_entropy", "cross_entropy_gradient"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operation", ["softmax", "log_softmax", "cross_entropy", "cross_entropy_gradient"])
def test_torch_conforms_in_the_wide_types(operation: str, dtype: str) -> None:
    need("torch")
    assert violated("torch", operation, dtype) == set()


@pytest.mark.parametrize("dtype", NARROW)
def test_torch_softmax_conforms_in_the_narrow_types(dtype: str) -> None:
    need("torch")
    assert violated("torch", "softmax", dtype) == set()


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize(
    ("operation", "clauses"),
    [
        ("log_softmax", {"SM-6", "SM-11"}),
        ("cross_entropy", {"SM-6", "SM-12", "SM-14"}),
        ("cross_entropy_gradient", {"SM-6", "SM-14", "SM-16"}),
    ],
)
def test_torch_in_the_narrow_types_is_as_published(operation: str, clauses: set[str], dtype: str) -> None:
    """README.md and docs/findings.md say so of PyTorch 2.13; with another release they need a new run."""
    need("torch")
    assert violated("torch", operation, dtype) == clauses


def test_torch_violations_have_the_one_published_cause() -> None:
    need("torch")
    causes = {r.violation.cause.name for r in report("torch").results if r.violation and r.violation.cause}
    assert causes == {
        "log_softmax.narrow_log_sum",
        "cross_entropy.loss_narrow_log_sum",
        "cross_entropy_gradient.gradient_through_narrow_logarithms",
    }


def test_torch_bfloat16_cross_entropy_loses_a_small_loss() -> None:
    """The published example: [[8, 0, .5, 1]] for class 0 costs 1.80e-3; PyTorch on CPU says 0."""
    need("torch")
    from nnlaws.implementations import torch as adapter
    from nnlaws_reference import cross_entropy

    z = np.array([[8, 0, 0.5, 1]]).astype(DTYPES["bfloat16"])
    y = np.array([[1, 0, 0, 0]]).astype(DTYPES["bfloat16"])
    assert float(adapter.cross_entropy(z, y)) == 0.0
    assert float(cross_entropy(z, y)) == pytest.approx(1.80e-3, rel=2**-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_arrays_come_back_as_they_went(dtype: str) -> None:
    need("torch")
    from nnlaws.implementations import torch as adapter

    z, y = np.array([[0.5, 1.0], [2.0, -1.0]]).astype(DTYPES[dtype]), np.eye(2).astype(DTYPES[dtype])
    assert adapter.softmax(z).dtype == adapter.cross_entropy_gradient(z, y).dtype == z.dtype
    assert adapter.cross_entropy(z, y).shape == ()


def test_every_built_in_has_its_module() -> None:
    assert all(find_spec(module) for module in BUILT_IN.values())
