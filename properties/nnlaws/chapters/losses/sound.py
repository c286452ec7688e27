"""Right ways to compute losses of class numbers, of sigmoids, and their gradients, as libraries have them."""

import numpy as np
from nnlaws_reference.dtypes import Array
from scipy import special

from nnlaws.authoring.mutant import narrow_type, stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

Weight = tuple[float, ...] | None


def _below(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True)


def _logs(z: Array) -> Array:
    below = _below(z)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def _picked(x: Array, labels: Array) -> Array:
    """x of each label; of no class, of class 0."""
    return np.take_along_axis(x, np.clip(labels, 0, x.shape[1] - 1)[:, None], axis=1)[:, 0]


def _kept(labels: Array, ignore_index: int | None, classes: int) -> Array:
    """Which samples count. Raises ValueError for a label that is no class."""
    kept = labels != ignore_index
    if ((labels[kept] < 0) | (labels[kept] >= classes)).any():
        raise ValueError("a label is no class")
    return np.asarray(kept)


def _in_two_parts(
    z: Array, labels: Array, ignore_index: int | None, label_smoothing: float, weight: Weight
) -> tuple[Array, Array]:
    """(1 − ε) w (−l) of the label and ε/C Σ w (−l), and by which weight it counts; as PyTorch computes it."""
    logs, kept = _logs(z), _kept(labels, ignore_index, z.shape[1])
    w = np.ones(z.shape[1], z.dtype) if weight is None else np.asarray(weight, z.dtype)
    own = np.where(kept, w[np.clip(labels, 0, z.shape[1] - 1)], 0)
    hard = -own * _picked(logs, labels) if weight is not None else np.where(kept, -_picked(logs, labels), 0)
    with np.errstate(invalid="ignore"):
        hard = np.where(own > 0, hard, 0)
        if not label_smoothing:
            return hard, own
        weighed = np.where(w > 0, w * logs, 0).sum(axis=1)
        soft = np.where(kept, -weighed, 0) * z.dtype.type(label_smoothing / z.shape[1])
        return np.where(hard > 0, z.dtype.type(1 - label_smoothing) * hard, 0) + soft, own


@sound("label_losses")
@stored
def in_two_parts(
    z: Array,
    labels: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """(1 − ε) of the label's loss and ε/C of the sum of all classes' (PyTorch)."""
    return _in_two_parts(z, labels, ignore_index, label_smoothing, weight)[0]


@sound("label_losses")
@stored
def log_of_the_sum_less_the_logit(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    """log Σ e^{z − max} − (z − max) of the class (TensorFlow, Optax, ONNX Runtime)."""
    below, kept = _below(z), _kept(labels, ignore_index, z.shape[1])
    return np.where(kept, np.log(np.exp(below).sum(axis=1)) - _picked(below, labels), 0)


@sound("label_losses")
@in_float64
def samples_in_float64(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    """All in float64, rounded once."""
    return np.where(_kept(labels, ignore_index, z.shape[1]), -_picked(_logs(z), labels), 0)


@sound("label_losses", normalisation="lse")
@stored
def from_lse(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    """LSE − z of the class (Liger, Megatron)."""
    lse = z.max(axis=1) + np.log(np.exp(_below(z)).sum(axis=1))
    return np.where(_kept(labels, ignore_index, z.shape[1]), lse - _picked(z, labels), 0)


@sound("label_losses", smoothing="others")
@stored
def shared_among_the_others(z: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
    """1 − ε for the label and ε/(C − 1) for each other class (fairseq)."""
    _kept(labels, None, z.shape[1])
    hot = labels[:, None] == np.arange(z.shape[1])
    t = np.where(hot, 1 - label_smoothing, label_smoothing / max(z.shape[1] - 1, 1)).astype(z.dtype)
    with np.errstate(invalid="ignore"):
        return -np.where(t > 0, t * _logs(z), 0).sum(axis=1)


@sound("label_losses")
@stored
def no_class_is_nan(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    """A label that is no class gives NaN (PyTorch and TensorFlow on a GPU)."""
    missing = (labels != ignore_index) & ((labels < 0) | (labels >= z.shape[1]))
    found = np.where(labels == ignore_index, 0, -_picked(_logs(z), labels))
    return np.where(missing, np.nan, found)


@sound("label_cross_entropy")
@stored
def mean_in_two_parts(
    z: Array,
    labels: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """The sum of the losses over that of the weights (PyTorch)."""
    each, own = _in_two_parts(z, labels, ignore_index, label_smoothing, weight)
    return np.asarray(each.sum() / own.sum())


@sound("label_cross_entropy")
@stored
def mean_of_shares(z: Array, labels: Array, *, ignore_index: int | None = None, weight: Weight = None) -> Array:
    """Each loss times the reciprocal of what counts, one after another, as kernels add them."""
    each, own = _in_two_parts(z, labels, ignore_index, 0.0, weight)
    return np.add.accumulate(each * (1 / own.sum()))[-1]


@sound("label_cross_entropy")
@stored
def mean_of_those_that_count(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    """The rows that count are chosen first; a mean of none is 0 (Keras)."""
    kept = _kept(labels, ignore_index, z.shape[1])
    each = -_picked(_logs(z[kept]), labels[kept])
    return np.asarray(each.mean() if kept.any() else 0.0)


@sound("label_cross_entropy", mean_over="samples")
@stored
def mean_over_samples(z: Array, labels: Array, *, ignore_index: int | None = None, weight: Weight = None) -> Array:
    return np.asarray(_in_two_parts(z, labels, ignore_index, 0.0, weight)[0].mean())


@sound("label_cross_entropy", reduction="sum")
@stored
def sum_over_samples(z: Array, labels: Array, *, ignore_index: int | None = None, weight: Weight = None) -> Array:
    return np.asarray(_in_two_parts(z, labels, ignore_index, 0.0, weight)[0].sum())


@sound("label_cross_entropy")
@in_float64
def mean_in_float64(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    kept = _kept(labels, ignore_index, z.shape[1])
    return np.asarray(np.where(kept, -_picked(_logs(z), labels), 0).sum() / kept.sum())


def _chain(z: Array, dl: Array) -> Array:
    """dl − softmax Σ dl: the chain rule through log-softmax."""
    return dl - np.exp(_logs(z)) * dl.sum(axis=1, keepdims=True)


def _slopes(
    z: Array, labels: Array, ignore_index: int | None, label_smoothing: float, weight: Weight, share: Array
) -> Array:
    """The gradient with respect to log-softmax, times a share of each sample."""
    kept, classes = _kept(labels, ignore_index, z.shape[1]), z.shape[1]
    w = np.ones(classes, z.dtype) if weight is None else np.asarray(weight, z.dtype)
    dl = np.zeros_like(z)
    if label_smoothing:
        dl -= w * (share * kept * z.dtype.type(label_smoothing / classes))[:, None]
    rows = np.flatnonzero(kept)
    dl[rows, labels[rows]] -= w[labels[rows]] * (share[rows] * z.dtype.type(1 - label_smoothing))
    return dl


@sound("label_losses_gradient")
@stored
def by_the_chain_rule(
    z: Array,
    labels: Array,
    upstream: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """Through log-softmax, as automatic derivatives go (PyTorch)."""
    return _chain(z, _slopes(z, labels, ignore_index, label_smoothing, weight, upstream))


@sound("label_losses_gradient")
@stored
def in_one_kernel(z: Array, labels: Array, upstream: Array, *, ignore_index: int | None = None) -> Array:
    """(e/Σ − 1 at the class) times what comes from above, 0 for what is ignored (TensorFlow)."""
    kept = _kept(labels, ignore_index, z.shape[1])
    e = np.exp(_below(z))
    a = e / e.sum(axis=1, keepdims=True)
    a[np.arange(len(z)), np.clip(labels, 0, z.shape[1] - 1)] -= 1
    return np.where(kept[:, None], a * upstream[:, None], 0)


@sound("label_cross_entropy_gradient")
@stored
def mean_by_the_chain_rule(
    z: Array,
    labels: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    weight: Weight = None,
) -> Array:
    """Through log-softmax; where all are ignored 0/0, NaN."""
    kept = _kept(labels, ignore_index, z.shape[1])
    own = np.ones(len(z)) if weight is None else np.asarray(weight)[np.clip(labels, 0, z.shape[1] - 1)]
    with np.errstate(all="ignore"):
        share = np.full(len(z), 1 / np.float64((own * kept).sum()), z.dtype)
        return _chain(z, _slopes(z, labels, ignore_index, label_smoothing, weight, share))


@sound("label_cross_entropy_gradient", normalisation="lse")
@stored
def of_lse_in_one_kernel(z: Array, labels: Array, *, ignore_index: int | None = None) -> Array:
    """e^{z − LSE}, 1 taken from that of the class, times 1/n (Liger)."""
    kept = _kept(labels, ignore_index, z.shape[1])
    lse = z.max(axis=1, keepdims=True) + np.log(np.exp(_below(z)).sum(axis=1, keepdims=True))
    a = np.exp(z - lse)
    a[np.arange(len(z)), np.clip(labels, 0, z.shape[1] - 1)] -= 1
    return np.where(kept[:, None], a * z.dtype.type(1 / max(kept.sum(), 1)), 0)


@sound("sigmoid_losses")
@stored
def largest_and_rest(z: Array, y: Array) -> Array:
    """max(z, 0) − z y + log(1 + e^−|z|) (TensorFlow)."""
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


@sound("sigmoid_losses")
@stored
def by_logarithms_of_sigmoids(z: Array, y: Array) -> Array:
    """−y log σ(z) − (1 − y) log σ(−z) (Optax)."""
    return -y * special.log_expit(z) - (1 - y) * special.log_expit(-z)


@sound("sigmoid_losses", sigmoid_form="cancelling")
@stored
def linear_less_logarithm(z: Array, y: Array) -> Array:
    """(1 − y) z − log σ(z), log σ(z) = min(z, 0) − log(1 + e^−|z|) (PyTorch)."""
    return (1 - y) * z - (np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))))


@sound("sigmoid_losses", arithmetic="narrow")
def narrow_losses(z: Array, y: Array) -> Array:
    """Each step rounded to the narrow type."""
    narrow = narrow_type(z.dtype)
    if narrow != z.dtype:
        return largest_and_rest.function(z, y)
    rest = np.log1p(np.exp(-np.abs(z)).astype(narrow)).astype(narrow)
    return ((np.maximum(z, 0) - (z * y).astype(narrow)).astype(narrow) + rest).astype(narrow)


@sound("sigmoid_losses_gradient")
@stored
def sigmoid_less_target(z: Array, y: Array, upstream: Array) -> Array:
    """(1/(1 + e^−z) − y) g."""
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-z)) - y) * upstream


@sound("sigmoid_losses_gradient")
@stored
def both_sigmoids(z: Array, y: Array, upstream: Array) -> Array:
    """((1 − y) σ(z) − y σ(−z)) g, the automatic derivative of both logarithms (Optax)."""
    return ((1 - y) * special.expit(z) - y * special.expit(-z)) * upstream


@sound("sigmoid_losses_gradient", sigmoid_form="cancelling")
@stored
def by_the_tangent(z: Array, y: Array, upstream: Array) -> Array:
    """(½ + ½ tanh(z/2) − y) g, as XLA has computed it."""
    half = z.dtype.type(0.5)
    return (half + half * np.tanh(half * z) - y) * upstream


@sound("sigmoid_losses_gradient", sigmoid_form="cancelling")
@stored
def derivative_of_the_logarithm(z: Array, y: Array, upstream: Array) -> Array:
    """((1 − y) e^(z − log(1 + e^z)) − y e^(−z − log(1 + e^−z))) g, by the derivative of log(1 + e^z) in JAX."""
    rest = np.log1p(np.exp(-np.abs(z)))
    one, none = np.exp(z - (np.maximum(z, 0) + rest)), np.exp(-z - (np.maximum(-z, 0) + rest))
    return ((1 - y) * one - y * none) * upstream


SOUND: tuple[SoundVariant, ...] = tuple(each for each in list(globals().values()) if isinstance(each, SoundVariant))
