"""The operations of batch norm."""

from functools import partial
from typing import Protocol

import nnlaws_reference
from nnlaws_reference.dtypes import Array
from nnlaws_spec import chapter
from nnlaws_spec.formulas import batch_norm as formulas

from nnlaws.authoring.convention import NARROW, named
from nnlaws.authoring.operation import Operation
from nnlaws.chapters.batch_norm import bounds


class BatchNormTrain(Protocol):
    """z: a mini-batch (m, n); gamma, beta: (n,); eps ≥ 0.

    Returns out = γ (z − μ)/√(σ² + ε) + β (m, n), and the mean μ and biased variance σ² (n,) of each feature over the
    mini-batch, as they go into the running averages (BN-1 to BN-4).
    """

    def __call__(self, z: Array, gamma: Array, beta: Array, /, *, eps: float) -> tuple[Array, Array, Array]: ...


class BatchNormBackward(Protocol):
    """dout: the gradient with respect to the result of batch_norm_train (m, n); z: (m, n); gamma: (n,); eps ≥ 0.

    Returns the gradients dz (m, n), dgamma (n,) and dbeta (n,) (BN-13 to BN-15).
    """

    def __call__(self, dout: Array, z: Array, gamma: Array, /, *, eps: float) -> tuple[Array, Array, Array]: ...


class BatchNormRunning(Protocol):
    """batches: T mini-batches (T, m, n); decay in [0, 1]: the weight of the old average.

    Returns the running mean and variance (n,) after the last, from mean 0 and variance 1 (BN-18, BN-19).
    """

    def __call__(self, batches: Array, /, *, decay: float) -> tuple[Array, Array]: ...


class BatchNormInference(Protocol):
    """z: samples (m, n); gamma, beta, mean, var: (n,); eps ≥ 0.

    Returns γ (z − mean)/√(var + ε) + β (m, n), with the averages kept from training (BN-21).
    """

    def __call__(self, z: Array, gamma: Array, beta: Array, mean: Array, var: Array, /, *, eps: float) -> Array: ...


TEXT = chapter("batch_norm")
_VARIANCE = (
    named(TEXT, "variance", "two_pass", "tighter bound", default="updating"),
    named(
        TEXT,
        "variance",
        "one_pass",
        "weaker bound",
        default="updating",
        unseen="an error that grows with μ²/σ² then goes unseen, where a mean is large any variance",
    ),
)
_UNBIASED = named(TEXT, "running_variance", "unbiased")
_OUTSIDE = named(TEXT, "epsilon", "outside")
_NARROW = named(TEXT, "arithmetic", "narrow", "weaker bound", dtypes=NARROW)
_NEW = named(TEXT, "weight", "new")
_AVERAGES = tuple(named(TEXT, "running_average", kind) for kind in ("first_batch", "bias_corrected", "cumulative"))
_operation = partial(
    Operation, formulas=formulas, reference_module=nnlaws_reference, bounds=bounds, apart="n", proportional=True
)

BATCH_NORM_TRAIN = _operation(
    "batch_norm_train",
    "z(m,n), gamma(n), beta(n), *, eps -> out(m,n), mean(n), var(n)",
    BatchNormTrain,
    conventions=(*_VARIANCE, _UNBIASED, _OUTSIDE, _NARROW),
    clauses={"out": "BN-4", "mean": "BN-1", "var": "BN-2"},
)
BATCH_NORM_BACKWARD = _operation(
    "batch_norm_backward",
    "dout(m,n), z(m,n), gamma(n), *, eps -> dz(m,n), dgamma(n), dbeta(n)",
    BatchNormBackward,
    conventions=(*_VARIANCE, _OUTSIDE, _NARROW),
    clauses={"dz": "BN-13", "dgamma": "BN-14", "dbeta": "BN-15"},
)
BATCH_NORM_RUNNING = _operation(
    "batch_norm_running",
    "batches(T,m,n), *, decay -> mean(n), var(n)",
    BatchNormRunning,
    conventions=(*_VARIANCE, _UNBIASED, _NARROW, _NEW, *_AVERAGES),
    clauses={"mean": "BN-18", "var": "BN-19"},
)
BATCH_NORM_INFERENCE = _operation(
    "batch_norm_inference",
    "z(m,n), gamma(n), beta(n), mean(n), var(n), *, eps -> out(m,n)",
    BatchNormInference,
    conventions=(_OUTSIDE, _NARROW),
)

OPERATIONS = (BATCH_NORM_TRAIN, BATCH_NORM_BACKWARD, BATCH_NORM_RUNNING, BATCH_NORM_INFERENCE)
