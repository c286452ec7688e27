"""Reads the chapters: every `## SM-1 Title` in chapters/*.md is a clause.

A clause has one MUST sentence, its first paragraph (an informative one begins with *Informative.* and demands nothing);
formulas; examples that run; and a last paragraph of fields:
`Notes: N19. Source: … Variants: … See also: …`. A variant is a named convention, written `` `name = value` ``.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^## (?P<id>[A-Z]{2}-\d+) (?P<title>.+)$", re.MULTILINE)
_FIELD = re.compile(r"\b(Notes|Source|Variants|See also): ")
_VARIANT = re.compile(r"`(?P<name>\w+) = (?P<value>\w+)`(?P<meaning>[^`]*)")


@dataclass(frozen=True)
class Variant:
    """A convention that an implementation may declare instead of the clause's own choice."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Clause:
    """One numbered requirement: `id` (SM-1), `title`, its MUST `statement`, the Markdown `text` below its heading."""

    id: str
    title: str
    chapter: str
    statement: str
    text: str
    notes: tuple[str, ...]
    source: str
    variants: tuple[Variant, ...]
    see_also: tuple[str, ...]

    @property
    def informative(self) -> bool:
        """Whether it says what is true and good to know, and demands nothing of an implementation."""
        return self.statement.startswith("*Informative.*")


@cache
def clauses() -> dict[str, Clause]:
    """Every clause of every chapter, by id, in reading order."""
    found: dict[str, Clause] = {}
    for name, text in chapters().items():
        headings = list(_HEADING.finditer(text))
        ends = [heading.start() for heading in headings[1:]] + [len(text)]
        for heading, end in zip(headings, ends, strict=True):
            if heading["id"] in found:
                raise ValueError(f"{heading['id']} stands twice: in {found[heading['id']].chapter} and {name}")
            found[heading["id"]] = _clause(name, heading["id"], heading["title"], text[heading.end() : end].strip())
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
    text = chapters()[chapter]
    first = _HEADING.search(text)
    return text[: first.start()] if first else text


def _clause(chapter: str, id: str, title: str, text: str) -> Clause:
    paragraphs = text.split("\n\n")
    parts = _FIELD.split(" ".join(paragraphs[-1].split()))
    fields = dict(zip(parts[1::2], (value.strip().rstrip(".") for value in parts[2::2]), strict=True))
    missing = {"Notes", "Source", "Variants", "See also"} - fields.keys()
    if missing:
        raise ValueError(f"{id} in {chapter}.md lacks the field(s) {', '.join(sorted(missing))} in its last paragraph")
    return Clause(
        id=id,
        title=title,
        chapter=chapter,
        statement=" ".join(paragraphs[0].split()),
        text=text,
        notes=tuple(re.findall(r"N\d+", fields["Notes"])),
        source=fields["Source"],
        variants=tuple(
            Variant(found["name"], found["value"], found["meaning"].strip(" ,;:."))
            for found in _VARIANT.finditer(fields["Variants"])
        ),
        see_also=tuple(re.findall(r"[A-Z]{2}-\d+", fields["See also"])),
    )
