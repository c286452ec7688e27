"""The target file that `nnlaws template` writes: what a newcomer starts from."""

from inspect import signature
from textwrap import fill, indent
from typing import Any

from nnlaws.operations import OPERATIONS, Operation

LINE = 108  # with `def`, brackets, arrow and colon, 120

_HEAD = '''"""My implementation of the operations that nnlaws knows. Judge it with

    nnlaws check {name}

Fill in what you like and delete the rest: what raises NotImplementedError, or is not there, counts as not offered.
Arrays are NumPy arrays of one dtype, samples first: m samples of C classes, or of n features; T steps of n coordinates.
Return arrays of the same dtype.
"""

import numpy as np

# The dtypes to be judged in, of float16, bfloat16, float32 and float64.
dtypes = ("float32", "float64")
'''

_FUNCTION = '''

def {name}({parameters}) -> {returned}:
    """
{meaning}
    """
    raise NotImplementedError
'''


def template(name: str) -> str:
    """The text of the file."""
    return _HEAD.format(name=name) + "".join(_function(operation) for operation in OPERATIONS.values())


def _function(operation: Operation) -> str:
    meaning = indent(fill(operation.meaning, 90), "    ")
    arguments = [f"{argument}: np.ndarray" for argument in operation.arguments]
    parameters = signature(operation.protocol.__call__).parameters
    options = [f"{option}: {_written(parameters[option].annotation)}" for option in operation.options]
    options = ["*", *options] if options else []
    several = len(operation.results) > 1
    returned = f"tuple[{', '.join(['np.ndarray'] * len(operation.results))}]" if several else "np.ndarray"
    listed = ", ".join(arguments + options)
    if len(operation.name + listed + returned) > LINE:
        listed = "\n" + "".join(f"    {each},\n" for each in arguments + options)
    return _FUNCTION.format(name=operation.name, parameters=listed, returned=returned, meaning=meaning)


def _written(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
