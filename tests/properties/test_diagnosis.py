"""A verdict names a cause only if it is the cause."""

import pytest
from nnlaws.mutants import MUTANTS, Mutant
from nnlaws.runner import plan, run
from nnlaws.targets import Target
from nnlaws.verdict import Outcome, Selection

VALUES = ("SM-1", "SM-6", "SM-10", "SM-11", "SM-12", "SM-13", "SM-14", "SM-16")
OWN = [
    mutant
    for mutant in MUTANTS
    if mutant.name.partition(".")[2] in dir(__import__("nnlaws.mutants.softmax", fromlist=["_"]))
]


@pytest.mark.parametrize("mutant", OWN, ids=lambda mutant: mutant.name)
def test_a_known_mistake_is_named(mutant: Mutant) -> None:
    """On the first law of value that it breaks, the mutant is recognised, and its fix is given."""
    target = Target("mine", "", {mutant.operation: mutant.function})
    dtype = "bfloat16" if "narrow" in mutant.name else "float32"
    selection = Selection(operations=(mutant.operation,), dtypes=(dtype,))
    tasks = [task for task in plan(target, selection) if task.clause in VALUES]
    violated = next(r for r in (run(task, target, selection) for task in tasks) if r.outcome is Outcome.VIOLATES)
    assert violated.violation is not None
    assert violated.violation.cause is not None, violated.violation
    assert violated.violation.cause.name == mutant.name
    assert violated.violation.fix.startswith(mutant.fix)


def test_an_unknown_mistake_gets_no_cause() -> None:
    """Half of each logit: not among the mutants, and none of them may be blamed."""
    right = next(mutant for mutant in MUTANTS if mutant.name == "softmax.base_two")
    target = Target("mine", "", {"softmax": lambda z: right.function(z / 2)})
    selection = Selection(operations=("softmax",), laws=("SM-1",), dtypes=("float64",))
    (result,) = [run(task, target, selection) for task in plan(target, selection)]
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    assert result.violation.cause is None
