"""The laws of chapters/losses.md: values against the exact ones, structure within the rounding of the loosest
convention. What a target need not take by name is judged where it takes it.
"""

from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array
from numpy.typing import NDArray

from nnlaws.authoring.evidence import Evidence, agree, require
from nnlaws.authoring.law import Law, agree_loosely, laws_of, slack, unless_refused, values
from nnlaws.authoring.logits import any_size, every_size, moderate, wide
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.subject import NotOffered, Subject
from nnlaws.chapters.losses import at_size
from nnlaws.chapters.losses import inputs as cases
from nnlaws.chapters.losses.operations import (
    LABEL_CROSS_ENTROPY,
    LABEL_CROSS_ENTROPY_GRADIENT,
    LABEL_LOSSES,
    LABEL_LOSSES_GRADIENT,
    OF_LABELS,
    SIGMOID_LOSSES,
    SIGMOID_LOSSES_GRADIENT,
)

Labels = NDArray[np.integer[Any]]
UNUSED = -100  # no label of these cases


def value(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """f is what its formula says."""
    return values(f, ruler, *arguments, allow_nan_if_unbounded=True)


def any_size_of_logits(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """So it is where the exponential overflows."""
    return value(f, ruler, *arguments)


def ignored(f: Subject, ruler: Ruler, *arguments: Array, ignore_index: int) -> Evidence:
    """What is ignored has loss and gradient 0, and the mean is over the others."""
    _takes(f, ruler, "ignore_index")
    return values(f, ruler, *arguments, ignore_index=ignore_index, allow_nan_if_unbounded=True)


def weighted(f: Subject, ruler: Ruler, *arguments: Array, weight: tuple[float, ...]) -> Evidence:
    """Each loss has the weight of its class, and the mean is over these weights."""
    _takes(f, ruler, "weight")
    return values(f, ruler, *arguments, weight=weight, allow_nan_if_unbounded=True)


def smoothed(f: Subject, ruler: Ruler, *arguments: Array, label_smoothing: float) -> Evidence:
    """ε of the target is shared among all classes."""
    _takes(f, ruler, "label_smoothing")
    return values(f, ruler, *arguments, label_smoothing=label_smoothing, allow_nan_if_unbounded=True)


def combined(f: Subject, ruler: Ruler, *arguments: Array, **options: Any) -> Evidence:
    """So it is where samples are ignored, classes weighed and labels smoothed together."""
    taken = {name: value for name, value in options.items() if f.takes(name)}
    if len(taken) < 2:
        raise NotOffered(
            f"{ruler.operation.name} does not take two of {', '.join(options)}: there is nothing to combine"
        )
    z, labels, *rest = arguments
    if "ignore_index" not in taken:
        labels = np.where(labels == options["ignore_index"], 0, labels)
    return values(f, ruler, z, labels, *rest, **taken, allow_nan_if_unbounded=True)


def all_ignored(f: Subject, ruler: Ruler, *arguments: Array, ignore_index: int) -> Evidence:
    """A mean of nothing is NaN or 0; and so is its gradient."""
    _takes(f, ruler, "ignore_index")
    got = f(*arguments, ignore_index=ignore_index)
    none = (np.isnan(got) | (got == 0)).reshape(len(got), -1).all(axis=1)
    return require(none, "a number other than 0 came of samples that are all ignored", got)


def no_class(f: Subject, ruler: Ruler, *arguments: Array, right: Labels) -> Evidence:
    """A label that is no class is refused, or its loss is NaN; where something is ignored, that is another number."""
    z, labels, *rest = arguments
    ignoring: dict[str, Any] = {"ignore_index": UNUSED} if f.takes("ignore_index") else {}

    def seen() -> Evidence:
        got = f(*arguments, **ignoring)
        wrong = (labels != right) if got.ndim == labels.ndim else np.ones(got.shape, dtype=bool)
        undefined = (np.isnan(got) | ~wrong).reshape(len(got), -1).all(axis=1)
        return require(undefined, "a number came of a label that is no class", got)

    return unless_refused(seen, lambda: f(z, right, *rest, **ignoring))


def rows_alone(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """Row i of f is f of sample i alone."""
    got = f(*arguments)
    samples = range(arguments[0].shape[1])
    rows = [tuple(np.ascontiguousarray(x[:, i : i + 1]) for x in arguments) for i in samples]
    alone = np.concatenate([f(*row) for row in rows], axis=1)
    return agree_loosely(ruler, got, alone, "the sample by itself", *arguments)


def shift_invariance(f: Subject, ruler: Ruler, z: Array, *rest: Array, c: Array) -> Evidence:
    """f(z + c) = f(z), where z + c is exact."""
    got, other = f(z + c, *rest), f(z, *rest)
    bound, another = ruler.loose(z + c, *rest), ruler.loose(z, *rest)
    allowed = slack(got, bound, ruler.format) + slack(other, another, ruler.format)
    return agree(got, other, allowed, ruler.format, "the result without the constant")


def gradient_rows_sum_to_zero(f: Subject, ruler: Ruler, *arguments: Array) -> Evidence:
    """Σ_k ∂L/∂z_ik = 0."""
    g = f(*arguments)
    allowed = slack(g, ruler.loose(*arguments), ruler.format).sum(axis=-1)
    allowed = allowed + g.shape[-1] * 2.0**-53 * np.abs(g).sum(axis=-1)
    return agree(g.sum(axis=-1), np.zeros(g.shape[:-1]), allowed, ruler.format, "0, the sum of a row of the gradient")


def _takes(f: Subject, ruler: Ruler, keyword: str) -> None:
    if not f.takes(keyword):
        raise NotOffered(f"{ruler.operation.name} does not take {keyword}: what it does with it is not judged")


SHARES = {"value": 1.0, "structure": 1.0}
VALUES = {
    LABEL_LOSSES: ("LO-1", "the loss of a sample is −log of the probability of its class"),
    LABEL_LOSSES_GRADIENT: ("LO-3", "the gradient is softmax minus target, times what comes from above"),
    LABEL_CROSS_ENTROPY: ("LO-2", "J is the mean of the losses"),
    LABEL_CROSS_ENTROPY_GRADIENT: ("LO-3", "the gradient is softmax minus target, over m"),
    SIGMOID_LOSSES: ("LO-13", "the loss is −y log σ(z) − (1 − y) log(1 − σ(z))"),
    SIGMOID_LOSSES_GRADIENT: ("LO-14", "the gradient is sigmoid minus target, times what comes from above"),
}


def _laws() -> list[Law]:
    found: list[Law] = []
    for operation, (clause, statement) in VALUES.items():
        make = laws_of(operation, cases.inputs(operation), moderate, SHARES)
        extreme, _ = cases.extreme(operation)
        every: Any = {"cases": any_size, "boundary": every_size}
        found += [
            make(clause, value, statement, kind="value", boundary=wide),
            make("LO-12", any_size_of_logits, "the result is right for every finite logit", extreme, **every),
        ]
        if not operation.name.startswith("label_cross_entropy"):
            found.append(make("LO-9", rows_alone, "a row of the result depends on its sample alone", m=(2, 4)))
        if operation in OF_LABELS:
            found += _of_labels(operation)
    return found


def _of_labels(operation: Operation) -> list[Law]:
    make = laws_of(operation, cases.inputs(operation), moderate, SHARES)
    kept: Any = {"kind": "value", "boundary": wide, "share": 0.5}
    found = [
        make(
            "LO-10",
            shift_invariance,
            "adding one constant to a sample's logits changes nothing",
            cases.shifted(operation),
        ),
        make("LO-4", ignored, "what is ignored neither costs nor counts", cases.ignoring(operation), **kept),
        make("LO-6", weighted, "a loss has the weight of its class", cases.weighed(operation), **kept),
        make("LO-7", smoothed, "smoothing shares ε among all classes", cases.smooth(operation), **kept),
        make("LO-7", combined, "so it is with weights, and with what is ignored", cases.combined(operation), **kept),
    ]
    if operation.scalar or operation is LABEL_CROSS_ENTROPY_GRADIENT:
        nothing = "the mean of samples that are all ignored is NaN or 0"
        found.append(make("LO-5", all_ignored, nothing, cases.all_ignored(operation), share=0.2))
    if operation in (LABEL_LOSSES, LABEL_CROSS_ENTROPY):
        refused = "a label that is no class is refused, or gives NaN"
        found.append(make("LO-8", no_class, refused, cases.out_of_range(operation), share=0.2))
    if operation in (LABEL_LOSSES_GRADIENT, LABEL_CROSS_ENTROPY_GRADIENT):
        found.append(make("LO-11", gradient_rows_sum_to_zero, "rows of the gradient sum to 0"))
    return found


LAWS: tuple[Law, ...] = (*_laws(), *at_size.LAWS)
