"""The formulas of the samplers beyond the notes: their chances sum to 1, and are those of their maps."""

from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
from nnlaws_spec import clause
from nnlaws_spec.formulas import more_samplers as formulas

U = (np.arange(200_000) + 0.5) / 200_000


def shares(below: Any, n: int) -> np.ndarray:
    return np.diff(below(np.arange(n + 1.0)))


@pytest.mark.parametrize("ends", get_args(formulas.Ends))
@pytest.mark.parametrize(("low", "high", "step"), [(0.0, 1.0, 0.125), (-1.0, 1.0, 1.0), (0.0, 0.5, 0.5)])
def test_ms1_a_map_has_the_chances_that_are_said_of_it(low: float, high: float, step: float, ends: Any) -> None:
    n = formulas.levels(low, high, step)
    k = (formulas.quantised(U, low, high, step, ends) - low) / step
    want = shares(lambda k: formulas.quantised_below(k, n, ends), n)
    assert np.bincount(k.astype(int), minlength=n) / len(U) == pytest.approx(want, abs=2e-5)
    assert want.sum() == pytest.approx(1)


def test_ms1_both_ends_have_half_the_share_where_a_draw_is_rounded() -> None:
    assert shares(lambda k: formulas.quantised_below(k, 5, "half"), 5).tolist() == [0.125, 0.25, 0.25, 0.25, 0.125]


@pytest.mark.parametrize("parts", get_args(formulas.Parts))
@pytest.mark.parametrize(("low", "high"), [(1, 2), (1, 9), (3, 40), (50, 60)])
def test_ms2_a_map_has_the_chances_that_are_said_of_it(low: int, high: int, parts: Any) -> None:
    n = high - low + 1
    k = np.minimum(formulas.log_integer(U, low, high, parts), high).astype(int) - low
    want = np.diff(formulas.log_integer_below(np.arange(low, high + 2.0), low, high, parts))
    assert np.bincount(k, minlength=n) / len(U) == pytest.approx(want, abs=2e-5)
    assert want.sum() == pytest.approx(1)


def test_ms2_from_1_to_9_it_is_benford_s_law() -> None:
    want = np.log10(1 + 1 / np.arange(1.0, 10.0))
    assert np.diff(formulas.log_integer_below(np.arange(1, 11.0), 1, 9)) == pytest.approx(want)


def test_ms3_what_has_no_weight_is_never_drawn() -> None:
    weights = np.array([0.0, 3.0, 0.0, 1.0, 0.0])
    assert np.bincount(formulas.weighted(U, weights), minlength=5).tolist() == [0, 150_000, 0, 50_000, 0]
    assert np.diff(formulas.weighted_below(weights)).tolist() == [0, 0.75, 0, 0.25, 0]


def test_ms9_a_third_of_the_strata_is_empty_where_they_are_drawn_anew() -> None:
    """(1 − 1/n)^n, which goes to 1/e."""
    n = 200
    drawn = np.random.default_rng(0).integers(0, n, (n, 50))
    empty = np.mean([1 - len(np.unique(column)) / n for column in drawn.T])
    assert empty == pytest.approx(float(Fraction(n - 1, n) ** n), abs=0.01)


def test_ms13_boxes_are_counted_on_every_axis() -> None:
    points = np.array([[0.1, 0.1], [0.1, 0.9], [0.6, 0.1], [0.99, 0.2]])
    assert formulas.boxes(points, (1, 1)).tolist() == [[1, 1], [2, 0]]
    assert formulas.boxes(points, (0, 2)).tolist() == [[3, 0, 0, 1]]


def test_variants_are_those_of_the_formulas() -> None:
    assert {each.value for each in clause("MS-1").variants} == set(get_args(formulas.Ends)[1:])
    assert {each.value for each in clause("MS-2").variants} == set(get_args(formulas.Parts)[1:])
