"""How far rounding may carry softmax, log-softmax, cross entropy and its gradient.

Each function takes bounded arguments and joins the sound algorithms for one operation. `conventions` may hold
`normalisation: lse` and `arithmetic: narrow` (SM-1), each of which admits more.
"""

from collections.abc import Mapping

import numpy as np
from nnlaws_reference.dtypes import working_dtype

from nnlaws.rounding.number import EXP, Bounded, join


def softmax(z: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    return _softmax(_wide(z, conventions), conventions).astype(z.dtype)


def log_softmax(z: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    return _log_softmax(_wide(z, conventions), conventions).astype(z.dtype)


def cross_entropy(z: Bounded, y: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    wide, targets = _wide(z, conventions), _wide(y, conventions)
    terms = np.where(targets > 0, targets * _log_softmax(wide, conventions), 0.0)
    return (-terms.sum(axis=(-2, -1)) / z.shape[-2]).astype(z.dtype)


def cross_entropy_gradient(z: Bounded, y: Bounded, *, conventions: Mapping[str, str]) -> Bounded:
    """(ŷ − y)/m at once, or the chain rule through log-softmax with dl = −y/m: dl − ŷ Σ dl.

    The latter also as the product of the Jacobian (I − ŷ 1ᵀ) with dl, whose C terms an entry are added in any order."""
    wide, targets = _wide(z, conventions), _wide(y, conventions)
    a, m = _softmax(wide, conventions), z.shape[-2]
    dl = -targets / m
    total = dl.sum(axis=-1, keepdims=True)
    terms = np.abs(dl.value) + (a.value + a.error) * np.abs(total.value)
    chain = (dl - a * total).loosened(z.shape[-1] * wide.format.u * terms)
    return join((a - targets) / m, chain).astype(z.dtype)


def _wide(x: Bounded, conventions: Mapping[str, str]) -> Bounded:
    return x if conventions.get("arithmetic") == "narrow" else x.astype(working_dtype(x.dtype))


def _softmax(z: Bounded, conventions: Mapping[str, str]) -> Bounded:
    """e/s; e·(1/s) and e^{z − max − log s}, both no worse than the second route; and e^{z − LSE} where declared."""
    shifted, e, s = _exponentials(z)
    routes = [e / s, np.exp(shifted - np.log(s))]
    if conventions.get("normalisation") == "lse":
        routes.append(np.exp(z - _log_sum_exp(z, s)))
    return join(*routes)


def _log_softmax(z: Bounded, conventions: Mapping[str, str]) -> Bounded:
    shifted, _, s = _exponentials(z)
    routes = [shifted - np.log(s)]
    if conventions.get("normalisation") == "lse":
        routes.append(z - _log_sum_exp(z, s))
    return join(*routes)


def _log_sum_exp(z: Bounded, s: Bounded) -> Bounded:
    return z.max(axis=-1, keepdims=True) + np.log(s)


def _exponentials(z: Bounded) -> tuple[Bounded, Bounded, Bounded]:
    """z − max z, its exponential, and the sum of those, in one pass over the row or in the passes of an online softmax.

    An online algorithm (Milakov and Gimelshein 2018) multiplies what it has summed by e^{old max − new max} whenever
    the maximum grows. However it orders or merges the row, the term of class i is so rescaled at most once for each
    class with a larger logit, and each time errs by one exponential and one product more.
    """
    shifted = z - z.max(axis=-1, keepdims=True)
    e = np.exp(shifted)
    larger = (z.value[..., None, :] > z.value[..., :, None]).sum(axis=-1)
    rescaling = ((EXP + 1) * z.format.u * larger * (e.value + e.error)).sum(axis=-1, keepdims=True)
    return shifted, e, e.sum(axis=-1, keepdims=True).loosened(rescaling)
