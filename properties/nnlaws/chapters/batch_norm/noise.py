"""The laws of the noise in a mini-batch's variance, exact for normal samples.

z is rounded to its dtype, and the variance again. Standard deviations are a seminorm, no larger than the root mean
square: so rounding z moves σ by at most u times that of z, and σ² lies in an interval about what comes back. A law
refuses only what no number of these intervals explains.
"""

import numpy as np
import scipy
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.batch_norm.informative import FALSE_ALARM
from nnlaws.chapters.batch_norm.slack import results_of
from nnlaws.rounding.formats import Floats

MIDDLE = (0.25, 0.75)
"""Between which quantiles half of all variances lie."""


def noisy_variance_falls_short(
    f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float
) -> Evidence:
    """Σ m σ²_batch over N variances of batches is chi-squared with N (m − 1) degrees of freedom."""
    least, most = _variances(f, ruler, z, gamma, beta, eps=eps)
    freedom = least.size * (z.shape[-2] - 1)
    low, high = (2 * scipy.special.gammaincinv(freedom / 2, q) for q in (FALSE_ALARM / 2, 1 - FALSE_ALARM / 2))
    total = (least.sum() + most.sum()) / 2
    reason = f"m σ² sums to {total:.0f} over {least.size} batches, where {low:.0f} to {high:.0f} is expected"
    return require(bool(low <= most.sum() and least.sum() <= high), reason)


def noise_of_the_variance(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """Of N variances of batches, those between the quartiles of chi-squared are binomial: as many as others."""
    least, most = (scipy.special.chdtr(z.shape[-2] - 1, each) for each in _variances(f, ruler, z, gamma, beta, eps=eps))
    (low, high), count = MIDDLE, least.size
    surely = int(((low < least) & (most < high)).sum())
    maybe = int(((low < most) & (least < high)).sum())
    half = high - low
    too_many, too_few = (
        scipy.special.bdtrc(surely - 1, count, half) if surely else 1.0,
        scipy.special.bdtr(maybe, count, half),
    )
    reason = f"{surely} of {count} variances of batches lie between the quartiles, where about {count / 2:.0f} should"
    return require(bool(min(too_many, too_few) >= FALSE_ALARM / 2), reason)


def _variances(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Floats, Floats]:
    """m σ²_batch of each batch and feature: the least and the most that it may have been before all rounding."""
    m = z.shape[-2]
    var, allowed = results_of(f, ruler, z, gamma, beta, eps=eps)[2]
    biased = (m - 1) / m if ruler.conventions.get("running_variance") == "unbiased" else 1.0
    wide = z.astype(np.float64)
    moved = 2 * ruler.format.u * np.sqrt(np.square(wide).mean(axis=-2)) + ruler.format.tiny
    least = np.maximum(np.sqrt(np.maximum(biased * (var - allowed), 0.0)) - moved, 0.0)
    most = np.sqrt(np.maximum(biased * (var + allowed), 0.0)) + moved
    return m * np.square(least), m * np.square(most)
