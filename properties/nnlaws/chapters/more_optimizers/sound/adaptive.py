"""Right ways to step by AdaGrad, and by AMSGrad."""

from copy import deepcopy

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.trajectories import Rates, column, moments, rates, shares, steps, through, walked
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

# --- AdaGrad ---


@sound("adagrad")
@stored
def added_up(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    """All at once: the sums of the squares, and then the steps."""
    totals = np.cumsum(np.concatenate([np.full_like(theta, initial_accumulator)[None], grads * grads]), axis=0)[1:]
    given = column(list(rates(learning_rate, grads)), grads)
    return walked(theta, given * grads / (np.sqrt(totals) + eps))


@sound("adagrad")
@in_float64
def wide_adagrad(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    iterates, s = np.empty_like(grads), np.full_like(theta, initial_accumulator)
    for t, gradient, rate in steps(grads, learning_rate):
        s = s + gradient * gradient
        iterates[t - 1] = theta = theta - rate * gradient / (np.sqrt(s) + eps)
    return iterates


@sound("adagrad")
@stored
def total_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    eps: float,
    initial_accumulator: float,
    save_at: int | None = None,
) -> Array:
    """After `save_at` steps the total is copied and the copy goes on, while the first is overwritten."""
    iterates, s = np.empty_like(grads), np.full_like(theta, initial_accumulator)
    for t, gradient, rate in steps(grads, learning_rate):
        s += gradient * gradient
        iterates[t - 1] = theta = theta - rate * (gradient / (np.sqrt(s) + eps))
        if t == save_at:
            old, s = s, deepcopy(s)
            old[...] = np.nan
    return iterates


@sound("adagrad", adagrad_epsilon="inside")
@stored
def inside(theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float) -> Array:
    iterates, s = np.empty_like(grads), np.full_like(theta, initial_accumulator)
    for t, gradient, rate in steps(grads, learning_rate):
        s = s + gradient * gradient
        iterates[t - 1] = theta = theta - rate * gradient / np.sqrt(s + eps)
    return iterates


@sound("adagrad", adagrad_epsilon="inside")
@stored
def reciprocal_root(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    """g · (s + ε)^(−½), and 0 where s is 0."""
    iterates, s = np.empty_like(grads), np.full_like(theta, initial_accumulator)
    for t, gradient, rate in steps(grads, learning_rate):
        s = s + gradient * gradient
        inverse = np.where(s > 0, 1 / np.sqrt(s + eps), 0).astype(s.dtype)
        iterates[t - 1] = theta = theta - rate * (gradient * inverse)
    return iterates


@sound("adagrad", hyperparameters="working")
@stored
def adagrad_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    kind, iterates = theta.dtype.type, np.empty_like(grads)
    s = np.full_like(theta, initial_accumulator)
    for t, gradient, rate in steps(grads, learning_rate):
        s = s + gradient * gradient
        iterates[t - 1] = theta = theta - kind(rate) * gradient / (np.sqrt(s) + kind(eps))
    return iterates


@sound("adagrad", state="narrow")
def adagrad_kept_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    s = kept(np.full_like(current, initial_accumulator))
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        s = kept(s + gradient * gradient)
        iterates[t - 1] = current = kept(current - rate * gradient / (np.sqrt(s) + eps))
    return iterates.astype(theta.dtype)


@sound("adagrad", arithmetic="narrow")
def adagrad_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, eps: float, initial_accumulator: float
) -> Array:
    kind, iterates, s = theta.dtype.type, np.empty_like(grads), np.full_like(theta, initial_accumulator)
    for t, gradient, rate in steps(grads, learning_rate):
        s = s + gradient * gradient
        root = np.sqrt(s) + kind(eps)
        iterates[t - 1] = theta = theta - kind(rate) * (gradient / np.where(root == 0, kind(1), root))
    return iterates


# --- AMSGrad ---


def _largest(second: Array) -> Array:
    return np.asarray(np.maximum.accumulate(second, axis=0))


@sound("amsgrad")
@stored
def corrected_after(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    divisor = np.sqrt(_largest(v) / shares(beta2, grads)) + eps
    return walked(theta, given * ((m / shares(beta1, grads)) / divisor))


@sound("amsgrad")
@stored
def root_over_root(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    """√w/√(1 − β₂^t) + ε divides m, and α/(1 − β₁^t) multiplies."""
    m, v = moments(grads, beta1, beta2)
    sizes = [rate / (1 - beta1**t) for t, rate in enumerate(rates(learning_rate, grads), 1)]
    roots = column([(1 - beta2**t) ** 0.5 for t in range(1, len(grads) + 1)], grads)
    return walked(theta, column(sizes, grads) * (m / (np.sqrt(_largest(v)) / roots + eps)))


@sound("amsgrad")
@in_float64
def wide_amsgrad(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    divisor = np.sqrt(_largest(v) / shares(beta2, grads)) + eps
    return walked(theta, given * ((m / shares(beta1, grads)) / divisor))


@sound("amsgrad")
@stored
def amsgrad_in_the_open(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Rates,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    state, iterates = {name: np.zeros_like(theta) for name in ("m", "v", "w")}, np.empty_like(grads)
    for t, gradient, rate in steps(grads, learning_rate):
        state["m"] += (1 - beta1) * (gradient - state["m"])
        state["v"] += (1 - beta2) * (gradient * gradient - state["v"])
        np.maximum(state["w"], state["v"], out=state["w"])
        divisor = np.sqrt(state["w"] / (1 - beta2**t)) + eps
        iterates[t - 1] = theta = theta - rate * (state["m"] / (1 - beta1**t)) / divisor
        if t == save_at:
            old, state = state, deepcopy(state)
            for each in old.values():
                each[...] = np.nan
    return iterates


@sound("amsgrad", amsgrad_form="epsilon_hat")
@stored
def folded(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    """α √(1 − β₂^t)/(1 − β₁^t) multiplies, as in Keras."""
    m, v = moments(grads, beta1, beta2)
    given = enumerate(rates(learning_rate, grads), 1)
    sizes = [rate * (1 - beta2**t) ** 0.5 / (1 - beta1**t) for t, rate in given]
    return walked(theta, m * column(sizes, grads) / (np.sqrt(_largest(v)) + eps))


@sound("amsgrad", amsgrad_form="corrected_maximum")
@stored
def largest_of_corrected(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    given = column(list(rates(learning_rate, grads)), grads)
    divisor = np.sqrt(_largest(v / shares(beta2, grads))) + eps
    return walked(theta, given * ((m / shares(beta1, grads)) / divisor))


@sound("amsgrad", amsgrad_form="uncorrected")
@stored
def as_in_the_paper(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = moments(grads, beta1, beta2)
    return walked(theta, column(list(rates(learning_rate, grads)), grads) * (m / (np.sqrt(_largest(v)) + eps)))


@sound("amsgrad", hyperparameters="working")
@stored
def amsgrad_in_working_type(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    kind = grads.dtype.type
    one, old1, old2 = kind(1), kind(beta1), kind(beta2)
    iterates, m, v, w = np.empty_like(grads), *(np.zeros_like(theta) for _ in range(3))
    for t, gradient, rate in steps(grads, learning_rate):
        m = old1 * m + (one - old1) * gradient
        v = old2 * v + (one - old2) * (gradient * gradient)
        w = np.maximum(w, v)
        first, second = (one - old ** kind(t) for old in (old1, old2))
        iterates[t - 1] = theta = theta - kind(rate) * ((m / first) / (np.sqrt(w / second) + kind(eps)))
    return iterates


@sound("amsgrad", state="narrow")
def amsgrad_kept_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    kept, wide = through(theta.dtype), working_dtype(theta.dtype)
    iterates, current = np.empty_like(grads, wide), theta.astype(wide)
    m, v, w = (np.zeros_like(current) for _ in range(3))
    for t, gradient, rate in steps(grads.astype(wide), learning_rate):
        m = kept(beta1 * m + (1 - beta1) * gradient)
        v = kept(beta2 * v + (1 - beta2) * (gradient * gradient))
        w = np.maximum(w, v)
        divisor = np.sqrt(w / (1 - beta2**t)) + eps
        iterates[t - 1] = current = kept(current - rate * ((m / (1 - beta1**t)) / divisor))
    return iterates.astype(theta.dtype)


@sound("amsgrad", arithmetic="narrow")
def amsgrad_every_step_narrow(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    kind = theta.dtype.type
    iterates, m, v, w = np.empty_like(grads), *(np.zeros_like(theta) for _ in range(3))
    for t, gradient, rate in steps(grads, learning_rate):
        m = kind(beta1) * m + kind(1 - beta1) * gradient
        v = kind(beta2) * v + kind(1 - beta2) * (gradient * gradient)
        w = np.maximum(w, v)
        root = np.sqrt(w / kind(1 - beta2**t)) + kind(eps)
        step = (m / kind(1 - beta1**t)) / np.where(root == 0, kind(1), root)
        iterates[t - 1] = theta = theta - kind(rate) * step
    return iterates


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
