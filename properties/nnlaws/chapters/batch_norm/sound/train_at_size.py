"""Right statistics of many samples: in turn, in blocks, lanes and trees, compensated, wide, updated, merged."""

from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, sound
from nnlaws.chapters.batch_norm.sound.statistics import Triple, count, merged
from nnlaws.chapters.batch_norm.sound.sums import (
    compensated,
    corrected,
    from_first,
    in_a_tree,
    in_any_order,
    in_blocks,
    in_lanes,
    in_turn,
    merged_in_turn,
    normalised,
    one_pass,
    parts_of,
    shared,
    totals,
    two_passes,
    updated,
    updated_in_lanes,
    weighted_first,
    wide,
)


@sound("batch_norm_train")
@stored
def summed_in_turn(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, one sample after another, as a plain C loop."""
    return normalised(z, gamma, beta, two_passes(z, in_turn), eps)


@sound("batch_norm_train")
@stored
def summed_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, blocks of 1024 samples in turn, and then the blocks, as threads that take a stretch each."""
    return normalised(z, gamma, beta, two_passes(z, in_blocks), eps)


@sound("batch_norm_train")
@stored
def summed_in_a_tree(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, neighbouring samples, and so on, as the shuffles of a GPU's warps."""
    return normalised(z, gamma, beta, two_passes(z, in_a_tree), eps)


@sound("batch_norm_train")
@stored
def reciprocal_of_the_count(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, 16 accumulators and a scalar tail, each sum times 1/m, as vectorised code."""
    share = 1 / count(z)
    mean = in_lanes(z) * share
    return normalised(z, gamma, beta, (mean, in_lanes((z - mean) ** 2) * share), eps)


@sound("batch_norm_train")
@stored
def summed_by_kahan(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes by Kahan's algorithm, as DuckDB's fsum has it, in 64 lanes."""
    return normalised(z, gamma, beta, two_passes(z, compensated), eps)


@sound("batch_norm_train")
@stored
def summed_wide(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes in the working type, sums in a wider one, as PyTorch's acc_type on a processor."""
    return normalised(z, gamma, beta, two_passes(z, wide), eps)


@sound("batch_norm_train")
@stored
def summed_in_any_order(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, samples in an order of chance, as atomic additions arrive."""
    return normalised(z, gamma, beta, two_passes(z, in_any_order), eps)


@sound("batch_norm_train")
@stored
def corrected_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """The corrected two-pass algorithm (Chan, Golub and LeVeque 1983), its three sums in blocks of 1024."""
    return normalised(z, gamma, beta, corrected(z, in_blocks), eps)


@sound("batch_norm_train")
@stored
def weighted_before_summed(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes, each sample times 1/m before it is added in a tree, as where a mean is a product with a vector."""
    return normalised(z, gamma, beta, weighted_first(z, in_a_tree), eps)


@sound("batch_norm_train")
@stored
def shifted_and_summed_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Two passes over z less its first sample, in blocks of 1024, so that the sums are of small numbers."""
    statistics = from_first(z, lambda shifted: two_passes(shifted, in_blocks))
    return normalised(z, gamma, beta, statistics, eps)


@sound("batch_norm_train")
@stored
def one_pass_from_the_first_sample(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[(z − c)²] − (μ − c)² with the first sample as c, in 16 lanes: sums that one pass over a stream takes."""
    statistics = from_first(z, lambda shifted: one_pass(shifted, in_lanes))
    return normalised(z, gamma, beta, statistics, eps)


@sound("batch_norm_train")
@stored
def welford_with_reciprocals(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Sample after sample, the deviation times 1/k, as a loop that keeps a division out."""
    m, (_, mean, squares) = count(z), updated(z)
    return normalised(z, gamma, beta, (mean, squares / m), eps)


@sound("batch_norm_train")
@stored
def welford_of_threads(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """32 threads take every 32nd sample each, and are merged in a tree, as PyTorch's kernel does on a GPU."""
    return normalised(z, gamma, beta, updated_in_lanes(z, 32), eps)


@sound("batch_norm_train")
@stored
def blocks_merged_in_turn(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of 1024, each taken in by all before it, as PyTorch's SyncBatchNorm merges devices."""
    return normalised(z, gamma, beta, merged_in_turn(parts_of(z, 1024)), eps)


@sound("batch_norm_train")
@stored
def short_block_merged_first(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """The block of what is left over takes in blocks of 1024 in turn, as where the first device has fewer samples."""
    short = count(z) % 1024
    parts = [*parts_of(z[:short], 1024)] if short else []
    parts += parts_of(z[short:], 1024) if len(z) > short else []
    return normalised(z, gamma, beta, merged_in_turn(parts), eps)


@sound("batch_norm_train")
@stored
def blocks_merged_in_a_tree(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of 100, merged two by two, as Spark's partitions."""
    return normalised(z, gamma, beta, merged(parts_of(z, 100)), eps)


@sound("batch_norm_train")
@stored
def blocks_by_their_shares(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """Blocks of 250 by their shares: the mean of means, that of variances and of the means' squared distances."""
    return normalised(z, gamma, beta, shared(parts_of(z, 250)), eps)


@sound("batch_norm_train")
@stored
def updated_by_totals_at_once(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """A running total in place of a mean, as PostgreSQL has it; its k (k − 1) is not a 32-bit integer."""
    return normalised(z, gamma, beta, totals(z), eps)


@sound("batch_norm_train", variance="one_pass")
@stored
def one_pass_in_blocks(z: Array, gamma: Array, beta: Array, *, eps: float) -> Triple:
    """E[z²] − μ², both sums in blocks of 1024: a convention, for digits cancel where the mean is large."""
    return normalised(z, gamma, beta, one_pass(z, in_blocks), eps)


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
