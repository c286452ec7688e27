"""Inputs of averages and optimizers: families are what they say, and each builder keeps what its laws rest on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.case import TALL, WIDE, Builder, Inputs, expand
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters import CHAPTERS, LAWS, OPERATIONS, chapter_of
from nnlaws.chapters.decay import inputs as decay
from nnlaws.chapters.optimizers import inputs as cases
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None, max_examples=25)

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]
FLOAT16, FLOAT32, FLOAT64 = (format_of(DTYPES[name]) for name in ("float16", "float32", "float64"))
SIMPLEST = Case(4, 3, "constant", 0, 0)

OPTIMIZERS = [
    each for each in OPERATIONS.values() if chapter_of(each).name == "optimizers" and "theta" in each.arguments
]
AVERAGE, ADAM = OPERATIONS["exponential_average"], OPERATIONS["adam"]
SCHEDULES = CHAPTERS["decay"].operations

every_format = pytest.mark.parametrize("format", FORMATS, ids=[format.name for format in FORMATS])
every_optimizer = pytest.mark.parametrize("operation", OPTIMIZERS, ids=[each.name for each in OPTIMIZERS])


def wide(x: Array) -> NDArray[np.float64]:
    return x.astype(np.float64)


def drawn(format: Format) -> st.SearchStrategy[Case]:
    return cases.ordinary_cases(format, (2, 6), (1, 8))


def groups(number: int) -> list[Case]:
    return [Case(4, 3, "normal", 3, TOGETHER * group) for group in range(number)]


# --- families ---


def family(name: str, k: int = 0, m: int = 200, columns: int = 6) -> NDArray[np.float64]:
    return wide(cases.gradients(Case(m, columns, name, k, 5), FLOAT64))


def test_every_family_is_told_below() -> None:
    tests = globals()
    assert all(f"test_{name}_is_what_it_says" in tests for name in cases.FAMILIES)


def test_constant_is_what_it_says() -> None:
    assert np.array_equal(family("constant", -3), np.full((200, 6), -2.0))


def test_integers_is_what_it_says() -> None:
    assert set(np.unique(family("integers", 3))) == {-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0}


def test_alternating_is_what_it_says() -> None:
    """From step to step, and from a coordinate to the next."""
    g = family("alternating", 3)
    assert (np.abs(g) == 2).all()
    assert (g[1:] == -g[:-1]).all()
    assert (g[:, 1:] == -g[:, :-1]).all()


def test_normal_is_what_it_says() -> None:
    assert family("normal", 3).std() == pytest.approx(2, rel=0.1)


def test_sparse_is_what_it_says() -> None:
    assert (family("sparse") == 0).mean() == pytest.approx(0.7, abs=0.05)


def test_fading_is_what_it_says() -> None:
    sizes = np.abs(family("fading", columns=1000, m=9)).mean(axis=1)
    assert sizes[:-1] / sizes[1:] == pytest.approx(4, rel=0.15)


def test_unlike_is_what_it_says() -> None:
    sizes = np.log2(family("unlike", columns=60).std(axis=0))
    assert {-8.0, 8.0} <= set(np.rint(sizes))
    assert np.abs(sizes - np.rint(sizes)).max() < 0.25


@pytest.mark.parametrize("build", cases.BUILDERS.values(), ids=map(str, cases.BUILDERS))
def test_an_unknown_family_lists_those_that_there_are(build: Builder) -> None:
    with pytest.raises(UsageError, match="unknown family 'ramp'") as raised:
        build(Case.parse("2x3,ramp,8,0"), FLOAT32)
    assert all(family in str(raised.value) for family in cases.FAMILIES)


# --- scales ---


@every_format
def test_gradients_come_on_three_scales_that_the_format_holds(format: Format) -> None:
    """ε stands out only where a gradient is small; and each has a square in the working type, for 1 − β of 0.001."""
    scales = cases.NARROW_SCALES if format.name == "float16" else cases.SCALES
    assert {abs(cases.level(k, format)) for k in cases.LEVELS} >= set(scales)
    assert min(cases.LEVELS) < 0 < max(cases.LEVELS)
    working = format.tiny if format.name in ("float32", "float64") else float(np.finfo(np.float32).tiny)
    for k in range(-cases.LAST, cases.LAST + 1):
        level = cases.level(k, format)
        assert abs(level) >= format.tiny
        assert (level / 8) ** 2 * 0.001 > working
        assert (level < 0) == (k < 0)


def test_each_scale_is_drawn_about_as_often() -> None:
    seen: list[int] = []

    @settings(repeatable, max_examples=300)
    @given(drawn(FLOAT32))
    def draw(case: Case) -> None:
        seen.append(abs(case.k) % 3)

    draw()
    assert all(seen.count(scale) > 50 for scale in range(3))


@every_format
@settings(repeatable, max_examples=60)
@given(data=st.data())
def test_gradients_are_finite_and_within_reach(format: Format, data: st.DataObject) -> None:
    for strategy in (cases.ordinary_cases, cases.extreme_cases):
        g = wide(cases.gradients(data.draw(strategy(format, (1, 6), (1, 8))), format))
        assert (np.abs(g) <= cases.reach(format) * (1 + format.u)).all()


@every_format
def test_the_reach_leaves_sums_of_squares_in_the_range_of_the_working_type(format: Format) -> None:
    largest = max(format.largest, float(np.finfo(np.float32).max))
    assert max(TALL) * cases.reach(format) ** 2 < largest
    assert cases.reach(format) < format.largest
    assert format.name != "float16" or cases.reach(format) ** 2 > format.largest


@every_format
def test_an_overlay_is_put_in_at_its_place_modulo_the_size(format: Format) -> None:
    g = cases.gradients(Case(3, 2, "constant", 0, 0, ((1, 0.5), (6 + 4, -1000.0))), format)
    assert wide(g).tolist() == [[1, 0.5], [1, 1], [-1000, 1]]


# --- the numbers ---


@pytest.mark.parametrize("operation", [AVERAGE, *OPTIMIZERS, *SCHEDULES], ids=lambda each: each.name)
@pytest.mark.parametrize("which", ["ordinary", "extreme"])
def test_every_operation_has_inputs_with_the_options_it_takes(operation: Operation, which: str) -> None:
    chapter: Any = decay if operation in SCHEDULES else cases
    build, strategy = getattr(chapter, which)(operation)
    assert build(Case(3, 1, next(iter(chapter.FAMILIES)), 1, 0), FLOAT32).options.keys() == set(operation.options)
    assert isinstance(strategy(FLOAT32, (2, 6), (1, 1)), st.SearchStrategy)


@pytest.mark.parametrize("operation", [AVERAGE, *OPTIMIZERS, *SCHEDULES], ids=lambda each: each.name)
def test_lanes_of_a_group_share_the_numbers_and_groups_take_every_one(operation: Operation) -> None:
    build = (decay.BUILDERS if operation in SCHEDULES else cases.BUILDERS)[operation]
    family = "drawn" if operation in SCHEDULES else "normal"
    seen: dict[str, set[Any]] = {name: set() for name in operation.options}
    for case in (Case(3, 1, family, 3, TOGETHER * group) for group in range(80)):
        options = build(case, FLOAT32).options
        assert all(build(case.lane(lane), FLOAT32).options == options for lane in (1, 16, TOGETHER - 1))
        for name, value in options.items():
            seen[name].add(value)
    wanted: dict[str, Any] = {
        **dict.fromkeys(("beta", "beta1"), cases.BETAS), "beta2": cases.SECOND_BETAS, "eps": cases.EPS,
        "learning_rate": cases.RATES, "weight_decay": cases.WEIGHT_DECAYS, "bias_correction": (False, True),
        **decay.NUMBERS.get(operation.name, {}),
    }  # fmt: skip
    assert seen == {name: set(wanted[name]) for name in operation.options}
    simplest = {name: wanted[name][0] for name in operation.options}
    assert build(Case(1, 1, family, 0, 0), FLOAT32).options == simplest


def test_the_parameters_start_from_0_in_every_other_lane_but_where_they_decay() -> None:
    """And are quarters of both signs, few of them 0, everywhere else."""
    for operation in OPTIMIZERS:
        theta = wide(expand(cases.BUILDERS[operation], Case(2, 8, "normal", 3, 0), FLOAT32, 64).arguments[0])
        still = (theta == 0).all(axis=1)
        assert still.tolist() == ([False] if operation.name == "adamw" else [True, False]) * (64 // len({*still}))
        moving = theta[~still]
        assert np.array_equal(4 * moving, np.rint(4 * moving))
        assert moving.min() < 0 < moving.max()
        assert (moving == 0).mean() < 0.15


# --- what each builder promises its laws ---


@every_optimizer
def test_a_rate_for_each_step_has_no_two_in_a_row_alike(operation: Operation) -> None:
    for case in groups(6):
        rates = cases.changing_rate(operation)(case, FLOAT32).options["learning_rate"]
        assert isinstance(rates, tuple)
        assert len(rates) == case.m
        assert all(a != b for a, b in pairwise(rates))


@every_format
@settings(repeatable, max_examples=60)
@given(data=st.data())
def test_where_epsilon_is_0_no_gradient_is(format: Format, data: st.DataObject) -> None:
    case = data.draw(drawn(format))
    inputs = cases.no_zeros(ADAM)(case, format)
    assert inputs.options["eps"] == 0
    assert (np.abs(wide(inputs.arguments[1])) >= format.tiny).all()
    theta, grads = cases.from_zero(ADAM)(case, format).arguments
    assert not wide(theta).any()
    assert np.array_equal(wide(grads), wide(inputs.arguments[1]))


@every_format
@settings(repeatable, max_examples=200)
@given(data=st.data())
def test_a_scaled_gradient_is_exact_and_a_number(format: Format, data: st.DataObject) -> None:
    inputs = cases.scaled(OPERATIONS["momentum"])(data.draw(drawn(format)), format)
    c = inputs.options["c"]
    assert c in cases.FACTORS
    for argument in inputs.arguments:
        exact: NDArray[np.float64] = np.multiply(wide(argument), c)
        with np.errstate(over="raise"):
            assert np.array_equal(wide(exact.astype(format.dtype)), exact)


def test_the_largest_scaled_gradient_is_in_range_in_float16() -> None:
    """Of the family `unlike` some are 2⁸ times their level: with the largest c it would pass 65504."""
    for group in range(1, 20):
        case = Case(3, 8, "unlike", 15, TOGETHER * group, ((0, cases.reach(FLOAT16)),))
        inputs = cases.scaled(ADAM)(case, FLOAT16)
        scaled: NDArray[np.float64] = np.multiply(wide(inputs.arguments[1]), inputs.options["c"])
        assert np.isfinite(scaled.astype(np.float16)).all()


@pytest.mark.parametrize("steps", [2, 3, 33])
def test_a_run_is_saved_after_each_of_its_steps_but_the_last(steps: int) -> None:
    drawn = [
        cases.interrupted(ADAM)(Case(steps, 2, "normal", 1, TOGETHER * group), FLOAT32).options["save_at"]
        for group in range(3 * steps)
    ]
    assert set(drawn) == set(range(1, steps))


def test_a_constant_is_the_first_gradient_and_no_gradients_are_all_0() -> None:
    case = Case(4, 3, "normal", 3, 7)
    theta, grads = cases.constant(ADAM)(case, FLOAT32).arguments
    assert np.array_equal(grads, np.repeat(cases.gradients(case, FLOAT32)[:1], 4, axis=0))
    still, none = cases.no_gradients(ADAM)(case, FLOAT32).arguments
    assert not none.any()
    assert none.dtype == np.float32
    assert np.array_equal(theta, still)


def test_without_memory_every_beta_is_0_and_nothing_else_changes() -> None:
    given, without = (
        build(groups(3)[2], FLOAT32).options for build in (cases.BUILDERS[OPERATIONS["adam"]], cases.no_memory(ADAM))
    )
    assert without == {**given, "beta1": 0.0, "beta2": 0.0}


@every_format
@pytest.mark.parametrize("steps", [3, 17, 100])
def test_an_impulse_lasts_as_long_as_the_effective_window(format: Format, steps: int) -> None:
    inputs = cases.impulse(Case(steps, 2, "normal", 3, 5), format)
    assert wide(inputs.arguments[0]).tolist() == [[1, 1], *[[0, 0]] * (steps - 1)]
    beta = inputs.options["beta"]
    assert isinstance(beta, float)
    assert 1 / (1 - beta) == pytest.approx(steps - 1)


@pytest.mark.parametrize("corrected", [True, False])
def test_correction_is_on_or_off_whatever_the_group(corrected: bool) -> None:
    assert {cases.correcting(corrected)(each, FLOAT32).options["bias_correction"] for each in groups(4)} == {corrected}


@every_format
@repeatable
@given(data=st.data())
def test_a_quadratic_is_curved_so_little_that_descent_converges(format: Format, data: st.DataObject) -> None:
    inputs = cases.quadratic(OPERATIONS["gradient_descent"])(data.draw(drawn(format)), format)
    h, rate = wide(inputs.extra["h"]), inputs.options["learning_rate"]
    assert isinstance(rate, float)
    assert h.shape == inputs.arguments[0].shape
    assert ((h > 0) & (h * rate <= 1)).all()
    assert inputs.extra["h"].dtype == format.dtype


# --- shapes ---


OWN = [law for law in LAWS if chapter_of(law.operation).name in ("optimizers", "decay") and not law.at_size]


@pytest.mark.parametrize("law", OWN, ids=[law.id for law in OWN])
def test_a_case_at_either_end_of_the_range_or_beyond_it_can_be_replayed(law: Law) -> None:
    """And has the steps, or epochs, and the coordinates that its token says."""
    sizes = {*law.m, *(TALL if law.m[0] < law.m[1] else ())}
    families = decay.FAMILIES if chapter_of(law.operation).name == "decay" else cases.FAMILIES
    for m in sizes:
        for columns in {*law.columns, *(WIDE[:1] if law.columns[0] < law.columns[1] else ())}:
            token = str(Case(m, columns, list(families)[-1], 3, TOGETHER + 3))
            case = Case.parse(token)
            assert law.admits(case)
            inputs: Inputs = expand(law.build, case, FLOAT32, 2)
            shapes = {"epoch": (2, m), "theta": (2, columns)}
            for name, argument in zip(law.operation.arguments, inputs.arguments, strict=True):
                assert argument.shape == shapes.get(name, (2, m, columns))
    assert not law.admits(Case(law.m[0] - 1, law.columns[0], "constant", 0, 0))
