"""Right ways through a layer with batch norm: with b or without, folded or not, in one pass or two, in any order."""

import numpy as np
from nnlaws_reference.dtypes import Array, working_dtype

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound

Pair = tuple[Array, Array]
Five = tuple[Array, Array, Array, Array, Array]


def _linear(x: Array, W: Array, b: Array) -> Array:
    if not len(x):
        raise ValueError("no samples")
    return x @ W.T + b


def _two_pass(z: Array) -> Pair:
    mean = z.sum(axis=0) / len(z)
    return mean, ((z - mean) ** 2).sum(axis=0) / len(z)


def _welford(z: Array) -> Pair:
    mean, squares = np.zeros_like(z[0]), np.zeros_like(z[0])
    for k, sample in enumerate(z, 1):
        deviation = sample - mean
        mean = mean + deviation / k
        squares = squares + deviation * (sample - mean)
    return mean, squares / len(z)


def _youngs_cramer(z: Array) -> Pair:
    """By running totals: S += (k x − T)²/(k (k − 1))."""
    total, squares = z[0].copy(), np.zeros_like(z[0])
    for k, sample in enumerate(z[1:], 2):
        total = total + sample
        squares = squares + (k * sample - total) ** 2 / (k * (k - 1))
    return total / len(z), squares / len(z)


def _one_pass(z: Array) -> Pair:
    mean = z.sum(axis=0) / len(z)
    return mean, np.maximum((z * z).sum(axis=0) / len(z) - mean * mean, 0)


def _shifted_by_the_last(z: Array) -> Pair:
    """One pass over values less the last sample."""
    mean, var = _one_pass(z - z[-1])
    return z[-1] + mean, var


def _normalised(z: Array, gamma: Array, beta: Array, statistics: Pair, eps: float) -> Array:
    mean, var = statistics
    return gamma * ((z - mean) / np.sqrt(var + eps)) + beta


@sound("batch_norm_layer")
@stored
def two_layers(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = _linear(x, W, b)
    return _normalised(z, gamma, beta, _two_pass(z), eps)


@sound("batch_norm_layer")
@stored
def without_bias(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """b is left out, as the notes say."""
    z = _linear(x, W, 0 * b)
    return _normalised(z, gamma, beta, _welford(z), eps)


@sound("batch_norm_layer")
@stored
def bias_among_the_weights(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """b is the weight of an input that is 1; sums go from the last input to the first."""
    ones = np.ones((len(x), 1), x.dtype)
    z = _linear(np.hstack([ones, x])[:, ::-1], np.hstack([b[:, None], W])[:, ::-1], 0 * b)
    return _normalised(z, gamma, beta, _youngs_cramer(z), eps)


@sound("batch_norm_layer")
@stored
def one_product_after_another(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """z begins with b, and each input adds to it; variance in one pass, shifted by the last sample."""
    if not len(x):
        raise ValueError("no samples")
    z = np.zeros((len(x), len(b)), x.dtype) + b
    for k in range(x.shape[1]):
        z = z + x[:, k : k + 1] * W[:, k]
    return _normalised(z, gamma, beta, _shifted_by_the_last(z), eps)


@sound("batch_norm_layer")
@stored
def a_line_a_unit(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """z a + (β − μ a), with a = γ/√(σ² + ε)."""
    z = _linear(x, W, b)
    mean, var = _two_pass(z)
    a = gamma / np.sqrt(var + eps)
    return z * a + (beta - mean * a)


@sound("batch_norm_layer")
@stored
def folded_into_the_weights(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """x (a W)ᵀ + (β + (b − μ) a): batch norm is gone but for the statistics."""
    mean, var = _two_pass(_linear(x, W, b))
    a = gamma * (1 / np.sqrt(var + eps))
    return x @ (W * a[:, None]).T + (beta + (b - mean) * a)


@sound("batch_norm_layer")
@in_float64
def wide_layer(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = _linear(x, W, b)
    return _normalised(z, gamma, beta, _two_pass(z), eps)


@sound("batch_norm_layer", variance="one_pass")
@stored
def layer_in_one_pass(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = _linear(x, W, b)
    return _normalised(z, gamma, beta, _one_pass(z), eps)


@sound("batch_norm_layer", epsilon="outside")
@stored
def layer_epsilon_outside(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    z = _linear(x, W, b)
    mean, var = _two_pass(z)
    return gamma * ((z - mean) / (np.sqrt(var) + eps)) + beta


@sound("batch_norm_layer", preactivation="narrow")
def preactivation_stored(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """Two layers that compute in float32 and store what they return in x's dtype."""
    wide = working_dtype(x.dtype)
    z = _linear(x.astype(wide), W.astype(wide), b.astype(wide)).astype(x.dtype).astype(wide)
    return _normalised(z, gamma.astype(wide), beta.astype(wide), _two_pass(z), eps).astype(x.dtype)


@sound("batch_norm_layer", arithmetic="narrow")
def layer_every_step_narrow(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """Every operation in x's own dtype."""
    z = _narrow_product(x, W.T) + b
    mean, var = _narrow_statistics(z)
    return gamma * ((z - mean) / _narrow_root(var, eps)) + beta


def _in_turn(terms: Array) -> Array:
    total = terms[0].copy()
    for term in terms[1:]:
        total = total + term
    return total


def _narrow_product(a: Array, b: Array) -> Array:
    """a b, every product and every sum rounded."""
    return _in_turn(a.T[:, :, None] * b[:, None, :])


def _narrow_statistics(z: Array) -> Pair:
    if not len(z):
        raise ValueError("no samples")
    m = z.dtype.type(len(z))
    mean = _in_turn(z) / m
    return mean, _in_turn((z - mean) * (z - mean)) / m


def _narrow_root(var: Array, eps: float) -> Array:
    """√(σ² + ε); 1 where that is 0, as an ε below the type's range leaves it, so that 0/0 gives 0 and not NaN."""
    root = np.sqrt(var + var.dtype.type(eps))
    return np.where(root == 0, root.dtype.type(1), root)


def _through(dout: Array, z: Array, gamma: Array, statistics: Pair, eps: float) -> tuple[Array, Array, Array]:
    """dz, dγ and dβ, in the shortest form."""
    mean, var = statistics
    m, root = len(z), np.sqrt(var + eps)
    z_norm = (z - mean) / root
    dgamma, dbeta = (dout * z_norm).sum(axis=0), dout.sum(axis=0)
    return gamma / (m * root) * (m * dout - dbeta - z_norm * dgamma), dgamma, dbeta


def _by_the_chain_rule(dout: Array, z: Array, gamma: Array, statistics: Pair, eps: float) -> tuple[Array, Array, Array]:
    """Step by step: dz_norm, dσ², dμ, dz (Ioffe and Szegedy 2015, section 3)."""
    mean, var = statistics
    m, centred, r = len(z), z - mean, 1 / np.sqrt(var + eps)
    dz_norm = dout * gamma
    dvar = (dz_norm * centred).sum(axis=0) * r * r * r / -2
    dmean = -(dz_norm * r).sum(axis=0) - dvar * 2 * centred.sum(axis=0) / m
    dz = dz_norm * r + dvar * 2 * centred / m + dmean / m
    return dz, (dout * (centred * r)).sum(axis=0), dout.sum(axis=0)


def _as_a_line(dout: Array, z: Array, gamma: Array, statistics: Pair, eps: float) -> tuple[Array, Array, Array]:
    """dz = a·dout + c·z + d, three numbers a unit; Σ dout (z − μ) as Σ dout z − μ Σ dout."""
    mean, var = statistics
    m, r = len(z), 1 / np.sqrt(var + eps)
    dbeta = dout.sum(axis=0)
    dgamma = ((dout * z).sum(axis=0) - mean * dbeta) * r
    a = gamma * r
    c = -a * r * dgamma / m
    return a * dout + c * z + (-a * dbeta / m - c * mean), dgamma, dbeta


@sound("batch_norm_layer_backward")
@stored
def back_through_two_layers(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    z = _linear(x, W, b)
    dz, dgamma, dbeta = _through(dout, z, gamma, _two_pass(z), eps)
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@sound("batch_norm_layer_backward")
@stored
def bias_left_out(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    """Without b, whose gradient is 0 in every digit."""
    z = _linear(x, W, 0 * b)
    dz, dgamma, dbeta = _by_the_chain_rule(dout, z, gamma, _welford(z), eps)
    return dz @ W, dz.T @ x, np.zeros_like(b), dgamma, dbeta


@sound("batch_norm_layer_backward")
@stored
def a_line_back(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    z = _linear(x, W, b)
    dz, dgamma, dbeta = _as_a_line(dout, z, gamma, _youngs_cramer(z), eps)
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@sound("batch_norm_layer_backward")
@stored
def one_sample_after_another(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    """dW and db gathered over the samples, from the last; dx a sample at a time."""
    z = _linear(x, W, b)
    dz, dgamma, dbeta = _by_the_chain_rule(dout, z, gamma, _shifted_by_the_last(z), eps)
    dW, db, dx = np.zeros_like(W), np.zeros_like(b), np.zeros_like(x)
    for i in reversed(range(len(x))):
        dW, db = dW + np.outer(dz[i], x[i]), db + dz[i]
        for j in range(len(W)):
            dx[i] = dx[i] + dz[i, j] * W[j]
    return dx, dW, db, dgamma, dbeta


@sound("batch_norm_layer_backward")
@in_float64
def wide_back(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    z = _linear(x, W, b)
    dz, dgamma, dbeta = _through(dout, z, gamma, _two_pass(z), eps)
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@sound("batch_norm_layer_backward", variance="one_pass")
@stored
def back_after_one_pass(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    z = _linear(x, W, b)
    dz, dgamma, dbeta = _through(dout, z, gamma, _one_pass(z), eps)
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@sound("batch_norm_layer_backward", epsilon="outside")
@stored
def back_with_epsilon_outside(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    z = _linear(x, W, b)
    mean, var = _two_pass(z)
    deviation, centred = np.sqrt(var), z - mean
    root = deviation + eps
    dgamma, dbeta = (dout * (centred / root)).sum(axis=0), dout.sum(axis=0)
    unit = centred / np.where(deviation == 0, 1, deviation)
    dz = gamma / root * (dout - dbeta / len(z) - unit * (dgamma / len(z)))
    return dz @ W, dz.T @ x, dz.sum(axis=0), dgamma, dbeta


@sound("batch_norm_layer_backward", preactivation="narrow")
def stored_between(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    """z and dz are stored in x's dtype, as between two layers."""
    dtype, wide = x.dtype, working_dtype(x.dtype)
    upstream, inputs, weights, bias, scale = (each.astype(wide) for each in (dout, x, W, b, gamma))
    z = _linear(inputs, weights, bias).astype(dtype).astype(wide)
    dz, dgamma, dbeta = _through(upstream, z, scale, _two_pass(z), eps)
    dz = dz.astype(dtype).astype(wide)
    dx, dW, db = dz @ weights, dz.T @ inputs, dz.sum(axis=0)
    dx, dW, db, dgamma, dbeta = (each.astype(dtype) for each in (dx, dW, db, dgamma, dbeta))
    return dx, dW, db, dgamma, dbeta


@sound("batch_norm_layer_backward", arithmetic="narrow")
def back_every_step_narrow(dout: Array, x: Array, W: Array, b: Array, gamma: Array, *, eps: float) -> Five:
    """Every operation in x's own dtype."""
    z = _narrow_product(x, W.T) + b
    mean, var = _narrow_statistics(z)
    m, root = z.dtype.type(len(z)), _narrow_root(var, eps)
    z_norm = (z - mean) / root
    dgamma, dbeta = _in_turn(dout * z_norm), _in_turn(dout)
    dz = gamma / root * (dout - dbeta / m - z_norm * (dgamma / m))
    return _narrow_product(dz, W), _narrow_product(dz.T, x), _in_turn(dz), dgamma, dbeta


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
