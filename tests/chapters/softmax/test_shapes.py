"""Shapes that come in every run: a fault at one of the small ones, or in a band of sizes, has no place to hide."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from nnlaws.authoring.case import SMALL
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import OPERATIONS
from nnlaws.harness.methods import search
from nnlaws.harness.planning import find
from nnlaws.harness.search import Search
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES

BAND = 3  # sizes in a row, of which one comes


@cache
def shapes(name: str, profile: str) -> set[tuple[int, ...]]:
    """Those of its first argument, in the law that says what it is."""
    seen: set[tuple[int, ...]] = set()

    def note(f: Any, ruler: Ruler, first: Any, *arguments: Any, **options: Any) -> Evidence:
        seen.add(first.shape[1:])
        return Evidence(0.0)

    operation, law = OPERATIONS[name], replace(find(f"{name}.value"), check=note)
    subject, ruler = GuardedSubject(operation.reference, operation), Ruler(operation, format_of(DTYPES["float32"]), {})
    search(Search(law, subject, ruler, "nothing", Selection(profile=profile)))
    return seen


@pytest.mark.parametrize("profile", ["quick", "ci"])
@pytest.mark.parametrize(
    "name", ["softmax", "log_softmax", "cross_entropy_gradient", "batch_norm_train", "batch_norm_backward"]
)
def test_every_small_shape_comes(name: str, profile: str) -> None:
    fewest = 2 if "batch" in name else 1
    wanted = {shape for shape in SMALL if shape[0] >= fewest}
    assert not wanted - shapes(name, profile)


def test_no_band_of_sizes_is_left_out() -> None:
    widths = {columns for _, columns in shapes("softmax", "quick")}
    samples = {m for m, _ in shapes("batch_norm_train", "quick")}
    for start in range(2, 128):
        band = set(range(start, start + BAND))
        assert band & widths, band
        assert band & samples, band


@pytest.mark.parametrize("name", ["softmax", "batch_norm_train"])
def test_both_may_be_many(name: str) -> None:
    assert {shape for shape in shapes(name, "quick") if min(shape) >= 16} >= {(16, 17), (34, 40)}
