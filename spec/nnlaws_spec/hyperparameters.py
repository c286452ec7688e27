"""Hyperparameters and how much they matter, as the notes say it: the table of OP-26, as data."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scale: TypeAlias = Literal["log", "one_minus_log", "linear", "integer", "none"]
"""What is uniform where the hyperparameter is sampled: log α and log(1 − β), as the notes say; the number itself, real
or whole, as is usual, for the notes are silent there; or it is not sampled."""


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter: its `name` and `symbol`, the notes' `default`, and what it does.

    importance: 1 to 3, 1 before all others; None where the notes give it no number.
    """

    name: str
    symbol: str
    default: float | None
    importance: int | None
    scale: Scale
    meaning: str


HYPERPARAMETERS = (
    Hyperparameter("learning rate", "α", None, 1, "log", "the length of a step; between 1e-4 and 1"),
    Hyperparameter("momentum", "β", 0.9, None, "one_minus_log", "the weight of the old average; between 0.9 and 0.999"),
    Hyperparameter("layers", "L", None, 2, "integer", "how many there are"),
    Hyperparameter("learning-rate decay", "k", None, 2, "none", "how fast α falls from epoch to epoch"),
    Hyperparameter("mini-batch size", "m", None, None, "none", "samples a step; large enough that vectorisation pays"),
    Hyperparameter("hidden units", "n", None, 3, "integer", "how many a layer has"),
    Hyperparameter("Adam's first decay", "β₁", 0.9, None, "none", "the weight of the old average of g; rarely tuned"),
    Hyperparameter("Adam's second decay", "β₂", 0.999, None, "none", "the same for g²; rarely tuned"),
    Hyperparameter("Adam's epsilon", "ε", 1e-8, None, "none", "what keeps a root of 0 from dividing; rarely tuned"),
)
"""In the order in which the notes first list them: the learning rate; then momentum, layers, decay, mini-batch size and
hidden units side by side; last Adam's, rarely tuned. The numbers of importance are the notes' second statement: 1 the
learning rate, 2 layers and decay, 3 hidden units. It says nothing of momentum and mini-batch size: these have none."""
