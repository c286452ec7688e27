"""Certificates: a closed form of a gradient is proven against the exact derivative of the formula itself. No tolerance.

For formulas that run on any kind of number (`nnlaws_spec.formulas`). For any other function there is `gradcheck`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import ctx
from nnlaws_spec.numbers import balls, directional_derivative
from nnlaws_spec.numbers.ball import FIRST_PRECISION
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Certificate:
    """Whether ⟨v, gradient⟩ and the exact derivative along v overlap, for every direction v tried.

    radius: the largest sum of the two radii: an error of the gradient that changes ⟨v, gradient⟩ by more does not pass.
    relative: that, divided by the norm of the gradient. gap: by how far the worst pair is apart, 0 where all overlap.
    """

    holds: bool
    directions: int
    radius: float
    relative: float
    gap: float

    def __bool__(self) -> bool:
        return self.holds


def certify(
    f: Callable[..., Any],
    gradient: Callable[..., Any],
    x: ArrayLike,
    *constants: ArrayLike,
    directions: int = 2,
    seed: int = 0,
    precision: int = FIRST_PRECISION,
) -> Certificate:
    """Proves gradient(x, *constants) to be the gradient in x of the scalar f(x, *constants), at this x.

    f, gradient: formulas in plain array code; gradient returns x's shape. directions: how many Gaussian directions v;
    a wrong gradient passes one only if its error is orthogonal to v up to the radius, which has probability 0 but for
    that. Raises ValueError if f is not scalar, or gradient has another shape than x.
    """
    point = np.asarray(x)
    random = np.random.default_rng(seed)
    with ctx.workprec(precision):
        g = np.asarray(gradient(balls(point), *(balls(constant) for constant in constants)), dtype=object)
        if g.shape != point.shape:
            raise ValueError(f"expected a gradient of x's shape {point.shape}, got shape {g.shape}")
        norm = float(np.sqrt(np.square(g.astype(np.float64)).sum()))
    holds, radius, gap = True, 0.0, 0.0
    for _ in range(directions):
        v = random.standard_normal(point.shape)
        slope = directional_derivative(f, point, v, *constants, precision=precision)
        if slope.shape != ():
            raise ValueError(f"expected a scalar f, got shape {slope.shape}; weight and sum its entries first")
        with ctx.workprec(precision):
            projected: Any = (balls(v) * g).sum()
            derivative: Any = slope[()]
            holds = holds and bool(projected.overlaps(derivative))
            radius = max(radius, float(projected.rad()) + float(derivative.rad()))
            gap = max(gap, float((projected - derivative).abs_lower()))
    return Certificate(holds, directions, radius, radius / norm if norm else radius, gap)
