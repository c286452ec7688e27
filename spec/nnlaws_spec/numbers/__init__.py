"""Kinds of number that a formula can be evaluated in to learn more than a value: balls and jets."""

from nnlaws_spec.numbers.ball import Enclosure, PrecisionError, balls, enclose
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
    "jets",
]
