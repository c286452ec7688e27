"""Rounding: numbers that know how far rounding alone may carry them, in any floating format."""

from nnlaws.rounding.functions import function_of, ufunc_of
from nnlaws.rounding.number import Bounded

Bounded.other_ufunc, Bounded.other_function = ufunc_of, function_of
