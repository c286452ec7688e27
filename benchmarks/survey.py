"""Every optimizer and batch norm of packages that nobody here wrote: `python benchmarks/survey.py`, twenty minutes.

Of each class, whether it is recognised and as what, under which conventions it is judged, and the verdict, in float32,
profile quick; the table goes to docs/survey.md with --write. A package that is not installed is told and left out:
`make survey` installs them.
"""

import argparse
import importlib
import inspect
import json
import re
import subprocess
import sys
import textwrap
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
"""Of each package, as it is installed, the modules whose classes, and functions that make them, are judged."""
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
REASON = 240  # letters of a reason: what is longer ends at a word
CHECKED = """
On 1 December the 275 optimizers were checked without nnlaws: each was run for six steps of random gradients on one
vector, beside plain formulas of Adam, AdamW, RMSprop, momentum and descent, with and without decay; 30 rows, drawn at
random, were looked at one by one, in the source where a doubt was left. No verdict was wrong. All that is recognised
does what one of the formulas does, but for fastai's RMSProp, which ignores ε, and three that are descent, or Adam, only
where their other numbers are 0. Of what is not recognised 17 do the same as one of the formulas for so long, on a
vector: AdaBound, SWATS, AdaNorm, AdamC, Mars, QHM, ASGD, LARS, ScalableShampoo, AdamP and SGDP, which bound, switch,
scale or project later, or matrices. An earlier sample of 30 had found 8 wrong, all of one kind: other algorithms that
were said to violate Adam's clauses, or descent's. An empty stand-in took the place of torchvision, which timm and
fastai import, for the one to be had does not load beside this PyTorch.
"""


class Row(NamedTuple):
    """A class, what it was taken for and judged as, the verdict, and more on that."""

    name: str
    taken: str
    judged: str
    verdict: str
    more: str


def classes(modules: tuple[str, ...]) -> Iterator[str]:
    """The optimizers of PyTorch's kind, and layers that are called batch norm, by module and name.

    In some packages these are functions that are called as a class is, as fastai's and thinc's optimizers.
    """
    from torch.nn import Module
    from torch.optim import Optimizer

    for module in modules:
        for name, value in sorted(vars(importlib.import_module(module)).items()):
            if name.startswith("_"):
                continue
            layer = "BatchNorm" in name and "Lazy" not in name and "optim" not in module
            if inspect.isclass(value):
                asked = issubclass(value, Optimizer) or (layer and issubclass(value, Module))
            else:
                own = inspect.isfunction(value) and value.__module__ == module and name[0].isupper()
                asked = own and (layer or "optim" in module)
            if asked and value is not Optimizer:
                yield f"{module}:{name}"


def row(name: str) -> Row:
    """What a check of a class says."""
    try:
        ended = subprocess.run([sys.executable, "-c", ONE, name], capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return Row(name, "", "", "not judged", f"not done in {LONGEST} seconds")
    try:
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = next(reversed(ended.stderr.splitlines()), "nothing was said")
        return Row(name, "", "", "not judged", f"the check ended with code {ended.returncode}: {last}")
    if "reason" in found:
        return Row(name, "", "", "not recognised", reason(found["reason"]))
    told: list[str] = found["recognised"]
    taken = next((line.partition(": ")[2] or "batch norm" for line in told if line.startswith("taken for")), "")
    judged = [line for line in told if " judged as " in line and not line.startswith("not judged")]
    left = reason("; ".join(line for line in told if line.startswith("not judged")))
    broken = [each for each in found["results"] if each["outcome"] in ("violates", "error")]
    if not broken:
        return Row(name, taken, "; ".join(judged), "as found" if judged else "conforms", left)
    clauses = ", ".join(dict.fromkeys(each["clause"] for each in broken))
    causes = dict.fromkeys(v["cause"]["name"] for each in broken if (v := each["violation"]) and v["cause"])
    more = "; ".join(filter(None, (clauses, ", ".join(causes), left)))
    return Row(name, taken, "; ".join(judged), "violates", more)


def reason(text: str) -> str:
    """Why a class is not judged, in few words: operations with the same reason together, and no advice.

    >>> reason("x.py:A is not recognised: taken for an optimizer: adam, adamw; not judged as adam: it raised: adam "
    ...        "raised TypeError: no (--as adam insists); not judged as adamw: it raised: adamw raised TypeError: no "
    ...        "(--as adamw insists). Say what it is with --as, or start from `nnlaws template FILE`")
    'not adam, adamw: it raised TypeError: no'
    """
    short = re.sub(r"^.*? is not recognised: |\. Say what it is with --as.*$", "", text, flags=re.DOTALL)
    short = re.sub(r" \(--as \w+ insists\)", "", short)
    others, _, left = short.partition("not judged as ")
    if left:
        by_reason: dict[str, list[str]] = {}
        for each in left.split("; not judged as "):
            operation, _, why = each.partition(": ")
            by_reason.setdefault(re.sub(rf"it raised: {operation} raised ", "it raised ", why), []).append(operation)
        short = "; ".join(f"not {', '.join(operations)}: {why}" for why, operations in by_reason.items())
        off = [line for line in others.split("; ") if line.startswith("with ")]
        short = "; ".join([short, *off])
    return textwrap.shorten(short, REASON, placeholder=" …")


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
        *CHECKED.rstrip().splitlines(),
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
