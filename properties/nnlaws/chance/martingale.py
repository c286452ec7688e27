"""The threshold, and what every sequential test shares: when it looks, how it mixes, and what it reports.

An e-process is a non-negative process E_t with E[E_τ] ≤ 1 for a sound sampler, at whatever time τ one stops. By Ville's
inequality P(sup_t E_t ≥ 1/a) ≤ a: one may look after each draw, or only now and then, and reject as soon as E_t ≥ 1/a.
It is valid for each number of draws, and asymptotic in nothing. The mean of e-processes is an e-process.
Source: Ville 1939; Ramdas, Grünwald, Vovk and Shafer 2023, "Game-theoretic statistics and safe anytime-valid
inference".
"""

from collections.abc import Sequence
from functools import cache
from math import ceil, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.formats import Floats

RUN = 1e-9  # the chance that anything at all is falsely rejected in one whole run
SHARES = 320  # tests that share it, each an equal part: more than one run asks for
THRESHOLD = log(SHARES / RUN)  # reject where log E reaches it
GRAIN = (
    2.0**-22
)  # float32 generators draw multiples of 2⁻²³ (TensorFlow, JAX) or 2⁻²⁴; as much again is left to rounding

Integers = NDArray[np.int64]


class LogE(NamedTuple):
    """What one sequential test saw."""

    highest: float
    """The highest log E_t of those looked at."""
    at: int
    """The number of draws after which it first reached THRESHOLD; if it never did, after which it was highest."""


def used(log_e: float) -> float:
    """The share of what is allowed that was used: above 1 rejects. From log E, or from log(1/p) of an exact test."""
    return max(log_e, 0.0) / THRESHOLD


@cache
def moments(n: int) -> Integers:
    """After how many of n draws to look: after each of the first 128, then wherever their number grew by 1/128.

    To look less often is valid, and reports what it finds later by under 1 % of the draws. (T,), ascending, ends in n.
    """
    first = np.arange(1, min(n, 128) + 1)
    steps = ceil(log(max(n, 129) / 128) / log(1 + 1 / 128))
    later = np.ceil(128 * (1 + 1 / 128) ** np.arange(1, steps + 1)).astype(np.int64)
    found = np.unique(np.concatenate([first, later[later < n], [n]]))
    found.flags.writeable = False  # it is cached
    return found


def mixture(parts: Sequence[Floats] | Floats) -> Floats:
    """log of the mean of e-processes, from the log of each: (c, T) to (T,)."""
    logs = np.asarray(parts)
    top = np.maximum(logs.max(axis=0), -1e300)  # where all are −inf, so is their mean; +inf stays
    with np.errstate(invalid="ignore"):
        mean = np.exp(logs - top).mean(axis=0)
    with np.errstate(divide="ignore"):
        return np.where(top == np.inf, np.inf, top + np.log(mean))


def report(log_e: Floats, when: Integers) -> LogE:
    """The report on log_e (T,), seen after `when` (T,) draws."""
    reached = log_e >= THRESHOLD
    first = int(reached.argmax()) if reached.any() else int(log_e.argmax())
    return LogE(float(log_e.max()), int(when[first]))


def draws(*arrays: Floats) -> list[Floats]:
    """The arrays as float64 in one dimension; raises ValueError for another shape, unequal lengths, none, or a nan."""
    found = [np.asarray(each, dtype=np.float64) for each in arrays]
    if any(each.ndim != 1 or each.shape != found[0].shape or not each.size for each in found):
        shapes = ", ".join(str(each.shape) for each in found)
        raise ValueError(f"draws are to be in one dimension, at least one, and as many of each; got shapes {shapes}")
    if not all(np.isfinite(each).all() for each in found):
        raise ValueError("a draw is nan or infinite; look for that before asking how draws are distributed")
    return found
