"""Jets: a ball and its derivative along one direction, carried together (python-flint's `arb_series`).

Evaluating a formula at x + t·v to first order in t gives the exact directional derivative ⟨v, ∇f(x)⟩ with a proven
radius: no step size, no tolerance.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import arb_series, ctx
from numpy.typing import ArrayLike, NDArray

from nnlaws_spec.numbers.ball import FIRST_PRECISION, balls


def jets(x: ArrayLike, direction: ArrayLike) -> NDArray[np.object_]:
    """x + t·direction, elementwise, exactly."""
    return np.asarray(_jet(balls(x), balls(direction)), dtype=object)


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
        if not isinstance(result, np.ndarray):  # one series, which NumPy would take for a sequence of its coefficients
            return np.array(result[1], dtype=object)
        return np.asarray(_slope(result), dtype=object)


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
_slope = np.frompyfunc(lambda series: series[1], 1, 1)
