"""The laws of batch norm's informative clauses: on its own results, an implementation shows what normalising is for."""

import numpy as np
import scipy
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import batch_norm as formulas
from numpy.typing import NDArray

from nnlaws.authoring.evidence import Evidence, agree, require
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.batch_norm.slack import results_of
from nnlaws.rounding.formats import Floats

FALSE_ALARM = 1e-12
"""How often the law of the batch's noise refuses a right mean, a case: in a run of 100 cases, once in 10¹⁰ runs."""
STEPS = 500  # of gradient descent, after which it counts as not arrived
PART = 0.05  # how much of the way from the first loss to the least is left on arrival


def noise_of_the_mean(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """Σ m μ²/σ² over N means of batches is chi-squared with N degrees of freedom: exact for normal samples."""
    means = f.results(z, gamma, beta, eps=eps)[1]
    total = z.shape[-2] * np.square(means).sum()
    low, high = (2 * scipy.special.gammaincinv(means.size / 2, q) for q in (FALSE_ALARM / 2, 1 - FALSE_ALARM / 2))
    reason = f"m μ² sums to {total:.0f} over {means.size} batch means, where {low:.0f} to {high:.0f} is expected"
    return require(bool(low <= total <= high), reason)


def round_contours(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, y: Floats, eps: float) -> Evidence:
    """The Hessian of logistic regression at w = 0, on normalised features that are orthogonal, is a multiple of I.

    An error of e in each entry of out, of mean size at most 1, moves an entry of 4H by 2e + e², and so an eigenvalue by
    n times that; LAPACK's own backward error is a small multiple of n u, here 32 n u.
    """
    out, allowed = results_of(f, ruler, z, gamma, beta, eps=eps)[0]
    spectrum = _spectrum(formulas.logistic_hessian(np.zeros(gamma.shape), out))
    got = spectrum[..., -1] / np.maximum(spectrum[..., 0], 0)
    var = z.astype(np.float64).var(axis=-2)
    scale = np.sqrt(var) + eps if ruler.conventions.get("epsilon") == "outside" else np.sqrt(var + eps)
    curvature = (np.sqrt(var) / scale) ** 2
    want = curvature.max(axis=-1) / curvature.min(axis=-1)
    e, n = np.abs(allowed).max(axis=(-2, -1)), z.shape[-1]
    moved = n * (2 * e + e * e) / curvature.min(axis=-1)
    slack = want * np.where(moved < 0.5, 4 * moved + n * 2.0**-48, np.inf)  # (1 + moved)/(1 − moved) ≤ 1 + 4 moved
    return agree(got, want, slack, ruler.format, "the condition number of round contours")


def fewer_steps(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, y: Floats, eps: float) -> Evidence:
    """Gradient descent reaches a given loss in half the steps at most, each with the step size 1/L of its own loss."""
    normalised = f(z, gamma, beta, eps=eps)
    before, after = _steps(z.astype(np.float64), y), _steps(normalised, y)
    lane = int(np.argmax(after / before))
    reason = f"gradient descent takes {after[lane]} steps on normalised features, {before[lane]} on the raw ones"
    return require(2 * after <= before, reason)


def _steps(x: Floats, y: Floats) -> NDArray[np.intp]:
    """How many steps of descent from w = 0 until PART of the way from the first loss to the least, H(y), is left."""
    w = np.zeros((len(x), x.shape[-1]))
    curvature = _spectrum(formulas.logistic_hessian(w, x))[..., -1]  # the largest at any w: a(1 − a) ≤ 1/4
    least = -(y * np.log(y) + (1 - y) * np.log(1 - y)).mean(axis=-1)
    goal = least + PART * (formulas.logistic_loss(w, x, y) - least)
    steps = np.full(len(x), STEPS)
    for step in range(STEPS):
        arrived = formulas.logistic_loss(w, x, y) <= goal
        steps = np.where(arrived, np.minimum(steps, step), steps)
        if arrived.all():
            break
        a = 1 / (1 + np.exp(-np.einsum("lmn,ln->lm", x, w)))
        w = w - np.einsum("lm,lmn->ln", a - y, x) / x.shape[-2] / curvature[:, None]
    return steps


def _spectrum(hessian: Floats) -> Floats:
    """The eigenvalues, in increasing order; NaN of what is not finite."""
    finite = np.asarray(np.isfinite(hessian).all(axis=(-2, -1)))
    values = np.linalg.eigvalsh(np.where(finite[:, None, None], hessian, 0.0))
    return np.where(finite[:, None], values, np.nan)
