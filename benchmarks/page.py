"""Writes a section of docs/trust.md: what stands between its two markers is what a script here has printed last."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Replaces the section of that name. Raises ValueError if the page has no markers for it."""
    before = page.read_text(encoding="utf-8")
    section = rf"(<!-- begin {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)"
    after, found = re.subn(section, lambda ends: f"{ends[1]}\n{text.strip()}\n\n{ends[2]}", before, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"{page} has {found} sections named {name!r}; expected one, between begin and end markers")
    page.write_text(after, encoding="utf-8")


def publish(name: str, text: str, *, wanted: bool) -> None:
    """Prints a section, or writes it to the page."""
    if wanted:
        write(name, text)
    else:
        print(text)
