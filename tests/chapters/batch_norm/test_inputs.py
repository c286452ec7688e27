"""Inputs of batch norm: families are what they say, and each builder keeps what its laws rest on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.case import Builder, expand
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.chapters.batch_norm.inputs import (
    BUILDERS,
    DECAYS,
    EPS,
    FAMILIES,
    LAST,
    LEVELS,
    LINEAR,
    TOP,
    backward_inputs,
    batch,
    constant_inputs,
    equal_inputs,
    extreme,
    extreme_cases,
    followed,
    inference_inputs,
    level,
    noise_inputs,
    ordinary,
    ordinary_cases,
    orthogonal_inputs,
    permuted,
    reach,
    repeated_inputs,
    returning_inputs,
    running_inputs,
    scaled_inputs,
    shifted_inputs,
    train_inputs,
    unscaled_inputs,
    without_epsilon,
)
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None, max_examples=30)

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]
FLOAT32 = format_of(DTYPES["float32"])

every_format = pytest.mark.parametrize("format", FORMATS, ids=[format.name for format in FORMATS])


def wide(z: Array) -> NDArray[np.float64]:
    return z.astype(np.float64)


def drawn(format: Format) -> st.SearchStrategy[Case]:
    return ordinary_cases(format, (2, 6), (1, 8))


def kappa(z: Array) -> NDArray[np.float64]:
    """|μ|/σ of each feature that varies: how many deviations its mean is from 0."""
    mean, deviation = np.abs(wide(z).mean(axis=0)), wide(z).std(axis=0)
    return np.asarray(mean[deviation > 0] / deviation[deviation > 0])


# --- families ---


def family(name: str, k: int, seed: int = 0, m: int = 6, columns: int = 5) -> NDArray[np.float64]:
    return wide(batch(Case(m, columns, name, k, seed), format_of(DTYPES["float64"])))


def test_every_family_is_told_below() -> None:
    tests = globals()
    assert all(f"test_{name}_is_what_it_says" in tests for name in FAMILIES)


@pytest.mark.parametrize("k", [0, 7, -20])
def test_constant_is_what_it_says(k: int) -> None:
    assert np.array_equal(family("constant", k), np.full((6, 5), k))


@pytest.mark.parametrize("k", [0, 7, -20])
def test_steps_is_what_it_says(k: int) -> None:
    """Each feature has k, k + 1 ... k + m − 1 in an order of its own."""
    z = family("steps", k)
    assert np.array_equal(np.sort(z, axis=0), np.tile(k + np.arange(6.0)[:, None], (1, 5)))
    assert len({tuple(column) for column in z.T}) > 1


@pytest.mark.parametrize("k", [7, -20])
def test_integers_is_what_it_says(k: int) -> None:
    z = family("integers", k)
    assert np.array_equal(z, np.rint(z))
    assert 0 < np.abs(z).max() <= abs(k)
    assert z.min() < 0 < z.max()


def test_normal_is_what_it_says() -> None:
    z = family("normal", 12, m=400)
    assert z.std() == pytest.approx(4, rel=0.1)
    assert abs(z.mean()) < 0.5


@pytest.mark.parametrize("k", [200, -200])
def test_offset_is_what_it_says(k: int) -> None:
    z = family("offset", k, m=400) - level(k, format_of(DTYPES["float64"]))
    assert z.std() == pytest.approx(1, rel=0.1)
    assert abs(z.mean()) < 0.1


def test_unlike_is_what_it_says() -> None:
    """Features differ in scale, by powers of 2 from 1/64 to 64, and in mean."""
    z = family("unlike", 20, m=400, columns=64)
    scales = np.log2(z.std(axis=0))
    assert np.abs(scales - np.rint(scales)).max() < 0.25
    assert {-6.0, 6.0} <= set(np.rint(scales).tolist())
    assert np.ptp(z.mean(axis=0)) > 20


def test_outlier_is_what_it_says() -> None:
    z = family("outlier", 20)
    far = np.abs(z).min(axis=1) > 10
    assert far.sum() == 1
    assert np.abs(z[~far]).max() < 5


def test_tiny_is_what_it_says() -> None:
    z = family("tiny", 20, m=400)
    assert z.std() == pytest.approx(2.0**-20, rel=0.1)


def test_tiny_reaches_what_is_subnormal() -> None:
    z = wide(batch(Case(6, 5, "tiny", 75, 0), FLOAT32))
    assert ((z != 0) & (np.abs(z) < FLOAT32.tiny)).any()


@every_format
def test_an_unknown_family_lists_those_that_there_are(format: Format) -> None:
    with pytest.raises(UsageError, match="unknown family 'ramp'") as raised:
        batch(Case.parse("2x3,ramp,8,0"), format)
    assert all(name in str(raised.value) for name in FAMILIES)


def test_no_two_families_or_seeds_give_the_same_batch() -> None:
    random = [name for name in FAMILIES if name not in ("constant", "steps")]  # of few values, so seeds may agree
    batches = [family(name, 20, seed).tobytes() for name in random for seed in range(1, 8)]
    assert len(set(batches)) == len(batches)


# --- levels ---


@every_format
def test_levels_grow_to_the_top(format: Format) -> None:
    levels = [level(k, format) for k in range(LAST + 1)]
    assert levels[: LINEAR + 1] == [float(k) for k in range(LINEAR + 1)]
    assert all(a < b for a, b in pairwise(levels))
    assert levels[-1] == pytest.approx(TOP[format.name])
    assert [level(-k, format) for k in range(LAST + 1)] == [-each for each in levels]


@every_format
@pytest.mark.parametrize("k", [10**9, -(10**9)], ids=["positive", "negative"])
def test_a_level_beyond_the_last_is_the_last(format: Format, k: int) -> None:
    """A token may hold a k of nine digits; strategies stop at LAST."""
    assert level(k, format) == level(int(np.copysign(LAST, k)), format)


def test_diagnosis_probes_from_the_smallest_level_to_the_last() -> None:
    assert {abs(k) for k in LEVELS} >= {1, LAST}
    assert min(LEVELS) < 0 < max(LEVELS)


def test_means_in_float32_reach_ten_thousand_deviations_and_hardly_more() -> None:
    """Where updating algorithms keep few digits, but still some: 1/u is 1.7e7, and κ² of a few samples 1e8.

    The deviation of a few samples varies by itself: of 9 from a normal distribution it is below a third of the
    distribution's once in 5000 times.
    """
    seen = np.concatenate(
        [
            kappa(batch(Case(9, 8, "offset", k, TOGETHER * seed), FLOAT32))
            for k in (180, 190, LAST)
            for seed in range(60)
        ]
    )
    assert ((seen > 1e3) & (seen <= 1e4)).mean() > 0.5
    assert seen.max() < 4e4


@settings(repeatable, max_examples=300)
@given(case=ordinary_cases(FLOAT32, (9, 33), (1, 8)))
def test_no_ordinary_feature_in_float32_has_a_mean_of_much_more(case: Case) -> None:
    """But for what an overlay, or a chance of a few samples, makes nearly constant."""
    assert (kappa(batch(case, FLOAT32)) <= 4 * TOP["float32"]).all()


@every_format
@repeatable
@given(data=st.data())
def test_ordinary_and_extreme_batches_are_finite_and_within_reach(format: Format, data: st.DataObject) -> None:
    for strategy in (ordinary_cases, extreme_cases):
        z = wide(batch(data.draw(strategy(format, (2, 6), (1, 8))), format))
        assert (np.abs(z) <= reach(format) * (1 + format.u)).all()


@every_format
def test_the_reach_leaves_the_squares_in_the_range_of_the_working_type(format: Format) -> None:
    """The deviation is at most twice the reach; float16 and bfloat16 compute in float32. TALL has 33 samples."""
    largest = max(format.largest, float(np.finfo(np.float32).max))
    assert 33 * (2 * reach(format)) ** 2 < largest
    assert reach(format) < format.largest


@every_format
def test_extreme_cases_pass_the_range_of_narrow_squares(format: Format) -> None:
    (z, *_), _ = _built(train_inputs, Case(2, 1, "constant", 0, 0, ((0, reach(format)),)), format)
    assert float(wide(z).max()) == pytest.approx(reach(format), rel=2 * format.u)
    if format.name == "float16":
        assert np.square(wide(z)).max() > format.largest


def _built(build: Builder, case: Case, format: Format) -> tuple[tuple[Array, ...], dict[str, Any]]:
    inputs = build(case, format)
    return inputs.arguments, inputs.options


# --- ε and decay ---


def test_lanes_of_a_group_share_epsilon_and_decay_and_groups_take_turns() -> None:
    seen: set[Any] = set()
    for group in range(12):
        for build, name in ((train_inputs, "eps"), (running_inputs, "decay")):
            case = Case(2, 2, "normal", 3, TOGETHER * group)
            each = {build(case.lane(lane), FLOAT32).options[name] for lane in (0, 1, 16, TOGETHER - 1)}
            assert len(each) == 1
            seen |= each
    assert seen == {*EPS, *DECAYS}


@repeatable
@given(case=drawn(FLOAT32))
def test_the_lanes_of_a_drawn_case_are_of_one_group(case: Case) -> None:
    assert {case.lane(lane).group for lane in (0, 1, TOGETHER - 1)} == {case.group}


def test_the_simplest_case_has_the_usual_epsilon_and_decay() -> None:
    assert (EPS[0], DECAYS[0]) == (1e-5, 0.9)


@pytest.mark.parametrize("operation", BUILDERS, ids=str)
@pytest.mark.parametrize("which", [ordinary, extreme])
def test_every_operation_has_inputs_with_the_options_it_takes(operation: Operation, which: Any) -> None:
    build, strategy = which(operation)
    assert build(Case(3, 2, "steps", 1, 0), FLOAT32).options.keys() == set(operation.options)
    assert isinstance(strategy(FLOAT32, (2, 6), (1, 8)), st.SearchStrategy)


# --- what each builder promises its laws ---


@every_format
def test_learnable_numbers_are_quarters_with_zeros_and_both_signs(format: Format) -> None:
    drawn = np.concatenate(
        [wide(train_inputs(Case(2, 8, "normal", 3, seed), format).arguments[1]) for seed in range(50)]
    )
    assert np.array_equal(4 * drawn, np.rint(4 * drawn))
    assert drawn.min() < 0 < drawn.max()
    assert 0.02 < (drawn == 0).mean() < 0.2


def test_the_upstream_gradient_is_uneven() -> None:
    """An equal one gives dz = 0, right or wrong."""
    even = [
        np.ptp(wide(backward_inputs(Case(2, 4, "steps", 1, seed), FLOAT32).arguments[0]), axis=0) for seed in range(50)
    ]
    assert (np.array(even) == 0).mean() < 0.1


@every_format
def test_running_takes_one_to_five_batches_each_of_its_own(format: Format) -> None:
    sizes: set[int] = set()
    for group in range(10):
        (batches,) = running_inputs(Case(3, 2, "normal", 9, TOGETHER * group), format).arguments
        assert len({each.tobytes() for each in batches}) == len(batches)
        assert batches.shape[1:] == (3, 2)
        sizes.add(len(batches))
    assert sizes == {1, 2, 3, 4, 5}


@every_format
@repeatable
@given(data=st.data())
def test_averages_kept_are_finite_and_the_variance_is_not_negative(format: Format, data: st.DataObject) -> None:
    *_, mean, var = inference_inputs(data.draw(drawn(format)), format).arguments
    assert np.isfinite(wide(mean)).all()
    assert (np.isfinite(wide(var)) & (wide(var) >= 0)).all()


@every_format
def test_averages_kept_are_near_the_samples_or_far_and_the_variance_of_many_sizes(format: Format) -> None:
    cases = [Case(4, 8, "offset", 60, TOGETHER * seed) for seed in range(20)]
    built = [inference_inputs(case, format).arguments for case in cases]
    off = np.abs(np.concatenate([wide(z[0]) - wide(mean) for z, _, _, mean, _ in built]))
    assert 0.1 < (off > 10).mean() < 0.6
    variances = np.concatenate([wide(var) for *_, var in built])
    assert variances.max() > 100 * np.median(variances)
    assert (variances == 0).any()


@every_format
@pytest.mark.parametrize("operation", ["batch_norm_train", "batch_norm_backward", "batch_norm_inference"])
@settings(repeatable, max_examples=60)
@given(data=st.data())
def test_without_epsilon_no_feature_is_constant(format: Format, operation: str, data: st.DataObject) -> None:
    """And it varies by enough for its variance to be known: by more than its mean times 1/TOP, to within rounding."""
    case = data.draw(drawn(format))
    arguments, options = _built(without_epsilon(BUILDERS[OPERATIONS[operation]]), case, format)
    assert options == {"eps": 0.0}
    for name, array in zip(OPERATIONS[operation].arguments, arguments, strict=True):
        assert array.dtype == format.dtype
        assert np.isfinite(wide(array)).all()
        if name == "z":
            least = np.maximum(np.abs(wide(array)).max(axis=0) / TOP[format.name] / 4, 2.0**-21)
            assert (np.ptp(wide(array), axis=0) >= least).all()
        if name == "var":
            assert (wide(array) >= 0.25).all()


def test_unscaled_is_gamma_one_and_beta_zero() -> None:
    (z, gamma, beta), options = _built(unscaled_inputs, Case(4, 3, "normal", 9, 0), FLOAT32)
    assert np.array_equal(gamma, np.ones(3))
    assert np.array_equal(beta, np.zeros(3))
    assert np.array_equal(z, batch(Case(4, 3, "normal", 9, 0), FLOAT32))
    assert options.keys() == {"eps"}


@every_format
@repeatable
@given(data=st.data())
def test_returning_inputs_undo_the_normalisation(format: Format, data: st.DataObject) -> None:
    """To one rounding of γ and β, if computed exactly."""
    (z, gamma, beta), options = _built(returning_inputs, data.draw(drawn(format)), format)
    mean, root = wide(z).mean(axis=0), np.sqrt(wide(z).var(axis=0) + options["eps"])
    assert np.allclose(wide(gamma), root, rtol=2 * format.u, atol=format.tiny)
    assert np.allclose(wide(beta), mean, rtol=2 * format.u, atol=format.tiny)


@every_format
@repeatable
@given(data=st.data())
def test_a_shift_is_exact(format: Format, data: st.DataObject) -> None:
    inputs = shifted_inputs(data.draw(drawn(format)), format)
    z, b = inputs.arguments[0], inputs.extra["b"]
    assert b.shape == z.shape[1:]
    assert (z + b).dtype == format.dtype
    assert np.array_equal(wide(z + b), wide(z) + wide(b))


def test_shifts_are_seldom_zero() -> None:
    shifts = [float(shifted_inputs(Case(2, 1, "steps", 1, seed), FLOAT32).extra["b"][0]) for seed in range(50)]
    assert len(set(shifts)) > 10
    assert shifts.count(0.0) < 10


@every_format
@repeatable
@given(data=st.data())
def test_a_scale_is_an_exact_power_of_two(format: Format, data: st.DataObject) -> None:
    (z, *_), options = _built(scaled_inputs, data.draw(drawn(format)), format)
    c = options["c"]
    assert c == 2.0 ** np.rint(np.log2(c))
    assert np.array_equal(wide((c * wide(z)).astype(format.dtype)), c * wide(z))


def test_scales_are_smaller_and_larger_than_one() -> None:
    drawn: set[Any] = {
        scaled_inputs(Case(2, 1, "steps", 1, TOGETHER * group), FLOAT32).options["c"] for group in range(14)
    }
    assert min(drawn) < 1 < max(drawn)


@pytest.mark.parametrize("m", [2, 5])
def test_an_order_is_a_permutation_of_the_samples(m: int) -> None:
    orders = [permuted(train_inputs)(Case(m, 2, "steps", 1, seed), FLOAT32).extra["order"] for seed in range(20)]
    assert all(sorted(order) == list(range(m)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


@every_format
def test_what_comes_before_has_other_statistics(format: Format) -> None:
    for family_name in FAMILIES:
        inputs = followed(train_inputs)(Case(4, 3, family_name, 3, 0), format)
        before = inputs.extra["before"]
        assert before.dtype == format.dtype
        assert before.shape == (4, 3)
        assert (wide(before).mean(axis=0) != wide(inputs.arguments[0]).mean(axis=0)).all()


@pytest.mark.parametrize("name", ["batch_norm_train", "batch_norm_backward"])
def test_constant_inputs_have_one_value_a_feature(name: str) -> None:
    inputs = constant_inputs(BUILDERS[OPERATIONS[name]])(Case(5, 4, "normal", 9, 3), FLOAT32)
    z = dict(zip(OPERATIONS[name].arguments, inputs.arguments, strict=True))["z"]
    assert (z == z[:1]).all()
    assert len(set(z[0].tolist())) == 4


def test_repeated_inputs_are_one_batch_several_times() -> None:
    for group in range(5):
        (batches,) = repeated_inputs(Case(3, 2, "normal", 9, TOGETHER * group), FLOAT32).arguments
        assert len(batches) == group + 1
        assert (batches == batches[:1]).all()


@every_format
@repeatable
@given(seed=st.integers(0, 2**32 - 1), m=st.sampled_from((2, 4)))
def test_equal_inputs_hold_the_exact_statistics_as_averages(format: Format, seed: int, m: int) -> None:
    z, _, _, mean, var = equal_inputs(Case(m, 4, "normal", 9, seed), format).arguments
    assert np.array_equal(wide(mean), wide(z).mean(axis=0))
    assert np.array_equal(wide(var), wide(z).var(axis=0))


def test_the_law_that_uses_equal_inputs_asks_for_two_or_four_samples() -> None:
    """A mean of three whole numbers is no binary fraction."""
    assert {law.m for law in LAWS if law.build is equal_inputs} <= {(2, 2), (4, 4)}


def test_noise_is_standard_normal() -> None:
    inputs = expand(noise_inputs, Case(6, 64, "steps", 1, 0), FLOAT32, 32)
    z = wide(inputs.arguments[0])
    assert abs(z.mean()) < 0.05
    assert z.std() == pytest.approx(1, rel=0.05)


@every_format
@pytest.mark.parametrize("offset", [0.0, 1.0])
@pytest.mark.parametrize("columns", [2, 4, 7])
def test_an_orthogonal_design_is_orthogonal_of_unequal_scale(format: Format, offset: float, columns: int) -> None:
    for seed in range(10):
        inputs = orthogonal_inputs(offset)(Case(8, columns, "steps", 1, seed), format)
        z, y = wide(inputs.arguments[0]), inputs.extra["y"]
        assert [argument.shape for argument in inputs.arguments] == [(8, columns), (columns,), (columns,)]
        centred = z - z.mean(axis=0)
        gram = centred.T @ centred / 8
        assert np.array_equal(gram, np.diag(np.diag(gram)))
        assert np.sqrt(np.diag(gram).max() / np.diag(gram).min()) == 16
        assert (z.mean(axis=0) != 0).any() or offset == 0
        assert ((y > 0) & (y < 1)).all()
        assert y.shape == (8,)
        assert np.ptp(y) > 0


def test_a_design_has_fewer_features_than_samples() -> None:
    """Of m orthogonal columns one is the constant; of what a law can draw, none may be left out."""
    for law in LAWS:
        if law.name in ("round_contours", "fewer_steps"):
            assert law.columns[0] == law.columns[1] < law.m[0] == law.m[1], "a range would be drawn wide now and then"
