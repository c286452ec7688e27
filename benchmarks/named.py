"""What a verdict says of a folder of targets: `python benchmarks/named.py FOLDER`, some seconds a target.

The folder has Python files, and EXPECT.tsv with a line for each: its name, whether it is faulty, sound or grey, and
what is wrong with it. Each is judged by the command as a user would judge it. A row says what became of it, which
clause leads, and which cause is named; whether that is the cause, a person has to say.
"""

import argparse
import csv
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnlaws.api import check
from nnlaws.harness.parent import LoadError
from nnlaws.report import Cause, LawResult, Outcome, Report

REFUSED = (Outcome.VIOLATES, Outcome.ERROR)  # what falls short of a SHOULD is accepted


@dataclass(frozen=True)
class Row:
    """What was said of one target. causes: each that is named, with the fault, in the order of the report."""

    name: str
    expected: str
    verdict: str
    leading: str
    causes: tuple[str, ...]
    fix: str
    seconds: float
    what: str

    @property
    def accepted(self) -> bool:
        return self.verdict.startswith("conforms")


def expectations(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Name, expectation and description of each target."""
    with (folder / "EXPECT.tsv").open(encoding="utf-8", newline="") as lines:
        yield from (
            (name, expected, what) for name, expected, what in csv.reader(lines, "excel-tab", quoting=csv.QUOTE_NONE)
        )


def judged(path: Path, expected: str, what: str, profile: str) -> Row:
    began = time.perf_counter()
    try:
        report = check(str(path), profile=profile)
    except LoadError as error:
        return Row(path.name, expected, f"not run: {error}", "", (), "", time.perf_counter() - began, what)
    seconds = time.perf_counter() - began
    broken = [each for each in report.results if each.outcome in REFUSED]
    causes = dict.fromkeys(f"{cause.name}: {cause.fault}" for each in broken for cause in _causes(each))
    fix = broken[0].violation.fix if broken and broken[0].violation else ""
    leading = f"{broken[0].clause} {broken[0].operation}" if broken else ""
    return Row(path.name, expected, _verdict(report, broken), leading, tuple(causes), fix, seconds, what)


def _causes(result: LawResult) -> list[Cause]:
    return [result.violation.cause] if result.violation and result.violation.cause else []


def _verdict(report: Report, broken: Sequence[LawResult]) -> str:
    if broken:
        return f"refused by {len(broken)}"
    return "conforms as declared" if any(r.outcome is Outcome.DECLARED for r in report.results) else "conforms"


def table(rows: Sequence[Row]) -> str:
    lines = ["| target | is | verdict | leads | causes | s |", f"|{'---|' * 6}"]
    for row in rows:
        causes = "<br>".join(row.causes).replace("|", "\\|") or "–"
        lines.append(f"| {row.name} | {row.expected} | {row.verdict} | {row.leading} | {causes} | {row.seconds:.0f} |")
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    of = Counter(row.expected for row in rows)
    refused = [row for row in rows if not row.accepted]
    caught = [row for row in refused if row.expected == "faulty"]
    alarms = [row.name for row in refused if row.expected == "sound"]
    named = [row for row in caught if row.causes]
    return (
        f"{len(caught)} of {of['faulty']} faulty refused, of which {len(named)} with a cause; "
        f"{of['sound'] - len(alarms)} of {of['sound']} sound accepted{', not ' if alarms else ''}{', '.join(alarms)}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="targets whose names hold this")
    parser.add_argument("--profile", default="ci")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(given.folder), os.environ.get("PYTHONPATH", ""))))
    rows: list[Row] = []
    for name, expected, what in expectations(given.folder):
        if given.only in name:
            rows.append(judged(given.folder / name, expected, what, given.profile))
            print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(rows), summary(rows), sep="\n\n")


if __name__ == "__main__":
    main()
