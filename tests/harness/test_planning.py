"""Planning: what is selected, in its order; and no more tests of chance than share the false alarms of a run."""

from types import SimpleNamespace

import pytest
from nnlaws.authoring.errors import UsageError
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.harness import planning
from nnlaws.harness.planning import plan, planned
from nnlaws.harness.targets import Target, of
from nnlaws.plan import BOUND, Plan, Selection
from nnlaws_server.errors import TargetError

ALL = Target("all", "", dict.fromkeys(OPERATIONS, print))


def test_every_law_is_planned_operation_by_operation() -> None:
    tasks = plan(ALL, Selection(dtypes=("float64",)))
    assert {task.law for task in tasks} == {law.id for law in LAWS}
    assert list(dict.fromkeys(task.operation for task in tasks)) == list(OPERATIONS)


def test_more_tests_of_chance_than_there_are_shares_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SHARES", 10)
    expected = (
        r"the laws selected make \d+ tests of chance, more than the 10 .* most of them coarse_to_fine\..*"
        r"select fewer \(--operation, --law\), or leave out the chapters of other packages \(NNLAWS_NO_PLUGINS=1\)"
    )
    with pytest.raises(UsageError, match=expected):
        plan(ALL, Selection())
    assert plan(ALL, Selection(operations=("softmax",)))


def test_a_plan_says_how_each_operation_is_judged_and_goes_through_json() -> None:
    import json
    from dataclasses import asdict

    found = planned(ALL, Selection(operations=("softmax", "batch_norm_train", "sample_uniform")))
    assert found.judged["softmax"].limit == BOUND
    assert found.judged["softmax"].precisions == ()
    assert found.judged["batch_norm_train"].precisions == ("one_pass", "updating", "two_pass")
    assert found.judged["sample_uniform"].limit == "rejection threshold"
    assert Plan.from_json(json.loads(json.dumps(asdict(found)))) == found


def test_conventions_are_declared_for_all_for_one_operation_for_one_dtype_or_for_both() -> None:
    declared = {"velocity": "heavy_ball", "momentum.float16.velocity": "damped", "bfloat16.arithmetic": "narrow"}
    target = Target("all", "", {}, conventions=declared)
    assert target.conventions_for("momentum", "float64") == {"velocity": "heavy_ball"}
    assert target.conventions_for("momentum", "float16") == {"velocity": "damped"}
    assert target.conventions_for("momentum", "bfloat16") == {"velocity": "heavy_ball", "arithmetic": "narrow"}
    assert target.conventions_for("softmax", "float16") == {}


@pytest.mark.parametrize("key", ["float16.float32.velocity", "adam.adam.velocity", "adam.x.velocity", ".velocity"])
def test_a_scope_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(TargetError, match=r"OPERATION\.DTYPE\.NAME"):
        of(SimpleNamespace(conventions={key: "heavy_ball"}), "mine")
