"""Do verdicts accuse the innocent? Law runs with fresh seeds on what is right: `python benchmarks/soak.py`.

A law run is one law in one dtype on one target with one seed. Targets: the sound variants, the reference, and the
built-in adapters to whatever libraries are installed, in the cells of docs/findings.md where they conform; or files of
one's own. Law run number n has a target, a law and a dtype from a shuffled list, and seed + n for its seed, so that
what it finds depends neither on the number of workers nor on where a run was stopped. Each is a line of the log; the
same command goes on from there. At 8 examples (`quick`) a law run takes 20 ms on average, at 20 (`ci`) twice that, so
100,000 take about an hour. A law that was mended because of a false alarm is run again with other seeds (--laws, in a
log of its own), and what the first log has of it left out (--mended). Targets run unguarded in the workers: what hangs
or crashes there is none of these.
"""

import argparse
import datetime
import itertools
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import page
from nnlaws.adapters import BUILT_IN
from nnlaws.chapters import SOUND
from nnlaws.harness.planning import plan
from nnlaws.harness.run import run as run_task
from nnlaws.harness.targets import Target, resolve
from nnlaws.plan import Selection, Task
from nnlaws.report import Outcome
from nnlaws.reports.terminal import explain
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.errors import TargetError
from soaked import CHAPTERS, RUNS, VARIANT, Found, digest, note, read, section, sha

FINDINGS = page.PAGE.parent / "findings.md"
CHUNK = 16  # law runs that a worker is given at a time
VARIANTS = tuple(VARIANT + variant.name for variant in SOUND)


@dataclass(frozen=True)
class Cell:
    """A law in a dtype on a target."""

    target: str
    task: Task


@cache
def target(name: str) -> Target:
    """A sound variant, or what `nnlaws check` would take."""
    if not name.startswith(VARIANT):
        return resolve(name)
    (variant,) = [each for each in SOUND if VARIANT + each.name == name]
    return Target(name, "", {variant.operation: variant.function}, tuple(DTYPES), variant.conventions)


def names(asked: Sequence[str]) -> list[str]:
    """The targets asked for, `sound` meaning all variants and none everything; without those that cannot be loaded."""
    every = [name for each in asked or ("sound", *BUILT_IN) for name in (VARIANTS if each == "sound" else (each,))]
    loaded: list[str] = []
    for name in every:
        try:
            target(name)
        except TargetError as error:
            if name in asked:
                raise
            print(f"left out: {name}: {error}", file=sys.stderr)
        else:
            loaded.append(name)
    return loaded


def cells(targets: Iterable[str], laws: tuple[str, ...] = ()) -> list[Cell]:
    """All that is to be judged, by these laws or by all; of adapters, where they conform."""
    conforming = conform()
    return [
        Cell(name, task)
        for name in targets
        for task in plan(target(name), Selection(laws=laws, strict=True))
        if task.offered and (name not in BUILT_IN or (name, task.operation, task.dtype) in conforming)
    ]


def conform() -> set[tuple[str, str, str]]:
    """Target, operation and dtype, by the table at the top of docs/findings.md."""
    top = FINDINGS.read_text("utf-8").partition("\n## ")[0]
    rows = [re.split(r"\s*\|\s*", line)[1:-1] for line in top.splitlines() if line[:1] == "|"]
    (_, _, *dtypes), _, *body = rows
    backend = f"keras {os.environ.get('KERAS_BACKEND', 'torch')}"
    return {
        ("keras" if name == backend else name, operation, dtype)
        for listed, operations, *outcomes in body
        for name in listed.split(", ")
        for operation in operations.split(", ")
        for dtype, outcome in zip(dtypes, outcomes, strict=True)
        if outcome == "conforms"
    }


def shuffled(every: Sequence[Cell]) -> list[Cell]:
    """The cells in an order that is always the same, so that a soak that is cut short has seen some of everything."""
    return random.Random(0).sample(every, len(every))


def law_run(number: int, cell: Cell, profile: str, seed: int) -> Found:
    task = cell.task
    result = run_task(task, target(cell.target), Selection(profile=profile, seed=seed))
    return Found(
        number=number,
        target=cell.target,
        law=task.law,
        dtype=task.dtype,
        seed=seed,
        outcome=result.outcome,
        worst=result.worst,
        arrays=result.cases,
        seconds=round(result.seconds, 4),
        replay=result.replay,
        shown=explain(result) if result.outcome in (Outcome.VIOLATES, Outcome.ERROR) else "",
    )


def several(work: Sequence[tuple[int, Cell, str, int]]) -> list[Found]:
    return [law_run(*each) for each in work]


def load(targets: Sequence[str]) -> None:
    """What a worker begins with: all targets, for Hypothesis draws among the constants of modules that are loaded."""
    for name in targets:
        target(name)


def soak(
    every: Sequence[Cell], numbers: Iterable[int], profile: str, seed: int, workers: int, until: float
) -> Iterator[Found]:
    """The law runs of these numbers, as they end; nothing new is begun after that time."""
    deck = shuffled(every)
    work = ((number, deck[number % len(deck)], profile, seed + number) for number in numbers)
    chunks = iter(lambda: list(itertools.islice(work, CHUNK)), [])
    targets = tuple(dict.fromkeys(cell.target for cell in every))
    with ProcessPoolExecutor(workers, get_context("spawn"), load, (targets,)) as pool:
        waiting = {pool.submit(several, chunk) for chunk in itertools.islice(chunks, 2 * workers)}
        while waiting:
            ended = next(as_completed(waiting))
            waiting.remove(ended)
            if time.time() < until:
                waiting |= {pool.submit(several, chunk) for chunk in itertools.islice(chunks, 1)}
            yield from ended.result()


def header(every: Sequence[Cell], profile: str, seed: int) -> str:
    """The first line of a log: what has to be the same for the rest of it to be gone on with."""
    listed = "\n".join(f"{cell.target} {cell.task.law} {cell.task.dtype}" for cell in every)
    about = {"profile": profile, "seed": seed, "cells": len(every), "of": sha(listed)}
    return json.dumps(about) + "\n"


def replay(token: str) -> int:
    """The law of an alarm again, on its one array."""
    law, dtype, case, name = token.split("/", 3)
    (task,) = [each.task for each in cells([name]) if each.task.law == law and each.task.dtype == dtype]
    result = run_task(replace(task, case=case), target(name), Selection())
    print(explain(result) if result.violation else result.outcome, end="\n")
    return int(result.outcome is Outcome.VIOLATES)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help="law runs in all, earlier ones counted in")
    parser.add_argument("--workers", "--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which nothing new is begun")
    parser.add_argument(
        "--targets", type=_separated, default=(), help="separated by commas; `sound` is all variants (default: all)"
    )
    parser.add_argument("--laws", type=_separated, default=(), help="separated by commas (default: all)")
    parser.add_argument("--profile", default="ci", help="for its number of examples (default: ci)")
    parser.add_argument("--seed", type=int, help="of law run number 0 (default: the log's, or else today's date)")
    parser.add_argument("--log", type=Path, default=Path("soak.jsonl"), help="to write, or go on with")
    parser.add_argument("--also", type=Path, action="append", default=[], help="another log to count in")
    parser.add_argument(
        "--mended", type=_separated, default=(), help="laws, by their ids, that changed since --log: left out of it"
    )
    parser.add_argument("--summary", action="store_true", help="run nothing: only say what the logs hold")
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md, not standard output")
    parser.add_argument("--replay", metavar="TOKEN", help="only run an alarm's law again")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.mended) - CHAPTERS.keys():
        parser.error(f"--mended: expected ids of laws, as softmax.value; got {', '.join(sorted(unknown))}")
    if arguments.replay:
        return replay(arguments.replay)
    if arguments.summary:
        return publish(arguments)
    every = cells(names(arguments.targets), arguments.laws)
    seed = arguments.seed
    if seed is None:
        today = int(f"{datetime.date.today():%Y%m%d}") * 10**6
        seed = _begun(arguments.log)["seed"] if arguments.log.exists() else today
    found = go_on(every, arguments, seed)
    print(f"{len(found)} law runs, digest {digest(found)}", file=sys.stderr)
    return publish(arguments)


def publish(arguments: argparse.Namespace) -> int:
    """Writes or prints what the logs hold; returns 1 if that is a false alarm."""
    profiles = Counter[str]()
    every: list[Found] = []
    left_out: list[Found] = []
    for log in (arguments.log, *arguments.also):
        kept: list[Found] = []
        for one in read(log).values():
            (left_out if log == arguments.log and one.law in arguments.mended else kept).append(one)
        profiles[_begun(log)["profile"]] += len(kept)
        every += kept
    options = "".join(f" --profile {name}" for name in profiles if name != "ci")
    page.publish("soak", section(every, options, profiles, left_out), wanted=arguments.write)
    return int(any(one.false for one in every))


def _separated(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _begun(log: Path) -> dict[str, Any]:
    """The first line of a log."""
    with log.open(encoding="utf-8") as lines:
        begun: dict[str, Any] = json.loads(lines.readline())
    return begun


def go_on(every: Sequence[Cell], arguments: argparse.Namespace, seed: int) -> list[Found]:
    """Runs what the log does not have yet, up to `--runs`. Raises ValueError for a log of something else."""
    log: Path = arguments.log
    first = header(every, arguments.profile, seed)
    if log.exists():
        if log.read_text("utf-8").partition("\n")[0] + "\n" != first:
            raise ValueError(f"{log} is the log of other targets, laws, profile or seed; choose another --log")
        found = read(log)
        whole = log.read_bytes()
        log.write_bytes(whole[: whole.rfind(b"\n") + 1])  # without a line that was cut off
    else:
        found = dict[int, Found]()
        log.write_text(first, "utf-8")
    began = time.time()
    numbers = [number for number in range(arguments.runs) if number not in found]
    before = len(found)
    ends = began + 60 * arguments.minutes
    with log.open("a", encoding="utf-8") as lines:
        for one in soak(every, numbers, arguments.profile, seed, arguments.workers, ends) if numbers else ():
            note(one, lines)
            found[one.number] = one
            if one.false:
                print(f"{one.outcome}: {one.replay} (seed {one.seed})\n{one.shown}", file=sys.stderr, flush=True)
            if len(found) % 1000 == 0:
                pace = (time.time() - began) / (len(found) - before)
                print(f"{len(found)} law runs, {1000 * pace:.0f} ms each", file=sys.stderr, flush=True)
    return list(found.values())


if __name__ == "__main__":
    sys.exit(main())
