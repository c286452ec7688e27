"""Results of one implementation, each with what the loosest convention lets them err, to be held to each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.evidence import Evidence, agree, worst
from nnlaws.authoring.law import slack
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.rounding.formats import Floats

Slacked = tuple[Floats, Floats]
"""A result, and the rounding of the loosest convention."""


def results_of(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> list[Slacked]:
    return slacked(ruler, f.results(*arguments, **options), *arguments, **options)


def slacked(ruler: Ruler, results: Sequence[Floats], *arguments: Array, **options: Any) -> list[Slacked]:
    """Where nothing is promised, or the exact result is out of range, its value stands for an infinity or NaN."""
    bounds = ruler.loosest.bounds(*arguments, **options)
    slacks = [slack(one, bound, ruler.format) for one, bound in zip(results, bounds, strict=True)]
    if all(np.isfinite(one).all() for one in results):
        return list(zip(results, slacks, strict=True))
    found: list[Slacked] = []
    surest = ruler.surest.bounds(*arguments, **options)
    for one, allowed, bound in zip(results, slacks, surest, strict=True):
        beyond = np.abs(bound.value) + bound.error >= ruler.format.largest
        found.append((np.where(beyond, bound.value, one), np.where(beyond, np.inf, allowed)))
    return found


def agree_slack(ruler: Ruler, got: list[Slacked], want: list[Slacked], expected: str) -> Evidence:
    return worst(
        *(
            agree(one, other, allowed + also, ruler.format, expected, name)
            for name, (one, allowed), (other, also) in zip(ruler.operation.results, got, want, strict=True)
        )
    )


def mean_of(x: Floats, allowed: Floats) -> Slacked:
    """The mean over the samples, with what its terms may err, and the float64 sum of them besides."""
    m = x.shape[-2]
    return x.mean(axis=-2), allowed.mean(axis=-2) + m * 2.0**-53 * np.abs(x).mean(axis=-2)
