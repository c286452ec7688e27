"""Laws at size of averages and optimizers."""

from nnlaws.authoring.at_size import sized
from nnlaws.authoring.bursts import CASES, LARGEST, inputs
from nnlaws.authoring.law import Law
from nnlaws.chapters.optimizers.operations import (
    ADAM,
    ADAMW,
    EXPONENTIAL_AVERAGE,
    GRADIENT_DESCENT,
    MOMENTUM,
    RMSPROP,
)

_STATEMENTS = {
    EXPONENTIAL_AVERAGE: ("OP-2", "correction divides the result by 1 − β^t"),
    GRADIENT_DESCENT: ("OP-7", "θ moves by −αg"),
    MOMENTUM: ("OP-8", "θ moves by −α times the average of the gradients"),
    RMSPROP: ("OP-9", "θ moves by −αg/(√s + ε)"),
    ADAM: ("OP-10", "θ moves by −α m̂/(√v̂ + ε)"),
    ADAMW: ("OP-11", "θ decays by αλθ besides"),
}

LAWS: tuple[Law, ...] = tuple(
    sized(clause, operation, inputs(operation), CASES, statement, largest=LARGEST)
    for operation, (clause, statement) in _STATEMENTS.items()
)
