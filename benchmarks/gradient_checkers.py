"""What gradient checkers say of the same errors: PyTorch's and JAX's, each with its defaults, in float64."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from ladder import Drawn, Recorder, Runs, Spot, all_but, hit, least, off, spots
from nnlaws.chapters import OPERATIONS
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Given = tuple[tuple[Floats, ...], dict[str, Any], Floats]
"""Arguments, options, and the right gradient."""
Checker = Callable[[str, tuple[Floats, ...], dict[str, Any], Floats], bool]
"""Whether it accepts a gradient with respect to the logits, or to z: of an operation, its arguments and options."""

OPERATIONS_CHECKED = ("cross_entropy_gradient", "batch_norm_backward")
ENTRIES = (2, 64)  # of an array: of larger ones a checker takes seconds
ARRAYS = 6  # of a run


@dataclass(frozen=True)
class Checked:
    """The least k at which a checker rejects the gradient in all but so many runs; and of how many arrays it rejects
    the right gradient."""

    checker: str
    operation: str
    kind: str
    runs: int
    k: int | None
    nnlaws: int | None
    alarms: int
    arrays: int
    seconds: float


def torch_gradcheck(operation: str, arguments: tuple[Floats, ...], options: dict[str, Any], gradient: Floats) -> bool:
    torch: Any = import_module("torch")
    given = [torch.from_numpy(argument.copy()) for argument in arguments]

    def loss(x: Any) -> Any:
        if operation == "cross_entropy_gradient":
            return -(given[1] * torch.log_softmax(x, dim=1)).sum(dim=1).mean()
        z_norm = (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, unbiased=False) + options["eps"])
        return (given[0] * given[2] * z_norm).sum()

    class WithGradient(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return loss(x)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            return cotangent * torch.from_numpy(gradient)

    x = given[_variable(operation)].requires_grad_()
    return bool(torch.autograd.gradcheck(WithGradient.apply, (x,), raise_exception=False))


def jax_check_grads(operation: str, arguments: tuple[Floats, ...], options: dict[str, Any], gradient: Floats) -> bool:
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    test_util: Any = import_module("jax.test_util")
    jax.config.update("jax_enable_x64", True)
    given = [jnp.asarray(argument) for argument in arguments]

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def loss(x: Any) -> Any:
        if operation == "cross_entropy_gradient":
            return -(given[1] * jax.nn.log_softmax(x, axis=1)).sum(axis=1).mean()
        z_norm = (x - x.mean(axis=0)) / jnp.sqrt(x.var(axis=0) + options["eps"])
        return (given[0] * given[2] * z_norm).sum()

    loss.defvjp(lambda x: (loss(x), None), lambda _, cotangent: (cotangent * jnp.asarray(gradient),))
    try:
        test_util.check_grads(loss, (given[_variable(operation)],), order=1, modes=("rev",))
    except AssertionError:
        return False
    return True


CHECKERS: dict[str, tuple[str, Checker]] = {
    "torch.autograd.gradcheck": ("torch", torch_gradcheck),
    "jax.test_util.check_grads": ("jax", jax_check_grads),
}


def available() -> list[str]:
    """The checkers whose library is installed."""
    return [name for name, (library, _) in CHECKERS.items() if find_spec(library) is not None]


def check(checker: str, operation: str, runs: int, seed: int) -> list[Checked]:
    """One checker on one operation's gradient, on arrays that nnlaws drew, with the error in each kind of spot."""
    of = Runs(OPERATIONS[operation], format_of(DTYPES["float64"]), range(seed, seed + runs))
    accepts = CHECKERS[checker][1]
    recorded = [of.record(each) for each in of.seeds]
    chosen = [few(recorder) for recorder in recorded]
    sound = [[one for one in each if accepts(operation, *one)] for each in chosen]
    arrays = sum(len(each) for each in chosen)
    alarms = arrays - sum(len(each) for each in sound)
    found: list[Checked] = []
    for spot in spots(of.operation):
        if spot.result != "dz":
            continue
        began = time.perf_counter()

        def rejects(given: list[Given], k: int, spot: Spot = spot) -> bool:
            return any(
                not accepts(operation, arguments, options, np.where(entries, off(gradient, k, of.format), gradient))
                for arguments, options, gradient in given
                if np.any(gradient[entries := hit(spot.kind, gradient.shape)])
            )

        drawn = [Drawn.of(recorder.entries[spot]) for recorder in recorded]
        own = [least(of.highest, partial(one.violates, format=of.format)) for one in drawn]
        theirs = [least(of.highest, partial(rejects, each)) for each in sound]
        k, mine = (
            each if each <= of.highest else None for each in (all_but(runs // 100, one) for one in (theirs, own))
        )
        took = round(time.perf_counter() - began, 1)
        found.append(Checked(checker, operation, spot.kind, runs, k, mine, alarms, arrays, took))
    return found


def few(recorder: Recorder) -> list[Given]:
    """Some of a run's first arrays, of ordinary size, with the reference's gradient."""
    each = [
        (tuple(argument[lane] for argument in arguments), options, results[0][lane])
        for arguments, options, results in recorder.given
        for lane in range(len(results[0]))
    ]
    ordinary = [one for one in each if ENTRIES[0] <= one[2].size <= ENTRIES[1] and np.isfinite(one[2]).all()]
    return ordinary[:: max(len(ordinary) // ARRAYS, 1)][:ARRAYS]


def _variable(operation: str) -> int:
    """Which argument the gradient is with respect to."""
    return list(OPERATIONS[operation].arguments).index("z")
