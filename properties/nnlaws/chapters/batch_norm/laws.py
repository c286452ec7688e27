"""The laws of chapters/batch_norm.md.

Laws of value compare with the exact result, within the rounding that the clause allows, under the conventions that the
implementation declares. All others are about structure, within the rounding of the loosest convention: so an
implementation that rounds too often breaks the clause that says which value, and not these. The laws of
informative clauses show on the implementation's own results what normalising is good for.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.case import Range
from nnlaws.authoring.evidence import Evidence, agree, compare, require, worst
from nnlaws.authoring.law import Law, judge, laws_of, unless_refused
from nnlaws.authoring.law import values as every_value
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Subject
from nnlaws.chapters.batch_norm import at_size, boundary
from nnlaws.chapters.batch_norm.bounds import promised
from nnlaws.chapters.batch_norm.informative import fewer_steps, noise_of_the_mean, round_contours
from nnlaws.chapters.batch_norm.inputs import (
    BUILDERS,
    SAMPLES,
    backward_inputs,
    constant_inputs,
    equal_inputs,
    extreme_cases,
    followed,
    inference_inputs,
    noise_inputs,
    ordinary_cases,
    orthogonal_inputs,
    permuted,
    repeated_inputs,
    returning_inputs,
    running_inputs,
    scaled_inputs,
    shifted_inputs,
    spoilt_inputs,
    train_inputs,
    unscaled_inputs,
    without_epsilon,
)
from nnlaws.chapters.batch_norm.noise import noise_of_the_variance, noisy_variance_falls_short
from nnlaws.chapters.batch_norm.operations import (
    BATCH_NORM_BACKWARD,
    BATCH_NORM_INFERENCE,
    BATCH_NORM_RUNNING,
    BATCH_NORM_TRAIN,
)
from nnlaws.chapters.batch_norm.slack import agree_slack, mean_of, results_of, slacked
from nnlaws.rounding.formats import Floats
from nnlaws.rounding.number import bounded

values = partial(
    every_value, allow_nan_if_unbounded=True
)  # a variance that may be 0 within rounding has no bound: NaN is no fault


def value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The first result is what its formula says."""
    return values(f, ruler, *arguments, of=tuple(ruler.operation.results)[:1], **options)


def mean_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("mean",), **options)


def variance_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("var",), **options)


def dgamma_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("dgamma",), **options)


def dbeta_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    return values(f, ruler, *arguments, of=("dbeta",), **options)


def normalised_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """With γ = 1 and β = 0, out is z_norm."""
    return value(f, ruler, *arguments, **options)


def wide_range(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """All results are right where (z − μ)² passes the range of the narrow type."""
    return values(f, ruler, *arguments, **options)


def gives_z_back(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """γ = √(σ² + ε) and β = μ undo the normalisation; they are rounded once, and computed with m + 8 roundings."""
    wide = z.astype(np.float64)
    if ruler.conventions.get("epsilon") == "outside":
        gamma = (np.sqrt(wide.var(axis=-2)) + eps).astype(gamma.dtype)
    (got, allowed), *_ = results_of(f, ruler, z, gamma, beta, eps=eps)
    size = np.abs(wide - wide.mean(axis=-2, keepdims=True)) + np.abs(wide).mean(axis=-2, keepdims=True)
    rounding = (2 * ruler.format.u + (z.shape[-2] + 8) * 2.0**-53) * size + ruler.format.tiny
    return agree(got, wide, allowed + rounding, ruler.format, "z itself")


def standardised(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """With γ = 1 and β = 0, out has mean 0 and variance σ²/(σ² + ε)."""
    (got, allowed), *_ = results_of(f, ruler, z, gamma, beta, eps=eps)
    var = z.astype(np.float64).var(axis=-2)
    scale = np.sqrt(var) + eps if ruler.conventions.get("epsilon") == "outside" else np.sqrt(var + eps)
    mean, slack_of_mean = mean_of(got, allowed)
    square, slack_of_square = mean_of(got * got, (2 * np.abs(got) + allowed) * allowed)
    zero, want = np.zeros_like(mean), var / scale**2
    slack_of_square = slack_of_square + (z.shape[-2] + 8) * 2.0**-53 * want  # of σ², the root, square and quotient
    centred = agree(mean, zero, slack_of_mean, ruler.format, "0, the mean over the samples")
    scaled = agree(square, want, slack_of_square, ruler.format, "σ²/(σ² + ε), the variance over the samples")
    return worst(centred, scaled)


def before_activation(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float) -> Evidence:
    """The mean of out over the samples is β: nothing is cut off."""
    mean, allowed = mean_of(*results_of(f, ruler, z, gamma, beta, eps=eps)[0])
    return agree(mean, beta.astype(np.float64), allowed, ruler.format, "β, the mean over the samples")


def shift_invariance(
    f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, b: Array, eps: float
) -> Evidence:
    """f(z + b) = f(z), where z + b is exact; only the mean moves, by b."""
    out, (mean, allowed), var = results_of(f, ruler, z, gamma, beta, eps=eps)
    want = [out, (mean + b.astype(np.float64), allowed), var]
    return agree_slack(
        ruler, results_of(f, ruler, z + b[:, None, :], gamma, beta, eps=eps), want, "the result without b"
    )


def scaling(f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, eps: float, c: float) -> Evidence:
    """With ε scaled by c² (outside the root by c), f(c z) = f(z); the mean is multiplied by c, the variance by c²."""
    scaled_eps = eps * (c if ruler.conventions.get("epsilon") == "outside" else c * c)
    got = results_of(f, ruler, (c * z.astype(np.float64)).astype(z.dtype), gamma, beta, eps=scaled_eps)
    plain = zip((1, c, c * c), results_of(f, ruler, z, gamma, beta, eps=eps), strict=True)
    want = [(factor * result, factor * allowed) for factor, (result, allowed) in plain]
    return agree_slack(ruler, got, want, "the result without the scale")


def features_alone(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Feature j of every result is that of feature j by itself."""
    columns = arguments[0].shape[-1]
    apart = [np.concatenate([a[..., j : j + 1] for j in range(columns)]) for a in arguments]
    alone = [np.concatenate(np.split(one, columns), axis=-1) for one in f.results(*apart, **options)]
    want = slacked(ruler, alone, *arguments, **options)
    return agree_slack(ruler, results_of(f, ruler, *arguments, **options), want, "the result of the feature by itself")


def samples_alone(f: Subject, ruler: Ruler, z: Array, *others: Array, **options: Any) -> Evidence:
    """Row i of the result is that of sample i by itself."""
    m, repeated = z.shape[1], (np.concatenate([other] * z.shape[1]) for other in others)
    apart = np.concatenate([z[:, i : i + 1] for i in range(m)])
    alone = [np.concatenate(np.split(one, m), axis=1) for one in f.results(apart, *repeated, **options)]
    want = slacked(ruler, alone, z, *others, **options)
    return agree_slack(ruler, results_of(f, ruler, z, *others, **options), want, "the result of the sample by itself")


def samples_permuted(f: Subject, ruler: Ruler, *arguments: Array, order: NDArray[np.intp], **options: Any) -> Evidence:
    """f(P z) = P f(z); what is one a feature stays."""

    def permute(x: Array) -> Array:
        return np.take_along_axis(x, order[:, :, None], axis=1) if x.ndim == 3 else x

    want = [(permute(result), permute(slack)) for result, slack in results_of(f, ruler, *arguments, **options)]
    got = results_of(f, ruler, *map(permute, arguments), **options)
    return agree_slack(ruler, got, want, "the permuted result of the samples in order")


def own_statistics(
    f: Subject, ruler: Ruler, z: Array, gamma: Array, beta: Array, *, before: Array, eps: float
) -> Evidence:
    """out is right after another mini-batch has been normalised."""
    f.results(before, gamma, beta, eps=eps)
    return value(f, ruler, z, gamma, beta, eps=eps)


def one_sample(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """With m = 1 every result is right or refused; of a variance that divides by m − 1 = 0 it need only be finite."""
    _needs_epsilon(options)
    return unless_refused(
        lambda: _one_sample(f, ruler, *arguments, **options),
        accepted=lambda: f.results(*map(_two_samples, arguments), **_ordinary(options)),
    )


def _two_samples(x: Array) -> Array:
    """The samples and their negatives; what is one a feature stays."""
    return np.concatenate([x, -x], axis=-2) if x.ndim > 2 else x


def _ordinary(options: dict[str, Any]) -> dict[str, Any]:
    """The same with an ε that nobody refuses."""
    return {**options, "eps": EPSILON} if "eps" in options else options


def _one_sample(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    results = f.results(*arguments, **options)
    z = dict(zip(ruler.operation.arguments, arguments, strict=True)).get("z", arguments[0])
    excused = ~promised(bounded(z), ruler.conventions)
    excused = np.any(excused, axis=1, keepdims=True)[:, 0] if z.ndim == 4 else excused  # averages keep what any left
    finite = [_finite(result, excused) for result in results]
    handed_on = require(np.all(finite, axis=0), "NaN or infinity was handed on for one sample, as 0/0 is", results[-1])
    return worst(handed_on, judge(results, ruler, *arguments, allow_nan_if_unbounded=True, **options))


def no_epsilon(f: Subject, ruler: Ruler, *arguments: Array, eps: float) -> Evidence:
    """With ε = 0, every result is right where the variance is not 0, or refused."""
    return unless_refused(
        lambda: values(f, ruler, *arguments, eps=eps), accepted=lambda: f.results(*arguments, eps=EPSILON)
    )


def constant_feature(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """A feature that is the same in all samples comes out as β: never as NaN, whatever variance is declared."""
    _needs_epsilon(options)
    results = f.results(*arguments, **options)
    finite = _finite(results[0], ~promised(bounded(arguments[0]), ruler.conventions))
    seen = require(finite, "NaN or infinity came of a feature that is the same in all samples", results[0])
    return worst(seen, judge(results, ruler, *arguments, of=("out",), allow_nan_if_unbounded=True, **options))


def _needs_epsilon(options: Mapping[str, Any]) -> None:
    """Raises NotOffered where ε is 0, as it is in a layer that has none: of no variance nothing is promised then."""
    if options.get("eps") == 0:
        raise NotOffered("the law needs an ε above 0")


def _finite(result: Floats, excused: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each lane, whether its features are finite; those excused, by lane, need not be."""
    right = np.isfinite(result) | (excused[:, None] if result.ndim == 3 else excused)
    return np.asarray(right.all(axis=tuple(range(1, result.ndim))))


def empty_batch_statistics(f: Subject, ruler: Ruler, z: Array, *others: Array, eps: float) -> Evidence:
    """Of a mini-batch without samples no NaN is handed on as mean or variance, or it is refused."""

    def seen() -> Evidence:
        _, mean, var = f.results(z[:, :0], *others, eps=eps)
        finite = np.isfinite(mean).all(axis=-1) & np.isfinite(var).all(axis=-1)
        return require(finite, "NaN or infinity was handed on as the statistics of no samples", mean)

    return unless_refused(seen, accepted=lambda: f.results(_two_samples(z), *others, eps=EPSILON))


def empty_batches(f: Subject, ruler: Ruler, batches: Array, *, decay: float) -> Evidence:
    """Mini-batches without samples leave mean 0 and variance 1, or are refused."""

    def seen() -> Evidence:
        mean, var = f.results(batches[:, :, :0], decay=decay)
        kept = (mean == 0).all(axis=-1) & (var == 1).all(axis=-1)
        return require(kept, "mini-batches without samples changed the running averages from 0 and 1", var)

    return unless_refused(seen, accepted=lambda: f.results(_two_samples(batches), decay=decay))


def equal_batches(f: Subject, ruler: Ruler, batches: Array, *, decay: float) -> Evidence:
    """After T equal mini-batches: mean (1 − decay^T) μ, variance decay^T + (1 − decay^T) σ²."""
    old = 1 - decay if ruler.conventions.get("weight") == "new" else decay
    left = old ** batches.shape[1] if ruler.conventions.get("running_average", "exponential") == "exponential" else 0.0
    wide, m = batches[:, 0].astype(np.float64), batches.shape[2]
    mean, var = wide.mean(axis=-2), wide.var(axis=-2)
    if ruler.conventions.get("running_variance") == "unbiased":
        var = var * m / (m - 1)
    want = slacked(ruler, [(1 - left) * mean, left + (1 - left) * var], batches, decay=decay)  # a sound way too
    return agree_slack(
        ruler, results_of(f, ruler, batches, decay=decay), want, "what is left of the start, and the rest"
    )


def equals_training(f: Subject, ruler: Ruler, *arguments: Array, eps: float) -> Evidence:
    """Where mean and var are the batch's own, out is that of training."""
    _needs_epsilon({"eps": eps})
    training = Ruler(BATCH_NORM_TRAIN, ruler.format, ruler.conventions)
    measure, *_ = training.measures(*arguments[:3], eps=eps)
    allowed = ruler.bound(*arguments, eps=eps).error
    return compare(f(*arguments, eps=eps), measure.exact, allowed, ruler.format, "the result of training")


def dz_sums_to_zero(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """Σ_i dz_i = 0: the gradient of a bias before batch norm."""
    mean, allowed = mean_of(*results_of(f, ruler, *arguments, **options)[0])
    return agree(mean, np.zeros_like(mean), allowed, ruler.format, "0, the gradient of a bias, over m")


def dz_against_z_norm(f: Subject, ruler: Ruler, dout: Array, z: Array, gamma: Array, *, eps: float) -> Evidence:
    """Σ_i dz_i z_norm_i = γ dγ ε/(σ² + ε)^{3/2}: what ε leaves of the invariance under scaling."""
    (dz, allowed), (dgamma, allowed_dgamma), _ = results_of(f, ruler, dout, z, gamma, eps=eps)
    wide, g = z.astype(np.float64), gamma.astype(np.float64)
    centred, var = wide - wide.mean(axis=-2, keepdims=True), wide.var(axis=-2)
    if ruler.conventions.get("epsilon") == "outside":
        scale, factor = np.sqrt(var) + eps, g * eps / (np.sqrt(var) + eps) ** 2
    else:
        scale, factor = np.sqrt(var + eps), g * eps / (var + eps) ** 1.5
    z_norm = centred / scale[:, None, :]
    got, allowed_of_mean = mean_of(dz * z_norm, np.abs(z_norm) * allowed)
    # z_norm in float64: its mean errs by (m + 1)u mean|z|, its root by (m + 6)u; with the factor's, less than 8(m + 8)u
    rounding = (z.shape[-2] + 8) * 2.0**-50 * (1 + np.abs(wide).mean(axis=-2) / scale) * np.abs(dz).mean(axis=-2)
    slack_of_want = np.abs(factor) * allowed_dgamma / z.shape[-2] + rounding
    want = factor * dgamma / z.shape[-2]
    expected = "γ dγ ε/(σ² + ε)^{3/2}, over m"
    return agree(got, want, allowed_of_mean + slack_of_want, ruler.format, expected)


REACHES: dict[str, dict[str, tuple[str, ...]]] = {
    "batch_norm_train": {"z": ("out", "mean", "var"), "gamma": ("out",), "beta": ("out",)},
    "batch_norm_backward": {"dout": ("dz", "dgamma", "dbeta"), "z": ("dz", "dgamma"), "gamma": ("dz",)},
    "batch_norm_running": {"batches": ("mean", "var")},
    "batch_norm_inference": dict.fromkeys(("z", "gamma", "beta", "mean", "var"), ("out",)),
}
"""Of each argument, the results that every number of it in a feature is part of."""


def nan_alone(f: Subject, ruler: Ruler, *arguments: Array, place: NDArray[np.intp], **options: Any) -> Evidence:
    """A NaN makes NaN of the results that it is part of, in its feature, and leaves all others as they are.

    At inference its sample alone, if it is in z. The others may differ as results of two calls may.
    """
    operation, spoilt = ruler.operation, [argument.copy() for argument in arguments]
    for lane, (number, sample, feature) in enumerate(place):
        of = spoilt[number][lane]
        of[(..., sample, feature) if of.ndim > 1 else feature] = np.nan
    got, want = f.results(*spoilt, **options), results_of(f, ruler, *arguments, **options)
    seen: list[Evidence] = []
    others: list[Floats] = []
    for name, result, (clean, _) in zip(operation.results, got, want, strict=True):
        reached = np.zeros(result.shape, dtype=bool)
        for lane, (number, sample, feature) in enumerate(place):
            argument = list(operation.arguments)[number]
            alone = argument == "z" and operation is BATCH_NORM_INFERENCE
            if name in REACHES[operation.name][argument]:
                reached[(lane, sample, feature) if alone else (lane, ..., feature)] = True
        hidden = (reached & ~np.isnan(result)).any(axis=tuple(range(1, result.ndim)))
        seen.append(require(~hidden, f"{name} has a number where a NaN is part of it", result))
        others.append(np.where(reached, clean, result))
    expected = "the result without the NaN of another feature"
    return worst(*seen, agree_slack(ruler, slacked(ruler, others, *arguments, **options), want, expected))


EPSILON = 1e-3  # of a call that nobody refuses
UNBIASED = "divide the squares of the differences from the mean by m, or declare running_variance = unbiased"
EMPTY = "refuse it, if not len(z): raise ValueError(...), or leave the averages as they were"
ONE: Range = (1, 1)
EXACT: Any = {"m": (2, 2)}
FEW: Any = {"lanes": 4, "share": 0.2}
NOISE: Any = {"lanes": 8, "share": 0.2, "columns": (64, 64), "together": True}
DESIGN: Any = {"lanes": 4, "share": 0.2, "m": (8, 8), "columns": (4, 4)}  # at most 7 are orthogonal and centred


VALUE: Any = {"kind": "value"}
NANS = "a NaN stays in its feature"
NAN = "let it through: numpy.maximum, not numpy.fmax, and no numpy.nan_to_num or numpy.nanmean"
SPOILT: Any = {"columns": (2, 8), "share": 0.2, "fix": NAN}


def _laws_of(operation: Operation) -> Callable[..., Law]:
    return laws_of(operation, BUILDERS[operation], ordinary_cases, {"value": 1.0, "structure": 0.4}, m=SAMPLES)


def _train() -> tuple[Law, ...]:
    train = _laws_of(BATCH_NORM_TRAIN)
    without, constant = without_epsilon(train_inputs), constant_inputs(train_inputs)
    return (
        train("BN-1", mean_value, "the mean is over the samples", boundary=boundary.kinds, **VALUE),
        train("BN-2", variance_value, "the variance divides by m", boundary=boundary.kinds, fix=UNBIASED, **VALUE),
        train(
            "BN-3", normalised_value, "z is divided by √(σ² + ε)", unscaled_inputs, boundary=boundary.epsilons, **VALUE
        ),
        train("BN-4", value, "out is γ z_norm + β", boundary=boundary.patterns, **VALUE),
        train("BN-5", gives_z_back, "γ = √(σ² + ε), β = μ give z back", returning_inputs),
        train("BN-6", standardised, "z_norm has mean 0, variance σ²/(σ² + ε)", unscaled_inputs),
        train("BN-7", before_activation, "out is what the activation gets"),
        train("BN-8", shift_invariance, "a bias before it changes nothing", shifted_inputs),
        train("BN-9", scaling, "scaling z and √ε alike changes nothing", scaled_inputs),
        train("BN-10", features_alone, "features do not see each other", columns=(2, 8)),
        train("BN-11", samples_permuted, "samples have no order", permuted(train_inputs)),
        train("BN-12", own_statistics, "each batch has its own statistics", followed(train_inputs)),
        train("BN-24", one_sample, "one sample comes out as β", m=ONE),
        train("BN-25", constant_feature, "a constant feature comes out as β", constant, boundary=boundary.constants),
        train("BN-26", empty_batch_statistics, "an empty batch hands on no NaN", fix=EMPTY, **FEW),
        train("BN-27", wide_range, "intermediate squares do not overflow", cases=extreme_cases),
        train("BN-28", noise_of_the_mean, "the batch's mean has variance σ²/m", noise_inputs, **NOISE),
        train("BN-29", round_contours, "contours become round", orthogonal_inputs(1.0), **DESIGN),
        train("BN-30", fewer_steps, "descent takes fewer steps", orthogonal_inputs(0.0), **DESIGN),
        train("BN-31", no_epsilon, "ε may be 0, where the variance is not", without, boundary=boundary.no_epsilon),
        train("BN-32", noisy_variance_falls_short, "the batch's variance is (m − 1)σ²/m", noise_inputs, **NOISE),
        train("BN-33", noise_of_the_variance, "the batch's variance is noisy too", noise_inputs, **NOISE),
        train("BN-34", nan_alone, NANS, spoilt_inputs(train_inputs), **SPOILT),
    )


def _backward() -> tuple[Law, ...]:
    backward = _laws_of(BATCH_NORM_BACKWARD)
    without = without_epsilon(backward_inputs)
    return (
        backward("BN-13", value, "dz is the gradient in z", boundary=boundary.patterns_and_epsilons, **VALUE),
        backward("BN-14", dgamma_value, "dγ is Σ dout z_norm", boundary=boundary.patterns_of_dgamma, **VALUE),
        backward("BN-15", dbeta_value, "dβ is Σ dout", boundary=boundary.patterns_of_dbeta, **VALUE),
        backward("BN-16", dz_sums_to_zero, "a bias before it has gradient 0"),
        backward("BN-17", dz_against_z_norm, "dz is orthogonal to z_norm, but for ε"),
        backward("BN-10", features_alone, "features do not see each other", columns=(2, 8)),
        backward("BN-11", samples_permuted, "samples have no order", permuted(backward_inputs)),
        backward("BN-24", one_sample, "one sample has gradient 0", m=ONE),
        backward("BN-27", wide_range, "intermediate squares do not overflow", cases=extreme_cases),
        backward("BN-31", no_epsilon, "ε may be 0, where the variance is not", without, boundary=boundary.no_epsilon),
        backward("BN-34", nan_alone, NANS, spoilt_inputs(backward_inputs), **SPOILT),
    )


def _running() -> tuple[Law, ...]:
    running = _laws_of(BATCH_NORM_RUNNING)
    return (
        running(
            "BN-18",
            value,
            "the mean is the weighted average of the batches' means",
            boundary=boundary.decays_and_shapes,
            **VALUE,
        ),
        running(
            "BN-19",
            variance_value,
            "the variance is that of their biased variances",
            fix=UNBIASED,
            boundary=boundary.decays_and_some_shapes,
            **VALUE,
        ),
        running("BN-20", equal_batches, "the start is forgotten geometrically", repeated_inputs),
        running("BN-10", features_alone, "features do not see each other", columns=(2, 8)),
        running("BN-24", one_sample, "one sample has variance 0", m=ONE),
        running("BN-26", empty_batches, "empty batches leave the averages alone", fix=EMPTY, **FEW),
        running("BN-34", nan_alone, NANS, spoilt_inputs(running_inputs), **SPOILT),
    )


def _inference() -> tuple[Law, ...]:
    inference = _laws_of(BATCH_NORM_INFERENCE)
    without = without_epsilon(inference_inputs)
    return (
        inference(
            "BN-21", value, "out is γ (z − mean)/√(var + ε) + β", boundary=boundary.patterns_and_epsilons, **VALUE
        ),
        inference("BN-22", samples_alone, "samples do not see each other"),
        inference("BN-23", equals_training, "with the batch's statistics it is training", equal_inputs, **EXACT),
        inference("BN-10", features_alone, "features do not see each other", columns=(2, 8)),
        inference("BN-27", wide_range, "intermediate squares do not overflow", cases=extreme_cases),
        inference("BN-31", no_epsilon, "ε may be 0, where the variance is not", without, boundary=boundary.no_epsilon),
        inference("BN-34", nan_alone, NANS, spoilt_inputs(inference_inputs), **SPOILT),
    )


LAWS: tuple[Law, ...] = (*_train(), *_backward(), *_running(), *_inference(), *at_size.LAWS)
