"""Inputs of learning-rate decay: epochs are whole numbers that the format holds, in the order that a law asks for."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.authoring.case import Builder, stack
from nnlaws.authoring.entries import shuffled
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.chapters.decay import inputs as decay
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference.dtypes import DTYPES, Array
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None, max_examples=25)

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]
FLOAT64 = format_of(DTYPES["float64"])
SCHEDULES = [each for each in OPERATIONS.values() if chapter_of(each).name == "decay"]

every_format = pytest.mark.parametrize("format", FORMATS, ids=[format.name for format in FORMATS])
every_schedule = pytest.mark.parametrize("operation", SCHEDULES, ids=[each.name for each in SCHEDULES])


def wide(x: Array) -> NDArray[np.float64]:
    return x.astype(np.float64)


def epochs(name: str, k: int, m: int = 50) -> list[float]:
    return list(wide(decay.epochs(Case(m, 1, name, k, 5), FLOAT64)))


def test_counted_is_what_it_says() -> None:
    assert epochs("counted", 7, 4) == epochs("counted", -7, 4) == [7, 8, 9, 10]


def test_same_is_what_it_says() -> None:
    assert epochs("same", -7, 3) == [7, 7, 7]


def test_drawn_is_what_it_says() -> None:
    assert set(epochs("drawn", 7, 400)) == {float(epoch) for epoch in range(8)}


def test_far_is_what_it_says() -> None:
    far = epochs("far", decay.LAST, 400)
    assert min(far) < 10
    assert max(far) > 5000


@every_format
@settings(repeatable, max_examples=100)
@given(data=st.data())
def test_epochs_are_whole_numbers_that_the_format_holds(format: Format, data: st.DataObject) -> None:
    case = data.draw(decay.epoch_cases(format, (1, 6), (1, 1)))
    found = decay.epochs(case, format)
    assert (found.dtype, found.shape) == (format.dtype, (case.m,))
    assert np.array_equal(wide(found), np.rint(wide(found)))
    assert ((wide(found) >= 0) & (wide(found) <= decay.LARGEST[format.name])).all()
    assert decay.LARGEST[format.name] <= 1 / format.u
    exact = np.abs(case.overlay(decay.FAMILIES[case.family](case.random("epochs"), case.m, abs(case.k))))
    assert np.array_equal(wide(found), np.minimum(np.rint(exact), decay.LARGEST[format.name]))


@every_format
@every_schedule
@repeatable
@given(data=st.data())
def test_epochs_are_all_0_or_in_order_or_asked_for_again_in_another(
    operation: Operation, format: Format, data: st.DataObject
) -> None:
    case = data.draw(decay.epoch_cases(format, (2, 6), (1, 1)))
    given = decay.BUILDERS[operation](case, format)
    builders: dict[str, Callable[[Operation], Builder]] = {
        "first": decay.first_epoch,
        "sorted": decay.in_order,
        "shuffled": lambda operation: shuffled(decay.BUILDERS[operation]),
    }
    found = {name: build(operation)(case, format) for name, build in builders.items()}
    assert all(inputs.options == given.options for inputs in found.values())
    assert not wide(found["first"].arguments[0]).any()
    assert np.array_equal(wide(found["sorted"].arguments[0]), np.sort(wide(given.arguments[0])))
    assert np.array_equal(found["shuffled"].arguments[0], given.arguments[0])
    assert sorted(found["shuffled"].extra["order"]) == list(range(case.m))


@every_format
def test_an_overlay_is_made_whole(format: Format) -> None:
    epochs = decay.epochs(Case(3, 1, "counted", 0, 0, ((5, 100.0), (0, -2.5))), format)
    assert wide(epochs).tolist() == [2, 1, 100]


def test_stairs_is_what_it_says() -> None:
    assert epochs("stairs", 7, 6) == [0, 6, 7, 13, 14, 20]


def test_about_powers_is_what_it_says() -> None:
    assert epochs("about_powers", 3, 7) == [7, 8, 9, 15, 16, 17, 31]


def test_every_family_is_told_above() -> None:
    tests = globals()
    assert all(f"test_{name}_is_what_it_says" in tests for name in (*decay.FAMILIES, *decay.BOUNDARY))


def options(operation: Operation, case: Case, format: Format) -> dict[str, float]:
    return stack(decay.BUILDERS[operation], [case], format).options


@every_format
@every_schedule
def test_boundary_cases_have_every_epoch_and_every_number_at_its_ends(operation: Operation, format: Format) -> None:
    cases = decay.boundary(operation)(format, (1, 6), (1, 1))
    found = {case: wide(decay.epochs(case, format)) for case in cases}
    thousand = set(np.arange(1001.0).astype(format.dtype).astype(float)) - {float(decay.LARGEST[format.name]) + 1}
    assert any(thousand <= set(each) for each in found.values()) or format.name == "bfloat16"
    last = max(each.max() for each in found.values())
    most = decay.LARGEST[format.name] if operation.name == "staircase_decay" else 2.0**16 + 1
    assert last == most or format.digits < 24
    given = [options(operation, case, format) for case in cases]
    for name in operation.options:
        seen = {each[name] for each in given}
        assert {0.0, 1.0} <= seen or name in ("rate", "every")
    rates = {each["rate"] for each in given if "rate" in each}
    assert (0.0 in rates and max(rates) > 1) == (operation.name == "inverse_time_decay")
    assert (1.0 in rates) == ("rate" in operation.options)
    sizes = {case.m % 8 for case in cases if case.family == "drawn" and case.m > 8}
    assert sizes == set(range(8))


@pytest.mark.parametrize("format", [each for each in FORMATS if each.digits >= 24], ids=lambda each: each.name)
def test_both_ends_of_every_stair_come_for_every_length_up_to_100(format: Format) -> None:
    operation = OPERATIONS["staircase_decay"]
    cases = [c for c in decay.boundary(operation)(format, (1, 6), (1, 1)) if c.family == "stairs"]
    lengths = [*range(1, 101), *decay.LONG]
    assert [options(operation, case, format)["every"] for case in cases] == lengths
    for every, case in zip(lengths, cases, strict=True):
        ends = wide(decay.epochs(case, format))
        multiples = np.arange(0.0, max(1001.0, every + 1), every)
        assert set(ends) == {*multiples, *(multiples[1:] - 1)}
        rates = operation.reference(decay.epochs(case, format), **options(operation, case, format))
        assert (np.diff(wide(np.unique(rates))) > 0.005 * wide(np.unique(rates))[:-1]).all()
        assert np.unique(rates).size == multiples.size


@every_schedule
def test_an_unknown_family_lists_those_that_there_are(operation: Operation) -> None:
    with pytest.raises(UsageError, match="unknown family 'ramp'") as raised:
        decay.BUILDERS[operation](Case.parse("2x1,ramp,8,0"), FLOAT64)
    assert all(name in str(raised.value) for name in decay.FAMILIES)
