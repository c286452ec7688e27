"""Right ways to let the learning rate decay: in double, by powers or products, in the working type, narrow."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound


def _squared_up(rate: float, exponents: Array) -> Array:
    """rate^k in double, by squaring: as many products as k has digits."""
    left, square, power = exponents.astype(np.int64), np.float64(rate), np.ones(exponents.shape)
    while left.any():
        power = np.where(left % 2 == 1, power * square, power)
        left, square = left // 2, square * square
    return power


@sound("inverse_time_decay")
@in_float64
def divided(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / (1 + rate * epoch)


@sound("inverse_time_decay")
@stored
def divided_in_working_type(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / (1 + rate * epoch)


@sound("inverse_time_decay")
@stored
def reciprocal(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * (1 / (1 + epoch * rate))


@sound("inverse_time_decay")
@in_float64
def one_at_a_time(epoch: Array, *, initial: float, rate: float) -> Array:
    """Over Python's floats."""
    return np.array([initial / (1 + rate * float(each)) for each in epoch])


@sound("inverse_time_decay")
@stored
def inverse_options_in_working_type(epoch: Array, *, initial: float, rate: float) -> Array:
    kind = epoch.dtype.type
    return np.asarray(kind(initial) / (kind(1) + kind(rate) * epoch))


@sound("inverse_time_decay", arithmetic="narrow")
def inverse_narrow(epoch: Array, *, initial: float, rate: float) -> Array:
    """Every operation in the epochs' own type."""
    kind = epoch.dtype.type
    return np.asarray(kind(initial) / (kind(1) + kind(rate) * epoch))


@sound("exponential_decay")
@in_float64
def raised(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * rate**epoch


@sound("exponential_decay")
@in_float64
def multiplied_up(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * _squared_up(rate, epoch)


@sound("exponential_decay")
@in_float64
def epoch_after_epoch(epoch: Array, *, initial: float, rate: float) -> Array:
    """Each epoch's rate from that of the epoch before."""
    last = int(epoch.max(initial=0))
    alphas = np.multiply.accumulate(np.concatenate([[initial], np.full(last, rate)]))
    return np.asarray(alphas[epoch.astype(np.int64)])


@sound("exponential_decay")
@in_float64
def to_base_10(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * 10 ** (epoch * np.log10(rate))


@sound("exponential_decay", hyperparameters="working")
@stored
def raised_in_working_type(epoch: Array, *, initial: float, rate: float) -> Array:
    kind = epoch.dtype.type
    return np.asarray(kind(initial) * kind(rate) ** epoch)


@sound("exponential_decay", arithmetic="narrow", hyperparameters="working")
def exponential_narrow(epoch: Array, *, initial: float, rate: float) -> Array:
    """Every operation in the epochs' own type."""
    kind = epoch.dtype.type
    return np.asarray(kind(initial) * kind(rate) ** epoch)


@sound("staircase_decay")
@in_float64
def floored(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return initial * rate ** np.floor(epoch / every)


@sound("staircase_decay")
@in_float64
def whole_numbers(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """The epoch less what remains of it, and powers by squaring."""
    return initial * _squared_up(rate, np.rint((epoch - epoch % every) / every))


@sound("staircase_decay")
@in_float64
def counted(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """Stair after stair."""
    last = int(epoch.max(initial=0) // every)
    alphas = np.multiply.accumulate(np.concatenate([[initial], np.full(last, rate)]))
    return np.asarray(alphas[(epoch // every).astype(np.int64)])


@sound("staircase_decay")
@in_float64
def half_an_epoch_on(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """As far as may be from where a rounded quotient could reach, or miss, a whole number."""
    return initial * rate ** np.floor((epoch + 0.5) / every)


@sound("staircase_decay")
@in_float64
def milestones_passed(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """As MultiStepLR counts: the milestones that are not above the epoch."""
    milestones = np.arange(every, epoch.max(initial=0) + 1, every)
    return np.asarray(initial * rate ** np.searchsorted(milestones, epoch, side="right"))


@sound("staircase_decay", hyperparameters="working")
@stored
def staircase_in_working_type(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    kind = epoch.dtype.type
    return np.asarray(kind(initial) * kind(rate) ** (epoch // kind(every)))


@sound("staircase_decay", arithmetic="narrow", hyperparameters="working")
def staircase_narrow(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    """Every operation in the epochs' own type, the count of stairs being whole."""
    kind = epoch.dtype.type
    stairs = (epoch.astype(np.float64) // every).astype(epoch.dtype)
    return np.asarray(kind(initial) * kind(rate) ** stairs)


@sound("inverse_root_decay")
@in_float64
def over_the_root(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial * factor / np.sqrt(epoch + 1)


@sound("inverse_root_decay")
@stored
def over_the_root_in_working_type(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial * (factor / np.sqrt(epoch + 1))


@sound("inverse_root_decay")
@in_float64
def power_of_minus_half(epoch: Array, *, initial: float, factor: float) -> Array:
    return factor * (initial * (epoch + 1) ** -0.5)


@sound("inverse_root_decay")
@stored
def root_options_in_working_type(epoch: Array, *, initial: float, factor: float) -> Array:
    kind = epoch.dtype.type
    return np.asarray(kind(initial) * kind(factor) / np.sqrt(epoch + kind(1)))


@sound("inverse_root_decay", arithmetic="narrow")
def root_narrow(epoch: Array, *, initial: float, factor: float) -> Array:
    """Every operation in the epochs' own type."""
    kind = epoch.dtype.type
    return np.asarray(kind(initial) * kind(factor) / np.sqrt(epoch + kind(1)))


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
