"""Samplers beyond the notes: quantised and log-uniform whole numbers, choices with weights, designs of points."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.later import later
from nnlaws.chapters.more_samplers.alike import draws_alike
from nnlaws.chapters.more_samplers.laws import LAWS, exercise
from nnlaws.chapters.more_samplers.operations import DRAWN, OPERATIONS, TEXT, WEIGHTED_CHOICE

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.more_samplers.mutants", "MUTANTS"),
    later("nnlaws.chapters.more_samplers.sound", "SOUND"),
    Chance(
        exercise,
        {operation.name: draws_alike(operation) for operation in DRAWN},
        grows=True,
        given_arrays=(WEIGHTED_CHOICE.name,),
    ),
    place=7,
)
