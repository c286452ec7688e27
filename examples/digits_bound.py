"""How far may rounding carry the loss of a training run? The bound of `train_digits.py`, from the formulas alone.

Nothing here has seen an implementation. The run is taken apart into its steps, and each is computed in two kinds of
number besides floats:

- bounded numbers say how far the roundings *of that step* may carry the gradient and all that is updated, in any order
  of summation and by any of the algorithms that nnlaws counts as sound for batch norm, softmax and cross entropy;
- complex numbers differentiate it: an error δ in θ becomes H δ in the gradient, where H is the loss's Hessian.

So an error that step s makes reaches the loss of a later step t by the chain rule. Backwards, as in backpropagation,
λ_s = ∂(loss of step t)/∂(what step s leaves behind) costs one product with H a step, and

    |computed − exact| ≤ the rounding of loss t itself + Σ_{s<t} |λ_s| · (what step s may err by),

to first order: products of two errors are left out. They matter where a rounded gradient is divided by a root no larger
than its error; on these batches one is at least 10⁷ times the other. Two implementations are each within the bound of
the exact loss, so no more than twice the bound apart.

`running_error` carries bounded numbers through all steps instead, and leaves out nothing. But it adds up errors that
cancel, at every step anew: it grows by a factor of 50 to 10000 a step, and is of use for the first few.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from operator import mul
from typing import Any, TypeAlias

import numpy as np
from nnlaws.chapters.batch_norm import bounds as batch_norm_bounds
from nnlaws.chapters.softmax import bounds as softmax_bounds
from nnlaws.rounding.number import Bounded, bounded, join
from nnlaws_spec.formulas import Numbers, batch_norm, softmax
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Batch: TypeAlias = tuple[Array, Array]
"""Samples (m, 64), and targets (m, 10) with a single 1 in each row."""
Rule: TypeAlias = Callable[..., tuple[Numbers, ...]]
"""One step of an optimizer: (what it keeps, θ first; the gradient; t; its options) to what it keeps then."""

SHAPES = {"w": (64, 16), "gamma": (16,), "beta": (16,), "w_out": (16, 10), "b_out": (10,)}
"""The parameters, as they follow one another in θ; the logits are tanh(batch_norm(x w)) w_out + b_out."""
EPS = 1e-5
U = 2.0**-53
STEP = 1e-20
"""Of the complex step: its square is far below every rounding."""


def loss_bounds(rule: Rule, kept: int, theta: Array, batches: Sequence[Batch], **options: float) -> Array:
    """For each step: how far rounding may carry the loss of its batch, to first order. `kept`: arrays beside θ."""
    steps = len(batches)
    total = np.zeros(steps)
    state = [theta, *(np.zeros(theta.shape) for _ in range(kept))]
    run: list[tuple[list[Array], Bounded, tuple[Bounded, ...]]] = []
    for t, batch in enumerate(batches, start=1):
        loss, gradient = loss_and_gradient(bounded(state[0]), batch)
        total[t - 1] = loss.error
        updated = rule([bounded(each) for each in state], bounded(gradient.value), t, **_exact(options))
        run.append((state, gradient, updated))
        state = [each.value for each in updated]

    sensitivity = np.zeros((steps, 1 + kept, theta.size))  # λ: of each loss, to θ and to all else that is kept
    for t in range(steps - 1, 0, -1):
        sensitivity[t, 0] = run[t][1].value
        state, gradient, updated = run[t - 1]
        later = sensitivity[t:]
        total[t:] += sum(np.abs(later[:, i]) @ each.error for i, each in enumerate(updated))
        *slopes, by_gradient = _slopes(rule, state, gradient.value, t, options)
        back = np.einsum("tin,in->tn", later, by_gradient)
        total[t:] += np.abs(back) @ gradient.error
        later[:] = np.stack([np.einsum("tin,in->tn", later, slope) for slope in slopes], axis=1)
        later[:, 0] += _differential(partial(_gradient, batch=batches[t - 1]), state[0], back)
    return total


def running_error(rule: Rule, kept: int, theta: Array, batches: Sequence[Batch], **options: float) -> Iterator[float]:
    """For each step: the same in bounded numbers from the first step on, as long as they say anything (error < 1)."""
    state = (bounded(theta), *(bounded(np.zeros(theta.shape)) for _ in range(kept)))
    for t, batch in enumerate(batches, start=1):
        with np.errstate(all="ignore"):
            loss, gradient = loss_and_gradient(state[0], batch)
        if not loss.error < 1:
            return
        yield float(loss.error)
        state = rule(state, gradient, t, **_exact(options))


def loss_and_gradient(theta: Numbers, batch: Batch) -> tuple[Numbers, Numbers]:
    """The cross entropy of a batch and its gradient in θ (..., n), in any kind of number."""
    w, gamma, beta, w_out, b_out = split(theta)
    x, y = (bounded(each) if isinstance(theta, Bounded) else each for each in batch)
    z = _product(x, w)
    (out, _, _) = _sound(batch_norm.batch_norm_train, batch_norm_bounds.batch_norm_train, z, gamma, beta, eps=EPS)
    a = _tanh(out)
    logits = _with_bias(_product(a, w_out), b_out)
    (loss,) = _sound(softmax.cross_entropy, softmax_bounds.cross_entropy, logits, y)
    (dlogits,) = _sound(softmax.cross_entropy_gradient, softmax_bounds.cross_entropy_gradient, logits, y)
    dout = _product(dlogits, _transposed(w_out)) * (1 - a * a)
    dz, dgamma, dbeta = _sound(_batch_norm_backward, batch_norm_bounds.batch_norm_backward, dout, z, gamma, eps=EPS)
    parts = (_product(_transposed(x), dz), dgamma, dbeta, _product(_transposed(a), dlogits), dlogits.sum(axis=-2))
    return loss, _mapped(_vector, *parts)


def split(theta: Numbers) -> list[Numbers]:
    """The parameters, each in its shape, from one vector θ (..., n)."""
    parts: list[Numbers] = []
    start = 0
    for shape in SHAPES.values():
        end = start + int(np.prod(shape))
        parts.append(_mapped(lambda part, shape=shape: part.reshape(*part.shape[:-1], *shape), theta[..., start:end]))
        start = end
    return parts


# Optimizers: one step, by OP-7 to OP-11.


def gradient_descent(kept: Sequence[Numbers], g: Numbers, t: int, *, learning_rate: Numbers) -> tuple[Numbers, ...]:
    (theta,) = kept
    return (theta - learning_rate * g,)


def momentum(
    kept: Sequence[Numbers], g: Numbers, t: int, *, learning_rate: Numbers, beta: Numbers
) -> tuple[Numbers, ...]:
    """As an average; a heavy ball at the rate α (1 − β) rounds no more: (1 − β) once, not with each gradient."""
    theta, v = kept
    v = _average(v, g, beta)
    return theta - learning_rate * v, v


def rmsprop(
    kept: Sequence[Numbers], g: Numbers, t: int, *, learning_rate: Numbers, beta: Numbers, eps: Numbers
) -> tuple[Numbers, ...]:
    theta, s = kept
    s = _average(s, g * g, beta)
    return theta - learning_rate * g / (_root(s) + eps), s


def adam(
    kept: Sequence[Numbers],
    g: Numbers,
    t: int,
    *,
    learning_rate: Numbers,
    beta1: Numbers,
    beta2: Numbers,
    eps: Numbers,
    weight_decay: Numbers = 0.0,
) -> tuple[Numbers, ...]:
    """And AdamW; the corrections divide m and v, or the rate and √v; the decay is subtracted, or multiplies θ."""
    theta, m, v = kept
    m, v = _average(m, g, beta1), _average(v, g * g, beta2)
    first, second = 1 - _power(beta1, t), 1 - _power(beta2, t)
    step = _either(
        learning_rate * (m / first) / (_root(v / second) + eps),
        learning_rate / first * m / (_root(v) / _root(second) + eps),
    )
    decay = learning_rate * weight_decay
    return _either(theta - decay * theta - step, theta * (1 - decay) - step), m, v


def _average(old: Numbers, new: Numbers, beta: Numbers) -> Numbers:
    """β old + (1 − β) new, or old + (1 − β)(new − old). In floats 1 − β is exact for β from ½ to 1."""
    return _either(beta * old + (1 - beta) * new, old + (1 - beta) * (new - old))


# The network, in numbers that know neither `@` nor tanh.


def _product(a: Numbers, b: Numbers) -> Numbers:
    if not isinstance(a, Bounded):
        return a @ b
    return (a[:, :, None] * b[None, :, :]).sum(axis=-2)


def _with_bias(z: Numbers, b: Numbers) -> Numbers:
    """z + b, or the sum begun with b, which is then in each of its roundings."""
    total = z + b[..., None, :]
    terms = SHAPES["w_out"][0]
    return total.loosened(terms * U * (np.abs(b.value) + 2 * b.error)) if isinstance(b, Bounded) else total


def _tanh(t: Numbers) -> Numbers:
    """1 − 2/(e^{2t} + 1); libraries' own tanh err by 2 ulp at most, that is 4u."""
    a = 1 - 2 / (np.exp(2 * t) + 1)
    return a.loosened(np.full(t.shape, 4 * U)) if isinstance(a, Bounded) else a


def _batch_norm_backward(dout: Numbers, z: Numbers, gamma: Numbers, *, eps: float) -> tuple[Numbers, Numbers, Numbers]:
    """BN-13 to BN-15, where σ² + ε > 0; the formula in the specification asks whether it is 0."""
    m = z.shape[-2]
    deviation = np.sqrt(batch_norm.variance(z) + eps)[..., None, :]
    z_norm = batch_norm.normalise(z, eps=eps)
    dgamma, dbeta = (dout * z_norm).sum(axis=-2), dout.sum(axis=-2)
    dz = gamma[..., None, :] / deviation * (dout - dbeta[..., None, :] / m - z_norm * dgamma[..., None, :] / m)
    return dz, dgamma, dbeta


def _sound(formula: Any, bound: Any, *arguments: Numbers, **options: float) -> tuple[Numbers, ...]:
    """The formula; in bounded numbers with what any sound algorithm may add, however the formula is written.

    The formula carries on what the arguments err by. Its own roundings are counted besides, which more than pays for
    what the others change when the arguments do.
    """
    results = formula(*arguments, **options)
    results = results if isinstance(results, tuple) else (results,)
    if not isinstance(arguments[0], Bounded):
        return results
    allowed = bound(*(bounded(each.value) for each in arguments), **options, conventions={})
    allowed = allowed if isinstance(allowed, tuple) else (allowed,)
    return tuple(result.loosened(more.error) for result, more in zip(results, allowed, strict=True))


# Bounded numbers, complex numbers and floats alike.


def _mapped(f: Callable[..., Any], *parts: Numbers) -> Numbers:
    """f of values and of errors, where f only moves entries about."""
    if not isinstance(parts[0], Bounded):
        return f(*parts)
    values, errors = f(*(part.value for part in parts)), f(*(part.error for part in parts))
    return Bounded(values, errors, parts[0].format)


def _transposed(a: Numbers) -> Numbers:
    return _mapped(lambda each: np.swapaxes(each, -1, -2), a)


def _vector(*parts: Array) -> Array:
    """The parameters in one vector θ (..., n)."""
    pairs = zip(parts, SHAPES.values(), strict=True)
    return np.concatenate([part.reshape(*part.shape[: part.ndim - len(shape)], -1) for part, shape in pairs], axis=-1)


def _either(*routes: Numbers) -> Numbers:
    return join(*routes) if isinstance(routes[0], Bounded) else routes[0]


def _root(v: Numbers) -> Numbers:
    """√v of what no rounding makes negative: |√c − √v| is at most √|c − v|, also where v is 0."""
    if not isinstance(v, Bounded):
        return np.sqrt(v)
    below = v.value - v.error
    with np.errstate(all="ignore"):
        slope = np.where(below > 0, v.error / np.sqrt(below), np.inf)
    value, error = np.sqrt(v.value), np.fmin(np.sqrt(v.error), slope)
    return Bounded(value, error + U * (value + 2 * error), v.format)


def _power(base: Numbers, exponent: int) -> Numbers:
    return reduce(mul, [base] * exponent)


def _exact(options: dict[str, float]) -> dict[str, Bounded]:
    return {name: bounded(np.asarray(option)) for name, option in options.items()}


def _gradient(theta: Numbers, batch: Batch) -> Numbers:
    return loss_and_gradient(theta, batch)[1]


def _differential(f: Callable[[Numbers], Numbers], x: Array, along: Array) -> Array:
    """The derivative of f at x along each of the directions, by the complex step."""
    return f(x + STEP * 1j * along).imag / STEP


def _slopes(rule: Rule, state: Sequence[Array], g: Array, t: int, options: dict[str, float]) -> Iterator[Array]:
    """For each thing that a step depends on, g last: the derivative in it of all that is kept. Entries stand alone."""
    arguments = [*state, g]
    for i in range(len(arguments)):
        moved = [each + STEP * 1j if i == j else each + 0j for j, each in enumerate(arguments)]
        yield np.stack([each.imag / STEP for each in rule(moved[:-1], moved[-1], t, **options)])
