"""Identification: which named conventions a black box uses, found by elimination."""

from nnlaws.identification.elimination import Identification, Identified, Trial, identify

__all__ = ["Identification", "Identified", "Trial", "identify"]
