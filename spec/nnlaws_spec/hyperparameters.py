"""Hyperparameters, how much they matter, and where they are searched: the table of OP-26, as data."""

from dataclasses import dataclass

from nnlaws_spec.formulas.search import Scale


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter: its `name` and `symbol`, the notes' `default`, where it is searched, and what it does.

    importance: 1 to 3, 1 before all others; None where the notes give it no number. low, high: the ends of its axis.
    scale: what is uniform along it, as SE-1 has it. source: who says so of the range.
    """

    name: str
    symbol: str
    default: float | None
    importance: int | None
    low: float
    high: float
    scale: Scale
    meaning: str
    source: str


_NOTES = "the notes"
_NG = "Ng, Improving deep neural networks (deeplearning.ai)"

HYPERPARAMETERS = (
    Hyperparameter("learning rate", "α", None, 1, 1e-4, 1.0, "log", "the length of a step", _NOTES),
    Hyperparameter("momentum", "β", 0.9, None, 0.9, 0.999, "one_minus_log", "the weight of the old average", _NOTES),
    Hyperparameter(
        "layers", "L", None, 2, 2, 4, "integer", "how many there are", f"{_NG}, “Using an appropriate scale”"
    ),
    Hyperparameter(
        "learning-rate decay", "k", None, 2, 0.0, 1.0, "linear", "how fast α falls from epoch to epoch",
        f"0 is none; 1 the example of {_NG}, “Learning rate decay”",
    ),
    Hyperparameter(
        "mini-batch size", "m", None, None, 64, 512, "integer", "samples a step; large enough that vectorisation pays",
        f"{_NG}, “Understanding mini-batch gradient descent”, of powers of 2",
    ),
    Hyperparameter(
        "hidden units", "n", None, 3, 50, 100, "integer", "how many a layer has", f"{_NG}, “Using an appropriate scale”"
    ),
    Hyperparameter(
        "Adam's first decay", "β₁", 0.9, None, 0.9, 0.996, "one_minus_log",
        "the weight of the old average of g; rarely tuned",
        "MLCommons' AlgoPerf, its search space for NAdamW: 1 − β₁ log-uniform in 0.004 to 0.1",
    ),
    Hyperparameter(
        "Adam's second decay", "β₂", 0.999, None, 0.99, 0.9999, "one_minus_log", "the same for g²; rarely tuned",
        "Kingma and Ba 2015, §6.4, which tries 0.99, 0.999 and 0.9999",
    ),
    Hyperparameter(
        "Adam's epsilon", "ε", 1e-8, None, 1e-8, 1.0, "log", "what keeps a root of 0 from dividing; rarely tuned",
        "Kingma and Ba 2015; and the documentation of TensorFlow's Adam, which has 1.0 for Inception on ImageNet",
    ),
)  # fmt: skip
"""In the order in which the notes first list them: the learning rate; then momentum, layers, decay, mini-batch size and
hidden units side by side; last Adam's, rarely tuned. The numbers of importance are the notes' second statement: 1 the
learning rate, 2 layers and decay, 3 hidden units. It says nothing of momentum and mini-batch size: these have none. The
notes say where the learning rate and momentum are searched, and on which scale; the other ranges are their sources'."""


def number(value: float | None) -> str:
    """As the table shows it: the shortest digits, or – for none."""
    return "–" if value is None else f"{value:g}".replace("e-0", "e-")
