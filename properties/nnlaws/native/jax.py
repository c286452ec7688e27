"""Functions and losses of JAX on logits, and their gradients."""

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native import functions
from nnlaws.native.functions import Function, Kit
from nnlaws.native.names import Keywords

jax.config.update("jax_enable_x64", True)  # otherwise JAX computes and returns float32 where it is given float64


def _gradient(function: Function, z: Array) -> Array:
    return np.asarray(jax.grad(function)(jnp.asarray(z)))


KIT = Kit("JAX", jnp.asarray, np.asarray, lambda x: isinstance(x, jax.Array), _gradient)
rows = partial(functions.rows, KIT)
loss = partial(functions.loss, KIT)


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A function of JAX's arrays; None for whatever else."""
    return functions.of_a_library(KIT, jax.__version__, found, given, settings)
