"""Which inputs: small descriptions that Hypothesis draws and shrinks, each expanding to arrays."""

from nnlaws.cases.case import Case, Inputs

__all__ = ["Case", "Inputs"]
