"""The target file that `nnlaws template` writes: what a newcomer starts from."""

from collections.abc import Callable
from inspect import signature
from textwrap import fill, indent
from typing import Any, get_args, get_origin

import numpy as np

from nnlaws.authoring.operation import Operation
from nnlaws.chapters import OPERATIONS

LINE = 108  # with `def`, brackets, arrow and colon, 120

_HEAD = '''"""My implementation of the operations that nnlaws knows. Judge it with

    nnlaws check {name}

Fill in what you like and delete the rest: what raises NotImplementedError, or is not there, counts as not offered.
Arrays are NumPy arrays of one dtype, samples first: m samples of C classes, or of n features; T steps of n coordinates.
Labels, numbers of classes, are int64. Return arrays of the same dtype. A space is a tuple of axes (name, low, high,
scale), the scale "linear", "log", "one_minus_log" or "integer".
"""

from collections.abc import Callable

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
    called = signature(operation.protocol.__call__)
    typed = {name: f"{name}: {_written(each.annotation)}" for name, each in called.parameters.items()}
    options = ["*", *(typed[option] for option in operation.options)] if operation.options else []
    given = [*(typed[argument] for argument in operation.arguments), *options]
    returned, listed = _written(called.return_annotation), ", ".join(given)
    if len(operation.name + listed + returned) > LINE:
        listed = "\n" + "".join(f"    {each},\n" for each in given)
    return _FUNCTION.format(name=operation.name, parameters=listed, returned=returned, meaning=meaning)


def _written(annotation: Any) -> str:
    """A type as the template writes it: arrays and functions by their bare names."""
    origin = get_origin(annotation)
    if origin is np.ndarray:
        return "np.ndarray"
    if origin is Callable:
        return "Callable"
    if origin is tuple:
        return f"tuple[{', '.join('...' if each is Ellipsis else _written(each) for each in get_args(annotation))}]"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
