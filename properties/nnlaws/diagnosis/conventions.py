"""Which undeclared convention explains a failure, the one that admits least first, and what declaring it hides.

One that changes the value is told by its values. A weaker bound admits whatever errs a little more, so it is proposed
only on evidence: on inputs where its own algorithm errs most, the target has to err about as much.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlaws.authoring.case import Inputs
from nnlaws.authoring.chapter import Chapter
from nnlaws.authoring.convention import Convention
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, TargetFault
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import Floats

LIKE = 16  # times less than its own algorithm that a target may err, where that errs most, and still be of its kind
OFTEN = 0.1  # of the arrays, in which it errs by more than is allowed without, where no algorithm is known
OWN = 2  # times what is allowed without the convention, that its own algorithm errs by, where it shows at all


def undeclared(law: Law, ruler: Ruler) -> list[Convention]:
    return [
        each
        for each in law.operation.conventions
        if ruler.format.name in each.dtypes and ruler.conventions.get(each.name) != each.value
    ]


def admits(convention: Convention, law: Law, subject: GuardedSubject, ruler: Ruler, stacks: Sequence[Inputs]) -> bool:
    """Whether the law holds on all these inputs if the convention is declared."""
    return holds_on(law, subject, ruler.declaring(convention.item), stacks)


def holds_on(law: Law, subject: GuardedSubject, ruler: Ruler, stacks: Sequence[Inputs]) -> bool:
    try:
        return all(law.evidence(subject, ruler, inputs).holds for inputs in stacks)
    except NotOffered:
        return True
    except TargetFault:
        return False


def shown(
    chapter: Chapter, convention: Convention, subject: GuardedSubject, ruler: Ruler, stacks: Sequence[Inputs]
) -> bool:
    """Whether the target errs as the convention's own algorithm does, where it is about rounding: by just as much all
    over, or by about as much where that is a lot.
    """
    if convention.effect == "value":
        return True
    ours = errors(subject, ruler, stacks)
    own = [
        variant
        for variant in chapter.sound
        if variant.operation == ruler.operation.name and variant.conventions.get(convention.name) == convention.value
    ]
    if not own:  # nothing to compare with: then not now and then alone
        return bool((ours > 1).mean() >= OFTEN) if ours.size else False
    for variant in own:
        declared = {**ruler.conventions, **convention.item}
        if any(declared.get(name, value) != value for name, value in variant.conventions.items()):
            continue
        theirs = errors(GuardedSubject(variant.function, ruler.operation), ruler, stacks)
        worst = float(np.max(theirs, initial=0.0))
        if worst > 1 and np.array_equal(ours, theirs):
            return True
        if worst > OWN and float(np.max(ours[theirs * LIKE >= worst], initial=0.0)) * LIKE >= worst:
            return True
    return False


def errors(subject: GuardedSubject, ruler: Ruler, stacks: Sequence[Inputs]) -> Floats:
    """Of each lane, the error of its worst result in what the ruler allows; 0 where it refuses, or promises nothing."""
    found: list[Floats] = []
    for inputs in stacks:
        lanes = len(inputs.arguments[0])
        try:
            own = _own(ruler, subject, inputs)
            results = subject.results(*inputs.arguments, **own)
        except TargetFault:
            found.append(np.zeros(lanes))
            continue
        worst = np.zeros(lanes)
        for got, bound in zip(results, ruler.bounds(*inputs.arguments, **own), strict=True):
            with np.errstate(all="ignore"):
                used = np.abs(got - bound.value) / bound.error
            used = np.where(np.isfinite(used), used, 0.0).reshape(lanes, -1)
            worst = np.maximum(worst, used.max(axis=1, initial=0.0))
        found.append(worst)
    return np.concatenate(found) if found else np.zeros(0)


def looseness(convention: Convention, ruler: Ruler, stacks: Sequence[Inputs]) -> float:
    """How many times as much it allows, at the median; 1 for what changes the value."""
    if convention.effect == "value":
        return 1.0
    ratios: list[Any] = []
    for inputs in stacks:
        own = ruler.operation.given(inputs.options)
        loose = ruler.declaring(convention.item).bounds(*inputs.arguments, **own)
        for tight, wide in zip(ruler.bounds(*inputs.arguments, **own), loose, strict=True):
            with np.errstate(all="ignore"):
                ratio = wide.error / tight.error
            ratios.append(ratio[np.isfinite(ratio)].ravel())
    every = np.concatenate(ratios) if ratios else np.ones(1)
    return float(np.median(every)) if every.size else 1.0


def declare(convention: Convention, loose: float) -> str:
    """How to declare it, what that means, and what is not seen any more."""
    item = f'{{"{convention.name}": "{convention.value}"}}'
    return f"declare conventions = {item} ({convention.meaning}; {unseen(convention, loose)})"


def unseen(convention: Convention, loose: float) -> str:
    """What declaring it stops seeing, in a few words."""
    if convention.unseen:
        return convention.unseen
    if convention.effect == "value":
        return "results by the clause's own formula are then refused"
    return f"errors of up to about {max(loose, 2):.0f} times what is allowed now then go unseen"


def _own(ruler: Ruler, subject: GuardedSubject, inputs: Inputs) -> dict[str, Any]:
    given = ruler.operation.given(inputs.options)
    return {name: value for name, value in given.items() if name in ruler.operation.options or subject.takes(name)}
