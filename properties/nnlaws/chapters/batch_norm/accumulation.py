"""How far rounding may carry a mean and a variance as samples are taken in: by sums, by updating, by one pass.

Each function takes the exact samples (..., m, n) in float64, and says what any order of them, or any tree, may add up
to. u is the unit roundoff of the type computed in, μ and σ² are a feature's mean and variance.
"""

import numpy as np

from nnlaws.rounding.formats import Floats, Format


def partial_sums(x: Floats) -> Floats:
    """For k = 1 ... m: the most that the magnitudes of all k − 1 sums can add up to when k of the samples are summed.

    Each sum is rounded by u of itself. Of the k − 1 sums of any tree the j-th smallest takes in at most j + 1 samples,
    so its magnitude is at most the sum of the j + 1 largest: together never more than (k − 1) Σ|x|, and half of that
    where all are of one size.
    """
    largest = np.cumsum(-np.sort(-np.abs(x), axis=-2), axis=-2)
    largest[..., :1, :] = 0.0  # one sample is not a sum
    return np.cumsum(largest, axis=-2)


def shifted_sums(x: Floats) -> Floats:
    """The last of the partial sums of x less its least, or less its greatest, whichever is more.

    Of m numbers in falling order the j-th is in m − j + 1 of them: one sort will do for both.
    """
    rising, m = np.sort(x, axis=-2), x.shape[-2]
    least, greatest = rising[..., :1, :], rising[..., -1:, :]
    place = np.arange(1.0, m + 1)[:, None]
    above = (place * (rising - least)).sum(axis=-2, keepdims=True)
    below = ((m + 1 - place) * (greatest - rising)).sum(axis=-2, keepdims=True)
    return np.asarray(np.maximum(above, below) - (greatest - least))  # one sample is not a sum


def merging(k: Floats) -> Floats:
    """Updating a mean of k samples, its steps, each times the samples taken in, add up to at most √(m σ² · this).

    By Cauchy and Schwarz: m'|M' − M| is √(m' (m + m')/m) times the root of what the step adds to m σ². Where a part is
    taken in by one of at least half its size, m' (m + m')/m is at most 2.18 (m + m') times the entropy, in bits, of
    that split; and over the whole tree, sizes times entropies add up to k log₂ k.
    """
    return 2.18 * k * np.log2(k)


def updated_mean(x: Floats, variance: Floats, sums: Floats) -> Floats:
    """For k = 1 ... m: k/u times what the mean of k samples errs by, if it is the mean that is updated; in any tree.

    M + (x − M)/k, and in merges M + (M' − M) m'/(m + m'): M is rounded, and 3u of each step (`merging`).
    (m M + m' M')/(m + m'): the products, the sum and the quotient round the totals of the parts once and that of the
    whole twice. M·m/(m + m') + M'·m'/(m + m'): the weights and the products round the parts' totals twice, the sum
    that of the whole once. Every total but the last and single samples is a part's and a whole's: three times all the
    partial sums, less what the last has; a single sample's is rounded twice, which is twice the last at most.
    """
    m = x.shape[-2]
    k = np.arange(1.0, m + 1)[:, None]
    top = np.abs(x).max(axis=-2, keepdims=True)
    found = np.maximum(sums + 3 * np.sqrt(m * variance * merging(k)), 3 * sums + 2 * top)
    found[..., :1, :] = 0.0  # the first sample is its own mean
    return np.asarray(found)


def updating(x: Floats, variance: Floats, updated: Floats, sums: Floats, format: Format) -> Floats:
    """S grows by s_k² = (z − M_{k−1})²/r = (z − M_k)² r, r = k/(k − 1), which add up to m σ². M_k errs by E_k.

    Welford: S += (z − M_{k−1})(z − M_k). So it errs by Σ s_k (√r E_k + E_{k−1}/√r) + Σ E_k E_{k−1}, the first of which
    is at most √(m σ² Σ (...)²). S += (z − M_k)² r: Σ s_k 2√r E_k + Σ r E_k². S += (z − M_{k−1})²/r errs by less.
    Youngs and Cramer: T += z, S += (k z − T)²/(k (k − 1)), where k z − T is k (z − M_k): the same, where E_k is what
    the total errs by, over k, and u|z| besides, for k z.
    Relative to S, term and sums: (m + 4)u. If it is not S that is updated but S/k, each of them is rounded three times
    as a mean of terms is, (3m + 4)u.
    Chan: S += S' + (M' − M)² m m'/(m + m'), by means or by totals: there, over all trees, the same square root is less
    than 1.02 times as large (of samples of one magnitude, by dynamic programming up to 1500, it comes to 1; of others,
    in all trees of up to 8, to 0.82).
    """
    m, u = x.shape[-2], format.u
    k = np.arange(1.0, m + 1)[:, None]
    root = np.sqrt(k[1:] / k[:-1])
    drift = u * updated / k + 3 * (k + 1) * format.tiny
    drift[..., :1, :] = 0.0
    before, after = drift[..., :-1, :], drift[..., 1:, :]
    of_totals = u * (sums / k + np.abs(x).max(axis=-2, keepdims=True))[..., 1:, :]
    new = root * np.maximum(after, of_totals)
    crossed = np.maximum(root * after + before / root, 2 * new) ** 2
    first_order = 1.02 * np.sqrt(variance * crossed.sum(axis=-2, keepdims=True) / m)
    second_order = np.maximum(before * after, new * new).sum(axis=-2, keepdims=True) / m
    return (3 * m + 4) * u * variance + first_order + second_order


def one_pass(m: int, a: Floats, sums: Floats, variance: Floats, u: float) -> Floats:
    """E[x²] − a²: (m + 4)u E[x²]; a errs as a plain mean; its square and that times m, 2u a²; the difference, u σ²."""
    drift = u * (sums + 2 * a)
    return (m + 4) * u * (variance + a * a) + 2 * a * drift + drift**2 + 2 * u * a * a + u * variance
