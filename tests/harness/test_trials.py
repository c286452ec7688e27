"""Laws with cases of their own, tried in turn: seeds, profiles, dtypes and replay."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nnlaws import check
from nnlaws.api import replay
from nnlaws.authoring.errors import UsageError
from nnlaws.chance.seeds import SCATTERED, SEEDS
from nnlaws.harness.planning import find
from nnlaws.report import Outcome
from nnlaws_reference import sampling
from nnlaws_reference.dtypes import Array


class Recording:
    """A sampler, and the sizes and seeds that it was asked for: of seeds, those that are drawn."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def sample_uniform(self, low: float, high: float, *, size: int, seed: int) -> Array:
        if not {seed, seed - 1} & {*SEEDS, *SCATTERED}:
            self.asked.append((size, seed))
        return sampling.sample_uniform(low, high, size=size, seed=seed)

    def softmax(self, z: Array) -> Array:
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))


def asked(**options: Any) -> list[tuple[int, int]]:
    """Sizes and seeds, but for those of the law that no object can be asked, which tries its own case besides."""
    target, own = Recording(), {(case.m, case.seed) for case in find("sample_uniform.same_seed_elsewhere").trials}
    assert check(target, operations=["sample_uniform"], **options).conforms
    return [pair for pair in target.asked if pair not in own]


def test_a_seed_gives_other_draws_and_always_the_same() -> None:
    assert asked() == asked()
    assert asked(seed=5) == asked(seed=5)
    assert not set(asked(seed=5)) & (set(asked()) | set(asked(seed=6)))


def test_thorough_draws_eight_times_as_many_and_each_time_others() -> None:
    once, again = asked(profile="thorough"), asked(profile="thorough")
    assert max(size for size, _ in once) == 8 * max(size for size, _ in asked())
    assert not set(once) & set(again)


def test_samplers_are_judged_in_float64_alone() -> None:
    with pytest.raises(UsageError, match="sample_uniform: judged in float64 alone, got float32"):
        check(Recording(), operations=["sample_uniform"], dtypes=["float32"])
    both = check(Recording(), operations=["sample_uniform", "softmax"], dtypes=["float32"], profile="quick")
    assert {each.operation for each in both.results} == {"softmax"}


REPLAYED = """\
import numpy as np

def sample_log_uniform(low, high, *, size, seed):
    return np.random.default_rng(seed).uniform(low, high, size)
"""


@pytest.mark.slow
def test_a_replay_reproduces_the_violation(write: Callable[..., str]) -> None:
    target = write(REPLAYED, whole=True)
    report = check(target, operations=["sample_log_uniform"], profile="quick", seed=3)
    (result,) = (each for each in report.results if each.clause == "SA-2")
    again = replay(result.replay)
    assert (again.outcome, again.worst) == (Outcome.VIOLATES, result.worst)
    assert again.violation == result.violation


@pytest.mark.sampled
@pytest.mark.parametrize(
    "token",
    [
        "sample_uniform.seeds_apart/float64/1x1,unit,0,1",
        "sample_uniform.no_grid/float64/1x1,unit,0,1",
        "refine.nested/float64/1x4,notes,77,1",
        "refine.smaller/float64/1x4,notes,-9,1",
        "coarse_to_fine.in_the_box/float64/3x2,notes,-2,1",
    ],
)
def test_tokens_that_no_run_prints_are_run_too(token: str) -> None:
    assert replay(f"{token}/reference").outcome is Outcome.CONFORMS


@pytest.mark.parametrize("case", ["9x1,nowhere,0,1", "9x9,notes,0,1"])
def test_boxes_and_spaces_that_there_are_not_are_wrong_usage(case: str) -> None:
    law = "sample_uniform.distribution" if "nowhere" in case else "random_search.in_the_box"
    with pytest.raises(UsageError, match="there are"):
        replay(f"{law}/float64/{case}/reference")
