"""A fault at one shape, or in a band of widths, is met by a case of every run."""

from types import SimpleNamespace
from typing import Any

import nnlaws
import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws.authoring.case import SMALL


def conforms(operation: str, at: Any, profile: str) -> bool:
    """Whether it does that is wrong in its last entry at such shapes."""

    def wrong(*arguments: np.ndarray, **options: Any) -> Any:
        found = getattr(reference, operation)(*arguments, **options)
        first = found[0] if isinstance(found, tuple) else found
        if first.size and at(*arguments[0].shape):
            first.flat[-1] = 7
        return found

    target = SimpleNamespace(**{operation: wrong})
    laws = [f"{operation}.value"]
    return nnlaws.check(target, operations=[operation], laws=laws, dtypes=["float32"], profile=profile).conforms


@pytest.mark.parametrize("profile", ["quick", "ci"])
@pytest.mark.parametrize("operation", ["softmax", "batch_norm_train"])
def test_every_small_shape_comes(operation: str, profile: str) -> None:
    fewest = 2 if operation == "batch_norm_train" else 1
    for shape in SMALL:
        if shape[0] >= fewest:
            assert not conforms(operation, lambda *given, shape=shape: given == shape, profile), shape


@pytest.mark.parametrize("start", range(9, 128, 7))
def test_no_band_of_widths_is_left_out(start: int) -> None:
    assert not conforms("softmax", lambda m, columns: start <= columns <= start + 3, "quick")
    assert not conforms("batch_norm_train", lambda m, n: start <= m <= start + 3, "quick")


def test_rows_and_columns_may_both_be_many() -> None:
    assert not conforms("softmax", lambda m, columns: m >= 10 and columns >= 32, "quick")
    assert not conforms("log_softmax", lambda m, columns: m >= 16 and columns >= 16, "quick")
