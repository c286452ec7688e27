"""nnlaws: an executable specification of neural-network mathematics, and the harness that holds implementations to it.

    nnlaws.check(target)            judge an implementation; returns a Report
    nnlaws.assert_conforms(target)  the same, raising AssertionError where it does not conform
    nnlaws.as_test(target)          a pytest function with one item a law and dtype
    nnlaws.identify(target)         which named conventions does it use?
    nnlaws.judge(operation, *arguments, result=got)   is this result right, up to rounding, whatever its shape?
    nnlaws.allowed(operation, *arguments)             the exact result and what rounding may do to it, as arrays
    nnlaws.assert_accurate(got, formula, *arguments)  is this as accurate as rounding allows?
    nnlaws.bound(formula, *arguments)                 how far rounding may carry a formula, elementwise
    nnlaws.gradcheck(f, gradient, x)  is this the gradient of that function?
    nnlaws.certify(f, gradient, x)    a proof of it, for formulas that run on any kind of number

    nnlaws.torch, nnlaws.keras, nnlaws.optax …  make targets of a library's layers, optimizers and losses

Names are imported when first used: every pytest run imports this package, and pays only for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlaws.accuracy import Accuracy, assert_accurate, bound
    from nnlaws.api import as_test, assert_conforms, check
    from nnlaws.gradients import Certificate, GradientReport, certify, gradcheck
    from nnlaws.identification import Identification, identify
    from nnlaws.judgement import Allowed, Judgement, allowed, judge
    from nnlaws.report import LawResult, Outcome, Report, Violation

_HOMES = {
    "check": "api",
    "assert_conforms": "api",
    "as_test": "api",
    "assert_accurate": "accuracy",
    "bound": "accuracy",
    "Accuracy": "accuracy",
    "gradcheck": "gradients",
    "GradientReport": "gradients",
    "identify": "identification",
    "Identification": "identification",
    "certify": "gradients",
    "Certificate": "gradients",
    "judge": "judgement",
    "Judgement": "judgement",
    "allowed": "judgement",
    "Allowed": "judgement",
    "LawResult": "report",
    "Outcome": "report",
    "Report": "report",
    "Violation": "report",
}

__all__ = [
    "Accuracy",
    "Allowed",
    "Certificate",
    "GradientReport",
    "Identification",
    "Judgement",
    "LawResult",
    "Outcome",
    "Report",
    "Violation",
    "allowed",
    "as_test",
    "assert_accurate",
    "assert_conforms",
    "bound",
    "certify",
    "check",
    "gradcheck",
    "identify",
    "judge",
]


LIBRARIES = ("torch", "keras", "tf_keras", "sonnet", "flax", "haiku", "equinox", "optax", "jax", "tensorflow")
"""Whose layers, optimizers and functions become targets by `nnlaws.torch.batch_norm(factory)` and the like."""


def __getattr__(name: str) -> Any:
    if name in LIBRARIES:
        return import_module(f"nnlaws.native.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'nnlaws' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"nnlaws.{_HOMES[name]}"), name)
