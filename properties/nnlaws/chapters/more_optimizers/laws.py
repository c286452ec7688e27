"""The laws of chapters/more_optimizers.md.

Laws of value compare with the exact iterates, within the rounding that the clause allows, under the conventions that
the implementation declares. All others are about structure, within the rounding of the loosest convention.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring import gradient_cases as boundary
from nnlaws.authoring import gradients, stepping
from nnlaws.authoring.case import Range
from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.law import Law, agree_loosely, laws_of, slack
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.stepping import (
    changing_rate_value,
    coordinates_alone,
    long_run,
    no_epsilon,
    no_future,
    resumed,
    sign,
    value,
    without_memory,
    zero_gradients,
)
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.more_optimizers import at_size
from nnlaws.chapters.more_optimizers import inputs as cases
from nnlaws.chapters.more_optimizers.operations import ADAGRAD, AMSGRAD, LION, NADAM, RADAM, SGD


def scale(f: Subject, ruler: Ruler, theta: Array, grads: Array, *, c: float, **options: Any) -> Evidence:
    """SGD carries a factor c through; the others do not see it, where ε and what is there at first are scaled too."""
    plain = f(theta, grads, **options)
    more, large = dict(options), [(c * x.astype(np.float64)).astype(x.dtype) for x in (theta, grads)]
    if ruler.operation is SGD:
        got, bound = f(*large, **options) / c, ruler.loose(*large, **options)
        beyond = np.isinf(got) & ~(np.abs(bound.value) + bound.error < ruler.format.largest)
        got, plain = (np.where(beyond, 0.0, each) for each in (got, plain))
        return agree_loosely(ruler, got, plain, "the result without the factor", theta, grads, **options)
    if "eps" in options:
        more["eps"] = options["eps"] * (c * c if ruler.conventions.get("adagrad_epsilon") == "inside" else c)
    if "initial_accumulator" in options:
        more["initial_accumulator"] = options["initial_accumulator"] * c * c
    scaled = slack(plain, ruler.loose(theta, large[1], **more), ruler.format)
    got, expected = f(theta, large[1], **more), "the iterate without the factor, whose ε is as much smaller"
    return agree_loosely(ruler, got, plain, expected, theta, grads, more=scaled, **options)


def not_hidden(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """NaN stays, and an infinity becomes no number; where RAdam does not move at first, nothing is shown so far."""
    if ruler.conventions.get("unrectified") == "still":
        return require(True, "")
    return stepping.not_hidden(f, ruler, *arguments, **options)


def whole_steps(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """From where it has got to, Lion moves each parameter by α, or not at all, and by its decay besides.

    θ_t − (1 − αλ)θ_{t−1} is −α, 0 or α, but for roundings: each iterate is rounded as it is kept, and as it is
    returned; the decay as the bound of the step has it, five of αλθ and one of θ, three more of αλ if the options are
    rounded; α, its product, and the last sum. All are below 9u of the sizes added up, and this check's own are 3 more.
    """
    iterates = f(theta, grads, **options)
    before = np.concatenate([theta.astype(np.float64)[:, None, :], iterates[:, :-1]], axis=1)
    rate, decay = options["learning_rate"], options["weight_decay"]
    moved = iterates - (1 - rate * decay) * before
    size = np.abs(iterates) + (1 + rate * decay) * np.abs(before) + rate
    allowed = STEP * ruler.format.u * size + 4 * ruler.format.tiny
    near = np.abs(moved[..., None] - rate * np.array([-1.0, 0.0, 1.0])).min(axis=-1)
    kept = np.where(np.isfinite(before) & np.isfinite(iterates), near <= allowed, True)
    return require(
        kept.all(axis=(1, 2)), "a parameter has moved by something else than α, 0 or −α, and its decay", moved
    )


STEP = 12  # roundings of a step of Lion: see `whole_steps`
STILL = (
    "where it moves, subtract nothing for a gradient of 0, but a decay that is asked for; where NaN comes, divide by a "
    "root plus ε that is not 0: an ε below the dtype's smallest number makes 0/0"
)
FEW: Any = {"share": 0.2, "lanes": 2}
POISONED: Any = {"m": (2, 4), "columns": (3, 5), **FEW}
VALUE: Any = {"kind": "value"}
LONG: Range = (100, 100)
STEPS: Range = (2, 5)
RECTIFIED: Range = (1, 12)


def _laws_of(operation: Operation) -> Callable[..., Law]:
    """Laws on ordinary inputs."""
    build, shares = cases.BUILDERS[operation], {"value": 0.6, "structure": 0.25}
    return laws_of(operation, build, gradients.ordinary_cases, shares, m=cases.SAMPLES, lanes=4)


def _steps(operation: Operation) -> Range:
    """Some steps; of RAdam, of which the first five or so are not rectified, more."""
    return RECTIFIED if operation is RADAM else cases.SAMPLES


def _every(operation: Operation) -> tuple[Law, ...]:
    """Those of every optimizer."""
    optimizer, (clause, statement) = _laws_of(operation), at_size.STATEMENTS[operation]
    every, long = boundary.values(operation), boundary.long_runs(operation)
    steps: Any = {"m": STEPS, "share": 0.4, "boundary": boundary.rates, **VALUE}
    still: Any = {"fix": STILL, "boundary": boundary.decays(operation), **FEW}
    again: Any = {"m": STEPS, "share": 0.5, "boundary": boundary.resumptions(operation)}
    hundred: Any = {"m": LONG, "columns": (1, 3), "share": 0.1, "lanes": 2, "boundary": long}
    changing, interrupted = gradients.changing_rate(operation), gradients.interrupted(operation)
    return (
        optimizer(clause, value, statement, boundary=every, m=_steps(operation), **VALUE),
        optimizer(clause, long_run, f"{statement}, a hundred times", **hundred),
        optimizer("MO-7", changing_rate_value, "every step takes its own rate", changing, **steps),
        optimizer(
            "MO-8", zero_gradients, "without gradients nothing moves", gradients.no_gradients(operation), **still
        ),
        optimizer("MO-9", coordinates_alone, "coordinates do not see each other", columns=(2, 5)),
        optimizer("MO-10", no_future, "a step knows no later gradients", m=STEPS),
        optimizer("MO-11", resumed, "a saved state goes on", interrupted, **again),
        optimizer("MO-12", sign, "the other sign, the other way", **FEW),
    )


def _scaling(operation: Operation) -> Law:
    return _laws_of(operation)("MO-13", scale, "scale is carried through, or divided out", cases.scaled(operation))


def _remembering(operation: Operation) -> Law:
    return _laws_of(operation)(
        "MO-14", without_memory, "with β = 0 it has no memory", gradients.no_memory(operation), boundary=boundary.tails
    )


def _dividing(operation: Operation) -> Law:
    build, m = gradients.no_zeros(operation), _steps(operation)
    return _laws_of(operation)("MO-15", no_epsilon, "ε may be 0, where no gradient is", build, m=m)


def _showing(operation: Operation) -> Law:
    return _laws_of(operation)(
        "MO-16", not_hidden, "what is no number is not hidden", gradients.poisoned(operation), **POISONED
    )


LAWS: tuple[Law, ...] = (
    *(law for operation in at_size.STATEMENTS for law in _every(operation)),
    *(_scaling(each) for each in (SGD, ADAGRAD, AMSGRAD, NADAM, LION)),
    *(_remembering(each) for each in (SGD, AMSGRAD, NADAM, RADAM, LION)),
    *(_dividing(each) for each in (ADAGRAD, AMSGRAD, NADAM, RADAM)),
    *(_showing(each) for each in (SGD, ADAGRAD, AMSGRAD, NADAM, RADAM)),
    _laws_of(LION)("MO-17", whole_steps, "every step is α long, but for the decay"),
    _laws_of(LION)("MO-18", not_hidden, "NaN is not hidden behind a sign", cases.poisoned_by_nan, **POISONED),
    *at_size.LAWS,
)
