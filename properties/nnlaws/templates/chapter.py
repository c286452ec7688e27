"""The package that `nnlaws new-chapter` writes: a chapter of one's own, complete, that passes its tests as written.

Its files stand in the folder `project` beside this module, each named as it will be, with `.template` behind; {{name}}
and its like are replaced. What is written can be installed, and has an entry point by which nnlaws finds the chapter.
"""

import io
import keyword
import re
import tokenize
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from nnlaws.authoring.errors import UsageError
from nnlaws.chapters import CHAPTERS, CONTRACT, OPERATIONS, SHORT

SUFFIX = ".template"
LONGEST = 30  # letters of a name: longer ones would break lines of more than 120
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_PREFIX = re.compile(rf"[A-Z]{{{SHORT + 1},12}}")
_MARK = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Names:
    """What the new chapter is called: its name, which is its operation's too, and the prefix of its clauses."""

    name: str
    prefix: str

    @property
    def project(self) -> str:
        """What pip calls it, and the folder that it is written to."""
        return f"nnlaws-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What Python imports."""
        return f"nnlaws_{self.name}"

    @property
    def marks(self) -> dict[str, str]:
        """What each mark in a template stands for."""
        return {
            "name": self.name,
            "NAME": self.name.upper(),
            "Class": "".join(word.capitalize() for word in self.name.split("_")),
            "Title": self.name.replace("_", " ").capitalize(),
            "PREFIX": self.prefix,
            "project": self.project,
            "package": self.package,
            "version": version("nnlaws"),
        }


def names(name: str, prefix: str = "") -> Names:
    """The names of a new chapter. prefix: of its clauses, made of the name where none is given.

    Raises UsageError for a name or a prefix that cannot be one, or that is taken.
    """
    if not _SNAKE.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} cannot name a chapter; expected small letters and digits, as in layer_norm")
    if len(name) > LONGEST:
        raise UsageError(f"{name!r} is too long; expected at most {LONGEST} letters")
    if name in CHAPTERS or name == CONTRACT:
        raise UsageError(f"there is a chapter {name!r} already; take another name (nnlaws list clauses)")
    if name in OPERATIONS:
        raise UsageError(f"there is an operation {name!r} already; take another name (nnlaws list operations)")
    found = Names(name, prefix or _prefix(name))
    if find_spec(found.package) is not None:
        raise UsageError(f"there is a package {found.package} already; take another name, or uninstall it")
    words = _words()
    for mark in ("name", "NAME", "Class"):
        if found.marks[mark] in words:
            raise UsageError(
                f"the files to be written use the name {found.marks[mark]} for something else; take another name"
            )
    if not _PREFIX.fullmatch(found.prefix):
        what = f"{prefix!r} cannot be a prefix" if prefix else f"no prefix can be made of {name!r}"
        raise UsageError(f"{what}; give --prefix {SHORT + 1} to 12 capital letters, as in LNORM")
    for chapter in CHAPTERS.values():
        if chapter.prefix == found.prefix:
            raise UsageError(
                f"the chapter {chapter.name} has the prefix {found.prefix} already; give another (--prefix)"
            )
    return found


def project(names: Names) -> dict[PurePosixPath, str]:
    """The texts of the new project, by their paths in its folder."""
    marks = names.marks

    def filled(text: str) -> str:
        return _MARK.sub(lambda mark: marks[mark[1]], text)

    return {
        PurePosixPath(*(names.package if part == "package" else part for part in path.parts)): filled(text)
        for path, text in _templates().items()
    }


def write(names: Names, into: Path) -> Path:
    """Writes the project to a new folder in `into`, and returns that. Raises UsageError where it cannot."""
    folder = into / names.project
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} exists already; take another name or folder (--into), or remove it first")
        for path, text in project(names).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or folder}: {error.strerror}") from None
    return folder


def _prefix(name: str) -> str:
    """The first letters of the words but the last, and five of that: LNORM of layer_norm; eight where there is one."""
    *first, last = re.sub("[0-9]", "", name).upper().split("_")
    return "".join(word[:1] for word in first) + last[: 5 if first else 8]


def _templates() -> dict[PurePosixPath, str]:
    """The files as they stand here, by the paths that they will have."""
    found: dict[PurePosixPath, str] = {}

    def walk(folder: Traversable, path: PurePosixPath) -> None:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.is_dir():
                walk(entry, path / entry.name)
            elif entry.name.endswith(SUFFIX):
                found[path / entry.name.removesuffix(SUFFIX)] = entry.read_text("utf-8")

    walk(files("nnlaws.templates") / "project", PurePosixPath())
    return found


def _words() -> set[str]:
    """Every name that the code to be written uses: a chapter of such a name would hide what the code means by it."""
    code = (_MARK.sub("mark", text) for path, text in _templates().items() if path.suffix == ".py")
    tokens = (token for text in code for token in tokenize.generate_tokens(io.StringIO(text).readline))
    return {token.string for token in tokens if token.type == tokenize.NAME}
