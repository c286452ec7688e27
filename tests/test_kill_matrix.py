"""The kill matrix: what it finds of a small operation, what it says of each law, and that no process changes it."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters import LAWS, MUTANTS
from nnlaws.harness.planning import find
from nnlaws.kill_matrix import Catch, Cell, Matrix, cells, hunt, matrix
from nnlaws.plan import Selection
from nnlaws.reports import kill_matrix as reports
from nnlaws_reference.dtypes import Array

Run = Callable[..., Any]

GRID = tuple((law.id, "float64") for law in LAWS if law.operation.name == "grid_search")
WRONG = tuple(mutant.name for mutant in MUTANTS if mutant.operation == "grid_search")
SMALL = ("--operation", "grid_search", "--jobs", "1", "--profile", "quick")


def mutant(name: str) -> Mutant:
    (found,) = [mutant for mutant in MUTANTS if mutant.name == name]
    return found


def made_up(law: str, mutant: str, *, examples: int = 1, entries: int = 1, dtype: str = "float32") -> Cell:
    """A kill of an operation that does not exist."""
    return Cell("op", f"op.{law}", "SM-1", f"op.{mutant}", dtype, Catch.KILLED, examples, 16, 0.0, "", entries)


def test_the_matrix_of_grid_search() -> None:
    found = Matrix("quick", None, cells(Selection(profile="quick"), "grid_search", list(GRID)))
    assert [cell.law for cell in found.cells[: len(GRID)]] == [law for law, _ in GRID]
    assert found.mutants == WRONG
    assert found.survivors == ()
    needs = found.needs()
    assert "grid_search.a_value_too_many" in needs["grid_search.every_combination"].alone
    assert "grid_search.a_step_beyond" in needs["grid_search.in_the_box"].kills
    assert found.best()["grid_search.a_value_too_many"].law == "grid_search.every_combination"


def test_a_counterexample_is_counted_and_shrunk() -> None:
    """ε in the sum shows at one logit of 0, which every search tries first; it is shown with two."""
    law, wrong = find("softmax.value"), mutant("softmax.epsilon_in_sum")
    found = hunt(law, wrong, "float32", Selection(profile="quick"), shrink=True)
    assert (found.catch, found.examples, found.arrays, found.entries) == (Catch.KILLED, 1, 12, 2)
    assert found.case == "1x2,constant,0,0"
    assert found.seconds > 0


def test_the_first_counterexample_is_the_same_whether_it_is_shrunk_or_not() -> None:
    law, wrong = find("softmax.value"), mutant("softmax.softmin")
    one, other = (hunt(law, wrong, "float32", Selection(profile="quick"), shrink=shrink) for shrink in (True, False))
    assert (one.examples, one.arrays) == (other.examples, other.arrays)
    assert one.examples > 1
    assert other.entries is None
    assert one.entries == 2


def test_what_raises_is_an_error_and_what_is_wrong_besides_is_killed() -> None:
    def raises(z: Array) -> Array:
        raise ZeroDivisionError

    def at_times(z: Array) -> Array:
        return raises(z) if len(z) > 1 else 2 * z

    law, quick = find("softmax.value"), Selection(profile="quick")
    found = [
        hunt(law, replace(mutant("softmax.softmin"), function=function), "float32", quick, shrink=False)
        for function in (raises, at_times)
    ]
    assert [cell.catch for cell in found] == [Catch.ERROR, Catch.KILLED]


def test_a_law_about_a_keyword_that_a_mutant_lacks_is_not_offered() -> None:
    wrong = mutant("momentum.computes_in_float32")
    found = hunt(find("momentum.resumed"), wrong, "float32", Selection(profile="quick"), shrink=False)
    assert found.catch is Catch.NOT_OFFERED


@pytest.mark.slow
def test_a_mutant_that_float32_does_not_show_is_shrunk_in_the_next_dtype() -> None:
    name = "one_minus_log_uniform_density.computes_in_float32"
    law = "one_minus_log_uniform_density.value"
    pairs = [(law, "float64"), (law, "float32")]
    found = [cell for cell in cells(Selection(profile="quick"), law.partition(".")[0], pairs) if cell.mutant == name]
    assert [(cell.dtype, cell.catch) for cell in found] == [("float32", Catch.MISSED), ("float64", Catch.KILLED)]
    assert found[1].entries == 1


def test_a_law_is_needed_where_it_kills_alone_or_explains_best() -> None:
    found = Matrix(
        "ci",
        None,
        (
            made_up("value", "a", entries=1),
            made_up("value", "b", entries=3),
            made_up("small", "b", entries=2),
            made_up("redundant", "b", entries=4),
        ),
    )
    needs = found.needs()
    assert needs["op.value"].alone == ("op.a",)
    assert needs["op.small"].best == ("op.b",)
    assert needs["op.redundant"].kills == ("op.b",)
    assert [law for law, need in needs.items() if not need.needed] == ["op.redundant"]
    assert "neither alone nor best: op.redundant (kills 1)" in reports.text(found)


def test_of_equal_examples_the_first_found_is_best_and_then_what_kills_least() -> None:
    everything = [made_up("value", name) for name in "ab"]
    assert Matrix("ci", None, (*everything, made_up("exact", "b"))).best()["op.b"].law == "op.exact"
    late = made_up("exact", "b", examples=2)
    assert Matrix("ci", None, (*everything, late)).best()["op.b"].law == "op.value"


def test_only_the_dtype_that_was_shrunk_in_says_what_is_best() -> None:
    found = Matrix("ci", None, (made_up("value", "a", entries=9), made_up("other", "a", dtype="float64")))
    assert found.best()["op.a"].law == "op.value"


def test_a_survivor_is_told() -> None:
    found = Matrix("ci", None, (replace(made_up("value", "a"), catch=Catch.MISSED, entries=None),))
    assert found.survivors == ("op.a",)
    assert "not killed: op.a" in reports.text(found)


@pytest.mark.parametrize(
    ("catches", "expected"),
    [
        ({"float16": Catch.KILLED, "float32": Catch.KILLED}, "●"),
        ({"float16": Catch.KILLED, "float64": Catch.MISSED}, "h"),
        ({"float16": Catch.ERROR, "float64": Catch.ERROR}, "e"),
        ({"bfloat16": Catch.KILLED, "float32": Catch.ERROR, "float64": Catch.MISSED}, "b e s"),
        ({"float16": Catch.NOT_OFFERED, "float32": Catch.NOT_OFFERED}, "–"),
        ({"float32": Catch.MISSED}, ""),
    ],
)
def test_a_cell_of_the_page_names_the_dtypes(catches: dict[str, Catch], expected: str) -> None:
    assert (
        reports.entry(replace(made_up("v", "a", dtype=dtype), catch=catch) for dtype, catch in catches.items())
        == expected
    )


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing() -> None:
    """Not even of mutants that remember the last call; only the seconds differ."""
    operations = ("grid_search", "one_minus_log_uniform_density")
    selection = Selection(operations, ("own_scale", "in_the_box", "unit", "CT-3"), ("float32", "float64"), "quick")
    one, two = ([[{**asdict(c), "seconds": 0} for c in some] for some in matrix(selection, jobs)] for jobs in (1, 2))
    assert one == two
    assert [some[0]["operation"] for some in one] == ["one_minus_log_uniform_density", "grid_search"]


def test_json_and_page_hold_the_matrix(command: Run, read_json: Callable[[str], Any], tmp_path: Path) -> None:
    json_file, page_file = tmp_path / "kills.json", tmp_path / "kills.md"
    ran = command("mutants", *SMALL, "--json", str(json_file), "--page", str(page_file))
    assert ran.code == 0
    assert f"{len(WRONG)} of {len(WRONG)} mutants killed" in ran.out
    data = read_json(json_file.read_text(encoding="utf-8"))
    assert len(data["cells"]) == len(GRID) * len(WRONG)
    assert all(each["killed"] for each in data["mutants"])
    assert {law["law"] for law in data["laws"]} == {law for law, _ in GRID}
    assert read_json(json.dumps(reports.as_json(reports.from_json(data)))) == data
    page = page_file.read_text(encoding="utf-8")
    assert "| zipped | SE-2 |" in page
    assert "| SE-1a | SE-1b | SE-2 | SE-4 |" in page


def test_a_law_that_misses_a_mutant_makes_the_exit_code_1(command: Run) -> None:
    ran = command("mutants", *SMALL, "--law", "in_the_box")
    assert ran.code == 1
    assert "not killed: grid_search.zipped" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--operation sofmax", "unknown operation 'sofmax'; did you mean softmax"),
        ("--law SM-99", "unknown law 'SM-99'"),
        ("--dtype float8", "unknown dtype 'float8'"),
        ("--operation grid_search --dtype float32", "judged in float64 alone"),
        ("--profile slow", "quick"),
        ("--jobs 0", "jobs must be 1 or more"),
        ("--json /nowhere/x", "cannot write /nowhere/x"),
        ("--page .", "cannot write ."),
    ],
)
def test_wrong_usage_is_one_line_before_anything_runs(command: Run, arguments: str, words: str) -> None:
    ran = command("mutants", *arguments.split())
    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""


def test_jobs_are_at_least_one() -> None:
    with pytest.raises(UsageError, match="1 or more"):
        next(matrix(Selection(), 0))
