"""Batch norm: training, its backward pass, running averages, inference."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.batch_norm import inputs
from nnlaws.chapters.batch_norm.laws import LAWS
from nnlaws.chapters.batch_norm.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.batch_norm.mutants", "MUTANTS"),
    later("nnlaws.chapters.batch_norm.sound", "SOUND"),
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="subtract the mean before squaring, and keep ε inside the root",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
        ends={"decay": (0.0, 1.0)},
    ),
    place=2,
)
