"""The operations of search: which points of a space of hyperparameters are tried.

A space is a tuple of axes, each a tuple (name, low, high, scale), the scale "linear", "log", "one_minus_log" or
"integer". A point has one number an axis, in the axes' order; points are a float64 array with a row a point.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import search as formulas

from nnlaws.authoring.operation import Operation

Axis = tuple[str, float, float, str]
Space = tuple[Axis, ...]
Objective = Callable[[Array], float]
"""Of a point (d,), its loss."""
Train = Callable[[Any, Array], tuple[Any, float]]
"""Of a model (at first None) and a point (d,): the model trained on with these settings, and its loss."""
Trials = tuple[Array, Array, int]


class GridSearch(Protocol):
    """space: d axes; per_axis: values an axis.

    Returns every combination of per_axis values an axis, equally spaced on its own scale (per_axis^d, d) (SE-2).
    """

    def __call__(self, space: Space, /, *, per_axis: int) -> Array: ...


class RandomSearch(Protocol):
    """space: d axes; budget: how many points; seed: a whole number ≥ 0.

    Returns independent points (budget, d), each axis drawn on its own scale (SE-1, SE-3).
    """

    def __call__(self, space: Space, /, *, budget: int, seed: int) -> Array: ...


class Refine(Protocol):
    """space: d axes; incumbent: a point of it (d,); shrink in (0, 1).

    Returns low and high of each axis of the finer box (d, 2): around the incumbent, on the axis's own scale at most
    `shrink` times as wide, and inside the coarser one (SE-9 to SE-12).
    """

    def __call__(self, space: Space, incumbent: Array, /, *, shrink: float) -> Array: ...


class CoarseToFine(Protocol):
    """space: d axes; objective(point) -> loss; budget: points a round; shrink in (0, 1); seed: a whole number ≥ 0.

    Returns points (rounds · budget, d), their losses, and the index of the least: each round draws at random, each axis
    on its own scale, in the box that `refine` makes of the round before's, around the best point so far (SE-13).
    """

    def __call__(
        self, space: Space, objective: Objective, /, *, rounds: int, budget: int, shrink: float, seed: int
    ) -> Trials: ...


class Caviar(Protocol):
    """space: d axes; objective(point) -> loss; budget: how many trials; seed: a whole number ≥ 0.

    Returns points (budget, d), their losses, and the index of the least: trials at random, each by itself (SE-16).
    """

    def __call__(self, space: Space, objective: Objective, /, *, budget: int, seed: int) -> Trials: ...


class Panda(Protocol):
    """space: d axes; train(model, point) -> (model, loss), of the model None at first; start: the first point (d,);
    budget: how many calls of train; seed: a whole number ≥ 0.

    Returns the points (budget, d), their losses, and the index of the least: one model, trained on and on, and settings
    that change by what its losses have been (SE-17, SE-18).
    """

    def __call__(self, space: Space, train: Train, /, *, start: Array, budget: int, seed: int) -> Trials: ...


TEXT = chapter("search")
_TRIALS = "points(n,d), losses(n), best()"
_operation = partial(Operation, formulas=formulas, reference_module=nnlaws_reference)

GRID_SEARCH = _operation("grid_search", "space(), *, per_axis -> points(n,d)", GridSearch)
RANDOM_SEARCH = _operation("random_search", "space(), *, budget, seed -> points(n,d)", RandomSearch)
REFINE = _operation("refine", "space(), incumbent(d), *, shrink -> box(d,2)", Refine)
COARSE_TO_FINE = _operation(
    "coarse_to_fine", f"space(), objective(), *, rounds, budget, shrink, seed -> {_TRIALS}", CoarseToFine
)
CAVIAR = _operation("caviar", f"space(), objective(), *, budget, seed -> {_TRIALS}", Caviar)
PANDA = _operation("panda", f"space(), train(), *, start, budget, seed -> {_TRIALS}", Panda)

OPERATIONS = (GRID_SEARCH, RANDOM_SEARCH, REFINE, COARSE_TO_FINE, CAVIAR, PANDA)
