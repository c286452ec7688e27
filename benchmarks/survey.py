"""Every optimizer and batch norm of packages that nobody here wrote: `python benchmarks/survey.py`, an hour.

Of each class, whether it is recognised and as what, under which conventions it is judged, and the verdict, in float32,
profile quick; the table goes to docs/survey.md with --write. A package that is not installed is told and left out:
`make survey` installs them.
"""

import argparse
import importlib
import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "survey.md"
PACKAGES = {
    "torch": ("torch.optim", "torch.nn"),
    "torch-optimizer": ("torch_optimizer",),
    "pytorch-optimizer": ("pytorch_optimizer",),
    "timm": ("timm.optim", "timm.layers"),
    "torch-optimi": ("optimi",),
    "bitsandbytes": ("bitsandbytes.optim",),
    "fastai": ("fastai.optimizer", "fastai.layers"),
    "transformers": ("transformers.optimization",),
    "monai": ("monai.optimizers", "monai.networks.layers"),
    "thinc": ("thinc.optimizers",),
}
"""Of each package, as it is installed, the modules whose classes are judged."""
ONE = """
import json, sys
from nnlaws import check
from nnlaws.harness.parent import LoadError
try:
    report = check(sys.argv[1], profile="quick", dtypes=["float32"], timeout=20)
except LoadError as error:
    print(json.dumps({"reason": str(error)}))
else:
    print(json.dumps(report.as_json()))
"""
LONGEST = 300  # seconds of one class


class Row(NamedTuple):
    """A class, what it was taken for and judged as, the verdict, and more on that."""

    name: str
    taken: str
    judged: str
    verdict: str
    more: str


def classes(modules: tuple[str, ...]) -> Iterator[str]:
    """The optimizers of PyTorch's kind, and layers that are called batch norm, by module and name."""
    import torch

    for module in modules:
        found = importlib.import_module(module)
        for name, value in sorted(vars(found).items()):
            if name.startswith("_") or not inspect.isclass(value):
                continue
            optimizer = issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
            layer = issubclass(value, torch.nn.Module) and "BatchNorm" in name and "Lazy" not in name
            if optimizer or layer:
                yield f"{module}:{name}"


def row(name: str) -> Row:
    """What a check of a class says."""
    import json

    try:
        ended = subprocess.run([sys.executable, "-c", ONE, name], capture_output=True, text=True, timeout=LONGEST)
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        return Row(name, "", "", "not judged", type(error).__name__)
    if "reason" in found:
        return Row(name, "", "", "not recognised", found["reason"].partition("is not recognised: ")[2][:160])
    told: list[str] = found["recognised"]
    taken = next((line.partition(": ")[2] or "batch norm" for line in told if line.startswith("taken for")), "")
    judged = "; ".join(line for line in told if " judged as " in line)
    broken = [each for each in found["results"] if each["outcome"] in ("violates", "error")]
    clauses = ", ".join(dict.fromkeys(each["clause"] for each in broken))
    if not broken:
        return Row(name, taken, judged, "as found" if judged else "conforms", "")
    causes = dict.fromkeys(v["cause"]["name"] for each in broken if (v := each["violation"]) and v["cause"])
    return Row(name, taken, judged, "violates", "; ".join(filter(None, (clauses, ", ".join(causes)))))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", metavar="PACKAGE", choices=PACKAGES, action="append", default=[])
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    given = arguments.parse_args()
    rows: list[Row] = []
    missing: list[str] = []
    versions: dict[str, str] = {}
    for package, modules in PACKAGES.items():
        if given.only and package not in given.only:
            continue
        try:
            versions[package], names = version(package), list(classes(modules))
        except (PackageNotFoundError, ImportError) as error:
            missing.append(f"{package} ({type(error).__name__})")
            continue
        with ThreadPoolExecutor(given.jobs) as pool:
            for found in pool.map(row, names):
                rows.append(found)
                print(" | ".join(found), flush=True)
    text = written(rows, versions, missing)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")
    print(text.partition("\n## ")[0])


def written(rows: list[Row], versions: dict[str, str], missing: list[str]) -> str:
    """The page."""
    counts = Counter(each.verdict for each in rows)
    lines = [
        "# Survey",
        "",
        "Every optimizer of PyTorch's kind and every batch norm of these packages, as it is, with no adapter written",
        f"(`python benchmarks/survey.py --write`, {date.today():%d %B %Y}, float32, quick). *Not recognised* is",
        "right of what is another algorithm: its reason says what was tried. A violation is a claim only where it was",
        "reproduced without nnlaws: those are in [findings](findings.md).",
        "",
        f"{len(rows)} classes: {', '.join(f'{count} {verdict}' for verdict, count in counts.most_common())}.",
        f"Packages: {', '.join(f'{name} {found}' for name, found in versions.items())}.",
        *([f"Not installed: {', '.join(missing)}."] if missing else []),
    ]
    for package, modules in PACKAGES.items():
        own = [each for each in rows if each.name.partition(":")[0] in modules]
        if own:
            lines += [
                "",
                f"## {package}",
                "",
                "| class | taken for | judged as | verdict | more |",
                "|---|---|---|---|---|",
            ]
            lines += [f"| `{each.name}` | {' | '.join(cell.replace('|', '∣') for cell in each[1:])} |" for each in own]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
