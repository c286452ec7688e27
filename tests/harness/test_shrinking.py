"""Cases made larger on purpose, and failing cases made simpler again."""

from types import SimpleNamespace

import nnlaws_reference
import pytest
from nnlaws import check
from nnlaws.authoring.case import MOST, TALL, WIDE
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import TOGETHER, Case, Token
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.harness.methods import search
from nnlaws.harness.search import Search
from nnlaws.harness.shrinking import TRIES, enlarged, simplified
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference import optimizers
from nnlaws_reference.dtypes import DTYPES, Array

FAMILIES = ("constant", "integers", "normal")
CASES = [Case(2, 3, "normal", number, number * TOGETHER) for number in range(8)]


def test_cases_become_wide_and_tall_by_turns() -> None:
    for turn in range(3):
        shapes = [(case.m, case.columns) for case in enlarged(CASES, (1, 4), (1, 8), turn)]
        rows, widths = {m for m, columns in shapes if columns == 3}, {columns for m, columns in shapes if m == 2}
        assert len(shapes) == 8
        assert len(rows) == len(widths) == 4
        assert rows <= set(TALL)
        assert widths <= set(WIDE)
        assert max(rows) > 16
        assert max(widths) > 32


def test_what_a_law_fixes_stays_as_it_is() -> None:
    assert {case.m for case in enlarged(CASES, (2, 2), (1, 8))} == {2}
    assert {case.columns for case in enlarged(CASES, (1, 4), (3, 3))} == {3}
    assert enlarged(CASES, (2, 2), (3, 3)) == []


def test_nothing_becomes_so_large_that_it_takes_long() -> None:
    assert all(case.m * case.columns <= MOST for case in enlarged([Case(100, 3, "normal", 0, 0)], (100, 100), (1, 3)))
    assert enlarged([Case(100, 3, "normal", 0, 0)], (100, 100), (1, 3)) == []


def test_a_failing_case_becomes_as_simple_as_it_can_be() -> None:
    failed: list[Case] = []

    def fails(case: Case) -> Case | None:
        if case.columns < 17 or case.k < 3 or (5, 2.0) not in case.overlays:
            return None
        failed.append(case)
        return case

    simplified(Case(4, 129, "normal", 9, 7 * TOGETHER, ((1, 1.0), (5, 2.0))), fails, FAMILIES, 1, 1)
    assert failed[-1] == Case(1, 17, "constant", 3, 0, ((5, 2.0),))


def test_it_ends_even_where_everything_fails_ever_anew() -> None:
    tried: list[Case] = []

    def fails(case: Case) -> Case | None:
        tried.append(case)
        return Case(4, 129, "normal", 9, 0)

    simplified(Case(4, 129, "normal", 9, 0), fails, FAMILIES, 1, 1)
    assert len(tried) == TRIES


def blocks(theta: Array, grads: Array, *, learning_rate: float) -> Array:
    """Leaves whole vectors of 16 as they were."""
    iterates = optimizers.gradient_descent(theta, grads, learning_rate=learning_rate)
    iterates[:, : len(theta) // 16 * 16] = theta[: len(theta) // 16 * 16]
    return iterates


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("profile", ["quick", "ci"])
def test_every_run_sees_what_is_wrong_with_wide_arrays_alone(profile: str, seed: int) -> None:
    (law,) = [law for law in LAWS if law.id == "gradient_descent.value"]
    subject = GuardedSubject(blocks, OPERATIONS["gradient_descent"])
    ruler = Ruler(law.operation, format_of(DTYPES["float32"]), {})
    case, _ = search(Search(law, subject, ruler, "blocks", Selection(profile=profile, seed=seed))).failures[-1]
    assert (case.m, case.columns) == (1, 16)


@pytest.mark.parametrize(("wrong_of", "shown"), [(1, 1), (9, 2)], ids=["of one class alone", "of every size"])
def test_a_single_class_is_shown_only_where_it_must_be(wrong_of: int, shown: int) -> None:
    """The probability of one class is 1, which says nothing about what goes wrong between several."""

    def softmax(z: Array) -> Array:
        right: Array = nnlaws_reference.softmax(z)
        return right if z.shape[1] > wrong_of else right / 2

    report = check(SimpleNamespace(softmax=softmax), laws=["softmax.value"], dtypes=["float32"], profile="quick")
    (result,) = report.results
    assert Token.parse(result.replay).case.columns == shown
