"""Scales of hyperparameters: from u in [0, 1] to a value, and back."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.chapters.scales import inputs
from nnlaws.chapters.scales.laws import LAWS
from nnlaws.chapters.scales.mutants import MUTANTS
from nnlaws.chapters.scales.operations import OPERATIONS, TEXT
from nnlaws.chapters.scales.sound import SOUND

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
        stay_finite="take logarithms of the bounds, not of u",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
    ),
    place=5,
)
