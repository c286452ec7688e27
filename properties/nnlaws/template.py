"""The target file that `nnlaws template` writes: what a newcomer starts from."""

from textwrap import fill, indent

from nnlaws.operations import OPERATIONS, Operation

_HEAD = '''"""My implementation of the operations that nnlaws knows. Judge it with

    nnlaws check {name}

Fill in what you like and delete the rest: what raises NotImplementedError, or is not there, counts as not offered.
Arrays are NumPy arrays of one dtype, samples first: m samples of C classes, or of n features. Return arrays of the
same dtype.
"""

import numpy as np

# The dtypes to be judged in, of float16, bfloat16, float32 and float64.
dtypes = ("float32", "float64")
'''

_FUNCTION = '''

def {name}({arguments}) -> {returned}:
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
    options = ["*", *(f"{option}: float" for option in operation.options)] if operation.options else []
    several = len(operation.results) > 1
    returned = f"tuple[{', '.join(['np.ndarray'] * len(operation.results))}]" if several else "np.ndarray"
    return _FUNCTION.format(
        name=operation.name, arguments=", ".join(arguments + options), returned=returned, meaning=meaning
    )
