"""A fault is blamed on the law that made it: an error is tried once more, in a new process."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nnlaws
import numpy as np
from nnlaws.harness.planning import plan
from nnlaws.harness.run import run
from nnlaws.harness.targets import Target
from nnlaws.plan import Selection
from nnlaws.report import PASSED, LawResult, Outcome

Write = Callable[..., str]
CONFORMS, ERROR = Outcome.CONFORMS, Outcome.ERROR


def softmax_of(target: str, *laws: str) -> dict[str, LawResult]:
    """The results of softmax by clause, of laws that one process runs one after another."""
    chosen: dict[str, Any] = {"laws": laws, "profile": "quick", "dtypes": ["float32"], "jobs": 1}
    report = nnlaws.check(target, operations=["softmax"], **chosen)
    return {result.clause: result for result in report.results}


def test_an_error_that_another_laws_error_has_left_is_not_this_laws(write: Write) -> None:
    """As after an error of a device: whatever is called then fails, until there is a new process."""
    sticky = "global stuck\nif stuck: raise RuntimeError('stuck')\nstuck = bool(np.isnan(z).any())\nreturn right(z)"
    results = softmax_of(write(sticky, prelude="stuck = False\n"), "SM-18", "CT-2")
    assert (results["SM-18"].outcome, results["CT-2"].outcome) == (ERROR, CONFORMS)


def test_an_error_that_a_law_that_passed_has_left_does_not_come_again(write: Write) -> None:
    """What a process has after so many calls, each law by itself does not reach."""
    counting = "if calls > {}: raise RuntimeError('worn out')\nreturn right(z)"
    noting = "with open('calls', 'a') as file: file.write('.')\nreturn right(z)"
    with_each: list[int] = []
    for law in ("softmax.value", "SM-4"):
        softmax_of(write(noting), law)
        with open("calls") as file:
            with_each.append(len(file.read()) - sum(with_each))
    target = write(counting.format(max(with_each)))
    first, second = softmax_of(target, "softmax.value", "SM-4").values()
    assert (first.outcome, second.outcome) == (CONFORMS, CONFORMS)
    assert first.reason == ""
    assert second.reason == f"{PASSED}: softmax raised RuntimeError: worn out"


def test_an_error_that_comes_again_is_reported(write: Write) -> None:
    results = softmax_of(write("raise RuntimeError('always')"), "softmax.value", "SM-2", "SM-3", "SM-4", "SM-5")
    assert {each.outcome for each in results.values()} == {ERROR}


STICKY = """global stuck
if stuck: raise RuntimeError('stuck')
stuck = z.shape[0] == 3
if stuck: raise RuntimeError('an illegal address')
return right(z)"""


def test_what_breaks_the_process_is_shown_as_it_was_and_not_made_smaller(write: Write) -> None:
    """Whatever is called afterwards fails: a smaller example would show nothing."""
    results = softmax_of(
        write(STICKY, prelude="stuck = False\n"), "softmax.value", "SM-2", "SM-3", "SM-4", "SM-5", "CT-2"
    )
    value = results["SM-1"]
    assert value.outcome is ERROR
    assert (
        value.reason
        == "softmax raised RuntimeError: an illegal address; since then every call fails, also what passed before"
    )
    assert "/3x" in value.replay
    reasons = {each.reason.partition(";")[0] for each in results.values() if each.outcome is ERROR}
    assert reasons == {"softmax raised RuntimeError: an illegal address"}, "each law has a process that works"


def test_what_many_arrays_show_together_is_replayed_together() -> None:
    """One array of them shows nothing; that is no sign of a function that keeps something."""

    def unbiased(z: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
        mean, var = z.mean(axis=0), z.var(axis=0, ddof=min(1, len(z) - 1))
        return gamma * (z - mean) / np.sqrt(var + z.dtype.type(eps)) + beta, mean, var

    target = Target("mine", "", {"batch_norm_train": unbiased})
    laws = ("batch_norm_train.noisy_variance_falls_short",)
    selection = Selection(operations=("batch_norm_train",), laws=laws, dtypes=("float32",), profile="quick")
    (task,) = plan(target, selection)
    result = run(task, target, selection)
    assert (result.outcome, result.reason) == (Outcome.VIOLATES, "")
    case = result.replay.split("/")[2]
    assert run(replace(task, case=case), target, selection).outcome is Outcome.VIOLATES
