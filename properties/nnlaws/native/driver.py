"""Drives a library's optimizer over gradients: the loop, the rate of each step, and the state saved on the way.

An adapter says what is particular to its library, an `Optimizer`, and of which options it makes one:

    @stateful
    def momentum(*, beta: float) -> Optimizer[State]:
        return Optimizer(init, step, read, restored)

is then the operation momentum(theta, grads, *, learning_rate, beta, save_at=None).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, Generic, TypeVar

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_server.recognising import OPTIMIZERS

from nnlaws.authoring.operation import Option

State = TypeVar("State")


@dataclass(frozen=True)
class Optimizer(Generic[State]):
    """An optimizer whose state, of whatever type, has the parameters in it.

    init: the state before any step, of parameters (n,) that are not to be changed. step: the state after a step, of the
    state, which may be changed, the gradient (n,) and the rate. read: the parameters of a state (n,). restored: the
    state that comes back when one has been saved as the library saves it.
    """

    init: Callable[[Array], State]
    step: Callable[[State, Array, float], State]
    read: Callable[[State], Array]
    restored: Callable[[State], State]

    def trajectory(self, theta: Array, grads: Array, learning_rate: Option, save_at: int | None = None) -> Array:
        """The parameters after each step (T, n), of grads' dtype; the state is saved and restored after `save_at`."""
        iterates = np.empty_like(grads)
        state = self.init(theta)
        for t, (gradient, rate) in enumerate(zip(grads, rates(learning_rate, len(grads)), strict=True)):
            if t == save_at:
                state = self.restored(state)
            state = self.step(state, gradient, rate)
            iterates[t] = self.read(state)
        return iterates


def rates(learning_rate: Option, steps: int) -> tuple[float, ...]:
    """The learning rate of each step."""
    return learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * steps


def stateful(make: Callable[..., Optimizer[Any]]) -> Callable[..., Array]:
    """The operation by the optimizer that `make` makes of the operation's own options; it takes save_at (OP-17).

    What `make` takes by position, as a method takes self, comes before theta.
    """
    return _operation(make, Parameter("save_at", Parameter.KEYWORD_ONLY, default=None))


def stateless(make: Callable[..., Optimizer[Any]]) -> Callable[..., Array]:
    """As `stateful`, of an optimizer that keeps nothing but the parameters: it takes no save_at."""
    return _operation(make)


OPTIONS = OPTIMIZERS
"""What the operations take besides the learning rate; the first keeps nothing but the parameters."""
USUAL = {
    **{"beta": 0.9, "beta1": 0.9, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.01},
    **{"dampening": 0.5, "initial_accumulator": 0.1, "momentum_decay": 0.004},
}


def driven(name: str, make: Callable[..., Optimizer[Any]]) -> Callable[..., Array]:
    """The operation of that name, by the optimizer that `make` makes of whatever are the operation's options."""

    def made(**options: Any) -> Optimizer[Any]:
        return make(**options)

    own = [Parameter(option, Parameter.KEYWORD_ONLY) for option in OPTIONS[name]]
    made.__signature__ = Signature(own)  # type: ignore[attr-defined]
    return stateful(made) if own else stateless(made)


def each(
    made: Callable[..., Optimizer[Any]],
    operations: Mapping[str, Callable[..., Mapping[str, Any]]],
    fixed: Mapping[str, Any] | None = None,
) -> dict[str, Callable[..., Array]]:
    """The operations by name, each by the optimizer that `made` makes of keywords: those that are fixed, and those that
    an operation makes of its own options.
    """

    def operation(name: str, keywords: Callable[..., Mapping[str, Any]]) -> Callable[..., Array]:
        return driven(name, lambda **options: made(**{**(fixed or {}), **keywords(**options)}))

    return {name: operation(name, keywords) for name, keywords in operations.items()}


def none_zero(
    make: Callable[..., object],
    operations: Mapping[str, Callable[..., Mapping[str, Any]]],
    fixed: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """The options that may not be 0, by operation.option: those with which `make` makes no optimizer.

    operations: of each, what makes keywords for `make` of its options. fixed: keywords that are the same in all.
    """

    def made(keywords: Callable[..., Mapping[str, Any]], **options: float) -> bool:
        try:
            make(**{**(fixed or {}), **keywords(**options)})
        except Exception:
            return False
        return True

    found: list[str] = []
    for name, keywords in operations.items():
        usual = {option: USUAL[option] for option in OPTIONS[name]}
        if made(keywords, **usual):
            found += [f"{name}.{option}" for option in usual if not made(keywords, **{**usual, option: 0.0})]
    return tuple(found)


def parts(vector: Array) -> list[Array]:
    """Of an odd number of coordinates, from three on, a matrix and a vector: as most networks have several parameters,
    and not of one shape.
    """
    n = len(vector)
    if n < 3 or n % 2 == 0:
        return [vector]
    return [vector[: n // 2].reshape(-1, 1), vector[n // 2 :]]


def joined(parts: Sequence[Array]) -> Array:
    """The vector of which these are the parts."""
    return np.concatenate([part.reshape(-1) for part in parts])


def _operation(make: Callable[..., Optimizer[Any]], *last: Parameter) -> Callable[..., Array]:
    @wraps(make)
    def run(*arguments: Any, learning_rate: Option, **options: Any) -> Array:
        *owner, theta, grads = arguments
        saved = {parameter.name: options.pop(parameter.name, parameter.default) for parameter in last}
        return make(*owner, **options).trajectory(theta, grads, learning_rate, **saved)

    own = signature(make).parameters.values()
    run.__signature__ = signature(make).replace(  # type: ignore[attr-defined]
        parameters=[
            *(each for each in own if each.kind is not Parameter.KEYWORD_ONLY),
            Parameter("theta", Parameter.POSITIONAL_OR_KEYWORD),
            Parameter("grads", Parameter.POSITIONAL_OR_KEYWORD),
            Parameter("learning_rate", Parameter.KEYWORD_ONLY),
            *(each for each in own if each.kind is Parameter.KEYWORD_ONLY),
            *last,
        ],
        return_annotation=Array,
    )
    return run
