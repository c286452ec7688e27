"""What schedules do at their ends, with few steps, with very many, and long after the last: seen in `quick` already."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws import check
from nnlaws.report import Outcome

pytestmark = pytest.mark.usefixtures("hurried")

Schedule = Callable[..., Any]


def outcomes(operation: str, function: Schedule, **declared: str) -> set[Outcome]:
    target = SimpleNamespace(**{operation: function}, conventions=declared)
    report = check(target, operations=[operation], dtypes=["float32"], profile="quick")
    return {each.outcome for each in report.results if each.outcome is not Outcome.NOT_OFFERED}


def where(wrong: Callable[[Any, dict[str, float]], Any], value: str, operation: str) -> Schedule:
    """The right schedule, but for the steps where it gives the option of that name."""

    def run(step: Any, **options: float) -> Any:
        right = getattr(reference, operation)(step, **options)
        return np.where(wrong(step, options), options.get(value, 0.0), right).astype(step.dtype)

    return run


@pytest.mark.parametrize(
    ("operation", "wrong", "value"),
    [
        ("warmup_linear_schedule", lambda t, o: (o["warmup"] == o["steps"] - 1) & (t >= o["warmup"]), "end"),
        ("warmup_cosine_schedule", lambda t, o: (o["steps"] == 1) & (t >= 0), "peak"),
        ("linear_schedule", lambda t, o: t > o["steps"] + 1000, "nothing"),
        ("cosine_schedule", lambda t, o: (t == o["steps"] - 1) & (o["steps"] == 7), "end"),
    ],
)
def test_what_is_wrong_in_a_few_places_is_found(operation: str, wrong: Any, value: str) -> None:
    assert Outcome.VIOLATES in outcomes(operation, where(wrong, value, operation))


@pytest.mark.parametrize("operation", ["linear_schedule", "warmup_linear_schedule"])
def test_many_steps_are_counted_to_the_last(operation: str) -> None:
    def one_more(step: Any, *, steps: float, **options: float) -> Any:
        return getattr(reference, operation)(step, steps=steps + (steps > 100_000), **options)

    assert Outcome.VIOLATES in outcomes(operation, one_more)


def test_of_one_step_within_nothing_is_said() -> None:
    """It is the first and the last."""

    def line(step: Any, *, start: float, end: float, steps: float) -> Any:
        way = np.minimum(step, steps - 1)
        part = way / (steps - 1) if steps > 1 else np.ones_like(step)
        return (start + (end - start) * part).astype(step.dtype)

    assert outcomes("linear_schedule", line, last="within") == {Outcome.DECLARED}
