"""Mistakes in Adam.

`seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import Mutant, mutant, narrow_type
from nnlaws.authoring.trajectories import Rates, column, rates, shares, walked
from nnlaws.chapters.optimizers.mutants.common import (
    CORRECT_BOTH,
    DOUBLE,
    MOMENTS,
    SAVED,
    STEP,
    WIDE,
    FaultyStep,
    Pair,
    apart,
    average_in_float32,
    averaged,
    corrected,
    direction,
    faulty_step,
    rated,
    written_back,
)


def _moments(grads: Array, beta1: float, beta2: float) -> Pair:
    """m and v of each step, not corrected."""
    return averaged(grads, beta1), averaged(grads * grads, beta2)


def _numbered(grads: Array, beta1: float, beta2: float, eps: float, numbers: Sequence[int]) -> Array:
    """Adam's direction, where the steps have these numbers t."""
    m, v = _moments(grads, beta1, beta2)
    first, second = (column([1 - beta**t for t in numbers], grads) for beta in (beta1, beta2))
    return direction(m / first, v / second, eps)


@faulty_step(
    "ε is added before √v is corrected, the ε̂ of the paper's shorter form, undeclared",
    STEP,
    "tensorflow #35102, #9047, nanochat #304, oneflow PR 5960",
)
def epsilon_hat(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    factor = np.sqrt(shares(beta2, grads)) / shares(beta1, grads)
    return m * factor / (np.sqrt(v) + eps)


@faulty_step("ε is inside the root: √(v̂ + ε), undeclared", STEP, "classroom")
def epsilon_inside(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return m / np.sqrt(v + eps)


@faulty_step("ε is added to v before it is corrected, inside the root, undeclared", STEP, "objax, its Adam")
def epsilon_hat_inside(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    return m / shares(beta1, grads) / np.sqrt((v + eps) / shares(beta2, grads))


@faulty_step("ε is subtracted", STEP, "tensorflow PR 61411")
def epsilon_subtracted(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return direction(m, v, -eps)


@faulty_step("ε is squared", STEP, "classroom")
def epsilon_squared(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return direction(m, v, eps * eps)


@faulty_step("ε is missing: 0/0 where all gradients so far are 0", STEP, "classroom")
def epsilon_missing(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return direction(m, v, 0)


@faulty_step("neither average is corrected, undeclared", CORRECT_BOTH, "bert #153, MLX's default")
def uncorrected(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    return direction(m, v, eps)


@faulty_step("m alone is corrected", CORRECT_BOTH, "classroom")
def first_moment_alone_corrected(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    return direction(m / shares(beta1, grads), v, eps)


@faulty_step("v alone is corrected", CORRECT_BOTH, "classroom")
def second_moment_alone_corrected(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    return direction(m, v / shares(beta2, grads), eps)


@faulty_step(
    "the corrected averages are written back into the state: right at t = 1, wrong from 2 on",
    CORRECT_BOTH,
    "holocron #1",
)
def corrections_written_back(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = written_back(grads, beta1), written_back(grads * grads, beta2)
    return direction(m, v, eps)


@faulty_step("divides by 1 − β at every step, not by 1 − β^t", CORRECT_BOTH, "ML-From-Scratch #35, convnetjs PR 107")
def corrected_by_new_weights(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    return direction(m / (1 - beta1), v / (1 - beta2), eps)


@faulty_step("the first step has number 0: 0/0", CORRECT_BOTH, "nd4j PR 1227")
def steps_from_zero(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    return _numbered(grads, beta1, beta2, eps, range(len(grads)))


@faulty_step(
    "the first step has number 0 and is left uncorrected",
    CORRECT_BOTH,
    "ONNX's Adam, which skips the correction at T = 0",
)
def first_left_uncorrected(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    first, second = shares(beta1, grads, 0), shares(beta2, grads, 0)
    first[0], second[0] = 1, 1
    return direction(m / first, v / second, eps)


@faulty_step("the first step has number 2", CORRECT_BOTH, "classroom")
def steps_from_two(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    return _numbered(grads, beta1, beta2, eps, range(2, len(grads) + 2))


@faulty_step("t counts epochs, here of two steps, not steps", CORRECT_BOTH, "root PR 5042")
def step_number_per_epoch(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    return _numbered(grads, beta1, beta2, eps, [1 + t // 2 for t in range(len(grads))])


@faulty_step("t is counted up for each coordinate, not for each step", CORRECT_BOTH, "dynet #77, DiffSharp #292")
def step_number_per_coordinate(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    numbers = 1.0 + np.arange(grads.size).reshape(grads.shape)
    first, second = (1 - beta**numbers for beta in (beta1, beta2))
    return direction(m / first.astype(m.dtype), v / second.astype(v.dtype), eps)


@faulty_step(
    "√(1 − c) where c = 1 − β2^t is what v is to be divided by",
    CORRECT_BOTH,
    "AdaBound-tensorflow #3, pytorch_optimizer PR 308",
)
def root_of_the_rest(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    rest = column([beta2**t for t in range(1, len(grads) + 1)], grads)
    return direction(m / shares(beta1, grads), v / rest, eps)


@faulty_step("√v is divided by 1 − β2^t, not by its root", CORRECT_BOTH, "classroom")
def share_without_root(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    return direction(m / shares(beta1, grads), v / shares(beta2, grads) ** 2, eps)


@faulty_step("divided by v̂ + ε, not by its root", STEP, "classroom")
def root_forgotten(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return m / (v + eps)


@faulty_step("steps by g, not by its average m̂", STEP, "classroom")
def gradient_for_its_average(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    _, v = corrected(grads, beta1, beta2)
    return direction(grads, v, eps)


@faulty_step("β1 and β2 are swapped", MOMENTS, "classroom")
def betas_swapped(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta2, beta1)
    return direction(m, v, eps)


@faulty_step("the weights of the old and the new are swapped", MOMENTS, "classroom")
def weights_swapped(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, 1 - beta1, 1 - beta2)
    return direction(m, v, eps)


@faulty_step("v is the average of m², not of g²", MOMENTS, "classroom")
def square_of_the_average(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, _ = corrected(grads, beta1, beta2)
    v = averaged(averaged(grads, beta1) ** 2, beta2) / shares(beta2, grads)
    return direction(m, v, eps)


@faulty_step("v is the average of |g|, and no root is taken", MOMENTS, "classroom")
def mean_absolute(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = averaged(grads, beta1) / shares(beta1, grads), averaged(np.abs(grads), beta2) / shares(beta2, grads)
    return m / (v + eps)


@faulty_step("divided by the largest |g| so far, faded by β2, as in AdaMax, undeclared", MOMENTS, "classroom")
def largest_gradient(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, largest = averaged(grads, beta1) / shares(beta1, grads), np.abs(grads)
    for t in range(1, len(grads)):
        largest[t] = np.maximum(beta2 * largest[t - 1], largest[t])
    return m / (largest + eps)


@faulty_step("v is the average of (g − m)², as in AdaBelief, undeclared", MOMENTS, "classroom")
def squared_surprise(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m = averaged(grads, beta1)
    v = averaged((grads - m) ** 2, beta2) / shares(beta2, grads)
    return direction(m / shares(beta1, grads), v, eps)


@faulty_step("divided by the largest √v̂ so far, as in AMSGrad, undeclared", MOMENTS, "classroom")
def largest_second_moment(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return direction(m, np.maximum.accumulate(v, axis=0), eps)


@faulty_step("looks ahead: β1 m̂ + (1 − β1) g/(1 − β1^t) in place of m̂, as in NAdam, undeclared", MOMENTS, "classroom")
def nesterov(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    ahead = beta1 * m + (1 - beta1) * grads / shares(beta1, grads)
    return direction(ahead, v, eps)


@faulty_step("θ moves before v is updated: by v of the step before", MOMENTS, "classroom")
def second_moment_late(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return direction(m, np.concatenate([v[:1], v[:-1]]), eps)


@faulty_step("one v for all coordinates, the mean of theirs", MOMENTS, "classroom")
def one_second_moment_for_all(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    return direction(m, v.mean(axis=1, keepdims=True), eps)


@faulty_step("bias is no longer corrected after 50 steps", CORRECT_BOTH, "classroom")
def correction_ends(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = _moments(grads, beta1, beta2)
    late = np.arange(len(grads))[:, None] >= 50
    first, second = (np.where(late, 1, shares(beta, grads)).astype(grads.dtype) for beta in (beta1, beta2))
    return direction(m / first, v / second, eps)


@mutant("adam", "the learning rate is at most .01", STEP, "classroom")
def rate_capped(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    m, v = corrected(grads, beta1, beta2)
    capped = tuple(min(rate, 0.01) for rate in rates(learning_rate, grads))
    return walked(theta, rated(capped, direction(m, v, eps)))


@mutant("adam", "θ decays by .01 of the learning rate, unasked", STEP, "classroom")
def decayed_unasked(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    m, v = corrected(grads, beta1, beta2)
    given = rates(learning_rate, grads)
    return walked(theta, rated(given, direction(m, v, eps)), [rate * 0.01 for rate in given])


@faulty_step("the step count stands still at 256, as in bfloat16", CORRECT_BOTH, "pytorch/ao PR 4915")
def step_count_to_256(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    return _numbered(grads, beta1, beta2, eps, [min(t, 256) for t in range(1, len(grads) + 1)])


@faulty_step("the correction ends after ten steps", CORRECT_BOTH, "classroom")
def corrected_ten_times(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    return _numbered(grads, beta1, beta2, eps, [t if t <= 10 else 2**20 for t in range(1, len(grads) + 1)])


@faulty_step("the step count is not among what is saved", SAVED, "classroom")
def step_count_not_saved(grads: Array, beta1: float, beta2: float, eps: float, save_at: int | None = None) -> Array:
    m, v = _moments(grads, beta1, beta2)
    first, second = (apart(grads, save_at, partial(shares, beta)) for beta in (beta1, beta2))
    return direction(m / first, v / second, eps)


@faulty_step("v is not among what is saved", SAVED, "classroom")
def second_moment_not_saved(grads: Array, beta1: float, beta2: float, eps: float, save_at: int | None = None) -> Array:
    m, _ = corrected(grads, beta1, beta2)
    v = apart(grads * grads, save_at, lambda part: averaged(part, beta2)) / shares(beta2, grads)
    return direction(m, v, eps)


@mutant(
    "adam", "β1 and β2 are rounded to the narrow type: in bfloat16 .999 becomes 1", DOUBLE, "keras PR 21238", raw=True
)
def narrow_betas(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    m, v = corrected(grads.astype(wide), float(narrow.type(beta1)), float(narrow.type(beta2)))
    return walked(theta.astype(wide), rated(learning_rate, direction(m, v, eps))).astype(theta.dtype)


@faulty_step("β1 and β2 are rounded to float32, and 1 − β and β^t are computed there", DOUBLE, "classroom")
def betas_in_float32(grads: Array, beta1: float, beta2: float, eps: float) -> Array:
    m, v = (average_in_float32(values, beta) for values, beta in ((grads, beta1), (grads * grads, beta2)))
    return direction(m, v, eps)


@mutant("adam", "θ, m and v are rounded to the narrow type after every step", WIDE, "classroom", raw=True)
def narrow_state(theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float) -> Array:
    wide, narrow = working_dtype(theta.dtype), narrow_type(theta.dtype)
    iterates, current = np.empty_like(grads), theta.astype(wide)
    m, v = np.zeros_like(current), np.zeros_like(current)
    for t, (gradient, rate) in enumerate(zip(grads.astype(wide), rates(learning_rate, grads), strict=True), 1):
        m = (beta1 * m + (1 - beta1) * gradient).astype(narrow).astype(wide)
        v = (beta2 * v + (1 - beta2) * gradient * gradient).astype(narrow).astype(wide)
        step = rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        current = (current - step).astype(narrow).astype(wide)
        iterates[t - 1] = current.astype(theta.dtype)
    return iterates


def _walked(step: FaultyStep) -> Mutant:
    def run(theta: Array, grads: Array, *, learning_rate: Rates, **options: float) -> Array:
        return walked(theta, rated(learning_rate, step.direction(grads, **options)))

    return step.mutant("adam", run)


MUTANTS: tuple[Mutant, ...] = tuple(
    each if isinstance(each, Mutant) else _walked(each)
    for each in list(globals().values())
    if isinstance(each, (Mutant, FaultyStep))
)
