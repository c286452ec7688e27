"""Calls in another process: what it finds there, and what it says where it does not."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnlaws import check
from nnlaws.authoring.subject import NotOffered
from nnlaws.chapters import OPERATIONS
from nnlaws.harness import targets
from nnlaws.isolation import elsewhere
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.report import Outcome, Report

SAMPLE = OPERATIONS["sample_uniform"]
HEAD = """\
import os
import numpy as np

{head}


def sample_uniform(low, high, *, size, seed):
    return low + (high - low) * np.random.default_rng({seed}).random(size)
"""


@pytest.fixture
def target(tmp_path: Path) -> Callable[..., str]:
    def write(seed: str = "seed", head: str = "") -> str:
        path = tmp_path / f"target_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(HEAD.format(seed=seed, head=head), "utf-8")
        return str(path)

    return write


def called(name: str) -> tuple[Any, Any]:
    """What a call gives in another process, and here."""
    subject = GuardedSubject(targets.resolve(name).operations["sample_uniform"], SAMPLE)
    given = {"size": 5, "seed": 7}
    return subject.elsewhere(0.0, 1.0, **given)[0], subject.arrays(0.0, 1.0, **given)[0]


def test_a_file_and_a_module_are_found(target: Callable[..., str]) -> None:
    for name in (target(), "reference", "nnlaws_reference", "numpy"):
        there, here = called(name)
        assert there.dtype == here.dtype
        assert there.tobytes() == here.tobytes()


@pytest.mark.parametrize("seed", ["abs(hash(str(seed)))", "[seed, os.getpid()]", "[seed, START]"])
def test_what_comes_of_the_process_is_seen(target: Callable[..., str], seed: str) -> None:
    there, here = called(target(seed, "START = int.from_bytes(os.urandom(4))"))
    assert there.tobytes() != here.tobytes()


def test_a_function_in_a_function_is_not_found() -> None:
    def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Any:
        return np.zeros(size)

    with pytest.raises(NotOffered, match="define it at the top of a file"):
        GuardedSubject(sample_uniform, SAMPLE).elsewhere(0.0, 1.0, size=1, seed=0)


@pytest.mark.parametrize(
    ("head", "seed", "words"),
    [
        ("", "seed if os.getpid() == {pid} else 1 / 0", "in another process it raised ZeroDivisionError"),
        ("if os.getpid() != {pid}: raise OSError('locked')", "seed", "in another process it raised OSError: locked"),
        ("", "seed if os.getpid() == {pid} else os._exit(3)", "came to an end"),
    ],
)
def test_what_goes_wrong_there_is_said(target: Callable[..., str], head: str, seed: str, words: str) -> None:
    name = target(seed.format(pid=os.getpid()), head.format(pid=os.getpid()))
    with pytest.raises(NotOffered, match=words):
        called(name)
    assert (called("reference")[0] == called("reference")[1]).all(), "and the next is asked of a new process"


def test_what_is_printed_there_is_no_answer(target: Callable[..., str]) -> None:
    there, here = called(target("(print('drawing', flush=True), seed)[1]", "print('hello')"))
    assert (there == here).all()


def test_a_hang_is_given_up(target: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "PATIENCE", 0.5)
    name = target(f"seed if os.getpid() == {os.getpid()} else __import__('time').sleep(60)")
    with pytest.raises(NotOffered, match="did not answer within"):
        called(name)
    monkeypatch.undo()
    with pytest.raises(NotOffered, match=r"within 0\.5 s"):  # and not asked again
        called(name)


def outcome(report: Report) -> tuple[Outcome, str]:
    (result,) = (each for each in report.results if each.law.endswith("same_seed_elsewhere"))
    return result.outcome, result.violation.reason if result.violation else result.reason


def test_a_run_says_so(target: Callable[..., str]) -> None:
    chosen: Any = {"laws": ["SA-9"], "operations": ["sample_uniform"]}
    assert outcome(check(target(), **chosen)) == (Outcome.CONFORMS, "")
    found, words = outcome(check(target("abs(hash(str(seed)))"), **chosen))
    assert found is Outcome.VIOLATES
    assert "with the same seed in another process" in words

    def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Any:
        return np.random.default_rng(seed).random(size)

    found, words = outcome(check(sample_uniform, **chosen))
    assert found is Outcome.NOT_OFFERED
    assert "not found by name in another process" in words
