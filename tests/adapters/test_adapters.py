"""Adapters meet the real libraries, and docs/findings.md is held to what it says of them.

Missing libraries are skipped; NNLAWS_REQUIRE_LIBRARIES=1 makes that a failure.
"""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.adapters import BUILT_IN
from nnlaws.chapters import CHAPTERS, PLUGINS
from nnlaws.report import LawResult
from nnlaws.reports.terminal import explain
from nnlaws_reference.dtypes import DTYPES

FINDINGS = Path(__file__).parents[2] / "docs" / "findings.md"
VALUES = (
    *("BN-1", "BN-2", "BN-4", "BN-13", "BN-14", "BN-15", "BN-18", "BN-19", "BN-21", "BN-26"),
    *("OP-1", "OP-2", "OP-7", "OP-8", "OP-9", "OP-10", "OP-11", "OP-17"),
    *("LO-1", "LO-2", "LO-3", "LO-4", "LO-5", "LO-7", "LO-13", "LO-14"),
    *("MO-1", "MO-2", "MO-3", "MO-4", "MO-5", "MO-6"),
    *("SD-1", "SD-2", "SD-3", "SD-4", "SD-5", "SD-12", "SD-13", "SD-14", "SD-15", "LR-1", "LR-2", "LR-3"),
)
LIKELY = (
    *("SM-1", "SM-6", "SM-10", "SM-11", "SM-12", "SM-14", "SM-16", "SM-18", "SM-19"),
    *("LO-1", "LO-2", "LO-3", "LO-7", "LO-8", "LO-12", "LO-13", "LO-14"),
    *("SA-1", "SA-4", "SA-9", "SA-10", "MS-1", "MS-3", "MS-7", "CT-6", "CT-7"),
)
FEWEST = ("BN-4", "BN-13", "BN-18", "BN-21", "BN-26", "OP-1", "OP-7", "OP-8", "OP-9", "OP-10", "OP-11", *VALUES[-3:])
MIXED, NARROWEST = ("float32", "bfloat16"), ("float32", "float16")
FEWER: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "flax": (VALUES, MIXED),
    "flax-two-pass": (VALUES, ("float32",)),
    "jax": (LIKELY, ("float32",)),
    "keras jax": (FEWEST, ("float32",)),
    "keras tensorflow": (FEWEST, ("float32",)),
    "keras torch": (VALUES, ("float32",)),
    "nevergrad": (("SA-4", "CT-7", "SE-6"), ()),
    "optax": (VALUES, NARROWEST),
    "optax-variants": ((), ("float32",)),
    "reference": (VALUES, ("float32",)),
    "tensorflow": (LIKELY, NARROWEST),
    "tensorflow-fused": (VALUES, MIXED),
    "tensorflow-v1": (VALUES, ("float32",)),
    "torch": ((*LIKELY, *VALUES), MIXED),
    "torch-channels-last": (VALUES, MIXED),
    "torch-foreach": (VALUES, MIXED),
    "torch-fused": (VALUES, MIXED),
    "torch-images": (VALUES, MIXED),
}
"""The clauses (none: all) and dtypes that are judged here, of targets that are slow to call, break much, or are close
to another one: docs/findings.md was written with all."""

BACKENDS = {"keras-tuner": "torch"}
"""What a target needs that its adapter does not import, and that its row in docs/findings.md does not name."""

SWITCHES = {"keras": "KERAS_BACKEND", "tensorflow": "TF_ENABLE_ONEDNN_OPTS"}
"""What the environment has to say, lest the outcome depends on what is installed, or on the processor."""


class Claim(NamedTuple):
    """The clauses that are violated, and those that are on some processors."""

    everywhere: frozenset[str] = frozenset()
    somewhere: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.everywhere | self.somewhere


BY_NAME = {each.name for chapter in CHAPTERS.values() for each in chapter.operations if each.optional}
"""The operations with keywords that a library need not have."""

Cells = dict[str, Claim | None]
"""By dtype; None where the dtype is not claimed."""


def claim(text: str) -> Claim | None:
    """What "conforms", "–" or "BN-1 to BN-3, (CT-6)" says."""
    if text == "–":
        return None
    inside = re.search(r"\((.*?)\)", text)
    outside = re.sub(r",? ?\(.*?\)", "", text).replace("conforms", "")
    return Claim(clauses(outside), clauses(inside[1] if inside else ""))


def clauses(listed: str) -> frozenset[str]:
    """Those that "BN-1 to BN-3, CT-6" lists."""
    found: set[str] = set()
    for part in filter(None, listed.split(", ")):
        match = re.fullmatch(r"([A-Z]{2})-(\d+)(?: to \1-(\d+))?", part)
        assert match, f"docs/findings.md: expected clauses, as in BN-1 to BN-3, CT-6, got {part!r}"
        chapter, first, last = match.groups()
        found |= {f"{chapter}-{number}" for number in range(int(first), int(last or first) + 1)}
    return frozenset(found)


def published() -> dict[tuple[str, str], Cells]:
    """The table at the top of docs/findings.md, by target and operation."""
    top = FINDINGS.read_text("utf-8").partition("\n## ")[0]
    rows = [re.split(r"\s*\|\s*", line)[1:-1] for line in top.splitlines() if line[:1] == "|"]
    (_, _, *dtypes), _, *body = rows
    table: dict[tuple[str, str], Cells] = {}
    for targets, operations, *cells in body:
        outcomes: Cells = {dtype: claim(text) for dtype, text in zip(dtypes, cells, strict=True)}
        for key in [(target, name) for target in targets.split(", ") for name in operations.split(", ")]:
            assert key not in table, key
            table[key] = outcomes
    return table


PUBLISHED = published()
_FOREIGN = {plugin.chapter for plugin in PLUGINS}
OWN = {str(each) for name, chapter in CHAPTERS.items() if name not in _FOREIGN for each in chapter.operations}
"""The operations of nnlaws' own chapters."""


def imported(module: str) -> set[str]:
    """The packages that a module imports when it is imported itself."""
    found = find_spec(module)
    assert found is not None
    assert found.origin is not None
    body = ast.parse(Path(found.origin).read_text("utf-8")).body
    names = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


ELSEWHERE = {"fastai", "galore_torch", "optimi", "paddle", "sherpa", "syne_tune", "tf_keras", "timm"}
"""Whose findings are published, and which `make adapters` does not install."""


def need(*libraries: str) -> None:
    for library in libraries:
        if find_spec(library) is None:
            if library not in ELSEWHERE and os.environ.get("NNLAWS_REQUIRE_LIBRARIES") == "1":
                pytest.fail(f"{library} is not installed, and NNLAWS_REQUIRE_LIBRARIES=1 asks for it: make adapters")
            pytest.skip(f"{library} is not installed")


def violated(results: Sequence[LawResult]) -> dict[str, set[str]]:
    """The clauses that are broken, or that the library cannot be asked about, by dtype: each has to be published."""
    found: dict[str, set[str]] = {result.dtype: set() for result in results}
    for result in results:
        assert result.outcome is not Outcome.NOT_OFFERED or result.operation in BY_NAME, result.law
        if result.outcome in (Outcome.VIOLATES, Outcome.FALLS_SHORT, Outcome.ERROR):
            found[result.dtype].add(result.clause)
    return found


def test_the_table_has_every_target_and_every_operation_that_it_offers() -> None:
    targets = {target.partition(" ")[0] for target, _ in PUBLISHED}
    operations = {operation for _, operation in PUBLISHED}
    assert targets >= set(BUILT_IN), f"add a row to the table of docs/findings.md: {set(BUILT_IN) - targets}"
    assert targets <= set(BUILT_IN), f"not in BUILT_IN, but in the table of docs/findings.md: {targets - set(BUILT_IN)}"
    assert operations >= OWN, f"add a row to the table of docs/findings.md: {OWN - operations}"
    assert operations <= OWN, f"no chapter has, but the table of docs/findings.md: {operations - OWN}"
    assert all(cells.keys() == DTYPES.keys() for cells in PUBLISHED.values())


COMPILED = ("flax", "flax-two-pass", "jax", "keras jax", "optax")
"""Targets that compile each shape anew: of few shapes here, where any of the published clauses may be broken."""
LONG = ("reference", "scipy-variables")
"""Targets that need no library: left to `make adapters`, all the same, for they take longest of `make test`."""
TARGETS = [
    pytest.param(name, id=name.replace(" ", "-"), marks=[pytest.mark.release] if name in LONG else [])
    for name in dict.fromkeys(name for name, _ in PUBLISHED)
]


@pytest.mark.parametrize("name", TARGETS)
def test_the_outcome_is_as_published(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the table has of a target is offered. In each dtype only published clauses are broken; and where some
    of an operation are published, one at least in some dtype.

    One run for all operations: starting a library takes longer than most laws. The table is of two profiles; quick,
    which is run here, draws fewer cases than ci and need not break every clause. The findings are those of the versions
    they name: with another release they need a new run.
    """
    target, _, backend = name.partition(" ")
    need(*imported(BUILT_IN[target].partition(":")[0]), *filter(None, [backend or BACKENDS.get(target)]))
    if target in SWITCHES:
        monkeypatch.setenv(SWITCHES[target], backend or "1")
    laws, dtypes = FEWER.get(name, ((), ()))
    cells = {operation: cells for (one, operation), cells in PUBLISHED.items() if one == name}
    shapes = "few" if name in COMPILED else ""
    report = check(target, operations=list(cells), laws=laws, dtypes=dtypes, profile="quick", timeout=60, shapes=shapes)
    assert set(report.offered) == set(cells)
    assert report.complete
    for operation in cells:
        results = [result for result in report.results if result.operation == operation]
        clauses = {result.clause for result in results}
        claimed = {
            dtype: cell for dtype, cell in cells[operation].items() if cell is not None and dtype in (dtypes or DTYPES)
        }
        found = violated(results)
        assert not results or found.keys() == claimed.keys()
        for dtype, broken in found.items():
            wrong = [each for each in results if each.dtype == dtype and each.clause in broken - claimed[dtype].all]
            assert not wrong, "\n\n".join(map(explain, wrong))
        wanted = any(cell.everywhere & clauses for cell in claimed.values())
        assert any(found.values()) or not wanted, f"{operation}: expected some of {claimed} to be broken"


@pytest.mark.parametrize(
    ("operation", "cause"),
    [
        ("log_softmax", "log_softmax.narrow_log_sum"),
        ("cross_entropy", "cross_entropy.loss_narrow_log_sum"),
        ("cross_entropy_gradient", "cross_entropy_gradient.gradient_through_narrow_logarithms"),
    ],
)
def test_the_narrow_log_softmax_of_torch_has_the_published_cause(operation: str, cause: str) -> None:
    """Or, where other mistakes fit as well, the convention that allows them all."""
    need("torch")
    report = check("torch", operations=(operation,), dtypes=("bfloat16",))
    causes = {result.violation.cause.name for result in report.results if result.violation and result.violation.cause}
    assert cause in causes <= {cause, "arithmetic = narrow"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_arrays_come_back_as_they_went(dtype: str) -> None:
    need("torch")
    from nnlaws.adapters import torch as adapter

    z, y = np.array([[0.5, 1.0], [2.0, -1.0]]).astype(DTYPES[dtype]), np.eye(2).astype(DTYPES[dtype])
    assert adapter.softmax(z).dtype == adapter.cross_entropy_gradient(z, y).dtype == z.dtype
    assert adapter.cross_entropy(z, y).shape == ()


SETTINGS = {
    "threads": ("torch", "torch.set_num_threads(1)", "PyTorch's number of threads"),
    "more threads": ("torch", "torch.set_num_threads(3)", "PyTorch's number of threads"),
    "default dtype": ("torch", "torch.set_default_dtype(torch.float64)", "PyTorch's default dtype"),
    "seed": ("torch", "torch.manual_seed(0)", "PyTorch's global generator"),
    "gradients": ("torch", "torch.set_grad_enabled(False)", "whether PyTorch records gradients"),
    "subnormal numbers": (
        "torch",
        "torch.set_flush_denormal(True)",
        "the direction of rounding, or whether subnormal numbers are kept",
    ),
    "threads of BLAS": ("threadpoolctl", "threadpoolctl.threadpool_limits(1)", "the threads of BLAS and OpenMP"),
    "64 bits": ("jax", "jax.config.update('jax_enable_x64', True)", "JAX's jax_enable_x64"),
    "floatx": ("keras", "keras.config.set_floatx('float64')", "Keras's floatx"),
}


@pytest.mark.parametrize(("library", "call", "words"), SETTINGS.values(), ids=SETTINGS)
def test_a_library_s_setting_that_every_call_sets_to_the_same_is_noticed(
    write: Callable[..., str], library: str, call: str, words: str
) -> None:
    """From the first call on, long before the law that looks."""
    need(library)
    report = check(
        write(f"{call}\nreturn right(z)", prelude=f"import {library}\n"),
        laws=("SM-3", "CT-7"),
        operations=("softmax",),
        dtypes=("float32",),
        profile="quick",
        timeout=60,
    )
    outcomes = {result.clause: result for result in report.results}
    assert outcomes["SM-3"].outcome is Outcome.CONFORMS
    assert outcomes["CT-7"].violation is not None
    assert f"a call changed {words}" in outcomes["CT-7"].violation.reason


def test_what_is_put_back_is_no_change(write: Callable[..., str]) -> None:
    need("torch")
    body = "n = torch.get_num_threads()\ntorch.set_num_threads(n + 1)\na = right(z)\ntorch.set_num_threads(n)\nreturn a"
    target = write(body, prelude="import torch\n")
    assert check(target, laws=("CT-7",), operations=("softmax",), profile="quick", timeout=60).conforms


def test_every_built_in_has_its_module() -> None:
    assert all(find_spec(place.partition(":")[0]) for place in BUILT_IN.values())


REPRODUCERS = re.findall(r"^```python\n(.*?)^```", FINDINGS.read_text("utf-8"), re.MULTILINE | re.DOTALL)

SHOW = """
import ast, json, sys
for program in json.load(sys.stdin):
    names = {}
    print("program")
    for statement in ast.parse(program).body:
        print(f"line {statement.end_lineno}")
        try:
            exec(compile(ast.Module([statement], []), "reproducer", "exec"), names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
"""
"""Runs the programs from standard input, statement by statement: says where each ends, and what it prints or raises."""


def together() -> dict[str, list[str]]:
    """Reproducers that one process can run, since they need the same libraries and settings; starting takes longest."""
    groups: dict[str, list[str]] = {}
    for reproducer in REPRODUCERS:
        settings = re.findall(
            r"^(?:import|from) (\w+)|(os\.environ[^#\n]*|jax\.config[^#\n]*)", reproducer, re.MULTILINE
        )
        groups.setdefault(" ".join(sorted({one or other.strip() for one, other in settings})), []).append(reproducer)
    return groups


def expected(reproducer: str) -> dict[int, str]:
    """What the statement that ends on a line prints or raises: the comment there or below it, up to a semicolon."""
    lines = reproducer.splitlines()
    comments: dict[int, str] = {}
    for statement in ast.parse(reproducer).body:
        end = statement.end_lineno or 0
        if isinstance(statement, (ast.Expr, ast.For)):
            _, _, beside = lines[end - 1].partition("  # ")
            below = lines[end] if end < len(lines) and lines[end].startswith("# ") else ""
            if comment := (beside or below.removeprefix("# ")).partition("; ")[0]:
                comments[end] = " ".join(comment.split())
    return comments


@pytest.mark.parametrize("reproducers", together().values(), ids=together())
def test_reproducers_print_what_they_say(reproducers: list[str], tmp_path: Path) -> None:
    imported = re.findall(r"^(?:import|from) (\w+)", reproducers[0], re.MULTILINE)
    need(*(name for name in imported if name != "os"))
    assert "nnlaws" not in imported
    ran = subprocess.run(
        [sys.executable, "-c", SHOW],
        input=json.dumps(reproducers),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    _, *outputs = re.split(r"^program\n", ran.stdout, flags=re.MULTILINE)
    for reproducer, output in zip(reproducers, outputs, strict=True):
        _, *pieces = re.split(r"^line (\d+)\n", output, flags=re.MULTILINE)
        printed = {int(line): " ".join(text.split()) for line, text in zip(pieces[::2], pieces[1::2], strict=True)}
        wanted = expected(reproducer)
        assert wanted, reproducer
        for line, text in wanted.items():
            found = printed.pop(line)
            assert found.startswith(text.removesuffix("...")) if text.endswith("...") else found == text, reproducer
        assert set(printed.values()) == {""}, reproducer
