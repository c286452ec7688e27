"""Right ways of inference: divided, multiplied, folded, wide, narrow."""

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.mutant import stored
from nnlaws.authoring.variant import SoundVariant, in_float64, sound
from nnlaws.chapters.batch_norm.sound.statistics import narrow_root


@sound("batch_norm_inference")
@stored
def divided(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return (z - mean) / np.sqrt(var + eps) * gamma + beta


@sound("batch_norm_inference")
@stored
def multiplied(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """By γ·r with r = 1/√(var + ε)."""
    return (z - mean) * (gamma * (1 / np.sqrt(var + eps))) + beta


@sound("batch_norm_inference")
@stored
def folded(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """One scale and one shift a feature, as when it is merged into the layer before."""
    scale = gamma / np.sqrt(var + eps)
    return z * scale + (beta - mean * scale)


@sound("batch_norm_inference")
@in_float64
def wide_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return (z - mean) / np.sqrt(var + eps) * gamma + beta


@sound("batch_norm_inference", epsilon="outside")
@stored
def inference_epsilon_outside(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return (z - mean) / (np.sqrt(var) + eps) * gamma + beta


@sound("batch_norm_inference", arithmetic="narrow")
def inference_every_step_narrow(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    """Every operation in z's own dtype."""
    return (z - mean) / narrow_root(var, eps) * gamma + beta


SOUND: tuple[SoundVariant, ...] = tuple(v for v in list(globals().values()) if isinstance(v, SoundVariant))
