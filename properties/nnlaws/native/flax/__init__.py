"""Batch norm of Flax, of its nnx and of its linen; and what a class of Flax is recognised as.

nnlaws.check(nnlaws.flax.batch_norm(flax.nnx.BatchNorm))
nnlaws.check(nnlaws.flax.linen.batch_norm(flax.linen.BatchNorm))
"""

import inspect
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import flax.linen
import flax.nnx

from nnlaws.native import jitted
from nnlaws.native.flax import linen, nnx
from nnlaws.native.flax.nnx import batch_norm
from nnlaws.native.names import Keywords

__all__ = ["batch_norm", "linen", "nnx", "recognise"]


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """A layer class of nnx or of linen that is batch norm; None for whatever else."""
    about = f"Flax {flax.__version__}"
    if not inspect.isclass(found):
        return None
    if issubclass(found, flax.nnx.Module):
        there = found.__init__  # the class itself takes whatever there is
        return jitted.recognised(found, there, given, nnx.NEEDED, nnx.probe, nnx.batch_norm, about)
    if issubclass(found, flax.linen.Module):
        return jitted.recognised(found, found, given, linen.NEEDED, linen.probe, linen.batch_norm, about)
    return None
