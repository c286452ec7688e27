"""Whether two samplers draw alike."""

from typing import Any

from nnlaws.authoring.subject import Subject
from nnlaws.chance.comparison import numbers_alike, positions_alike
from nnlaws.chance.scale import Scale

LATER = 1  # how much the other's seed is more: its draws must not be the same by the same generator


def draw_alike(subject: Subject, other: Subject, options: dict[str, Any]) -> bool:
    """Whether both draw numbers that lie alike, for these options, by different seeds."""
    low, high, size, seed = (options[name] for name in ("low", "high", "size", "seed"))
    got, another = (
        each.arrays(low, high, size=size, seed=start)[0] for each, start in ((subject, seed), (other, seed + LATER))
    )
    if not numbers_alike(got, another):
        return False
    scale = Scale("linear", low, high)
    return positions_alike(scale.position(got.astype(float)), scale.position(another.astype(float)))
