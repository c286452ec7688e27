"""Mistakes that nobody thought of: `python benchmarks/mutation.py`, with mutmut >= 3.8, on a system that forks.

Makes every mutation of the reference and of the formulas that mutmut's operators know, and asks of each whether a law
breaks. A mutated reference module is judged as any implementation is, beside a true copy of the others. A mutated
formula takes the true one's place in the harness, and is judged by whether the reference, and the sound variants that
declare a convention, still conform, and, where laws are of chances, by whether known mistakes still do not. First comes
a quick look, then the ci profile: the first violation or error is a kill. What survives has to be explained in
benchmarks/survivors.toml, one line each.

Each judgement is a line of the results file, so that an interrupted run goes on; changed source is judged again, and
survivors are with --again. All of it takes about an hour on a busy machine of two cores.
"""

import argparse
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from textwrap import fill

from judging import Verdict, digest, judge_all, modules, mutations_of, reachable
from mutated import MissingTool, Mutation
from page import publish

SURVIVORS = Path(__file__).parent / "survivors.toml"
RESULTS = Path(".hypothesis/nnlaws/mutation.jsonl")
COLUMNS = ("mutants", "killed", "timed out", "equivalent", "validation", "not reached", "not judged", "unexplained")

Judged = dict[tuple[str, str], Verdict]
"""By module and mutation."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", action="append", default=[], help="as in reference.softmax; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="mutants judged at the same time")
    parser.add_argument("--limit", type=int, default=1 << 30, help="judge no more than so many")
    parser.add_argument("--seed", type=int, help="other cases than the profile's own")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of judgements")
    parser.add_argument("--again", action="store_true", help="judge again what survived")
    parser.add_argument("--trust", action="store_true", help="do not judge what survivors.toml explains")
    parser.add_argument("--quick", action="store_true", help="look no further than the quick profile does")
    parser.add_argument("--list", action="store_true", help="print what survived and is not explained")
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md")
    given = parser.parse_args()
    there = modules()
    unknown = set(given.module) - set(there)
    if unknown:
        parser.error(f"no module {', '.join(unknown)}; there are {', '.join(there)}")
    left = given.limit
    try:
        every = {name: mutations_of(name) for name in there if name in (given.module or there)}
    except MissingTool as error:
        sys.exit(str(error))
    judged, explained = _read(given.results, every, again=given.again), _explanations()
    for name, found in every.items():
        todo = [each for each in found if reachable(each) and (name, each.key) not in judged]
        todo = [each for each in todo if not (given.trust and _explained(each, explained))][:left]
        left -= len(todo)
        for each, verdict in judge_all(name, todo, given.jobs, given.seed, given.quick):
            judged[name, each.key] = verdict
            _note(given.results, each, verdict)
    rows = [_row(name, found, judged, explained) for name, found in every.items() if found]
    if given.list:
        print(*(line for row in rows for line in (f"[{row.module}]", *row.lines)), sep="\n")
    stale = _stale(every, judged, explained)
    publish("mutation", _section(rows, stale, given.jobs), wanted=given.write)
    if stale or any(row.unexplained for row in rows):
        sys.exit(1)


def _read(path: Path, every: Mapping[str, Sequence[Mutation]], *, again: bool) -> Judged:
    if not path.exists():
        return {}
    read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        (one["module"], one["mutation"]): (one["verdict"], one["by"])
        for one in read
        if one["module"] in every and one["source"] == digest(one["module"])
        if not again or one["verdict"] != "survived"
    }


def _note(path: Path, mutation: Mutation, verdict: Verdict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    one = {"module": mutation.module, "mutation": mutation.key, "source": digest(mutation.module)}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**one, "verdict": verdict[0], "by": verdict[1]}, ensure_ascii=False) + "\n")


Explanations = dict[tuple[str, str, str], str]
ANY, EVERY = "any", "*"


def _explanations() -> Explanations:
    """Why: by module, line and change."""
    tables = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")) if SURVIVORS.exists() else {}
    return {
        (module, one.get("line", ""), one["change"]): one["why"]
        for module, table in tables.items()
        for one in table["equivalent"]
    }


def _keys(each: Mutation) -> tuple[tuple[str, str, str], ...]:
    """Where an explanation may stand: at its change of that line, at every change of it, or at its change anywhere."""
    return (each.module, each.line, each.change), (each.module, each.line, EVERY), (ANY, "", each.change)


def _explained(each: Mutation, explained: Explanations) -> bool:
    return bool(explained.keys() & {*_keys(each)})


def _survived(found: Sequence[Mutation], judged: Judged) -> list[Mutation]:
    return [each for each in found if judged.get((each.module, each.key), ("", ""))[0] == "survived"]


@dataclass(frozen=True)
class Row:
    """What became of a module's mutants: how many are what; the functions that no law calls; what is unexplained.

    trusted: how many of the equivalent ones were not run, but explained beforehand.
    """

    module: str
    counts: tuple[int, ...]
    unreached: tuple[str, ...]
    unexplained: tuple[Mutation, ...]
    trusted: int = 0

    def __str__(self) -> str:
        return f"| {self.module} | {' | '.join(map(str, self.counts))} |"

    @property
    def lines(self) -> list[str]:
        """What survivors.toml lacks, ready to be filled in."""
        quoted = partial(json.dumps, ensure_ascii=False)
        return [
            f'  {{ line = {quoted(each.line)}, change = {quoted(each.change)}, why = "" }},  # {each.function}'
            for each in self.unexplained
        ]


def _row(name: str, found: Sequence[Mutation], judged: Judged, explained: Explanations) -> Row:
    verdicts = Counter(judged[name, each.key][0] for each in found if (name, each.key) in judged)
    survived = _survived(found, judged)
    others = [each for each in survived if not each.refusal]
    unexplained = [each for each in others if not _explained(each, explained)]
    waiting = [each for each in found if reachable(each) and (name, each.key) not in judged]
    trusted = sum(_explained(each, explained) for each in waiting)
    unreached = [each.function for each in found if not reachable(each) and not each.raising]
    counts = {
        "mutants": len(found),
        "killed": verdicts["killed"],
        "timed out": verdicts["timed out"],
        "equivalent": len(others) - len(unexplained) + trusted,
        "validation": sum(each.refusal for each in survived) + sum(each.raising for each in found),
        "not reached": len(unreached),
        "not judged": len(waiting) - trusted,
        "unexplained": len(unexplained),
    }
    assert tuple(counts) == COLUMNS
    return Row(name, tuple(counts.values()), tuple(dict.fromkeys(unreached)), tuple(unexplained), trusted)


def _stale(every: Mapping[str, Sequence[Mutation]], judged: Judged, explained: Explanations) -> list[str]:
    """Explanations of what does not survive, or is not there; those for any module only count if all were looked at."""
    there = {
        key
        for name, found in every.items()
        for each in found
        if judged.get((name, each.key), ("survived", ""))[0] == "survived"
        for key in _keys(each)
    }
    looked = (*every, ANY) if len(every) == len(modules()) else tuple(every)
    return [" | ".join(key) for key in explained if key[0] in looked and key not in there]


def _section(rows: Sequence[Row], stale: Sequence[str], jobs: int) -> str:
    total = Row("together", tuple(map(sum, zip(*(row.counts for row in rows), strict=True))), (), ())
    trusted = sum(row.trusted for row in rows)
    unreached = "; ".join(f"{row.module}: {', '.join(row.unreached)}" for row in rows if row.unreached)
    unreached = fill(f"No law calls these, so their mutants were not tried. {unreached}.", 120) if unreached else ""
    lines = [
        "Do laws see mistakes that nobody wrote for them to see? Every change of one place that mutmut's operators",
        "know was made of the reference and of the formulas: another sign, operator or constant, an argument dropped,",
        "None in place of anything; and each was judged by the laws alone.",
        f"`python benchmarks/mutation.py --write --jobs {jobs}`, {date.today()}.",
        "",
        f"| module | {' | '.join(COLUMNS)} |",
        f"|{'---|' * (len(COLUMNS) + 1)}",
        *map(str, (*rows, total)),
        "",
        "*killed*: a law broke, or the code raised. *equivalent*: no law can see it, for a reason that stands in",
        "[survivors.toml](../benchmarks/survivors.toml). *validation*: it changes which bad arguments are refused or",
        "what a message says, on which the contract is silent, and a quick look saw nothing; those in `raise` were not",
        "tried. *unexplained*: it survived, and nobody has said why."
        + (f" {trusted} of the equivalent ones were not run, only explained." if trusted else ""),
        "",
        unreached,
        "",
        "A mutated formula is killed when it and the reference, or a sound variant that declares a convention, no",
        "longer agree; of sampling and search also when any sound variant breaks a law, or a law no longer sees a",
        "known mistake that it saw. The figures say nothing of mistakes that take two changes; and as mutants of one",
        "line are much alike, a share of mutants is not a share of mistakes.",
        *(f"Explained, but no survivor: {each}." for each in stale),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
