"""Search: which points of a space of hyperparameters are tried."""

from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.judging import Chance
from nnlaws.chapters.search.alike import boxes_equal, grids_equal, points_alike
from nnlaws.chapters.search.driver import exercise
from nnlaws.chapters.search.laws import LAWS
from nnlaws.chapters.search.mutants import MUTANTS
from nnlaws.chapters.search.operations import GRID_SEARCH, OPERATIONS, RANDOM_SEARCH, REFINE, TEXT
from nnlaws.chapters.search.sound import SOUND

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    MUTANTS,
    SOUND,
    Chance(
        exercise,
        {RANDOM_SEARCH.name: points_alike, GRID_SEARCH.name: grids_equal, REFINE.name: boxes_equal},
    ),
    place=7,
)
