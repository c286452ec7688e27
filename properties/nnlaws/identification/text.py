"""An identification for people: what fits, what tells it from its neighbours, and the declaration to paste."""

import json
from math import isfinite

from nnlaws.identification.elimination import Identification, Identified, Trial
from nnlaws.report import printable
from nnlaws.reports.terminal import argument


def text(found: Identification) -> str:
    """The whole identification as plain text."""
    foreign = [f"chapters of other packages: {', '.join(found.plugins)}"] if found.plugins else []
    head = [f"{found.target}: {found.description}", *foreign, *found.left_out]
    blocks = [*head, *(_operation(each) for each in found.found), _summary(found)]
    return printable("\n\n".join(blocks)) + "\n"


def _operation(found: Identified) -> str:
    head = f"{found.operation}  {found.dtype}"
    if found.refused:
        return f"{head}\n  could not be tried: {found.refused}"
    if not found.fitting:
        none = f"  none of the {len(found.trials)} combinations of conventions fits"
        return "\n".join([head, none, *_nearest(found)])
    lines = [head] + [f"  fits: {trial}" + _on(found) for trial in found.fitting]
    near = [trial for trial in found.trials if not trial.fits and _differ(trial, found.fitting[0]) == 1]
    for trial in near:
        lines += _eliminated(trial)
    others = len(found.trials) - len(found.fitting) - len(near)
    if others:
        lines.append(f"  and {others} more, which differ in several, {'is' if others == 1 else 'are'} eliminated too")
    return "\n".join(lines)


def _nearest(found: Identified) -> list[str]:
    """The combination that comes nearest, and what breaks it: clause, operation, dtype, and by how much."""
    trial = found.nearest
    broken = trial.broken
    if broken is None:
        return []
    worst = broken.worst
    much = f", by {worst:.3g} times what is allowed" if worst is not None and isfinite(worst) else ""
    words = f"  nearest: {trial}, which breaks {broken.clause} ({broken.law}, {broken.dtype}){much}"
    return [words, *_eliminated(trial)[1:], f"  for the cause: nnlaws check --law {broken.law}, with that declared"]


def _on(found: Identified) -> str:
    return f"  ({found.arrays:,} arrays)"


def _differ(one: Trial, other: Trial) -> int:
    """In how many conventions."""
    names = one.conventions.keys() | other.conventions.keys()
    return sum(one.conventions.get(name) != other.conventions.get(name) for name in names)


def _eliminated(trial: Trial) -> list[str]:
    broken = trial.broken
    if broken is None or broken.violation is None:
        return [f"  not: {trial}  ({broken.reason if broken else ''})"]
    seen = broken.violation
    inputs = "; ".join(argument(each) for each in seen.example)
    where = f" at {seen.place}" if seen.place else ""
    return [
        f"  not: {trial}  ({broken.clause})",
        f"       {inputs}",
        f"       gives {seen.got}{where}; by that it would be {seen.want}" if seen.got else f"       {seen.reason}",
    ]


def _summary(found: Identification) -> str:
    ambiguous = [f"{each.operation} {each.dtype}" for each in found.found if len(each.fitting) > 1]
    unknown = [f"{each.operation} {each.dtype}" for each in found.found if not each.fitting]
    declaration = found.declaration
    lines: list[str] = []
    if declaration:
        lines += ["declare in the implementation:", "", f"    conventions = {json.dumps(declaration)}"]
    elif not unknown:
        lines.append("nothing to declare: it does as the notes do")
    if ambiguous:
        lines.append(f"several combinations fit {', '.join(ambiguous)}: the first is declared")
    if found.torn:
        lines.append(f"{', '.join(found.torn)}: another convention in another dtype, which no declaration can say")
    if unknown:
        lines.append(f"no combination fits {', '.join(unknown)}")
    return "\n".join(lines)
