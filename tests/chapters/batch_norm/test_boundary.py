"""Boundary cases of batch norm: they are what they say, and nothing that they are there to catch can hide from them."""

from typing import Any

import numpy as np
import pytest
from nnlaws.authoring.case import SMALL, THIRDS, Builder, batches, stack
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters.batch_norm import boundary
from nnlaws.chapters.batch_norm.inputs import (
    BUILDERS,
    SAMPLES,
    batch,
    constant_inputs,
    reach,
    running_inputs,
    train_inputs,
    without_epsilon,
)
from nnlaws.chapters.batch_norm.laws import LAWS, REACHES
from nnlaws.chapters.batch_norm.operations import BATCH_NORM_BACKWARD, BATCH_NORM_INFERENCE, OPERATIONS
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec.formulas import batch_norm as formulas
from numpy.typing import NDArray

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]
FLOAT32, FLOAT64 = format_of(DTYPES["float32"]), format_of(DTYPES["float64"])
WITH_BOUNDARY = [law for law in LAWS if law.boundary is not None]

every_format = pytest.mark.parametrize("format", FORMATS, ids=[format.name for format in FORMATS])


def wide(x: Array) -> NDArray[np.float64]:
    return x.astype(np.float64)


def cases_of(law: Any, format: Format) -> list[Case]:
    return list(law.boundary(format, law.m, law.columns))


# --- families ---


def family(name: str, k: int = 3, m: int = 6, columns: int = 8) -> NDArray[np.float64]:
    return wide(batch(Case(m, columns, name, k, 3), FLOAT64))


def test_every_family_is_told_below() -> None:
    tests = globals()
    assert all(f"test_{name}_is_what_it_says" in tests for name in boundary.FAMILIES)


@pytest.mark.parametrize("k", [0, 8, 20])
def test_small_is_what_it_says(k: int) -> None:
    assert family("small", k, m=400).std() == pytest.approx(2.0**-k, rel=0.1)


@pytest.mark.parametrize("m", [2, 3, 4, 7, 8])
def test_units_is_what_it_says(m: int) -> None:
    z = family("units", m=m)
    assert (z.mean(axis=0) == 0).all()
    assert np.allclose(z.var(axis=0), 1 - m % 2 / m, rtol=1e-15)
    assert set(np.unique(z)) <= {-1, 0, 1}


@every_format
def test_powers_is_what_it_says(format: Format) -> None:
    """From one end of the range to the other, and never close to constant, but where float16 has no digits left."""
    z = wide(batch(Case(4, 9, "powers", boundary.POWERS, 0), format))
    sizes = np.log2(np.abs(z).max(axis=0))
    assert sizes.min() < -20
    assert sizes.max() > (15 if format.name == "float16" else 20)
    fine = np.abs(z).max(axis=0) > 2.0**12 * format.tiny
    assert (np.ptp(z, axis=0)[fine & (np.abs(z).max(axis=0) < reach(format))] > 0).all()
    cubes = z.std(axis=0)[fine & (np.ptp(z, axis=0) > 0)] ** -3.0
    assert cubes.max() < np.finfo(np.float64 if format is FLOAT64 else np.float32).max


def test_mixed_is_what_it_says() -> None:
    z = family("mixed", 12, m=8)
    constant = np.ptp(z, axis=0) == 0
    assert constant.sum() == 3
    assert np.signbit(z[:, (z == 0).all(axis=0)]).all()
    assert (z.var(axis=0)[~constant].max() / z.var(axis=0)[~constant].min()) > 2.0**60
    assert (np.abs(z).max(axis=0) == 1).any()


# --- what is built of them ---


def built(law: Any, format: Format) -> list[Any]:
    return [stack(law.build, each, format) for each in batches(cases_of(law, format), 16)]


@every_format
@pytest.mark.parametrize("law", WITH_BOUNDARY, ids=lambda law: law.id)
def test_every_boundary_case_is_finite_and_of_its_format(law: Any, format: Format) -> None:
    for inputs in built(law, format):
        for name, argument in zip(law.operation.arguments, inputs.arguments, strict=True):
            assert argument.dtype == format.dtype
            assert np.isfinite(wide(argument)).all()
            if name == "var":
                assert (wide(argument) >= 0).all()
        assert inputs.options.keys() == set(law.operation.options)


@pytest.mark.parametrize("law", WITH_BOUNDARY, ids=lambda law: law.id)
def test_every_boundary_case_is_one_that_its_law_is_about_and_can_be_replayed(law: Any) -> None:
    for case in cases_of(law, FLOAT32):
        assert law.admits(case)
        assert Case.parse(str(case)) == case


def test_no_boundary_case_but_of_its_own_law_may_be_refused() -> None:
    """One sample and an ε of 0 may be: that is for BN-24 and BN-31."""
    for law in WITH_BOUNDARY:
        for case in cases_of(law, FLOAT32):
            assert case.m >= SAMPLES[0]
            assert case.setting("eps", 1.0) > 0


def test_boundary_cases_are_few_calls() -> None:
    """The most have the laws of out, of dz and of inference, with all patterns, ε and many shapes."""
    sizes = sorted(len(batches(cases_of(law, FLOAT32), 16)) for law in WITH_BOUNDARY)
    assert sizes[-4] <= 34
    assert sizes[-1] <= 34 + len(SMALL) + len(THIRDS)


@every_format
def test_features_are_about_the_size_of_epsilon(format: Format) -> None:
    """So that half of the root is ε's, and another ε cannot hide."""
    for case in boundary.epsilons(format, SAMPLES, (1, 8)):
        (z, *_), eps = train_inputs(case, format).arguments, dict(case.settings)["eps"]
        part = eps / (wide(z).var(axis=0) + eps)
        assert part.max() > 0.05
        assert part.min() < 0.999


def test_epsilons_and_decays_have_the_usual_ones_and_what_is_beside_them() -> None:
    eps = [each for each, _ in boundary.EPSILONS]
    assert {1e-8, 1e-6, 1e-5, 1e-3} <= set(eps)
    assert min(eps) < 1e-10
    assert any(1e-5 < each < 2e-5 for each in eps)
    assert {0.0, 1.0, 0.9, 0.99} <= set(boundary.DECAYS)
    assert any(0.999 < each < 1 for each in boundary.DECAYS)
    assert any(0 < each < 1e-3 for each in boundary.DECAYS)
    assert len(boundary.DECAYS) == len(boundary.STEPS)


def test_decays_come_with_more_batches_than_are_drawn() -> None:
    steps: set[int] = set()
    for case in boundary.decays(FLOAT32, SAMPLES, (1, 8)):
        inputs = running_inputs(case, FLOAT32)
        steps.add(len(inputs.arguments[0]))
        (one,) = stack(running_inputs, [case], FLOAT32).options.values()
        assert one == dict(case.settings)["decay"]
    assert steps == set(boundary.STEPS)
    assert {1, 6, 7, 8, 12, 33} <= steps


def test_a_batch_with_mean_0_comes_before_others() -> None:
    """An average that is 0 must not be taken for one that has not started."""
    case = Case(4, 2, "units", 0, TOGETHER)
    assert (wide(running_inputs(case, FLOAT32).arguments[0][0]).mean(axis=0) == 0).all()


@every_format
@pytest.mark.parametrize("operation", ["batch_norm_train", "batch_norm_backward"])
def test_without_epsilon_small_features_stay_small(format: Format, operation: str) -> None:
    (build,) = [without_epsilon(make) for of, make in BUILDERS.items() if of.name == operation]
    place = 1 if operation.endswith("backward") else 0
    for case in boundary.no_epsilon(format, SAMPLES, (1, 8)):
        var = wide(build(case, format).arguments[place]).var(axis=0)
        assert (var > 0).all()
        if case.family == "small" and case.k <= 13:
            assert var.max() < 1e-4


@every_format
def test_without_epsilon_small_averages_stay_small(format: Format) -> None:
    build = without_epsilon(BUILDERS[BATCH_NORM_INFERENCE])
    kept = [wide(build(case, format).arguments[4]) for case in boundary.no_epsilon(format, SAMPLES, (1, 8))]
    assert min(var.min() for var in kept) < 1e-6
    assert all((var > 0).all() for var in kept)


def test_constants_are_among_others_such_that_sums_of_them_are_rounded() -> None:
    z = np.concatenate(
        [
            wide(constant_inputs(train_inputs)(case, FLOAT32).arguments[0])[0]
            for case in boundary.constants(FLOAT32, SAMPLES, (1, 8))
        ]
    )
    sums = np.add.reduce(np.repeat(z.astype(np.float32)[None], 7, axis=0))
    assert (wide(sums) != 7 * z).any()
    assert np.abs(z).max() > 2.0**30
    assert (z == 0).any()


# --- patterns ---


def arguments_of(pattern: int, name: str, build: Builder, order: tuple[str, ...]) -> NDArray[np.float64]:
    return wide(build(Case(4, 6, "small", 0, pattern), FLOAT32).arguments[order.index(name)])


def test_a_pattern_each_has_gamma_of_one_zero_and_minus_one_and_beta_of_zero() -> None:
    order = ("z", "gamma", "beta")
    gammas, betas = ([arguments_of(pattern, name, train_inputs, order) for pattern in range(8)] for name in order[1:])
    for number in (1, 0, -1):
        assert any((gamma == number).all() for gamma in gammas)
    assert any((beta == 0).all() for beta in betas)
    assert any((gamma == 1).all() and (beta == 0).all() for gamma, beta in zip(gammas, betas, strict=True))
    assert any((gamma == 0).all() and beta.all() for gamma, beta in zip(gammas, betas, strict=True))
    assert max(np.abs(gamma).max() for gamma in gammas) > 1e3
    assert min(np.abs(gamma[gamma != 0]).min(initial=np.inf) for gamma in gammas) < 1e-6


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("batch_norm_train", ("gamma", "beta")),
        ("batch_norm_backward", ("dout", "gamma")),
        ("batch_norm_inference", ("gamma", "beta", "mean", "var")),
    ],
)
def test_numbers_have_digits_that_a_narrow_type_would_lose(operation: str, names: tuple[str, ...]) -> None:
    """What is drawn are multiples of 1/4 and 1/8, which bfloat16 holds."""
    ((of, build),) = [(of, make) for of, make in BUILDERS.items() if of.name == operation]
    for name in names:
        numbers = np.concatenate(
            [np.ravel(arguments_of(pattern, name, build, tuple(of.arguments))) for pattern in range(8)]
        )
        with np.errstate(over="ignore"):
            narrow = numbers.astype(np.float16).astype(np.float64)
        assert (narrow != numbers).mean() > 0.3


def test_upstream_gradients_are_small_large_even_and_of_one_sample() -> None:
    of = tuple(BATCH_NORM_BACKWARD.arguments)
    found = [arguments_of(pattern, "dout", BUILDERS[BATCH_NORM_BACKWARD], of) for pattern in range(8)]
    assert min(np.abs(each[each != 0]).min() for each in found if each.any()) < 1e-15
    assert max(np.abs(each).max() for each in found) > 1e8
    assert any((each == each[0]).all() and each.any() for each in found)
    assert any(not each.any() for each in found)
    assert any((np.count_nonzero(each, axis=1) > 0).sum() == 1 for each in found)


# --- shapes ---


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_shapes_leave_every_remainder_and_some_are_square(operation: Any) -> None:
    shapes = {(case.m, case.columns) for law in WITH_BOUNDARY if law.operation is operation
              for case in cases_of(law, FLOAT32)}  # fmt: skip
    assert {m % 8 for m, _ in shapes if m > 8} == set(range(8))
    assert {columns % 8 for _, columns in shapes if columns > 8} == set(range(8))
    assert any(m == columns for m, columns in shapes) or operation.name == "batch_norm_running"


# --- NaN ---


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_results_that_a_nan_reaches_are_those_of_the_formula(operation: Any) -> None:
    formula = getattr(formulas, operation.name)
    right = [wide(a) for a in BUILDERS[operation](Case(3, 2, "offset", 3, 0), FLOAT64).arguments]
    options = {"decay": 0.9} if "decay" in operation.options else {"eps": 1e-5}
    for place, name in enumerate(operation.arguments):
        given = [a.copy() for a in right]
        given[place][..., 1] = np.nan
        results = formula(*given, **options)
        each = results if isinstance(results, tuple) else (results,)
        named = zip(operation.results, each, strict=True)
        assert tuple(result for result, x in named if np.isnan(x[..., 1]).all()) == REACHES[operation.name][name]
        assert not any(np.isnan(x[..., 0]).any() for x in each)


@every_format
@pytest.mark.parametrize("k", [0, 3])
def test_a_boundary_case_takes_its_level_as_it_is(format: Format, k: int) -> None:
    """Whatever its seed: a drawn one takes a part of it, three times in four."""
    sizes = [wide(batch(Case(200, 4, "small", k, seed), format)).std() for seed in range(6)]
    assert np.allclose(sizes, 2.0**-k, rtol=0.2)
