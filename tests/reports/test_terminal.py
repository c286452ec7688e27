"""Reports: the parts of a violation in their order, digits that are right, and a target's words as they are."""

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Context, Decimal, localcontext
from itertools import count
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import nnlaws
import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws.report import Cause, LawResult, Report, Violation
from nnlaws.reports.junit import junit
from nnlaws.reports.terminal import explain, render, text
from nnlaws_reference.dtypes import DTYPES
from rich.console import Console

Array = Any
ORDER = ("clause", "law", "example", "got", "want", "off by", "cause", "fix", "read", "replay")
HOSTILE = "[bold red]x[/bold red] [link=file:///]y[/] \x1b[31mred\x1b[0m \x07\x00 \x9b31m \u202e :smile:"
"""Markup, a link, colours, a bell, a zero, a control sequence of one byte, text that runs backwards, an emoji."""


def unshifted(z: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return e / e.sum(axis=-1, keepdims=True)


def broken(law: str, dtype: str, **operations: Callable[..., Array]) -> LawResult:
    """The result of a law that an implementation breaks."""
    (result,) = nnlaws.check(SimpleNamespace(**operations), laws=[law], dtypes=[dtype]).results
    assert result.violation is not None
    return result


def labels(lines: str) -> list[str]:
    return re.findall(rf"^  ({'|'.join(ORDER)}) ", lines, re.MULTILINE)


def test_a_violation_has_its_parts_in_order() -> None:
    shown = explain(broken("softmax.any_size_of_logits", "float32", softmax=unshifted))
    assert tuple(labels(shown)) == ORDER
    assert shown.startswith("VIOLATES  SM-6  softmax  float32\n  clause   SM-6  SM-1, SM-11, SM-12 and SM-16 MUST hold")
    assert "no shift by the maximum" in shown
    assert "read     nnlaws explain SM-6\n" in shown


def test_of_what_is_no_number_a_number_is_wanted() -> None:
    """Not NaN, although the nearest number to NaN in [0, 1] is computed as that."""
    shown = explain(broken("softmax.probability_row", "float32", softmax=lambda z: z * np.float32("nan")))
    assert re.search(r"^  got +nan  at ", shown, re.MULTILINE)
    assert re.search(r"^  want +a number  \(the nearest number in \[0, 1\]\)$", shown, re.MULTILINE)


def test_an_argument_a_line() -> None:
    def zero(z: Array, y: Array) -> Array:
        return np.zeros((), z.dtype)

    shown = explain(broken("cross_entropy.value", "float64", cross_entropy=zero))
    assert [label for label in labels(shown) if label == "example"] == ["example", "example"]
    assert re.search(
        r"example +z = array\(\[\[.*\]\], dtype=float64\)\n +example +y = array\(\[\[.*\]\], dtype=float64\)",
        shown,
    )


def exact_softmax(z: list[Decimal], *, log: bool) -> list[Decimal]:
    with localcontext(Context(prec=80)):
        e = [x.exp() for x in z]
        total = sum(e, Decimal(0))
        return [x - total.ln() if log else term / total for x, term in zip(z, e, strict=True)]


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", ["softmax", "log_softmax"])
def test_every_digit_of_what_is_wanted_is_right(operation: str, dtype: str) -> None:
    """As many digits as are printed, to half a unit of the last: computed again from the example, in decimals.

    Wrong only where three classes differ, so that the exact value is no short number.
    """
    right: Callable[[Array], Array] = getattr(reference, operation)

    def wrong(z: Array) -> Array:
        return right(z) + (len({*z[0, :3].tolist()}) == 3) * np.ones((), z.dtype)

    seen = broken(f"{operation}.value", dtype, **{operation: wrong}).violation
    assert seen is not None
    (example,) = seen.example
    rows = [
        [Decimal(float(DTYPES[dtype].type(entry))) for entry in row] for row in ast.literal_eval(example["entries"])
    ]
    row, column = ast.literal_eval(seen.place)
    exact = exact_softmax(rows[row], log=operation == "log_softmax")[column]
    printed = Decimal(seen.want)
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int)
    assert len(printed.as_tuple().digits) >= (18 if dtype == "float64" else 8)
    assert abs(printed - exact) <= Decimal(10) ** exponent / 2 * Decimal("1.0001")
    assert Decimal(seen.got) - exact == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_distance_is_in_units_of_the_last_place(dtype: str) -> None:
    """1 + 8 ulp where 1 is wanted: off by 8 ulp."""
    ulp = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}[dtype]
    result = broken("softmax.one_class", dtype, softmax=lambda z: np.full_like(z, 1 + 8 * ulp))
    assert result.violation is not None
    assert (result.violation.want, result.violation.off) == ("1", "8 ulp")


def hostile_report() -> Report:
    """A report in which every text that a target can choose is hostile."""
    violation = Violation(
        example=({"name": "z", "dtype": "float32", "shape": "(1, 1)", "entries": "[[0.0]]"},),
        result=HOSTILE, place="[0, 0]",
        got="2.0", want="1", expected="the exact value", off="1 ulp", allowed="0 ulp", reason=HOSTILE,
        cause=Cause(f"a cause {HOSTILE}", "a fault", "somewhere"), fix=HOSTILE,
    )  # fmt: skip
    report = nnlaws.check(SimpleNamespace(softmax=reference.softmax), laws=["softmax.value"], profile="quick")
    first, second = report.results
    results = (
        replace(
            first,
            outcome=nnlaws.Outcome.VIOLATES,
            violation=violation,
            replay=f"softmax.value/float32/1x1/{HOSTILE}",
        ),
        replace(second, outcome=nnlaws.Outcome.ERROR, reason=HOSTILE),
    )
    return replace(report, target=HOSTILE, description=HOSTILE, results=results)


def test_a_targets_words_are_printed_as_they_are_and_control_nothing() -> None:
    plain = text(hostile_report())
    assert {char for char in plain if ord(char) < 32 or 127 <= ord(char) < 160} == {"\n"}
    unwrapped = " ".join(plain.split())
    assert unwrapped.count("[bold red]x[/bold red] [link=file:///]y[/]") == unwrapped.count("[bold red]x") == 10
    assert ":smile:" in plain
    assert "31mred" in plain


def test_on_a_terminal_a_targets_words_have_no_style_of_their_own() -> None:
    console = Console(
        force_terminal=True, color_system="standard", width=500, record=True, emoji=False, highlight=False
    )
    with console.capture() as capture:
        console.print(render(hostile_report()))
    printed = capture.get()
    assert "\x1b[31mred" not in printed
    assert "\x1b]8;" not in printed
    assert not set("\x07\x00\x9b") & set(printed)
    assert "[bold red]x[/bold red] [link=file:///]y[/]" in printed


def test_the_junit_of_a_hostile_report_is_xml() -> None:
    root = ElementTree.fromstring(junit(hostile_report()))
    (suite,) = root.iter("testsuite")
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("2", "1", "1")
    (failure,), (error,) = root.iter("failure"), root.iter("error")
    assert "[bold red]x[/bold red]" in f"{failure.text}"
    assert "[bold red]x[/bold red]" in error.attrib["message"]


def test_one_cause_is_explained_once() -> None:
    shown = text(nnlaws.check(SimpleNamespace(softmax=unshifted), dtypes=["float32"], laws=["SM-6", "CT-6"]))
    assert len(re.findall(r"^  cause ", shown, re.MULTILINE)) == 1
    assert "also in CT-6 float32" in shown or "also in SM-6 float32" in shown


@pytest.mark.parametrize("report", [text, str])
def test_the_last_words_are_the_verdict(report: Callable[[Report], str]) -> None:
    good = report(nnlaws.check("scipy", laws=["softmax.one_class"], dtypes=["float32"], profile="quick"))
    assert re.search(r"\nscipy conforms: 1 conforms, on [\d,]+ arrays in \d+\.\d s\.\n\Z", good)


def heads(shown: str) -> list[str]:
    """What each violation begins with, in order."""
    return re.findall(r"^(?:VIOLATES|ERROR|FALLS SHORT)  (\S+  \S+)", shown, re.MULTILINE)


def broken_law(clause: str, operation: str, got: str = "2", **more: Any) -> LawResult:
    """A law that one entry breaks; got: what stands there."""
    seen = Violation(
        example=({"name": "z", "dtype": "float32", "shape": "(1, 1)", "entries": "[[0.0]]"},), result="",
        place="[0, 0]", got=got, want="1", expected="the exact value", off="1 ulp", allowed="0 ulp", reason="",
        cause=None, fix="",
    )  # fmt: skip
    law = f"{operation}.{clause.lower().replace('-', '_')}"
    return LawResult(law, clause, "it holds", operation, "float32", nnlaws.Outcome.VIOLATES, violation=seen, **more)


def shown_of(*results: LawResult) -> str:
    report = nnlaws.check(SimpleNamespace(softmax=reference.softmax), laws=["softmax.one_class"], profile="quick")
    return text(replace(report, results=results))


def test_state_leads_and_what_may_come_of_it_says_so() -> None:
    """Of its own operation alone."""
    shown = shown_of(
        broken_law("SM-1", "softmax", kind="value"),
        broken_law("CT-3", "softmax", got="3", kind="state"),
        broken_law("SM-11", "log_softmax", got="4", kind="value"),
    )
    assert heads(shown) == ["CT-3  softmax", "SM-11  log_softmax"]  # SM-1 is on the same example
    assert "also broken by this example, with other results, so perhaps by another mistake: SM-1 float32" in shown
    law = broken_law("SM-1", "softmax", kind="value")
    assert law.violation is not None
    other = {"name": "z", "dtype": "float32", "shape": "(1, 1)", "entries": "[[5.0]]"}
    elsewhere = replace(law, violation=replace(law.violation, example=(other,)))
    shown = shown_of(elsewhere, broken_law("CT-3", "softmax", got="3", kind="state"))
    assert heads(shown) == ["CT-3  softmax", "SM-1  softmax"]
    assert "note     CT-3 fails too: what a call leaves behind may be why this does" in shown


def test_the_general_clause_leads() -> None:
    """A law of value comes before one that holds of it besides, whichever was run first, and whichever fits a line."""
    shown = shown_of(broken_law("OP-19", "adam"), broken_law("CT-6", "adam"), broken_law("OP-10", "adam", kind="value"))
    assert heads(shown) == ["OP-10  adam"]
    assert "  also in OP-19 float32, CT-6 float32\n" in shown


def test_what_is_declared_stands_beside_the_clause() -> None:
    """In the words of the clause that describes it first, and where the clause has such a variant."""
    declared = {"weight": "new", "variance": "two_pass"}
    shown = " ".join(shown_of(broken_law("BN-18", "batch_norm_running", conventions=declared)).split())
    meaning = "makes decay the weight of the batch's statistics and 1 − decay that of the old"
    assert f"declared weight = new: {meaning} law" in shown
    shown = shown_of(broken_law("OP-10", "adam", conventions={"hyperparameters": "working"}))
    assert "declared  hyperparameters = working: rounds β, ε, α, λ and 1 − β to the type" in shown
    assert shown.count("declared") == 1
    assert "declared" not in shown_of(broken_law("BN-10", "batch_norm_running", conventions=declared))


def test_laws_that_see_something_else_on_the_same_example_are_told_apart() -> None:
    """Two mistakes may show on one example: what the second law saw is not what the first explains."""
    shown = shown_of(
        *(broken_law(*each) for each in (("SM-1", "softmax"), ("SM-2", "softmax"), ("SM-5", "softmax", "3")))
    )
    assert "  also in SM-2 float32\n" in shown
    assert "  also broken by this example, with other results, so perhaps by another mistake: SM-5 float32\n" in shown


def test_a_violation_that_does_not_come_again_says_so() -> None:
    calls = count()

    def seldom(z: Array) -> Array:
        return reference.softmax(z) * np.asarray(1 + (next(calls) == 20), z.dtype)

    report = nnlaws.check(SimpleNamespace(softmax=seldom), laws=["softmax.value"], dtypes=["float32"], profile="quick")
    (result,) = report.results
    assert "replayed by itself this conforms" in result.reason
    assert "see CT-3" in result.reason
