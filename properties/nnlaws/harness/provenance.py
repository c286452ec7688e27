"""Where a verdict comes from: when, on what machine, with which versions, of which text of the target."""

import hashlib
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

SCHEMA = 1
"""The version of what a report looks like as JSON: properties/nnlaws/reports/report.schema.json."""
_FILE = re.compile(r"'?(?P<file>.+?\.(?:py|onnx))(?:[:'\s]|$)")
OWN = ("nnlaws", "numpy", "scipy", "hypothesis", "python-flint", "ml-dtypes")


def here() -> dict[str, str]:
    """Date, versions and machine of this process."""
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
    }
    for name in OWN:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    """The processor's name, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def digest(target: str) -> str:
    """Of a target that is a file, or an object of one, the SHA-256 of its text; else nothing."""
    within = _FILE.match(target)
    for name in (target, within["file"] if within else ""):
        with suppress(OSError, ValueError):
            path = Path(name)
            if path.is_file():
                return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def provenance(target: Any, imported: Mapping[str, str]) -> dict[str, Any]:
    """All of it, as a report has it. imported: the libraries of the target's process."""
    return {"schema": SCHEMA, **here(), "digest": digest(str(target)), "libraries": dict(imported)}
