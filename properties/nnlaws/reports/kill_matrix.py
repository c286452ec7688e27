"""The kill matrix for people and machines: a summary for the terminal, a Markdown page, JSON."""

import io
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from nnlaws.chapters import LAWS, chapter_of
from nnlaws.kill_matrix import Catch, Cell, Matrix, Need, matrix
from nnlaws.output import apart, writable, write
from nnlaws.plan import Selection

CODES = {"float16": "h", "bfloat16": "b", "float32": "s", "float64": "d"}
WIDTH = 120


def report(selection: Selection, jobs: int, json_file: str | None, page_file: str | None) -> bool:
    """Makes the matrix, prints its summary and writes what is wanted; returns whether every mutant is killed.

    Raises UsageError for a file that cannot be written, before anything is run.
    """
    files = {"--json": json_file, "--page": page_file}
    for name, path in files.items():
        if path is not None:
            writable(name, path)
    apart(files)
    found = make(selection, jobs)
    if json_file:
        write(Path(json_file), json.dumps(as_json(found), allow_nan=False) + "\n")
    if page_file:
        write(Path(page_file), page(found))
    if sys.stdout.isatty():
        Console(highlight=False, emoji=False).print(render(found))
    else:
        print(text(found), end="")
    return not found.survivors


def make(selection: Selection, jobs: int) -> Matrix:
    """The matrix, with a line on standard error after each operation."""
    cells: list[Cell] = []
    for some in matrix(selection, jobs):
        cells += some
        part = Matrix(selection.profile, selection.seed, some)
        print(f"{_name(some)}: {len(part.killed)} of {len(part.mutants)} mutants killed", file=sys.stderr, flush=True)
    return Matrix(selection.profile, selection.seed, tuple(cells))


def _name(cells: tuple[Cell, ...]) -> str:
    return cells[0].operation if cells else "nothing"


def as_json(found: Matrix) -> dict[str, Any]:
    """Every cell; of each mutant whether it is killed and what explains it best; of each law what it is needed for."""
    best = found.best()
    return {
        "profile": found.profile,
        "seed": found.seed,
        "cells": [asdict(cell) for cell in found.cells],
        "mutants": [
            {"mutant": mutant, "killed": mutant in best, "best": asdict(best[mutant]) if mutant in best else None}
            for mutant in found.mutants
        ],
        "laws": [{"law": law, "needed": need.needed, **asdict(need)} for law, need in found.needs().items()],
    }


def from_json(data: dict[str, Any]) -> Matrix:
    """The matrix that was written so."""
    cells: list[dict[str, Any]] = [dict(cell, catch=Catch(cell["catch"])) for cell in data["cells"]]
    return Matrix(data["profile"], data["seed"], tuple(Cell(**cell) for cell in cells))


# --- the terminal ---


def render(found: Matrix) -> RenderableType:
    """A row an operation, then what survived, and the laws that no known mistake needs."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    table.add_column("operation", no_wrap=True)
    for head in ("laws", "needed", "mutants", "killed", "examples", "seconds", "entries"):
        table.add_column(head, justify="right", no_wrap=True)
    for operation in dict.fromkeys(cell.operation for cell in found.cells):
        table.add_row(operation, *row(found.of([operation])))
    blocks: list[RenderableType] = [Text(f"{_what(found)}\n"), table, Text("")]
    blocks.append(Text("examples, seconds: to the first counterexample, median and most; entries: of the shrunk one\n"))
    blocks += [Text(f"not killed: {mutant}", style="bold red") for mutant in found.survivors]
    needs = found.needs()
    for law, need in needs.items():
        if not need.needed:
            blocks.append(Text(f"neither alone nor best: {law} (kills {len(need.kills)})", style="yellow"))
    blocks.append(Text(verdict(found, needs), style="bold red" if found.survivors else "bold green"))
    return Group(*blocks)


def text(found: Matrix) -> str:
    """The same as plain text."""
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None, highlight=False, emoji=False).print(render(found))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def verdict(found: Matrix, needs: dict[str, Need]) -> str:
    """The totals, in one sentence."""
    alone, needed = (sum(bool(getattr(need, what)) for need in needs.values()) for what in ("alone", "needed"))
    return (
        f"{len(found.killed)} of {len(found.mutants)} mutants killed; of {len(needs)} laws {alone} kill a mutant that "
        f"no other kills, and {needed - alone} more explain one best"
    )


def _what(found: Matrix) -> str:
    judged = {cell.dtype for cell in found.cells}
    dtypes = ", ".join(name for name in CODES if name in judged)
    seed = "its own cases" if found.seed is None else f"seed {found.seed}"
    return f"{len(found.cells):,} searches: a law, a mutant, a dtype · {dtypes} · profile {found.profile}, {seed}"


def row(part: Matrix) -> tuple[str, ...]:
    """Of an operation or a chapter: laws, needed, mutants, killed; examples, seconds and entries, median and most."""
    needs, killed = part.needs(), [cell for cell in part.cells if cell.killed]
    counts = (len(needs), sum(need.needed for need in needs.values()), len(part.mutants), len(part.killed))
    entries = [cell.entries for cell in part.best().values() if cell.entries is not None]
    return (
        *(f"{count:,}" for count in counts),
        spread([cell.examples for cell in killed], "{:.0f}"),
        spread([cell.seconds for cell in killed], "{:.3f}"),
        spread(entries, "{:.0f}"),
    )


def spread(numbers: Iterable[float], digits: str) -> str:
    """Median and most, as in 1 / 20."""
    there = list(numbers)
    return f"{digits.format(median(there))} / {digits.format(max(there))}" if there else "–"


# --- the page ---


def page(found: Matrix) -> str:
    """Markdown: of each operation a table, laws as columns, mutants as rows; and what each law is needed for."""
    needs = found.needs()
    codes = ", ".join(f"{code} {name}" for name, code in CODES.items())
    head = f"""# The kill matrix

Which law catches which known mistake: every law is held against every mutant of its operation. Made by `nnlaws mutants`
({_what(found)}).
{verdict(found, needs)}.

- A cell names the dtypes in which results of the mutant contradict the law: **●** in all that the operation is judged
  in, else {codes}. *e*: there the mutant raised, or returned what cannot be
  compared; *–*: it lacks the keyword that the law is about.
- *best* is the law that explains the mutant best: by the smallest shrunk example, then after the fewest examples; of
  several, the one that kills the fewest mutants. *entries*: the numbers in the arrays of that example. *examples*: how
  many were tried up to the first counterexample. Shrunk in float32, or in the first dtype with a counterexample.
- Below each table, of each law: how many mutants it kills, those that no other law kills (*alone*), and those that it
  explains *best*.
"""
    operations = dict.fromkeys(cell.operation for cell in found.cells)
    return head + "".join(_operation(found.of([operation]), operation, needs) for operation in operations)


def _operation(part: Matrix, operation: str, needs: dict[str, Need]) -> str:
    columns = heads(part)
    best, rows = part.best(), [f"| mutant | best | entries | examples | {' | '.join(columns.values())} |"]
    rows.append("|---|---|--:|--:|" + ":-:|" * len(columns))
    grid: dict[tuple[str, str], list[Cell]] = {}
    for cell in part.cells:
        grid.setdefault((cell.mutant, cell.law), []).append(cell)
    for mutant in part.mutants:
        told = best.get(mutant)
        entries = "" if told is None or told.entries is None else str(told.entries)
        what = [_short(mutant), "**not killed**", "", ""]
        if told is not None:
            what = [_short(mutant), columns[told.law], entries, str(told.examples)]
        rows.append("| " + " | ".join([*what, *(entry(grid[mutant, law]) for law in columns)]) + " |")
    laws = ["| law | | killed | alone | best |", "|---|---|--:|---|---|"]
    for law, column in columns.items():
        need = needs[law]
        alone, first = (", ".join(map(_short, names)) for names in (need.alone, need.best))
        laws.append(f"| {column} | {_short(law)} | {len(need.kills)} | {alone} | {first} |")
    chapter = chapter_of(operation).name
    return "\n".join(["", f"## {operation} ({chapter})", "", *rows, "", *laws, ""])


def heads(part: Matrix) -> dict[str, str]:
    """The clause of each law; with a letter, where several of an operation's laws stand for one."""
    clauses = {cell.law: cell.clause for cell in part.cells}
    several, turn = Counter(clauses.values()), Counter[str]()
    named: dict[str, str] = {}
    for law in (law.id for law in LAWS if law.id in clauses):
        clause = clauses[law]
        named[law] = clause if several[clause] == 1 else clause + "abcdefgh"[turn[clause]]
        turn[clause] += 1
    return named


def entry(cells: Iterable[Cell]) -> str:
    """One law and one mutant: the dtypes in which it is killed, and those in which that is an error."""
    there = list(cells)
    found: list[str] = []
    for catch, mark in ((Catch.KILLED, ""), (Catch.ERROR, "e "), (Catch.NOT_OFFERED, "– ")):
        codes = "".join(
            code for name, code in CODES.items() if any(c.dtype == name and c.catch is catch for c in there)
        )
        if codes:
            found.append(mark.strip() or "●" if len(codes) == len(there) else mark + codes)
    return " ".join(found)


def _short(name: str) -> str:
    """Without the operation."""
    return name.partition(".")[2]
