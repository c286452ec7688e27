"""Is a stranger taken for a known mistake? `python benchmarks/strangers.py`, with mutmut >= 3.8; see causes.py.

The mutants of nnlaws are those that diagnosis was written with. These are not: changes of one place in the reference
by mutmut's operators, each judged by all laws of the operations that it is made with. A cause that is named is put to
the proof as in causes.py: on inputs that diagnosis has not seen, or, of a convention, by declaring it.
"""

import argparse
import datetime
import json
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import cache
from math import inf
from multiprocessing import get_context
from pathlib import Path

import causes
import page
import proofs
from causes import Named
from judging import copied, made_with, modules, mutations_of, reachable
from mutated import MissingTool, Mutation
from nnlaws.authoring.mutant import Mutant

Found = dict[str, list[Named]]
"""By operation and change; none where no law is broken."""


@cache
def strangers() -> dict[str, Mutation]:
    """All changes of the reference that laws reach, less those of what only refuses arguments; by module and change."""
    return {
        f"{module} | {each.key}": each
        for module in modules()
        if module.startswith("reference")
        for each in mutations_of(module)
        if reachable(each) and not each.refusal
    }


def judged(key: str, profile: str) -> Found:
    """All violations of a change, by operation."""
    mutation = strangers()[key]
    try:
        offered = copied(mutation.module, mutation.text).operations
    except Exception as error:
        print(f"{key}: {type(error).__name__}: {error}", file=sys.stderr)
        return {}
    found: Found = {}
    for operation in made_with(mutation):
        name = f"{operation} | {key}"
        proofs.KNOWN[name] = Mutant(operation, name, mutation.change, "", "", offered[operation])
        found[name] = causes.judged(name, profile)
    return found


def run(keys: Sequence[str], profile: str, jobs: int, log: Path | None, until: float) -> dict[str, Found]:
    """What became of these changes, of as many as there is time for; what the log has is not done again."""
    found: dict[str, Found] = {}
    for line in log.read_text("utf-8").splitlines() if log is not None and log.exists() else ():
        key, rows = json.loads(line)
        found[key] = {name: [Named(**row) for row in each] for name, each in rows.items()}
    left, began = [key for key in keys if key not in found], time.time()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting = {pool.submit(judged, key, profile): key for key in left}
        for number, ended in enumerate(as_completed(waiting), 1):
            if ended.cancelled():
                continue
            key = waiting[ended]
            found[key] = ended.result()
            if log is not None:
                with log.open("a", encoding="utf-8") as lines:
                    rows = {name: [asdict(row) for row in each] for name, each in found[key].items()}
                    lines.write(json.dumps([key, rows], ensure_ascii=False) + "\n")
            if number % 20 == 0:
                print(f"{number} of {len(left)} changes, {time.time() - began:.0f} s", file=sys.stderr, flush=True)
            if time.time() > until:
                pool.shutdown(wait=False, cancel_futures=True)
    return {key: found[key] for key in keys if key in found}


def section(found: dict[str, Found], of: int, options: str) -> str:
    """The section of the page."""
    rows = {key: [row for each in by.values() for row in each] for key, by in found.items()}
    shown = {key: each for key, each in rows.items() if each}
    every = [row for each in shown.values() for row in each]
    named = [row for row in every if row.cause]
    right = [row for row in named if row.verdict in proofs.RIGHT]
    called = {key: each for key, each in shown.items() if any(row.cause for row in each)}
    misled = [key for key, each in shown.items() if any(row.cause and row.verdict not in proofs.RIGHT for row in each)]
    wrong = [row for row in named if row.verdict not in proofs.RIGHT]
    return f"""And where the mistake is none of those that nnlaws was written with? Changes of one place in the
reference by mutmut's operators, {_which(found, of)}, each judged by all laws of the operations that
are made with it. `python benchmarks/strangers.py{options} --write`, {datetime.date.today()}.

- {len(shown)} of them break a law by a wrong result, in {len(every)} violations; the rest change nothing that a law
  sees, or end in an error.
- {len(called)} are given a cause, in {len(named)} violations. It is right in {len(right)}: \
{causes.percent(len(right), len(named))}.
- {len(shown) - len(misled)} of {len(shown)} are never given a wrong one: \
{causes.percent(len(shown) - len(misled), len(shown))}.

{_listed(wrong)}

*Right* is a mutant with the same results, or a convention with which no law is broken; intervals as above."""


def _which(found: dict[str, Found], of: int) -> str:
    return f"all {of:,} that a law reaches" if len(found) == of else f"{len(found)} of {of:,} drawn at random"


def _listed(wrong: Sequence[Named]) -> str:
    if not wrong:
        return "No wrong cause was named."
    lines = ["| operation | line | change | law | named | worth |", f"|{'---|' * 6}"]
    for row in wrong:
        operation, _, _, line, change, _ = row.mutant.split(" | ")
        cells = (operation, f"`{line}`", f"`{change}`", row.law.partition(".")[2], row.cause)
        lines.append(f"| {' | '.join(cells)} | {proofs.VERDICTS[row.verdict]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, help="how many are drawn (default: all)")
    parser.add_argument("--minutes", type=float, default=inf, help="after which no other is begun")
    parser.add_argument("--profile", default="ci", help="for its number of examples (default: ci)")
    parser.add_argument("--seed", type=int, default=0, help="for the draw")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--log", type=Path, help="a file of what was found, to go on from")
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md, not standard output")
    given = parser.parse_args()
    try:
        every = list(strangers())
    except MissingTool as error:
        sys.exit(str(error))
    keys = random.Random(given.seed).sample(every, min(given.changes or len(every), len(every)))
    found = run(keys, given.profile, given.jobs, given.log, time.time() + 60 * given.minutes)
    options = "".join(
        f" --{name} {getattr(given, name)}"
        for name in ("changes", "profile", "seed")
        if getattr(given, name) != parser.get_default(name)
    )
    page.publish("strangers", section(found, len(every), options), wanted=given.write)


if __name__ == "__main__":
    main()
