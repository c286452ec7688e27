"""How long the steps of optimizers are: laws OP-22, OP-23 and OP-26 of chapters/optimizers.md."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.evidence import Evidence, require, worst
from nnlaws.authoring.law import CLOSE, agree_loosely, agree_or_nan, slack
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.optimizers.closed_forms import first_step, longest_step, weight_of_epsilon


def first_step_size(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """From 0, which does not decay, the first step of Adam and of AdamW is α|g|/(|g| + ε) long.

    And however it is rounded, it goes against the gradient.
    """
    first = grads[:, :1].copy()
    of_adam = {name: value for name, value in options.items() if name != "weight_decay"}
    want = -first_step(ruler.conventions, first.astype(np.float64), **of_adam)
    got = f(theta, first, **options)
    against = (np.sign(got) == np.sign(want)) | (np.abs(want) < 4 * ruler.format.tiny)
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
