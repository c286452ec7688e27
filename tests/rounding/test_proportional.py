"""Bounds shrink with the unit roundoff: so exact values of large arrays, in float64, need no bound of their own."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from nnlaws.authoring.case import Inputs, expand
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import SMALLER, Ruler
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES

PROPORTIONAL = [each for each in OPERATIONS.values() if each.proportional]
COLUMNS = 50


def _inputs(operation: Operation, format: Format) -> Iterator[Inputs]:
    """Ordinary and extreme ones of every family, and small ones of those made for size."""
    judging = chapter_of(operation).judging
    assert isinstance(judging, Rounding)
    for draws in (judging.ordinary, judging.extreme):
        build, _ = draws(operation)
        for number, (family, k) in enumerate(product(judging.families, judging.levels[::3])):
            yield expand(build, Case(3, COLUMNS, family, k, number * TOGETHER), format, 1)
    law = next(each for each in LAWS if each.at_size and each.operation is operation)
    for case in law.trials:
        yield expand(law.build, replace(case, m=min(case.m, 310), columns=min(case.columns, COLUMNS)), format, 1)


@pytest.mark.parametrize(
    "dtype",
    ["float32", pytest.param("float16", marks=pytest.mark.slow), pytest.param("bfloat16", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("operation", PROPORTIONAL, ids=str)
def test_a_bound_shrinks_with_the_unit_roundoff(operation: Operation, dtype: str) -> None:
    format = format_of(DTYPES[dtype])
    conventions = [{}, *({name: one} for name, choices in operation.choices(dtype).items() for one in choices)]
    for inputs, declared in product(_inputs(operation, format), conventions):
        ruler = Ruler(operation, format, declared)
        options = {name: value for name, value in inputs.options.items() if name in operation.options}
        coarse = ruler.bounds(*inputs.arguments, **options)
        fine = ruler.bounds(*(x.astype(np.float64) for x in inputs.arguments), **options)
        for one, other in zip(coarse, fine, strict=True):
            promised = np.isfinite(one.error)
            assert (other.error[promised] <= SMALLER * one.error[promised]).all(), declared
            assert np.array_equal(one.value[promised], other.value[promised], equal_nan=True), declared
