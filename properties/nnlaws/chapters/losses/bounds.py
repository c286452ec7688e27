"""How far rounding may carry losses of class numbers and of sigmoids, and their gradients.

Each function takes bounded arguments and joins the sound algorithms for one operation; labels are whole numbers, as
they are. `conventions` may hold those of `nnlaws.rounding.softmax`, and `sigmoid_form: cancelling` (LO-13): each admits
more.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from nnlaws.rounding.number import Bounded, join
from nnlaws.rounding.softmax import BY_LSE, log_probabilities, probabilities, rows, where_out_of_range, working

Conventions = Mapping[str, str]
Labels = NDArray[np.integer[Any]]
Weight = tuple[float, ...] | None
SHARED = 5.0  # roundings of a smoothed target and its weight
ROUNDED = 2.0  # of ε itself, and of 1 less it


def label_losses(
    z: Bounded,
    labels: Labels,
    *,
    conventions: Conventions,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Bounded:
    wide = working(z, conventions)
    targets = _targets(wide, labels, conventions, ignore_index, label_smoothing, weight)
    return _losses(wide, targets, conventions).astype(z.dtype)


def label_losses_gradient(
    z: Bounded,
    labels: Labels,
    upstream: Bounded,
    *,
    conventions: Conventions,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Bounded:
    wide = working(z, conventions)
    targets = _targets(wide, labels, conventions, ignore_index, label_smoothing, weight)
    return _gradient(wide, targets, working(upstream, conventions), weight is None, conventions).astype(z.dtype)


def label_cross_entropy(
    z: Bounded,
    labels: Labels,
    *,
    conventions: Conventions,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Bounded:
    """The losses' sum over what counts, or times its reciprocal, or each loss so; of classes and samples at once too.

    In narrow arithmetic nothing is promised where what counts, or the sum, may pass half of the range.
    """
    wide = working(z, conventions)
    targets = _targets(wide, labels, conventions, ignore_index, label_smoothing, weight)
    losses = _losses(wide, targets, conventions)
    total = losses.sum(axis=-1)
    counted = _counted(wide, labels, conventions, ignore_index, weight)
    if counted is None:
        routes = [total]
    else:
        share = 1.0 / counted
        routes = [total / counted, total * share, (losses * share[..., None]).sum(axis=-1)]
    if conventions.get("normalisation") not in BY_LSE:
        every = -_terms(wide, targets, conventions).sum(axis=(-2, -1))
        routes.append(every if counted is None else every * (1.0 / counted))
    if conventions.get("arithmetic") == "narrow":
        summed = np.abs(losses.value).sum(axis=-1) + losses.error.sum(axis=-1)
        most = summed if counted is None else np.maximum(summed, counted.value)
        routes.append(total.loosened(where_out_of_range(most, z)))
    return join(routes[0], *routes).astype(z.dtype)


def label_cross_entropy_gradient(
    z: Bounded,
    labels: Labels,
    *,
    conventions: Conventions,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Bounded:
    wide = working(z, conventions)
    targets = _targets(wide, labels, conventions, ignore_index, label_smoothing, weight)
    counted = _counted(wide, labels, conventions, ignore_index, weight)
    none = Bounded(np.zeros(labels.shape), np.zeros(labels.shape), wide.format)
    if counted is None:
        upstream = none + 1.0
    else:
        upstream = none + (1.0 / counted)[..., None]
        if conventions.get("arithmetic") == "narrow":
            upstream = upstream.loosened(where_out_of_range(counted.value, z)[..., None])
    return _gradient(wide, targets, upstream, weight is None, conventions).astype(z.dtype)


def sigmoid_losses(z: Bounded, y: Bounded, *, conventions: Conventions) -> Bounded:
    """max(z, 0) − z y + log(1 + e^{−|z|}), whose first two may be one product, (1 − y) z or −y z; and −y log σ(z) −
    (1 − y) log σ(−z). Declared cancelling also (1 − y) z − log σ(z), with log σ(z) = min(z, 0) − log(1 + e^{−|z|}).
    """
    wide, targets = working(z, conventions), working(y, conventions)
    below: Any = wide * (wide.value < 0)
    above: Any = wide * (wide.value > 0)
    rest: Any = np.log1p(np.exp(-np.abs(wide)))
    product = np.where(wide.value > 0, (1.0 - targets) * wide, -(targets * wide))
    by_sigmoids = -(targets * special.log_expit(wide)) - (1.0 - targets) * special.log_expit(-wide)
    routes = [above - wide * targets + rest, product + rest, by_sigmoids]
    if conventions.get("sigmoid_form") == "cancelling":
        routes.append((1.0 - targets) * wide - (below - rest))
    return join(*routes).astype(z.dtype)


def sigmoid_losses_gradient(z: Bounded, y: Bounded, upstream: Bounded, *, conventions: Conventions) -> Bounded:
    """g (σ(z) − y), σ(z) as 1 − σ(−z) where z is above 0 too, with 1 − y at once; and g ((1 − y) σ(z) − y σ(−z)).

    Declared cancelling also where z is below 0, and as ½ + ½ tanh(z/2), which errs by some u more; and σ(z) as
    e^(z − log(1 + e^z)) or e^(−log(1 + e^−z)), and σ(−z) alike, as derivatives of log(1 + e^z) are.
    """
    wide, targets, g = (working(x, conventions) for x in (z, y, upstream))
    sigmoid: Any = special.expit(wide)
    other: Any = special.expit(-wide)
    above = np.where(wide.value > 0, (1.0 - targets) - other, sigmoid - targets)
    routes = [(sigmoid - targets) * g, above * g, ((1.0 - targets) * sigmoid - targets * other) * g]
    if conventions.get("sigmoid_form") == "cancelling":
        routes.append(((sigmoid - targets).loosened(np.full(z.shape, 4 * wide.format.u))) * g)
        rest: Any = np.log1p(np.exp(-np.abs(wide)))
        both, opposite = wide * (wide.value > 0) + rest, rest - wide * (wide.value < 0)
        one, none = np.exp(wide - both), np.exp(-wide - opposite)
        routes += [(one - targets) * g, ((1.0 - targets) * one - targets * none) * g]
        routes.append(((1.0 - targets) * np.exp(-opposite) - targets * np.exp(-both)) * g)
    return join(*routes).astype(z.dtype)


def _targets(
    z: Bounded,
    labels: Labels,
    conventions: Conventions,
    ignore_index: int | None,
    label_smoothing: float,
    weight: Weight,
) -> Bounded:
    """w_k t_ik: smoothed, each is ε/C, with 1 − ε at the label, times the weight: five roundings, in whatever order,
    and of ε two more where it is rounded before it is taken from 1.
    """
    classes, u = z.shape[-1], z.format.u
    w = np.ones(classes) if weight is None else np.asarray(weight, np.float64)
    hot = labels[..., None] == np.arange(classes)
    if conventions.get("smoothing") == "others":
        t = np.where(hot, 1 - label_smoothing, label_smoothing / max(classes - 1, 1))
    else:
        t = (1 - label_smoothing) * hot + label_smoothing / classes
    value = np.where((labels == ignore_index)[..., None], 0.0, w * t)
    error = u * (SHARED * value + ROUNDED * label_smoothing * w * (hot & (value > 0))) if label_smoothing else 0 * value
    return Bounded(value, error, z.format, nonnegative=True)


def _terms(z: Bounded, targets: Bounded, conventions: Conventions) -> Any:
    return np.where(targets.value > 0, targets * log_probabilities(z, conventions), 0.0)


def _losses(z: Bounded, targets: Bounded, conventions: Conventions) -> Bounded:
    """−Σ t l over the classes; log s − Σ t (z − max) errs by no more. Where LSE is declared also Σ t · LSE − Σ t z."""
    routes = [-_terms(z, targets, conventions).sum(axis=-1)]
    if conventions.get("normalisation") in BY_LSE:
        row = rows(z, conventions)
        weighed = row.log_sum_exp * targets.sum(axis=-1, keepdims=True)
        routes.append((weighed - (targets * z).sum(axis=-1, keepdims=True))[..., 0])
    return join(*routes)


def _counted(
    z: Bounded, labels: Labels, conventions: Conventions, ignore_index: int | None, weight: Weight
) -> Bounded | None:
    """What the sum of the losses is divided by; None where it is not."""
    if conventions.get("reduction") == "sum":
        return None
    if conventions.get("mean_over") == "samples":
        found = np.full(labels.shape[:-1], float(labels.shape[-1]))
        return Bounded(found, np.zeros(found.shape), z.format)
    w = np.ones(z.shape[-1]) if weight is None else np.asarray(weight, np.float64)
    own = (w * (labels[..., None] == np.arange(z.shape[-1]))).sum(axis=-1)
    value = np.where(labels == ignore_index, 0.0, own)
    return Bounded(value, np.zeros(value.shape), z.format, nonnegative=True).sum(axis=-1)


@np.errstate(invalid="ignore")  # 0 times what nothing is promised of
def _gradient(z: Bounded, targets: Bounded, upstream: Bounded, unweighted: bool, conventions: Conventions) -> Bounded:
    """g (ŷ Σ t − t) at once, where without weights Σ t is 1; or the chain rule through log-softmax, with dl = −g t:
    dl − ŷ Σ dl, also as a product with the Jacobian, whose terms of targets that are 0 are exactly 0.
    """
    a, g = probabilities(z, conventions), upstream[..., None]
    there = targets.value.sum(axis=-1, keepdims=True) > 0
    at_once = (a if unweighted else a * targets.sum(axis=-1, keepdims=True)) - targets
    dl = -(targets * g)
    total = dl.sum(axis=-1, keepdims=True)
    terms = np.abs(dl.value) + (a.value + a.error) * np.abs(total.value)
    count = np.minimum(np.count_nonzero(targets.largest, axis=-1, keepdims=True) + 1, z.shape[-1])
    chain = (dl - a * total).loosened(count * z.format.u * terms)
    found = join(at_once * g, chain)
    return Bounded(np.where(there, found.value, 0.0), np.where(there, found.error, 0.0), found.format)
