"""What `nnlaws template client.cpp` writes: a client of the protocol, in each language one file, to be filled in."""

from dataclasses import dataclass
from pathlib import Path

STEM = "client"
COMPILED = "--setup '{compiler} -o {name} {file}' 'command:./{name}'"
COMMANDS = {
    ".cpp": COMPILED.replace("{compiler}", "g++ -std=c++17 -O2"),
    ".java": "'command:java {file}'",
    ".mjs": "'command:node {file}'",
    ".pl": "'command:perl {file}'",
    ".py": "'command:python3 {file}'",
    ".rs": COMPILED.replace("{compiler}", "rustc --edition 2021 -O"),
}
"""By suffix, what `nnlaws check` takes to judge it."""


@dataclass(frozen=True)
class Template:
    """A client's text, and how it is judged."""

    text: str
    how: str

    def command(self, file: Path) -> str:
        """What to give `nnlaws check`, in the folder of the file."""
        return self.how.format(file=file.name, name=file.stem)


def of(file: Path) -> Template | None:
    """The client for a file of that name: by its suffix, and in Python where it is called client.py; else none."""
    if file.suffix not in COMMANDS or (file.suffix == ".py" and file.stem != STEM):
        return None
    text = (Path(__file__).parent / f"{STEM}{file.suffix}").read_text("utf-8")
    return Template(text, COMMANDS[file.suffix])
