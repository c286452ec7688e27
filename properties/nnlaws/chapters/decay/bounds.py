"""How far rounding may carry a learning rate that decays.

Each function takes bounded epochs without an error, of any shape, and covers the sound algorithms for one operation.
The norm makes what it makes of the options alone in double, powers of the rate too, and rounds it once, where it meets
an array. `hyperparameters: working` rounds the rate of a power to the type computed in first, and takes the power
there; the other options meet an array as they are, so that for them it would say nothing. `arithmetic: narrow` makes
the type computed in the epochs' own. Below, k counts roundings.
"""

import numpy as np
from numpy.typing import NDArray

from nnlaws.rounding.averages import DOUBLE, POWER, Arithmetic, arithmetic_of
from nnlaws.rounding.counted import given, inexact, over, plus, root, times
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import EXP, Bounded, Conventions, log_units


@np.errstate(all="ignore")
def inverse_time_decay(epoch: Bounded, *, initial: float, rate: float, conventions: Conventions) -> Bounded:
    arithmetic = arithmetic_of(epoch, conventions)
    start, slope, one = (given(np.asarray(each), arithmetic.format) for each in (initial, rate, 1.0))
    divisor = _sum(one, times(slope, arithmetic.wide(epoch), 1))
    return arithmetic.stored(_where(divisor.largest == 1, start, over(start, divisor, 2)))


@np.errstate(all="ignore")
def exponential_decay(epoch: Bounded, *, initial: float, rate: float, conventions: Conventions) -> Bounded:
    arithmetic = arithmetic_of(epoch, conventions)
    return arithmetic.stored(_powers(epoch.value, initial, rate, arithmetic))


@np.errstate(all="ignore")
def staircase_decay(epoch: Bounded, *, initial: float, rate: float, every: float, conventions: Conventions) -> Bounded:
    """Where the rounded quotient may be a whole number and the exact one is not, either stair is admitted."""
    arithmetic = arithmetic_of(epoch, conventions)
    u, quotient = arithmetic.format.u, epoch.value / every
    stair = np.rint((epoch.value - np.fmod(epoch.value, every)) / every)
    down = u * inexact(np.asarray(every), arithmetic.format)
    alpha = _powers(stair, initial, rate, arithmetic)
    for other in (np.floor(quotient * (1 + u + down)), np.floor(quotient * (1 - down))):
        another = _powers(other, initial, rate, arithmetic)
        either = np.where(other == stair, 0.0, np.abs(another.value - alpha.value) + another.error)
        alpha = Bounded(alpha.value, np.maximum(alpha.error, either), alpha.format)
    return arithmetic.stored(alpha)


@np.errstate(all="ignore")
def inverse_root_decay(epoch: Bounded, *, initial: float, factor: float, conventions: Conventions) -> Bounded:
    """α₀ and the factor, rounded each and multiplied; the root and the quotient, or a product with (epoch + 1)^(−½).

    Where one of the two is divided first, that quotient may be flushed. Of a 0 nothing is lost.
    """
    arithmetic = arithmetic_of(epoch, conventions)
    start, scale, one = (given(np.asarray(each), arithmetic.format) for each in (initial, factor, 1.0))
    divisor, tiny = root(_sum(arithmetic.wide(epoch), one), 2), arithmetic.format.tiny
    alpha = over(times(start, scale, 1), divisor, 2)
    flushed = (min(initial, factor) > 0) & (min(initial, factor) < 2 * tiny * divisor.value)
    return arithmetic.stored(alpha.loosened(np.where(flushed, 2 * tiny * max(initial, factor), 0.0)))


def _sum(a: Bounded, b: Bounded) -> Bounded:
    """a + b, exact where the format holds the sum of two exact numbers."""
    total = plus(a, b)
    exact = (a.error + b.error == 0) & (inexact(total.value, total.format) == 0)
    return Bounded(total.value, np.where(exact, 0.0, total.error), total.format)


def _where(condition: NDArray[np.bool_], a: Bounded, b: Bounded) -> Bounded:
    return Bounded(np.where(condition, a.value, b.value), np.where(condition, a.error, b.error), b.format)


def _powers(k: Floats, initial: float, rate: float, arithmetic: Arithmetic) -> Bounded:
    """α₀ · rate^k for whole k ≥ 0.

    In double: k products, from α₀ or from 1; a power; or exp(k log rate). Then a product with α₀, rounded once; or what
    multiplies k, log rate, is rounded, and the exponential is of the format. With the rate rounded first, k products of
    the format, and its error k times.
    """
    format, start = arithmetic.format, given(np.asarray(initial), arithmetic.format)
    exponent = np.where(k > 0, k * abs(np.log(rate)), 0.0)
    moving = (k > 0) & (rate != 1)
    in_double = np.maximum(np.maximum(k, POWER), EXP + (log_units(DOUBLE) + 1) * exponent)
    in_format = EXP + 2 * exponent
    if arithmetic.rounded_options:
        by_exponential = EXP + (log_units(format) + 1) * exponent
        in_format = np.maximum(np.maximum(k, POWER), by_exponential) + k * inexact(np.asarray(rate), format)
    power = rate**k
    error = np.expm1(in_double * np.log1p(DOUBLE.u)) * power
    if format is not DOUBLE:
        error += np.expm1((in_format + 1) * np.log1p(format.u)) * power
    small = power * (1 - format.u * in_format) - 2 * error < format.tiny
    error = np.where(moving, error + np.where(small, format.tiny, 0.0), 0.0)
    raised = Bounded(power, error, format)
    return _where(~moving, Bounded(start.value + 0 * k, start.error + 0 * k, format), times(start, raised, 1))
