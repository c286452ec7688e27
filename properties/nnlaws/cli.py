"""The command: nnlaws check | smoke | identify | judge | mutants | explain | list | replay | template | new-chapter."""

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

from nnlaws.authoring.errors import UsageError
from nnlaws.command_line import CONFORMS, NOT_RUN, USAGE, VIOLATES, parser, target
from nnlaws.report import Outcome, Report, printable


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
    with Bar(target(arguments)) as bar:
        try:
            report = check(
                target(arguments),
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
                rows=arguments.rows,
                columns=arguments.columns,
                steps=arguments.steps,
                shapes=arguments.shapes,
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
        results = smoke(target(arguments), trace=arguments.trace, **given)
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
            target(arguments),
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
            f"{target(arguments)} offers no operation that has named conventions; see `nnlaws list clauses`"
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


def _judge(arguments: argparse.Namespace) -> int:
    """Judges one result of one's own, at its own shape: is it what the operation gives for the arguments beside it?"""
    from nnlaws.judgement import declared, judge_file

    found = judge_file(arguments.file, declared(",".join(arguments.convention), "--convention"))
    print(printable(str(found)))
    return CONFORMS if found.conforms else VIOLATES


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
        + "\nnot reproduced: called by itself, in a new process, this conforms. What broke it came of more than the "
        "arguments (state that the target keeps, chance, time), or the target has changed"
    )
    return CONFORMS


def _template(arguments: argparse.Namespace) -> int:
    """Writes a target file with the signature and meaning of every operation, ready to fill in and to check; or, of a
    name as client.cpp, .mjs, .rs, .java, .pl or .py, a client in that language, with softmax as its example.
    """
    from nnlaws.templates import clients
    from nnlaws.templates.target import template

    client = clients.of(arguments.file)
    text = client.text if client else template(arguments.file.name)
    try:
        with arguments.file.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{arguments.file} exists already; choose another name, or remove it first") from None
    except OSError as error:
        raise UsageError(f"cannot write {arguments.file}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"cannot write {str(arguments.file)!r}: {error}") from None
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


_COMMANDS = {
    "check": _check,
    "smoke": _smoke,
    "identify": _identify,
    "judge": _judge,
    "mutants": _mutants,
    "explain": _explain,
    "list": _list,
    "replay": _replay,
    "template": _template,
    "new-chapter": _new_chapter,
}


def _parser() -> argparse.ArgumentParser:
    return parser(_version, _COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
