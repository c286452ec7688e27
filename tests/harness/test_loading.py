"""What goes wrong while a target is loaded is said; and what it does then is its own affair."""

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nnlaws
import pytest
from nnlaws.harness import parent
from nnlaws.report import Outcome

Write = Callable[..., str]

IMPORTS = {
    "raises": ("raise ValueError('not today')", "ValueError: not today"),
    "has a syntax error": ("def softmax(z:", "SyntaxError"),
    "exits": ("import sys\nsys.exit(0)", "SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "ends its process": ("import os\nos._exit(9)", "exit code 9"),
    "leaves its last words to another": (
        "import os, subprocess\nsubprocess.Popen('sleep 0.2; echo out of numbers >&2', shell=True)\nos._exit(9)",
        "exit code 9 (out of numbers)"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "hangs": ("import time\ntime.sleep(60)", "no answer within"),
    "raises what cannot be printed": (
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute", "Mute"),
    "raises for whatever is asked of it": ("def __getattr__(name): raise RuntimeError('who asks?')", "who asks?"),
}  # fmt: skip


DECLARED = {
    "a dtype that is none": ("dtypes = ([],)", "declares dtypes"),
    "another dtype": ("dtypes = ('int8',)", "declares dtypes = ('int8',); expected a tuple of some of float16"),
    "no dtype": ("dtypes = ()", "dtypes"),
    "a string for dtypes": ("dtypes = 'float16'", "dtypes"),
    "a list for a value": ("conventions = {'normalisation': ['lse']}", "declares the convention"),
    "a string for conventions": ("conventions = 'lse'", "conventions"),
}


@pytest.mark.parametrize("here", [True, False], ids=["in this process", "in its own"])
@pytest.mark.parametrize(("prelude", "words"), DECLARED.values(), ids=DECLARED)
def test_a_declaration_that_makes_no_sense_is_refused(write: Write, prelude: str, words: str, here: bool) -> None:
    """What is ignored in silence is taken for what was judged."""
    path = write("return right(z)", prelude=prelude + "\n")
    target: Any = SimpleNamespace(**runpy.run_path(path)) if here else path
    with pytest.raises(parent.LoadError) as raised:
        nnlaws.check(target, laws=["softmax.value"], profile="quick")
    assert words in str(raised.value)


@pytest.mark.sampled
@pytest.mark.parametrize(("text", "words"), IMPORTS.values(), ids=IMPORTS)
def test_a_target_that_cannot_be_loaded_is_said_so(
    write: Write, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setattr(parent, "LOADING", 4.0)
    with pytest.raises(parent.LoadError) as raised:
        nnlaws.check(write(text, whole=True), laws=["softmax.value"], profile="quick")
    assert words in str(raised.value)
    assert "nnlaws itself failed" not in str(raised.value)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "prelude",
    [
        "import os, sys, warnings, numpy as np\nnp.seterr(all='raise')\nwarnings.simplefilter('error')\n"
        "os.chdir('/')\nsys.stdout = sys.stderr = None\n",
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n",
        "from hypothesis import settings\nsettings.register_profile('mine', max_examples=1)\n"
        "settings.load_profile('mine')\n",
    ],
    ids=["error state, folder and streams", "a dataclass", "Hypothesis's settings"],
)
def test_what_a_target_does_at_import_is_its_own_affair(write: Write, prelude: str) -> None:
    target = write("return right(z)", prelude=prelude)
    report = nnlaws.check(target, laws=["softmax.value", "log_softmax.value"], profile="quick", dtypes=["float32"])
    assert {each.outcome for each in report.results} == {Outcome.CONFORMS}
    assert all(each.cases > 16 for each in report.results)


@pytest.mark.parametrize(("call", "outcome"), [(1, Outcome.CONFORMS), (2, Outcome.ERROR)])
def test_the_first_call_may_take_its_time(write: Write, call: int, outcome: Outcome) -> None:
    """It may compile; what takes as long later on does not return. (`calls` counts those of its process.)"""
    target = write(f"if calls == {call}: time.sleep(2)\nreturn right(z)")
    report = nnlaws.check(
        target, operations=["softmax"], laws=["softmax.value"], profile="quick", dtypes=["float32"], timeout=1
    )
    (result,) = report.results
    assert (result.outcome, "did not return within 1 s" in result.reason) == (outcome, call > 1)


def test_what_ends_its_process_when_it_is_tried_is_judged_all_the_same(write: Write) -> None:
    """As a function that is recognised, of which conventions are looked for: it dies of one class."""
    body = "import os\nimport numpy as np\n\ndef soft(z):\n    e = np.exp(z - z.max(axis=-1, keepdims=True))\n"
    target = write(f"{body}    return os.abort() if z.shape[1] == 1 else e / e.sum(axis=-1, keepdims=True)", whole=True)
    report = nnlaws.check(f"{target}:soft", laws=["SM-8", "SM-9"], profile="quick", dtypes=["float32"])
    assert "judged as the notes have it: when it was tried, its process was killed by SIGABRT" in report.recognised[-1]
    found = {result.clause: result.outcome for result in report.results if result.outcome is not Outcome.NOT_OFFERED}
    assert found == {"SM-8": Outcome.ERROR, "SM-9": Outcome.CONFORMS}


def test_a_file_that_was_changed_within_the_second_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would take what it has compiled: of the same second and the same size."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    path = tmp_path / "mine.py"
    outcomes: list[bool] = []
    for half in ("1", "2"):
        text = f"import nnlaws_reference\n\ndef softmax(z):\n    return nnlaws_reference.softmax(z / {half}.0)\n"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1e9, 1e9))
        outcomes.append(nnlaws.check(path, laws=["softmax.value"], dtypes=["float64"], profile="quick").conforms)
    assert outcomes == [True, False]
