"""Scales of hyperparameters: from u in [0, 1] to a value, and back."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.scales import inputs
from nnlaws.chapters.scales.laws import LAWS
from nnlaws.chapters.scales.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.scales.mutants", "MUTANTS"),
    later("nnlaws.chapters.scales.sound", "SOUND"),
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
