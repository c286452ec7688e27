"""Is the cause that a verdict names the cause? `python benchmarks/causes.py`, about 20 minutes on two processes.

Every mutant is judged as a user would judge it, by all laws of its operation in float32 (in float64 where there are no
arrays; in the first of float64 and bfloat16 that shows it, where float32 does not). Each violation is diagnosed twice:
as it is, and with the mutant itself withheld from those that are known, as if it were a mistake nobody has thought of.
Whatever is named but the mutant is put to the proof on inputs that diagnosis has not seen; `VERDICTS` says how.
"""

import argparse
import datetime
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import inf
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import page
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.operation import Operation
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.diagnosis import by_results as diagnosis
from nnlaws.harness import methods
from nnlaws.harness.planning import plan
from nnlaws.harness.run import run as run_task
from nnlaws.harness.targets import Target
from nnlaws.plan import Selection
from nnlaws.report import Cause, Outcome
from nnlaws_server.callee import silence
from proofs import FIND, KNOWN, RELATED, RIGHT, VERDICTS, keeping, verdict
from scipy.stats import beta

DTYPES_IN_TURN = ("float32", "float64", "bfloat16")


@dataclass(frozen=True)
class Named:
    """What was named for a violation, and what that is worth; the same with the mutant withheld."""

    mutant: str
    law: str
    dtype: str
    replay: str
    cause: str
    verdict: str
    withheld_cause: str
    withheld_verdict: str


def judged(name: str, profile: str) -> list[Named]:
    """All violations of a mutant, in the first dtype that shows some."""
    mutant = KNOWN[name]
    arrays = OPERATIONS[mutant.operation].arrays
    for dtype in DTYPES_IN_TURN if arrays else ("float64",):
        target = Target(name, "", {mutant.operation: mutant.function}, (dtype,))
        selection = Selection(operations=(mutant.operation,), profile=profile, strict=True)
        found: list[Named] = []
        for task in plan(target, selection):
            with recorded() as explained:
                result = run_task(task, target, selection)
            if result.outcome is not Outcome.VIOLATES or result.violation is None:
                continue
            cause = result.violation.cause
            with withheld(mutant), silence(), patch.object(diagnosis, "find", keeping(FIND)):
                other = explained[-1]()
            found.append(
                Named(
                    *(name, task.law, dtype, result.replay.rpartition("/")[0]),
                    *(_name(cause), verdict(mutant, cause, task.law, dtype)),
                    *(_name(other), verdict(mutant, other, task.law, dtype)),
                )
            )
        if found:
            return found
    return []


def _name(cause: Cause | None) -> str:
    return cause.name if cause else ""


@contextmanager
def recorded() -> Generator[list[Callable[[], Cause | None]]]:
    """Keeps each diagnosis that is asked for, to ask for it again."""
    again: list[Callable[[], Cause | None]] = []

    def keep(explain: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            again.append(lambda: explain(*arguments)[2])
            return explain(*arguments)

        return run

    with patch.object(methods, "explain", keep(methods.explain)), patch.object(diagnosis, "find", keeping(FIND)):
        yield again


@contextmanager
def withheld(mutant: Mutant) -> Generator[None]:
    """Without that mutant, nothing knows of its mistake."""

    def forgetful(operation: Operation) -> Chapter:
        chapter = chapter_of(operation)
        return replace(chapter, mutants=tuple(each for each in chapter.mutants if each.name != mutant.name))

    with patch.object(methods, "chapter_of", forgetful):
        yield


def interval(right: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's bounds of a probability."""
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else float(beta.ppf(tail, right, of - right + 1))
    return low, 1.0 if right == of else float(beta.ppf(1 - tail, right + 1, of - right))


def run(
    names: Sequence[str], profile: str, jobs: int, log: Path | None = None, until: float = inf
) -> dict[str, list[Named]]:
    """All violations of these mutants, of as many as there is time for; what the log has is not done again."""
    found = read(log) if log is not None and log.exists() else dict[str, list[Named]]()
    left = [name for name in names if name not in found] if time.time() < until else []
    began = time.time()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting = {pool.submit(judged, name, profile): name for name in left}
        for number, ended in enumerate(as_completed(waiting), 1):
            if ended.cancelled():
                continue
            found[waiting[ended]] = rows = ended.result()
            if log is not None:
                with log.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({waiting[ended]: [asdict(row) for row in rows]}) + "\n")
            if number % 20 == 0:
                print(f"{number} of {len(left)} mutants, {time.time() - began:.0f} s", file=sys.stderr, flush=True)
            if time.time() > until:
                pool.shutdown(wait=False, cancel_futures=True)
    return {name: found[name] for name in KNOWN if name in found}


def read(log: Path) -> dict[str, list[Named]]:
    lines = log.read_text("utf-8").splitlines()
    return {name: [Named(**row) for row in rows] for line in lines if line for name, rows in json.loads(line).items()}


def table(found: dict[str, list[Named]]) -> str:
    """Right, wrong and unnamed violations by chapter; and mutants of which any violation has a wrong cause."""
    lines = [
        "| chapter | mutants | violations | cause right | none named | wrong "
        "| withheld: none | withheld: a relative or a convention | withheld: wrong |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    chapters: defaultdict[str, list[str]] = defaultdict(list)
    for name in found:
        chapters[chapter_of(KNOWN[name].operation).name].append(name)
    for chapter, names in (*chapters.items(), ("all", list(found))):
        rows = [row for name in names for row in found[name]]
        told = Counter(row.verdict for row in rows)
        blind = Counter(row.withheld_verdict for row in rows)
        right, wrong = sum(told[each] for each in RIGHT), told["wrong"] + told["partly"]
        cells = (
            *(f"{len(names)}", f"{len(rows)}", share(right, len(rows)), share(told["none"], len(rows)), f"{wrong}"),
            *(share(blind["none"], len(rows)), f"{sum(blind[each] for each in RIGHT)}"),
            f"{blind['wrong'] + blind['partly']}",
        )
        lines.append(f"| {chapter} | {' | '.join(cells)} |")
    return "\n".join(lines)


def share(part: int, of: int) -> str:
    return f"{part} ({part / of:.0%})" if of else "0"


def section(found: dict[str, list[Named]], options: str, seconds: float) -> str:
    """The section of the page."""
    shown = [rows for rows in found.values() if rows]
    rows = [row for each in shown for row in each]
    called = sum(any(row.verdict in RIGHT for row in each) for each in shown)
    never = {
        words: sum(all(getattr(row, field) not in ("wrong", "partly") for row in each) for each in shown)
        for words, field in (("known", "verdict"), ("withheld", "withheld_verdict"))
    }
    among = [row for row in rows if row.verdict != "none"]
    right = sum(row.verdict in RIGHT for row in among)
    return f"""Is the cause that a verdict names the cause, and is none named where the mistake is a new one?
`python benchmarks/causes.py{options} --write`, {datetime.date.today()}{_took(seconds)}.

{table(found)}

{_which(found)} was judged by all laws of its operation, and each violation diagnosed twice: with all mutants known, and
with the mutant itself withheld, as if nobody had thought of it. *Right* is the mutant itself; or another that gives the
same results, or the same in {RELATED:.0%} of what either gets wrong, on inputs that diagnosis has not seen (what has
chances: with other seeds); or a convention with which, declared, the mutant breaks no law.

- A cause that is named is right in {right} of {len(among)} violations: {percent(right, len(among))}.
- {called} of the {len(shown)} mutants that break a law get their cause named in one violation at least: \
{percent(called, len(shown))}.
- {never["known"]} of {len(shown)} are never given a wrong one: {percent(never["known"], len(shown))}.
- With the mutant withheld, {never["withheld"]} of {len(shown)} are never given a wrong one: \
{percent(never["withheld"], len(shown))}.

{_listed(rows)}

Intervals are Clopper and Pearson's, 95 %, two-sided; violations of one mutant go together, so those by mutant are the
better ones. They are about single mistakes such as the mutants are: two at once are like no mutant. Earlier runs named
wrong causes for some forty of these, and diagnosis was mended by them: another list of mistakes may fare worse.
No cause is named where several mistakes fit, where the results are right and something else is wrong with the call, as
an argument overwritten, or where chance or the order of calls decides what comes back. {_silent(found)}"""


def _took(seconds: float) -> str:
    return f", {seconds:,.0f} s on a shared machine" if seconds > 10 else ""  # else it was all in the log


def _which(found: dict[str, list[Named]]) -> str:
    if len(found) == len(KNOWN):
        return "Every mutant"
    return f"There was time for {len(found)} of {len(KNOWN)} mutants, in an order drawn at random.\nEach"


def percent(part: int, of: int) -> str:
    low, high = interval(part, of)
    return f"{part / of:.1%} ({low:.1%} to {high:.1%})" if of else "none of none"


def _listed(rows: Sequence[Named]) -> str:
    bad = [row for row in rows if {row.verdict, row.withheld_verdict} & {"wrong", "partly"}]
    if not bad:
        return "No wrong cause was named."
    lines = ["What was wrong:", "", "| mutant | law | named | worth | named, withheld | worth |", f"|{'---|' * 6}"]
    for row in bad:
        cells = (row.cause or "–", VERDICTS[row.verdict], row.withheld_cause or "–", VERDICTS[row.withheld_verdict])
        lines.append(f"| {row.mutant} | {row.law.partition('.')[2]} {row.dtype} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _silent(found: dict[str, list[Named]]) -> str:
    silent = [name for name, rows in found.items() if not rows]
    if not silent:
        return ""
    many = f"{len(silent)} mutants break no law in these dtypes and this profile without an error"
    return f"{many}{': ' + ', '.join(silent) if len(silent) <= 12 else ''}."


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one in eight mutants, in two minutes or three")
    parser.add_argument("--minutes", type=float, default=inf, help="after which no other mutant is begun")
    parser.add_argument("--profile", default="ci", help="for its number of examples (default: ci)")
    parser.add_argument("--seed", type=int, default=0, help="for the order, and so for what a quick run judges")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--log", type=Path, help="a file of what was found, to go on from")
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md, not standard output")
    arguments = parser.parse_args(argv)
    names = random.Random(arguments.seed).sample(list(KNOWN), len(KNOWN) // 8 if arguments.quick else len(KNOWN))
    began = time.perf_counter()
    until = time.time() + 60 * arguments.minutes
    found = run(names, arguments.profile, arguments.jobs, arguments.log, until)
    options = " --quick" if arguments.quick else ""
    page.publish("causes", section(found, options, time.perf_counter() - began), wanted=arguments.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
