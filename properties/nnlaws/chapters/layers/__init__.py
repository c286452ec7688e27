"""Layers: a linear map with batch norm, and its gradient."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.layers import inputs
from nnlaws.chapters.layers.laws import LAWS
from nnlaws.chapters.layers.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.layers.mutants", "MUTANTS"),
    later("nnlaws.chapters.layers.sound", "SOUND"),
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="subtract the mean before squaring, and keep ε inside the root",
        samples=inputs.SAMPLES,
        columns=inputs.UNITS,
    ),
    place=8,
)
