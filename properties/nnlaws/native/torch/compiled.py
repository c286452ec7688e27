"""What torch.compile and torch.export made: compiled for every shape that is asked for, and told what shape it has."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

from nnlaws.native.names import Unrecognised

MOST = 2**16  # graphs of one function: more than there are shapes


def always_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; whatever it compiles it compiles for each new shape. After 8 shapes torch.compile would run it
    as it is written, and that is not what is judged. Nothing is done where nothing was ever compiled.
    """
    if "torch._dynamo" not in sys.modules:
        return function

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        config = torch._dynamo.config  # a thread has its own
        with config.patch(recompile_limit=MOST, accumulated_recompile_limit=MOST):
            return function(*arguments, **options)

    return run


def exported_for(found: Any) -> torch.dtype | None:
    """The dtype that a module was exported for; None of what was not exported. Raises Unrecognised where it was
    exported for one shape.
    """
    if not isinstance(found, torch.fx.GraphModule):
        return None
    values = [node.meta.get("val") for node in found.graph.nodes if node.op == "placeholder"]
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    for value in tensors:
        if any(isinstance(length, int) for length in value.shape):
            raise Unrecognised(
                f"it was exported for input of shape ({', '.join(map(str, value.shape))}), and laws need many: export "
                "it with dynamic_shapes, such as ({0: Dim.DYNAMIC, 1: Dim.DYNAMIC},)"
            )
    return tensors[0].dtype if tensors else None
