"""Mistakes in how the learning rate decays.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, mutant, stored
from nnlaws.chapters.decay.operations import OPERATIONS

INVERSE = "initial / (1 + rate * epoch), the first epoch being 0"
POWER = "initial * rate**epoch, the first epoch being 0"
STAIRCASE = "initial * rate ** (epoch // every), the first epoch being 0"
ROOT = "initial * factor / np.sqrt(epoch + 1), the first epoch being 0"
ITSELF = "each result is of its own epoch, as it is given"
AS_GIVEN = "take the options as they are given: 0 and 1 are numbers as good as any"


def _double(epoch: Array) -> Array:
    """The epochs in double, so that nothing is rounded before the result is."""
    return epoch.astype(np.float64)


def _power(epoch: Array, initial: float, rate: float) -> Array:
    return initial * rate ** _double(epoch)


def _staircase(epoch: Array, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(_double(epoch) / every), initial, rate)


def _inverse_root(epoch: Array, initial: float, factor: float) -> Array:
    return initial * factor / np.sqrt(_double(epoch) + 1)


@mutant("inverse_time_decay", "falls along a line: initial (1 − rate · epoch)", INVERSE, "classroom")
def inverse_time_along_a_line(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * (1 - rate * _double(epoch))


@mutant("inverse_time_decay", "falls as initial · e^{−rate·epoch}", INVERSE, "classroom")
def inverse_time_exponentially(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * np.exp(-rate * _double(epoch))


@mutant("inverse_time_decay", "falls as initial/(1 + rate)^epoch", INVERSE, "classroom")
def inverse_time_compound(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * (1 + rate) ** -_double(epoch)


@mutant("inverse_time_decay", "grows: initial (1 + rate · epoch)", INVERSE, "classroom")
def inverse_time_multiplied(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * (1 + rate * _double(epoch))


@mutant("inverse_time_decay", "the 1 is missing: divides by 0 at epoch 0", INVERSE, "classroom")
def inverse_time_one_missing(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / (rate * _double(epoch))


@mutant("inverse_time_decay", "rate is not multiplied by the epoch, but added", INVERSE, "classroom")
def inverse_time_rate_added(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / (1 + rate + _double(epoch))


@mutant("inverse_time_decay", "falls as initial/√(1 + rate · epoch)", INVERSE, "classroom")
def inverse_time_root_taken(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / np.sqrt(1 + rate * _double(epoch))


@mutant("inverse_time_decay", "a rate of 0 is taken for none given, and replaced by 1", AS_GIVEN, "classroom")
def inverse_time_no_rate(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / (1 + (rate or 1.0) * _double(epoch))


@mutant("inverse_time_decay", "the rate is at most 1", AS_GIVEN, "classroom")
def inverse_time_rate_capped(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial / (1 + min(rate, 1.0) * _double(epoch))


@mutant("exponential_decay", "a rate of 1, at which nothing decays, is replaced by .95", AS_GIVEN, "classroom")
def exponential_rate_of_one(epoch: Array, *, initial: float, rate: float) -> Array:
    return _power(epoch, initial, rate if rate < 1 else 0.95)


@mutant("exponential_decay", "the rate is at least .1", AS_GIVEN, "classroom")
def exponential_rate_limited(epoch: Array, *, initial: float, rate: float) -> Array:
    return _power(epoch, initial, max(rate, 0.1))


@mutant("exponential_decay", "stops at epoch 500", POWER, "classroom")
def exponential_stops(epoch: Array, *, initial: float, rate: float) -> Array:
    return _power(np.minimum(epoch, 500), initial, rate)


@mutant("exponential_decay", "falls as initial · e^{−rate·epoch}", POWER, "classroom")
def exponential_rate_in_the_exponent(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * np.exp(-rate * _double(epoch))


@mutant("exponential_decay", "falls by 1 − rate an epoch, not by rate", POWER, "classroom")
def exponential_complement(epoch: Array, *, initial: float, rate: float) -> Array:
    return _power(epoch, initial, 1 - rate)


@mutant("exponential_decay", "grows: initial · rate^{−epoch}", POWER, "classroom")
def exponential_growing(epoch: Array, *, initial: float, rate: float) -> Array:
    return _power(-_double(epoch), initial, rate)


@mutant("exponential_decay", "initial is raised to the power too", POWER, "classroom")
def exponential_initial_raised(epoch: Array, *, initial: float, rate: float) -> Array:
    return _power(epoch, 1, initial * rate)


@mutant("exponential_decay", "initial · epoch^rate: base and exponent are swapped", POWER, "classroom")
def exponential_base_and_exponent_swapped(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * _double(epoch) ** rate


@mutant("exponential_decay", "multiplied by the epoch, not raised to it", POWER, "classroom")
def exponential_multiplied(epoch: Array, *, initial: float, rate: float) -> Array:
    return initial * rate * _double(epoch)


@mutant("exponential_decay", "changes every tenth epoch only", POWER, "classroom")
def exponential_in_steps_of_ten(epoch: Array, *, initial: float, rate: float) -> Array:
    return _staircase(epoch, initial, rate, 10)


@mutant("staircase_decay", "falls at every epoch: the floor is missing", STAIRCASE, "classroom")
def staircase_floor_missing(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(_double(epoch) / every, initial, rate)


@mutant("staircase_decay", "epoch/every is rounded to the nearest", STAIRCASE, "classroom")
def staircase_rounded(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.round(_double(epoch) / every), initial, rate)


@mutant("staircase_decay", "epoch/every is rounded up", STAIRCASE, "classroom")
def staircase_rounded_up(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.ceil(_double(epoch) / every), initial, rate)


@mutant("staircase_decay", "falls by rate^every at each step", STAIRCASE, "classroom")
def staircase_rate_once_an_epoch(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(_double(epoch) / every) * every, initial, rate)


@mutant("staircase_decay", "falls along a line: initial (1 − rate) less at each step", STAIRCASE, "classroom")
def staircase_along_a_line(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return initial * (1 - (1 - rate) * np.floor(_double(epoch) / every))


@mutant("staircase_decay", "falls once, at the first step, and never again", STAIRCASE, "classroom")
def staircase_one_step_alone(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(_double(epoch) >= every, initial, rate)


@mutant("staircase_decay", "falls by 1 − rate a step, not by rate", STAIRCASE, "classroom")
def staircase_complement(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _staircase(epoch, initial, 1 - rate, every)


@mutant("staircase_decay", "grows at each step", STAIRCASE, "classroom")
def staircase_growing(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(-np.floor(_double(epoch) / every), initial, rate)


@mutant("staircase_decay", "epoch · (1/every): 49/49 falls short of 1", STAIRCASE, "deepspeed PR 8179")
def staircase_by_reciprocal(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(_double(epoch) * (1 / every)), initial, rate)


@mutant("staircase_decay", "a tolerance of 1e-5 before the floor is taken: a stair of 100,000 ends early", STAIRCASE,
        "classroom")  # fmt: skip
def staircase_with_a_tolerance(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(_double(epoch) / every + 1e-5), initial, rate)


@mutant("staircase_decay", "the length of a stair is kept in 7 bits", STAIRCASE, "classroom")
def staircase_of_7_bits(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _staircase(epoch, initial, rate, every if every < 128 else every % 128 or 1)


@mutant("staircase_decay", "the same in float32", STAIRCASE, "deepspeed PR 8179")
def staircase_by_narrow_reciprocal(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(epoch.astype(np.float32) * np.float32(1 / every)), initial, rate)


@mutant(
    "staircase_decay",
    "stairs are counted on a part of all epochs, epoch/total · stairs",
    STAIRCASE,
    "deepspeed PR 8179",
)
def staircase_on_a_normalised_scale(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(_double(epoch) / 100 * (100 / every)), initial, rate)


@mutant("staircase_decay", "a little is taken off first, and whole quotients fall short", STAIRCASE, "classroom")
def staircase_just_below(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _power(np.floor(_double(epoch) / every - 1e-9).clip(0), initial, rate)


@mutant("staircase_decay", "the quotient of logarithms falls short of some whole numbers", STAIRCASE, "classroom")
def staircase_by_logarithms(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    counted = np.exp(np.log(np.maximum(_double(epoch), 1e-9)) - np.log(every))
    return _power(np.floor(counted), initial, rate)


@mutant("staircase_decay", "stairs are at most 10 epochs long", AS_GIVEN, "classroom")
def staircase_every_capped(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _staircase(epoch, initial, rate, min(every, 10.0))


@mutant("staircase_decay", "a rate of 1 is replaced by .1", AS_GIVEN, "classroom")
def staircase_rate_of_one(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return _staircase(epoch, initial, rate if rate < 1 else 0.1, every)


@mutant("inverse_root_decay", "a factor of 0 is taken for none given, and replaced by 1", AS_GIVEN, "classroom")
def inverse_root_no_factor(epoch: Array, *, initial: float, factor: float) -> Array:
    return _inverse_root(epoch, initial, factor or 1.0)


@mutant("inverse_root_decay", "factor/√epoch, where the first epoch is 0: infinite there", ROOT, "classroom")
def inverse_root_infinite_at_zero(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial * factor / np.sqrt(_double(epoch))


@mutant("inverse_root_decay", "the root is forgotten", ROOT, "classroom")
def inverse_root_root_forgotten(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial * factor / (_double(epoch) + 1)


@mutant("inverse_root_decay", "the factor is forgotten", ROOT, "classroom")
def inverse_root_factor_forgotten(epoch: Array, *, initial: float, factor: float) -> Array:
    return _inverse_root(epoch, initial, 1)


@mutant("inverse_root_decay", "the factor is under the root: initial/√(1 + factor · epoch)", ROOT, "classroom")
def inverse_root_factor_under_the_root(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial / np.sqrt(1 + factor * _double(epoch))


@mutant("inverse_root_decay", "divides by √epoch + 1", ROOT, "classroom")
def inverse_root_one_outside_the_root(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial * factor / (np.sqrt(_double(epoch)) + 1)


@mutant("inverse_root_decay", "divides by the factor", ROOT, "classroom")
def inverse_root_divided_by_factor(epoch: Array, *, initial: float, factor: float) -> Array:
    return _inverse_root(epoch, initial, 1 / factor)


@mutant("inverse_root_decay", "grows: multiplied by the root", ROOT, "classroom")
def inverse_root_multiplied(epoch: Array, *, initial: float, factor: float) -> Array:
    return initial * factor * np.sqrt(_double(epoch) + 1)


def epochs_from_one(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(epoch + 1, **options)


def batches_for_epochs(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(10 * epoch, **options)


def first_two_share(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(np.maximum(epoch - 1, 0), **options)


def initial_forgotten(right: Implementation) -> Implementation:
    def run(epoch: Array, *, initial: float, **options: float) -> Array:
        return right(epoch, initial=1.0, **options)

    return run


def limited_below(right: Implementation) -> Implementation:
    return lambda epoch, **options: np.maximum(right(epoch, **options), 0.01)


def sorted_epochs(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(np.sort(epoch), **options)


def from_the_least(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(epoch - epoch.min(initial=np.inf), **options)


def epochs_of_this_call(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(np.arange(len(epoch)).astype(epoch.dtype), **options)


def decayed_again(right: Implementation) -> Implementation:
    def run(epoch: Array, *, initial: float, **options: float) -> Array:
        return np.asarray(initial * right(epoch, initial=1.0, **options).cumprod())

    return run


def no_initial(right: Implementation) -> Implementation:
    def run(epoch: Array, *, initial: float, **options: float) -> Array:
        return right(epoch, initial=initial or 0.01, **options)

    return run


def at_most_one(right: Implementation) -> Implementation:
    def run(epoch: Array, *, initial: float, **options: float) -> Array:
        return right(epoch, initial=min(initial, 1.0), **options)

    return run


def _wrapped(right: Implementation, bits: type[np.signedinteger[Any]]) -> Implementation:
    """Epochs in an integer of few bits. The reference refuses those that become negative, so their size is taken."""
    return lambda epoch, **options: right(
        np.abs(epoch.astype(np.int64).astype(bits).astype(np.float64)).astype(epoch.dtype), **options
    )


def wrapped_at_128(right: Implementation) -> Implementation:
    return _wrapped(right, np.int8)


def wrapped_at_32768(right: Implementation) -> Implementation:
    return _wrapped(right, np.int16)


def tail_left(right: Implementation) -> Implementation:
    """Eight at a time, and then one at most."""

    def run(epoch: Array, *, initial: float, **options: float) -> Array:
        found, whole = right(epoch, initial=initial, **options), len(epoch) // 8 * 8
        if whole:
            found[whole + 1 :] = initial
        return found

    return run


def number_wraps(right: Implementation) -> Implementation:
    return lambda epoch, **options: right(epoch, **options)[np.arange(len(epoch)) % 65536]


def limited_far_below(right: Implementation) -> Implementation:
    return lambda epoch, **options: np.maximum(right(epoch, **options), 1e-8)


def stepped_when_asked(right: Implementation) -> Implementation:
    """As StepLR's chainable form: what it holds is multiplied at each call, whichever epoch is asked for."""
    kept: dict[object, float] = {}

    def run(epoch: Array, *, initial: float, **options: float) -> Array:
        key = tuple(options.items())
        one, two = (float(each) for each in right(np.array([0.0, 1.0]), initial=1.0, **options))
        held = kept.get(key, 1.0)
        found = initial * held * right(epoch, initial=1.0, **options)
        kept[key] = held * two / one if one and len(epoch) else held
        return np.asarray(found)

    return run


_FAULTS: tuple[tuple[Callable[[Implementation], Implementation], str, str, str], ...] = (
    (epochs_from_one, "the first epoch is taken for 1", "count epochs from 0", "classroom"),
    (batches_for_epochs, "counts batches for epochs, here ten an epoch", "count epochs", "keras #2808"),
    (first_two_share, "epochs 0 and 1 share a rate", "count epochs from 0", "simpleNN #3"),
    (initial_forgotten, "the initial rate is forgotten", "multiply by initial", "classroom"),
    (limited_below, "the rate is at least .01", "return what the formula gives", "classroom"),
    (sorted_epochs, "the epochs are sorted first", ITSELF, "classroom"),
    (from_the_least, "counts epochs from the least that is asked for", ITSELF, "classroom"),
    (epochs_of_this_call, "counts its own results, whatever epochs are asked for", ITSELF, "classroom"),
    (decayed_again, "what has decayed decays again: factors are multiplied up", ITSELF, "classroom"),
    (stepped_when_asked, "asked again for an epoch it decays again", "hold nothing between calls", "pytorch #20527"),
    (no_initial, "an initial rate of 0 is replaced by .01", AS_GIVEN, "classroom"),
    (at_most_one, "the initial rate is at most 1", AS_GIVEN, "classroom"),
    (limited_far_below, "the rate is at least 1e-8", "return what the formula gives", "classroom"),
    (wrapped_at_128, "epochs wrap at 128", "count in a wider type", "classroom"),
    (wrapped_at_32768, "epochs wrap at 32768", "count in a wider type", "classroom"),
    (tail_left, "blocks of eight and one more: the others of the tail are not computed", ITSELF, "classroom"),
    (number_wraps, "results beyond the 65536th repeat the first", ITSELF, "classroom"),
)

MUTANTS: tuple[Mutant, ...] = (
    *(each for each in list(globals().values()) if isinstance(each, Mutant)),
    *(
        Mutant(operation.name, f"{operation.name}.{make.__name__}", fault, fix, seen, stored(make(operation.reference)))
        for operation in OPERATIONS
        for make, fault, fix, seen in _FAULTS
    ),
)
