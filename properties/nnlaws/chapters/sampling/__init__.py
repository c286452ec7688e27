"""Sampling: draws of one hyperparameter on its scale."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Chance
from nnlaws.chapters.sampling.alike import draw_alike
from nnlaws.chapters.sampling.laws import LAWS, exercise
from nnlaws.chapters.sampling.mutants import MUTANTS
from nnlaws.chapters.sampling.operations import OPERATIONS, TEXT
from nnlaws.chapters.sampling.sound import SOUND

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    MUTANTS,
    SOUND,
    Chance(exercise, dict.fromkeys((operation.name for operation in OPERATIONS), draw_alike), grows=True),
    place=6,
)
