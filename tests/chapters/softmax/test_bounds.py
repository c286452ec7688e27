"""The bound of rows of any width, in memory that grows with the width."""

import tracemalloc

import numpy as np
import pytest
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters.softmax.operations import OPERATIONS
from nnlaws.rounding.formats import format_of
from nnlaws.rounding.softmax import larger


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 2, 130), (2, 0)])
def test_larger_logits_are_counted(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(len(shape))
    z = np.where(random.random(shape) < 0.2, -np.inf, np.round(random.standard_normal(shape), 1))
    assert np.array_equal(larger(z), (z[..., None, :] > z[..., :, None]).sum(axis=-1))


def test_a_wide_row_takes_memory_as_it_takes_entries() -> None:
    softmax = next(each for each in OPERATIONS if each.name == "softmax")
    z = np.random.default_rng(0).standard_normal((8, 32768)).astype(np.float32)
    tracemalloc.start()
    try:
        (measure,) = Ruler(softmax, format_of(z.dtype), {}).measures(z)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.isfinite(measure.allowed).all()
    assert peak < 400 * z.size  # bytes; the pairs of a row's classes alone would take 32,768 an entry
