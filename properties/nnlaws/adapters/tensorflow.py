"""TensorFlow on CPU: tf.nn's softmax family with GradientTape, tf.random.Generator, and the target `fused`.

That is the fused batch norm. Its kernel takes images: the matrix (m, n) is m images of one pixel. Its
exponential_avg_factor is the weight of the new statistics, 1 − decay, and the variance it hands on divides by m − 1. It
keeps parameters and averages in float32 also where the images are float16 or bfloat16, and has no float64.
"""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf
from nnlaws_reference.dtypes import Array

from nnlaws.native import labels
from nnlaws.native.tensorflow import KIT

tf.config.threading.set_intra_op_parallelism_threads(1)  # the arrays are small: threads would only wait for each other
tf.config.threading.set_inter_op_parallelism_threads(1)

description = (
    f"TensorFlow {tf.__version__} on CPU: tf.nn.softmax, log_softmax, softmax_cross_entropy_with_logits, "
    "sparse_softmax_cross_entropy_with_logits, sigmoid_cross_entropy_with_logits, GradientTape, "
    "tf.random.Generator"
)
dtypes = ("float32", "float64", "float16", "bfloat16")
conventions = {"sample_integer.bounds": "half_open"}


def softmax(z: Array) -> Array:
    return _array(tf.nn.softmax(tf.constant(z)))


def log_softmax(z: Array) -> Array:
    return _array(tf.nn.log_softmax(tf.constant(z)))


def cross_entropy(z: Array, y: Array) -> Array:
    return _array(_loss(tf.constant(z), tf.constant(y)))


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    logits = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = _loss(logits, tf.constant(y))
    return _array(tape.gradient(loss, logits))


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    return _array(tf.random.Generator.from_seed(seed).uniform((size,), low, high, tf.float64))


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    return _array(tf.random.Generator.from_seed(seed).uniform((size,), low, high, tf.int64))


def _loss(z: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z))


def _each(z: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=z)


def _mean(z: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(_each(z, labels))


def _of_sigmoids(z: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z)


_labelled = labels.label_losses(KIT, _each, _mean)
label_losses = _labelled.label_losses
label_losses_gradient = _labelled.label_losses_gradient
label_cross_entropy = _labelled.label_cross_entropy
label_cross_entropy_gradient = _labelled.label_cross_entropy_gradient
_sigmoids = labels.sigmoid_losses(KIT, _of_sigmoids)
sigmoid_losses = _sigmoids.sigmoid_losses
sigmoid_losses_gradient = _sigmoids.sigmoid_losses_gradient


def _array(x: tf.Tensor) -> Array:
    return np.asarray(x.numpy())


def _batch_norm_train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
    out, mean, var = _fused(_images(z), _wide(gamma), _wide(beta), eps=eps)
    return _matrix(out), _narrow(mean, z), _narrow(var, z)


def _batch_norm_backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
    arguments = _images(z), _wide(gamma), _wide(np.zeros_like(gamma))
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        out, *_ = _fused(*arguments, eps=eps)
    dz, dgamma, dbeta = tape.gradient(out, arguments, output_gradients=_images(dout))
    return _matrix(dz), _narrow(dgamma, z), _narrow(dbeta, z)


def _batch_norm_running(batches: Array, *, decay: float) -> tuple[Array, Array]:
    n = batches.shape[-1]
    mean, var, one, zero = tf.zeros(n), tf.ones(n), tf.ones(n), tf.zeros(n)
    for batch in batches:
        _, mean, var = _fused(_images(batch), one, zero, mean=mean, var=var, new=1 - decay)
    return _narrow(mean, batches), _narrow(var, batches)


def _batch_norm_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    averages = _wide(mean), _wide(var)
    out, *_ = _fused(_images(z), _wide(gamma), _wide(beta), *averages, eps=eps, training=False)
    return _matrix(out)


def _fused(
    x: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    mean: tf.Tensor | None = None,
    var: tf.Tensor | None = None,
    *,
    eps: float = 1e-3,
    new: float = 1.0,
    training: bool = True,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalised images, and the averages after an update in which the batch's statistics have the weight `new`."""
    empty = tf.zeros(0)  # what the kernel wants where no averages are kept
    out, mean, var, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=empty if mean is None else mean,
        variance=empty if var is None else var,
        epsilon=eps,
        exponential_avg_factor=new,
        is_training=training,
    )
    return out, mean, var


def _images(x: Array) -> tf.Tensor:
    return tf.constant(x[:, None, None, :])


def _matrix(images: tf.Tensor) -> Array:
    return _array(images)[:, 0, 0, :]


def _wide(x: Array) -> tf.Tensor:
    return tf.constant(x.astype(np.float32))


def _narrow(x: tf.Tensor, like: Array) -> Array:
    return _array(x).astype(like.dtype)


fused = SimpleNamespace(
    description=f"TensorFlow {tf.__version__} on CPU: FusedBatchNormV3, GradientTape",
    dtypes=("float32", "float16", "bfloat16"),
    conventions={"running_variance": "unbiased"},
    batch_norm_train=_batch_norm_train,
    batch_norm_backward=_batch_norm_backward,
    batch_norm_running=_batch_norm_running,
    batch_norm_inference=_batch_norm_inference,
)
