"""The template is a module that a newcomer can keep as it is: well formed, with every operation's own parameters."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from nnlaws.authoring.operation import Operation, Option
from nnlaws.chapters import OPERATIONS
from nnlaws.templates.target import template

Run = Callable[..., Any]

every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


@pytest.fixture
def module() -> ModuleType:
    found = ModuleType("mine")
    exec(compile(template("mine.py"), "mine.py", "exec"), found.__dict__)
    return found


def test_it_has_every_operation_in_order_and_nothing_else(module: ModuleType) -> None:
    functions = [name for name, value in vars(module).items() if inspect.isfunction(value)]
    assert functions == list(OPERATIONS)
    assert module.dtypes == ("float32", "float64")


def bare(hint: Any) -> Any:
    """A type as the template writes it: arrays and functions without what they hold or take."""
    origin = get_origin(hint)
    if origin in (np.ndarray, Callable):
        return origin
    return tuple.__class_getitem__(tuple(map(bare, get_args(hint)))) if origin is tuple else hint


@every_operation
def test_a_function_has_the_parameters_and_types_of_its_operation(module: ModuleType, operation: Operation) -> None:
    """And raises until it is written."""
    function: Callable[..., Any] = getattr(module, operation.name)
    parameters = inspect.signature(function).parameters
    kinds = {name: parameter.kind for name, parameter in parameters.items()}
    assert list(kinds) == [*operation.arguments, *operation.options]
    assert {name for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY} == set(operation.options)
    hints, protocol = get_type_hints(function), get_type_hints(operation.protocol.__call__)
    assert {name: hint for name, hint in hints.items() if name != "return"} == {
        name: bare(protocol[name]) for name in (*operation.arguments, *operation.options)
    }
    assert hints["return"] == bare(protocol["return"])
    several = len(operation.results)
    assert (hints["return"] == np.ndarray) == (several == 1)
    assert len(get_args(hints["return"])) == (several if several > 1 else 0)
    assert " ".join((function.__doc__ or "").split()) == operation.meaning
    with pytest.raises(NotImplementedError):
        function(*operation.arguments, **dict.fromkeys(operation.options, 0.5))


def test_a_learning_rate_may_be_one_a_step(module: ModuleType) -> None:
    assert get_type_hints(module.adam)["learning_rate"] == Option
    assert get_type_hints(module.exponential_average)["bias_correction"] is bool


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ruff") is None, reason="a tool for developers")
@pytest.mark.parametrize("command", [("format", "--diff"), ("check", "--select", "E,F,I,W,UP,B")], ids=lambda c: c[0])
def test_a_formatter_and_a_linter_leave_it_as_it_is(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(template(path.name), encoding="utf-8")
    options = ("--isolated", "--line-length", "120", "--target-version", "py311", "--no-cache")
    ended = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *options, str(path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_operations_are_listed_as_they_are_called_with_what_they_mean(command: Run) -> None:
    lines = command("list", "operations").out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [operation.call for operation in OPERATIONS.values()]
    (adam,) = [line for line in lines if line.startswith("adam(")]
    assert adam.startswith("adam(theta, grads, *, learning_rate, beta1, beta2, eps)  ")
    assert "(OP-10)" in adam


@pytest.mark.parametrize(
    ("clause", "laws"),
    [
        ("OP-10", ["adam.value", "adam.long_run", "adam.in_many_coordinates", "adam.at_size"]),
        ("OP-17", ["momentum.resumed", "rmsprop.resumed", "adam.resumed", "adamw.resumed"]),
        ("LR-9", ["staircase_decay.flat"]),
    ],
)
def test_a_clause_is_explained_with_its_laws(command: Run, clause: str, laws: list[str]) -> None:
    ran = command("explain", clause)
    assert ran.code == 0
    assert ran.out.startswith(f"{clause}  ")
    assert [line.split()[1] for line in ran.out.splitlines() if line.startswith("law ")] == [f"{law}:" for law in laws]
