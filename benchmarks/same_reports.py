"""Whether two JSON reports of `nnlaws check` say the same, but for times.

    python benchmarks/same_reports.py OLD.json NEW.json [OLD.json NEW.json ...]

Exit codes: 0 the same, 1 they differ (with the first places that do), 2 a file that is no report.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIMES = ("seconds",)
SHOWN, LONG = 20, 300


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Each place at which two JSON values differ, times apart."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            if name in TIMES:
                continue
            if name not in old or name not in new:
                yield f"{place}.{name}: only in the {'new' if name not in old else 'old'} one"
            else:
                yield from differences(old[name], new[name], f"{place}.{name}")
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{place}: {len(old)} entries, then {len(new)}"
        for number, (before, after) in enumerate(zip(old, new, strict=False)):
            name = before.get("law", number) if isinstance(before, dict) else number
            yield from differences(before, after, f"{place}[{name}]")
    elif old != new:
        yield f"{place}: {old!r}, then {new!r}"


def main(paths: list[str]) -> int:
    if not paths or len(paths) % 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = 0
    for before, after in zip(paths[::2], paths[1::2], strict=True):
        try:
            old, new = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (before, after))
        except (OSError, ValueError) as error:
            print(f"{before}, {after}: {error}", file=sys.stderr)
            return 2
        different = list(differences(old, new))
        found += len(different)
        for line in different[:SHOWN]:
            print(line if len(line) <= LONG else f"{line[:LONG]} …")
        results = len(old.get("results", ()))
        print(f"{after}: {'the same' if not different else f'{len(different)} differences'} in {results} results")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
