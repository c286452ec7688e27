"""Single steps of optimizers, and how long they are: laws OP-13, OP-22, OP-23 and OP-26 of chapters/optimizers.md."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.numbers import Enclosure

from nnlaws.authoring.evidence import Evidence, compare, require, worst
from nnlaws.authoring.law import CLOSE, agree_loosely, agree_or_nan, slack
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.optimizers.bounds import UPDATES
from nnlaws.chapters.optimizers.closed_forms import first_step, longest_step, weight_of_epsilon
from nnlaws.rounding.number import bounded

LEFT = 2.0**-6  # of a step, that rounding of 1 − αλ in any type leaves the sign of


def each_step(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """θ_{t−1} − θ_t is the step's update, where θ_{t−1} is the implementation's own: no error is carried along.

    Each iterate is rounded once when it is stored, and once when the update is subtracted, from θ_{t−1} or, as a sum of
    updates, from θ_0. That sum may be computed anew for each iterate, in any order, and straight from the gradients:
    then each of its t terms is rounded twice, and each of its sums.
    """
    iterates = f(theta, grads, **options)
    first = theta.astype(np.float64)[:, None, :]
    before = np.concatenate([first, iterates[:, :-1]], axis=1)
    updates = UPDATES[ruler.operation.name]
    bound = updates(bounded(grads), conventions=ruler.conventions, **options)
    if ruler.format.digits < 53:
        wide = updates(bounded(grads.astype(np.float64)), conventions=ruler.conventions, **options)
        exact = Enclosure(wide.value, np.zeros_like(wide.value), wide.error)
    else:
        exact = ruler.exact(_updates(ruler, options), theta, grads, within=bound.error)
    moved = np.abs(iterates) + np.abs(before) + np.abs(iterates - first) + np.abs(before - first)
    sizes = updates(bounded(np.abs(grads)), conventions=ruler.conventions, **options)
    t = np.arange(1, grads.shape[1] + 1)[:, None]
    anew = np.where(t > 1, 2 * (t + 2) * np.cumsum(np.abs(sizes.value), axis=1), 0.0)
    rounding = ruler.format.u * (moved + 2 * np.abs(bound.value) + anew) + 4 * ruler.format.tiny
    allowed = np.where(np.isfinite(before), bound.error + np.nan_to_num(rounding), np.inf)  # from NaN nothing goes on
    got = before - iterates
    got = np.where(np.isposinf(allowed) & np.isnan(got), 0.0, got)
    return compare(got, exact, allowed, ruler.format, "the update that the step subtracts from where it began")


def _updates(ruler: Ruler, options: dict[str, Any]) -> Any:
    """The formula's updates alone, whatever θ_0 is."""
    named = {name: value for name, value in ruler.conventions.items() if name in ruler.operation.changing}

    def formula(theta: Any, grads: Any) -> Any:
        iterates = ruler.operation.formula(0 * theta, grads, **options, **named)
        zero = 0 * theta[..., None, :]
        return np.concatenate([zero, iterates[..., :-1, :]], axis=-2) - iterates

    return formula


def first_step_size(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """From 0, which does not decay, the first step of Adam and of AdamW is α|g|/(|g| + ε) long; and 1 − αλ times that,
    where what it leads to decays.

    And however it is rounded, it goes against the gradient, unless no more than a rounding is left of it.
    """
    first = grads[:, :1].copy()
    of_adam = {name: value for name, value in options.items() if name != "weight_decay"}
    want = -first_step(ruler.conventions, first.astype(np.float64), **of_adam)
    left = 1.0
    if ruler.conventions.get("decoupling") == "after_step":
        left = 1 - options["learning_rate"] * options["weight_decay"]
    want = left * want
    got = f(theta, first, **options)
    against = (np.sign(got) == np.sign(want)) | (np.abs(want) < 4 * ruler.format.tiny)
    against |= abs(left) < LEFT
    if "narrow" in ruler.conventions.values():  # m may be below its range, and v̂ beyond it
        size = np.abs(first.astype(np.float64))
        against |= ((1 - options["beta1"]) * size < 4 * ruler.format.tiny) | (size**2 > ruler.format.largest / 2)
    moved = require(against.all(axis=(1, 2)), "the first step does not go against the gradient: it is 0, or NaN", got)
    more = CLOSE * np.abs(want)
    return worst(moved, agree_loosely(ruler, got, want, "minus α g/(|g| + ε)", theta, first, more=more, **options))


def longest_steps(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """No step is longer than its bound, which is a number."""
    if ruler.conventions.get("second_moment") == "centred":
        return require(True, "")  # of the variance there is none
    iterates = f(theta, grads, **options)
    before = np.concatenate([theta.astype(np.float64)[:, None, :], iterates[:, :-1]], axis=1)
    error = slack(iterates, ruler.loose(theta, grads, **options), ruler.format)
    errors = error + np.concatenate([np.zeros_like(error[:, :1]), error[:, :-1]], axis=1)
    longest = longest_step(ruler.operation.name, ruler.conventions, grads.shape[1], **options)[:, None]
    moved = np.abs(iterates - before)
    want = np.minimum(moved, longest)
    return agree_or_nan(
        moved, want, errors + CLOSE * np.nan_to_num(longest), ruler.format, "the longest step there can be"
    )


def longest_step_reached(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """The last step, after the gradients that make it longest, is as long as its bound but for ε."""
    if "centred" in ruler.conventions.values() or ruler.conventions.get("accumulator") == "one":
        return require(True, "")  # there is no bound, or none that is reached
    iterates = f(theta, grads, **options)
    before = iterates[:, -2] if grads.shape[1] > 1 else theta.astype(np.float64)
    loose = ruler.loose(theta, grads, **options)
    error = slack(iterates, loose, ruler.format)[:, -2:].sum(axis=1)
    longest = longest_step(ruler.operation.name, ruler.conventions, grads.shape[1], **options)[-1]
    beta = options["beta"] if "beta" in options else options["beta2"]
    weights = (1 - beta) * beta ** np.arange(grads.shape[1])[::-1, None]
    v = (weights * grads.astype(np.float64) ** 2).sum(axis=1)
    shortened = np.minimum(options["eps"] / np.sqrt(v) + options["eps"] / (2 * v), 1)  # outside a root, or inside
    rounded = 4 * ruler.format.u**2  # gradients that are off by u, each: a cosine of nearly 1
    moved, allowed = np.abs(iterates[:, -1] - before), error + (CLOSE + rounded) * np.nan_to_num(longest)
    want = np.maximum(moved, longest * (1 - shortened))
    return agree_or_nan(moved, want, allowed, ruler.format, "the longest step there can be, as long as ε lets it be")


def importance(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """Twice the learning rate moves θ twice as far; ten times ε makes the first step hardly shorter."""
    plain, rate = f(theta, grads, **options), options["learning_rate"]
    twice = {**options, "learning_rate": 2 * rate}
    got = f(theta, grads, **twice) / 2
    seen = agree_loosely(ruler, got, plain, "half as far as with twice the rate", theta, grads, **options)
    first, larger = grads[:, :1].copy(), {**options, "eps": 10 * options["eps"]}
    shorter, one = f(theta, first, **larger), f(theta, first, **options)
    weight = weight_of_epsilon(ruler.conventions, first.astype(np.float64), beta2=options["beta2"], eps=options["eps"])
    part = np.abs(one) * weight + slack(shorter, ruler.loose(theta, first, **larger), ruler.format)
    return worst(
        seen,
        agree_loosely(ruler, shorter, one, "nearly the step with a tenth of ε", theta, first, more=part, **options),
    )
