"""Search: which points of a space of hyperparameters to try, and which was best.

A space is a sequence of axes; a point (d,) has one number an axis, in the axes' order; points are a float64 array with
a row a point. Each axis is gridded, drawn, refined and moved along on its own scale (SE-1). Seeds are those of
nnlaws_reference.sampling. Losses are the lower the better, and one that is NaN is never the best.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from math import inf, isnan
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlaws_reference.sampling import (
    Seed,
    sample_integer,
    sample_log_uniform,
    sample_one_minus_log_uniform,
    sample_uniform,
)
from nnlaws_reference.scales import (
    log_uniform_inverse,
    log_uniform_map,
    one_minus_log_uniform_inverse,
    one_minus_log_uniform_map,
)

Scale: TypeAlias = Literal["linear", "log", "one_minus_log", "integer"]
"""What is uniform along an axis: x, log x, log(1 − x), or the whole number."""

Points: TypeAlias = NDArray[np.float64]


class Axis(NamedTuple):
    """One hyperparameter: its name, the box low ≤ x ≤ high, and its scale. With low = high it is held there."""

    name: str
    low: float
    high: float
    scale: Scale


Space: TypeAlias = Sequence[Axis]
Objective: TypeAlias = Callable[[Points], float]
"""From a point (d,) to its loss."""


class Trials(NamedTuple):
    """What was tried: points (n, d), losses (n,), and the index of the least loss, of equal ones the first (SE-14)."""

    points: Points
    losses: NDArray[np.float64]
    best: int


Model = TypeVar("Model")
Result = TypeVar("Result")

WHOLE = 2.0**53
"""As far as float64 holds every whole number."""


def grid_search(space: Space, *, per_axis: int) -> Points:
    """Every combination of per_axis values an axis: points (per_axis^d, d), the last axis varying fastest (SE-2).

    The values are equally spaced on the axis's own scale, both ends included; a single one is the middle. Those of an
    integer axis are rounded. Raises ValueError for an axis with fewer values than per_axis, or per_axis < 1.
    """
    axes, per_axis = _checked_space(space), _counted("per_axis", per_axis)
    units = np.linspace(0, 1, per_axis) if per_axis > 1 else np.array([0.5])
    levels = [_value(axis, units) for axis in axes]
    for axis, values in zip(axes, levels, strict=True):
        if len(np.unique(values)) < per_axis:
            raise ValueError(
                f"axis {axis.name!r}: a grid of {per_axis} values does not fit between {axis.low} and {axis.high}; "
                "take a smaller per_axis, or leave the axis out"
            )
    return np.stack(np.meshgrid(*levels, indexing="ij"), axis=-1).reshape(-1, len(axes))


def random_search(space: Space, *, budget: int, seed: Seed) -> Points:
    """`budget` independent points (budget, d), each axis drawn on its own scale (SE-1, SE-3, SE-5).

    Each axis has a stream of its own, so that a larger budget or another axis at the end changes no number before it.
    Raises ValueError for another space, or budget < 1.
    """
    axes, budget = _checked_space(space), _counted("budget", budget)
    streams = np.random.default_rng(seed).spawn(len(axes))
    return np.stack([_draw(axis, budget, stream) for axis, stream in zip(axes, streams, strict=True)], axis=-1)


def refine(space: Space, incumbent: ArrayLike, *, shrink: float) -> Points:
    """The finer box round the incumbent: (d, 2), low and high of each axis (SE-9 to SE-12).

    incumbent: a point of the space (d,); 0 < shrink < 1. On the axis's own scale the finer box is centred on the
    incumbent and `shrink` times as wide as the coarser one, then clipped to it. Ends of an integer axis are rounded
    towards the incumbent. Raises ValueError for another incumbent or shrink.
    """
    axes, shrink = _checked_space(space), _checked_shrink(shrink)
    point = _checked_point(axes, incumbent, "the incumbent")
    return np.array([_refined(axis, float(x), shrink) for axis, x in zip(axes, point, strict=True)])


def coarse_to_fine(
    space: Space, objective: Objective, *, rounds: int, budget: int, shrink: float, seed: Seed
) -> Trials:
    """Rounds of random search, each in a finer box: rounds · budget trials (SE-13).

    The box of a round is the one that `refine` makes of the box before it, round the best point of all rounds so far.
    If no loss so far is a number, the box stays. Each round has a stream of its own. Raises what `objective` raises,
    and ValueError as `caviar` does, for rounds < 1 and for another shrink.
    """
    axes, rounds, shrink = _checked_space(space), _counted("rounds", rounds), _checked_shrink(shrink)
    points, losses = np.empty((0, len(axes))), np.empty(0)
    for number, stream in enumerate(np.random.default_rng(seed).spawn(rounds)):
        if number and not np.isnan(losses).all():
            box = refine(axes, points[_least(losses)], shrink=shrink)
            axes = tuple(
                axis._replace(low=low, high=high) for axis, (low, high) in zip(axes, box.tolist(), strict=True)
            )
        drawn = random_search(axes, budget=budget, seed=stream)
        points, losses = np.concatenate([points, drawn]), np.concatenate([losses, _tried(objective, drawn, None)])
    return _trials(points, losses)


def caviar(space: Space, objective: Objective, *, budget: int, seed: Seed, executor: Executor | None = None) -> Trials:
    """`budget` independent random trials, and the best of them (SE-14 to SE-16).

    All points are drawn before any is tried, and losses are put in the points' order: with an executor, trials run at
    the same time, and the result is the same in whatever order they end. The executor is used through `submit` alone
    and left open; for one of processes, `objective` must be picklable.
    What `objective` raises is raised, of several the one of the first point, with a note that tells the point; trials
    that have not begun are cancelled. To go on after a failed trial, return NaN or inf from it.
    Raises ValueError for another space, budget < 1, or if every loss is NaN.
    """
    points = random_search(space, budget=budget, seed=seed)
    return _trials(points, _tried(objective, points, executor))


def panda(
    space: Space,
    train: Callable[[Model | None, Points], tuple[Model, float]],
    *,
    start: ArrayLike,
    budget: int,
    seed: Seed,
) -> Trials:
    """One model, nursed: trained on and on, while its settings change by what its losses have been (SE-17, SE-18).

    train(model, point) trains the model that the call before returned, at first None, and returns it with its loss; it
    is called `budget` times, first at `start`, a point of the space (d,).
    After each call one axis, drawn at random, takes a step from the last settings under which the loss fell: at first
    an eighth of its box, on its own scale, up or down. If the loss does not fall, that change is taken back, and the
    axis's next step is half as long and goes the other way, as it is and does at an end of the box. A step along an
    integer axis is at least 1.
    Raises what `train` raises, and ValueError as `caviar` does and for another start.
    """
    axes, budget = _checked_space(space), _counted("budget", budget)
    point = kept = _checked_point(axes, start, "start")
    random = np.random.default_rng(seed)
    steps: list[float] = random.choice([-0.125, 0.125], size=len(axes)).tolist()
    free = [i for i, axis in enumerate(axes) if axis.low < axis.high]
    order: list[int] = random.choice(free or [0], size=budget).tolist()  # whose turn it is, whatever the losses
    model: Model | None = None
    points, losses = np.empty((budget, len(axes))), np.empty(budget)
    for call in range(budget):
        points[call] = point
        model, losses[call] = _noted(partial(_trained, train, model, point.copy()), call, point)
        if call == 0 or _fell(losses[call - 1], losses[call]):
            kept = point
        else:
            steps[order[call - 1]] /= -2
        turn = order[call]
        axis, x = axes[turn], float(kept[turn])
        if _moved(axis, x, steps[turn]) == x:  # at an end of the box
            steps[turn] /= -2
        point = kept.copy()
        point[turn] = _moved(axis, x, steps[turn])
    return _trials(points, losses)


def _value(axis: Axis, u: Points) -> Points:
    """From u in [0, 1] along the axis, on its own scale, to its values."""
    low, high = axis.low, axis.high
    if low == high:
        return np.full_like(u, low)
    if axis.scale == "log":
        return log_uniform_map(u, low=low, high=high)
    if axis.scale == "one_minus_log":
        return one_minus_log_uniform_map(u, low=low, high=high)
    x = np.clip(low * (1 - u) + high * u, low, high)
    return np.rint(x) if axis.scale == "integer" else x


def _unit(axis: Axis, x: float) -> float:
    """From a value of the axis, with low < high, to u in [0, 1]."""
    low, high = axis.low, axis.high
    if axis.scale == "log":
        return float(log_uniform_inverse(np.array(x), low=low, high=high))
    if axis.scale == "one_minus_log":
        return float(one_minus_log_uniform_inverse(np.array(x), low=low, high=high))
    return (x / 2 - low / 2) / (high / 2 - low / 2)  # high − low could overflow


def _draw(axis: Axis, size: int, stream: np.random.Generator) -> Points:
    low, high = axis.low, axis.high
    if axis.scale == "integer":
        return sample_integer(int(low), int(high), size=size, seed=stream).astype(np.float64)
    if low == high:
        return np.full(size, low)
    samplers = {"linear": sample_uniform, "log": sample_log_uniform, "one_minus_log": sample_one_minus_log_uniform}
    return samplers[axis.scale](low, high, size=size, seed=stream)


def _refined(axis: Axis, x: float, shrink: float) -> tuple[float, float]:
    low, high = axis.low, axis.high
    if low == high:
        return low, high
    if axis.scale == "integer":
        reach = shrink * (high - low) / 2
        return max(low, np.ceil(x - reach)), min(high, np.floor(x + reach))
    u = _unit(axis, x)
    ends = _value(axis, np.clip([u - shrink / 2, u + shrink / 2], 0, 1))
    return min(x, float(ends[0])), max(x, float(ends[1]))  # rounding must not leave the incumbent out


def _moved(axis: Axis, x: float, step: float) -> float:
    """The value a step away on the axis's own scale, the step a part of its box; no farther than its end."""
    if axis.low == axis.high:
        return x
    moved = float(_value(axis, np.clip(np.array(_unit(axis, x) + step), 0, 1)))
    if axis.scale == "integer" and moved == x:
        return min(max(x + float(np.sign(step)), axis.low), axis.high)
    return moved


def _tried(objective: Objective, points: Points, executor: Executor | None) -> NDArray[np.float64]:
    """The losses of the points, in their order; each trial has a copy of its point."""
    if executor is None:
        return np.array([_noted(partial(_loss, objective, each.copy()), i, each) for i, each in enumerate(points)])
    futures: list[Future[float]] = []
    try:
        futures.extend(executor.submit(_loss, objective, point.copy()) for point in points)
        return np.array([_noted(future.result, i, points[i]) for i, future in enumerate(futures)])
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _loss(objective: Objective, point: Points) -> float:
    return float(objective(point))


def _trained(
    train: Callable[[Model | None, Points], tuple[Model, float]], model: Model | None, point: Points
) -> tuple[Model, float]:
    returned: Any = train(model, point)
    if not isinstance(returned, Sequence) or len(returned) != 2:
        raise TypeError(f"expected train to return the model and its loss, got {type(returned).__name__}")
    return returned[0], float(returned[1])


def _noted(call: Callable[[], Result], trial: int, point: Points) -> Result:
    """What the call returns; what it raises gets a note of the trial."""
    try:
        return call()
    except Exception as error:
        error.add_note(f"raised in trial {trial}, at the point {point.tolist()}")
        raise


def _trials(points: Points, losses: NDArray[np.float64]) -> Trials:
    if np.isnan(losses).all():
        raise ValueError(
            f"expected a loss that is a number, got NaN from all of the {len(losses)} trials: none is best"
        )
    return Trials(points, losses, _least(losses))


def _least(losses: NDArray[np.float64]) -> int:
    """The index of the least loss that is a number. (numpy.nanargmin may take a NaN where all others are infinite.)"""
    numbers = np.flatnonzero(~np.isnan(losses))
    return int(numbers[np.argmin(losses[numbers])])


def _fell(before: float, after: float) -> bool:
    """Whether the loss fell: to a number, from a greater one or from NaN."""
    return after < before or (isnan(before) and not isnan(after))


_DOMAINS: dict[str, str] = {
    "linear": "low ≤ high, both finite",
    "log": "0 < low ≤ high, both finite",
    "one_minus_log": "low ≤ high < 1, both finite",
    "integer": "whole numbers low ≤ high, neither beyond 2^53",
}
"""What low and high may be on each scale."""


def _checked_space(space: Space) -> tuple[Axis, ...]:
    axes = tuple(_checked_axis(index, axis) for index, axis in enumerate(space))
    if not axes:
        raise ValueError("expected a space of at least one axis, got none")
    return axes


def _checked_axis(index: int, axis: Sequence[Any]) -> Axis:
    """The axis, of Python floats. A plain tuple of four will do."""
    if len(axis) != 4:
        raise ValueError(f"axis {index}: expected (name, low, high, scale), got {axis!r}")
    name, low, high, scale = Axis(*axis)
    if scale not in _DOMAINS:
        raise ValueError(f"axis {name!r}: expected a scale of {', '.join(_DOMAINS)}, got {scale!r}")
    low, high = float(low), float(high)
    fits = {
        "linear": -inf < low <= high < inf,
        "log": 0 < low <= high < inf,
        "one_minus_log": -inf < low <= high < 1,
        "integer": -WHOLE <= low <= high <= WHOLE and low.is_integer() and high.is_integer(),
    }
    if not fits[scale]:
        raise ValueError(f"axis {name!r}: expected {_DOMAINS[scale]} on its scale {scale}, got {low} and {high}")
    return Axis(name, low, high, scale)


def _checked_point(axes: tuple[Axis, ...], given: ArrayLike, what: str) -> Points:
    point = np.array(given, dtype=np.float64)
    if point.shape != (len(axes),):
        raise ValueError(f"expected {what} to be a point of {len(axes)} numbers, one an axis, got shape {point.shape}")
    for axis, x in zip(axes, point.tolist(), strict=True):
        if not axis.low <= x <= axis.high or (axis.scale == "integer" and not x.is_integer()):
            whole = "a whole number " if axis.scale == "integer" else ""
            raise ValueError(f"axis {axis.name!r}: expected {what} {whole}between {axis.low} and {axis.high}, got {x}")
    return point


def _checked_shrink(shrink: float) -> float:
    if not 0 < shrink < 1:
        raise ValueError(f"expected shrink in (0, 1), how wide the finer box is in terms of the coarser, got {shrink}")
    return float(shrink)


def _counted(name: str, number: int) -> int:
    if not number >= 1 or int(number) != number:
        raise ValueError(f"expected {name} to be a whole number ≥ 1, got {number}")
    return int(number)
