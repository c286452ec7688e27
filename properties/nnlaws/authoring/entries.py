"""Of functions of one number that are asked for many at once, as schedules are: each result is of its own number."""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.case import Builder, Inputs
from nnlaws.authoring.evidence import Evidence, agree, worst
from nnlaws.authoring.law import slack
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import Subject
from nnlaws.authoring.token import Case
from nnlaws.rounding.formats import Format


def by_itself(f: Subject, ruler: Ruler, x: Array, *, order: Array, **options: Any) -> Evidence:
    """The result of a number is the same in whatever order, and asked for alone."""
    results = f(x, **options)
    allowed = slack(results, ruler.loose(x, **options), ruler.format)
    shuffled = f(np.take_along_axis(x, order, axis=1), **options)
    want, more = (np.take_along_axis(each, order, axis=1) for each in (results, allowed))
    seen = agree(shuffled, want, 2 * more, ruler.format, "the same one, asked for in another order")
    alone = np.concatenate([f(x[:, i : i + 1].copy(), **options) for i in range(x.shape[1])], axis=1)
    return worst(seen, agree(alone, results, 2 * allowed, ruler.format, "the same one, asked for with others"))


def shuffled(build: Builder) -> Builder:
    """The inputs, and an order in which the same numbers are asked for again."""

    def built(case: Case, format: Format) -> Inputs:
        given = build(case, format)
        return Inputs(given.arguments, {"order": case.random("order").permutation(case.m)}, given.options)

    return built
