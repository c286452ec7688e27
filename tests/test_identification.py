"""Identification: the conventions of a black box are found by elimination, and declared they conform."""

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nnlaws
import numpy as np
import pytest
from nnlaws import api
from nnlaws.chapters import OPERATIONS
from nnlaws.chapters.optimizers.sound.adamw import multiplied_last
from nnlaws.identification import Identification, Identified, Trial
from nnlaws.identification.text import text
from nnlaws.report import LawResult, Outcome
from nnlaws_reference.dtypes import Array

Run = Callable[..., Any]
Write = Callable[..., str]

BLACK_BOX = '''\
"""Three conventions: epsilon outside, the unbiased variance handed on, and decay as the weight of the new."""

import numpy as np


def batch_norm_train(z, gamma, beta, *, eps):
    mean, var = statistics(z)
    return gamma * (z - mean) / (np.sqrt(var) + z.dtype.type(eps)) + beta, mean, kept(var, len(z))


def batch_norm_running(batches, *, decay):
    mean, var = np.zeros_like(batches[0, 0]), np.ones_like(batches[0, 0])
    new, old = batches.dtype.type(decay), batches.dtype.type(1 - decay)
    for z in batches:
        batch_mean, batch_var = statistics(z)
        mean, var = old * mean + new * batch_mean, old * var + new * kept(batch_var, len(z))
    return mean, var


def statistics(z):
    if not len(z):
        raise ValueError("no samples")
    mean = z.mean(axis=0)
    return mean, np.square(z - mean).mean(axis=0)


def kept(var, m):
    return var * var.dtype.type(m / max(m - 1, 1))
'''

CONFLICTING = '''\
"""Epsilon is inside in training, and outside at inference."""

import nnlaws_reference as reference
import numpy as np

batch_norm_train = reference.batch_norm_train


def batch_norm_inference(z, gamma, beta, mean, var, *, eps):
    return gamma * (z - mean) / (np.sqrt(var) + z.dtype.type(eps)) + beta
'''

RAISES = "def batch_norm_running(batches, *, decay):\n    raise ValueError('never')\n"

FITS_NOTHING = """\
import nnlaws_reference as reference


def batch_norm_inference(z, gamma, beta, mean, var, *, eps):
    return reference.batch_norm_inference(z, gamma, beta, mean, var, eps=eps) + 1
"""

QUICK = ("--dtype", "float32", "--profile", "quick")


def paste(source: str, out: str) -> str:
    """The source with the line pasted in that the command says to declare."""
    (line,) = [line.strip() for line in out.splitlines() if line.strip().startswith("conventions = ")]
    assert json.loads(line.partition(" = ")[2])
    return f"{source}\n{line}\n"


@pytest.mark.slow
def test_three_conventions_are_found_and_conform_as_declared(write: Write, command: Run) -> None:
    found = command("identify", write(BLACK_BOX, whole=True), *QUICK)
    assert (found.code, found.err) == (0, "")
    declared = paste(BLACK_BOX, found.out)
    namespace: dict[str, Any] = {}
    exec(declared, namespace)
    assert namespace["conventions"] == {"epsilon": "outside", "running_variance": "unbiased", "weight": "new"}
    for law in ("BN-4", "BN-18", "BN-19"):
        assert command("check", "target.py", "--law", law, *QUICK).code == 1
    checked = command("check", write(declared, whole=True), *QUICK)
    assert checked.code == 0, checked.out
    assert "conforms as declared" in checked.out
    assert "violates" not in checked.out


@pytest.mark.slow
def test_the_neighbours_are_eliminated_by_a_case_each(write: Write, command: Run) -> None:
    out = command("identify", write(BLACK_BOX, whole=True), "--operation", "batch_norm_train", *QUICK).out
    (fits,) = re.findall(r"^  fits: (.*)  \(", out, re.MULTILINE)
    assert set(fits.split(", ")) == {"epsilon = outside", "running_variance = unbiased"}
    for neighbour in ("running_variance = unbiased", "epsilon = outside"):
        assert f"  not: {neighbour}  (BN-" in out
    assert out.count("by that it would be") == 2
    assert "and 1 more, which differ in several, is eliminated too" in out


@pytest.mark.slow
def test_operations_that_differ_are_declared_by_name(write: Write, command: Run) -> None:
    found = command("identify", write(CONFLICTING, whole=True), *QUICK)
    assert found.code == 0
    declared = paste(CONFLICTING, found.out)
    assert 'conventions = {"batch_norm_inference.epsilon": "outside"}' in declared
    assert command("check", write(declared, whole=True), *QUICK).code == 0


def test_what_does_as_the_notes_do_has_nothing_to_declare(command: Run) -> None:
    found = command("identify", "reference", "--operation", "batch_norm_inference", *QUICK)
    assert found.code == 0
    assert "fits: the clauses' own choice" in found.out
    assert found.out.endswith("nothing to declare: it does as the notes do\n")


def test_a_target_that_always_raises_could_not_be_tried(write: Write, command: Run) -> None:
    found = command("identify", write(RAISES, whole=True), *QUICK)
    assert found.code == 3
    assert "could not be tried: batch_norm_running raised ValueError: never" in found.out
    assert "conventions = " not in found.out


def test_a_target_that_fits_nothing_is_told_so(write: Write, command: Run) -> None:
    found = command("identify", write(FITS_NOTHING, whole=True), *QUICK)
    assert found.code == 1
    assert "none of the 2 combinations of conventions fits\n  nearest: " in found.out
    assert re.search(r"breaks BN-\d+ \(batch_norm_inference\.\w+, float32\), by [\d.e+]+ times what is", found.out)
    assert "by that it would be" in found.out
    assert "no combination fits batch_norm_inference float32" in found.out
    assert "conventions = " not in found.out


PARTLY = """\
import nnlaws_reference as reference


def batch_norm_inference(z, gamma, beta, mean, var, *, eps):
    if len(z) > 1:
        raise NotImplementedError("one sample at a time")
    return reference.batch_norm_inference(z, gamma, beta, mean, var, eps=eps)


def batch_norm_train(z, gamma, beta, *, eps):
    raise NotImplementedError("later")


batch_norm_running = reference.batch_norm_running
"""


@pytest.mark.slow
def test_a_law_that_is_not_offered_counts_for_nothing(write: Write, command: Run) -> None:
    found = command("identify", write(PARTLY, whole=True), *QUICK, "--operation", "batch_norm_train")
    assert "batch_norm_train" not in found.out.partition("\n")[2], found.out
    found = command("identify", write(PARTLY, whole=True), *QUICK, "--operation", "batch_norm_running")
    assert found.code == 0
    assert "nothing to declare" in found.out


def test_the_nearest_is_what_the_most_laws_hold_of() -> None:
    def broken(worst: float) -> LawResult:
        return LawResult("a.value", "A-1", "", "batch_norm_train", "float32", Outcome.VIOLATES, worst)

    far, near = {"epsilon": "outside"}, {"variance": "one_pass"}
    less = dict[str, str]()
    trials = (Trial(far, broken(2.0), 0), Trial(near, broken(9.0), 1), Trial(less, broken(90.0), 1))
    assert Identified("batch_norm_train", "float32", trials, 0).nearest.conventions == near


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere.py",), 3, "there is no file 'nowhere.py'"),
        (("reference", "--dtype", "int8"), 2, "unknown dtype 'int8'"),
        (("reference", "--operation", "batch_norm"), 2, "unknown operation 'batch_norm'"),
        (("reference", "--profile", "slow"), 2, "quick"),
        (("reference", "--timeout", "0"), 2, "more than 0"),
    ],
)
def test_a_mistake_is_one_line(write: Write, command: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    write("")
    ran = command("identify", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert words in ran.err


def identified(operation: str, dtype: str, *fitting: dict[str, str]) -> Identified:
    return Identified(operation, dtype, tuple(Trial(each) for each in fitting), 16)


def test_several_that_fit_are_said_and_are_not_complete() -> None:
    found = Identification("mine", "mine 1", (identified("batch_norm_train", "float32", {}, {"epsilon": "outside"}),))
    assert not found.complete
    assert "several combinations fit batch_norm_train float32: the first is declared" in text(found)


def test_one_convention_in_one_dtype_and_another_in_another_is_not_complete() -> None:
    """No declaration says that. A grade is another matter: `arithmetic` bears on the narrow dtypes alone."""
    torn = [
        identified("batch_norm_train", "float32", {"epsilon": "outside"}),
        identified("batch_norm_train", "float64", {}),
    ]
    found = Identification("mine", "", tuple(torn))
    assert (found.complete, found.torn) == (False, ["batch_norm_train"])
    graded = (torn[1], identified("batch_norm_train", "float16", {"arithmetic": "narrow"}))
    assert Identification("mine", "", graded).complete


def test_what_is_the_same_in_all_that_it_bears_on_is_declared_once() -> None:
    outside = {"epsilon": "outside"}
    both = [identified(name, "float32", outside) for name in ("batch_norm_train", "batch_norm_inference")]
    running = identified("batch_norm_running", "float32", {"weight": "new"})
    assert Identification("mine", "", (*both, running)).declaration == {"epsilon": "outside", "weight": "new"}
    other = identified("batch_norm_backward", "float32", {})
    assert Identification("mine", "", (*both, other)).declaration == {
        "batch_norm_train.epsilon": "outside",
        "batch_norm_inference.epsilon": "outside",
    }


@pytest.mark.slow
def test_a_grade_is_loosened_only_where_nothing_fits_without() -> None:
    def batch_norm_train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        """E[z²] − μ², in the arguments' own type."""
        mean = z.mean(axis=0)
        var = np.maximum(np.square(z).mean(axis=0) - np.square(mean), 0)
        return gamma * (z - mean) / np.sqrt(var + z.dtype.type(eps)) + beta, mean, var

    told: list[tuple[str, Trial]] = []
    found = nnlaws.identify(
        SimpleNamespace(batch_norm_train=batch_norm_train),
        dtypes=["float32"],
        profile="quick",
        progress=lambda about, trial: told.append((about, trial)),
    )
    assert found.complete
    assert found.declaration == {"variance": "one_pass"}
    (train,) = found.found
    assert [trial for _, trial in told] == list(train.trials)
    assert {about for about, _ in told} == {"batch_norm_train float32"}
    assert ["variance" in trial.conventions for trial in train.trials] == [False] * 4 + [True] * 4


def test_what_is_declared_already_makes_no_difference() -> None:
    """A wrong declaration is what one wants to get rid of."""
    right = OPERATIONS["batch_norm_inference"].reference
    target = SimpleNamespace(batch_norm_inference=right, conventions={"epsilon": "outside"})
    found = nnlaws.identify(target, dtypes=["float32"], profile="quick")
    assert (found.complete, found.declaration) == (True, {})


@pytest.mark.slow
def test_what_eliminates_a_combination_can_be_replayed(write: Write) -> None:
    """The case breaks the law if nothing is declared."""
    target = write(CONFLICTING, whole=True)
    found = nnlaws.identify(target, operations=["batch_norm_inference"], dtypes=["float32"], profile="quick")
    (inference,) = found.found
    (own,) = [trial for trial in inference.trials if not trial.conventions]
    assert isinstance(own.broken, LawResult)
    assert api.replay(own.broken.replay).outcome is Outcome.VIOLATES


@pytest.mark.slow
def test_a_death_under_every_combination_is_no_crash_of_ours(write: Write, command: Run) -> None:
    body = "import os\n\n\ndef batch_norm_inference(z, gamma, beta, mean, var, *, eps):\n    os._exit(3)\n"
    found = command("identify", write(body, whole=True), *QUICK)
    assert found.code == 3
    assert "could not be tried" in found.out


def test_epsilon_added_to_the_uncorrected_square_inside_the_root_is_identified() -> None:
    """α √(1 − β₂^t)/(1 − β₁^t) m/√(v + ε): neither ε inside the root of v̂ nor ε̂ outside."""

    def adam(theta: Array, grads: Array, *, learning_rate: Any, beta1: float, beta2: float, eps: float) -> Array:
        kind, iterates = theta.dtype.type, np.empty_like(grads)
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        m, v = np.zeros_like(theta), np.zeros_like(theta)
        for t, (gradient, rate) in enumerate(zip(grads, rates, strict=True), 1):
            m += kind(1 - beta1) * (gradient - m)
            v += kind(1 - beta2) * (gradient * gradient - v)
            size = kind(rate * np.sqrt(1 - beta2**t) / (1 - beta1**t))
            iterates[t - 1] = theta = theta - size * m / np.sqrt(v + kind(eps))
        return iterates

    found = nnlaws.identify(SimpleNamespace(adam=adam), dtypes=("float32",), profile="quick")
    assert found.declaration == {"adam_form": "epsilon_hat_inside"}


def test_a_decay_after_the_step_is_identified() -> None:
    """As by a loop that multiplies the parameters by 1 − αλ once they have moved."""
    found = nnlaws.identify(
        SimpleNamespace(adamw=multiplied_last.function), operations=("adamw",), dtypes=("float32",), profile="quick"
    )
    assert found.declaration == {"decoupling": "after_step"}
