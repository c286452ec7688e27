"""A verdict for people: clause by clause, then every violation from the broken clause to how to replay it."""

import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from nnlaws_spec.clauses import Clause, clause, clauses
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nnlaws.adapters import BUILT_IN
from nnlaws.report import PASSED, SHOULD, LawResult, Outcome, Report, printable, tally

STYLES = {
    Outcome.CONFORMS: "green",
    Outcome.DECLARED: "cyan",
    Outcome.FALLS_SHORT: "yellow",
    Outcome.VIOLATES: "bold red",
    Outcome.NOT_OFFERED: "dim",
    Outcome.ERROR: "bold magenta",
}
OWN = ("nnlaws", "nnlaws_reference", "nnlaws_spec")
LIBRARIES = (
    *("torch", "jax", "flax", "optax", "tensorflow", "keras", "scipy", "sklearn", "onnx", "onnxruntime", "tinygrad"),
    *("mlx", "paddle", "equinox", "haiku", "timm", "optuna", "hyperopt", "keras_tuner", "ConfigSpace", "nevergrad"),
)
STATE = "state"  # the kind of law that says there is none
WIDTH = 120  # of text that is not for a terminal


def render(report: Report) -> RenderableType:
    """The whole report: what was checked, the table, the violations, the verdict."""
    seed = "its own cases" if report.seed is None else f"seed {report.seed}"
    head = _text(
        f"nnlaws {report.version} · {report.target}: {report.description} · profile {report.profile}, {seed}\n"
    )
    told = (*report.recognised, *report.declares)
    blocks: list[RenderableType] = [head, *(_text(line) for line in told)]
    if told:
        blocks.append(_text(""))
    if audit := imports(report):
        blocks.append(_text(f"imports: {', '.join(audit)}\n", style="dim"))
    if report.plugins:
        blocks.append(_text(f"chapters of other packages: {', '.join(report.plugins)}\n"))
    blocks += [Text(printable(line), "bold magenta", no_wrap=True, overflow="ignore") for line in report.left_out]
    operations = list(dict.fromkeys(result.operation for result in report.results))
    missing: list[str] = []
    for operation in operations:
        results = [result for result in report.results if result.operation == operation]
        if all(result.outcome is Outcome.NOT_OFFERED for result in results):
            missing.append(operation)
        else:
            blocks.append(_table(operation, results))
    blocks += [_text(line, style="dim") for line in _hidden(r for r in report.results if r.operation not in missing)]
    if missing:
        blocks.append(_text(f"not offered: {', '.join(missing)}", style="dim"))
    blocks += [_text(line, style="dim") for line in _sizes(report.results)]
    stateful = {each.operation: each.clause for each in report.results if each.violation and each.kind == STATE}
    blocks += [_text(f"\n{line}", style=STYLES[Outcome.ERROR]) for line in _tried_again(report.results)]
    for group in _groups(report.results):
        lead = group[0]
        blocks += [_text(""), _violation(lead, "" if lead.kind == STATE else stateful.get(lead.operation, ""))]
        blocks += [Padding(_text(line), (0, 0, 0, 2)) for line in _also(group)]
    return Group(*blocks, _text(""), verdict(report))


def imports(report: Report) -> list[str]:
    """Whose results a target's own may be: what it has imported that computes what laws judge; ours first."""
    if report.target in BUILT_IN:
        return []
    found: Mapping[str, str] = report.provenance.get("libraries", {})
    return [f"{name} {found[name]}".strip() for name in (*OWN, *LIBRARIES) if name in found]


def _hidden(results: Iterable[LawResult]) -> list[str]:
    """Why laws of what is offered are not: a line a reason, with its clauses."""
    clauses: dict[str, dict[str, None]] = {}
    for result in results:
        if result.outcome is Outcome.NOT_OFFERED and result.reason:
            clauses.setdefault(result.reason, {})[result.clause] = None
    return [f"not offered: {', '.join(each)}, since {reason}" for reason, each in clauses.items()]


def _sizes(results: Iterable[LawResult]) -> list[str]:
    """What laws at size say that hold: a line an operation."""
    texts: dict[str, dict[str, list[str]]] = {}
    for result in results:
        if result.size and not result.broken:
            texts.setdefault(result.operation, {}).setdefault(result.size, []).append(result.dtype)
    lines = {
        operation: "; ".join(f"{text} ({', '.join(dtypes)})" for text, dtypes in each.items())
        for operation, each in texts.items()
    }
    return [f"{operation} at size: {line}" for operation, line in lines.items()]


def _tried_again(results: Iterable[LawResult]) -> list[str]:
    """What was an error at first, and then was not."""
    clauses: dict[str, list[str]] = {}
    for result in results:
        if not result.broken and result.reason.startswith(PASSED):
            clauses.setdefault(result.reason, []).append(f"{result.clause} {result.operation} {result.dtype}")
    return [f"{', '.join(each)}: {reason}" for reason, each in clauses.items()]


def text(report: Report) -> str:
    """The same as plain text."""
    return _plain(render(report))


def explain(result: LawResult) -> str:
    """One violation or error as plain text."""
    return _plain(_violation(result))


def verdict(report: Report) -> Text:
    """One or two sentences: the verdict and how close it was."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in tally(report.results).items())
    arrays = sum(result.cases for result in report.results)
    judged = [r for r in report.results if r.outcome in (Outcome.CONFORMS, Outcome.DECLARED) and r.worst is not None]
    closest = max(judged, key=lambda result: result.worst or 0.0, default=None)
    declared = sorted(
        {f"{k} = {v}" for r in report.results if r.outcome is Outcome.DECLARED for k, v in r.conventions.items()}
    )
    how = ", judged as found" if report.recognised else " as declared"
    if not report.complete:
        words, style = f"incomplete: stopped after {len(report.results)} of {report.planned} laws", "bold magenta"
    elif report.conforms:
        words, style = "conforms" + (f"{how} ({', '.join(declared)})" if declared else ""), "bold green"
        if left := [line.split(":")[0].removeprefix("not judged as ") for line in report.recognised if _left(line)]:
            words += f", but for {_several(left)}, which it is not judged as"
        if report.short_of:
            those = "a SHOULD: --strict makes it" if len(report.short_of) == 1 else "SHOULDs: --strict makes them"
            words += f", and falls short of {_several(report.short_of)} ({those} count)"
    elif not any(result.outcome is not Outcome.NOT_OFFERED for result in report.results):
        words, style = "offers nothing to judge yet", "bold magenta"
    elif report.exit_code == 3:
        words, style = "could not be run", "bold magenta"
    elif not any(result.outcome is Outcome.VIOLATES for result in report.results):
        words, style = "fails with errors", "bold magenta"
    else:
        words, style = "violates", "bold red"
    tail = f": {counts}, on {arrays:,} arrays in {report.seconds:.1f} s."
    if closest is not None and closest.worst:
        limit = report.limits.get(closest.operation)
        what = f"Strongest evidence: {closest.worst:.2f} of the {limit}" if limit else ""
        tail += f" {what or f'Largest error: {closest.worst:.2f} of the bound'} ({closest.clause}, {closest.dtype})."
    reached = _precisions(report)
    if reached:
        tail += " Precision reached: " + ", ".join(f"{name} {precision}" for name, precision in reached.items()) + "."
    return Text.assemble(printable(f"{report.target} "), (words, style), tail)


def _left(line: str) -> bool:
    """Whether a line of what a target was taken for says that it was not."""
    return line.startswith("not judged as ")


def _precisions(report: Report) -> dict[str, str]:
    """Of each operation where it is told how finely it rounds, the coarsest that any of its results shows."""
    reached: dict[str, str] = {}
    for operation, known in report.precisions.items():
        seen = {
            name
            for result in report.results
            if result.operation == operation and result.outcome in (Outcome.CONFORMS, Outcome.DECLARED)
            for name in (*result.conventions.values(), result.grade)
        }
        coarsest = next((name for name in known if name in seen), "")
        if coarsest:
            reached[operation] = coarsest
    return reached


def _table(operation: str, results: list[LawResult]) -> Table:
    dtypes = list(dict.fromkeys(result.dtype for result in results))
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left", header_style="")
    table.add_column(_text(operation, style="bold"), no_wrap=True)
    table.add_column("", ratio=1)
    for dtype in dtypes:
        table.add_column(dtype, no_wrap=True)
    laws = dict.fromkeys((result.clause, result.law, result.statement) for result in results)
    chapters = list(dict.fromkeys(_parts(result.clause)[0] for result in results))  # its own first, then the contract
    for id, law, statement in sorted(laws, key=lambda row: (chapters.index(_parts(row[0])[0]), _parts(row[0])[1])):
        cells = {result.dtype: _cell(result) for result in results if result.law == law}
        table.add_row(f"  {id}", statement, *(cells.get(dtype, _text("")) for dtype in dtypes))
    return table


def _parts(clause: str) -> tuple[str, int]:
    """The prefix and the number of a clause's id."""
    prefix, _, number = clause.partition("-")
    return prefix, int(number)


def _cell(result: LawResult) -> Text:
    words = str(result.outcome)
    if result.outcome not in (Outcome.ERROR, Outcome.NOT_OFFERED) and result.worst:
        words += f" {result.worst:.2f}" if result.worst < 1000 else f" {result.worst:.0e}" if result.worst < inf else ""
    if result.grade:
        words += f" {result.grade}"
    return _text(words, style=STYLES[result.outcome])


def _groups(results: Iterable[LawResult]) -> list[list[LawResult]]:
    """Violations and errors, then what falls short; those of one operation and cause, or example, together.

    Of an operation, and in each group, state comes first, for what else is seen may come of it; then what a result is,
    before what holds of it besides; then the shortest example.
    """
    groups: dict[object, list[LawResult]] = {}
    for result in results:
        if result.broken:
            cause = result.violation.cause if result.violation else None
            told = result.violation.reason or result.violation.example[0]["entries"] if result.violation else ""
            short = result.outcome is Outcome.FALLS_SHORT
            key = (short, result.operation, cause.name if cause else result.reason or told)
            groups.setdefault(key, []).append(result)
    found = [sorted(group, key=lambda result: (_rank(result), _length(result))) for group in groups.values()]
    operations = list(dict.fromkeys(group[0].operation for group in found))
    return sorted(found, key=lambda group: (
        group[0].outcome is Outcome.FALLS_SHORT, operations.index(group[0].operation), _rank(group[0])
    ))  # fmt: skip


def _rank(result: LawResult) -> int:
    """Which of several broken laws to show first: one at size last, whose example nobody can read."""
    return {STATE: 0, "value": 1, "size": 3}.get(result.kind, 2)


def _also(group: list[LawResult]) -> list[str]:
    """The other laws of a group, in a line or two: those that were broken otherwise may hide another mistake."""
    lead, *others = group
    alike = [each for each in others if _seen(each) == _seen(lead) or _cause(each)]
    unlike = [each for each in others if each not in alike]
    lines = [
        ("also in ", alike),
        ("also broken by this example, with other results, so perhaps by another mistake: ", unlike),
    ]
    return [words + ", ".join(f"{each.clause} {each.dtype}" for each in found) for words, found in lines if found]


def _cause(result: LawResult) -> str:
    return result.violation.cause.name if result.violation and result.violation.cause else ""


def _seen(result: LawResult) -> tuple[str, ...]:
    """What was seen, of which there is one where two laws say the same of the same results."""
    seen = result.violation
    return () if seen is None else (seen.got, seen.reason or seen.place)


def _length(result: LawResult) -> int:
    """Of the example: the shortest stands for its group; of those without arrays the first."""
    example = result.violation.example if result.violation else ()
    return sum(len(each["entries"]) for each in example) if any(each["dtype"] for each in example) else 0


def _violation(result: LawResult, stateful: str = "") -> RenderableType:
    """The clause and its words; the example; got, want, off; the cause; the fix; what to read; how to replay.

    stateful: the clause that says that there is no state, where it is broken too.
    """
    seen = result.violation
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    stated = _clause(result.clause)
    rows.add_row("clause", _text(f"{result.clause}  {stated.statement}"))
    for declared in _declared(result):
        rows.add_row("declared", _text(declared))
    rows.add_row("law", _text(f"{result.law}: {result.statement}"))
    if result.level == SHOULD:
        rows.add_row("level", _text(f"{SHOULD}, because {_clause(result.clause).reason}"))
    if seen is not None:
        for each in seen.example:
            rows.add_row("example", _text(argument(each)))
        if seen.passed:
            rows.add_row("passed", _text(seen.passed))
        if seen.got:
            where = f"  at {seen.place}" if seen.place else ""
            whole = f"  in {seen.result}" if seen.result else ""
            rows.add_row("got", _text(f"{seen.got}{where}{whole}"))
            rows.add_row("want", _text(f"{seen.want}  ({seen.expected})"))
            rows.add_row("off by", _text(f"{seen.off}, where {seen.allowed} is allowed"))
        if seen.reason:
            rows.add_row("got", _text(seen.reason + (f": {seen.result}" if seen.result else "")))
        if result.size:
            rows.add_row("size", _text(result.size))
        if seen.cause is not None:
            known = f" (seen: {seen.cause.seen})" if seen.cause.seen else ""
            named = "" if seen.cause.fault.startswith(seen.cause.name) else f"{seen.cause.name}: "
            rows.add_row("cause", _text(f"{named}{seen.cause.fault}{known}"))
        elif seen.got:
            rows.add_row("cause", _text("no one known mistake does just this"))
        if seen.fix:
            rows.add_row("fix", _text(seen.fix))
    if result.reason:
        else_got = seen is not None and (seen.got or seen.reason)
        rows.add_row("also" if else_got else "got", _text(result.reason))
    if stateful:
        rows.add_row("note", _text(f"{stateful} fails too: what a call leaves behind may be why this does"))
    rows.add_row("read", _text(f"nnlaws explain {result.clause}"))
    if result.replay:
        strictly = "--strict " if result.level == SHOULD and result.outcome is not Outcome.FALLS_SHORT else ""
        rows.add_row("replay", _text(f"nnlaws replay {strictly}{shlex.quote(result.replay)}"))
    head = _text(
        f"{result.outcome.upper()}  {result.clause}  {result.operation}  {result.dtype}", style=STYLES[result.outcome]
    )
    return Group(head, Padding(rows, (0, 0, 0, 2)))


def _clause(id: str) -> Clause:
    """The clause; that of another package's chapter is found only where that is loaded, which takes longer."""
    try:
        return clause(id)
    except KeyError:
        from nnlaws.chapters import all_clauses

        missing = "(the chapter of this clause is not installed here)"
        return all_clauses().get(id) or Clause(id, missing, "", missing, "", (), "", (), (), missing)


def _declared(result: LawResult) -> list[str]:
    """What is declared in place of the clause's own choice, where it has such a variant, and what that means."""
    own = {(each.name, each.value) for each in _clause(result.clause).variants}
    found = [pair for pair in result.conventions.items() if pair in own]
    return [f"{name} = {value}: {_meaning(result.clause, name, value)}" for name, value in found]


def _meaning(id: str, name: str, value: str) -> str:
    """As the first clause of the chapter that has the variant describes it: later ones refer to that."""
    known: Iterable[Clause] = clauses().values()
    if id not in clauses():
        from nnlaws.chapters import all_clauses

        known = all_clauses().values()
    chapter = _clause(id).chapter
    variants = (each for found in known if found.chapter == chapter for each in found.variants)
    return next(each.meaning for each in variants if (each.name, each.value) == (name, value))


def _several(names: Sequence[str]) -> str:
    """As in a sentence: A, B and C."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def argument(given: dict[str, str]) -> str:
    """As it can be typed again; an option is a plain number."""
    value = f"array({given['entries']}, dtype={given['dtype']})" if given["dtype"] else given["entries"]
    return f"{given['name']} = {value}"


def _text(words: str, style: str = "") -> Text:
    """Text with nothing in it that a terminal would obey: a target chooses its own names and messages."""
    return Text(printable(words), style=style)


def _plain(content: RenderableType) -> str:
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None, highlight=False, emoji=False).print(content, crop=False)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def lines(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where a verdict comes from, as names and texts; libraries by their own names."""
    own = [(name, str(value)) for name, value in provenance.items() if name != "libraries" and value != ""]
    return [*own, *(("library", f"{name} {version}") for name, version in provenance.get("libraries", {}).items())]
