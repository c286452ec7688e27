"""The kill matrix of all laws and mutants: docs/kill-matrix.md, and the section of docs/trust.md that sums it up.

    python benchmarks/kills.py --write                  # runs `nnlaws mutants`: 15 minutes on two cores
    python benchmarks/kills.py --read FILE... --write   # takes what `nnlaws mutants --json FILE` wrote, also in parts

Without --write the section goes to standard output.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from nnlaws.api import select
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.harness.planning import find
from nnlaws.kill_matrix import Matrix, Need
from nnlaws.reports import kill_matrix as power
from page import PAGE, publish

MATRIX = PAGE.parent / "kill-matrix.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--read", type=Path, nargs="+", metavar="FILE", help="the matrix as JSON, instead of running it"
    )
    parser.add_argument("--profile", default="ci", help="how hard to look (default: ci)")
    parser.add_argument("--seed", type=int, help="draw other cases than the profile's own")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--operation", action="append", default=[], help="only this; may be repeated")
    parser.add_argument("--write", action="store_true", help="write both pages")
    given = parser.parse_args()
    began, took = time.perf_counter(), ""
    if given.read:
        found = joined([power.from_json(json.loads(path.read_text(encoding="utf-8"))) for path in given.read])
    else:
        found = power.make(select(given.operation, profile=given.profile, seed=given.seed), given.jobs)
        took = f", {(time.perf_counter() - began) / 60:.0f} minutes on {given.jobs} processes"
    if given.write:
        MATRIX.write_text(power.page(found), encoding="utf-8")
    publish("kills", section(found, took), wanted=given.write)


def joined(parts: list[Matrix]) -> Matrix:
    """One matrix of the matrices of different operations, in the order of operations."""
    order = list(OPERATIONS)
    cells = sorted((cell for part in parts for cell in part.cells), key=lambda cell: order.index(cell.operation))
    return Matrix(parts[0].profile, parts[0].seed, tuple(cells))


def section(found: Matrix, took: str) -> str:
    seed = "" if found.seed is None else f" --seed {found.seed}"
    searched = sum(cell.seconds for cell in found.cells) / 60
    operations = list(dict.fromkeys(cell.operation for cell in found.cells))
    chapters = list(dict.fromkeys(chapter_of(OPERATIONS[operation]).name for operation in operations))
    rows = ["| chapter | operations | laws | needed | mutants | killed | examples | seconds | entries |"]
    rows.append("|---|" + "--:|" * 8)
    for chapter in chapters:
        own = [operation for operation in operations if chapter_of(OPERATIONS[operation]).name == chapter]
        rows.append(f"| {chapter.replace('_', ' ')} | {len(own)} | {' | '.join(power.row(found.of(own)))} |")
    rows.append(f"| all | {len(operations)} | {' | '.join(power.row(found))} |")
    missing = [operation for operation in OPERATIONS if operation not in operations]
    return f"""Does every law catch something, and is every known mistake caught?
`python benchmarks/kills.py --profile {found.profile}{seed} --write`, {datetime.now(UTC):%Y-%m-%d}{took}:
{len(found.cells):,} searches, each law × each mutant of its operation × dtype; {searched:.0f} min of processor time
without what comes after a first counterexample. Cell by cell: [kill-matrix.md](kill-matrix.md).

{chr(10).join(rows)}

*examples*, *seconds* of processor time: to the first counterexample; median / most of all kills.
*entries*: the numbers in the arrays of the shrunk example of the law that explains a mutant best, median / most; the
cases of samplers and searches are not shrunk. *needed*: laws that kill a mutant that no other law kills, or explain one
best: by the smallest example, then the earliest; of several, the law that kills the fewest.
{f"{chr(10)}**Incomplete**: not run yet are {', '.join(missing)}.{chr(10)}" if missing else ""}
{power.verdict(found, found.needs())}. {hardest(found)}

{unneeded(found)}

This is about known mistakes; what laws see of others, the next section asks. That a law is not needed here says that
known mistakes are caught twice, not that it could go; and the smallest example is a matter of shapes, where laws of one
sample or one class come first. Examples come again with the same versions and cases; the seconds
are of a busy machine, and include what drawing the cases takes."""


def hardest(found: Matrix) -> str:
    """How soon the quickest law is, in how many dtypes mutants show, and which takes longest."""
    quickest: dict[tuple[str, str], int] = {}
    held: dict[str, set[str]] = defaultdict(set)
    for cell in found.cells:
        held[cell.dtype].add(cell.mutant)
        if cell.killed:
            key = cell.mutant, cell.dtype
            quickest[key] = min(quickest.get(key, cell.examples), cell.examples)
    most, soon = max(quickest.values()), sum(examples <= 2 for examples in quickest.values())
    slow = [f"{mutant} in {dtype}" for (mutant, dtype), examples in quickest.items() if examples == most]
    shown = ", ".join(
        f"{sum(of == dtype for _, of in quickest)} of {len(held[dtype])} in {dtype}"
        for dtype in power.CODES
        if held[dtype]
    )
    return f"""By dtype: {shown}.
The quickest law needs 1 or 2 examples for {soon:,} of these {len(quickest):,}; {most} examples are
the most: {", ".join(slow[:3])}{" …" if slow[3:] else ""}."""


def unneeded(found: Matrix) -> str:
    """The laws that are neither alone nor best, together with those that stay for the same reason."""
    needs = found.needs()
    by_name: dict[str, list[str]] = defaultdict(list)
    for law, need in needs.items():
        if not need.needed:
            by_name[_name(law)].append(law)
    stay: dict[str, list[str]] = defaultdict(list)
    for name, laws in by_name.items():
        clauses = ", ".join(dict.fromkeys(find(law).clause for law in laws))
        operations = ", ".join(law.partition(".")[0] for law in laws)
        stay[why(name, laws, needs)].append(f"{name} ({clauses}) of {operations}")
    idle = [law for law, need in needs.items() if not need.kills]
    lines = [
        f"Laws that kill nothing: {', '.join(idle) or 'none'}. Laws that are neither alone nor best: "
        f"{sum(map(len, by_name.values()))}. What they kill, others kill too, with no larger an example. They stay:",
        "",
        *(f"- {reason}: {'; '.join(laws)}" for reason, laws in stay.items()),
    ]
    return "\n".join(lines)


def why(name: str, laws: Iterable[str], needs: dict[str, Need]) -> str:
    """Why laws of this name stay, though no known mistake needs them."""
    if name == "value" or name.endswith("_value"):
        return "they hold every number to its exact value, and so see mistakes that nobody has thought of"
    clauses = {find(law).clause for law in laws}
    alike = [law for law in needs if _name(law) == name and find(law).clause in clauses]
    if any(needs[law].needed for law in alike):
        return "the same check is needed in another operation"
    beside = {each.name for each in LAWS if each.clause in clauses} - {name}
    return "nothing but another way to see it: their clause has another law" if beside else "the only law of its clause"


def _name(law: str) -> str:
    """Without the operation."""
    return law.partition(".")[2]


if __name__ == "__main__":
    main()
