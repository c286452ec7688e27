"""What pyproject.toml declares as the lowest versions is what `make lowest` installs and tests."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lowest_versions_are_those_that_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = dict(
        re.fullmatch(r"([\w-]+)>=([\d.]+)", each).groups()  # type: ignore[misc, union-attr]
        for each in (*project["dependencies"], *project["optional-dependencies"]["test"])
    )
    text = (ROOT / "constraints-lowest.txt").read_text("utf-8")
    lowest = dict(line.split("==") for line in text.splitlines() if line and line[0] != "#")
    assert lowest.keys() == declared.keys()
    for name, version in declared.items():
        parts = version.split(".")
        assert lowest[name].split(".")[: len(parts)] == parts
        assert set(lowest[name].split(".")[len(parts) :]) <= {"0"}
