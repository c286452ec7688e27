"""Kinds of number in which a formula tells more than a value: balls, double-double numbers and jets."""

from nnlaws_spec.numbers.ball import Enclosure, PrecisionError, balls, enclose
from nnlaws_spec.numbers.double_double import enclose_quickly
from nnlaws_spec.numbers.exact import Exact, enclose_exact
from nnlaws_spec.numbers.jet import directional_derivative, jets

__all__ = [
    "Enclosure",
    "Exact",
    "PrecisionError",
    "balls",
    "directional_derivative",
    "enclose",
    "enclose_exact",
    "enclose_quickly",
    "jets",
]
