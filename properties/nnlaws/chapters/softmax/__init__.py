"""Softmax, its loss and its gradient."""

from nnlaws.authoring import logits
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.softmax import inputs
from nnlaws.chapters.softmax.laws import LAWS
from nnlaws.chapters.softmax.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.softmax.mutants", "MUTANTS"),
    later("nnlaws.chapters.softmax.sound", "SOUND"),
    Rounding(
        tuple(logits.FAMILIES),
        logits.LEVELS,
        "any_size_of_logits",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="subtract the row's maximum before the exponential, and take no logarithm of a probability",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
        unusual=inputs.unusual,
        far=logits.FAR,
        shown=2,
    ),
    place=1,
)
