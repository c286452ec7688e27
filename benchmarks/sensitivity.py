"""The sensitivity ladder: how small an error nnlaws sees, and what tolerances in use elsewhere need on the same arrays.

The reference's results are multiplied by 1 + 2^k u (u the dtype's unit roundoff) in one place, always the last element,
row (sample), feature (class, coordinate) or step. The answer is the least k that the ci profile catches in all but 1 of
100 runs, each with a seed of its own.

    python benchmarks/sensitivity.py [--runs 100] [--jobs 2] [--seed 0] [--log FILE] [--write] [--quick]

Takes at most 25 minutes on two cores of its own, and --quick (20 runs, float32) at most 3. With --log, what is done is
kept in FILE, a line of JSON for each operation and dtype, and not done again. Where PyTorch and JAX are installed,
their gradient checkers are asked too. --write writes the section of docs/trust.md, and docs/ladder.md.
"""

import argparse
import datetime
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from statistics import median_low
from typing import Any

import gradient_checkers
import ladder
import page
from nnlaws.chapters import OPERATIONS
from scipy.stats import beta

DTYPES_SHOWN = ("float16", "bfloat16", "float32", "float64")
WIDEST = ("float32", "float64", "bfloat16", "float16")
FEWER_RUNS = 20  # where JAX compiles for seconds for each new shape, where nothing is found, and for medians
QUICK = 2  # of the first two of these in a quick run
Job = tuple[str, Callable[..., Any], tuple[Any, ...]]
Found = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="a spot and k (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the first run (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--log", type=Path, help="file of what is done, to go on from")
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds after which no further job is begun")
    parser.add_argument("--operation", action="append", choices=[each for each, of in OPERATIONS.items() if of.arrays])
    parser.add_argument("--quick", action="store_true", help="20 runs, float32")
    parser.add_argument("--write", action="store_true", help="write the pages, not standard output")
    arguments = parser.parse_args()
    runs, dtypes = (20, ("float32",)) if arguments.quick else (arguments.runs, DTYPES_SHOWN)
    wanted = jobs(runs, arguments.seed, dtypes, arguments.operation or [])
    found = run(wanted, arguments.jobs, arguments.log, arguments.limit)
    section, table = report(found, runs, len(wanted), arguments.quick)
    page.publish("ladder", section, wanted=arguments.write)
    if arguments.write:
        (page.PAGE.parent / "ladder.md").write_text(table, encoding="utf-8")
    else:
        print(table)


# --- the jobs ---


def jobs(runs: int, seed: int, dtypes: Sequence[str], operations: Sequence[str]) -> list[Job]:
    """By name, what tells most first: every operation on arrays in the wide dtypes, medians of entries, the gradient
    checkers, what no run draws, and the narrow dtypes."""
    chosen = [name for name, of in OPERATIONS.items() if of.arrays and (not operations or name in operations)]
    pairs = [(name, dtype) for dtype in sorted(dtypes, key=WIDEST.index) for name in chosen]
    ladders: list[Job] = [(f"{name} {dtype}", ladder.climb, (name, dtype, runs, seed)) for name, dtype in pairs]
    wide = sum(dtype in WIDEST[:2] for _, dtype in pairs)
    few = min(runs, FEWER_RUNS)
    fewest = few if len(dtypes) > 1 else QUICK
    entries: list[Job] = [
        (f"{name} {dtype}, one entry", ladder.typical, (name, dtype, few, seed)) for name, dtype in pairs
    ]
    checkers: list[Job] = [
        (f"{checker} {name}", gradient_checkers.check, (checker, name, fewest, seed))
        for checker in gradient_checkers.available()
        for name in gradient_checkers.OPERATIONS_CHECKED
        if name in chosen
    ]
    undrawn: list[Job] = [
        (what, ladder.unseen, (what, fewest, seed))
        for what, (operation, *_) in ladder.UNDRAWN.items()
        if operation in chosen
    ]
    first: list[Job] = [
        (f"{name} {dtype}, {ladder.FIRST}", ladder.climb, (name, dtype, runs, seed, ladder.FIRST))
        for name, dtype in pairs
        if dtype == "float32" and len(dtypes) > 1
    ]
    return [*ladders[:wide], *entries, *checkers, *undrawn, *ladders[wide:], *first]


def run(wanted: Sequence[Job], processes: int, log: Path | None, limit: float) -> Found:
    """What each job found, by name, in the order of the jobs; some may be missing where time was limited."""
    began, until, found = time.perf_counter(), time.time() + limit, read(log, wanted)
    todo = [job for job in wanted if job[0] not in found]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(timely, until, *job[1:]): job for job in todo}
        for future in as_completed(running):
            name, _, given = running[future]
            seen = future.result()
            if seen is None:
                continue
            found[name] = seen
            if log is not None:
                with log.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"name": name, "given": given, "found": seen}) + "\n")
            print(
                f"{time.perf_counter() - began:6.0f} s  {len(found)}/{len(wanted)}  {name}", file=sys.stderr, flush=True
            )
    return {name: found[name] for name, *_ in wanted if name in found}


def timely(until: float, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """What the function finds, as plain data; None if it is too late to begin."""
    return plain(function(*given)) if time.time() < until else None


def plain(found: Any) -> Any:
    if isinstance(found, (list, tuple)):
        return [plain(each) for each in found]
    return asdict(found) if hasattr(found, "__dataclass_fields__") else found


def read(log: Path | None, wanted: Sequence[Job]) -> Found:
    """What the log has of these very jobs."""
    given = {name: list(each) for name, _, each in wanted}
    if log is None or not log.exists():
        return {}
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {line["name"]: line["found"] for line in lines if given.get(line["name"]) == line["given"]}


# --- the pages ---

SCHEMES = {
    "torch": "`torch.testing.assert_close`, in float32 rtol 1.3e-6, atol 1e-5",
    "numpy": "`numpy.testing.assert_allclose`, rtol 1e-7",
    "onnx": "ONNX's backend tests, rtol 1e-3, atol 1e-7",
    "array-api": "array-api-tests, rel_tol 0.25, abs_tol 1",
}
NEVER = 1000  # larger than any k

HOW = """
The reference's result is multiplied by 1 + 2^k u, u the unit roundoff, in its last *element / row / feature*, of a
trajectory *element / step / coordinate*. Shown is the least k that the `ci` profile catches, each run with a seed of
its own; after the dot, what it takes where one entry of one array alone is wrong, in the median entry. k = 1 is the
last bit, – is never.
"""
SCHEMES_HOW = """
By the defaults of others, on the arrays that nnlaws drew in those runs (the first ten examples of its law of value) and
compared with the exact result rounded to the dtype: the median k of all spots above (least to largest) · that of the
median entries · how many arrays of the sound reference are rejected.
"""
MEANT = """
What this means. The error is in every array, so it shows where some result leaves rounding nothing to do: one class,
one sample, a gradient of 0. Hence the many 1s, where in one entry alone up to 2^8 u is needed: below that an error
cannot be told from what a sound algorithm may commit, and nnlaws says nothing. Least is seen in batch norm's variance,
dz and dγ (whatever updates a variance is admitted, and the chain rule), and in the scales in float64, where logarithms
of the ends are multiplied up; in one entry also in the gradient of cross entropy. In narrow types, computed in float32
and rounded once, the last bit shows. `assert_allclose` sees the last bit of a float32 because it refuses a third of
what is sound; in float64 all tolerances pass what is right to seven digits. array-api-tests pass what is wrong by a
quarter, or by 1. The gradient checkers need a gradient that is wrong by 6e-5 to 2 times itself; – where in one of the
20 runs at least no error that was tried showed on any of its arrays.

What this does not mean. An error of the other sign, or in some arrays only, takes more or less than this. The tables
say what a run with a seed drawn at random catches; without `--seed`, `ci` draws the same cases each time. Others may do
better on arrays that suit them. And what no array is large enough for is not seen at all.
"""


def report(found: Found, runs: int, wanted: int, quick: bool) -> tuple[str, str]:
    """The section, and the page of its long table."""
    every = [each for each in found.values() if isinstance(each, dict) and "rungs" in each]
    first = [each for each in every if each["rungs"][0]["kind"] == ladder.FIRST]
    ladders = [each for each in every if each not in first]
    entries = {
        (each["operation"], each["dtype"]): each
        for each in found.values()
        if isinstance(each, dict) and "median" in each
    }
    checked = [one for each in found.values() if isinstance(each, list) for one in each]
    unseen = {name: each for name, each in found.items() if isinstance(each, int)}
    dtypes = [dtype for dtype in DTYPES_SHOWN if any(each["dtype"] == dtype for each in ladders)]
    seconds = sum(each["seconds"] for each in [*every, *entries.values(), *checked])
    command = "python benchmarks/sensitivity.py" + (" --quick" if quick else "") + " --write"
    missing = "" if len(found) == wanted else f" Unfinished: {len(found)} of {wanted} parts."
    head = [
        f"How small an error is caught in {runs - runs // 100} of {runs} runs?",
        f"`{command}`, {datetime.date.today().isoformat()}, "
        f"{seconds / 60:.0f} minutes of one process beside others.{missing}",
    ]
    parts = (
        smallest(ladders, entries, dtypes, runs),
        schemes(ladders, entries, dtypes),
        gradients(checked),
        limits(ladders, first, unseen, QUICK if quick else min(runs, FEWER_RUNS)),
    )
    table = ["# The sensitivity ladder", "", *head, LONG, *everything(every)]
    return "\n".join([*head, *(line for part in parts for line in part)]), "\n".join(table)


Medians = dict[tuple[str, str], Found]
"""Of the entries of an operation in a dtype."""


def smallest(ladders: list[Found], entries: Medians, dtypes: list[str], runs: int) -> list[str]:
    rows: dict[str, dict[str, str]] = {}
    for each in ladders:
        alone = entries.get((each["operation"], each["dtype"]))
        for result in dict.fromkeys(rung["result"] for rung in each["rungs"]):
            cell = " / ".join(number(rung["k"]) for rung in each["rungs"] if rung["result"] == result)
            cell += f" · {number(alone['median'][result]['nnlaws'])}" if alone else ""
            rows.setdefault(named(each, result), {})[each["dtype"]] = cell
    caught = runs - runs // 100
    sure = 100 * float(beta.ppf(0.05, caught, 1 + runs - caught))
    return [
        HOW,
        f"| result | {' | '.join(dtypes)} |",
        f"|---|{'---|' * len(dtypes)}",
        *(f"| {row} | {' | '.join(cells.get(dtype, '') for dtype in dtypes)} |" for row, cells in rows.items()),
        "",
        f"{caught} caught of {runs}: a probability of at least {sure:.1f} %, at 95 % confidence (Clopper and Pearson).",
    ]


def named(each: Found, result: str) -> str:
    alone = len(OPERATIONS[each["operation"]].results) == 1
    return str(each["operation"]) if alone else f"{each['operation']}: {result}"


def number(k: int | None) -> str:
    return "–" if k is None else str(k)


def schemes(ladders: list[Found], entries: Medians, dtypes: list[str]) -> list[str]:
    lines = [SCHEMES_HOW, f"| held to | {' | '.join(dtypes)} |", f"|---|{'---|' * len(dtypes)}"]
    whole = {
        "a whole `ci` run of nnlaws": ("k", ""),
        "nnlaws's law of value, on these arrays": ("same_arrays", "nnlaws"),
    }
    for title, (key, scheme) in {**whole, **{title: ("others", name) for name, title in SCHEMES.items()}}.items():
        cells: list[str] = []
        for dtype in dtypes:
            rungs = [rung for each in ladders if each["dtype"] == dtype for rung in each["rungs"]]
            cell = spread([rung["others"][scheme] if key == "others" else rung[key] for rung in rungs])
            of = [each["median"] for (_, one), each in entries.items() if one == dtype]
            medians = [by_scheme[scheme] for each in of for by_scheme in each.values()] if scheme else []
            cell += f" · {middle(medians)}" if medians else ""
            cells.append(cell + (f" · {share(ladders, dtype, scheme)}" if scheme else ""))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return [*lines, "", f"{sum(each['arrays'] for each in ladders):,} arrays. All spots: [ladder.md](ladder.md)."]


def share(ladders: list[Found], dtype: str, scheme: str) -> str:
    """How many of the reference's arrays a scheme rejects."""
    of = [each for each in ladders if each["dtype"] == dtype]
    rejected = sum(each["alarms"].get(scheme, 0) for each in of)
    return f"{100 * rejected / sum(each['arrays'] for each in of):.2g} %" if rejected else "none"


def middle(ks: list[int | None]) -> str:
    """The median; – counts as larger than all."""
    median = median_low(NEVER if k is None else k for k in ks)
    return number(None if median == NEVER else median)


def spread(ks: list[int | None]) -> str:
    """The median, the least and the largest."""
    ordered = sorted(NEVER if k is None else k for k in ks)
    least, largest = (number(None if k == NEVER else k) for k in (ordered[0], ordered[-1]))
    return f"{middle(ks)} ({least} to {largest})"


def gradients(checked: list[Found]) -> list[str]:
    if not checked:
        return ["", "No gradient checker was installed."]
    runs = checked[0]["runs"]
    lines = [
        "",
        "By gradient checkers, with their defaults in float64, "
        f"on up to {gradient_checkers.ARRAYS} of those arrays a run, in {runs - runs // 100} of {runs} runs:",
        "",
        "| gradient | checker | k of element / row / feature | the law of value | right gradients rejected |",
        "|---|---|---|---|---|",
    ]
    for operation, checker in dict.fromkeys((one["operation"], one["checker"]) for one in checked):
        of = [one for one in checked if (one["operation"], one["checker"]) == (operation, checker)]
        theirs, own = (" / ".join(number(one[key]) for one in of) for key in ("k", "nnlaws"))
        lines.append(f"| {operation} | `{checker}` | {theirs} | {own} | {of[0]['alarms']} of {of[0]['arrays']} |")
    return lines


def limits(ladders: list[Found], first: list[Found], unseen: dict[str, int], runs: int) -> list[str]:
    """What the figures mean and do not mean."""
    last = {
        (each["operation"], each["dtype"], rung["result"]): rung["k"]
        for each in ladders
        for rung in each["rungs"]
        if rung["kind"] == "element"
    }
    pairs = [
        (rung["k"], last.get((each["operation"], each["dtype"], rung["result"])))
        for each in first
        for rung in each["rungs"]
    ]
    apart = [abs(one - other) for one, other in pairs if one is not None and other is not None]
    lines = [MEANT]
    if apart:
        same = f"In float32, k is the same for the first element as for the last in {apart.count(0)} of {len(pairs)}"
        lines += [f"{same} results" + (f", and in the others at most {max(apart)} apart." if any(apart) else ".")]
    if unseen:
        seen = "; ".join(f"{what}: {caught} of {runs}" for what, caught in unseen.items())
        lines += [
            "",
            f"Entries that are twice as large as they should be, and the runs in which that is caught: {seen}.",
        ]
    return lines


LONG = """
*k*: the least that is caught, in how many runs, and what was missed at k − 1 before it was given up. *value*: what the
law of value alone needs on the first ten examples of each run; then what others need on these. *by*: the laws that were
broken at k, each run counted for the first one found.
"""


def everything(ladders: list[Found]) -> list[str]:
    """The long table."""
    names = [title.partition(",")[0] for title in SCHEMES.values()]
    lines = [
        f"| result | dtype | spot | k | caught | at k − 1 | value | {' | '.join(names)} | by |",
        f"|{'---|' * (8 + len(SCHEMES))}",
    ]
    for each in ladders:
        for rung in each["rungs"]:
            missed, tried = rung["below"]
            by = ", ".join(f"{law} {count}" for law, count in sorted(rung["by"].items(), key=lambda one: -one[1]))
            cells = [named(each, rung["result"]), each["dtype"], rung["kind"], number(rung["k"]), str(rung["caught"])]
            cells += [f"{missed} missed of {tried}" if tried else "", number(rung["same_arrays"])]
            cells += [*(number(rung["others"][name]) for name in SCHEMES), by]
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
