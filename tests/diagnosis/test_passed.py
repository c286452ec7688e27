"""What was passed in the call that breaks a law: shown beside the example, where it is not just that."""

from types import SimpleNamespace
from typing import Any

import nnlaws
import numpy as np
import pytest
from nnlaws.report import Outcome
from nnlaws_reference import cross_entropy, softmax

Array = Any


def no_rows(z: Array) -> Array:
    return softmax(z) if len(z) else np.zeros((1, *z.shape[1:]), z.dtype)


def no_rows_refused(z: Array) -> Array:
    return softmax(z / (1 if len(z) else 0) if len(z) else [][0])


def backwards(z: Array) -> Array:
    return softmax(z[::-1] if z.strides[0] < 0 else z)


def no_gaps(z: Array) -> Array:
    if not z.flags.c_contiguous:
        z += 1
    return softmax(z)


def in_order(z: Array) -> Array:
    """Right where the first logit of a row is its least, as it is of no permuted row that had it first."""
    right = softmax(z)
    return np.where(z[:, :1] <= z.min(axis=1, keepdims=True), right, right / 2)


def doubled(z: Array) -> Array:
    return 2 * softmax(z)


def one_for_two(z: Array, y: Array) -> Array:
    return cross_entropy(z, y) * z.dtype.type(2 if z is y else 1)


@pytest.mark.parametrize(
    ("function", "clause", "shown"),
    [
        (no_rows, "CT-5", "z = empty((0, "),
        (no_rows_refused, "CT-5", "z = empty((0, "),
        (backwards, "CT-8", "with strides (-"),
        (no_gaps, "CT-1", "with strides ("),
        (in_order, "SM-4", "z = array(["),
        (doubled, "softmax.value", ""),
        (one_for_two, "CT-8", "y is z"),
    ],
)
def test_it_is_shown(function: Any, clause: str, shown: str) -> None:
    operation = "cross_entropy" if function is one_for_two else "softmax"
    report = nnlaws.check(
        SimpleNamespace(**{operation: function}), operations=[operation], laws=[clause], dtypes=["float32"]
    )
    (result,) = (each for each in report.results if each.outcome is not Outcome.NOT_OFFERED)
    assert result.violation is not None
    assert shown in result.violation.passed
    assert bool(shown) == bool(result.violation.passed)
    assert ("passed" in str(report)) == bool(shown)


def test_it_is_as_it_was_before_the_call() -> None:
    def spoils(z: Array) -> Array:
        found = softmax(z)
        if not z.flags.c_contiguous and z.flags.writeable:
            z[...] = 77
        return found

    report = nnlaws.check(SimpleNamespace(softmax=spoils), operations=["softmax"], laws=["CT-1"], dtypes=["float32"])
    (violation,) = (each.violation for each in report.results if each.violation is not None)
    assert "77" not in violation.passed
    assert violation.passed
