"""Operations: a signature is read as it is written, and what may be declared has a clause and a formula behind it."""

import inspect
from typing import Any

import nnlaws_reference
import numpy as np
import pytest
from nnlaws.authoring.convention import Convention, finest, loosest
from nnlaws.authoring.operation import Operation
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.chapters.softmax.operations import Softmax
from nnlaws_spec import clauses
from nnlaws_spec.clauses import Variant
from nnlaws_spec.formulas import softmax as formulas

every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
every_operation_on_arrays = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS.values() if each.arrays], ids=lambda each: each.name
)
COUNTS = dict.fromkeys(("warmup", "stable", "up", "down", "period", "stretch"), 1.0)
OPTIONS = {"beta2": 0.9, "every": 2.0, "high": 0.5, "start": 0.5, "peak": 0.5, "steps": 4.0, **COUNTS}
"""What is not 0.25."""
OPTIONAL = {"ignore_index": 0, "label_smoothing": 0.25, "weight": (1.0, 2.0, 0.5)}
CHANCES = {"sampling", "more_samplers", "search"}


def operation(signature: str) -> Operation:
    return Operation("name", signature, Softmax, formulas, nnlaws_reference)


@pytest.mark.parametrize(
    ("signature", "arguments", "options", "results", "call"),
    [
        ("z(m,C) -> a(m,C)", {"z": ("m", "C")}, (), {"a": ("m", "C")}, "name(z)"),
        ("z(m,C), y(m,C) -> J()", {"z": ("m", "C"), "y": ("m", "C")}, (), {"J": ()}, "name(z, y)"),
        (
            "z(m,n), gamma(n), *, eps -> out(m,n), var(n)",
            {"z": ("m", "n"), "gamma": ("n",)},
            ("eps",),
            {"out": ("m", "n"), "var": ("n",)},
            "name(z, gamma, *, eps)",
        ),
        ("x(T,m,n), *, a, b -> y(n)", {"x": ("T", "m", "n")}, ("a", "b"), {"y": ("n",)}, "name(x, *, a, b)"),
    ],
)
def test_a_signature_is_read_as_it_is_written(
    signature: str, arguments: Any, options: tuple[str, ...], results: Any, call: str
) -> None:
    found = operation(signature)
    assert (found.arguments, found.options, found.results, found.call) == (arguments, options, results, call)
    assert list(found.arguments) == list(arguments)
    assert list(found.results) == list(results)


def test_the_shapes_of_results_follow_from_those_of_the_arguments() -> None:
    train, running = OPERATIONS["batch_norm_train"], OPERATIONS["batch_norm_running"]
    assert train.result_shapes([(5, 3), (3,), (3,)]) == ((5, 3), (3,), (3,))
    assert train.result_shapes([(0, 3), (3,), (3,)]) == ((0, 3), (3,), (3,))
    assert running.result_shapes(iter([(2, 5, 3)])) == ((3,), (3,))
    assert OPERATIONS["cross_entropy"].result_shapes([(5, 3), (5, 3)]) == ((),)


def test_a_wrong_number_of_arguments_or_of_axes_has_no_shapes() -> None:
    for shapes in ([(5, 3)], [(5,), (3,), (3,)], [(5, 3), (3,), (3,), (3,)]):
        with pytest.raises(ValueError, match="zip"):
            OPERATIONS["batch_norm_train"].result_shapes(shapes)


def test_an_operation_is_scalar_or_per_sample_or_neither() -> None:
    """By samples: no samples give no rows, so CT-5 is about it."""
    assert [name for name, each in OPERATIONS.items() if each.scalar] == ["cross_entropy", "label_cross_entropy"]
    assert {name for name, each in OPERATIONS.items() if not each.per_sample} == {
        *("cross_entropy", "label_cross_entropy", "batch_norm_train", "batch_norm_backward", "batch_norm_running"),
        *("batch_norm_layer", "batch_norm_layer_backward"),
        *("exponential_average", "gradient_descent", "momentum", "rmsprop", "adam", "adamw"),
        *("sgd", "adagrad", "amsgrad", "nadam", "radam", "lion"),
        *(name for name, each in OPERATIONS.items() if chapter_of(each).name in CHANCES),
    }


def test_samplers_and_searches_alone_take_no_arrays() -> None:
    without = [each for each in OPERATIONS.values() if not each.arrays]
    assert {chapter_of(each).name for each in without} == CHANCES
    weaker = {convention.name for each in without for convention in each.conventions if convention.effect != "value"}
    assert weaker == {"resolution"}, "nothing is rounded but the uniform numbers that a draw is made of"
    assert {chapter_of(each).name for each in OPERATIONS.values() if each.arrays}.isdisjoint(CHANCES)


@every_operation
def test_a_protocol_takes_what_the_signature_says(operation: Operation) -> None:
    names = [*operation.arguments, *operation.options]
    protocol: Any = operation.protocol
    parameters = inspect.signature(protocol.__call__).parameters
    assert [name for name in parameters if name != "self"] == names
    assert [parameters[name].kind for name in names] == [
        *[inspect.Parameter.POSITIONAL_ONLY] * len(operation.arguments),
        *[inspect.Parameter.KEYWORD_ONLY] * len(operation.options),
    ]
    taken = inspect.signature(operation.reference).parameters
    assert set(names) <= taken.keys()
    assert all(taken[name].default is not inspect.Parameter.empty for name in taken.keys() - set(names))


@every_operation_on_arrays
def test_formula_reference_and_bound_take_what_the_signature_says(operation: Operation) -> None:
    """The bound takes the conventions besides, the formula and the reference perhaps more, which has a default.

    And the reference may give an option its usual value.
    """
    names = [*operation.arguments, *operation.options]
    for function, own in ((operation.formula, []), (operation.reference, []), (operation.bound, ["conventions"])):
        parameters = inspect.signature(function).parameters
        required = [name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty]
        usual = set(operation.options) - set(required) if function is operation.reference else set[str]()
        assert required == [name for name in names + own if name not in usual], function
        assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in (*operation.options, *own))


@every_operation_on_arrays
def test_formula_and_reference_return_the_results_in_their_order(operation: Operation) -> None:
    sizes = {"m": 4, "C": 3, "n": 3, "T": 2, "k": 2}
    if operation.name == "radam":
        sizes["T"] = 6  # of which the last are rectified
    entry = 1.0 if chapter_of(operation).name in ("decay", "schedules") else 0.5  # epochs and steps are whole
    shapes = {name: [sizes[dim] for dim in dims] for name, dims in operation.arguments.items()}
    arguments = [
        np.ones(shape, int) if name in operation.integers else np.full(shape, entry) for name, shape in shapes.items()
    ]
    options = {name: OPTIONS.get(name, 0.25) for name in operation.options}
    for function in (operation.formula, operation.reference):
        returned = function(*arguments, **options)
        results = returned if isinstance(returned, tuple) else (returned,)
        assert tuple(np.shape(result) for result in results) == operation.result_shapes(a.shape for a in arguments)


def variants(operation: Operation) -> set[tuple[str, str]]:
    """Name and value of the variants of the operation's chapter that bear on it."""
    bearing = {each.name for each in operation.conventions}
    named: list[Variant] = [
        v for clause in clauses().values() if clause.chapter == chapter_of(operation).name for v in clause.variants
    ]
    return {(variant.name, variant.value) for variant in named if variant.name in bearing}


@every_operation
def test_every_convention_is_a_variant_of_the_chapter_and_in_its_order(operation: Operation) -> None:
    text = chapter_of(operation).text
    order = [(variant.name, variant.value) for variant in text.variants]
    declared = [(each.name, each.value) for each in operation.conventions]
    assert set(declared) == variants(operation)
    assert declared == sorted(declared, key=lambda each: [name for name, _ in order].index(each[0]))
    assert all(each.meaning == text.variant(each.name, each.value).meaning for each in operation.conventions)


@every_operation_on_arrays
def test_conventions_that_change_the_value_are_keywords_of_the_formula_and_others_are_not(operation: Operation) -> None:
    parameters = inspect.signature(operation.formula).parameters
    of_rounding = {each.name for each in operation.conventions if each.effect != "value"}
    assert set(operation.changing) <= parameters.keys()
    assert not of_rounding & {*parameters, *operation.changing}
    sizes = {"m": 4, "C": 3, "n": 3, "T": 2, "k": 2}
    if operation.name == "radam":
        sizes["T"] = 6  # of which the last are rectified
    random = np.random.default_rng(0)
    reach = 9.0 if chapter_of(operation).name == "schedules" else 1.0  # beyond the last step, or in another cycle
    shapes = {name: [sizes[dim] for dim in dims] for name, dims in operation.arguments.items()}
    arguments = [
        random.integers(0, 3, shape) if name in operation.integers else reach * random.random(shape)
        for name, shape in shapes.items()
    ]
    options: dict[str, Any] = {name: OPTIONS.get(name, 0.25) for name in operation.options}
    options.update({name: OPTIONAL[name] for name in operation.optional})
    plain = operation.formula(*arguments, **options)
    for name, value in variants(operation):
        if name in operation.changing:
            other = operation.formula(*arguments, **options, **{name: value})
            results = [each if isinstance(each, tuple) else (each,) for each in (plain, other)]
            assert not all(map(np.array_equal, *results)), f"{name} = {value}"


def test_every_name_of_a_weaker_bound_has_one_value_that_admits_the_most() -> None:
    for operation in OPERATIONS.values():
        weaker = {each.name for each in operation.conventions if each.effect == "weaker bound"}
        assert loosest(operation.conventions).keys() == weaker
    train = OPERATIONS["batch_norm_train"].conventions
    assert loosest(train) == {"variance": "one_pass", "arithmetic": "narrow"}
    assert finest(train) == {"variance": "two_pass"}


def test_of_several_weaker_bounds_the_loosest_is_the_one_that_no_other_admits() -> None:
    half = Convention("state", "half", "", "weaker bound")
    full = Convention("state", "full", "", "weaker bound", weaker_than=("half",))
    assert loosest([half, full]) == loosest([full, half]) == {"state": "full"}
