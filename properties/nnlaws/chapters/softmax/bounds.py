"""How far rounding may carry softmax, log-softmax, cross entropy and its gradient.

Each function takes bounded arguments and joins the sound algorithms for one operation. `conventions` may hold
`normalisation: lse | logaddexp`, `exponential: scaled_first` and `arithmetic: narrow` (SM-1): each admits more.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlaws.rounding.number import Bounded, join
from nnlaws.rounding.softmax import BY_LSE, log_probabilities, probabilities, rows, where_out_of_range, working


def softmax(z: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    return probabilities(working(z, conventions), conventions).astype(z.dtype)


def log_softmax(z: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    return log_probabilities(working(z, conventions), conventions).astype(z.dtype)


def cross_entropy(z: Bounded, y: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    """−Σ y l over all classes and samples in any order, then over m; log s − Σ y (z − max) errs by no more.

    With `normalisation = lse` also LSE·Σ y − Σ y z, whose two terms are of the size of the logits and cancel: so Apex,
    Liger, Megatron and flash-attn compute it, where Σ y z is the logit of the target. The sums may run over a sample
    and then over the batch, or over the batch at once. It is undefined where a class is masked, for 0·(−∞) is NaN.
    Or each term is divided by m before they are summed. In narrow arithmetic nothing is promised where m, or what is
    summed, may pass half of the range.
    """
    wide, targets = working(z, conventions), working(y, conventions)
    terms: Any = np.where(targets > 0, targets * log_probabilities(wide, conventions), 0.0)
    total, m = terms.sum(axis=(-2, -1)), z.shape[-2]
    routes = [-total / m, -(terms / m).sum(axis=(-2, -1))]
    if conventions.get("normalisation") in BY_LSE:
        row = rows(wide, conventions)
        weighed = row.log_sum_exp * targets.sum(axis=-1, keepdims=True)
        product = targets * wide
        by_sample = (weighed - product.sum(axis=-1, keepdims=True)).sum(axis=(-2, -1))
        at_once = weighed.sum(axis=(-2, -1)) - product.sum(axis=(-2, -1))
        routes += [each / m for each in (by_sample, at_once)]
    if conventions.get("arithmetic") == "narrow":
        summed = np.maximum(np.abs(terms.value).sum(axis=(-2, -1)) + terms.error.sum(axis=(-2, -1)), m)
        routes.append(total.loosened(where_out_of_range(summed, z)))
    return join(*routes).astype(z.dtype)


def cross_entropy_gradient(z: Bounded, y: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    """(ŷ − y)/m at once, or the chain rule through log-softmax with dl = −y/m: dl − ŷ Σ dl.

    The latter also as the product of the Jacobian (I − ŷ 1ᵀ) with dl, whose terms an entry are added in any order:
    those of targets that are 0 are exactly 0.
    """
    wide, targets = working(z, conventions), working(y, conventions)
    a, m = probabilities(wide, conventions), z.shape[-2]
    dl = -targets / m
    total = dl.sum(axis=-1, keepdims=True)
    terms = np.abs(dl.value) + (a.value + a.error) * np.abs(total.value)
    count = np.minimum(np.count_nonzero(targets.largest, axis=-1, keepdims=True) + 1, z.shape[-1])
    chain = (dl - a * total).loosened(count * wide.format.u * terms)
    beyond = where_out_of_range(np.asarray(float(m)), z) if conventions.get("arithmetic") == "narrow" else 0.0
    return join((a - targets) / m, chain.loosened(np.asarray(beyond))).astype(z.dtype)
