"""The laws of chapters/optimizers.md.

Laws of value compare with the exact iterates, within the rounding that the clause allows, under the conventions that
the implementation declares. All others are about structure, within the rounding of the loosest convention, as in
laws/batch_norm.py; a NaN on both sides is alike there, for CT-6 and the laws of value say what is wrong with it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import optimizers as formulas

from nnlaws.authoring import gradient_cases as boundary
from nnlaws.authoring.case import Range
from nnlaws.authoring.evidence import Evidence, agree, require, worst
from nnlaws.authoring.law import CLOSE, Law, agree_loosely, agree_or_nan, laws_of, slack
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.stepping import (
    changing_rate_value,
    coordinates_alone,
    long_run,
    no_epsilon,
    no_future,
    not_hidden,
    resumed,
    sign,
    value,
    without_memory,
    zero_gradients,
)
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.optimizers import at_size
from nnlaws.chapters.optimizers import inputs as cases
from nnlaws.chapters.optimizers.closed_forms import constant_gradient, on_quadratic, response
from nnlaws.chapters.optimizers.operations import ADAM, ADAMW, EXPONENTIAL_AVERAGE, GRADIENT_DESCENT, MOMENTUM, RMSPROP
from nnlaws.chapters.optimizers.step_lengths import (
    each_step,
    first_step_size,
    importance,
    longest_step_reached,
    longest_steps,
)
from nnlaws.rounding.averages import ON_AVERAGE

BY_CHANCE = 1e-12  # how likely a mean of what is rounded by chance strays further


def corrected_value(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """The same, divided by 1 − β^t."""
    return value(f, ruler, *arguments, **options)


def in_many_coordinates(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """The same in thousands of coordinates at once, by steps that rounding to the nearest in a narrow type would lose.

    What is rounded by chance is right on average: rounding has no drift. It goes to one of two numbers, 2u|θ| apart at
    most; so of n coordinates that are off by themselves, each within an interval of length 2u|θ|t after t steps, the
    mean strays by Hoeffding's inequality no further than √(½ ln(2/δ) Σ (2u|θ|t)²)/n, but for once in 1/δ = 10¹². The
    chance of a coordinate may be the same at every step.
    """
    by_chance = ruler.conventions.get("parameters") == "stochastic"
    if not by_chance or ruler.conventions.get("decoupling") == "l2":  # of l2, a step depends on what was lost
        return value(f, ruler, theta, grads, **options)
    got, known = f(theta, grads, **options), ruler.declaring(ON_AVERAGE).bound(theta, grads, **options)
    size, t = theta.shape[-1], np.arange(1, grads.shape[1] + 1)
    lengths = 2 * ruler.format.u * t * np.sqrt((known.largest**2).sum(axis=-1))
    strays = lengths * np.sqrt(np.log(2 / BY_CHANCE) / 2) / size
    mean, want = (each.mean(axis=-1, keepdims=True) for each in (got.astype(np.float64), known.value))
    allowed = known.error.mean(axis=-1, keepdims=True) + strays[..., None]
    return agree(mean, want, allowed, ruler.format, "the mean of all coordinates, where rounding has no drift")


def scale(f: Subject, ruler: Ruler, *arguments: Array, c: float, **options: Any) -> Evidence:
    """Linear operations carry a factor c through; RMSprop and Adam do not see it where ε is scaled too."""
    conventions = ruler.conventions
    if conventions.get("accumulator") == "one" or conventions.get("decoupling") == "l2":
        return require(True, "")  # of these it is not true
    plain = f(*arguments, **options)
    large = [(c * argument.astype(np.float64)).astype(argument.dtype) for argument in arguments]
    if "eps" not in options:
        got, bound = f(*large, **options) / c, ruler.loose(*large, **options)
        beyond = np.isinf(got) & ~(np.abs(bound.value) + bound.error < ruler.format.largest)
        got, plain = (np.where(beyond, 0.0, each) for each in (got, plain))
        return agree_loosely(ruler, got, plain, "the result without the factor", *arguments, **options)
    inside = "inside" in conventions.get("rmsprop_epsilon", "") + conventions.get("adam_form", "")
    theta, _ = arguments
    more = {**options, "eps": options["eps"] * (c * c if inside else c)}
    got, scaled = f(theta, large[1], **more), slack(plain, ruler.loose(theta, large[1], **more), ruler.format)
    expected = "the iterate without the factor, whose ε is as much smaller"
    return agree_loosely(ruler, got, plain, expected, *arguments, more=scaled, **options)


def window(f: Subject, ruler: Ruler, values: Array, *, beta: float, bias_correction: bool) -> Evidence:
    """A value 1/(1 − β) steps ago weighs β^{1/(1−β)} of the newest: between 1/4 and 1/e."""
    averages = f(values, beta=beta, bias_correction=bias_correction)
    allowed = slack(averages, ruler.loose(values, beta=beta, bias_correction=bias_correction), ruler.format)
    newest, oldest = averages[:, 0], averages[:, -1]
    share = beta ** formulas.effective_window(beta)
    close = CLOSE + 2 * ruler.format.u
    seen = agree(
        oldest,
        share * newest,
        allowed[:, -1] + share * allowed[:, 0] + close,
        ruler.format,
        "β^(1/(1 − β)) of the newest value's weight",
    )
    return worst(seen, require(share + CLOSE >= 0.25 and share <= np.exp(-1), "β^(1/(1−β)) is not near 1/e"))


def constant_values(f: Subject, ruler: Ruler, values: Array, *, beta: float, bias_correction: bool) -> Evidence:
    """Of a constant, the corrected average is the constant; the average itself 1 − β^t of it."""
    wide, t = values.astype(np.float64), np.arange(1, values.shape[1] + 1)[:, None]
    whole = bias_correction or ruler.conventions.get("average_start") == "first_value"
    want = wide if whole else (1 - beta**t) * wide
    given: dict[str, Any] = {"beta": beta, "bias_correction": bias_correction}
    expected = "the constant" if whole else "1 − β^t of the constant"
    return agree_loosely(ruler, f(values, **given), want, expected, values, more=CLOSE * np.abs(wide), **given)


def between(f: Subject, ruler: Ruler, values: Array, **options: Any) -> Evidence:
    """A corrected average lies between the least and the largest value so far."""
    averages, wide = f(values, **options), values.astype(np.float64)
    low, high = np.minimum.accumulate(wide, axis=1), np.maximum.accumulate(wide, axis=1)
    nearest = np.clip(averages, low, high)
    return agree_loosely(ruler, averages, nearest, "the nearest value between the extremes", values, **options)


def constant_gradients(f: Subject, ruler: Ruler, theta: Array, grads: Array, **options: Any) -> Evidence:
    """Where every gradient is the same, the iterates are known in closed form."""
    wide = grads.astype(np.float64)
    steps = constant_gradient(ruler.operation.name, ruler.conventions, wide, **options)
    moved = np.cumsum(steps, axis=1)
    want = theta.astype(np.float64)[:, None, :] - moved
    more = CLOSE * (np.abs(moved) + np.abs(want))
    expected = "the iterate of a constant gradient, in closed form"
    return agree_loosely(ruler, f(theta, grads, **options), want, expected, theta, grads, more=more, **options)


def quadratic(f: Subject, ruler: Ruler, theta: Array, grads: Array, *, h: Array, **options: Any) -> Evidence:
    """On ½hθ², each gradient taken where the implementation has got to, the iterates are known in closed form.

    With θ_t = θ_0 − Σ K_ts g_s + δ_t and g_t = h θ_{t−1} + η_t, an error grows to at most |(I + h K S)⁻¹| (δ + |K| η).
    """
    given, curvature, first = np.zeros_like(grads), h.astype(np.float64), theta.astype(np.float64)
    here, iterates = first, np.zeros(grads.shape)
    for t in range(grads.shape[1]):
        given[:, t] = (curvature * here).astype(grads.dtype)
        iterates = f(theta, given[:, : t + 1].copy(), **options)
        here = np.nan_to_num(iterates[:, -1])
    k = response(ruler.operation, ruler.conventions, grads.shape[1], options)
    want, growth = on_quadratic(k, first, curvature)
    delta = slack(iterates, ruler.loose(theta, given, **options), ruler.format)
    eta = ruler.format.u * np.abs(given.astype(np.float64)) + ruler.format.tiny
    error = delta + np.einsum("ts,lsn->ltn", np.abs(k), eta)
    allowed = np.einsum("lnts,lsn->ltn", np.abs(growth), error) + CLOSE * np.abs(first).max()
    return agree_or_nan(iterates, want, allowed, ruler.format, "the iterate in closed form")


STILL = (
    "where it moves, subtract nothing for a gradient of 0, but a decay that is asked for; where NaN comes, divide by a "
    "root plus ε that is not 0: an ε below the dtype's smallest number makes 0/0"
)
NOT_HIDDEN = "what is no number is not hidden"
FEW: Any = {"share": 0.2, "lanes": 2}
POISONED: Any = {"m": (2, 4), "columns": (3, 5), **FEW}
VALUE: Any = {"kind": "value"}
MANY: Any = {"columns": (1, 4), "share": 0.1, "lanes": 2, "boundary": boundary.many, **VALUE}
LONG: Range = (100, 100)
STEPS: Range = (2, 5)
WINDOWS: Range = (3, 17)


def _laws_of(operation: Operation) -> Callable[..., Law]:
    """Laws on ordinary inputs; each array holds as many problems as it has coordinates."""
    build, shares = cases.BUILDERS[operation], {"value": 0.6, "structure": 0.25}
    return laws_of(operation, build, cases.ordinary_cases, shares, m=cases.SAMPLES, lanes=4)


def _average() -> tuple[Law, ...]:
    average, operation = _laws_of(EXPONENTIAL_AVERAGE), EXPONENTIAL_AVERAGE
    corrected = cases.correcting(True)
    plain, whole = ({**VALUE, "boundary": boundary.averages(each)(operation)} for each in (False, True))
    return (
        average("OP-1", value, "the new has weight 1 − β, all before it β", cases.correcting(False), **plain),
        average("OP-2", corrected_value, "correction divides the result by 1 − β^t", corrected, **whole),
        average("OP-3", window, "1/(1 − β) steps ago, a weight is 1/e", cases.impulse, m=WINDOWS, columns=(1, 2)),
        average("OP-4", constant_values, "a constant averages to itself", cases.constant(operation)),
        average("OP-5", between, "an average lies between the extremes", corrected),
        average("OP-6", scale, "scaled values have scaled averages", cases.scaled(operation)),
        average("OP-15", coordinates_alone, "coordinates do not see each other", columns=(2, 8)),
        average("OP-16", no_future, "an average knows no later values", m=STEPS),
        average("OP-18", without_memory, "with β = 0 it is the values", cases.no_memory(operation)),
        average("OP-27", not_hidden, NOT_HIDDEN, cases.poisoned(operation), **POISONED),
    )


_STATEMENTS = {
    GRADIENT_DESCENT: ("OP-7", "θ moves by −αg"),
    MOMENTUM: ("OP-8", "θ moves by −α times the average of the gradients"),
    RMSPROP: ("OP-9", "θ moves by −αg/(√s + ε)"),
    ADAM: ("OP-10", "θ moves by −α m̂/(√v̂ + ε)"),
    ADAMW: ("OP-11", "θ decays by αλθ besides"),
}


def _every(operation: Operation) -> tuple[Law, ...]:
    """Those of every optimizer."""
    optimizer, (clause, statement) = _laws_of(operation), _STATEMENTS[operation]
    many = cases.many(operation)
    no_gradients, changing = cases.no_gradients(operation), cases.changing_rate(operation)
    every, long = boundary.values(operation), boundary.long_runs(operation)
    steps: Any = {"m": STEPS, "share": 0.4, "boundary": boundary.rates, **VALUE}
    still: Any = {"fix": STILL, "boundary": boundary.decays(operation), **FEW}
    hundred: Any = {"m": LONG, "columns": (1, 3), "share": 0.1, "lanes": 2, "boundary": long}
    return (
        optimizer(clause, value, statement, boundary=every, **VALUE),
        optimizer(clause, long_run, f"{statement}, a hundred times", **hundred),
        optimizer(clause, in_many_coordinates, f"{statement}, in every one of many coordinates", many, **MANY),
        optimizer("OP-12", changing_rate_value, "every step takes its own rate", changing, **steps),
        optimizer("OP-14", zero_gradients, "without gradients nothing moves", no_gradients, **still),
        optimizer("OP-15", coordinates_alone, "coordinates do not see each other", columns=(2, 5)),
        optimizer("OP-16", no_future, "a step knows no later gradients", m=STEPS),
        optimizer("OP-27", not_hidden, NOT_HIDDEN, cases.poisoned(operation), **POISONED),
    )


def _stepping(operation: Operation) -> tuple[Law, ...]:
    """Those of optimizers whose steps do not depend on θ."""
    optimizer = _laws_of(operation)
    return (
        optimizer("OP-13", each_step, "every step goes on from the last", share=0.4),
        optimizer("OP-20", sign, "the other sign, the other way", **FEW),
        optimizer("OP-21", scale, "scale is carried through, or divided out", cases.scaled(operation)),
    )


def _remembering(operation: Operation) -> tuple[Law, ...]:
    """Those of momentum, RMSprop and Adam."""
    optimizer, constant = _laws_of(operation), cases.constant(operation)
    return (
        optimizer("OP-18", without_memory, "with β = 0 it has no memory", cases.no_memory(operation)),
        optimizer("OP-24", constant_gradients, "a constant gradient has a closed form", constant, m=STEPS),
    )


def _normalising(operation: Operation) -> tuple[Law, ...]:
    """Those of RMSprop and Adam."""
    optimizer = _laws_of(operation)
    return (
        optimizer("OP-23", longest_steps, "no step is longer than its bound"),
        optimizer("OP-23", longest_step_reached, "the longest step is reached", cases.reaching(operation)),
    )


def _laws() -> tuple[Law, ...]:
    quadratics: Any = {"m": (2, 6), "columns": (1, 3), "share": 0.2}
    return (
        *_average(),
        *(each for operation in _STATEMENTS for each in _every(operation)),
        *(
            _laws_of(each)(
                "OP-17",
                resumed,
                "a saved state goes on",
                cases.interrupted(each),
                m=STEPS,
                share=0.5,
                boundary=boundary.resumptions(each),
            )
            for each in (MOMENTUM, RMSPROP, ADAM, ADAMW)
        ),
        *(each for operation in (GRADIENT_DESCENT, MOMENTUM, RMSPROP, ADAM) for each in _stepping(operation)),
        *(each for operation in (MOMENTUM, RMSPROP, ADAM) for each in _remembering(operation)),
        *(
            _laws_of(each)("OP-19", no_epsilon, "ε may be 0, where no gradient is", cases.no_zeros(each))
            for each in (RMSPROP, ADAM, ADAMW)
        ),
        *(each for operation in (RMSPROP, ADAM) for each in _normalising(operation)),
        *(
            _laws_of(each)("OP-22", first_step_size, "the first step is just below α", cases.from_zero(each), m=(1, 2))
            for each in (ADAM, ADAMW)
        ),
        _laws_of(ADAM)("OP-26", importance, "α sets the step, ε hardly changes it", cases.from_zero(ADAM)),
        *(
            _laws_of(each)(
                "OP-25",
                quadratic,
                "on a quadratic it converges as it should",
                cases.quadratic(each),
                **quadratics,
            )
            for each in (GRADIENT_DESCENT, MOMENTUM)
        ),
    )


LAWS: tuple[Law, ...] = (*_laws(), *at_size.LAWS)
