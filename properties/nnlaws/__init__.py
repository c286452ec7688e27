"""nnlaws: an executable specification of neural-network mathematics, and the harness that holds implementations to it.

    nnlaws.check(target)            judge an implementation; returns a Report
    nnlaws.assert_conforms(target)  the same, raising AssertionError where it does not conform
    nnlaws.as_test(target)          a pytest function with one item a law and dtype
    nnlaws.identify(target)         which named conventions does it use?
    nnlaws.gradcheck(f, gradient, x)  is this the gradient of that function?
    nnlaws.certify(f, gradient, x)    a proof of it, for formulas that run on any kind of number

Names are imported when first used: every pytest run imports this package, and pays only for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlaws.api import as_test, assert_conforms, check
    from nnlaws.gradients import Certificate, GradientReport, certify, gradcheck
    from nnlaws.identification import Identification, identify
    from nnlaws.report import LawResult, Outcome, Report, Violation

_HOMES = {
    "check": "api",
    "assert_conforms": "api",
    "as_test": "api",
    "gradcheck": "gradients",
    "GradientReport": "gradients",
    "identify": "identification",
    "Identification": "identification",
    "certify": "gradients",
    "Certificate": "gradients",
    "LawResult": "report",
    "Outcome": "report",
    "Report": "report",
    "Violation": "report",
}

__all__ = [
    "Certificate",
    "GradientReport",
    "Identification",
    "LawResult",
    "Outcome",
    "Report",
    "Violation",
    "as_test",
    "assert_conforms",
    "certify",
    "check",
    "gradcheck",
    "identify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nnlaws' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"nnlaws.{_HOMES[name]}"), name)
