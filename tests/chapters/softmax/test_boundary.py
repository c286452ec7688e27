"""The boundary cases of softmax reach what they are for, and find every mistake of a kind."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from nnlaws.authoring.case import batches, stack
from nnlaws.authoring.law import Law
from nnlaws.authoring.logits import KNOWN, STEP
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import TargetFault
from nnlaws.authoring.token import Case
from nnlaws.chapters import LAWS
from nnlaws.chapters.softmax import boundary
from nnlaws.chapters.softmax.inputs import either, masked_inputs, moderate_inputs, one_hot, soft
from nnlaws.harness.planning import find
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference import cross_entropy, cross_entropy_gradient, softmax
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence

FORMATS = [format_of(dtype) for dtype in DTYPES.values()]
every_format = pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
OWN = [law for law in LAWS if law.clause.startswith("SM") and law.boundary]


def inputs_of(law: Law, format: Format) -> list[tuple[Case, tuple[Array, ...]]]:
    """The boundary cases of a law with their arguments, in float64."""
    assert law.boundary is not None
    return [
        (case, tuple(each.astype(np.float64) for each in law.build(case, format).arguments))
        for case in law.boundary(format, law.m, law.columns)
    ]


def refused(law: str, function: Callable[..., Array], name: str = "float32", **conventions: str) -> bool:
    """Whether the boundary cases of a law, undrawn, tell that a function breaks it."""
    of, format = find(law), format_of(DTYPES[name])
    subject, ruler = GuardedSubject(function, of.operation), Ruler(of.operation, format, conventions)
    assert of.boundary is not None
    with silence():
        for batch in batches(of.boundary(format, of.m, of.columns), 16):
            try:
                if not of.evidence(subject, ruler, stack(of.build, batch, format)).holds:
                    return True
            except TargetFault:
                return True
    return False


@every_format
@pytest.mark.parametrize("operation", ["softmax", "log_softmax", "cross_entropy", "cross_entropy_gradient"])
def test_some_row_lies_wholly_beyond_any_number_that_stands_for_infinity(format: Format, operation: str) -> None:
    """Down to 0.9 of the smallest number; and, spread out or not, at levels between 100 and that."""
    rows = [z for _, (z, *_) in inputs_of(find(f"{operation}.any_size_of_logits"), format)]
    highest = np.concatenate([z.max(axis=-1) for z in rows])
    assert highest.min() < -0.9 * format.largest
    assert highest.max() > 0.9 * format.largest
    levels = -highest[highest < -50]
    known = [low for low in (1e2, 1e3, 1e4, 1e6, 1e9) if low < format.largest]
    between = np.exp2(np.linspace(np.log2(known[-1]), np.log2(format.largest) - 0.1, 4)[1:-1])
    ends = [*known, *between, format.largest]
    assert all(((levels > low / 4) & (levels < high)).any() for low, high in pairwise(ends))


@every_format
def test_every_class_is_the_largest_at_every_level(format: Format) -> None:
    cases = [case for case, _ in inputs_of(find("softmax.any_size_of_logits"), format) if case.family == "stairs"]
    for case in (each for each in cases if each.m == each.columns):
        z = KNOWN["stairs"](case.random("logits"), (case.m, case.columns), float(np.sign(case.k)))
        assert set(z.argmax(axis=-1)) == set(range(case.columns))
        assert np.sign(case.k) * z.min() > 0


@every_format
def test_a_probability_just_above_the_smallest_number_occurs(format: Format) -> None:
    rows = [z for _, (z,) in inputs_of(find("softmax.any_size_of_logits"), format)]
    with np.errstate(over="ignore"):
        exact = [np.exp(z - z.max(axis=-1, keepdims=True)) for z in rows]
    shares = np.concatenate([(e / e.sum(axis=-1, keepdims=True)).ravel() for e in exact])
    assert ((shares >= format.tiny / 10) & (shares < 10 * format.tiny)).any()


@pytest.mark.parametrize("tile", [2, 4, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("from_the_right", [False, True])
def test_the_first_tile_is_all_masked(tile: int, from_the_right: bool) -> None:
    """By tiles from either side; the others so low that e^z is 0."""
    found = 0
    for _, (z,) in inputs_of(find("softmax.masked_classes"), format_of(DTYPES["float32"])):
        for row in z[:, ::-1] if from_the_right else z:
            first = row[: (len(row) - 1) % tile + 1] if from_the_right else row[:tile]
            found += bool(np.isneginf(first).all() and row.max() < -500)
    assert found


def test_one_class_is_left_and_one_is_masked_in_every_place() -> None:
    masks = [boundary.masks(case) for case in boundary.masked(FORMATS[0], (1, 4), (2, 8)) if case.family == "alone"]
    rows = np.concatenate(masks)
    alone = {int(np.argmin(row)) for row in rows if row.sum() == len(row) - 1}
    masked = {int(np.argmax(row)) for row in rows if row.sum() == 1}
    assert alone == masked == set(range(9))


@pytest.mark.parametrize("family", ["head", "tail", "rim", "alone"])
@pytest.mark.parametrize("columns", [2, 3, 5])
@pytest.mark.parametrize("place", [0, 3, 63])
def test_masks_leave_something_however_small_the_case_is_made(family: str, columns: int, place: int) -> None:
    masks = boundary.masks(Case(2, columns, family, 3, STEP * place))
    assert (masks.sum(axis=-1) >= 1).all()
    assert (masks.sum(axis=-1) < columns).all()


@every_format
@pytest.mark.parametrize("law", ["cross_entropy.any_size_of_logits", "cross_entropy_gradient.value"])
def test_first_and_last_class_are_targets_in_wide_rows(law: str, format: Format) -> None:
    found: dict[int, set[int]] = {}
    for case, (_, y) in inputs_of(find(law), format):
        if case.family == "wide":
            found.setdefault(case.columns, set()).update(y.argmax(axis=-1))
    assert {columns % 8 for columns in found} == set(range(8))
    assert all({0, columns - 1} <= places for columns, places in found.items())


@pytest.mark.parametrize("case", [Case(1, 130, "wide", 3, 0), Case(3, 64, "wide", 3, 8), Case(2, 7, "wide", 3, 24)])
def test_shared_targets_reach_as_many_classes_as_there_are_parts(case: Case) -> None:
    (_, y) = moderate_inputs(soft)(case, FORMATS[0]).arguments
    y = y.astype(np.float64)
    assert (y.sum(axis=-1) == 1).all()
    assert ((y > 0).sum(axis=-1) == min(case.columns, 64)).all()
    assert ((moderate_inputs(one_hot)(case, FORMATS[0]).arguments[1] == 1).sum(axis=-1) == 1).all()


def test_boundary_targets_of_either_kind_occur() -> None:
    rows = [masked_inputs(either)(Case(2, 9, "alone", 3, 8 * place), FORMATS[0]).arguments[1] for place in range(9)]
    assert {int((y > 0).sum(axis=-1).max()) > 1 for y in rows} == {True, False}


@every_format
@pytest.mark.parametrize("law", OWN, ids=lambda law: law.id)
def test_the_reference_keeps_every_boundary_case(law: Law, format: Format) -> None:
    assert not refused(law.id, law.operation.reference, format.name)


# --- what is found, whatever the number ---


@pytest.mark.parametrize("low", [-1e3, -3e3, -1e4, -5e4, -1e5, -1e6, -1e9, -1e15, -1e30, -1e37, -3e38, -3.4e38])
def test_a_finite_number_for_minus_infinity_is_found(low: float) -> None:
    def started(z: Array) -> Array:
        e = np.exp(z - np.maximum(z.max(axis=-1, keepdims=True), np.float32(low)))
        return np.asarray(e / np.maximum(e.sum(axis=-1, keepdims=True), np.float32(1e-38)))

    assert refused("softmax.any_size_of_logits", started)


@pytest.mark.parametrize("limit", [50.0, 1e3, 1e4, 1e6, 1e9, 1e20, 1e30, 1e38])
def test_logits_that_are_cut_off_are_found(limit: float) -> None:
    assert refused("softmax.any_size_of_logits", lambda z: softmax(np.clip(z, -limit, limit)))
    assert refused("softmax.any_size_of_logits", lambda z: softmax(np.minimum(z, np.float32(limit))))


@pytest.mark.parametrize("floor", [1e-300, 1e-200, 1e-100, 1e-30, 1e-16, 1e-7])
def test_a_floor_under_probabilities_is_found(floor: float) -> None:
    assert refused("softmax.any_size_of_logits", lambda z: np.maximum(softmax(z), floor), "float64")
    logs = "log_softmax.any_size_of_logits"
    assert refused(logs, lambda z: np.log(np.maximum(softmax(z), floor)), "float64")


@pytest.mark.parametrize("vector", [2, 3, 4, 8, 16, 32, 64])
def test_a_lost_tail_is_found(vector: int) -> None:
    def sum_of_vectors(z: Array) -> Array:
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return np.asarray(e / e[:, : z.shape[1] // vector * vector or z.shape[1]].sum(axis=-1, keepdims=True))

    assert refused("softmax.value", sum_of_vectors)


# --- what is left open ---


def plain_dot(z: Array, y: Array) -> Array:
    """LSE − Σ y z; NaN where a class is masked."""
    top = z.max(axis=-1)
    lse = top + np.log(np.exp(z - top[:, None]).sum(axis=-1))
    return np.asarray((lse - (y * z).sum(axis=-1)).mean(dtype=z.dtype))


def test_the_loss_of_a_masked_class_is_left_open_where_lse_is_declared_and_only_there() -> None:
    assert not refused("cross_entropy.masked_classes", plain_dot, normalisation="lse")
    assert refused("cross_entropy.masked_classes", plain_dot)

    def counted(z: Array, y: Array) -> Array:
        return np.asarray(cross_entropy(np.where(np.isneginf(z), np.float32(0), z), y))

    assert refused("cross_entropy.masked_classes", counted)


def test_the_gradient_of_a_masked_class_is_exactly_zero() -> None:
    def nearly(z: Array, y: Array) -> Array:
        return np.asarray(np.where(np.isneginf(z), np.float32(1e-30), cross_entropy_gradient(z, y)))

    assert refused("cross_entropy_gradient.masked_classes", nearly)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_where_scaled_logits_promise_nothing_nan_will_do_and_below_that_it_will_not(name: str) -> None:
    def nan_from(limit: float) -> Callable[[Array], Array]:
        return lambda z: np.where(np.abs(z).max(axis=-1, keepdims=True) > limit, np.nan, softmax(z)).astype(z.dtype)

    u, largest = np.finfo(name).eps / 2, float(np.finfo(name).max)
    limit = np.log(largest) / (8 * u)
    law = "softmax.any_size_of_logits"
    assert not refused(law, nan_from(2 * limit), name, exponential="scaled_first")
    assert refused(law, nan_from(5e5), name, exponential="scaled_first")
    assert refused(law, nan_from(2 * limit), name)
