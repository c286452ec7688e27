"""Search: which points of a space of hyperparameters are tried."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Chance
from nnlaws.authoring.later import later
from nnlaws.chapters.search.alike import boxes_equal, grids_equal, points_alike, trials_alike
from nnlaws.chapters.search.driver import exercise
from nnlaws.chapters.search.laws import LAWS
from nnlaws.chapters.search.operations import (
    CAVIAR,
    COARSE_TO_FINE,
    GRID_SEARCH,
    OPERATIONS,
    PANDA,
    RANDOM_SEARCH,
    REFINE,
    TEXT,
)

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    later("nnlaws.chapters.search.mutants", "MUTANTS"),
    later("nnlaws.chapters.search.sound", "SOUND"),
    Chance(
        exercise,
        {
            RANDOM_SEARCH.name: points_alike,
            GRID_SEARCH.name: grids_equal,
            REFINE.name: boxes_equal,
            **dict.fromkeys((COARSE_TO_FINE.name, CAVIAR.name, PANDA.name), trials_alike),
        },
        given_arrays=(REFINE.name, PANDA.name),
    ),
    place=7,
)
