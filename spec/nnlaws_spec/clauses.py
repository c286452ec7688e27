"""Reads the chapters: every `## SM-1 Title` in chapters/*.md is a clause.

A clause has one sentence with MUST or SHOULD, its first paragraph (an informative one begins with *Informative.* and
demands nothing); formulas; examples that run; and a last paragraph of fields:
`Notes: N19. Source: … Variants: … See also: …`. A variant is a named convention, written `` `name = value` ``. The
chapter of another package is read the same way, with `read`; it may leave out *Notes*. These are the numbers, N1 to
N20, of the notes on deep learning that this project began with; a clause that is in none of them has `Notes: none.`

MUST and SHOULD are a clause's level (RFC 2119). A MUST is the mathematics; a SHOULD is what code in production
withstands besides. Why a clause has its level is said in a field of its own, `Level: SHOULD, because …`, or, for all
the chapter's clauses of that level that have none, in a paragraph before the first clause, `Level: MUST, because …`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

_HEADING = re.compile(r"^## (?P<id>[A-Z]{2,}-\d+) (?P<title>.+)$", re.MULTILINE)
_FIELD = re.compile(r"\b(Notes|Source|Variants|See also|Level): ")
_LEVEL = re.compile(r"(?P<level>MUST|SHOULD), because (?P<reason>.+)", re.DOTALL)
_USUAL = re.compile(r"^Level: (?P<level>MUST|SHOULD), because (?P<reason>.+?)(?:\.\s*)?$", re.DOTALL)
_VARIANT = re.compile(r"`(?P<name>\w+) = (?P<value>\w+)`(?P<meaning>[^`]*)")

Level = Literal["MUST", "SHOULD", "informative"]
INFORMATIVE = "it says what is true and good to know, and demands nothing of an implementation"
"""Why an informative clause is one."""


@dataclass(frozen=True)
class Variant:
    """A convention that an implementation may declare instead of the clause's own choice."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Clause:
    """One numbered requirement: `id` (SM-1), `title`, its MUST or SHOULD `statement`, the Markdown `text` below its
    heading. reason: why it has its level; empty where the chapter of another package does not say why it is a MUST.
    """

    id: str
    title: str
    chapter: str
    statement: str
    text: str
    notes: tuple[str, ...]
    source: str
    variants: tuple[Variant, ...]
    see_also: tuple[str, ...]
    reason: str = ""

    @property
    def level(self) -> Level:
        """What an implementation that does otherwise is: wrong (MUST), or short of what is asked of it (SHOULD)."""
        if self.informative:
            return "informative"
        return "SHOULD" if re.search(r"\bSHOULD\b", self.statement) else "MUST"

    @property
    def informative(self) -> bool:
        """Whether it says what is true and good to know, and demands nothing of an implementation."""
        return self.statement.startswith("*Informative.*")


@dataclass(frozen=True)
class ChapterText:
    """A chapter to read: its `name`, its `title`, its Markdown, and its clauses by id, in reading order."""

    name: str
    title: str
    markdown: str
    clauses: Mapping[str, Clause]

    @property
    def prefix(self) -> str:
        """What the ids of its clauses begin with, as in SM."""
        return next(iter(self.clauses)).partition("-")[0]

    @property
    def preamble(self) -> str:
        """What stands before the first clause: the chapter's subject, its symbols, and the imports of its examples."""
        return _preamble(self.markdown)

    def variant(self, name: str, value: str) -> Variant:
        """The variant of that name and value, as the first clause that has it describes it. Raises KeyError if none."""
        for found in self.variants:
            if (found.name, found.value) == (name, value):
                return found
        raise KeyError(f"no clause of {self.name} has the variant `{name} = {value}`")

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Each variant once, in reading order."""
        first: dict[tuple[str, str], Variant] = {}
        for clause in self.clauses.values():
            for variant in clause.variants:
                first.setdefault((variant.name, variant.value), variant)
        return tuple(first.values())


def read(name: str, markdown: str, *, notes: bool = True) -> ChapterText:
    """The chapter that a Markdown text is. notes: whether each clause must say which of the notes it comes from.

    Raises ValueError, which says what is missing or wrong and where.
    """
    title = re.search(r"^# (.+)$", markdown, re.MULTILINE)
    headings = list(_HEADING.finditer(markdown))
    if title is None or not headings:
        raise ValueError(f"{name}: expected a title, `# …`, and clauses, `## ABC-1 …`; got neither or only one of them")
    ends = [heading.start() for heading in headings[1:]] + [len(markdown)]
    usual = _usual(markdown[: headings[0].start()])
    found: dict[str, Clause] = {}
    for heading, end in zip(headings, ends, strict=True):
        if heading["id"] in found:
            raise ValueError(f"{heading['id']} stands twice in {name}")
        text = markdown[heading.end() : end].strip()
        found[heading["id"]] = _with_reason(_clause(name, heading["id"], heading["title"], text, notes), usual)
    prefixes = sorted({id.partition("-")[0] for id in found})
    if len(prefixes) > 1:
        raise ValueError(f"{name}: expected one prefix for all its clauses, got {' and '.join(prefixes)}")
    return ChapterText(name, title[1], markdown, found)


def chapter(name: str) -> ChapterText:
    """The chapter of that name. Raises KeyError with the names that there are."""
    texts = chapters()
    if name not in texts:
        raise KeyError(f"no chapter {name!r}; there are {', '.join(texts)}")
    return read(name, texts[name])


@cache
def clauses() -> dict[str, Clause]:
    """Every clause of every chapter, by id, in reading order."""
    found: dict[str, Clause] = {}
    for name in chapters():
        for id, clause in chapter(name).clauses.items():
            if id in found:
                raise ValueError(f"{id} stands twice: in {found[id].chapter} and {name}")
            found[id] = clause
    return found


def clause(id: str) -> Clause:
    """The clause of that id, in any case of letters. Raises KeyError with the ids that there are."""
    try:
        return clauses()[id.upper()]
    except KeyError:
        raise KeyError(f"no clause {id!r}; there are {', '.join(clauses())}") from None


@cache
def chapters() -> dict[str, str]:
    """Each chapter's name and Markdown text. The contract, which all others rest on, comes first."""
    folder = files("nnlaws_spec") / "chapters"
    texts = {
        entry.name.removesuffix(".md"): entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".md")
    }
    return dict(sorted(texts.items(), key=lambda item: (item[0] != "contract", item[0])))


def preamble(chapter: str) -> str:
    """What stands before the chapter's first clause: its subject, its symbols, and the imports of its examples."""
    return _preamble(chapters()[chapter])


def _preamble(markdown: str) -> str:
    first = _HEADING.search(markdown)
    return markdown[: first.start()] if first else markdown


def _usual(preamble: str) -> dict[str, str]:
    """Of each level that the chapter gives a reason for, the reason."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in preamble.split("\n\n"))
    return {found["level"]: found["reason"] for found in map(_USUAL.match, paragraphs) if found}


def _with_reason(clause: Clause, usual: Mapping[str, str]) -> Clause:
    """The clause with the reason for its level. Raises ValueError for a SHOULD that has none, and for a field that says
    another level than the clause's sentence.
    """
    if clause.reason:
        own = _LEVEL.match(clause.reason)
        if own is None or own["level"] != clause.level:
            raise ValueError(
                f"{clause.id} in {clause.chapter}.md has the field Level: {clause.reason}; expected `Level: "
                f"{clause.level}, because …`, as its first sentence has it"
            )
        return replace(clause, reason=own["reason"])
    if clause.informative:
        return replace(clause, reason=INFORMATIVE)
    if clause.level not in usual and clause.level == "SHOULD":
        raise ValueError(
            f"{clause.id} in {clause.chapter}.md is a SHOULD and does not say why; add the field `Level: SHOULD, "
            "because …` to its last paragraph"
        )
    return replace(clause, reason=usual.get(clause.level, ""))


def _clause(chapter: str, id: str, title: str, text: str, notes: bool) -> Clause:
    paragraphs = text.split("\n\n")
    parts = _FIELD.split(" ".join(paragraphs[-1].split()))
    fields = dict(zip(parts[1::2], (value.strip().rstrip(".") for value in parts[2::2]), strict=True))
    missing = {"Source", "Variants", "See also", *(("Notes",) if notes else ())} - fields.keys()
    if missing:
        raise ValueError(
            f"{id} in {chapter}.md lacks the field(s) {', '.join(sorted(missing))} in its last paragraph; expected "
            f"`{'Notes: N19 (or none). ' if notes else ''}Source: … Variants: … (or none). See also: …`"
        )
    return Clause(
        id=id,
        title=title,
        chapter=chapter,
        statement=" ".join(paragraphs[0].split()),
        text=text,
        notes=tuple(re.findall(r"N\d+", fields.get("Notes", ""))),
        source=fields["Source"],
        variants=tuple(
            Variant(found["name"], found["value"], found["meaning"].strip(" ,;:."))
            for found in _VARIANT.finditer(fields["Variants"])
        ),
        see_also=tuple(re.findall(r"[A-Z]{2,}-\d+", fields["See also"])),
        reason=fields.get("Level", ""),
    )
