"""Right ways to sum many samples: in turn, in blocks, lanes and trees, compensated, wide, updated, merged, in parts."""

from collections.abc import Callable
from functools import reduce

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.batch_norm.sound.statistics import Pair, Part, Triple, count, merged

Sum = Callable[[Array], Array]

# --- sums of samples, (m, ...) to (...) ---


def _in_turn(terms: Array) -> Array:
    """From the first to the last, as a plain loop."""
    total: Array = np.add.accumulate(terms, axis=0)[-1]
    return total


def _in_blocks(terms: Array, size: int = 1024) -> Array:
    """Each block in turn, and then the blocks."""
    return _in_turn(np.stack([_in_turn(terms[at : at + size]) for at in range(0, len(terms), size)]))


def _in_a_tree(terms: Array) -> Array:
    """Neighbours, and the sums of neighbours, until there is one."""
    while len(terms) > 1:
        even = len(terms) // 2 * 2
        terms = np.concatenate([terms[0:even:2] + terms[1:even:2], terms[even:]])
    total: Array = terms[0]
    return total


def _in_lanes(terms: Array, width: int = 16) -> Array:
    """Side by side in lanes, the lanes in a tree, and what fills no lanes one by one."""
    full = len(terms) // width * width
    lanes = terms[:full].reshape(full // width, width, *terms.shape[1:])
    total = _in_a_tree(_in_turn(lanes)) if full else np.zeros_like(terms[0])
    for term in terms[full:]:
        total = total + term
    return total


def _compensated(terms: Array, width: int = 64) -> Array:
    """By Kahan's algorithm in lanes, and by it the lanes with what they lost."""
    width = min(width, len(terms))
    rest = np.zeros((-len(terms) % width, *terms.shape[1:]), terms.dtype)
    filled = np.concatenate([terms, rest])
    total, lost = _kahan(filled.reshape(len(filled) // width, width, *terms.shape[1:]))
    return _kahan(np.concatenate([total, -lost]))[0]


def _kahan(terms: Array) -> Pair:
    """The sum, and what it has too much."""
    total, lost = np.zeros_like(terms[0]), np.zeros_like(terms[0])
    for exact in terms:
        term = exact - lost
        new = total + term
        total, lost = new, (new - total) - term
    return total, lost


def _in_any_order(terms: Array) -> Array:
    """One after another, as atomic additions arrive."""
    return _in_turn(terms[np.random.default_rng(0).permutation(len(terms))])


def _wide(terms: Array) -> Array:
    """In the next wider type, rounded once."""
    wider = np.float64 if terms.dtype == np.float32 else np.longdouble
    total: Array = np.add.accumulate(terms, axis=0, dtype=wider)[-1].astype(terms.dtype)
    return total


# --- statistics ---


def _two_passes(z: Array, sums: Sum) -> Pair:
    m = count(z)
    mean = sums(z) / m
    return mean, sums((z - mean) ** 2) / m


def _corrected(z: Array, sums: Sum) -> Pair:
    """Less the square of the mean deviation, which would be 0 if the mean were not rounded."""
    m = count(z)
    mean = sums(z) / m
    apart = sums(z - mean)
    return mean, np.maximum(sums((z - mean) ** 2) - apart * apart / m, 0) / m


def _weighted_first(z: Array, sums: Sum) -> Pair:
    """Each sample, and each square, times 1/m before it is added."""
    share = 1 / count(z)
    mean = sums(z * share)
    return mean, sums((z - mean) ** 2 * share)


def _one_pass(z: Array, sums: Sum) -> Pair:
    """E[z²] − μ², clamped at 0."""
    m = count(z)
    mean = sums(z) / m
    return mean, np.maximum(sums(z * z) / m - mean * mean, 0)


def _from_first(z: Array, statistics: Callable[[Array], Pair]) -> Pair:
    """Those of z less its first sample, put back."""
    count(z)
    mean, var = statistics(z - z[0])
    return z[0] + mean, var


def _updated(z: Array) -> Part:
    """Sample by sample along the first axis (Welford 1962), the means before the squares that they make."""
    means, mean = np.empty_like(z), np.zeros_like(z[0])
    for k, sample in enumerate(z, 1):
        mean = mean + (sample - mean) * (1 / k)
        means[k - 1] = mean
    before = np.concatenate([np.zeros_like(means[:1]), means[:-1]])
    return len(z), mean, _in_turn((z - before) * (z - means))


def _updated_in_lanes(z: Array, width: int) -> Pair:
    """Lane i takes samples i, i + width, ...; the lanes are merged in a tree."""
    width = min(width, count(z))
    steps, rest = divmod(len(z), width)
    k, means, squares = _updated(z[: steps * width].reshape(steps, width, z.shape[1]))
    lanes: list[Part] = [(k, *lane) for lane in zip(means, squares, strict=True)]
    for lane, sample in enumerate(z[len(z) - rest :]):
        lanes[lane] = _taken_in(lanes[lane], (1, sample, np.zeros_like(sample)))
    return merged(lanes)


def _taken_in(a: Part, b: Part) -> Part:
    """b by a (Chan, Golub and LeVeque 1983)."""
    m, apart = a[0] + b[0], b[1] - a[1]
    return m, a[1] + apart * (b[0] / m), a[2] + b[2] + apart * apart * (a[0] * b[0] / m)


def _parts(z: Array, size: int) -> list[Part]:
    """Of blocks, each in two passes; the last is shorter."""
    count(z)
    blocks = [z[at : at + size] for at in range(0, len(z), size)]
    means = [_in_turn(block) / len(block) for block in blocks]
    return [(len(block), mean, _in_turn((block - mean) ** 2)) for block, mean in zip(blocks, means, strict=True)]


def _merged_in_turn(parts: list[Part]) -> Pair:
    """Each part taken in by all before it."""
    m, mean, squares = reduce(_taken_in, parts)
    return mean, squares / m


def _shared(parts: list[Part]) -> Pair:
    """Σ w M over parts of share w; and Σ w (σ² + (M − μ)²)."""
    m = sum(part[0] for part in parts)
    mean = _in_turn(np.stack([other * (more / m) for more, other, _ in parts]))
    return mean, _in_turn(np.stack([(s / k + (other - mean) ** 2) * (k / m) for k, other, s in parts]))


def _totals(z: Array) -> Pair:
    """S += (k z − T)²/(k (k − 1)), T the total of the first k (Youngs and Cramer 1971), k in the working type."""
    m = count(z)
    k, totals = np.arange(2, m + 1, dtype=z.dtype)[:, None], np.add.accumulate(z, axis=0)
    terms = (k * z[1:] - totals[1:]) ** 2 / (k * (k - 1))
    return totals[-1] / m, _in_turn(np.concatenate([np.zeros_like(z[:1]), terms])) / m


# --- training ---


def _normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Triple:
    mean, var = statistics
    return (z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta, mean, var


@sound("batch_norm_train")
@stored
def summed_in_turn(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, one sample after another, as a plain C loop."""
    return _normalised(z, gamma, beta, _two_passes(z, _in_turn), eps)


@sound("batch_norm_train")
@stored
def summed_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, blocks of 1024 samples in turn, and then the blocks, as threads that take a stretch each."""
    return _normalised(z, gamma, beta, _two_passes(z, _in_blocks), eps)


@sound("batch_norm_train")
@stored
def summed_in_a_tree(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, neighbouring samples, and so on, as the shuffles of a GPU's warps."""
    return _normalised(z, gamma, beta, _two_passes(z, _in_a_tree), eps)


@sound("batch_norm_train")
@stored
def reciprocal_of_the_count(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, 16 accumulators and a scalar tail, each sum times 1/m, as vectorised code."""
    share = 1 / count(z)
    mean = _in_lanes(z) * share
    return _normalised(z, gamma, beta, (mean, _in_lanes((z - mean) ** 2) * share), eps)


@sound("batch_norm_train")
@stored
def summed_by_kahan(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes by Kahan's algorithm, as DuckDB's fsum has it, in 64 lanes."""
    return _normalised(z, gamma, beta, _two_passes(z, _compensated), eps)


@sound("batch_norm_train")
@stored
def summed_wide(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes in the working type, sums in a wider one, as PyTorch's acc_type on a processor."""
    return _normalised(z, gamma, beta, _two_passes(z, _wide), eps)


@sound("batch_norm_train")
@stored
def summed_in_any_order(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, samples in an order of chance, as atomic additions arrive."""
    return _normalised(z, gamma, beta, _two_passes(z, _in_any_order), eps)


@sound("batch_norm_train")
@stored
def corrected_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """The corrected two-pass algorithm (Chan, Golub and LeVeque 1983), its three sums in blocks of 1024."""
    return _normalised(z, gamma, beta, _corrected(z, _in_blocks), eps)


@sound("batch_norm_train")
@stored
def weighted_before_summed(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, each sample times 1/m before it is added in a tree, as where a mean is a product with a vector."""
    return _normalised(z, gamma, beta, _weighted_first(z, _in_a_tree), eps)


@sound("batch_norm_train")
@stored
def shifted_and_summed_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes over z less its first sample, in blocks of 1024, so that the sums are of small numbers."""
    statistics = _from_first(z, lambda shifted: _two_passes(shifted, _in_blocks))
    return _normalised(z, gamma, beta, statistics, eps)


@sound("batch_norm_train")
@stored
def one_pass_from_the_first_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[(z − c)²] − (μ − c)² with the first sample as c, in 16 lanes: sums that one pass over a stream takes."""
    statistics = _from_first(z, lambda shifted: _one_pass(shifted, _in_lanes))
    return _normalised(z, gamma, beta, statistics, eps)


@sound("batch_norm_train")
@stored
def welford_with_reciprocals(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Sample after sample, the deviation times 1/k, as a loop that keeps a division out."""
    m, (_, mean, squares) = count(z), _updated(z)
    return _normalised(z, gamma, beta, (mean, squares / m), eps)


@sound("batch_norm_train")
@stored
def welford_of_threads(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """32 threads take every 32nd sample each, and are merged in a tree, as PyTorch's kernel does on a GPU."""
    return _normalised(z, gamma, beta, _updated_in_lanes(z, 32), eps)


@sound("batch_norm_train")
@stored
def blocks_merged_in_turn(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of 1024, each taken in by all before it, as PyTorch's SyncBatchNorm merges devices."""
    return _normalised(z, gamma, beta, _merged_in_turn(_parts(z, 1024)), eps)


@sound("batch_norm_train")
@stored
def short_block_merged_first(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """The block of what is left over takes in blocks of 1024 in turn, as where the first device has fewer samples."""
    short = count(z) % 1024
    parts = [*_parts(z[:short], 1024)] if short else []
    parts += _parts(z[short:], 1024) if len(z) > short else []
    return _normalised(z, gamma, beta, _merged_in_turn(parts), eps)


@sound("batch_norm_train")
@stored
def blocks_merged_in_a_tree(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of 100, merged two by two, as Spark's partitions."""
    return _normalised(z, gamma, beta, merged(_parts(z, 100)), eps)


@sound("batch_norm_train")
@stored
def blocks_by_their_shares(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of 250 by their shares: the mean of means, that of variances and of the means' squared distances."""
    return _normalised(z, gamma, beta, _shared(_parts(z, 250)), eps)


@sound("batch_norm_train")
@stored
def updated_by_totals_at_once(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """A running total in place of a mean, as PostgreSQL has it; its k (k − 1) is not a 32-bit integer."""
    return _normalised(z, gamma, beta, _totals(z), eps)


@sound("batch_norm_train", variance="one_pass")
@stored
def one_pass_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[z²] − μ², both sums in blocks of 1024: a convention, for digits cancel where the mean is large."""
    return _normalised(z, gamma, beta, _one_pass(z, _in_blocks), eps)


# --- backward ---


def _gradients(dout: Array, z: Array, gamma: Array, statistics: Pair, sums: Sum, eps: float) -> Triple:
    mean, var = statistics
    m, r = len(z), 1 / np.sqrt(var + eps)
    z_norm = (z - mean) * r
    dgamma, dbeta = sums(dout * z_norm), sums(dout)
    return gamma * r * (dout - dbeta / m - z_norm * (dgamma / m)), dgamma, dbeta


@sound("batch_norm_backward")
@stored
def gradients_in_turn(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum one sample after another, as a plain C loop."""
    return _gradients(dout, z, gamma, _two_passes(z, _in_turn), _in_turn, eps)


@sound("batch_norm_backward")
@stored
def gradients_in_blocks(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum in blocks of 1024 samples, and then of the blocks, as two kernels do, one after the other."""
    return _gradients(dout, z, gamma, _two_passes(z, _in_blocks), _in_blocks, eps)


@sound("batch_norm_backward")
@stored
def gradients_in_a_tree(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Statistics of blocks of 100 merged in a tree, and the sums in one, as a tree of thread blocks."""
    return _gradients(dout, z, gamma, merged(_parts(z, 100)), _in_a_tree, eps)


@sound("batch_norm_backward")
@stored
def gradients_in_any_order(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum in an order of chance, as atomic additions arrive."""
    return _gradients(dout, z, gamma, _two_passes(z, _in_any_order), _in_any_order, eps)


@sound("batch_norm_backward")
@stored
def gradients_summed_wide(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Every sum in a wider type, as PyTorch's acc_type on a processor."""
    return _gradients(dout, z, gamma, _two_passes(z, _wide), _wide, eps)


@sound("batch_norm_backward")
@stored
def gradients_after_welford(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Statistics by Welford in 32 threads, sums by Kahan's algorithm, as what is saved and what is summed differ."""
    return _gradients(dout, z, gamma, _updated_in_lanes(z, 32), _compensated, eps)


@sound("batch_norm_backward")
@stored
def chain_rule_in_blocks(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """Step by step (Ioffe and Szegedy 2015), each sum in blocks of 1024: that of dout γ r, which is rounded, too."""
    m = count(z)
    mean, var = _two_passes(z, _in_blocks)
    centred, r = z - mean, 1 / np.sqrt(var + eps)
    dz_norm = dout * gamma
    dvar = _in_blocks(dz_norm * centred) * r * r * r / -2
    dmean = -_in_blocks(dz_norm * r) - dvar * 2 * _in_blocks(centred) / m
    dgamma = _in_blocks(dout * (centred * r))
    return dz_norm * r + dvar * 2 * centred / m + dmean / m, dgamma, _in_blocks(dout)


@sound("batch_norm_backward")
@stored
def means_of_shares(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """γ r (dout − mean(dout) − z_norm mean(dout z_norm)), terms times 1/m before 16 lanes add them, as products do."""
    share = 1 / count(z)
    mean, var = _two_passes(z, _in_lanes)
    r = 1 / np.sqrt(var + eps)
    z_norm = (z - mean) * r
    along = dout * z_norm
    dz = gamma * r * (dout - _in_lanes(dout * share) - z_norm * _in_lanes(along * share))
    return dz, _in_lanes(along), _in_lanes(dout)


@sound("batch_norm_backward")
@stored
def folded_in_lanes(dout: Array, z: Array, gamma: Array, *, eps: float) -> Triple:
    """dγ = r (Σ dout z − μ Σ dout), dz = a·dout + b·z + c, sums in 16 lanes times 1/m, as vectorised code folds it."""
    share = 1 / count(z)
    mean, var = _two_passes(z, _in_lanes)
    r, dbeta = 1 / np.sqrt(var + eps), _in_lanes(dout)
    dgamma = (_in_lanes(dout * z) - mean * dbeta) * r
    a = gamma * r
    b = -a * r * dgamma * share
    return a * dout + b * z + (-a * dbeta * share - b * mean), dgamma, dbeta


# --- running averages ---


def _kept(statistics: list[Pair], decay: float) -> Pair:
    """old + (1 − decay)(new − old), from 0 and 1."""
    mean, var = np.zeros_like(statistics[0][0]), np.ones_like(statistics[0][1])
    for new_mean, new_var in statistics:
        mean, var = mean + (1 - decay) * (new_mean - mean), var + (1 - decay) * (new_var - var)
    return mean, var


@sound("batch_norm_running")
@stored
def batches_in_lanes(batches: Array, *, decay: float) -> Pair:
    """Each batch in two passes in 16 lanes with a scalar tail, as vectorised code."""
    return _kept([_two_passes(batch, _in_lanes) for batch in batches], decay)


@sound("batch_norm_running")
@stored
def batches_all_at_once(batches: Array, *, decay: float) -> Pair:
    """All batches side by side, one sample of each after another, as a loop vectorised over batches."""
    means, variances = _two_passes(np.moveaxis(batches, 1, 0), _in_turn)
    return _kept(list(zip(means, variances, strict=True)), decay)


@sound("batch_norm_running")
@stored
def batches_merged_from_blocks(batches: Array, *, decay: float) -> Pair:
    """Each batch from blocks of 1024, taken in one after another, as devices' statistics (SyncBatchNorm)."""
    return _kept([_merged_in_turn(_parts(batch, 1024)) for batch in batches], decay)


@sound("batch_norm_running")
@stored
def batches_by_threads(batches: Array, *, decay: float) -> Pair:
    """Each batch by Welford in 32 threads merged in a tree, decay·old + (1 − decay)·new, as PyTorch on a GPU."""
    mean, var = np.zeros_like(batches[0, 0]), np.ones_like(batches[0, 0])
    for batch in batches:
        now = _updated_in_lanes(batch, 32)
        mean, var = (decay * old + (1 - decay) * new for old, new in zip((mean, var), now, strict=True))
    return mean, var


@sound("batch_norm_running")
@stored
def averages_in_a_tree(batches: Array, *, decay: float) -> Pair:
    """Every batch by its weight (1 − decay) decay^{T − t}, added in a tree, as where the average is one product."""
    means, variances = (
        np.stack(each) for each in zip(*(_two_passes(each, _in_a_tree) for each in batches), strict=True)
    )
    ages = range(len(batches) - 1, -1, -1)
    weights = np.array([(1 - decay) * decay**age for age in ages], batches.dtype)[:, None]
    return _in_a_tree(weights * means), _in_a_tree(weights * variances) + decay ** len(batches)


@sound("batch_norm_running", variance="one_pass")
@stored
def batches_in_one_pass_of_blocks(batches: Array, *, decay: float) -> Pair:
    """E[z²] − μ² of each batch, both sums in blocks of 1024, as Flax's fast variance."""
    return _kept([_one_pass(batch, _in_blocks) for batch in batches], decay)


# --- inference ---


@sound("batch_norm_inference")
@stored
def folded_in_blocks_of_samples(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """One scale and one shift a feature, 4096 samples at a time, as a grid of thread blocks."""
    out, scale = np.empty_like(z), gamma * (1 / np.sqrt(var + eps))
    shift = beta - mean * scale
    for at in range(0, len(z), 4096):
        out[at : at + 4096] = z[at : at + 4096] * scale + shift
    return out


@sound("batch_norm_inference")
@stored
def feature_after_feature(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """Each feature by itself with numbers that are its own, as where the samples of a feature are together (NCHW)."""
    out = np.empty_like(z)
    for j in range(z.shape[1]):
        r = 1 / np.sqrt(var[j] + eps)
        out[:, j] = (z[:, j] - mean[j]) * r * gamma[j] + beta[j]
    return out


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
