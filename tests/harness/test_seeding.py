"""What a seed draws is the same in every process."""

import subprocess
import sys
from pathlib import Path

import pytest

DRAW = """\
import sys
sys.path.insert(0, sys.argv[1])
if sys.argv[2:]:
    import numbers_galore
import nnlaws
from nnlaws.harness import search
from nnlaws.authoring.case import stack
from nnlaws.adapters import reference

drawn = []

def noted(build, cases, format):
    drawn.extend(cases)
    return stack(build, cases, format)

search.stack = noted
nnlaws.check(reference, operations=["log_uniform_map", "adam", "batch_norm_train"], dtypes=["float32"])
print(*drawn, sep="\\n")
"""


def drawn(folder: Path, *more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DRAW, str(folder), *more],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_numbers_in_other_modules_do_not_change_what_is_drawn(tmp_path: Path) -> None:
    """Hypothesis collects those of 100 and more, of modules that have up to 1,024 of them."""
    (tmp_path / "numbers_galore.py").write_text(f"NUMBERS = {[*range(100, 1000)]}\n", "utf-8")
    alone, among_others = drawn(tmp_path), drawn(tmp_path, "with them")
    assert alone.count("\n") > 500
    assert alone == among_others
