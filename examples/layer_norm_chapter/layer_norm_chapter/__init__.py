"""Layer norm and its gradient: a chapter for nnlaws, in a package of its own."""

from nnlaws.authoring import Chapter, Rounding

from layer_norm_chapter import inputs
from layer_norm_chapter.laws import LAWS
from layer_norm_chapter.mutants import MUTANTS
from layer_norm_chapter.operations import OPERATIONS, TEXT
from layer_norm_chapter.sound import SOUND

CHAPTER = Chapter(
    TEXT,
    OPERATIONS,
    LAWS,
    MUTANTS,
    SOUND,
    Rounding(
        tuple(inputs.FAMILIES),
        inputs.LEVELS,
        "value",
        inputs.ordinary,
        inputs.extreme,
        stay_finite="subtract the mean before squaring, and keep ε inside the root",
        samples=inputs.SAMPLES,
        columns=inputs.FEATURES,
    ),
)
