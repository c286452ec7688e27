"""Whether two samplers draw alike."""

from typing import Any

import numpy as np

from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import Subject
from nnlaws.chance.comparison import numbers_alike, positions_alike
from nnlaws.chapters.more_samplers.drawing import called

LATER = 1  # how much the other's seed is more: its draws must not be the same by the same generator


def draws_alike(operation: Operation) -> Any:
    """Of an operation, whether two draw values that lie alike, for these options, by different seeds."""

    def alike(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
        found = []
        for each, later in ((subject, 0), (other, LATER)):
            arguments, named = called(operation, {**options, "seed": options["seed"] + later})
            found.append(each.arrays(*arguments, **named)[0])
        got, another = found
        return numbers_alike(got, another) and positions_alike(got.astype(np.float64), another.astype(np.float64))

    return alike
