"""The scale of one hyperparameter: where draws lie on it, how far rounding carries them, how likely one comes again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import sampling, scales, search

from nnlaws.chance import GRAIN
from nnlaws.rounding import log_scales
from nnlaws.rounding.formats import Floats, Format, format_of
from nnlaws.rounding.number import bounded

RESOLUTION = {"float32": 2.0**-23, "float64": 2.0**-32}
"""How coarse the uniform numbers may be that a sound sampler starts from: 23 bits in float32; in float64, 32.

Float32 generators draw multiples of 2⁻²³ (TensorFlow, JAX) or 2⁻²⁴ (NumPy, PyTorch); those of float64 have 52 or 53
bits, but for such as take one word of 32 bits for each. 24 bits in float64 are neither: of n draws n²/2²⁵ pairs are
equal, 0.1 of 2000, which shows nothing, and 8 of the 16000 of a thorough run, which are refused. They have to be
declared, `resolution = float32`; so draws are held to the same in every profile, and the larger ones see more of it.
"""
FINE = 2.0**-20
"""How much a residue's share may be off from that of others, and yet be tested: what the grain is widened by."""
CELLS = 2.0**30
"""Parts of a scale that are small beside what chance brings together, and large beside rounding in float64."""
CATEGORIES = 1 << 12
"""Of more whole numbers than that no usual mistake in the share of single ones would show."""


Kind = Literal["linear", "log", "one_minus_log", "integer", "reverse_log"]


@dataclass(frozen=True)
class Scale:
    """One hyperparameter's scale and box. kind: those of a search's axes, or Keras Tuner's reverse_log.

    coarse: whether the uniform numbers that draws start from may be those of float32, whatever the draws are in.
    """

    kind: Kind
    low: float
    high: float
    coarse: bool = False

    @property
    def count(self) -> int:
        """Of an integer, how many there are."""
        return int(self.high - self.low) + 1

    @property
    def _reversed(self) -> dict[str, Any]:
        """The options of the formulas of 1 − x that make them Keras Tuner's."""
        return {"low": self.low, "high": self.high, "complement": self.kind}

    def position(self, x: Floats) -> Floats:
        """Where x lies in the box, from 0 at low to 1 at high: of a continuous scale, the probability of less."""
        if self.kind == "reverse_log":
            return np.asarray(scales.one_minus_log_uniform_inverse(x, **self._reversed))
        return np.asarray(search.position(x, self.low, self.high, self.kind))

    def value(self, u: Floats) -> Floats:
        """Of a position in [0, 1], the value."""
        if self.kind == "reverse_log":
            return np.asarray(scales.one_minus_log_uniform_map(u, **self._reversed))
        x = np.asarray(search.value(u, self.low, self.high, self.kind))
        return np.minimum(x, self.high) if self.kind == "integer" else x  # of u = 1, which no draw is

    def density(self, x: Floats) -> Floats:
        """Of a continuous scale, the density at x."""
        if self.kind == "reverse_log":
            return np.asarray(scales.one_minus_log_uniform_density(x, **self._reversed))
        if self.kind == "one_minus_log":
            return np.asarray(scales.one_minus_log_uniform_density(x, low=self.low, high=self.high))
        if self.kind == "log":
            return np.asarray(scales.log_uniform_density(x, low=self.low, high=self.high))
        return np.full(x.shape, 1 / (self.high - self.low))

    def uniform(self, x: Array, random: np.random.Generator) -> Floats:
        """Numbers that are uniform on [0, 1] and independent exactly if the x are drawn as they should be.

        A draw stands for all numbers that round to it: its place among them is drawn, too. An integer stands for as
        much of [0, 1] as its share is.
        """
        wide, within = x.astype(np.float64), random.random(x.shape)
        if self.kind == "integer":
            k = np.clip(np.floor(wide - self.low), 0, self.count - 1)
            share = sampling.integer_share(k + self.low, int(self.low), int(self.high))
            within += wide - self.low - k  # 0, but for what is no such integer
            return np.asarray(np.clip((k + within) * share, 0.0, 1.0))
        half = _spacing(x) / 2
        with np.errstate(all="ignore"):
            ends = [self.position(np.clip(wide + side, self.low, self.high)) for side in (-half, half)]
        return np.asarray(np.clip(ends[0] + within * (ends[1] - ends[0]), 0.0, 1.0))

    def residues(self, x: Array, bits: int) -> Floats:
        """Of whole numbers, what is left of x − low when divided by 2^bits: its low bits."""
        return np.asarray(np.mod(np.floor(x.astype(np.float64) - self.low), 2**bits))

    def residual_grain(self, bits: int) -> float | None:
        """How far the distribution function of (residue + u)/2^bits may be from that of uniform numbers, for sound
        draws; None where it is too far for a test.

        Of `count` whole numbers each residue has count // 2^bits or one more: a share within 1/count of 2^−bits, so
        that the first j of them together are within 2^bits/count of j/2^bits. GRAIN is what a sampler may add.
        """
        off = 0.0 if self.count % 2**bits == 0 else 2**bits / self.count
        return GRAIN + off if off <= FINE else None

    def grain(self, x: Array) -> float:
        """How far the distribution function of sound draws may be from that of uniform numbers, on the scale."""
        return GRAIN if self.kind == "integer" else max(GRAIN, float(self.chance(x).max()))

    def chance(self, x: Array) -> Floats:
        """At most the probability that one draw is just this number.

        It can only come of what lies within rounding of it, and of one more of the uniform numbers one starts from.
        """
        if self.kind == "integer":
            return np.full(x.shape, 1 / self.count + RESOLUTION["float64"])
        error, wide = self.rounding(x), x.astype(np.float64)
        name = "float32" if self.coarse else granularity(x).name
        with np.errstate(all="ignore"):
            ends = [self.position(np.clip(wide + side, self.low, self.high)) for side in (-error, error)]
        return np.asarray(np.clip(ends[1] - ends[0] + RESOLUTION[name], 0.0, 1.0))

    def cells(
        self, x: Array, random: np.random.Generator, low: float = 0.0, high: float = 1.0
    ) -> tuple[Floats, Floats]:
        """Of draws on a continuous scale, or the part of it between two positions: in which of CELLS equal parts they
        lie, where a part and its mirror image count as one; and at most how likely each is. What is outside is like no
        other.

        So draws of several scales can be compared: a number that comes again on another scale is rounded otherwise.
        """
        with np.errstate(all="ignore"):
            u = self.position(x.astype(np.float64))
            image = self.value(np.clip(low + high - u, 0.0, 1.0)).astype(granularity(x).dtype)
            inside, at = (low <= u) & (u <= high), np.floor(np.clip((u - low) / (high - low), 0.0, 1.0) * CELLS)
            likely = 2 / CELLS + (self.chance(x) + self.chance(image)) / (high - low)
        alone = -1.0 - 2.0**40 * random.random(x.shape)
        folded = np.where(inside, np.minimum(at, CELLS - 1 - at), alone)
        return folded, np.where(inside, np.minimum(likely, 1.0), 1 / CELLS)

    def rounding(self, x: Array) -> Floats:
        """How far rounding may carry a sound sampler that should give x, by the bounds of the maps; integers: 0."""
        format, wide = granularity(x), np.clip(x.astype(np.float64), self.low, self.high)
        if self.kind == "integer":
            return np.zeros(x.shape)
        if self.kind == "linear":  # low + u (high − low): low and high rounded, a difference, a product, a sum
            return np.full(x.shape, 6 * format.u * max(abs(self.low), abs(self.high)))
        bound = log_scales.log_uniform_map if self.kind == "log" else log_scales.one_minus_log_uniform_map
        conventions = {"hyperparameters": "working"} | ({"complement": self.kind} if self.kind == "reverse_log" else {})
        u = np.clip(self.position(wide), 0.0, 1.0).astype(format.dtype)
        return bound(bounded(u), low=self.low, high=self.high, conventions=conventions).error

    def outside(self, x: Array) -> Array:
        """The draws that are in the box neither as they are nor up to rounding."""
        wide = x.astype(np.float64)
        if self.kind == "integer":
            return np.asarray(x[sampling.integer_share(wide, int(self.low), int(self.high)) == 0])
        error = self.rounding(x)
        return x[~((wide >= self.low - error) & (wide <= self.high + error))]


def granularity(x: Array) -> Format:
    """The format that the draws are in: float32 also where each of them is one, whatever the array holds."""
    narrow = x.dtype == np.float32 or (x.dtype.kind == "f" and bool((x == x.astype(np.float32)).all()))
    return format_of(np.dtype(np.float32 if narrow else np.float64))


def _spacing(x: Array) -> Floats:
    return granularity(x).ulp(x.astype(np.float64))


def mistaken(scale: Scale) -> tuple[Callable[[Floats], Floats], ...]:
    """Densities of positions where a usual mistake is made: another scale is taken for this one; or both ends of
    integers are drawn half as often, or one never."""
    if scale.kind == "integer" and not 1 < scale.count <= CATEGORIES:
        return ()
    if scale.kind == "integer":
        halved, missing = np.ones((2, scale.count))
        halved[[0, -1]], missing[-1] = 0.5, 0.0
        return tuple(partial(_at, weights / weights.mean()) for weights in (halved, missing, missing[::-1]))
    others = [Scale("linear", scale.low, scale.high)]
    if scale.low > 0:
        others.append(Scale("log", scale.low, scale.high))
    if scale.high < 1:
        others.append(Scale("one_minus_log", scale.low, scale.high))
    if scale.low > 0 and scale.high < 1:
        others.append(Scale("reverse_log", scale.low, scale.high))
    return tuple(partial(_taken, other, scale) for other in others if other.kind != scale.kind)


def _at(weights: Floats, u: Floats) -> Floats:
    return weights[np.minimum((u * len(weights)).astype(np.intp), len(weights) - 1)]


def _taken(other: Scale, scale: Scale, u: Floats) -> Floats:
    """The density, on `scale`, of draws from `other`: the ratio of the two densities of x."""
    x = scale.value(u)
    with np.errstate(all="ignore"):
        return other.density(x) / scale.density(x)
