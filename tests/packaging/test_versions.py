"""What pyproject.toml declares as the lowest versions is what `make lowest` installs and tests."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lowest_versions_are_those_that_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared: dict[str, str] = {}
    for each in (*project["dependencies"], *project["optional-dependencies"]["test"]):
        found = re.fullmatch(r"([\w-]+)>=([\d.]+)", each)
        assert found is not None, each
        declared[found[1]] = found[2]
    text = (ROOT / "constraints-lowest.txt").read_text("utf-8")
    lines = (line.partition("==") for line in text.splitlines() if line and line[0] != "#")
    lowest = {name: version for name, _, version in lines}
    assert lowest.keys() == declared.keys()
    for name, version in declared.items():
        parts = version.split(".")
        assert lowest[name].split(".")[: len(parts)] == parts
        assert set(lowest[name].split(".")[len(parts) :]) <= {"0"}
