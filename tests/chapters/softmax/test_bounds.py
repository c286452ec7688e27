"""The bound of rows of any width, in memory that grows with the width."""

import itertools
import tracemalloc

import numpy as np
import pytest
from nnlaws.authoring.case import Builder, expand
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import SMALLER, Ruler
from nnlaws.authoring.token import Case
from nnlaws.chapters.softmax import at_size, inputs
from nnlaws.chapters.softmax.bounds import _larger  # pyright: ignore[reportPrivateUsage]
from nnlaws.chapters.softmax.operations import OPERATIONS
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 2, 130), (2, 0)])
def test_larger_logits_are_counted(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(len(shape))
    z = np.where(random.random(shape) < 0.2, -np.inf, np.round(random.standard_normal(shape), 1))
    assert np.array_equal(_larger(z), (z[..., None, :] > z[..., :, None]).sum(axis=-1))


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


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_bound_shrinks_as_the_unit_roundoff_does(operation: Operation, dtype: str) -> None:
    """So that the exact values of large arrays, in float64, need no bound of their own."""
    assert operation.proportional
    format, targeted = format_of(DTYPES[dtype]), "y" in operation.arguments
    plates = at_size.targeted_inputs if targeted else at_size.inputs
    ordinary, extreme = (draw(operation)[0] for draw in (inputs.ordinary, inputs.extreme))
    cases: list[tuple[Builder, Case]] = [
        (plates, Case(3, size, family, 0, 0)) for family in at_size.LOGITS for size in (40, 700)
    ]
    levels = itertools.product((ordinary, extreme), inputs.FAMILIES, inputs.LEVELS)
    cases += [(build, Case(3, 50, family, k, 0)) for build, family, k in levels]
    for (build, case), conventions in itertools.product(cases, ({}, {"exponential": "scaled_first"})):
        arguments, ruler = expand(build, case, format, 1).arguments, Ruler(operation, format, conventions)
        coarse = ruler.bounds(*arguments)
        fine = ruler.bounds(*(x.astype(np.float64) for x in arguments))
        for one, other in zip(coarse, fine, strict=True):
            promised = np.isfinite(one.error)
            assert (other.error[promised] <= SMALLER * one.error[promised]).all(), case
