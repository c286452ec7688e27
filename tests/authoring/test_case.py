"""Cases: a token says every entry of the arrays, and each builder keeps what its laws rest on."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.case import Inputs, cases, expand, stacks
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.law import Law
from nnlaws.authoring.logits import FAMILIES, LINEAR, any_size, level, logits, moderate, reach
from nnlaws.authoring.token import LARGEST, Case
from nnlaws.chapters import LAWS, chapter_of
from nnlaws.chapters.softmax.inputs import (
    PARTS,
    any_size_inputs,
    either,
    gibbs_inputs,
    masked_inputs,
    moderate_inputs,
    one_hot,
    parts_of,
    permuted_inputs,
    shifted_inputs,
    soft,
)
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array

repeatable = settings(derandomize=True, deadline=None, max_examples=30)

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]

every_format = pytest.mark.parametrize("format", FORMATS, ids=[format.name for format in FORMATS])

BUILDERS = {(law.build, law.cases): law for law in reversed(LAWS) if not law.trials}.values()
"""One law for each builder and strategy: the first that uses them."""

every_builder = pytest.mark.parametrize("law", BUILDERS, ids=[f"{law.clause}-{law.id}" for law in BUILDERS])

any_case = cases(tuple(FAMILIES), 2 * LINEAR, st.floats(allow_nan=False), (1, 4), (1, 8))


def _several(format: Format) -> st.SearchStrategy[Case]:
    return moderate(format, (1, 4), (2, 8))


def _bytes(inputs: Inputs) -> list[tuple[str, bytes]]:
    """Every array and number of the inputs, with what tells two of the same bits apart."""
    arrays = [*inputs.arguments, *inputs.extra.values()]
    numbers = [(name, repr(value).encode()) for name, value in inputs.options.items()]
    return [(f"{array.dtype} {array.shape}", array.tobytes()) for array in arrays] + numbers


def _exactly_one(y: Array) -> bool:
    return all(sum(map(Fraction, row)) == 1 for row in y.astype(np.float64).reshape(-1, y.shape[-1]).tolist())


# --- tokens ---


@repeatable
@given(any_case)
def test_a_token_says_the_whole_case(case: Case) -> None:
    read = Case.parse(str(case))
    assert read == case
    assert str(read) == str(case)


def test_a_token_looks_as_documented() -> None:
    assert str(Case(1, 3, "integers", 8, 0, ((2, -0.5),))) == "1x3,integers,8,0,@2=-0.5"
    assert Case.parse("2x4,ramp,-8,17") == Case(2, 4, "ramp", -8, 17)
    assert Case.parse("1x3,one,8,0,@0=1e308,@2=-inf").overlays == ((0, 1e308), (2, -np.inf))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "1x3",
        "1x3,integers,8",
        "1x3,integers,8,-1",
        "1x3,integers,8.5,0",
        "1x3,integers,8,0,",
        "1x3,integers,8,0,2=1",
        "1x3,integers,8,0,@2",
        "1x3,integers,8,0,@2=",
        "1x3,integers,8,0,@2=abc",
        "1x3,integers,8,0 ",
        "-1x3,integers,8,0",
        "3,integers,8,0",
        f"1x3,integers,{'9' * 5000},0",
    ],
    ids=lambda token: token[:30],
)
def test_a_bad_token_is_told_the_form(token: str) -> None:
    with pytest.raises(UsageError) as raised:
        Case.parse(token)
    assert "MxC,FAMILY,K,SEED" in str(raised.value)
    assert "1x3,integers,8,0,@2=-0.5" in str(raised.value)


@pytest.mark.parametrize("shape", ["0x3", "3x0", f"{LARGEST + 1}x1", "8193x4096"])
def test_a_token_of_no_or_too_many_entries_is_told_how_many(shape: str) -> None:
    with pytest.raises(UsageError, match=f"expected a size such that 0 < m·C ≤ {LARGEST}"):
        Case.parse(f"{shape},integers,8,0")


@every_format
def test_an_unknown_family_lists_those_that_there_are(format: Format) -> None:
    with pytest.raises(UsageError, match="unknown family 'what'") as raised:
        logits(Case.parse("1x3,what,8,0"), format, format.largest)
    assert all(family in str(raised.value) for family in FAMILIES)


@every_format
@pytest.mark.parametrize("k", [10**9, -(10**9)], ids=["positive", "negative"])
def test_a_level_beyond_the_last_is_the_largest_number(format: Format, k: int) -> None:
    """A token may hold a k of nine digits; strategies stop at 2·LINEAR."""
    z = logits(Case(1, 2, "constant", k, 0), format, format.largest)
    assert np.array_equal(z.astype(np.float64), np.full((1, 2), np.copysign(format.largest, k)))


def test_no_two_families_or_seeds_give_the_same_logits() -> None:
    format = format_of(np.dtype(np.float64))
    drawn = [
        logits(Case(2, 5, family, 40, seed), format, 100.0).tobytes()
        for family in FAMILIES
        if family not in ("constant", "one", "ramp")  # few values, so seeds may agree
        for seed in range(1, 8)
    ]
    assert len(set(drawn)) == len(drawn)


@repeatable
@given(st.integers(0, 2**32 - 1))
def test_streams_are_independent(seed: int) -> None:
    case = Case(1, 1, "integers", 0, seed)
    streams = ["logits", "targets", "shift", "order", "mask", "gradients", "learning_rate"]
    drawn = [tuple(case.random(name).integers(0, 2**32, 4)) for name in streams]
    assert len(set(drawn)) == len(streams)
    assert tuple(case.random("logits").integers(0, 2**32, 4)) == drawn[0]
    for name in streams:  # of which some are longer than eight bytes
        assert len({int(case.lane(lane).random(name).integers(0, 2**62)) for lane in range(16)}) == 16


# --- what holds for every builder ---


@pytest.mark.sampled
@every_builder
@every_format
@settings(repeatable, max_examples=3)
@given(data=st.data())
def test_lane_i_is_lane_0_of_its_own_case(law: Law, format: Format, data: st.DataObject) -> None:
    """And the same token gives the same bits: what a report names can be replayed. An ε or decay is one for all."""
    case = data.draw(law.strategy(format))
    together = expand(law.build, case, format, 3)
    assert _bytes(expand(law.build, Case.parse(str(case)), format, 3)) == _bytes(together)
    for number in range(3):
        alone = expand(law.build, Case.parse(str(case.lane(number))), format, 1)
        lane = Inputs(
            tuple(argument[number : number + 1] for argument in together.arguments),
            {name: array[number : number + 1] for name, array in together.extra.items()},
            together.options,
        )
        assert _bytes(lane) == _bytes(alone)
    assert case.lane(0) == case


@pytest.mark.sampled
@every_builder
@every_format
@settings(repeatable, max_examples=3)
@given(data=st.data())
def test_arguments_fit_the_operation(law: Law, format: Format, data: st.DataObject) -> None:
    case = data.draw(law.strategy(format))
    inputs = expand(law.build, case, format, 2)
    sizes = {"m": case.m, "C": case.columns, "n": case.columns}
    if chapter_of(law.operation).name == "optimizers":
        sizes["T"] = case.m
    for (name, dims), argument in zip(law.operation.arguments.items(), inputs.arguments, strict=True):
        assert argument.dtype == (np.int64 if name in law.operation.integers else format.dtype)
        (lanes, *shape) = argument.shape
        assert lanes == 2
        assert shape == [sizes.setdefault(dim, size) for dim, size in zip(dims, shape, strict=True)]
    assert set(law.operation.options) <= inputs.options.keys()
    if "y" in law.operation.arguments and chapter_of(law.operation).name == "softmax":
        _, y = inputs.arguments
        assert (y.astype(np.float64) >= 0).all()
        assert _exactly_one(y)


# --- targets ---


@pytest.mark.parametrize("targets", [one_hot, soft, either])
@repeatable
@given(
    seed=st.integers(0, 2**32 - 1), m=st.integers(1, 4), classes=st.integers(1, 100), format=st.sampled_from(FORMATS)
)
def test_targets_are_distributions_that_the_format_holds(
    targets: Any, seed: int, m: int, classes: int, format: Format
) -> None:
    random = np.random.default_rng(seed)
    parts = parts_of(random, format)
    y = targets(random, m, classes, parts)
    assert y.shape == (m, classes)
    assert (y >= 0).all()
    assert _exactly_one(y)
    assert np.array_equal(y * parts, np.rint(y * parts))
    for each in FORMATS if parts == PARTS else [format]:
        assert np.array_equal(y.astype(each.dtype).astype(np.float64), y)


def test_soft_targets_are_shares_or_smoothed_labels() -> None:
    drawn = [soft(np.random.default_rng(seed), 1, 4, PARTS)[0] for seed in range(100)]
    smoothed = [y for y in drawn if sorted(y * PARTS) == [2, 2, 2, PARTS - 6]]
    assert 20 <= len(smoothed) <= 80  # a fair coin: fewer or more have probability 1e-9


def test_fine_targets_need_all_digits_and_are_small_now_and_then() -> None:
    """Read in a narrower type, or left out below a limit, they would be others."""
    drawn = np.concatenate([soft(np.random.default_rng(seed), 1, 4, 1 << 20)[0] for seed in range(100)])
    narrow = drawn.astype(DTYPES["bfloat16"]).astype(np.float64)
    assert (narrow != drawn).mean() > 0.5
    assert ((drawn > 0) & (drawn < 0.003)).sum() >= 20


# --- what each builder promises its laws ---


@every_format
@repeatable
@given(data=st.data())
def test_moderate_logits_stay_within_reach(format: Format, data: st.DataObject) -> None:
    """There e^z, and the sum of 8, are in range: even the literal formula works."""
    (z,) = moderate_inputs(None)(data.draw(moderate(format, (1, 4), (1, 8))), format).arguments
    assert (np.abs(z.astype(np.float64)) <= reach(format)).all()


@every_format
def test_the_reach_is_within_the_range_of_the_exponential(format: Format) -> None:
    wide = np.exp(np.longdouble(reach(format)))
    assert 8 * wide < format.largest
    assert 1 / wide > format.tiny / 2 ** (format.digits - 1)


@every_format
@repeatable
@given(data=st.data())
def test_any_size_of_logits_is_finite(format: Format, data: st.DataObject) -> None:
    case = data.draw(any_size(format, (1, 4), (1, 8)))
    (z,) = any_size_inputs(None, scalar=False)(case, format).arguments
    assert np.isfinite(z.astype(np.float64)).all()


@every_format
@repeatable
@given(data=st.data())
def test_any_size_leaves_a_scalar_in_range(format: Format, data: st.DataObject) -> None:
    """The spread of each row, times m, is at most half the largest number, but for the limit's rounding."""
    case = data.draw(any_size(format, (1, 4), (1, 8)))
    z, _ = any_size_inputs(either, scalar=True)(case, format).arguments
    wide = z.astype(np.longdouble)
    spread = wide.max(axis=-1) - wide.min(axis=-1)
    assert (spread * case.m <= np.longdouble(format.largest) / 2 * (1 + np.longdouble(format.u))).all()


@every_format
@pytest.mark.parametrize("sign", [1, -1])
def test_any_size_reaches_the_largest_number(format: Format, sign: int) -> None:
    (z,) = any_size_inputs(None, scalar=False)(Case(1, 3, "constant", sign * 2 * LINEAR, 0), format).arguments
    assert np.array_equal(z.astype(np.float64), np.full((1, 3), sign * format.largest))


@every_format
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("k", [-2 * LINEAR, 2 * LINEAR - 1, 2 * LINEAR])
def test_every_family_is_finite_at_the_last_levels(format: Format, family: str, k: int) -> None:
    """A range from −largest to largest is wider than float64's own."""
    z = logits(Case(2, 3, family, k, 0), format, format.largest).astype(np.float64)
    assert np.isfinite(z).all()
    assert np.abs(z).max() > format.largest * 2.0**-10


@every_format
def test_levels_grow(format: Format) -> None:
    with np.errstate(over="ignore"):  # 2^1024, then the largest number for it
        levels = [level(k, format) for k in range(2 * LINEAR + 1)]
    assert levels[: LINEAR + 1] == [float(k) for k in range(LINEAR + 1)]
    assert all(a < b for a, b in zip(levels[LINEAR:], levels[LINEAR + 1 :], strict=False))
    assert np.array(levels[-1]).astype(format.dtype) == format.largest


@every_format
@repeatable
@given(data=st.data())
def test_a_shift_is_exact(format: Format, data: st.DataObject) -> None:
    inputs = shifted_inputs(either)(data.draw(moderate(format, (1, 4), (1, 8))), format)
    z, c = inputs.arguments[0], inputs.extra["c"]
    assert c.shape == (z.shape[0], 1)
    assert (z + c).dtype == format.dtype
    assert np.array_equal((z + c).astype(np.float64), z.astype(np.float64) + c.astype(np.float64))


@every_format
def test_shifts_are_seldom_zero(format: Format) -> None:
    shifts = [float(shifted_inputs(None)(Case(1, 2, "one", 1, seed), format).extra["c"][0, 0]) for seed in range(50)]
    assert len(set(shifts)) > 4
    assert shifts.count(0.0) < 25


@every_format
@repeatable
@given(data=st.data())
def test_a_mask_hides_some_classes_but_not_all(format: Format, data: st.DataObject) -> None:
    """Of each row; and a masked class has no target."""
    z, y = masked_inputs(either)(data.draw(_several(format)), format).arguments
    hidden = np.isneginf(z.astype(np.float64))
    assert (hidden.sum(axis=-1) >= 1).all()
    assert (hidden.sum(axis=-1) < z.shape[1]).all()
    assert np.isfinite(z[~hidden].astype(np.float64)).all()
    assert (y[hidden] == 0).all()
    assert (y.astype(np.float64).sum(axis=-1) == 1).all()


def test_a_mask_of_a_single_class_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        masked_inputs(None)(Case(1, 1, "integers", 8, 0), FORMATS[0])


@every_format
@repeatable
@given(data=st.data())
def test_an_order_is_a_permutation(format: Format, data: st.DataObject) -> None:
    case = data.draw(moderate(format, (1, 4), (1, 8)))
    order = permuted_inputs(None)(case, format).extra["order"]
    assert sorted(order) == list(range(case.columns))


@every_format
@repeatable
@given(data=st.data())
def test_gibbs_bound_is_met_for_odd_seeds(format: Format, data: st.DataObject) -> None:
    """Logits log y, each rounded once; classes of target 0 as far below as the reach allows."""
    case = data.draw(moderate(format, (1, 4), (1, 8)))
    z, y = (x.astype(np.float64) for x in gibbs_inputs(case, format).arguments)
    assert (np.abs(z) <= reach(format)).all()
    if case.seed % 2:
        expected = np.where(y > 0, np.log(np.maximum(y, 1 / PARTS)), -reach(format))
        assert np.array_equal(z, expected.astype(format.dtype).astype(np.float64))


@every_format
@repeatable
@given(data=st.data())
def test_an_overlay_lies_at_its_place(format: Format, data: st.DataObject) -> None:
    """A position wraps around; a value is clipped to the limit and stored in the format."""
    case = Case(2, 3, "constant", 5, 0, ((data.draw(st.integers(0, 40)), data.draw(st.floats(-1e3, 1e3))),))
    (place, value) = case.overlays[0]
    expected = np.full(6, 5.0)
    expected[place % 6] = np.clip(value, -8, 8)
    assert np.array_equal(logits(case, format, 8.0), expected.reshape(2, 3).astype(format.dtype))


def test_cases_are_stacked_where_their_arrays_have_one_shape() -> None:
    """Of some families there are more batches than of others: no case is lost, and none put where it does not fit."""
    law = next(each for each in LAWS if each.id == "batch_norm_running.value")
    assert law.boundary is not None
    drawn = [*law.boundary(FORMATS[2], law.m, law.columns)]
    ordinary = [Case(case.m, case.columns, "normal", 0, 0) for case in drawn]
    found = stacks(law.build, [*drawn, *ordinary], FORMATS[2])
    assert sum(len(inputs.arguments[0]) for inputs in found) == 2 * len(drawn)
    assert len({case.m for case in drawn}) < len({inputs.arguments[0].shape[1:] for inputs in found})
