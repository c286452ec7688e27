"""Sampling: draws of one hyperparameter on its scale."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.later import later
from nnlaws.chapters.sampling.alike import draw_alike
from nnlaws.chapters.sampling.laws import LAWS, exercise
from nnlaws.chapters.sampling.operations import OPERATIONS, TEXT

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.sampling.mutants", "MUTANTS"),
    later("nnlaws.chapters.sampling.sound", "SOUND"),
    Chance(exercise, dict.fromkeys((operation.name for operation in OPERATIONS), draw_alike), grows=True),
    place=6,
)
