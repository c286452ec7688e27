"""Averages and optimizers, as trajectories."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.chapters.optimizers import inputs
from nnlaws.chapters.optimizers.laws import LAWS
from nnlaws.chapters.optimizers.mutants import MUTANTS
from nnlaws.chapters.optimizers.operations import OPERATIONS, TEXT
from nnlaws.chapters.optimizers.sound import SOUND

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    MUTANTS,
    SOUND,
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="add ε to the root, and divide by 1 − β^t with t from 1",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
    ),
    place=3,
)
