"""The laws of chapters/softmax.md.

Laws of value compare with the exact result, within the rounding that the clause allows. All others are about
structure: they relate results of one implementation to each other, or to a bound, within the rounding of the loosest
convention. So an implementation that consistently computes another function, or rounds too often, breaks the clause
that says which value, and not these.
"""

from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import softmax as formulas
from nnlaws_spec.numbers import Enclosure
from numpy.typing import NDArray

from nnlaws.authoring.case import Range
from nnlaws.authoring.evidence import Evidence, agree, compare, require, worst
from nnlaws.authoring.law import CLOSE, Law, agree_or_nan, laws_of, slack, values
from nnlaws.authoring.logits import any_size, every_size, moderate, wide
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject, TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chapters.softmax import at_size, boundary
from nnlaws.chapters.softmax.inputs import (
    Targets,
    any_size_inputs,
    either,
    gibbs_inputs,
    masked_inputs,
    moderate_inputs,
    one_hot,
    permuted_inputs,
    shifted_inputs,
    soft,
    spoilt_inputs,
)
from nnlaws.chapters.softmax.operations import CROSS_ENTROPY, CROSS_ENTROPY_GRADIENT, LOG_SOFTMAX, SOFTMAX
from nnlaws.rounding.formats import Floats, Format


def value(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """f is what its formula says."""
    return values(f, ruler, *arguments, allow_nan_if_unbounded=True)


def any_size_of_logits(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """So it is where the exponential overflows."""
    return value(f, ruler, *arguments)


def soft_targets(f: Subject, ruler: Ruler, z: Array, y: Array) -> Evidence:
    """So it is where no target is 1."""
    return value(f, ruler, z, y)


def mean_over_batch(f: Subject, ruler: Ruler, z: Array, y: Array) -> Evidence:
    """J of the batch is the mean of J of each sample alone."""
    samples = _rows(z, y)
    alone = [f(*sample) for sample in samples]
    slack = _slack(np.mean(alone, axis=0), ruler, z, y) + np.mean(
        [_slack(J, ruler, *s) for J, s in zip(alone, samples, strict=True)], axis=0
    )
    return agree(f(z, y), np.mean(alone, axis=0), slack, ruler.format, "the mean of each sample's own")


def shift_invariance(f: Subject, ruler: Ruler, z: Array, *y: Array, c: Array) -> Evidence:
    """f(z + c) = f(z), where z + c is exact."""
    got, other = f(z + c, *y), f(z, *y)
    slack = _slack(got, ruler, z + c, *y) + _slack(other, ruler, z, *y)
    return agree(got, other, slack, ruler.format, "the result without the constant")


def permutation(f: Subject, ruler: Ruler, z: Array, *y: Array, order: NDArray[np.intp]) -> Evidence:
    """f(P z) = P f(z); for a scalar, f(P z, P y) = f(z, y)."""
    permute = partial(np.take_along_axis, indices=order[:, None, :], axis=-1)
    permuted = [permute(argument) for argument in (z, *y)]
    got, other = f(*permuted), f(z, *y)
    slack = _slack(other, ruler, z, *y)
    if not ruler.operation.scalar:
        other, slack = permute(other), permute(slack)
    return agree(
        got, other, _slack(got, ruler, *permuted) + slack, ruler.format, "the permuted result of the classes in order"
    )


def rows_alone(f: Subject, ruler: Ruler, z: Array, *y: Array) -> Evidence:
    """Row i of f(z) is f of row i alone; where f is over m, 1/m of it."""
    share = 1 / z.shape[1] if y else 1.0
    rows = _rows(z, *y)
    alone = np.split(f(*map(np.concatenate, zip(*rows, strict=True))), len(rows))
    slack = np.concatenate([_slack(a, ruler, *row) for a, row in zip(alone, rows, strict=True)], axis=1)
    got = f(z, *y)
    allowed = _slack(got, ruler, z, *y) + share * slack + ruler.format.tiny
    return agree(got, share * np.concatenate(alone, axis=1), allowed, ruler.format, "the row by itself")


def probability_row(f: Subject, ruler: Ruler, z: Array) -> Evidence:
    """0 ≤ a_k ≤ 1 and Σ_k a_k = 1."""
    a, allowed = f(z), ruler.loose(z).error
    inside = agree(a, np.clip(a, 0, 1), np.where(a > 1, allowed, 0), ruler.format, "the nearest number in [0, 1]")
    total = agree(a.sum(axis=-1), np.ones(a.shape[:-1]), _sum(allowed, a), ruler.format, "1, the sum of a distribution")
    return worst(inside, total)


def order_kept(f: Subject, ruler: Ruler, z: Array) -> Evidence:
    """z_j ≤ z_k ⟹ a_j ≤ a_k."""
    order = np.argsort(z, axis=-1, kind="stable")
    inverse = np.argsort(order, axis=-1)
    a, allowed, logits = (np.take_along_axis(x, order, axis=-1) for x in (f(z), ruler.loose(z).error, z))
    least, its_slack = (np.maximum.accumulate(x, axis=-1)[..., :-1] for x in (a, allowed))
    tied = logits[..., 1:] == logits[..., :-1]
    want, slack = a.copy(), allowed.copy()
    want[..., 1:] = np.where(tied, a[..., :-1], np.fmax(a[..., 1:], least))
    slack[..., 1:] += its_slack
    got, want, slack = (np.take_along_axis(x, inverse, axis=-1) for x in (a, want, slack))
    return agree(got, want, slack, ruler.format, "at least the probability of every class with a smaller logit")


def one_class(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """A single class is certain: 1, or, as logarithm, loss and gradient, 0.

    An approximate reciprocal of the sum, which is 1, may be 1 − u; a gradient is that much off 0, over m, rounded once.
    """
    got, u = f(*arguments), ruler.format.u
    divided = {SOFTMAX: u, CROSS_ENTROPY_GRADIENT: u * (1 + u) / arguments[0].shape[1]}
    certain = np.full_like(got, 1.0 if ruler.operation is SOFTMAX else 0.0)
    allowed = np.full_like(got, divided.get(ruler.operation, 0.0))
    return agree(got, certain, allowed, ruler.format, "certain, as a single class is")


def two_classes(f: Subject, ruler: Ruler, z: Array) -> Evidence:
    """a_1 = σ(z_1 − z_2)."""
    allowed = ruler.bound(z).error[..., 0]
    sigmoid = ruler.exact(lambda x: formulas.sigmoid(x[..., 0] - x[..., 1]), z, within=allowed)
    return compare(f(z)[..., 0], sigmoid, allowed, ruler.format, "the sigmoid of the difference")


def masked_classes(f: Subject, ruler: Ruler, z: Array, *y: Array) -> Evidence:
    """Exactly 0, or −∞ as a logarithm, at a masked class; the others as if it were not there."""
    got, masked, m = f(z, *y), np.isneginf(z), z.shape[1]
    want = np.where(masked, -np.inf if ruler.operation is LOG_SOFTMAX else 0.0, 0.0)
    share = 1 / m if y else 1.0
    left = (~masked).sum(axis=-1)
    for classes in np.unique(left):  # rows that have as many left are asked for together
        rows = [(lane, row, ~masked[lane, row]) for lane, row in np.argwhere(left == classes)]
        try:
            alone = f(*(np.stack([each[lane, row, kept][None] for lane, row, kept in rows]) for each in (z, *y)))
        except TargetFault as fault:
            fault.lane = int(rows[fault.lane][0])
            raise
        for result, (lane, row, kept) in zip(alone, rows, strict=True):
            at = 0 if ruler.operation.scalar else kept  # the loss of a row is at its first class, till rows are added
            want[lane, row, at] = share * result if ruler.operation.scalar else share * result[0]
    if ruler.operation.scalar:
        want, least = (
            want.sum(axis=(-2, -1)),
            np.where(masked, np.inf, z.astype(np.float64)).min(axis=-1, keepdims=True),
        )
        counted = np.where(masked, least.astype(z.dtype), z)  # a class more rounds no less
        allowed = 2 * _slack(want, ruler, counted, *y)
        allowed = np.where(np.isposinf(ruler.bound(z, *y).error), np.inf, allowed)  # with lse, 0·(−∞)
    else:
        nothing = np.isposinf(ruler.bound(z, *y).error).any(axis=-1, keepdims=True)  # is promised, not even a number
        others = 2 * _slack(want, ruler, z, *y) + ruler.format.tiny
        allowed = np.where(masked, np.where(nothing, np.inf, 0.0), others)
    return agree_or_nan(got, want, allowed, ruler.format, "the result without the masked classes")


def nan_in_nan_out(f: Subject, ruler: Ruler, z: Array, *y: Array, spoilt: NDArray[np.bool_]) -> Evidence:
    """NaN in every class of a row with a NaN, and in a loss; other rows as they are without it."""
    got, other = f(np.where(spoilt, z.dtype.type(np.nan), z), *y), f(z, *y)
    if ruler.operation.scalar:
        return require(np.isnan(got), "the loss of logits with a NaN is a number", got)
    rows = np.broadcast_to(spoilt.any(axis=-1, keepdims=True), got.shape)
    hidden = (rows & ~np.isnan(got)).any(axis=(-2, -1))
    if hidden.any():
        return require(~hidden, "a row with a NaN among its logits has numbers in its result", got)
    got, other = (np.where(rows, 0.0, each) for each in (got, other))
    allowed = 2 * _slack(other, ruler, z, *y)
    return agree_or_nan(got, other, allowed, ruler.format, "the result of a batch without the NaN of another row")


def gibbs(f: Subject, ruler: Ruler, z: Array, y: Array) -> Evidence:
    """H(y) ≤ J ≤ H(y) + the mean of what `divergence` says."""
    got, allowed = f(z, y), ruler.loose(z, y).error
    entropy = ruler.exact(formulas.entropy, y, within=allowed)
    above = got >= entropy.hi
    least = Enclosure(np.where(above, got, entropy.hi), np.where(above, 0, entropy.lo), entropy.radius)
    seen = compare(got, least, allowed, ruler.format, "the entropy of the targets, which it may not be below")
    most = entropy.hi + divergence(z.astype(np.float64), y.astype(np.float64)).mean(axis=-1)
    near = allowed + entropy.radius + CLOSE * np.abs(most)
    return worst(seen, agree(got, np.minimum(got, most), near, ruler.format, "the entropy of targets so near, at most"))


def divergence(z: Floats, y: Floats) -> Floats:
    """At least Σ_k y_k log (y_k / a_k) of each row, and 0 where a = y.

    With d = z − log y where y is not 0, that is log Σ y e^d − Σ y d, at most (max d − min d)²/8 by Hoeffding's lemma;
    and log(1 + p/(1 − p)) for the probability p of all classes whose target is 0.
    """
    there = y > 0
    d = z - np.log(np.where(there, y, 1))
    spread = np.where(there, d, -np.inf).max(axis=-1) - np.where(there, d, np.inf).min(axis=-1)
    most = z.max(axis=-1, keepdims=True)
    shares = np.exp(z - most)
    with np.errstate(divide="ignore"):
        odds = np.where(there, 0, shares).sum(axis=-1) / np.where(there, shares, 0).sum(axis=-1)
    return np.asarray(spread**2 / 8 + np.log1p(odds))


def gradient_rows_sum_to_zero(f: Subject, ruler: Ruler, z: Array, y: Array) -> Evidence:
    """Σ_k ∂J/∂z_ik = 0."""
    g = f(z, y)
    allowed = _sum(ruler.loose(z, y).error, g)
    return agree(g.sum(axis=-1), np.zeros(g.shape[:-1]), allowed, ruler.format, "0, the sum of a row of the gradient")


def _rows(*arguments: Array) -> list[tuple[Array, ...]]:
    """Each row of a batch's arguments, as a batch of one-row arguments."""
    return [tuple(argument[:, i : i + 1] for argument in arguments) for i in range(arguments[0].shape[1])]


def _sum(allowed: Floats, terms: Floats) -> Floats:
    """What the terms of a row may err together, and the float64 sum of them besides."""
    return allowed.sum(axis=-1) + terms.shape[-1] * 2.0**-53 * np.abs(terms).sum(axis=-1)


def _slack(result: Floats, ruler: Ruler, *arguments: Array) -> Floats:
    return slack(result, ruler.loose(*arguments), ruler.format)


def _every(operation: Operation, targets: Targets | None) -> tuple[Law, ...]:
    """What holds for each of the four operations."""
    make = laws_of(operation, moderate_inputs(targets), moderate, SHARES)
    any_inputs = any_size_inputs(targets, operation.scalar)
    shifted, masked, spoilt = shifted_inputs(targets), masked_inputs(targets), spoilt_inputs(targets)
    every = {"cases": any_size, "boundary": _every_size_and_shape if operation.scalar else every_size}
    masks = {"columns": (2, 8), "share": 0.5, "lanes": 8, "boundary": boundary.masked}
    nan = {"columns": (2, 8), "share": 0.4, "lanes": 4, "boundary": boundary.spoilt}
    return (
        make("SM-3", shift_invariance, "adding one constant to every logit of a row changes nothing", shifted),
        make("SM-4", permutation, "permuting the classes permutes the result", permuted_inputs(targets)),
        make("SM-6", any_size_of_logits, "the result is right for every finite logit", any_inputs, **every),
        make("SM-8", one_class, "a single class is certain", columns=(1, 1)),
        make(
            "SM-19" if operation.scalar else "SM-10", masked_classes, "a logit of −∞ masks its class", masked, **masks
        ),
        make("SM-18", nan_in_nan_out, "NaN among a row's logits makes its result NaN", spoilt, **nan),
    )


def _every_size_and_shape(format: Format, m: Range, columns: Range) -> list[Case]:
    """A loss is of the whole batch, so no other law of value sees batches of every shape."""
    return [*boundary.wide_targets(format, m, columns), *every_size(format, m, columns)]


SHARES = {"value": 1.0, "structure": 1.0}
ROWS = "a row of the result depends on its row alone"
SOFT = "targets may be any distribution"
VALUE: Any = {"kind": "value", "boundary": wide}
TARGETS: Any = {"kind": "value", "boundary": boundary.wide_targets}


def _laws() -> tuple[Law, ...]:
    softmax = laws_of(SOFTMAX, moderate_inputs(None), moderate, SHARES)
    log_softmax = laws_of(LOG_SOFTMAX, moderate_inputs(None), moderate, SHARES)
    loss = laws_of(CROSS_ENTROPY, moderate_inputs(either), moderate, SHARES)
    gradient = laws_of(CROSS_ENTROPY_GRADIENT, moderate_inputs(either), moderate, SHARES)
    hot, smooth = moderate_inputs(one_hot), moderate_inputs(soft)
    spread: Any = {"m": (1, 1), "boundary": wide}
    return (
        softmax("SM-1", value, "softmax is e^z / Σ e^z", **VALUE),
        softmax("SM-2", probability_row, "entries lie in [0, 1] and rows sum to 1"),
        softmax("SM-5", order_kept, "a larger logit gets no smaller probability"),
        softmax("SM-7", rows_alone, ROWS, m=(2, 4)),
        softmax("SM-9", two_classes, "two classes are the sigmoid of the difference", columns=(2, 2)),
        *_every(SOFTMAX, None),
        log_softmax("SM-11", value, "log-softmax is z − log Σ e^z", **VALUE),
        log_softmax("SM-7", rows_alone, ROWS, m=(2, 4)),
        *_every(LOG_SOFTMAX, None),
        loss("SM-12", value, "J of a sample is −Σ y log a", hot, m=(1, 1), **TARGETS),
        loss("SM-13", mean_over_batch, "J of a batch is the mean over its samples", m=(2, 4)),
        loss("SM-14", soft_targets, SOFT, smooth, **spread),
        loss("SM-15", gibbs, "J is at least the entropy of the targets, and just that where ŷ = y", gibbs_inputs),
        *_every(CROSS_ENTROPY, either),
        gradient("SM-16", value, "the gradient is (softmax − y)/m", hot, **TARGETS),
        gradient("SM-14", soft_targets, SOFT, smooth, **spread),
        gradient("SM-17", gradient_rows_sum_to_zero, "rows of the gradient sum to 0"),
        gradient("SM-7", rows_alone, ROWS, m=(2, 4)),
        *_every(CROSS_ENTROPY_GRADIENT, either),
    )


LAWS: tuple[Law, ...] = (*_laws(), *at_size.LAWS)
