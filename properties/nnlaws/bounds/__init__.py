"""How much rounding is allowed: bounded numbers, and for each chapter the sound algorithms run on them."""

from nnlaws.bounds.number import Bounded, bounded, join

__all__ = ["Bounded", "bounded", "join"]
