"""The operations of batch norm."""

from typing import Protocol

from nnlaws_reference.dtypes import Array

from nnlaws.operations.operation import Operation


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


_BY_STATISTICS = ("arithmetic", "variance")

OPERATIONS = (
    Operation(
        "batch_norm_train",
        "batch_norm",
        "z(m,n), gamma(n), beta(n), *, eps -> out(m,n), mean(n), var(n)",
        BatchNormTrain,
        conventions=("epsilon", "running_variance"),
        grades=_BY_STATISTICS,
    ),
    Operation(
        "batch_norm_backward",
        "batch_norm",
        "dout(m,n), z(m,n), gamma(n), *, eps -> dz(m,n), dgamma(n), dbeta(n)",
        BatchNormBackward,
        conventions=("epsilon",),
        grades=_BY_STATISTICS,
    ),
    Operation(
        "batch_norm_running",
        "batch_norm",
        "batches(T,m,n), *, decay -> mean(n), var(n)",
        BatchNormRunning,
        conventions=("running_average", "running_variance", "weight"),
        grades=_BY_STATISTICS,
    ),
    Operation(
        "batch_norm_inference",
        "batch_norm",
        "z(m,n), gamma(n), beta(n), mean(n), var(n), *, eps -> out(m,n)",
        BatchNormInference,
        conventions=("epsilon",),
    ),
)
