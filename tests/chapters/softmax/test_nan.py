"""NaN among the logits of a row shows in its result, whatever else is in the row."""

from types import SimpleNamespace

import nnlaws
import numpy as np
import pytest
from nnlaws.report import Outcome
from nnlaws_reference import softmax
from nnlaws_reference.dtypes import Array


def hidden_by_a_mask(z: Array) -> Array:
    """Takes NaN for masked where a class is masked."""
    masked = np.isneginf(z).any(axis=-1, keepdims=True)
    return softmax(np.where(masked & np.isnan(z), z.dtype.type(-np.inf), z))


@pytest.mark.parametrize(("function", "outcome"), [(hidden_by_a_mask, Outcome.VIOLATES), (softmax, Outcome.CONFORMS)])
def test_a_masked_class_hides_no_nan(function: object, outcome: Outcome) -> None:
    target = SimpleNamespace(softmax=function)
    report = nnlaws.check(target, operations=["softmax"], laws=["SM-18"], dtypes=["float32"])
    assert {each.outcome for each in report.results} == {outcome}
