"""What the cases of samplers and searches draw: no sizes, seeds, counts or axes that all have one pattern."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import LAWS, OPERATIONS, chapter_of
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import format_of
from nnlaws_server.callee import silence

DOUBLE = format_of(np.dtype(np.float64))
Asked = dict[str, set[Any]]


def asked(name: str) -> Asked:
    """All that the laws of an operation ask of it, option by option; what only its space says, too."""
    operation, found = OPERATIONS[name], defaultdict[str, set[Any]](set)

    def noting(*arguments: Any, **options: Any) -> Any:
        if chapter_of(name).name == "sampling":
            options = {"low": arguments[0], "high": arguments[1], **options}
        else:
            found["axes"] |= set(arguments[0])
            found["dimensions"].add(len(arguments[0]))
        for option, value in options.items():
            if not isinstance(value, np.ndarray):
                found[option].add(value)
        if name == "sample_integer":
            found["count"].add(options["high"] - options["low"] + 1)
        given = {key: options[key] for key in options if key not in ("low", "high")}
        return operation.reference(*arguments, **given)

    subject = GuardedSubject(noting, operation)
    for law in (law for law in LAWS if law.operation is operation and not law.name.endswith("elsewhere")):
        for case in law.trials:
            with silence():
                law.evidence(subject, Ruler(operation, DOUBLE, {}), law.build(case, DOUBLE))
    return found


def patterns(numbers: set[int], most: int = 8) -> dict[int, set[int]]:
    """Which remainders never come."""
    return {by: missing for by in range(2, most + 1) if (missing := set(range(by)) - {n % by for n in numbers})}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if chapter_of(name).name == "sampling"])
def test_draws_have_no_pattern(name: str) -> None:
    found = asked(name)
    assert not patterns(found["size"]), "of sizes"
    assert {0, 1, 2, 255, 256, 257} <= found["size"]
    assert not patterns({size for size in found["size"] if size > 500}, 3), "of large sizes"
    assert not patterns(found["seed"]), "of seeds"
    assert 0 in found["seed"]
    for bits in (8, 16, 24, 31, 32):
        low = defaultdict[int, set[int]](set)
        for seed in found["seed"]:
            low[seed % 2**bits].add(seed)
        assert max(map(len, low.values())) > 1, f"no two seeds differ beyond {bits} bits alone"
    if name == "sample_integer":
        assert not patterns(found["count"], 4), "of counts of whole numbers"
        assert {2, 8, 64} <= found["count"]
        assert max(found["count"]) > 2**32
        assert any(2**24 < count < 2**31 for count in found["count"])
        assert min(found["low"]) < -(2**30) < 2**30 < max(found["high"])


@pytest.mark.parametrize("name", ["random_search", "caviar", "coarse_to_fine"])
def test_searches_have_no_pattern(name: str) -> None:
    found = asked(name)
    budgets = found["budget"]
    assert not patterns(budgets, 5), "of budgets"
    assert 1 in budgets
    assert not patterns(found["seed"]), "of seeds"
    assert {0, 2**16, 2**31, 2**32} <= found["seed"]
    assert {1, 2, 3, 4, 5} <= found["dimensions"]
    integers = {axis.high - axis.low + 1 for axis in found["axes"] if axis.scale == "integer"}
    assert {2.0, 8.0} <= integers
    assert any(axis.low == axis.high for axis in found["axes"])
    assert any(axis.high < 0 for axis in found["axes"])
    if name == "coarse_to_fine":
        assert {1, 2, 3, 4} <= found["rounds"]


def test_a_grid_has_few_and_many_values_an_axis() -> None:
    found = asked("grid_search")
    assert {1, 2, 3, 6, 11} <= found["per_axis"]
    assert {1, 2, 3, 4} <= found["dimensions"]
