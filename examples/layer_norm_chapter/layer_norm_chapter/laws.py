"""The laws of chapter.md.

Laws of value compare with the exact result, within the rounding that the clause allows, under the conventions that the
implementation declares. All others are about structure, within the rounding of the loosest convention: so an
implementation that rounds too often breaks the clause that says which value, and not these.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from nnlaws.authoring import (
    Evidence,
    Law,
    Operation,
    Ruler,
    Subject,
    agree,
    judge,
    laws_of,
    require,
    slack,
    unless_refused,
    worst,
)
from nnlaws.authoring import values as every_value
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import bounded
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from layer_norm_chapter.bounds import promised
from layer_norm_chapter.inputs import (
    BUILDERS,
    FEATURES,
    SAMPLES,
    backward_inputs,
    constant_inputs,
    extreme_cases,
    forward_inputs,
    ordinary_cases,
    permuted,
    scaled_inputs,
    shifted_inputs,
    unscaled_inputs,
    varied_inputs,
)
from layer_norm_chapter.operations import LAYER_NORM, LAYER_NORM_BACKWARD

values = partial(every_value, allow_nan_if_unbounded=True)
"""A variance that may be 0 within rounding has no bound: NaN is no fault there."""

# --- values ---

EPSILON = 1e-3  # of a call that nobody refuses


def value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The first result is what its formula says."""
    return values(f, ruler, *arguments, of=tuple(ruler.operation.results)[:1], **options)


def normalised_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """With γ = 1 and β = 0, out is z_norm."""
    return value(f, ruler, *arguments, **options)


def dgamma_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("dgamma",), **options)


def dbeta_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("dbeta",), **options)


def wide_range(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """All results are right where (z − μ)² passes the range of the narrow type."""
    return values(f, ruler, *arguments, **options)


def two_features(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """At ε = 0 out is β ± γ; or ε = 0 is refused."""
    return unless_refused(
        lambda: value(f, ruler, *arguments, **options),
        accepted=lambda: f.results(*arguments, eps=EPSILON),
    )


def one_feature(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """With n = 1 every result is right, and none is NaN; or it is refused."""
    return unless_refused(
        lambda: _one_feature(f, ruler, *arguments, **options),
        accepted=lambda: f.results(*(np.concatenate([x, -x], axis=-1) for x in arguments), eps=EPSILON),
    )


def _one_feature(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    results = f.results(*arguments, **options)
    z = dict(zip(ruler.operation.arguments, arguments, strict=True))["z"]
    kept = _finite(results[0], promised(bounded(z), ruler.conventions))
    seen = require(kept, "NaN or infinity came of one feature, as 0/0 does", results[0])
    return worst(seen, judge(results, ruler, *arguments, allow_nan_if_unbounded=True, **options))


def constant_sample(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """A sample whose features are all equal comes out as β: never as NaN, whatever variance is declared."""
    results = f.results(*arguments, **options)
    kept = _finite(results[0], promised(bounded(arguments[0]), ruler.conventions))
    seen = require(kept, "NaN or infinity came of a sample whose features are all equal", results[0])
    return worst(seen, judge(results, ruler, *arguments, allow_nan_if_unbounded=True, **options))


def _finite(result: Floats, promised: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each lane, whether all rows are finite of which something is promised."""
    return np.asarray((np.isfinite(result) | ~promised[..., None]).all(axis=(1, 2)))


# --- structure ---


def centred(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """With γ = 1 and β = 0, the mean of out over the features is 0."""
    (result,) = _results(f, ruler, z, gamma, beta, eps=eps)
    mean, allowed = _mean(*result)
    return agree(mean, np.zeros_like(mean), allowed, ruler.format, "0, the mean over the features")


def unit_variance(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """With γ = 1 and β = 0, the mean square of out over the features is σ²/(σ² + ε)."""
    ((got, allowed),) = _results(f, ruler, z, gamma, beta, eps=eps)
    var, scale = _variance_and_scale(z, ruler, eps)
    square, slack_of_square = _mean(got * got, (2 * np.abs(got) + allowed) * allowed)
    want = var / scale**2
    slack_of_square = slack_of_square + (z.shape[-1] + 8) * 2.0**-53 * want  # of σ², the root, square and quotient
    return agree(square, want, slack_of_square, ruler.format, "σ²/(σ² + ε), the variance over the features")


def shift_invariance(
    f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, c: Array, eps: float
) -> Evidence:
    """f(z + c) = f(z), where z + c is exact."""
    want = _results(f, ruler, z, gamma, beta, eps=eps)
    return _agree(ruler, _results(f, ruler, z + c[..., None], gamma, beta, eps=eps), want, "the result without c")


def scaling(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float, c: float) -> Evidence:
    """With ε scaled by c² (outside the root by c), f(c z) = f(z)."""
    scaled_eps = eps * (c if ruler.conventions.get("epsilon") == "outside" else c * c)
    got = _results(f, ruler, (c * z.astype(np.float64)).astype(z.dtype), gamma, beta, eps=scaled_eps)
    return _agree(ruler, got, _results(f, ruler, z, gamma, beta, eps=eps), "the result without the scale")


def samples_alone(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Row i of out or dz is that of sample i by itself; what is one a feature is the sum of what samples have alone."""
    m, lanes = arguments[0].shape[-2], len(arguments[0])
    apart = [
        np.concatenate([a[:, i : i + 1] if a.ndim == 3 else a for i in range(m)]) for a in arguments
    ]  # sample 0 of every lane, then sample 1 ...
    want: list[Slacked] = []
    for one, allowed in _results(f, ruler, *apart, **options):
        if one.ndim == 3:
            joined: Slacked = (_joined(one, lanes), _joined(allowed, lanes))
        else:
            parts, slacks = (each.reshape(m, lanes, -1) for each in (one, allowed))
            joined = parts.sum(axis=0), slacks.sum(axis=0) + m * 2.0**-53 * np.abs(parts).sum(axis=0)
        want.append(joined)
    got = _results(f, ruler, *arguments, **options)
    return _agree(ruler, got, want, "the result of the samples by themselves")


def _joined(apart: Floats, lanes: int) -> Floats:
    """(m·lanes, 1, n), sample by sample, as (lanes, m, n)."""
    return np.moveaxis(apart.reshape(-1, lanes, apart.shape[-1]), 0, 1)


def samples_permuted(
    f: Subject,
    ruler: Ruler,
    *arguments: Array,
    of_samples: NDArray[np.intp],
    of_features: NDArray[np.intp],
    **options: Any,
) -> Evidence:
    """f(P z) = P f(z); what is one a feature stays."""

    def permute(x: Array) -> Array:
        return np.take_along_axis(x, of_samples[:, :, None], axis=1) if x.ndim == 3 else x

    return _permuted(f, ruler, permute, *arguments, **options)


def features_permuted(
    f: Subject,
    ruler: Ruler,
    *arguments: Array,
    of_samples: NDArray[np.intp],
    of_features: NDArray[np.intp],
    **options: Any,
) -> Evidence:
    """f(z Q) = f(z) Q, where γ and β are permuted too."""

    def permute(x: Array) -> Array:
        return np.take_along_axis(x, of_features[:, None, :] if x.ndim == 3 else of_features, axis=-1)

    return _permuted(f, ruler, permute, *arguments, **options)


def _permuted(
    f: Subject, ruler: Ruler, permute: Callable[[Array], Array], *arguments: Array, **options: Any
) -> Evidence:
    want = [(permute(one), permute(allowed)) for one, allowed in _results(f, ruler, *arguments, **options)]
    got = _results(f, ruler, *map(permute, arguments), **options)
    return _agree(ruler, got, want, "the permuted result of the arguments in order")


def dz_sums_to_zero(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Σ_j dz_j = 0: the gradient of a constant added to a sample."""
    mean, allowed = _mean(*_results(f, ruler, *arguments, **options)[0])
    return agree(mean, np.zeros_like(mean), allowed, ruler.format, "0, the gradient of a constant, over n")


def dz_against_z_norm(f: Subject, ruler: Ruler, dout: Array, z: Array, gamma: Array, *, eps: float) -> Evidence:
    """Σ_j dz_j z_norm_j is what ε leaves of the invariance under scaling."""
    (dz, allowed), *_ = _results(f, ruler, dout, z, gamma, eps=eps)
    wide, n = z.astype(np.float64), z.shape[-1]
    _, scale = _variance_and_scale(z, ruler, eps)
    factor = eps / scale**2 if ruler.conventions.get("epsilon") == "outside" else eps / scale**3
    z_norm = (wide - wide.mean(axis=-1, keepdims=True)) / scale[..., None]
    g = gamma.astype(np.float64)[..., None, :] * dout.astype(np.float64)
    got, allowed_of_mean = _mean(dz * z_norm, np.abs(z_norm) * allowed)
    # z_norm in float64: its mean errs by (n + 1)u mean|z|, its root by (n + 6)u; with the factor's, less than 8(n + 8)u
    own = (n + 8) * 2.0**-50 * (1 + np.abs(wide).mean(axis=-1) / scale)
    rounding = own * (np.abs(dz).mean(axis=-1) + factor * (np.abs(g) * (1 + np.abs(z_norm))).mean(axis=-1))
    want = factor * (g * z_norm).mean(axis=-1)
    expected = "ε/(σ² + ε)^{3/2} Σ γ dout z_norm, over n"
    return agree(got, want, allowed_of_mean + rounding, ruler.format, expected)


def _variance_and_scale(z: Array, ruler: Ruler, eps: float) -> tuple[Floats, Floats]:
    """σ² and what z − μ is divided by, in float64."""
    var = z.astype(np.float64).var(axis=-1)
    return var, np.sqrt(var) + eps if ruler.conventions.get("epsilon") == "outside" else np.sqrt(var + eps)


Slacked = tuple[Floats, Floats]
"""A result, and the rounding of the loosest convention."""


def _results(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> list[Slacked]:
    """Where nothing is promised, or the exact result is out of range, its value stands for an infinity or NaN."""
    results = f.results(*arguments, **options)
    bounds, surest = (each.bounds(*arguments, **options) for each in (ruler.loosest, ruler.surest))
    found: list[Slacked] = []
    for one, bound, sure in zip(results, bounds, surest, strict=True):
        allowed = slack(one, bound, ruler.format)
        beyond = ~np.isfinite(one) & (np.abs(sure.value) + sure.error >= ruler.format.largest)
        found.append((np.where(beyond, sure.value, one), np.where(beyond, np.inf, allowed)))
    return found


def _agree(ruler: Ruler, got: Sequence[Slacked], want: Sequence[Slacked], expected: str) -> Evidence:
    return worst(
        *(
            agree(one, other, allowed + also, ruler.format, expected, name)
            for name, (one, allowed), (other, also) in zip(ruler.operation.results, got, want, strict=True)
        )
    )


def _mean(x: Floats, allowed: Floats) -> Slacked:
    """The mean over the features, with what its terms may err, and the float64 sum of them besides."""
    n = x.shape[-1]
    return x.mean(axis=-1), allowed.mean(axis=-1) + n * 2.0**-53 * np.abs(x).mean(axis=-1)


# --- which law is of which clause ---

VALUE: Any = {"kind": "value"}
ONE: Any = {"columns": (1, 1)}
TWO: Any = {"columns": (2, 2)}
SEVERAL: Any = {"m": (2, 4)}


def _laws_of(operation: Operation) -> Callable[..., Law]:
    shares = {"value": 1.0, "structure": 0.4}
    return laws_of(operation, BUILDERS[operation], ordinary_cases, shares, m=SAMPLES, columns=FEATURES)


def _forward() -> tuple[Law, ...]:
    law = _laws_of(LAYER_NORM)
    return (
        law("LNORM-1", centred, "the mean is over the features", unscaled_inputs),
        law("LNORM-2", two_features, "two features come out as −1 and 1 at ε = 0", varied_inputs, **TWO),
        law("LNORM-3", normalised_value, "z − μ is divided by √(σ² + ε)", unscaled_inputs, **VALUE),
        law("LNORM-4", value, "out is γ z_norm + β", **VALUE),
        law("LNORM-5", unit_variance, "z_norm has variance σ²/(σ² + ε)", unscaled_inputs),
        law("LNORM-6", shift_invariance, "a constant added to a sample changes nothing", shifted_inputs),
        law("LNORM-7", scaling, "scaling z and √ε alike changes nothing", scaled_inputs),
        law("LNORM-8", samples_alone, "samples do not see each other", **SEVERAL),
        law("LNORM-9", samples_permuted, "samples have no order", permuted(forward_inputs), **SEVERAL),
        law("LNORM-10", features_permuted, "features have no order, if γ and β go with them", permuted(forward_inputs)),
        law("LNORM-11", constant_sample, "a constant sample comes out as β", constant_inputs),
        law("LNORM-12", one_feature, "one feature comes out as β", **ONE),
        law("LNORM-18", wide_range, "intermediate squares do not overflow", cases=extreme_cases),
    )


def _backward() -> tuple[Law, ...]:
    law = _laws_of(LAYER_NORM_BACKWARD)
    return (
        law("LNORM-13", value, "dz is the gradient in z", **VALUE),
        law("LNORM-14", dgamma_value, "dγ is Σ dout z_norm over the samples", **VALUE),
        law("LNORM-15", dbeta_value, "dβ is Σ dout over the samples", **VALUE),
        law("LNORM-16", dz_sums_to_zero, "dz sums to 0 in every sample"),
        law("LNORM-17", dz_against_z_norm, "dz is orthogonal to z_norm, but for ε"),
        law("LNORM-8", samples_alone, "samples do not see each other", **SEVERAL),
        law("LNORM-9", samples_permuted, "samples have no order", permuted(backward_inputs), **SEVERAL),
        law("LNORM-10", features_permuted, "features have no order, if γ goes with them", permuted(backward_inputs)),
        law("LNORM-12", one_feature, "one feature has gradient 0", **ONE),
        law("LNORM-18", wide_range, "intermediate squares do not overflow", cases=extreme_cases),
    )


LAWS: tuple[Law, ...] = (*_forward(), *_backward())
