"""Files of ONNX as targets: a node as it is written in a model, or the graph where it is one of our operations.

nnlaws check model.onnx:node runtime=reference
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from nnlaws_server.loading import OnnxFile

from nnlaws.native.names import Keywords, Unrecognised
from nnlaws.native.onnx.files import JUDGED, Model, operator, read
from nnlaws.native.onnx.graphs import whole
from nnlaws.native.onnx.operators import batch_norm, loss, rows
from nnlaws.native.onnx.optimizers import optimizer

KEYWORDS = ("runtime", "first")
"""What may be said besides: what runs it; of Momentum and Adam, the number of their first step."""
MAKERS: dict[str, Callable[[Model, Any, Mapping[str, str]], SimpleNamespace]] = {
    "softmax": rows,
    "log_softmax": rows,
    "batch_norm": batch_norm,
    "cross_entropy": loss,
    "momentum": optimizer,
    "adam": optimizer,
}


def recognise(found: Any, name: str, given: Keywords, settings: Mapping[str, str]) -> SimpleNamespace | None:
    """What a file of ONNX, or a node of one, is, as a target; None for whatever else. given: `runtime`, `first`.
    settings: as, input. Raises Unrecognised.
    """
    if not isinstance(found, OnnxFile):
        return None
    if unknown := [key for key in given if key not in KEYWORDS]:
        raise Unrecognised(f"{', '.join(unknown)} is nothing that can be set; expected {' or '.join(KEYWORDS)}")
    if settings.get("device", "cpu") != "cpu":
        raise Unrecognised(f"--device {settings['device']}: files of ONNX are run on the CPU alone")
    said = {**settings, **{key: str(value) for key, value in given.items()}}
    model = read(found.path)
    if not found.node:
        if "input" in settings or "first" in given:
            what = "--input" if "input" in settings else "first"
            raise Unrecognised(f"{what} is for nodes, and this is a whole graph; {model.listed()}")
        return whole(model, said)
    node = model.node(found.node)
    kind = JUDGED[operator(node)]
    if settings.get("as", kind) != kind and not settings["as"].startswith(f"{kind}_"):
        raise Unrecognised(f"--as {settings['as']}: the node is a {node.op_type}, which is {kind}")
    if "first" in given and kind not in ("momentum", "adam"):
        raise Unrecognised(f"first is for Momentum and Adam, and the node is a {node.op_type}")
    return MAKERS[kind](model, node, said)
