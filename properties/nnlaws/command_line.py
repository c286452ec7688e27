"""What the command takes: its parser, and its exit codes."""

import argparse
import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from nnlaws.authoring.errors import UsageError
from nnlaws.plan import PROFILES, RANDOM
from nnlaws.wire import PREFIX

CONFORMS, VIOLATES, USAGE, NOT_RUN = 0, 1, 2, 3

EXIT_CODES = (
    "exit codes: 0 conforms (or falls short of a SHOULD), 1 violates or errs, 2 wrong usage, "
    "3 the target could not be run"
)
JUDGE_CODES = "exit codes: 0 the result is right up to rounding, 1 it is not, 2 wrong usage"
KILL_CODES = "exit codes: 0 every mutant is killed, 1 some are not, 2 wrong usage"


Command = Callable[[argparse.Namespace], int]
"""What runs a command, and returns the exit code; its docstring is the command's description."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def print_help(self, file: Any = None) -> None:
        super().print_help(file)
        print(end="", flush=True)  # a reader who has gone is noticed here, not when the interpreter ends


def _cores() -> int:
    """The cores that this process may use, but no more than 4: each holds the target's libraries in memory."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, 4)


def _positive(text: str) -> int:
    """A size."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def _seed(text: str) -> int | str:
    """A whole number, or "random"."""
    try:
        return text if text == RANDOM else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number or {RANDOM}, got {text!r}") from None


_KEYWORD = re.compile(r"[A-Za-z_]\w*=")


def _keyword(text: str) -> str:
    """A keyword for the class of a target."""
    if not _KEYWORD.match(text):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE after the target, got {text!r}")
    return text


def _written_in(text: str) -> str:
    """A number that is written into a target, of one operation or of all."""
    if not re.match(r"[A-Za-z_][\w.]*=", text):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, as in eps=1e-5 or adam.eps=1e-8, got {text!r}")
    return text


_SEVERAL: dict[str, Any] = {"action": "append", "default": []}
_SIZE: dict[str, Any] = {"type": _positive, "default": 0, "metavar": "N"}
_OPTIONS: dict[str, dict[str, Any]] = {
    "--operation": {**_SEVERAL, "metavar": "NAME", "help": "only this operation; may be repeated"},
    "--law": {
        **_SEVERAL,
        "metavar": "LAW",
        "help": "only this law (softmax.value), laws of this name (value) or clause (SM-1); may be repeated",
    },
    "--dtype": {
        **_SEVERAL,
        "metavar": "DTYPE",
        "help": "may be repeated; default: those that the target declares, else float32 and float64",
    },
    "--profile": {"default": "ci", "choices": PROFILES, "help": "how hard to look (default: ci); scale: at size alone"},
    "--seed": {
        "type": _seed,
        "metavar": "N",
        "help": "draw other cases than the profile's own; random: new ones each time, with the seed in the report",
    },
    "--timeout": {
        "type": float,
        "default": 10.0,
        "metavar": "SECONDS",
        "help": "for one call (default: 10); the first may take 12 times as long",
    },
    "--memory": {"type": float, "default": 8.0, "metavar": "GIB", "help": "for each process (default: 8)"},
    "--strict": {"action": "store_true", "help": "what falls short of a SHOULD violates"},
    "--setup": {"default": "", "metavar": "CMD", "help": "run this before, as to compile the target"},
    "--trace": {"default": "", "metavar": "FILE", "help": "write what is said to and by a client, decoded"},
    "--rows": {**_SIZE, "help": "judge at size alone, with so many samples"},
    "--columns": {**_SIZE, "help": "the same with so many classes, features or coordinates"},
    "--steps": {**_SIZE, "help": "the same with so many steps"},
    "--shapes": {
        "default": "",
        "choices": ("few",),
        "help": "draw arrays of four shapes a law, for what compiles each shape anew",
    },
    "--as": {
        "dest": "taken_as",
        "default": "",
        "metavar": "OPERATION",
        "help": "what a layer or function is, where that is not seen: batch_norm, cross_entropy, adam, softmax …",
    },
    "--input": {"default": "", "choices": ("2d", "3d", "4d", "5d"), "help": "the rank of what a layer takes"},
    "--device": {"default": "", "metavar": "DEVICE", "help": "where a layer runs, as in cuda (default: cpu)"},
    "--params": {
        "default": "",
        "metavar": "DTYPE",
        "help": "the dtype of what a layer learns and averages, as float32 beside bfloat16 input",
    },
    "--wrap": {
        "default": "",
        "metavar": "MODULE:FUNCTION",
        "help": "what is made of a layer before it is called, as torch:compile",
    },
    "--fixed": {
        **_SEVERAL,
        "type": _written_in,
        "metavar": "NAME=VALUE",
        "help": "a hyperparameter that is written into the target, as eps=1e-5; may be repeated",
    },
    "--jobs": {
        "type": int,
        "default": _cores(),
        "metavar": "N",
        "help": "processes for many laws (default: %(default)s, by cores)",
    },
}
"""What several commands take."""
_AS_IT_IS = ("--as", "--input", "--device", "--params", "--wrap", "--fixed")
"""What may be said of a target that is no module of operations."""
_LISTED = ("clauses", "laws", "operations", "implementations", "mutants", "hyperparameters")
_ALSO = {"--jobs": "--workers"}


def _add(parser: argparse.ArgumentParser, *options: str) -> None:
    for option in options:
        names = (option, _ALSO[option]) if option in _ALSO else (option,)
        parser.add_argument(*names, **_OPTIONS[option])


def _add_target(parser: argparse.ArgumentParser, help: str = "") -> None:
    usual = (
        "a built-in name (nnlaws list implementations), a path to a .py file, module, module:object, "
        "a file of ONNX or a node of one, file.onnx:node, or 'command:CMD', a client in any language"
    )
    parser.add_argument("target", metavar="TARGET", help=help or usual)
    parser.add_argument(
        "keywords",
        metavar="NAME=VALUE",
        nargs="*",
        type=_keyword,
        help="for the class, where TARGET is a layer, an optimizer, a schedule or a loss of a library as it is",
    )


def target(arguments: argparse.Namespace) -> str:
    """The target as one text, with what was said of it."""
    settings = {name: getattr(arguments, name) for name in ("input", "device", "params", "wrap")}
    said = [("as", arguments.taken_as), *settings.items(), *(("fixed", each) for each in arguments.fixed)]
    words = [f"--{name} {shlex.quote(value)}" for name, value in said if value]
    words = [*map(shlex.quote, arguments.keywords), *words]
    if words and arguments.target.startswith(PREFIX):
        raise UsageError(f"a client says of itself what it is, in its hello: {' '.join(words)} is for Python alone")
    return " ".join((shlex.quote(arguments.target), *words)) if words else str(arguments.target)


def parser(version: Command, commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """The parser of all commands, each with what runs it; version: what runs where there is none."""
    whole = _Parser(
        prog="nnlaws", description="Holds implementations of neural-network mathematics to its laws.", epilog=EXIT_CODES
    )
    whole.add_argument("--version", action="store_true", help="print the version and exit")
    each = whole.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    whole.set_defaults(run=version)

    def command(name: str, help: str, epilog: str | None = None) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = each.add_parser(
            name, help=help, epilog=epilog, description=commands[name].__doc__
        )
        made.set_defaults(run=commands[name])
        return made

    check = command("check", "judge an implementation", EXIT_CODES)
    _add_target(check)
    _add(check, "--operation", "--law", "--dtype", "--profile", "--seed", "--timeout", "--memory", "--strict", "--jobs")
    _add(check, *_AS_IT_IS, "--setup", "--trace", "--rows", "--columns", "--steps", "--shapes")
    check.add_argument("--json", metavar="FILE", help="write the report as JSON, as it grows; - for standard output")
    check.add_argument("--resume", metavar="FILE", help="go on from what --json FILE left of a run that was ended")
    check.add_argument("--html", metavar="FILE", help="write the report as a page of HTML")
    check.add_argument(
        "--junit", metavar="FILE", help="write the report as JUnit XML; - for standard output, instead of the text"
    )

    identify = command("identify", "find out which conventions are used")
    _add_target(identify, "as for check")
    _add(identify, *_AS_IT_IS, "--operation", "--dtype", "--profile", "--seed", "--timeout")

    smoke = command("smoke", "call each operation once", EXIT_CODES)
    _add_target(smoke, "as for check")
    _add(smoke, *_AS_IT_IS, "--operation", "--dtype", "--timeout", "--setup", "--trace")

    mutants = command("mutants", "hold every known mistake to every law", KILL_CODES)
    _add(mutants, "--operation", "--law", "--dtype", "--profile", "--seed", "--jobs")
    mutants.add_argument("--json", metavar="FILE", help="write every law, mutant and dtype as JSON")
    mutants.add_argument("--page", metavar="FILE", help="write a Markdown page, a table an operation")

    explain = command("explain", "print a clause")
    explain.add_argument("clause", metavar="CLAUSE", help="as in SM-1")

    judging = command("judge", "judge one result of one's own", JUDGE_CODES)
    judging.add_argument(
        "file", metavar="FILE", type=Path, help="a .npz file: operation, arguments, options, and results by their names"
    )
    judging.add_argument(
        "--convention",
        **_SEVERAL,
        metavar="NAME=VALUE",
        help="what the computation declares, as in variance=one_pass; may be repeated",
    )

    listing = command("list", "list what there is")
    listing.add_argument("what", choices=_LISTED)

    replay = command("replay", "run one failing case again", EXIT_CODES)
    replay.add_argument("case", metavar="CASE", help="as a violation prints it: law/dtype/case/target")
    replay.add_argument("--target", metavar="TARGET", help="another target than the case names")
    _add(replay, "--timeout", "--strict")

    template = command("template", "write a target file to fill in")
    template.add_argument(
        "file", metavar="FILE", type=Path, help="as in my_layers.py, or client.cpp for another language; must not exist"
    )

    new = command("new-chapter", "write a package with a chapter of your own")
    new.add_argument("name", metavar="NAME", help="of the chapter and its operation, as in layer_norm")
    new.add_argument("--prefix", default="", metavar="ABC", help="of its clauses (default: made of NAME, as in LNORM)")
    new.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="where to write the folder nnlaws-NAME (default: here)"
    )
    return whole
