"""What laws about chance share: evidence out of e-processes, in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.evidence import Evidence
from nnlaws.chance import GRAIN, LogE, evenness, turned, used
from nnlaws.chance.scale import Scale
from nnlaws.rounding.formats import Floats


def evidence(seen: LogE, size: int, words: str) -> Evidence:
    """What an e-process has to say. words: what is unlike what should be."""
    ratio = used(seen.highest)
    if ratio <= 1:
        return Evidence(ratio)
    return Evidence(
        ratio, reason=f"{words}; after {seen.at} of {size} draws it is beyond chance ({odds(seen.highest)})"
    )


def even(scale: Scale, x: Array, random: np.random.Generator, what: str) -> Evidence:
    """Whether numbers leave gaps and crowd, as chance does: no grid in another order, no one draw in each part."""
    surprise, words = evenness(scale.uniform(x, random), grain=scale.grain(x))
    ratio = used(surprise)
    return Evidence(ratio, reason=f"{what} lies too evenly for chance: {words}" if ratio > 1 else "")


def moved(pairs: Sequence[tuple[Floats, Floats]], words: str, grain: float = GRAIN) -> Evidence:
    """What there is to say of positions that are others, moved by one distance: of every pair, one test of all."""
    found = [turned(one, other, grain=grain) for one, other in pairs if len(one) and len(other)]
    ratio = used(max(found) - float(np.log(len(found)))) if found else 0.0
    return Evidence(ratio, reason=f"{words}, in more places than chance has" if ratio > 1 else "")


def odds(log_e: float) -> str:
    """How sure that is: the betting odds against chance that have been won."""
    return f"10^{log_e / np.log(10):.0f} to 1"


def given(x: Any) -> str:
    """A number as it is typed."""
    return repr(x.item() if hasattr(x, "item") else x)
