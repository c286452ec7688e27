"""Optimizers beyond the notes, as trajectories."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.more_optimizers import inputs
from nnlaws.chapters.more_optimizers.laws import LAWS
from nnlaws.chapters.more_optimizers.operations import OPERATIONS, TEXT

_ZERO = ("beta", "beta1", "beta2", "weight_decay", "dampening", "initial_accumulator", "momentum_decay")

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.more_optimizers.mutants", "MUTANTS"),
    later("nnlaws.chapters.more_optimizers.sound", "SOUND"),
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="add ε to the root, and divide by 1 − β^t with t from 1",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
        ends={**dict.fromkeys(_ZERO, (0.0,)), "learning_rate": (0.0, 1.0)},
    ),
    place=3,
)
