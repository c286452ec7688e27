"""Schedules of the learning rate, beyond the notes."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Rounding
from nnlaws.authoring.later import later
from nnlaws.chapters.schedules import inputs
from nnlaws.chapters.schedules.laws import LAWS
from nnlaws.chapters.schedules.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.schedules.mutants", "MUTANTS"),
    later("nnlaws.chapters.schedules.sound", "SOUND"),
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="count steps from 0, and divide by no number of steps that is 0",
        samples=inputs.SAMPLES,
        columns=inputs.COLUMNS,
        ends={
            **{"start": (0.0, 1.0), "end": (0.0,), "peak": (0.0, 1.0), "initial": (0.0, 1.0), "power": (1.0,)},
            **{"stretch": (1.0,), "shrink": (1.0,), "stable": (0.0,)},
        },
    ),
    place=4,
)
