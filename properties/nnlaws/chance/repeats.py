"""A sequential test of draws that repeat too often: a short period, a list of values, digits cut off."""

import numpy as np
from numpy.typing import NDArray

from nnlaws.chance.martingale import Integers, LogE, draws, mixture, moments, report
from nnlaws.rounding.formats import Floats

_STAKES = (1 / 2, 1 / 8, 1 / 64)
_MULTIPLES = (4.0, 2.0**5, 2.0**10, 2.0**20, 2.0**30)


def repeats(x: Floats, chance: Floats, kinds: Integers | None = None) -> LogE:
    """Do draws x (n,) repeat more often than chance? chance (n,): at most how likely one draw is to be that value.
    kinds (n,): where they are given, a draw repeats only what came of another kind: on another axis, by another seed.

    Let Q_t be the sum of `chance` over the distinct values before draw t, of each of the kinds that count: a sound draw
    is one of them with probability P_t ≤ Q_t, whatever came before. A stake π, chosen before the draw, Q_t < π < 1,
    gains the factor π/Q_t if draw t repeats a value, else (1 − π)/(1 − Q_t). Its mean, P_t π/Q_t + (1 − P_t)(1 − π)/(1
    − Q_t), grows with P_t, since π/Q_t > 1 > (1 − π)/(1 − Q_t), and is 1 at P_t = Q_t: never above 1, so the product is
    a supermartingale. There is no bet where Q_t ≥ π. Mixed are π = ½, ⅛, 1/64, for draws that repeat as often as that,
    and π = 4 Q_t … 2³⁰ Q_t, at most ½, which cost little until a repeat comes.

    ValueError: see `draws`; or if a chance is not in [0, 1].
    """
    x, chance = draws(x, chance)
    if chance.min() < 0 or chance.max() > 1:
        raise ValueError(f"a chance is a probability in [0, 1]; got {chance.min()} … {chance.max()}")
    when = moments(len(x))
    return report(bets(x, chance, when, kinds), when)


def shifted(streams: Floats, count: float, most: int = 8) -> LogE:
    """Is a stream of whole numbers the one before it, some draws later or earlier? streams (s, n), of `count` values
    that are as likely, or of values none of which is likelier than 1/count.

    Whatever came before, a sound draw equals one particular draw of the stream before with probability 1/count at
    most. A stake π above that, for each distance up to `most` draws, gains the factor π count if it does, else
    (1 − π)/(1 − 1/count): of mean 1 at most. Where a distance leaves no partner, there is no bet. Of one stream, given
    all before it, the product of its factors has no larger mean for each distance and stake; so the products over all
    streams so far, looked at after each stream and not within one, are e-processes of the same streams, however many
    draws each bets on, and so is their mean. Mixed are all distances, and π halfway from 1/count to 1, and nearer to 1.
    ValueError: see `draws`, or count ≤ 1.
    """
    if not count > 1:
        raise ValueError(f"expected at least two values to draw from, got {count}")
    draws(streams.ravel())
    found: list[Floats] = []
    s, n = streams.shape
    least = min(most, n - 1)
    for distance in (*range(-least, 0), *range(1, least + 1)):
        later = streams[1:, max(-distance, 0) : n - max(distance, 0)]
        earlier = streams[:-1, max(distance, 0) : n - max(-distance, 0)]
        same = later == earlier
        for stake in ((1 + 1 / count) / 2, (15 + 1 / count) / 16):
            gained = np.where(same, np.log(stake * count), np.log1p(-stake) - np.log1p(-1 / count))
            found.append(np.cumsum(gained.sum(axis=1)))
    if not found or s < 2:
        return LogE(0.0, n)
    return report(mixture(found), n * np.arange(2, s + 1))


def bets(x: Floats, chance: Floats, when: Integers, kinds: Integers | None = None) -> Floats:
    """log E of all stakes together, after `when` draws."""
    again, q = _known(x, chance) if kinds is None else _known_of_others(x, chance, kinds)
    stakes = [np.full(len(x), each) for each in _STAKES] + [np.minimum(each * q, 0.5) for each in _MULTIPLES]
    return mixture([_won(again, q, stake)[when - 1] for stake in stakes])


def _known(x: Floats, chance: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Of each draw, whether it was there before, and Q."""
    first = np.zeros(len(x), dtype=bool)
    first[np.unique(x, return_index=True)[1]] = True
    known = np.cumsum(np.where(first, chance, 0.0))
    return ~first, np.concatenate([[1.0], known[:-1]])  # before the first draw there is nothing to repeat, and no bet


def _known_of_others(x: Floats, chance: Floats, kinds: Integers) -> tuple[NDArray[np.bool_], Floats]:
    """The same, where only what came of another kind counts."""
    seen, known = dict[float, set[int]](), dict[int, float]()
    again, q, total = np.zeros(len(x), dtype=bool), np.ones(len(x)), 0.0
    for place, (value, likely, kind) in enumerate(zip(x.tolist(), chance.tolist(), kinds.tolist(), strict=True)):
        before = seen.setdefault(value, set())
        others = total - known.get(kind, 0.0)
        again[place], q[place] = bool(before - {kind}), min(others * (1 + 1e-9), 1.0) if others > 0 else 1.0
        if kind not in before:
            before.add(kind)
            known[kind] = known.get(kind, 0.0) + likely
            total += likely
    return again, q


def _won(repeated: NDArray[np.bool_], q: Floats, stake: Floats) -> Floats:
    """The log of the product of all factors so far."""
    bets = (q < stake) & (stake < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = np.where(repeated, np.log(stake / q), np.log1p(-stake) - np.log1p(-q))
    return np.cumsum(np.where(bets, gained, 0.0))
