"""Losses with class numbers, weights and smoothing, and of sigmoids, beyond the notes."""

from nnlaws.authoring import logits
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.losses import inputs
from nnlaws.chapters.losses.laws import LAWS
from nnlaws.chapters.losses.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.losses.mutants", "MUTANTS"),
    later("nnlaws.chapters.losses.sound", "SOUND"),
    Rounding(
        tuple(logits.FAMILIES),
        logits.LEVELS,
        "any_size_of_logits",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="subtract the row's maximum before the exponential, and take no logarithm of a probability",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
        far=logits.FAR,
        shown=2,
    ),
    place=2,
)
