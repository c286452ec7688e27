"""Jets: a ball and its derivative along one direction, carried together (python-flint's `arb_series`).

Evaluating a formula at x + t·v to first order in t gives the exact directional derivative ⟨v, ∇f(x)⟩ with a proven
radius: no step size, no tolerance.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx
from numpy.typing import ArrayLike, NDArray

from nnlaws_spec.numbers.ball import FIRST_PRECISION, balls


def jets(x: ArrayLike, direction: ArrayLike) -> NDArray[np.object_]:
    """x + t·direction, elementwise, exactly."""
    points, slopes = np.broadcast_arrays(balls(x), balls(direction))
    # Flat: of one series alone, NumPy would take the coefficients.
    flat: Any = _jet(points.ravel(), slopes.ravel())
    jet: NDArray[np.object_] = flat.reshape(points.shape)
    return jet


def directional_derivative(
    formula: Callable[..., Any],
    x: ArrayLike,
    direction: ArrayLike,
    *constants: ArrayLike,
    precision: int = FIRST_PRECISION,
) -> NDArray[np.object_]:
    """d/dt formula(x + t·direction, *constants) at t = 0, as balls of the formula's shape."""
    with _first_order(precision):
        result = formula(jets(x, direction), *(balls(constant) for constant in constants))
        if not isinstance(result, np.ndarray):  # one number: NumPy would take a series for its coefficients
            return np.array(_slope_of(result), dtype=object)
        return np.asarray(_slope(result), dtype=object)


def _slope_of(x: Any) -> arb:
    """A formula that does not depend on x gives plain balls."""
    return x[1] if isinstance(x, arb_series) else arb(0)


@contextmanager
def _first_order(precision: int) -> Generator[None]:
    cap = ctx.cap
    ctx.cap = 2
    try:
        with ctx.workprec(precision):
            yield
    finally:
        ctx.cap = cap


_jet = np.frompyfunc(lambda x, v: arb_series([x, v]), 2, 1)
_slope = np.frompyfunc(_slope_of, 1, 1)
