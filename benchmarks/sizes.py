"""What laws at size see: `python benchmarks/sizes.py`, about two minutes.

Of each operation that sums, how few of n entries a target may lose before it is refused; and how many entries a second
are judged: exact value, rounding allowed and comparison, on one core. Ends with 1 if of 1,001 entries in float64 more
than one has to be lost.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any

import numpy as np
import page
from nnlaws.authoring.at_size import at_size, letters, repeats
from nnlaws.authoring.case import expand
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler, forget
from nnlaws.authoring.token import Case
from nnlaws.chapters import LAWS
from nnlaws.harness.sizes import LOST, least_lost
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES

SIZES = (1_001, 10_007, 100_003, 1_000_003)
ROWS = 4  # each class is at the top of one of these
TIMES = 5
FEW = 10_000  # entries, of which a speed says little

Least = Mapping[tuple[Law, str], list[int | None]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md, not standard output")
    given = parser.parse_args()
    with np.errstate(all="ignore"):
        found = {(law, dtype): least(law, dtype) for law in LAWS if law.counting for dtype in DTYPES}
        speeds = {law: [speed(law, dtype) for dtype in DTYPES] for law in LAWS if law.check is at_size}
    page.publish("sizes", "\n".join([*losses(found), "", *rates(speeds)]), wanted=given.write)
    return 0 if all(each[0] == 1 for (_, dtype), each in found.items() if dtype == "float64") else 1


def least(law: Law, dtype: str) -> list[int | None]:
    """How few lost entries are seen, at each size."""
    assert law.counting is not None
    along = law.counting.axis == letters(law.operation)[1]
    case = next(each for each in law.trials if each.family == law.counting.family)
    ruler = Ruler(law.operation, format_of(DTYPES[dtype]), {})
    cases = [replace(case, m=ROWS, columns=n) if along else replace(case, m=n, columns=1) for n in SIZES]
    return [least_lost(law, law.counting, ruler, each) for each in cases]


def timed(law: Law) -> Case:
    """The largest case in ci of which no period is all that is worked out; the largest of all where that is small."""
    single = format_of(DTYPES["float32"])
    large = [case for case in law.trials if case.m * case.columns >= FEW]
    whole = [each for each in large if not repeats(law.operation, expand(law.build, each, single, 1).arguments)]
    return max(whole or law.trials, key=lambda case: case.m * case.columns)


def speed(law: Law, dtype: str) -> float:
    """Millions of entries a second, of that case; the median of a few times."""
    format, case = format_of(DTYPES[dtype]), timed(law)
    inputs, ruler = expand(law.build, case, format, 1), Ruler(law.operation, format, {})
    results = GuardedSubject(law.operation.reference, law.operation).results(*inputs.arguments, **inputs.options)
    known: Any = SimpleNamespace(arrays=lambda *arguments, **options: tuple(each[0] for each in results))
    taken: list[float] = []
    for _ in range(TIMES):
        forget()
        began = process_time()
        at_size(known, ruler, *inputs.arguments, **inputs.options)
        taken.append(process_time() - began)
    return sum(x.size for x in inputs.arguments) / median(taken) / 1e6


def losses(found: Least) -> list[str]:
    head = "operation, entries | dtype | " + " | ".join(f"of {n:,}" for n in SIZES)
    return [
        f"`python benchmarks/sizes.py --write`, {date.today()}. How few entries a target may lose, of those that",
        f"count alike, before it is refused, by the default conventions; – where {LOST[-1]} are not enough: so coarse",
        "is the dtype, or so much may rounding do.",
        "",
        f"| {head} |",
        f"|---|---|{'--:|' * len(SIZES)}",
        *(
            f"| {law.operation}, {law.counting.entries if law.counting else ''} | {dtype} | "
            f"{' | '.join(str(each or '–') for each in counts)} |"
            for (law, dtype), counts in found.items()
        ),
    ]


def rates(speeds: Mapping[Law, list[float]]) -> list[str]:
    return [
        "Exact value, rounding allowed and comparison, in millions of entries a second on one core; of the largest",
        "case in `ci` whose rows, features or coordinates do not repeat, or of the largest of all: of those that",
        "repeat, one period is worked out. (Before 1 December all were of such cases, and of exact values that were",
        "remembered.)",
        "",
        f"| operation | its case | {' | '.join(DTYPES)} |",
        f"|---|---|{'--:|' * len(DTYPES)}",
        *(
            f"| {law.operation} | {timed(law).m} × {timed(law).columns} | "
            f"{' | '.join(f'{each:.1f}' for each in found)} |"
            for law, found in speeds.items()
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
