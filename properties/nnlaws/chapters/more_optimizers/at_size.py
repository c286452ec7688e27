"""Laws at size of optimizers beyond the notes."""

from nnlaws.authoring.at_size import sized
from nnlaws.authoring.bursts import CASES, LARGEST, inputs
from nnlaws.authoring.law import Law
from nnlaws.chapters.more_optimizers.operations import ADAGRAD, AMSGRAD, LION, NADAM, RADAM, SGD

STATEMENTS = {
    SGD: ("MO-1", "θ moves by −αv, v = βv + (1 − τ)(g + λθ), and g + λθ at first"),
    ADAGRAD: ("MO-2", "θ moves by −αg/(√s + ε), s the sum of all squares"),
    AMSGRAD: ("MO-3", "θ moves as by Adam, by the largest v so far"),
    NADAM: ("MO-4", "θ moves as by Adam, whose average looks a step ahead"),
    RADAM: ("MO-5", "θ moves as by Adam, rectified, and first by the average alone"),
    LION: ("MO-6", "θ moves by α against the sign of an average, and decays by αλθ"),
}

LAWS: tuple[Law, ...] = tuple(
    sized(clause, operation, inputs(operation), CASES, statement, largest=LARGEST)
    for operation, (clause, statement) in STATEMENTS.items()
)
