"""Optimizers that run their own loop: functions of a gradient, which is a function, and of the number of steps."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.driver import OPTIONS, USUAL
from nnlaws.native.names import Keywords, Unrecognised, of_optimizer, parameters, pick, raised, settled, told

STEPS = (
    *("num_iters", "n_iters", "num_steps", "n_steps", "n_iter", "steps", "iterations", "max_iter", "maxiter", "T"),
    *("num_iterations", "n_iterations", "max_iters", "max_iterations", "niter", "iters", "epochs", "n_epochs"),
    "num_epochs",
)
GRADIENT = (
    *("grad", "gradient", "grad_fn", "grad_f", "df", "gradient_fn", "jac", "f_grad", "gradf", "grad_func", "dfdx"),
    *("gradient_func", "gradient_function", "grad_function"),
)
RATE = 0.0625


def recognised(function: Callable[..., Any], given: Keywords, about: Keywords) -> SimpleNamespace | None:
    """The target that such a function is; None of what takes no gradient, no number of steps or no rate.

    Where it asks for the gradient is where it is, once a step; the rate is the same in all. Raises Unrecognised.
    """
    there = dict(parameters(_within(function)))
    gradient, steps = (next((name for name in names if name in there), "") for names in (GRADIENT, STEPS))
    rate = pick(there, "learning_rate")
    start = next((name for name, each in there.items() if each.default is each.empty and name != gradient), "")
    if not (gradient and steps and rate and start):
        return None
    if [*there][:2] not in ([gradient, start], [start, gradient]):
        raise Unrecognised(f"its parameters are {', '.join(there)}; expected {gradient} and {start} first")
    operations = of_optimizer(there)
    fixed = settled(there, given, operations)

    def run(theta: Array, grads: Array, learning_rate: Any, keywords: Keywords) -> Array:
        seen: list[Array] = []

        def slope(x: Any, *number: int) -> Array:
            if len(seen) == len(grads):
                raise RuntimeError(f"it asks for a gradient more often than it makes steps, {len(grads)}")
            seen.append(np.array(x))
            return np.array(grads[len(seen) - 1])

        one = learning_rate[0] if isinstance(learning_rate, tuple) else learning_rate
        first = (slope, theta.copy()) if next(iter(there)) == gradient else (theta.copy(), slope)
        out = function(*first, **{steps: len(grads), rate: one, **fixed, **keywords})
        if len(seen) != len(grads):
            raise RuntimeError(f"of {len(grads)} steps it asked for the gradient in {len(seen)}")
        last = out[0] if isinstance(out, tuple) else out
        return np.array([*seen[1:], np.asarray(last)]).reshape(grads.shape).astype(grads.dtype)

    name, keywords = next(iter(operations.items()))
    usual = keywords(**{option: USUAL[option] for option in OPTIONS[name]})
    grads = np.array([[1.0, -2.0, 0.5], [0.5, 1.0, -1.0], [1.0, 1.0, 2.0]])
    called = f"f({gradient}, {start}, {steps}, {rate}, …)"
    try:
        path = run(np.full(3, 8.0), grads, RATE, usual)
    except Exception as error:
        raise Unrecognised(f"{called} {raised(error)}") from None
    if not 0 < np.abs(np.diff(path, axis=0)).max() < 4:
        raise Unrecognised(f"{called} of 8 gives {path[-1]}, and no parameter that moves a little at each step")

    def operation(own: Callable[..., Keywords]) -> Callable[..., Array]:
        def trajectory(theta: Array, grads: Array, *, learning_rate: Any, **options: Any) -> Array:
            return run(theta, grads, learning_rate, own(**options))

        return trajectory

    whole = f"taken for an optimizer that runs its own loop: {', '.join(operations)}; called as {called}"
    made = {each: operation(own) for each, own in operations.items()}
    return SimpleNamespace(**made, **about, constant_rate=True, recognised=(whole, *told(fixed)))


def _within(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of the same name that a decorator has wrapped, which says what its arguments are."""
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    named = (each for each in cells if inspect.isfunction(each) and each.__name__ == function.__name__)
    return next(named, function)
