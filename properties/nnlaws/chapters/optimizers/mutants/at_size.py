"""Mistakes that show at size only: for a hundred steps, and for a hundred coordinates, each is right.

Where kernels count in 32 bits, these count in 16 or 18. `seen` gives a thread or release; "classroom" means homework.
"""

from collections.abc import Sequence

import numpy as np
from nnlaws_reference import exponential_average as right_average
from nnlaws_reference import gradient_descent as right_descent
from nnlaws_reference import momentum as right_momentum
from nnlaws_reference.dtypes import DTYPES, Array

from nnlaws.authoring.mutant import Mutant, mutant
from nnlaws.authoring.trajectories import Rates, column, decays, walked
from nnlaws.chapters.optimizers.mutants.common import CORRECT, CORRECT_BOTH, WIDE, averaged, direction, rated

COORDINATES = 1 << 16  # what 16 bits count
FULL = 256  # where bfloat16 stops counting, and 8 bits wrap
LARGE = 4096  # coordinates from which on the state is kept in 8 bits
BLOCK = 256  # coordinates of one scale

COUNTED = "count steps in an integer or in float32"
ALL_COORDINATES = "update every coordinate: go through a last block that is not full, and on beyond the grid"
WIDE_NUMBER = "number coordinates in 64 bits, never in 16 or 32 nor in a float"
CLASSROOM = "classroom"


def _in_bfloat16(steps: int) -> list[int]:
    """The number of each step, from a counter that is a bfloat16: 256 + 1 is 256."""
    return [min(step, FULL) for step in range(1, steps + 1)]


def _corrected(moments: Array, beta: float, numbers: Sequence[int]) -> Array:
    """Averages corrected as if the steps had these numbers."""
    return moments / column([1 - beta**number for number in numbers], moments)


def _counted(grads: Array, beta1: float, beta2: float, eps: float, numbers: Sequence[int]) -> Array:
    """Adam's direction, where the steps have these numbers."""
    first, second = averaged(grads, beta1), averaged(grads * grads, beta2)
    return direction(_corrected(first, beta1, numbers), _corrected(second, beta2, numbers), eps)


def _in_8_bits(state: Array) -> Array:
    """Each block of the state as multiples of a 127th of its largest; a small state as it is."""
    if state.size < LARGE:
        return state
    blocks = np.pad(state, (0, -state.size % BLOCK)).reshape(-1, BLOCK)
    scale = np.maximum(np.abs(blocks).max(axis=1, keepdims=True), np.finfo(state.dtype).tiny) / 127
    return (np.rint(blocks / scale) * scale).reshape(-1)[: state.size].astype(state.dtype)


@mutant(
    "exponential_average", "values are counted in 8 bits: the correction of the 256th divides by 0", CORRECT, CLASSROOM
)
def values_in_8_bits(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = averaged(values, beta)
    numbers = [step % FULL for step in range(1, len(values) + 1)]
    return _corrected(averages, beta, numbers) if bias_correction else averages


@mutant(
    "exponential_average",
    "the number of a coordinate goes through bfloat16: beyond 256 neighbours are read for one another",
    WIDE_NUMBER,
    "cudamat #84, of rows, in float32",
)
def coordinate_number_in_bfloat16(values: Array, *, beta: float, bias_correction: bool) -> Array:
    coordinates = values.shape[1]
    numbers = np.arange(coordinates).astype(DTYPES["bfloat16"]).astype(np.float64)
    read = values[:, np.minimum(numbers, coordinates - 1).astype(np.intp)]
    return right_average(read, beta=beta, bias_correction=bias_correction)


@mutant(
    "gradient_descent",
    "a grid of 65536 threads is not gone through again: coordinates beyond stay as they are",
    ALL_COORDINATES,
    "pyg-lib PR 718, in sums of segments",
)
def coordinates_beyond_the_grid(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    iterates = right_descent(theta, grads, learning_rate=learning_rate)
    iterates[:, COORDINATES:] = theta[COORDINATES:]
    return iterates


@mutant(
    "momentum",
    "of more than 1024 coordinates those after the last whole block of 256 stay as they are",
    ALL_COORDINATES,
    CLASSROOM,
)
def tail_of_256_left(theta: Array, grads: Array, *, learning_rate: Rates, beta: float) -> Array:
    iterates = right_momentum(theta, grads, learning_rate=learning_rate, beta=beta)
    if len(theta) > 1024:
        whole = len(theta) // BLOCK * BLOCK
        iterates[:, whole:] = theta[whole:]
    return iterates


@mutant(
    "rmsprop",
    "chunks of 65536 coordinates share the state of the first: its offset is forgotten",
    "read and write the state of a chunk from where the chunk starts",
    CLASSROOM,
)
def state_of_the_first_chunk(theta: Array, grads: Array, *, learning_rate: Rates, beta: float, eps: float) -> Array:
    squares = averaged(grads * grads, beta)[:, np.arange(len(theta)) % COORDINATES]
    return walked(theta, rated(learning_rate, direction(grads, squares, eps)))


@mutant(
    "adam",
    "steps are counted in bfloat16: from the 256th on the corrections stay as they are",
    COUNTED,
    "torchao PR 4915",
)
def steps_in_bfloat16(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    return walked(theta, rated(learning_rate, _counted(grads, beta1, beta2, eps, _in_bfloat16(len(grads)))))


@mutant("adam", "steps are counted in 8 bits: the 256th has number 0", CORRECT_BOTH, CLASSROOM)
def steps_in_8_bits(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    numbers = [step % FULL for step in range(1, len(grads) + 1)]
    return walked(theta, rated(learning_rate, _counted(grads, beta1, beta2, eps, numbers)))


@mutant(
    "adam",
    "the number of coordinates is kept in few bits, here 18: of more none is updated",
    WIDE_NUMBER,
    "DeepSpeed #7640, in 32 bits",
)
def none_of_many_updated(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float
) -> Array:
    if len(theta) >= 1 << 18:
        return np.broadcast_to(theta, grads.shape).copy()
    numbers = range(1, len(grads) + 1)
    return walked(theta, rated(learning_rate, _counted(grads, beta1, beta2, eps, numbers)))


@mutant(
    "adamw",
    "steps are counted in bfloat16: from the 256th on the corrections stay as they are",
    COUNTED,
    "DeepSpeed PR 8496",
)
def decayed_steps_in_bfloat16(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    steps = rated(learning_rate, _counted(grads, beta1, beta2, eps, _in_bfloat16(len(grads))))
    return walked(theta, steps, decays(learning_rate, grads, weight_decay))


@mutant(
    "adamw",
    "from 4096 coordinates on the averages are kept in 8 bits",
    WIDE,
    "unsloth-zoo PR 980, declared: adamw_8bit",
)
def state_in_8_bits(
    theta: Array, grads: Array, *, learning_rate: Rates, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    directions, first, second = np.empty_like(grads), np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient in enumerate(grads):
        first = _in_8_bits(beta1 * first + (1 - beta1) * gradient)
        second = _in_8_bits(beta2 * second + (1 - beta2) * gradient**2)
        directions[t] = direction(first / (1 - beta1 ** (t + 1)), second / (1 - beta2 ** (t + 1)), eps)
    return walked(theta, rated(learning_rate, directions), decays(learning_rate, grads, weight_decay))


@mutant(
    "exponential_average", "values are counted in bfloat16: from the 256th on the correction stays", COUNTED, CLASSROOM
)
def values_in_bfloat16(values: Array, *, beta: float, bias_correction: bool) -> Array:
    averages = averaged(values, beta)
    return _corrected(averages, beta, _in_bfloat16(len(values))) if bias_correction else averages


@mutant(
    "gradient_descent", "of many coordinates those after the last whole vector of 8 stay", ALL_COORDINATES, CLASSROOM
)
def tail_of_8_left(theta: Array, grads: Array, *, learning_rate: Rates) -> Array:
    iterates = right_descent(theta, grads, learning_rate=learning_rate)
    if theta.size > 1024:
        whole = theta.size // 8 * 8
        iterates[:, whole:] = theta[whole:]
    return iterates


MUTANTS: tuple[Mutant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Mutant))
