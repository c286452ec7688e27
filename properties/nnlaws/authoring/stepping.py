"""What laws of optimizers check whatever the optimizer: its iterates, their order, their coordinates, its state.

Laws of value compare with the exact iterates, all others relate results to each other within the rounding of the
loosest convention.
"""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.evidence import Evidence, agree, require, worst
from nnlaws.authoring.law import agree_loosely, judge, unless_refused, values
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Refused, Subject

EPSILON = 1e-3  # of a call that nobody refuses


def value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The result is what its formula says."""
    return values(f, ruler, *arguments, allow_nan_if_unbounded=True, **options)


def changing_rate_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The same, with a learning rate for each step."""
    return value(f, ruler, *arguments, **options)


def long_run(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The same, over a hundred steps."""
    return value(f, ruler, *arguments, **options)


def without_memory(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The same, where every β is 0."""
    return value(f, ruler, *arguments, **options)


def no_epsilon(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The same, where ε is 0 and no gradient is; or it is refused."""
    return unless_refused(
        lambda: value(f, ruler, *arguments, **options),
        accepted=lambda: f.results(*arguments, **{**options, "eps": EPSILON}),
    )


def zero_gradients(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """θ stays to the bit, unless it decays; and whatever is promised of other steps, it does not become NaN."""
    iterates = f(theta, grads, **options)
    if "weight_decay" in ruler.operation.options:
        numbers = ~np.isnan(iterates).any(axis=(1, 2))
        seen = require(numbers, "NaN came of gradients that are all 0", iterates)
        return worst(seen, judge((iterates,), ruler, theta, grads, allow_nan_if_unbounded=True, **options))
    want = np.repeat(theta.astype(np.float64)[:, None, :], grads.shape[1], axis=1)
    return agree(iterates, want, np.zeros_like(want), ruler.format, "θ, which nothing moves")


def coordinates_alone(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Coordinate j of every result is that of coordinate j by itself."""
    columns = arguments[0].shape[-1]
    apart = [np.concatenate([a[..., j : j + 1] for j in range(columns)]) for a in arguments]
    alone = np.concatenate(np.split(f(*apart, **options), columns), axis=-1)
    expected = "the result of the coordinate by itself"
    return agree_loosely(ruler, f(*arguments, **options), alone, expected, *arguments, **options)


def no_future(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The first steps are the same where the last gradients, or values, are taken away."""
    fewer = (arguments[-1].shape[1] + 1) // 2
    whole = f(*arguments, **options)[:, :fewer]
    cut = (*arguments[:-1], arguments[-1][:, :fewer].copy())
    return agree_loosely(ruler, f(*cut, **options), whole, "the same steps of the longer run", *cut, **options)


def resumed(f: Subject, ruler: Ruler, *arguments: Array, save_at: int, **options: Any) -> Evidence:
    """With the state saved and restored on the way, the iterates are the same."""
    if not f.takes("save_at"):
        raise NotOffered(f"{ruler.operation.name} does not take save_at: whether its state can be saved is not judged")
    got = f(*arguments, save_at=save_at, **options)
    expected = "the iterate of the run that was not interrupted"
    return agree_loosely(ruler, got, f(*arguments, **options), expected, *arguments, **options)


def not_hidden(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """NaN stays, and an infinity becomes no number; the other coordinates are as they are with 1 in its place."""
    *others, poisoned = arguments
    given = (*others, np.where(np.isfinite(poisoned), poisoned, np.ones_like(poisoned)))
    want = f(*given, **options)
    try:
        got = f(*arguments, **options)
    except Refused:
        return require(True, "")
    was_nan, was_infinite = (np.logical_or.accumulate(is_so(poisoned), axis=1) for is_so in (np.isnan, np.isinf))
    shown = (np.isnan(got) | ~was_nan).all(axis=(1, 2)) & ~(np.isfinite(got) & was_infinite).any(axis=(1, 2))
    seen = require(shown, "a NaN or an infinity that was given does not show any more", got)
    clean = np.isfinite(poisoned).all(axis=1, keepdims=True)
    expected = "the result with 1 in place of what is no number elsewhere"
    return worst(seen, agree_loosely(ruler, np.where(clean, got, want), want, expected, *given, **options))


def sign(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """From −θ with −g come the iterates with their sign turned."""
    got = f(-theta, -grads, **options)
    expected = "the iterate of the other sign, turned"
    return agree_loosely(ruler, got, -f(theta, grads, **options), expected, theta, grads, **options)
