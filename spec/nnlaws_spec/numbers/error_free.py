"""Sums and products of float64 with what rounding takes from them, and the exponential of such a pair.

Nothing here uses a fused multiply-add, extended precision or a compiler: the same operations, and so the same bits, on
every machine that rounds float64 to nearest. Sources: Knuth, The Art of Computer Programming 2, 4.2.2 (`two_sum`);
Dekker 1971 (`split`, `two_product`). u is 2⁻⁵³.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 1024  # of the exponential's table


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """s + e = a + b exactly, s the nearest float64."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def fast_two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """The same where |a| ≥ |b|, or a is 0."""
    s = a + b
    return s, b - (s - a)


def split(a: Any) -> tuple[Any, Any]:
    """a = h + l exactly, of at most 26 bits each, for |a| below 2⁹⁹⁶."""
    c = a * 134217729.0
    h = c - (c - a)
    return h, a - h


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """p + e = a b exactly, p the nearest float64, where |p| is at least 2⁻⁹⁶⁹ and neither passes 2⁹⁹⁶."""
    p = a * b
    (ah, al), (bh, bl) = split(a), split(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


class _Table(NamedTuple):
    """2^{j/1024}: as the nearest float64 and what that leaves; as 26 bits and the rest. ln 2/1024 in three parts."""

    hi: Floats
    lo: Floats
    head: Floats
    rest: Floats
    step: tuple[float, float, float]


@cache
def _table() -> _Table:
    with ctx.workprec(200):
        powers = [arb(2) ** (arb(j) / STEPS) for j in range(STEPS)]
        hi = np.array([float(power) for power in powers])
        lo = np.array([float(power - float(power)) for power in powers])
        head = split(hi)[0]
        rest = np.array([float(power - float(each)) for power, each in zip(powers, head, strict=True)])
        step, parts = arb(2).log() / STEPS, list[float]()
        for _ in range(2):  # of 31 bits: times a whole number of 21 bits, exact
            scale = 2.0 ** (31 - np.frexp(float(step))[1])
            parts.append(float(np.floor(float(step) * scale) / scale))
            step = step - parts[-1]
        return _Table(hi, lo, head, rest, (parts[0], parts[1], float(step)))


def exp_pair(x: Floats, x_lo: Floats) -> tuple[Floats, Floats]:
    """e^{x + x_lo} for −745 ≤ x ≤ 700 and |x_lo| ≤ u|x|, to 2⁻⁷¹ of itself and 2⁻¹⁰⁷³; 0 for smaller x.

    x = n ln2/1024 + r, |r| ≤ 2⁻¹¹·⁵, exactly but for 2⁻¹⁰³: n is a whole number of 21 bits, and the first two parts of
    ln2/1024 are of 31. Then e^r = 1 + r + q: of q = r²/2 + r³/6 + r⁴/24 + r⁵/120 ≤ 2⁻²⁴ a relative 4u is lost, 2⁻⁷⁵,
    and r⁶/720 < 2⁻⁷⁸ is left out; of r's tail its product with e^r is kept. In the product with 2^{j/1024} that of the
    26 leading bits of both is exact, the others, below 2⁻³⁶, are rounded, and two sums of what is below 2⁻²⁴ lose 2⁻⁷⁶
    each.
    """
    table = _table()
    c1, c2, c3 = table.step
    below = x < -745.2
    x = np.where(below, 0.0, x)
    n = np.rint(x * (STEPS / 0.6931471805599453))
    r, e1 = two_sum(x, -(n * c1))
    r, e2 = two_sum(r, -(n * c2))
    r_lo = (e1 + e2) - n * c3 + np.where(below, 0.0, x_lo)
    q = r * r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120))))
    w, w_lo = fast_two_sum(r, q)
    w_lo = w_lo + (r_lo + w * r_lo)
    whole = np.where(np.isfinite(n), n, 0.0).astype(np.int64)
    j, k = whole & (STEPS - 1), whole >> 10
    w_head, w_rest = split(w)
    t, t_head, t_rest, t_lo = table.hi[j], table.head[j], table.rest[j], table.lo[j]
    s, e = fast_two_sum(t, t_head * w_head)
    e = e + ((t_lo + t_head * w_rest) + (t_rest * w + t * w_lo))
    s, e = fast_two_sum(s, e)
    return np.where(below, 0.0, np.ldexp(s, k)), np.where(below, 0.0, np.ldexp(e, k))
