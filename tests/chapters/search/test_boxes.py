"""The box of a round, by SE-9 to SE-12, and what is not known of it."""

import numpy as np
import pytest
from nnlaws.chapters.search.boxes import Box, boxes, in_cells
from nnlaws.chapters.search.inputs import SPACES
from nnlaws.chapters.search.sound import clipped, reaching_less
from nnlaws.rounding.formats import Floats
from nnlaws_reference.search import Axis, refine

SPACE = SPACES["uneven"]
SHRINKS = (0.5, 0.25, 0.9, 0.4)


def point(where: float) -> Floats:
    found = [axis.low * (axis.high / axis.low) ** where if axis.scale == "log" else axis.low for axis in SPACE]
    return np.array(found)


@pytest.mark.parametrize("shrink", SHRINKS)
@pytest.mark.parametrize("seed", range(40))
def test_it_holds_what_sound_searches_refine_to(seed: int, shrink: float) -> None:
    """Nothing sound lies beyond it, and what is sure lies in all of them."""
    from nnlaws_reference import random_search

    (best,) = random_search(SPACE, budget=1, seed=seed)
    _, now = boxes(SPACE, best[None], np.zeros(1), 2, 1, shrink)
    for refined in (refine, clipped.function, reaching_less.function):
        for axis, box, (low, high) in zip(SPACE, now, refined(SPACE, best, shrink=shrink), strict=True):
            u = position(axis, np.array([low, high]))
            assert box.low - 1e-9 <= u[0] <= u[1] <= box.high + 1e-9
            if box.sure is not None:
                assert low <= box.sure[0] <= box.sure[1] <= high
            elif box.known:
                assert np.allclose(u, [box.low, box.high], atol=1e-9)


def position(axis: Axis, x: Floats) -> Floats:
    from nnlaws.chapters.search.inputs import scale_of

    return scale_of(axis).position(x)


def test_a_box_that_an_end_cuts_off_is_not_known() -> None:
    space = (Axis("x", 0.0, 1.0, "linear"),)
    for best, known in ((0.5, True), (0.25001, True), (0.2, False), (0.9, False)):
        assert boxes(space, np.array([[best]]), np.zeros(1), 2, 1, 0.5)[1][0].known == known


def test_what_comes_of_a_box_that_is_not_known_is_not_known_either() -> None:
    space = (Axis("x", 0.0, 1.0, "linear"),)
    points, losses = np.array([[0.1], [0.2]]), np.array([1.0, 0.0])
    assert [now[0].known for now in boxes(space, points, losses, 3, 1, 0.5)] == [True, False, False]


def test_whole_numbers_keep_no_more_than_shrink_leaves() -> None:
    """Three of them, halved: one or two, and after another round one."""
    space = (Axis("layers", 2, 4, "integer"),)
    second, third = (boxes(space, np.full((2, 1), 3.0), np.zeros(2), 3, 1, 0.5)[number][0] for number in (1, 2))
    assert (second.low, second.high, second.sure) == (0.0, 1.0, (3, 3))
    assert third.sure == (3, 3)


def test_cells_of_an_unknown_box_are_like_no_other() -> None:
    axis, x = Axis("x", 0.0, 1.0, "linear"), np.array([0.3, 0.3, 0.7])
    random = np.random.default_rng(5)
    known, _ = in_cells(axis, Box(0.0, 1.0), x, random)
    unknown, likely = in_cells(axis, Box(0.0, 1.0, known=False), x, random)
    assert len(set(known)) == 1  # a number and its mirror image are one
    assert len(set(unknown)) == 3
    assert (likely < 1e-8).all()
