"""Sequential tests of draws that are to be independent and uniform on [0, 1].

Each component is a product of factors, one a draw, that are probability densities on [0, 1] chosen before the draw is
seen: a likelihood ratio against the uniform law, whose expectation is 1 whatever came before. Components are mixed by
equal weights, so each costs the logarithm of their number, and none has to be chosen.

**No generator is exactly uniform.** Let the distribution function of a draw, given all earlier ones, be within `grain`
of the uniform one (GRAIN for float32; 2⁻⁵³ is NumPy's float64). Then a factor f has expectation at most
1 + grain · V(f), V its total variation (integrate by parts). Factors that are unbounded at the ends are evaluated at
draws clamped into [EDGE, 1 − EDGE], which adds at most EDGE · (f(EDGE) + f(1 − EDGE)) to it. Each component divides
each factor by a bound of what both add, so that it stays a supermartingale: exactly, not approximately.

Where draws were rounded to a type that is coarse beside the scale of v (1 − x close to 0 in float32), half the widest
step of v is to be added to the grain. Ranks need none of that: ties are broken exactly at random.
"""

from collections.abc import Callable, Sequence
from itertools import permutations
from math import log, log1p

import numpy as np
import scipy
from numpy.typing import NDArray

from nnlaws.chance.martingale import GRAIN, Integers, LogE, draws, mixture, moments, report
from nnlaws.rounding.formats import Floats

EDGE = 2.0**-26  # small beside GRAIN, so that clamping costs less than the grain does
STEEPEST = 64.0  # no density given to `marginal` varies by more in total, nor is higher

Density = Callable[[Floats], Floats]
Way = tuple[int, int, int]
"""Which coordinate depends on which other, of how many points before."""

_CORRELATIONS = np.array([sign * r for r in (0.97, 0.9, 0.7, 0.5, 0.3, 0.15, 0.07) for sign in (1.0, -1.0)])[:, None]
_POWERS = np.exp([sign * s for s in (0.03, 0.1, 0.3, 1.0) for sign in (1.0, -1.0)])[:, None]
_SHRINKS = 2.0 ** -np.arange(1.0, 10.5, 0.5)[:, None]
_NEAR = (1, 2, 3)  # lags at which most generators that fail show it
_FAR = (4, 5, 6, 7, 8)  # and powers of two beyond, and halves


def marginal(v: Floats, densities: Sequence[Density] = (), categories: int = 0, *, grain: float = GRAIN) -> LogE:
    """Are draws v (n,) independent and uniform on [0, 1], or have they another marginal law?

    Against: unknown histograms of 8 and 32 bins, and of `categories` (used up to 64); ranges that end too early, on
    either side; powers of u; and each of `densities`: callables v -> density on [0, 1], of integral 1, nowhere above
    STEEPEST, and of no larger total variation (not checked). Values outside [0, 1] count as the nearer end.
    ValueError: see `draws`.
    """
    (v,) = draws(v)
    when = moments(len(v))
    counts = [8, 32] + ([categories] if 2 <= categories <= 64 and categories not in (8, 32) else [])
    groups = [
        mixture([histogram(v, bins, when, grain) for bins in counts]),
        ends(v, when, grain),
        tilts(v, when, grain),
    ]
    if densities:
        groups.append(mixture([against(v, each, when, grain) for each in densities]))
    return report(mixture(groups), when)


def serial(p: Floats, *more: Floats, grain: float = GRAIN) -> LogE:
    """Are draws p (n,) independent and uniform on [0, 1], or does one depend on those before it? more: other rows (n,)
    of draws that are seen at the same times, of which any may do so.

    Against: Markov chains of 4 and 8 states with unknown transitions; correlation of normal scores at lags 1, 2 and 3.
    With half the weight, so that those cost log 2 more: chains of 4 states and correlations at the lags 4 to 8 and at
    powers of two, of the second half with the first, draw by draw, and of the two halves back to back. Each bets on a
    draw by one that came before it, so that all are e-processes of the same draws. A wrong marginal shows too; given
    `sequential_ranks` of the draws, it does not. ValueError: see `draws`.
    """
    rows = draws(p, *more)
    when = moments(len(p))
    return report(mixture([_serial(row, when, grain) for row in rows]), when)


def _serial(p: Floats, when: Integers, grain: float) -> Floats:
    n, scores = len(p), scipy.special.ndtri(clamped(p))
    groups = [mixture([markov(p, 4, when, grain), markov(p, 8, when, grain)])]
    groups += [copula(scores[:-lag], scores[lag:], lag, when, grain) for lag in _NEAR if n > lag]
    far = [_dependent((p, scores), (p, scores), earlier, when, grain) for earlier in _earlier(n)]
    return mixture([mixture(groups), mixture(far)] if far else groups)


def crossed(ranks: Sequence[Floats], lagged: bool = True, *, grain: float = GRAIN) -> tuple[LogE, Way]:
    """Are coordinates, each (n,), independent and uniform on [0, 1], or does one depend on another? And the way to
    depend that the draws speak for most: which coordinate, on which other, of how many points before.

    Against what `pairs` is against, of every two coordinates of a point; and, unless lagged is False, with half the
    weight: chains of 4 states and correlations, of a coordinate with another one of the point 1 to 8 points before, or
    half of all. All bets on a coordinate are made by points before it, or by another coordinate of its point, which
    tells nothing of it: so they are e-processes of the same points, and so is their mean.
    ValueError: see `draws`; or of fewer than two coordinates.
    """
    if len(ranks) < 2:
        raise ValueError(f"expected two coordinates or more, got {len(ranks)}")
    columns = [(p, scipy.special.ndtri(clamped(p))) for p in draws(*ranks)]
    n, several = len(ranks[0]), range(len(ranks))
    when = moments(n)
    found = {(b, a, 0): _paired(columns[a], columns[b], when, grain) for b in several for a in range(b)}
    together = [mixture([*found.values()])]
    lags = [lag for lag in dict.fromkeys((*_NEAR, *_FAR, n // 2)) if lagged and 0 < lag < n]
    later = {
        (b, a, lag): _dependent(columns[a], columns[b], np.arange(n - lag), when, grain)
        for b, a in permutations(several, 2)
        for lag in lags
    }
    if later:
        together.append(mixture([*later.values()]))
    most = max((found | later).items(), key=lambda each: float(each[1].max()))
    return report(mixture(together), when), most[0]


def _paired(one: tuple[Floats, Floats], other: tuple[Floats, Floats], when: Integers, grain: float) -> Floats:
    """log E of two coordinates of a point depending on each other, both with their normal scores."""
    (p, scores), (q, others) = one, other
    joint = mixture([joint_histogram(p, q, 4, when, grain), joint_histogram(p, q, 8, when, grain)])
    return mixture([joint, copula(scores, others, 0, when, grain)])


def _earlier(n: int) -> list[Integers]:
    """For each way to depend: of the last draws, as many as there are, the index of the draw that each depends on."""
    powers = [1 << k for k in range(4, max(n // 2, 1).bit_length())]
    lags = dict.fromkeys((*_NEAR[1:], *_FAR, *powers, n // 2, (n + 1) // 2))
    # the second half back to front: draw n − 1 − t of draw t, and of an odd number the half may begin one later
    mirrored = [np.arange(n // 2)[::-1], np.arange(1, n // 2 + 1)[::-1][: n - 1 - n // 2]][: 1 + n % 2] if n > 2 else []
    return [np.arange(n - lag) for lag in lags if 0 < lag < n] + mirrored


def _dependent(
    source: tuple[Floats, Floats], goal: tuple[Floats, Floats], earlier: Integers, when: Integers, grain: float
) -> Floats:
    """log E of the last draws of `goal` depending on the given ones of `source`, both with their normal scores."""
    first = len(goal[0]) - len(earlier)
    (p, scores), (q, others) = source, goal
    chained = chain(_cells(p[earlier], 4), _cells(q[first:], 4), 4, first, when, grain)
    return mixture([chained, copula(scores[earlier], others[first:], first, when, grain)])


def pairs(p: Floats, q: Floats, *, grain: float = GRAIN) -> LogE:
    """Are two coordinates p (n,) and q (n,) of the same points independent, both uniform on [0, 1]?

    Against: unknown joint histograms of 4 × 4 and 8 × 8 cells; correlation of normal scores. As with `serial`, a wrong
    marginal does not show where p and q are `sequential_ranks`. ValueError: see `draws`.
    """
    p, q = draws(p, q)
    when = moments(len(p))
    return report(
        _paired((p, scipy.special.ndtri(clamped(p))), (q, scipy.special.ndtri(clamped(q))), when, grain), when
    )


def clamped(v: Floats) -> Floats:
    """v, inside the open unit interval by at least EDGE."""
    return np.clip(v, EDGE, 1.0 - EDGE)


def histogram(v: Floats, bins: int, when: Integers, grain: float) -> Floats:
    """log E of an unknown histogram: the mean of the likelihood under all of them, weighted by Dirichlet(½, …, ½).

    Its factor is (c + ½)/(t + K/2) · K, c the number of the t earlier draws in the same of K bins: the estimator of
    Krichevsky and Trofimov 1981. A bin's probability is within 2 grain of 1/K: the factor's mean is ≤ 1 + 2K grain.
    """
    return _mixed(_cells(v, bins), bins, when) - when * log1p(2 * bins * grain)


def joint_histogram(p: Floats, q: Floats, bins: int, when: Integers, grain: float) -> Floats:
    """The same of two coordinates: K² cells, each of probability at most (1/K + 2 grain)²."""
    cells = _cells(p, bins) * np.uint16(bins) + _cells(q, bins)
    return _mixed(cells, bins * bins, when) - when * 2 * log1p(2 * bins * grain)


def markov(p: Floats, states: int, when: Integers, grain: float) -> Floats:
    """log E of a Markov chain on equal bins with unknown transitions: a `chain` from each draw to the next."""
    cells = _cells(p, states)
    return chain(cells[:-1], cells[1:], states, 1, when, grain)


def chain(
    before: NDArray[np.uint16],
    after: NDArray[np.uint16],
    states: int,
    first: int,
    when: Integers,
    grain: float,
) -> Floats:
    """log E of unknown transitions from the bins before to the bins after, which were drawn later: one histogram for
    each bin that came before. The first bin after is that of draw number `first`, counted from 0.

    Its factor is (c_ij + ½)/(c_i + K/2) · K, c_ij the number of earlier steps from i to j, and c_i of steps from i.
    """
    steps = before * np.uint16(states) + after
    gained = np.log((_seen(steps, states * states) + 0.5) / (_seen(before, states) + 0.5 * states))
    return _after(gained, first, when) + np.maximum(when - first, 0) * (log(states) - log1p(2 * states * grain))


def copula(a: Floats, b: Floats, first: int, when: Integers, grain: float) -> Floats:
    """log E of normal scores b that are correlated with a, which was seen before: the mean over correlations ρ.

    The factor is the density of N(ρa, 1 − ρ²) over that of N(0, 1) at b. As a function of b it rises to at most
    e^{a²/2}/√(1 − ρ²) and falls again: it varies by twice that at most, and clamping adds as much times EDGE.
    The first b is draw number `first`, counted from 0.
    """
    rho = _CORRELATIONS
    rest = 1.0 - rho**2
    squares, products = _after(a * a + b * b, first, when), _after(a * b, first, when)
    height = 2.0 / np.sqrt(rest.min())
    allowance = _after(np.log1p((grain + EDGE) * height * np.exp(a * a / 2)), first, when)
    count = np.maximum(when - first, 0)
    logs = -0.5 * np.log(rest) * count + (rho * products - rho**2 / 2 * squares) / rest
    return mixture(logs) - allowance


def ends(v: Floats, when: Integers, grain: float) -> Floats:
    """log E of a range that ends early: uniform on [0, 1 − 2⁻ʲ] or [2⁻ʲ, 1], j = 1, 1½ … 10; of height 2 at most."""
    top, bottom = np.maximum.accumulate(v)[when - 1], np.minimum.accumulate(v)[when - 1]
    gained = -when * np.log1p(-_SHRINKS)
    parts = [np.where(top <= 1 - _SHRINKS, gained, -np.inf), np.where(bottom >= _SHRINKS, gained, -np.inf)]
    return mixture(np.concatenate(parts)) - when * log1p(2 * grain)


def tilts(v: Floats, when: Integers, grain: float) -> Floats:
    """log E of powers: density a v^{a−1}, or a (1 − v)^{a−1}, a = e^{±s}; monotone, so that it varies by its height."""
    w = clamped(v)
    a = _POWERS
    gained = when * (np.log(a) - np.log1p((grain + EDGE) * np.where(a < 1, a * EDGE ** (a - 1), a)))
    parts = [gained + (a - 1) * _after(logs, 0, when) for logs in (np.log(w), np.log1p(-w))]
    return mixture(np.concatenate(parts))


def against(v: Floats, density: Density, when: Integers, grain: float) -> Floats:
    """log E of one given density."""
    with np.errstate(divide="ignore"):
        gained = _after(np.log(density(clamped(v))), 0, when)
    return gained - when * log1p((grain + 2 * EDGE) * STEEPEST)


def _after(steps: Floats, skipped: int, when: Integers) -> Floats:
    """The sum of the steps taken after `when` draws, where the first `skipped` draws take none."""
    total: Floats = np.concatenate([np.zeros(skipped + 1), np.cumsum(steps)])
    return total[when]


def _cells(v: Floats, bins: int) -> NDArray[np.uint16]:
    """Which of as many equal bins each draw is in."""
    return np.clip(v * bins, 0, bins - 1).astype(np.uint16)  # small types are sorted by radix


def _mixed(cells: NDArray[np.uint16], bins: int, when: Integers) -> Floats:
    drawn: Floats = scipy.special.gammaln(when + bins / 2) - scipy.special.gammaln(bins / 2)  # the sum of log(t + K/2)
    return _after(np.log(_seen(cells, bins) + 0.5), 0, when) - drawn + when * log(bins)


def _seen(cells: NDArray[np.uint16], bins: int) -> Integers:
    """How many earlier draws were in the same bin, for each draw."""
    order = np.argsort(cells, kind="stable")
    counts = np.bincount(cells, minlength=bins)
    seen = np.empty(len(cells), dtype=np.int64)
    seen[order] = np.arange(len(cells)) - np.repeat(np.cumsum(counts) - counts, counts)
    return seen
