"""What an optimizer's parameters make of it."""

from typing import Any

import pytest
from nnlaws.native.names import of_optimizer, parameters


def by_moments(lr: float, mom: float, sqr_mom: float, eps: float) -> None: ...


def torch_like(lr: float, alpha: float, eps: float, momentum: float = 0.5) -> None: ...


def holberton(learning_rate: float, beta2: float, epsilon: float) -> None: ...


@pytest.mark.parametrize(
    ("function", "called", "name", "options", "keywords"),
    [
        (by_moments, "Adam", "adam", {"beta1": 1, "beta2": 2, "eps": 3}, {"mom": 1, "sqr_mom": 2, "eps": 3}),
        (by_moments, "RMSProp", "rmsprop", {"beta": 2, "eps": 3}, {"mom": 0.0, "sqr_mom": 2, "eps": 3}),
        (torch_like, "RMSprop", "rmsprop", {"beta": 2, "eps": 3}, {"alpha": 2, "eps": 3}),
        (holberton, "update", "rmsprop", {"beta": 2, "eps": 3}, {"beta2": 2, "epsilon": 3}),
    ],
)
def test_what_is_made_of_the_options_of_an_operation(
    function: Any, called: str, name: str, options: dict[str, Any], keywords: dict[str, Any]
) -> None:
    ((found, make),) = ((key, each) for key, each in of_optimizer(parameters(function), called).items())
    assert found == name
    assert make(**options) == keywords
