"""Gradients: certificates for formulas, finite differences for functions that nobody knows."""

from nnlaws.gradients.certificate import Certificate, certify
from nnlaws.gradients.finite_differences import GradientReport, gradcheck

__all__ = ["Certificate", "GradientReport", "certify", "gradcheck"]
