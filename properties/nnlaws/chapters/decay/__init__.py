"""The decay of the learning rate."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.decay import inputs
from nnlaws.chapters.decay.laws import LAWS
from nnlaws.chapters.decay.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.decay.mutants", "MUTANTS"),
    later("nnlaws.chapters.decay.sound", "SOUND"),
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="count epochs from 0, so that nothing is divided by 0",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
        ends={"initial": (0.0, 1.0), "rate": (1.0,), "every": (1.0,), "factor": (0.0, 1.0)},
    ),
    place=4,
)
