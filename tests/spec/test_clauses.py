"""The chapters: every clause is complete, runs its own examples, and is held by a law."""

import doctest
import inspect
import pkgutil
import re
from importlib import import_module

import pytest
from nnlaws.chapters import LAWS
from nnlaws_spec import Clause, clause, clauses, formulas
from nnlaws_spec.clauses import chapters, preamble

READER = import_module("nnlaws_spec.clauses")  # by name: the package's attribute `clauses` is the function

NOTES = {f"N{number}" for number in range(1, 21)}
LAST_CLAUSES = {"CT": 10, "BN": 34, "LR": 9, "LY": 12, "OP": 27, "SA": 11, "SC": 13, "SE": 21, "SM": 19}
PROMISED = [f"{chapter}-{number}" for chapter, last in LAST_CLAUSES.items() for number in range(1, last + 1)]

COMPLETE = """# A chapter

## ZZ-1 The title
It MUST hold.

$$x$$

Notes: N1. Source: a book, p. 3. Variants: `kind = other` does `x + 1` instead. See also: ZZ-1.
"""

SHOULD = ["CT-4", "CT-5", "CT-7", "CT-10", "BN-26", "LO-5", "LO-8", "MO-18", "SC-6", "SM-19"]

every_clause = pytest.mark.parametrize("each", clauses().values(), ids=clauses().keys())


def _examples(text: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(text)


def _read(monkeypatch: pytest.MonkeyPatch, **texts: str) -> dict[str, Clause]:
    """The clauses of these chapters, whatever was read before."""
    monkeypatch.setattr(READER, "chapters", lambda: texts)
    found: dict[str, Clause] = READER.clauses.__wrapped__()
    return found


@every_clause
def test_a_clause_has_all_its_fields(each: Clause) -> None:
    assert each.title
    assert each.statement
    assert each.source
    assert each.notes or "Notes: none." in each.text
    assert each.see_also
    assert each.chapter in chapters()
    assert f"## {each.id} {each.title}\n" in chapters()[each.chapter]
    assert each.statement in " ".join(each.text.split())


@every_clause
def test_a_statement_has_exactly_one_level_unless_it_is_informative(each: Clause) -> None:
    assert re.findall(r"\b(MUST|SHOULD)\b", each.statement) == ([] if each.informative else [each.level])


@every_clause
def test_a_clauses_level_stands_in_its_chapter_with_the_reason(each: Clause) -> None:
    """In a field of its own, or before the first clause, for all of that level; a SHOULD has one of its own."""
    assert (each.level == "informative") == each.informative
    assert each.reason
    own = f"Level: {each.level}, because {each.reason}." in " ".join(each.text.split())
    usual = f"Level: {each.level}, because {each.reason}." in " ".join(preamble(each.chapter).split())
    assert each.informative or own != usual
    assert own or each.level != "SHOULD"


def test_production_asks_for_more_than_mathematics() -> None:
    """What a textbook implementation that is right in its mathematics need not do."""
    assert [each.id for each in clauses().values() if each.level == "SHOULD"] == SHOULD


def test_the_claims_why_things_are_so_are_informative() -> None:
    """Why batch norm helps; what an average looks back over, how descent converges, which hyperparameters matter."""
    informative = [each.id for each in clauses().values() if each.informative]
    assert informative == ["BN-28", "BN-29", "BN-30", "BN-32", "BN-33", "OP-3", "OP-25", "OP-26"]


@every_clause
def test_a_clause_cites_notes_and_clauses_that_exist(each: Clause) -> None:
    assert set(each.notes) <= NOTES
    assert set(each.see_also) <= clauses().keys() - {each.id}


@every_clause
def test_a_clauses_examples_run(each: Clause) -> None:
    examples = _examples(each.text)
    assert examples, f"{each.id} shows no example"
    assert any(example.want for example in examples), f"the examples of {each.id} show no result"
    setup = _examples(preamble(each.chapter))
    shown = doctest.DocTest([*setup, *examples], {}, each.id, each.chapter, 0, None)
    seen: list[str] = []
    failed, tried = doctest.DocTestRunner().run(shown, out=seen.append)
    assert (failed, tried) == (0, len(setup) + len(examples)), "".join(seen)


@every_clause
def test_a_clause_is_held_by_a_law(each: Clause) -> None:
    assert any(law.clause == each.id for law in LAWS)


def test_every_law_holds_a_clause() -> None:
    assert {law.clause for law in LAWS} <= clauses().keys()


def test_the_promised_clauses_are_there() -> None:
    assert set(PROMISED) <= clauses().keys()


def test_every_note_is_covered() -> None:
    assert {note for each in clauses().values() for note in each.notes} == NOTES


def test_clauses_come_in_reading_order_and_the_contract_first() -> None:
    assert next(iter(chapters())) == "contract"
    assert list(clauses())[:10] == PROMISED[:10]
    for chapter in chapters():
        numbers = [int(id.split("-")[1]) for id, each in clauses().items() if each.chapter == chapter]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_clause_is_found_in_any_case_of_letters() -> None:
    assert clause("sm-3") is clause("SM-3") is clauses()["SM-3"]


def test_an_unknown_clause_lists_those_that_there_are() -> None:
    with pytest.raises(KeyError) as raised:
        clause("SM-99")
    assert "'SM-99'" in str(raised.value)
    assert all(id in str(raised.value) for id in clauses())


def test_variants_are_named_with_value_and_meaning() -> None:
    found = {(each.name, each.value): each.meaning for each in clause("SM-1").variants}
    normalisations = {("normalisation", "lse"), ("normalisation", "logaddexp")}
    assert set(found) == normalisations | {("exponential", "scaled_first"), ("arithmetic", "narrow")}
    assert "LSE" in found["normalisation", "lse"]
    assert clause("SM-2").variants == ()


def test_a_complete_chapter_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = _read(monkeypatch, made_up=COMPLETE)["ZZ-1"]
    assert (read.title, read.chapter, read.statement) == ("The title", "made_up", "It MUST hold.")
    assert (read.notes, read.source, read.see_also) == (("N1",), "a book, p. 3", ("ZZ-1",))
    assert [(each.name, each.value) for each in read.variants] == [("kind", "other")]


def test_a_level_is_read_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chapter's own for what has none; of another package's chapter it may be missing."""
    should = COMPLETE.replace("MUST", "SHOULD").replace("Notes:", "Level: SHOULD, because of it. Notes:")
    usual = COMPLETE.replace("\n\n## ", "\n\nLevel: MUST, because the\nnotes say so.\n\n## ")
    levels = [
        (found.level, found.reason)
        for text in (COMPLETE, usual, should, COMPLETE.replace("It MUST", "*Informative.* It will"))
        for found in [_read(monkeypatch, made_up=text)["ZZ-1"]]
    ]
    assert levels == [
        ("MUST", ""), ("MUST", "the notes say so"), ("SHOULD", "of it"), ("informative", READER.INFORMATIVE)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (COMPLETE.replace("MUST", "SHOULD"), "ZZ-1 in made_up.md is a SHOULD and does not say why"),
        (COMPLETE.replace("Notes:", "Level: SHOULD, because of it. Notes:"), "expected `Level: MUST, because …`"),
        (
            COMPLETE.replace("Notes:", "Level: MUST. Notes:"),
            "has the field Level: MUST; expected `Level: MUST, because",
        ),
    ],
)
def test_a_level_that_says_too_little_is_refused(monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _read(monkeypatch, made_up=text)


@pytest.mark.parametrize("field", ["Notes", "Source", "Variants", "See also"])
def test_a_missing_field_is_named(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    with pytest.raises(ValueError, match=rf"ZZ-1 in made_up\.md lacks the field\(s\) {field} "):
        _read(monkeypatch, made_up=COMPLETE.replace(f"{field}: ", f"{field} "))


def test_a_duplicate_id_names_both_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="ZZ-1 stands twice: in first and second"):
        _read(monkeypatch, first=COMPLETE, second=COMPLETE)


def test_a_preamble_ends_before_the_first_clause() -> None:
    for chapter, text in chapters().items():
        assert text.startswith(preamble(chapter))
        assert text[len(preamble(chapter)) :].startswith("## ")


def _formula_functions() -> list[tuple[str, str]]:
    """Chapter and name of each public function of the chapters' formula modules."""
    return [
        (module.name, name)
        for module in pkgutil.iter_modules(formulas.__path__)
        if module.name in chapters()
        for name, function in inspect.getmembers(
            import_module(f"{formulas.__name__}.{module.name}"), inspect.isfunction
        )
        if function.__module__ == f"{formulas.__name__}.{module.name}" and not name.startswith("_")
    ]


@pytest.mark.parametrize(("chapter", "name"), _formula_functions())
def test_a_formula_names_the_clauses_of_its_chapter(chapter: str, name: str) -> None:
    function = getattr(import_module(f"{formulas.__name__}.{chapter}"), name)
    named = re.findall(r"\b[A-Z]{2}-\d+\b", inspect.getdoc(function) or "")
    assert named, f"{chapter}.{name} names no clause"
    assert {clause(id).chapter for id in named} == {chapter}
