"""The command: nnlaws check | smoke | identify | mutants | explain | list | replay | template | new-chapter."""

import argparse
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from nnlaws.authoring.errors import UsageError
from nnlaws.plan import PROFILES
from nnlaws.report import Outcome, Report, printable

CONFORMS, VIOLATES, USAGE, NOT_RUN = 0, 1, 2, 3

EXIT_CODES = (
    "exit codes: 0 conforms (or falls short of a SHOULD), 1 violates, 2 wrong usage, 3 the target could not be run"
)
KILL_CODES = "exit codes: 0 every mutant is killed, 1 some are not, 2 wrong usage"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def print_help(self, file: Any = None) -> None:
        super().print_help(file)
        print(end="", flush=True)  # a reader who has gone is noticed here, not when the interpreter ends


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # Σ on a terminal that has only ASCII
    parsed = argparse.Namespace(code=CONFORMS)
    try:
        _parser().parse_args(arguments, parsed)
        with _ending_as_if_interrupted():
            parsed.code = parsed.run(parsed)
        print(end="", flush=True)
    except UsageError as error:
        return _complain(str(error), USAGE)
    except KeyboardInterrupt:
        return _complain("stopped before anything was found", NOT_RUN)
    except BrokenPipeError:  # the reader, such as head, has seen enough: the verdict stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _complain(f"cannot write to standard output: {error.strerror}", USAGE)
    code: int = parsed.code
    return code


@contextmanager
def _ending_as_if_interrupted() -> Generator[None]:
    """Meanwhile a run that is told to end does as at Ctrl-C: it says what was found, and leaves nothing behind."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    here = threading.current_thread() is threading.main_thread()
    before = {name: signal.getsignal(getattr(signal, name)) for name in names if here}

    def interrupted(*_: object) -> None:
        for name in before:
            signal.signal(getattr(signal, name), signal.SIG_IGN)  # once is enough
        raise KeyboardInterrupt

    for name, handler in before.items():
        if handler is signal.SIG_DFL:  # not under nohup, nor where a program has its own
            signal.signal(getattr(signal, name), interrupted)
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _complain(message: str, code: int) -> int:
    """One line on standard error."""
    print("nnlaws:", printable(" ".join(message.split())), file=sys.stderr)
    return code


def _cores() -> int:
    """The cores that this process may use, but no more than 4: each holds the target's libraries in memory."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, 4)


_SEVERAL: dict[str, Any] = {"action": "append", "default": []}
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
    "--profile": {"default": "ci", "choices": PROFILES, "help": "how hard to look (default: ci)"},
    "--seed": {"type": int, "metavar": "N", "help": "draw other cases than the profile's own"},
    "--timeout": {"type": float, "default": 10.0, "metavar": "SECONDS", "help": "for one call (default: 10)"},
    "--memory": {"type": float, "default": 8.0, "metavar": "GIB", "help": "for each process (default: 8)"},
    "--strict": {"action": "store_true", "help": "what falls short of a SHOULD violates"},
    "--setup": {"default": "", "metavar": "CMD", "help": "run this before, as to compile the target"},
    "--trace": {"default": "", "metavar": "FILE", "help": "write what is said to and by a client, decoded"},
    "--jobs": {
        "type": int,
        "default": _cores(),
        "metavar": "N",
        "help": "processes for many laws (default: %(default)s, by cores)",
    },
}
"""What several commands take."""
_LISTED = ("clauses", "laws", "operations", "implementations", "mutants", "hyperparameters")
_ALSO = {"--jobs": "--workers"}


def _add(parser: argparse.ArgumentParser, *options: str) -> None:
    for option in options:
        names = (option, _ALSO[option]) if option in _ALSO else (option,)
        parser.add_argument(*names, **_OPTIONS[option])


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nnlaws", description="Holds implementations of neural-network mathematics to its laws.", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    parser.set_defaults(run=_version)

    check = commands.add_parser("check", help="judge an implementation", epilog=EXIT_CODES, description=_check.__doc__)
    check.add_argument(
        "target",
        metavar="TARGET",
        help="a built-in name (nnlaws list implementations), a path to a .py file, module, module:object, or "
        "'command:CMD', a client in any language",
    )
    _add(check, "--operation", "--law", "--dtype", "--profile", "--seed", "--timeout", "--memory", "--strict", "--jobs")
    _add(check, "--setup", "--trace")
    check.add_argument("--json", metavar="FILE", help="write the report as JSON, as it grows; - for standard output")
    check.add_argument("--resume", metavar="FILE", help="go on from what --json FILE left of a run that was ended")
    check.add_argument("--html", metavar="FILE", help="write the report as a page of HTML")
    check.add_argument(
        "--junit", metavar="FILE", help="write the report as JUnit XML; - for standard output, instead of the text"
    )
    check.set_defaults(run=_check)

    identify = commands.add_parser(
        "identify", help="find out which conventions are used", description=_identify.__doc__
    )
    identify.add_argument("target", metavar="TARGET", help="as for check")
    _add(identify, "--operation", "--dtype", "--profile", "--seed", "--timeout")
    identify.set_defaults(run=_identify)

    smoke = commands.add_parser("smoke", help="call each operation once", epilog=EXIT_CODES, description=_smoke.__doc__)
    smoke.add_argument("target", metavar="TARGET", help="as for check")
    _add(smoke, "--operation", "--dtype", "--timeout", "--setup", "--trace")
    smoke.set_defaults(run=_smoke)

    mutants = commands.add_parser(
        "mutants", help="hold every known mistake to every law", epilog=KILL_CODES, description=_mutants.__doc__
    )
    _add(mutants, "--operation", "--law", "--dtype", "--profile", "--seed", "--jobs")
    mutants.add_argument("--json", metavar="FILE", help="write every law, mutant and dtype as JSON")
    mutants.add_argument("--page", metavar="FILE", help="write a Markdown page, a table an operation")
    mutants.set_defaults(run=_mutants)

    explain = commands.add_parser("explain", help="print a clause", description=_explain.__doc__)
    explain.add_argument("clause", metavar="CLAUSE", help="as in SM-1")
    explain.set_defaults(run=_explain)

    listing = commands.add_parser("list", help="list what there is", description=_list.__doc__)
    listing.add_argument("what", choices=_LISTED)
    listing.set_defaults(run=_list)

    replay = commands.add_parser(
        "replay", help="run one failing case again", epilog=EXIT_CODES, description=_replay.__doc__
    )
    replay.add_argument("case", metavar="CASE", help="as a violation prints it: law/dtype/case/target")
    replay.add_argument("--target", metavar="TARGET", help="another target than the case names")
    _add(replay, "--timeout", "--strict")
    replay.set_defaults(run=_replay)

    template = commands.add_parser("template", help="write a target file to fill in", description=_template.__doc__)
    template.add_argument(
        "file", metavar="FILE", type=Path, help="as in my_layers.py, or client.cpp for another language; must not exist"
    )
    template.set_defaults(run=_template)

    new = commands.add_parser(
        "new-chapter", help="write a package with a chapter of your own", description=_new_chapter.__doc__
    )
    new.add_argument("name", metavar="NAME", help="of the chapter and its operation, as in layer_norm")
    new.add_argument("--prefix", default="", metavar="ABC", help="of its clauses (default: made of NAME, as in LNORM)")
    new.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="where to write the folder nnlaws-NAME (default: here)"
    )
    new.set_defaults(run=_new_chapter)
    return parser


def _version(arguments: argparse.Namespace) -> int:
    """The version; with no command at all, the help."""
    from importlib.metadata import version

    if not arguments.version:
        _parser().print_help()
        return USAGE
    print(f"nnlaws {version('nnlaws')}")
    return CONFORMS


def _check(arguments: argparse.Namespace) -> int:
    """Judges TARGET by every law of the operations that it offers, clause by clause."""
    from nnlaws.api import check
    from nnlaws.harness.parent import LoadError
    from nnlaws.output import apart, writable, write
    from nnlaws.reports.progress import Bar

    files = {"--json": arguments.json, "--junit": arguments.junit, "--html": arguments.html}
    given = {name: path for name, path in files.items() if path is not None}
    for name, path in given.items():
        if path != "-":
            writable(name, path)
    apart({**given, "--trace": arguments.trace or None})
    if arguments.json == arguments.junit == "-":
        raise UsageError("--json and --junit both write to standard output; give one of them a file")
    with Bar(arguments.target) as bar:
        try:
            report = check(
                arguments.target,
                operations=arguments.operation,
                laws=arguments.law,
                dtypes=arguments.dtype,
                profile=arguments.profile,
                seed=arguments.seed,
                timeout=arguments.timeout,
                memory=arguments.memory,
                strict=arguments.strict,
                jobs=arguments.jobs,
                progress=bar.advance,
                save=None if arguments.json in (None, "-") else arguments.json,
                resume=arguments.resume,
                setup=arguments.setup,
                trace=arguments.trace,
            )
        except LoadError as error:
            bar.stop()
            return _complain(str(error), NOT_RUN)
    arguments.code = report.exit_code
    documents: dict[str, str] = {}
    if arguments.json == "-":
        documents["-"] = json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n"
    if arguments.junit:
        from nnlaws.reports.junit import junit

        documents[arguments.junit] = junit(report)
    if arguments.html:
        from nnlaws.reports.page import page

        documents[arguments.html] = page(report)
    if "-" in documents:
        sys.stdout.write(documents.pop("-"))
    else:
        _print(report)
    print(end="", flush=True)  # the verdict first, whatever becomes of files
    failed = [report.unsaved] if report.unsaved else []
    for path, content in documents.items():
        try:
            write(Path(path), content)
        except UsageError as error:
            failed.append(str(error))
    for message in failed:
        _complain(message, USAGE)
    return USAGE if failed else report.exit_code


def _smoke(arguments: argparse.Namespace) -> int:
    """Calls each operation that TARGET offers once, in each dtype, and says what came back."""
    from nnlaws.api import set_up, smoke
    from nnlaws.harness.parent import LoadError
    from nnlaws.reports.terminal import explain

    try:
        set_up(arguments.setup)
        given = {"operations": arguments.operation, "dtypes": arguments.dtype, "timeout": arguments.timeout}
        results = smoke(arguments.target, trace=arguments.trace, **given)
    except LoadError as error:
        return _complain(str(error), NOT_RUN)
    width = max(len(result.operation) for result in results)
    for result in results:
        print(f"{result.operation:<{width}}  {result.dtype:<8}  {result.outcome}")
    for result in results:
        if result.broken:
            print(f"\n{explain(result)}", end="")
    worst = {result.outcome for result in results}
    return NOT_RUN if Outcome.ERROR in worst else VIOLATES if Outcome.VIOLATES in worst else CONFORMS


def _identify(arguments: argparse.Namespace) -> int:
    """Finds out by elimination which named conventions TARGET uses, and prints the declaration to paste."""
    from nnlaws.harness.parent import LoadError
    from nnlaws.identification import identify
    from nnlaws.identification.text import text

    try:
        found = identify(
            arguments.target,
            operations=arguments.operation,
            dtypes=arguments.dtype,
            profile=arguments.profile,
            seed=arguments.seed,
            timeout=arguments.timeout,
        )
    except LoadError as error:
        return _complain(str(error), NOT_RUN)
    if not found.found:
        raise UsageError(
            f"{arguments.target} offers no operation that has named conventions; see `nnlaws list clauses`"
        )
    print(text(found), end="")
    return CONFORMS if found.complete else NOT_RUN if all(each.refused for each in found.found) else VIOLATES


def _mutants(arguments: argparse.Namespace) -> int:
    """Holds every known mistake to every law of its operation: which law catches which, and how soon."""
    from nnlaws.api import select
    from nnlaws.reports.kill_matrix import report

    given = (arguments.operation, arguments.law, arguments.dtype, arguments.profile, arguments.seed)
    return CONFORMS if report(select(*given), arguments.jobs, arguments.json, arguments.page) else VIOLATES


def _tell_left_out() -> None:
    """A line on standard error about each chapter of another package that is broken."""
    from nnlaws.chapters import BROKEN

    for line in BROKEN:
        print("nnlaws:", printable(line), file=sys.stderr)


def _explain(arguments: argparse.Namespace) -> int:
    """Prints a clause: what must hold, the formula, an example, the source; and the laws that stand for it."""
    from nnlaws.chapters import LAWS, all_clauses

    _tell_left_out()
    known = all_clauses()
    found = known.get(arguments.clause.upper())
    if found is None:
        raise UsageError(f"no clause {arguments.clause!r}; there are {', '.join(known)}")
    print(f"{found.id}  {found.title}\n\n{found.text}\n")
    print(f"level {found.level}" + (f": {found.reason}" if found.reason else ""))
    for law in LAWS:
        if law.clause == found.id:
            print(f"law {law.id}: {law.statement}")
    return CONFORMS


def _list(arguments: argparse.Namespace) -> int:
    """Lists clauses, laws, operations, built-in implementations, mutants or hyperparameters, a line each."""
    rows = list(_rows(arguments.what))
    if arguments.what != "implementations":
        _tell_left_out()
    width = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        print(f"{name:<{width}}  {meaning}")
    return CONFORMS


def _rows(what: str) -> Iterable[tuple[str, str]]:
    if what == "clauses":
        from nnlaws.chapters import all_clauses

        marks = {"SHOULD": " (SHOULD)", "informative": " (informative)"}
        return [(clause.id, clause.title + marks.get(clause.level, "")) for clause in all_clauses().values()]
    if what == "laws":
        from nnlaws.chapters import LAWS

        return [(law.id, f"{law.clause:<6} {law.statement}") for law in LAWS]
    if what == "operations":
        from nnlaws.chapters import OPERATIONS

        return [(operation.call, operation.meaning) for operation in OPERATIONS.values()]
    if what == "implementations":
        from nnlaws.adapters import BUILT_IN

        return list(BUILT_IN.items())
    if what == "hyperparameters":
        from nnlaws_spec.hyperparameters import HYPERPARAMETERS, number

        return [
            (
                each.name,
                f"{each.symbol}, from {number(each.low)} to {number(each.high)}, {each.scale}; default "
                f"{number(each.default)}, importance {number(each.importance)}: {each.meaning} ({each.source})",
            )
            for each in HYPERPARAMETERS
        ]
    from nnlaws.chapters import MUTANTS

    return [(mutant.name, f"{mutant.fault} (seen: {mutant.seen})") for mutant in MUTANTS]


def _replay(arguments: argparse.Namespace) -> int:
    """Runs the law of a violation again, on the one array that its token describes."""
    from nnlaws.api import replay
    from nnlaws.harness.parent import LoadError

    try:
        result = replay(arguments.case, target=arguments.target, timeout=arguments.timeout, strict=arguments.strict)
    except LoadError as error:
        return _complain(str(error), NOT_RUN)
    if result.broken:
        from nnlaws.reports.terminal import explain

        print(explain(result), end="")
        return {Outcome.VIOLATES: VIOLATES, Outcome.ERROR: NOT_RUN}.get(result.outcome, CONFORMS)
    if result.outcome is Outcome.NOT_OFFERED:
        return _complain(result.reason, NOT_RUN)
    print(
        f"{result.law} {result.dtype}: {result.outcome}"
        + (f", largest error {result.worst:.2f} of the bound" if result.worst else "")
    )
    return CONFORMS


def _template(arguments: argparse.Namespace) -> int:
    """Writes a target file with the signature and meaning of every operation, ready to fill in and to check; or, of a
    name as client.cpp, .mjs, .rs, .java, .pl or .py, a client in that language, with softmax as its example.
    """
    from nnlaws.templates import clients
    from nnlaws.templates.target import template

    client = clients.of(arguments.file)
    try:
        with arguments.file.open("x", encoding="utf-8") as file:
            file.write(client.text if client else template(arguments.file.name))
    except FileExistsError:
        raise UsageError(f"{arguments.file} exists already; choose another name, or remove it first") from None
    except OSError as error:
        raise UsageError(f"cannot write {arguments.file}: {error.strerror}") from None
    how = client.command(arguments.file) if client else str(arguments.file)
    print(f"wrote {arguments.file}: fill in what you want judged, then run: nnlaws check {how}")
    return CONFORMS


def _new_chapter(arguments: argparse.Namespace) -> int:
    """Writes a project of your own, nnlaws-NAME, with a chapter that passes its tests as written, to be changed."""
    import shlex

    from nnlaws.templates.chapter import names, write

    _tell_left_out()
    new = names(arguments.name, arguments.prefix)
    folder = write(new, arguments.into)
    print(
        f"wrote {folder}, the chapter {new.name} with the clauses {new.prefix}-1 and {new.prefix}-2; now run\n\n"
        f"    cd {shlex.quote(str(folder))}\n"
        "    pip install -e '.[test]'\n"
        "    pytest\n"
        f"    nnlaws explain {new.prefix}-1\n"
        f"    nnlaws check reference --operation {new.name}\n\n"
        "and then change it: README.md there says what, file by file, and `pytest -x` what to do next"
    )
    return CONFORMS


def _print(report: Report) -> None:
    if not sys.stdout.isatty():
        print(report, end="")
        return
    from rich.console import Console

    from nnlaws.reports.terminal import render

    Console(highlight=False, emoji=False).print(render(report), crop=False)


if __name__ == "__main__":
    sys.exit(main())
