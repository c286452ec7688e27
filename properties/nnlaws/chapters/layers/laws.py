"""The laws of chapters/layers.md.

Laws of value compare with the exact result, within the rounding that the conventions allow which the implementation
declares. All others are about structure, within the rounding of the loosest convention.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.evidence import Evidence, agree, worst
from nnlaws.authoring.law import Law, laws_of, slack
from nnlaws.authoring.law import values as every_value
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.layers import at_size
from nnlaws.chapters.layers.inputs import (
    BUILDERS,
    SAMPLES,
    UNITS,
    every_size,
    ordinary_cases,
    other_bias,
    permuted,
    scaled_inputs,
    shifted,
)
from nnlaws.chapters.layers.operations import BATCH_NORM_LAYER, BATCH_NORM_LAYER_BACKWARD
from nnlaws.rounding.formats import Floats

DOUBLE = 2.0**-53
Slacked = tuple[Floats, Floats]
"""A result, and the rounding of the loosest convention."""

values = partial(
    every_value, allow_nan_if_unbounded=True
)  # a variance that may be 0 within rounding has no bound: NaN is no fault


def value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The first result is what its formula says."""
    return values(f, ruler, *arguments, of=tuple(ruler.operation.results)[:1], **options)


def weights_gradient(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("dW",), **options)


def bias_gradient(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """db is 0, up to the rounding of a sum in which all cancels."""
    return values(f, ruler, *arguments, of=("db",), **options)


def scale_and_shift_gradients(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("dgamma", "dbeta"), **options)


def units_alone(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """What is one unit's is that of the unit in a layer by itself; and what all share, dx, is the sum over these."""
    given, results = ruler.operation.arguments, ruler.operation.results
    (n,) = {a.shape[1 + dims.index("n")] for a, dims in zip(arguments, given.values(), strict=True) if "n" in dims}
    apart = [
        np.concatenate([np.take(a, [j], axis=1 + dims.index("n")) if "n" in dims else a for j in range(n)])
        for a, dims in zip(arguments, given.values(), strict=True)
    ]
    want: list[Slacked] = []
    for dims, alone in zip(results.values(), results_of(f, ruler, *apart, **options), strict=True):
        one, allowed = (np.split(part, n) for part in alone)
        if "n" in dims:
            axis = 1 + dims.index("n")
            want.append((np.concatenate(one, axis=axis), np.concatenate(allowed, axis=axis)))
        else:
            rounding = n * DOUBLE * np.abs(one).sum(axis=0)
            want.append((np.sum(one, axis=0), np.sum(allowed, axis=0) + rounding))
    return agree_slack(ruler, results_of(f, ruler, *arguments, **options), want, "the results of the units one by one")


def bias_changes_nothing(f: Subject, ruler: Ruler, *arguments: Array, other: Array, **options: Any) -> Evidence:
    """With another b every result is the same."""
    biased = [other if name == "b" else a for name, a in zip(ruler.operation.arguments, arguments, strict=True)]
    want = results_of(f, ruler, *biased, **options)
    return agree_slack(ruler, results_of(f, ruler, *arguments, **options), want, "the result with another b")


def inputs_shifted(f: Subject, ruler: Ruler, *arguments: Array, t: Array, **options: Any) -> Evidence:
    """One number added to an input in all samples changes no result."""
    moved = [
        a + t[:, None, :] if name == "x" else a for name, a in zip(ruler.operation.arguments, arguments, strict=True)
    ]
    want = results_of(f, ruler, *moved, **options)
    return agree_slack(ruler, results_of(f, ruler, *arguments, **options), want, "the result with x shifted")


def weights_scaled(
    f: Subject, ruler: Ruler, x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float, c: float
) -> Evidence:
    """With ε scaled by c² (outside the root by c), c W and c b give what W and b do."""
    scaled_eps = eps * (c if ruler.conventions.get("epsilon") == "outside" else c * c)
    scaled = ((c * a.astype(np.float64)).astype(a.dtype) for a in (W, b))
    got = results_of(f, ruler, x, *scaled, gamma, beta, eps=scaled_eps)
    want = results_of(f, ruler, x, W, b, gamma, beta, eps=eps)
    return agree_slack(ruler, got, want, "the result without the scale")


def samples_permuted(f: Subject, ruler: Ruler, *arguments: Array, order: NDArray[np.intp], **options: Any) -> Evidence:
    """f(P x) = P f(x); what is not of a sample stays."""

    def moved(x: Array, dims: tuple[str, ...]) -> Array:
        return np.take_along_axis(x, order[:, :, None], axis=1) if dims[:1] == ("m",) else x

    of_arguments, of_results = ruler.operation.arguments.values(), ruler.operation.results.values()
    plain = zip(results_of(f, ruler, *arguments, **options), of_results, strict=True)
    want = [(moved(result, dims), moved(allowed, dims)) for (result, allowed), dims in plain]
    got = results_of(f, ruler, *map(moved, arguments, of_arguments), **options)
    return agree_slack(ruler, got, want, "the permuted result of the samples in order")


def inputs_gradient_sums_to_zero(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Σ_i dx_i = 0: the gradient of a vector that is added to x in all samples."""
    dx, allowed = results_of(f, ruler, *arguments, **options)[0]
    rounding = dx.shape[-2] * DOUBLE * np.abs(dx).sum(axis=-2)
    total = dx.sum(axis=-2)
    return agree(total, np.zeros_like(total), allowed.sum(axis=-2) + rounding, ruler.format, "0, the sum over samples")


def weights_against_their_gradient(
    f: Subject, ruler: Ruler, dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float
) -> Evidence:
    """Σ_k dW_k W_k = γ dγ ε/(σ² + ε): what ε leaves of the invariance under scaling.

    In float64, z errs by (k + 1)u Σ|x||W|, and σ² by twice the mean of that times |z − μ|, its square, and (m + 6)u of
    itself: with the quotient's and the sum's roundings, less than four times as much.
    """
    _, (dW, allowed), _, (dgamma, of_dgamma), _ = results_of(f, ruler, dout, x, W, b, gamma, eps=eps)
    wide, weights, g = (a.astype(np.float64) for a in (x, W, gamma))
    z = wide @ np.swapaxes(weights, -1, -2)
    error = 4 * (x.shape[-1] + 1) * DOUBLE * (np.abs(wide) @ np.swapaxes(np.abs(weights), -1, -2))
    centred, var = z - z.mean(axis=-2, keepdims=True), z.var(axis=-2)
    moved = 2 * (np.abs(centred) * error + error * error).mean(axis=-2) + 4 * (x.shape[-2] + 8) * DOUBLE * var
    if ruler.conventions.get("epsilon") == "outside":
        divisor = np.sqrt(var) + eps
        off = np.fmin(np.sqrt(moved), moved / np.sqrt(var)) / divisor
    else:
        divisor = var + eps
        off = moved / divisor
    factor = g * eps / divisor
    got, want = (dW * weights).sum(axis=-1), factor * dgamma
    terms = np.abs(dW * weights).sum(axis=-1)
    rounding = (np.abs(weights) * allowed).sum(axis=-1) + x.shape[-1] * DOUBLE * terms
    slack_of_want = np.abs(factor) * of_dgamma + 2 * off * np.abs(want)
    return agree(got, want, rounding + slack_of_want, ruler.format, "γ dγ ε/(σ² + ε)")


def results_of(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> list[Slacked]:
    """Each result with its slack. Where the exact result is out of range, or nothing is promised, any will do."""
    results, bounds = f.results(*arguments, **options), ruler.loosest.bounds(*arguments, **options)
    found: list[Slacked] = []
    for one, bound in zip(results, bounds, strict=True):
        beyond = np.isposinf(bound.error) | (np.abs(bound.value) + bound.error >= ruler.format.largest)
        allowed = np.where(beyond, np.inf, slack(one, bound, ruler.format))
        found.append((np.where(beyond & ~np.isfinite(one), bound.value, one), allowed))
    return found


def agree_slack(ruler: Ruler, got: Sequence[Slacked], want: Sequence[Slacked], expected: str) -> Evidence:
    return worst(
        *(
            agree(one, other, allowed + also, ruler.format, expected, name)
            for name, (one, allowed), (other, also) in zip(ruler.operation.results, got, want, strict=True)
        )
    )


NO_BIAS = "sum dz, the gradient behind batch norm, over the samples, not dout; or return zeros"
VALUE: Any = {"kind": "value", "boundary": every_size}
ONE_OF_SEVERAL: Any = {**VALUE, "share": 0.3}  # of the results of one operation, each of which has such a law
SEVERAL: Any = {"columns": (2, 5), "lanes": 4}


def _laws_of(operation: Operation) -> Callable[..., Law]:
    more: Any = {"m": SAMPLES, "columns": UNITS, "lanes": 8}
    return laws_of(operation, BUILDERS[operation], ordinary_cases, {"value": 0.6, "structure": 0.2}, **more)


def _on_both(operation: Operation) -> tuple[Law, ...]:
    make = _laws_of(operation)
    return (
        make("LY-2", units_alone, "units do not see each other", **SEVERAL),
        make("LY-3", bias_changes_nothing, "b changes nothing", other_bias(BUILDERS[operation])),
        make("LY-5", inputs_shifted, "shifting the inputs changes nothing", shifted(operation)),
        make("LY-6", samples_permuted, "samples have no order", permuted(BUILDERS[operation])),
    )


def _forward() -> tuple[Law, ...]:
    forward = _laws_of(BATCH_NORM_LAYER)
    return (
        forward("LY-1", value, "out is batch norm of x Wᵀ + b", **VALUE),
        *_on_both(BATCH_NORM_LAYER),
        forward("LY-4", weights_scaled, "scaling W, b and √ε alike changes nothing", scaled_inputs),
    )


def _backward() -> tuple[Law, ...]:
    backward = _laws_of(BATCH_NORM_LAYER_BACKWARD)
    return (
        backward("LY-7", value, "dx is dz W", **VALUE),
        backward("LY-8", weights_gradient, "dW is dzᵀ x", **ONE_OF_SEVERAL),
        backward("LY-9", bias_gradient, "db is 0", fix=NO_BIAS, **ONE_OF_SEVERAL),
        backward("LY-10", scale_and_shift_gradients, "dγ and dβ are those of batch norm", **ONE_OF_SEVERAL),
        *_on_both(BATCH_NORM_LAYER_BACKWARD),
        backward("LY-11", inputs_gradient_sums_to_zero, "dx sums to 0 over the samples"),
        backward("LY-12", weights_against_their_gradient, "dW is orthogonal to W, but for ε"),
    )


LAWS: tuple[Law, ...] = (*_forward(), *_backward(), *at_size.LAWS)
