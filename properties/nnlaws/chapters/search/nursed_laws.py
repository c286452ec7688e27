"""The laws of panda's adjusting: what changes its settings, how long, and where they may not stay."""

from typing import Any

import numpy as np

from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.chapters.search.driver import Losses, Search, in_another_world
from nnlaws.chapters.search.inputs import Space


class Otherwise(Search):
    """The same search with other models, numbers too."""

    def train(self, model: Any, point: Any) -> tuple[Any, float]:
        _, loss = super().train(model, point)
        return 3 * len(self.models) + 7, loss


def losses_alone(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """With the same losses and other models the settings are the same."""
    one, other = Search(space, **options), Otherwise(space, **options)
    one.losses = other.losses = _wavering
    same = np.array_equal(one.trials(f)[0], other.trials(f)[0])
    return require(same, "with the same losses and other models, the settings are others")


def watches_on(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Losses that part halfway lead elsewhere, in one of two worlds at least: all goes well, or all ill, until then."""
    half = options["budget"] // 2
    for before, after in ((_well, _ill), (_ill, _well)):
        one, other = (
            in_another_world(Search(space, **options), world) for world in (before, _parting(before, after, half))
        )
        if not np.array_equal(one.trials(f)[0][half:], other.trials(f)[0][half:]):
            return require(True, "")
    words = f"after {half} of {options['budget']} calls the settings are the same whatever the losses are"
    return require(False, words)


def worse_is_changed(f: Subject, ruler: Ruler, *, space: Space, **options: Any) -> Evidence:
    """Where every loss is worse than the one before, the settings that the first such loss came of do not stay."""
    points, losses, _ = in_another_world(Search(space, **options), _ill).trials(f)
    kept = (points[1:] == points[1]).all()
    words = f"{len(losses)} losses, each worse than the one before, and the settings stay as they were at the second"
    return require(not kept, words)


def _well(point: Any, loss: float, call: int) -> float:
    return -float(call)


def _ill(point: Any, loss: float, call: int) -> float:
    return float(call)


def _parting(before: Losses, after: Losses, part: int) -> Losses:
    """Beyond all that was before: worse than the worst, or better than the best."""
    return lambda point, loss, call: before(point, loss, call) if call < part else 2 * after(point, loss, call)


def _wavering(point: Any, loss: float, call: int) -> float:
    """Down two steps, up one."""
    return 1.0 - call + 3 * (call % 3 == 2)
