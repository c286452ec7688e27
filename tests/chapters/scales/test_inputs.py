"""Inputs of scales: u in [0, 1] and x inside the box, in what the format holds, and as each law asks for them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.case import Builder, stack
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.chapters.scales import boundary
from nnlaws.chapters.scales import inputs as scales
from nnlaws.chapters.scales.operations import MAPS
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None, max_examples=25)

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]
FLOAT64 = format_of(DTYPES["float64"])
SCALES = [each for each in OPERATIONS.values() if chapter_of(each).name == "scales"]

every_format = pytest.mark.parametrize("format", FORMATS, ids=[format.name for format in FORMATS])
every_scale = pytest.mark.parametrize("operation", SCALES, ids=[each.name for each in SCALES])
every_map = pytest.mark.parametrize("operation", MAPS, ids=[each.name for each in MAPS])


def wide(x: Array) -> NDArray[np.float64]:
    return x.astype(np.float64)


def shares(name: str, k: int, m: int = 50) -> list[float]:
    return list(scales.shares(Case(m, 1, name, k, 5)))


def test_ends_is_what_it_says() -> None:
    assert shares("ends", 1, 3) == shares("ends", -1, 3) == [1, 0, 1]


def test_quarters_is_what_it_says() -> None:
    assert shares("quarters", 2, 5) == [0.5, 0.75, 1, 0, 0.25]


def test_tenths_is_what_it_says() -> None:
    assert set(shares("tenths", 9, 400)) == {k / 10 for k in range(11)}


def test_near_ends_is_what_it_says() -> None:
    assert set(shares("near_ends", 2, 400)) == {0.125, 0.25, 0.5, 0.75, 0.875}


def test_drawn_is_what_it_says() -> None:
    drawn = shares("drawn", 3, 400)
    assert len(set(drawn)) == 400
    assert 0 <= min(drawn) < 0.05
    assert 0.95 < max(drawn) <= 1


def test_beside_is_what_it_says() -> None:
    beside = shares("beside", 0, len(scales.BESIDE))
    assert beside == list(scales.BESIDE)
    assert sum(u == 0 for u in beside) == 2
    assert sum(bool(np.signbit(u)) for u in beside) == 1
    for format in FORMATS:
        held = {float(u) for u in np.array(beside).astype(format.dtype)}
        one, half = np.array([1.0, 0.5], format.dtype)
        assert {0.5, 1.0, float(np.nextafter(one, one - one)), float(np.nextafter(half, one))} <= held
        assert format.tiny in held


def test_a_case_sets_its_box_and_what_is_left_of_it_is_one() -> None:
    case = Case(1, 1, "ends", 0, 0, settings=(("low", 64.0), ("high", 4096.0)))
    assert scales.box(case, scales.RATIO) == (64.0, 4096.0)
    for chosen, boxes in (
        (scales.RATIO, boundary.RATIO),
        (scales.DISTANCE, boundary.DISTANCE),
        (scales.DISTANCE, boundary.BELOW),
        (scales.BELOW, boundary.DISTANCE),
    ):
        for ends in boxes:
            for name, end in zip(("low", "high"), ends, strict=True):
                low, high = scales.box(Case(1, 1, "ends", 0, 0, settings=((name, end),)), chosen)
                assert end == {"low": low, "high": high}[name]
                assert low < high
                assert chosen is scales.RATIO or high < 1
                assert low > 0 or min(end, chosen[0][0]) <= 0


@every_format
@every_scale
def test_boundary_cases_are_inside_their_boxes(operation: Operation, format: Format) -> None:
    own = [boundary.values(operation), boundary.out_of_the_box(operation)]
    if operation.name.startswith("one_minus"):
        own.append(boundary.below_zero)
    cases = [case for each in own for case in each(format, (1, 6), (1, 1))]
    assert {0, 1, 2, 3, 4, 5, 6, 7} == {case.m % 8 for case in cases if case.m > 8 and case.family == "drawn"}
    for case in cases:
        found = stack(scales.BUILDERS[operation], [case], format)
        entries, low, high = wide(found.arguments[0]), found.options["low"], found.options["high"]
        assert dict(case.settings).items() <= found.options.items()
        least, most = (0, 1) if operation in MAPS else (low, high)
        assert ((entries >= least) & (entries <= most)).all()
        with silence():
            operation.reference(found.arguments[0][0], low=low, high=high)


def test_the_notes_boxes_come_first() -> None:
    assert scales.RATIO[0] == (1e-4, 1.0)
    assert scales.DISTANCE[0] == (0.9, 0.999)


def test_every_box_is_one_and_only_those_of_below_begin_there() -> None:
    assert all(0 < low < high for low, high in scales.RATIO)
    assert all(0 < low < high < 1 for low, high in scales.DISTANCE)
    assert all(low <= 0 < high < 1 for low, high in scales.BELOW)


@every_format
def test_an_end_is_rounded_alike_at_once_and_by_way_of_float32(format: Format) -> None:
    """So a result that was clipped in float32 is in the box."""
    if format.digits > 24:
        return
    declared = (boundary.RATIO, boundary.DISTANCE, boundary.BELOW, boundary.OUT_RATIO, boundary.OUT_DISTANCE)
    boxes = [box for each in (scales.RATIO, scales.DISTANCE, scales.BELOW, *declared) for box in each]
    ends = np.array([end for box in boxes for end in box])
    with np.errstate(over="ignore"):
        assert np.array_equal(ends.astype(format.dtype), ends.astype(np.float32).astype(format.dtype))


@pytest.mark.sampled
@every_format
@every_scale
@settings(repeatable, max_examples=60)
@given(data=st.data())
def test_entries_are_shares_or_inside_the_box(operation: Operation, format: Format, data: st.DataObject) -> None:
    case = data.draw(scales.share_cases(format, (1, 6), (1, 1)))
    below = [scales.below_zero(operation)] if operation.name.startswith("one_minus") else []
    for build in (scales.BUILDERS[operation], *below):
        found = build(case, format)
        (entries,), low, high = found.arguments, found.options["low"], found.options["high"]
        assert (entries.dtype, entries.shape) == (format.dtype, (case.m,))
        assert build(case.lane(1), format).options == found.options
        least, most = (0, 1) if operation in MAPS else (low, high)
        assert ((wide(entries) >= least) & (wide(entries) <= most)).all()
        if operation not in MAPS:
            assert ((wide(entries) == 0) | (np.abs(wide(entries)) >= format.tiny)).all()


@pytest.mark.sampled
@every_format
@every_scale
@repeatable
@given(data=st.data())
def test_entries_are_in_order_or_in_another_unit_or_at_the_ends(
    operation: Operation, format: Format, data: st.DataObject
) -> None:
    case = data.draw(scales.share_cases(format, (2, 6), (1, 1)))
    given = scales.BUILDERS[operation](case, format)
    builders: dict[str, Callable[[Operation], Builder]] = {
        "sorted": scales.in_order, "units": scales.in_units, "ends": scales.ends,
    }  # fmt: skip
    found = {name: build(operation)(case, format) for name, build in builders.items()}
    assert np.array_equal(wide(found["sorted"].arguments[0]), np.sort(wide(given.arguments[0])))
    assert np.array_equal(found["units"].arguments[0], given.arguments[0])
    factor = found["units"].options["factor"]
    changed = factor * wide(given.arguments[0])
    assert np.array_equal(wide(changed.astype(format.dtype)), changed)
    assert np.log2(factor) == np.rint(np.log2(factor))
    entries, part = wide(found["ends"].arguments[0]), found["ends"].extra["part"]
    assert set(part) <= {0, 1}
    want = part if operation in MAPS else np.where(part, given.options["high"], given.options["low"])
    assert (np.abs(entries - want) <= 4 * format.u * np.abs(want) + format.tiny).all()


@every_format
@every_map
@repeatable
@given(data=st.data())
def test_shares_are_mirrored_and_stepped_exactly(operation: Operation, format: Format, data: st.DataObject) -> None:
    case = data.draw(scales.share_cases(format, (1, 6), (1, 1)))
    u = wide(scales.mirrored(operation)(case, format).arguments[0])
    assert np.array_equal(wide((1 - u).astype(format.dtype)), 1 - u)
    found = scales.stepped(operation)(case, format)
    start, step = wide(found.arguments[0]), wide(found.extra["step"])
    assert (step >= 1 / 16).all()
    for k in (1, 2):
        reached = start + k * step
        assert np.array_equal(wide(reached.astype(format.dtype)), reached)
        assert (reached <= 1).all()


@every_format
@repeatable
@given(data=st.data())
def test_ten_times_x_is_in_the_box_too(format: Format, data: st.DataObject) -> None:
    case = data.draw(scales.share_cases(format, (1, 6), (1, 1)))
    found = scales.tenfold(OPERATIONS["log_uniform_inverse"])(case, format)
    x, ten, low, high = wide(found.arguments[0]), wide(found.extra["ten"]), found.options["low"], found.options["high"]
    assert ((low <= x) & (ten <= high)).all()
    assert (np.abs(ten - 10 * x) <= 2 * format.u * 10 * x + format.tiny * format.u).all()


def test_an_overlay_is_a_share() -> None:
    found = scales.shares(Case(3, 1, "ends", 0, 0, ((2, 100.0), (0, -0.25))))
    assert found.tolist() == [0.25, 1, 1]


def test_every_family_is_told_above() -> None:
    tests = globals()
    assert all(f"test_{name}_is_what_it_says" in tests for name in scales.FAMILIES)


@every_scale
def test_an_unknown_family_lists_those_that_there_are(operation: Operation) -> None:
    with pytest.raises(UsageError, match="unknown family 'ramp'") as raised:
        scales.BUILDERS[operation](Case.parse("2x1,ramp,8,0"), FLOAT64)
    assert all(name in str(raised.value) for name in scales.FAMILIES)
