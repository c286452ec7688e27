"""What the mistakes in averages and optimizers share: the right steps, taken all at once, and the cures."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import Implementation, Mutant, stored
from nnlaws.authoring.trajectories import accumulated as accumulated
from nnlaws.authoring.trajectories import averaged as averaged
from nnlaws.authoring.trajectories import before as before
from nnlaws.authoring.trajectories import column, shares
from nnlaws.authoring.trajectories import rated as rated

Pair = tuple[Array, Array]

AVERAGE = "v = beta * v + (1 - beta) * x, from v = 0"
CORRECT = "divide by 1 - beta**t, where t = 1 at the first step, and leave v as it is"
DESCENT = "theta = theta - learning_rate * g, once for each gradient"
VELOCITY = "v = beta * v + (1 - beta) * g from v = 0, then theta = theta - learning_rate * v"
ROOT_MEAN_SQUARE = "s = beta * s + (1 - beta) * g**2 from s = 0, then divide g by np.sqrt(s) + eps"
OUTSIDE = "add eps to the root: np.sqrt(s) + eps"
CORRECT_BOTH = "m_hat = m / (1 - beta1**t) and v_hat = v / (1 - beta2**t), t = 1 at the first step; keep m and v"
MOMENTS = "m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g**2, both from 0"
STEP = "theta = theta - learning_rate * m_hat / (np.sqrt(v_hat) + eps)"
DECOUPLED = "theta = theta - learning_rate * weight_decay * theta - step, both from the old theta"
WIDE = "keep theta and the state in float32, and round each iterate once"
DOUBLE = "compute 1 - beta and beta**t from beta in double, and round what multiplies an array once"
SAVED = "save and restore the whole state: averages and step count"


def written_back(values: Array, beta: float) -> Array:
    """The corrected average, which the next step takes for the state."""
    averages, average = np.empty_like(values), np.zeros_like(values[0])
    for t, value in enumerate(values):
        averages[t] = average = (beta * average + (1 - beta) * value) / (1 - beta ** (t + 1))
    return averages


def corrected(grads: Array, beta1: float, beta2: float) -> Pair:
    """m̂ and v̂ of each step."""
    return (
        averaged(grads, beta1) / shares(beta1, grads),
        averaged(grads * grads, beta2) / shares(beta2, grads),
    )


def direction(m: Array, v: Array, eps: float) -> Array:
    """m/(√v + ε): what the learning rate multiplies."""
    return m / (np.sqrt(v) + eps)


def average_in_float32(values: Array, beta: float) -> Array:
    """The corrected average, its weights computed from β in float32."""
    old = np.float32(beta)
    powers = [float(1 - old**t) for t in range(1, len(values) + 1)]
    return accumulated(values, float(old), float(1 - old)) / column(powers, values)


def apart(values: Array, save_at: int | None, change: Callable[[Array], Array]) -> Array:
    """The change of what came before the state was saved, and of what came after as if nothing had come before."""
    parts = (values,) if save_at is None else (values[:save_at], values[save_at:])
    return np.concatenate([change(part) for part in parts])


@dataclass(frozen=True)
class FaultyStep:
    """A mistake in Adam's step, which AdamW can make as well.

    direction: what the learning rate multiplies in each step (T, n), of the gradients and the optimizer's options.
    fault, fix, seen: as of a mutant.
    """

    fault: str
    fix: str
    seen: str
    direction: Callable[..., Array]

    def mutant(self, operation: str, run: Implementation) -> Mutant:
        """The mistake in the operation. run: the whole of it, whose **options are those of `direction`."""
        *own, _ = signature(run).parameters.values()
        _, *options = signature(self.direction).parameters.values()
        named = [option.replace(kind=Parameter.KEYWORD_ONLY) for option in options]
        run.__signature__ = signature(run).replace(parameters=[*own, *named])  # type: ignore[attr-defined]
        name = f"{operation}.{self.direction.__name__}"
        return Mutant(operation, name, self.fault, self.fix, self.seen, stored(run))


def faulty_step(fault: str, fix: str, seen: str) -> Callable[[Callable[..., Array]], FaultyStep]:
    """Makes a direction the faulty step of its name."""
    return lambda direction: FaultyStep(fault, fix, seen, direction)
