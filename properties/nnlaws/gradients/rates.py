"""What a gradient check is about: a function and a gradient at a point, and their rates along directions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Function = Callable[[Any], Any]
ALARM = 1e-9  # P(false alarm in a call), were rounding Gaussian; P(passing an error of `detectable` norm)


@dataclass(frozen=True)
class Problem:
    """f and gradient at x: y = f(x) flattened to (M,), g to (M, n), f(x).shape; limits of their types."""

    f: Function
    gradient: Function
    x: Array
    y: Array
    g: Array
    shape: tuple[int, ...]
    u: float  # unit roundoff
    tiny: float  # smallest normal number

    def values(self, x: Array) -> Array:
        try:
            return np.asarray(self.f(x), dtype=np.float64).reshape(self.y.shape)
        except (ArithmeticError, ValueError):  # a step may leave the domain of f
            return np.full(self.y.shape, math.nan)

    def slack(self, v: Array, u_sum: float) -> Array:
        """Rounding of ⟨v, g⟩: n u_sum Σ|v||g| for the sum, 4u Σ|v||g| for entries from a few operations.
        Entries less exact than that are so by cancellation: rough in x, and measured as noise is."""
        size = np.abs(v)
        sums = size @ np.abs(self.g).T * (4 * self.u + self.x.size * u_sum)
        return np.asarray(sums + self.tiny * size.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Rates:
    """K directions against M outputs."""

    difference: Array  # (K, M) measured − claimed rate
    allowed: Array  # (K, M)
    noise: Array  # (M,) the rounding in it, with its safety factor, to judge other directions by
    h: Array  # (K, M) the steps chosen

    @property
    def ratio(self) -> Array:
        return np.asarray(np.abs(self.difference) / self.allowed)


def pair(x: Array, v: Array, h: float) -> tuple[Array, Array]:
    """x + hv and x − hv in x's type, equally far from x: rounded on the side of larger |x|, where the grid is
    coarser, then mirrored. Unequal distances would add v'∇²f·u|x| to the rate, which no step makes small."""
    size = h * np.abs(v.reshape(x.shape))
    outward = np.asarray(x + np.copysign(size, x), dtype=x.dtype)
    step = np.copysign(outward - x, v.reshape(x.shape))
    return np.asarray(x + step, dtype=x.dtype), np.asarray(x - step, dtype=x.dtype)


def safety_factor(samples: int, cases: int) -> float:
    """Estimated standard deviations that one of `cases` Gaussian errors exceeds with probability ≤ ALARM:
    P(|Z| > s √(χ²_n/n)) ≤ E exp(−s²χ²_n/2n) = (1 + s²/n)^{−n/2}, solved for s."""
    return math.sqrt(samples * ((cases / ALARM) ** (2 / samples) - 1))
