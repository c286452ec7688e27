"""Reference samplers beyond the notes: the formulas' values, and bad input."""

from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws_reference.more_samplers import sobol_sequence
from nnlaws_spec.formulas import more_samplers as formulas


@pytest.mark.parametrize(("low", "high", "step"), [(0.0, 1.0, 0.1), (0.1, 0.9, 0.2), (-1.0, 1.0, 0.5), (0.0, 0.3, 0.3)])
def test_every_step_is_drawn_and_high_is_high(low: float, high: float, step: float) -> None:
    x = np.unique(reference.quantised_uniform(low, high, step=step, size=2000, seed=1))
    assert (len(x), x[0], x[-1]) == (formulas.levels(low, high, step), low, high)
    assert np.diff(x) == pytest.approx(step)


def test_log_integers_are_the_formula_s_of_the_same_numbers() -> None:
    u = np.random.default_rng(3).random(1000)
    assert reference.log_integers(2, 77, size=1000, seed=3).tolist() == formulas.log_integer(u, 2, 77).tolist()
    assert reference.log_integers(7, 7, size=3, seed=0).tolist() == [7, 7, 7]


@pytest.mark.parametrize("weights", [[1.0, 2.0, 4.0], [0.0, 0.5, 0.0, 0.25, 0.0], [3.0], [1e300, 1e300, 5e299], [1, 1]])
def test_choices_are_the_formula_s_of_the_same_numbers(weights: list[float]) -> None:
    u = np.random.default_rng(5).random(1000)
    k = reference.weighted_choice(weights, size=1000, seed=5)
    assert k.tolist() == formulas.weighted(u, np.array(weights) / max(weights)).tolist()
    assert all(weights[index] > 0 for index in k)


@pytest.mark.parametrize(("size", "axes"), [(0, 2), (1, 1), (7, 3), (100, 2)])
def test_a_hypercube_has_one_point_in_each_stratum(size: int, axes: int) -> None:
    x = reference.latin_hypercube(size=size, axes=axes, seed=1)
    assert x.shape == (size, axes)
    assert np.sort(formulas.strata(x), axis=0).tolist() == [[k] * axes for k in range(size)]


def test_sobol_points_are_a_net_on_the_first_axes_whatever_the_seed() -> None:
    for seed in range(20):
        x = reference.sobol(size=32, axes=10, seed=seed)
        assert all(formulas.boxes(x[:, [axis]], (5,)).max() == 1 for axis in range(10))
        assert all(formulas.boxes(x[:, :2], (k, 5 - k)).max() == 1 for k in range(6))
        assert all(formulas.boxes(x[:, :3], (i, j, 4 - i - j)).max() == 2 for i in range(5) for j in range(5 - i))


def test_unscrambled_they_are_the_published_sequence() -> None:
    """Sobol's first four points on two axes, and the fifth to the eighth on the third one (Joe and Kuo 2008)."""
    first = np.stack([sobol_sequence(axis, 3) for axis in range(3)], axis=1) / 8
    assert first[:4].tolist() == [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.75, 0.75], [0.75, 0.25, 0.25]]
    assert sorted(first[:, 2].tolist()) == [k / 8 for k in range(8)]


BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("quantised_uniform", (1.0, 0.0), {"step": 0.1}, "expected low < high, finite, and 0 < step"),
    ("quantised_uniform", (0.0, 1.0), {"step": 2.0}, "expected low < high, finite, and 0 < step"),
    ("quantised_uniform", (0.0, 1.0), {"step": 0.3}, "expected a whole number of steps from low to high"),
    ("log_integers", (0, 4), {}, "expected whole numbers 0 < low ≤ high < 2\\^53, got low = 0"),
    ("log_integers", (1, 4.5), {}, "expected whole numbers"),
    ("weighted_choice", ([],), {}, "expected weights"),
    ("weighted_choice", ([0.0, 0.0],), {}, "not all 0, got"),
    ("weighted_choice", ([1.0, -1.0],), {}, "expected weights"),
    ("weighted_choice", ([1.0, np.inf],), {}, "expected weights"),
    ("weighted_choice", ([1.0],), {"size": -1}, "expected size to be a whole number ≥ 0, got -1"),
    ("latin_hypercube", (), {"axes": 0}, "expected axes to be a whole number ≥ 1, got 0"),
    ("sobol", (), {"axes": 2, "size": 12}, "expected size to be a power of 2"),
    ("sobol", (), {"axes": 11, "size": 4}, "expected 1 to 10 axes, got 11"),
]


@pytest.mark.parametrize(("name", "given", "options", "words"), BAD)
def test_bad_input_is_refused_with_what_was_expected(
    name: str, given: tuple[Any, ...], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(reference, name)(*given, **{"size": 8, "seed": 0, **options})
