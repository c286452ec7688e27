"""Files of ONNX as they are: what a node, or a graph, is taken for, and judged as."""

import importlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

TRAINING = "ai.onnx.preview.training"


Need = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _libraries(need: Need) -> None:
    need("onnx")
    need("onnxruntime")


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "timeout": 60, **more}
    return check(target, **options)


def told(report: Any) -> str:
    return "; ".join(report.recognised)


def node(operator: str, given: str, results: str, **attributes: Any) -> Any:
    made: Any = importlib.import_module("onnx").helper.make_node(operator, given.split(), results.split(), **attributes)
    return made


class Files:
    """Writes models of float tensors into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self,
        nodes: Sequence[Any],
        given: dict[str, tuple[Any, ...]],
        results: dict[str, tuple[Any, ...]],
        *,
        opset: int = 17,
        weights: dict[str, Any] | None = None,
        integers: Sequence[str] = (),
        element: int = 1,
    ) -> str:
        onnx = importlib.import_module("onnx")

        def tensor(name: str, shape: tuple[Any, ...]) -> Any:
            kind = onnx.TensorProto.INT64 if name in integers else element
            return onnx.helper.make_tensor_value_info(name, kind, list(shape))

        held = [onnx.numpy_helper.from_array(np.asarray(x, np.float32), name) for name, x in (weights or {}).items()]
        infos = [[tensor(*each) for each in listed.items()] for listed in (given, results)]
        graph = onnx.helper.make_graph(list(nodes), "graph", *infos, held)
        versions = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid(TRAINING, 1)]
        path = self.folder / "model.onnx"
        onnx.save(onnx.helper.make_model(graph, opset_imports=versions, ir_version=8), str(path))
        return str(path)

    def norm(self, shape: tuple[Any, ...], *, training: int = 0, **attributes: Any) -> str:
        results = "y mean var" if training else "y"
        one = node("BatchNormalization", "x scale b m v", results, name="norm", training_mode=training, **attributes)
        vectors = {"scale": [1, 2, 3], "b": [0, 1, 0], "m": [0, 0, 1], "v": [1, 1, 2]}
        averages: dict[str, tuple[Any, ...]] = {"mean": (3,), "var": (3,)} if training else {}
        return self.write([one], {"x": shape}, {"y": shape, **averages}, weights=vectors, opset=15)

    def classifier(self) -> str:
        """Three nodes: a layer of weights, a bend, probabilities."""
        nodes = [
            node("MatMul", "x w", "a", name="/layer"),
            node("Relu", "a", "b", name="/bend"),
            node("Softmax", "b", "y", name="/out"),
        ]
        weights = {"w": np.random.default_rng(0).standard_normal((3, 3))}
        return self.write(nodes, {"x": ("m", 3)}, {"y": ("m", 3)}, weights=weights)

    def composed(self, shape: tuple[Any, ...], *, shifted: bool = True) -> str:
        """Softmax of elementary operators."""
        nodes = [
            *([node("ReduceMax", "x", "top", axes=[-1]), node("Sub", "x top", "z")] if shifted else []),
            node("Exp", "z" if shifted else "x", "e"),
            node("ReduceSum", "e last", "sum"),
            node("Div", "e sum", "y"),
        ]
        path = self.write(nodes, {"x": shape}, {"y": shape})
        onnx = importlib.import_module("onnx")
        model = onnx.load(path)
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), "last"))
        onnx.save(model, path)
        return path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_node_of_a_classifier_is_judged_by_itself_in_all_dtypes(files: Files) -> None:
    report = quick(f"{files.classifier()}:/out", dtypes=[], laws=["SM-1", "SM-6", "CT-1"])
    assert report.offered == ("softmax",)
    assert report.conforms, str(report)
    assert "taken for softmax along axis 1 of 2, run by ONNX Runtime" in told(report)
    judged = {result.dtype for result in report.results if result.outcome is Outcome.CONFORMS}
    assert judged == {"float16", "float32", "float64"}


def test_the_graph_of_a_classifier_is_no_softmax_of_its_input(files: Files) -> None:
    path = files.classifier()
    with pytest.raises(LoadError, match=r"its rows are those of softmax, but not of its input .*:/out \(Soft"):
        quick(path)
    assert not quick(f"{path} --as softmax", laws=["SM-1"]).conforms


def test_the_runtime_is_chosen_and_told(files: Files) -> None:
    report = quick(f"{files.classifier()}:Softmax runtime=reference", laws=["SM-1"])
    assert "run by ONNX" in told(report)
    assert "ReferenceEvaluator" in told(report)
    assert report.conforms


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ":/bend",
            r"this node is a Relu, which is none of our operations; nodes that can be judged .*/out",
        ),
        (":/nowhere", "there is no node of that name; nodes that can be judged"),
        (":/out runtime=tensorrt", "runtime=tensorrt: expected runtime=onnxruntime or runtime=reference"),
        (":/out axis=0", "axis is nothing that can be set; expected runtime or first"),
        (":/out first=0", "first is for Momentum and Adam"),
        (":/out --as batch_norm", "--as batch_norm: the node is a Softmax, which is softmax"),
        (":/out --device cuda", "run on the CPU alone"),
        (":/out --input 1d", "expected 2d or more"),
        (" --input 4d", "is for nodes, and this is a whole graph"),
    ],
)
def test_what_cannot_be_is_told(files: Files, more: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        quick(files.classifier() + more)


@pytest.mark.parametrize("text", ["", "this is no model at all"])
def test_a_file_of_something_else_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.onnx"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LoadError, match="it is no file of ONNX"):
        quick(str(path))


def test_two_nodes_of_one_operator_are_told_apart_by_their_outputs(files: Files) -> None:
    nodes = [node("Softmax", "x", "a"), node("Softmax", "a", "b")]
    path = files.write(nodes, {"x": ("m", "C")}, {"b": ("m", "C")})
    with pytest.raises(LoadError, match=r"2 nodes are called so; say which by its output: .*:a, .*:b"):
        quick(f"{path}:Softmax")
    assert quick(f"{path}:b", laws=["SM-1"]).conforms


def test_weights_in_a_file_that_is_missing_are_told_and_a_node_needs_none(files: Files, need: Need) -> None:
    onnx = importlib.import_module("onnx")
    path = files.classifier()
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(LoadError, match="its rows are those of softmax"):
        quick(path)
    (files.folder / "weights.bin").unlink()
    with pytest.raises(LoadError, match="its weights lie in another file, which cannot be read"):
        quick(path)
    assert quick(f"{path}:/out", laws=["SM-1"]).conforms


@pytest.mark.parametrize(("axis", "shape"), [(1, ("a", "C", "h", "w")), (0, ("C", "m")), (-1, ("a", "b", "C"))])
def test_softmax_is_judged_along_its_own_axis(files: Files, axis: int, shape: tuple[str, ...]) -> None:
    path = files.write([node("LogSoftmax", "x", "y", axis=axis)], {"x": shape}, {"y": shape})
    report = quick(f"{path}:y")
    assert report.conforms, str(report)
    assert f"along axis {axis % len(shape)} of {len(shape)}" in told(report)
    assert quick(path, laws=["SM-11", "SM-7"]).conforms


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax_before_version_13_flattens(files: Files, axis: int) -> None:
    shape = ("a", "b", "c")
    path = files.write([node("Softmax", "x", "y", axis=axis)], {"x": shape}, {"y": shape}, opset=11)
    laws = ["SM-1", "SM-2", "SM-4"]
    report = quick(f"{path}:y", laws=laws)
    assert report.conforms, str(report)
    assert any(result.outcome is Outcome.CONFORMS for result in report.results)
    assert ("flattened" in told(report)) is (axis < 2)
    assert quick(f"{path}:y runtime=reference", laws=laws).conforms is (axis == 2)


def test_batch_norm_at_inference_has_its_epsilon_written_in(files: Files) -> None:
    path = files.norm(("m", "n", "h", "w"), epsilon=1e-3)
    report = quick(f"{path}:norm", dtypes=["float32", "float64"])
    assert report.offered == ("batch_norm_inference",)
    assert "with eps = 0.00100000005 written in" in told(report)
    assert report.conforms, str(report)


def test_batch_norm_in_training_is_judged_with_its_running_averages(files: Files) -> None:
    path = files.norm(("m", 3), training=1, momentum=0.8)
    report = quick(f"{path}:norm", laws=["batch_norm_train.value", "batch_norm_running.value", "BN-18", "BN-3"])
    assert report.offered == ("batch_norm_train", "batch_norm_running")
    assert report.conforms, str(report)
    assert "decay = 0.800000012 written in" in told(report)
    with pytest.raises(LoadError, match=r"it has 3 outputs, y, mean, var; expected one; .*model\.onnx:norm"):
        quick(path)


def test_a_graph_of_batch_norm_is_given_its_vectors_and_keeps_its_sizes(files: Files) -> None:
    report = quick(files.norm(("m", 3, 2, 2)))
    assert report.offered == ("batch_norm_inference",)
    assert report.conforms, str(report)
    assert "n = 3 is fixed in the file" in told(report)
    assert "its rows are given in multiples of 4" in told(report)


@pytest.mark.parametrize(("reduction", "words"), [("mean", "mean"), ("sum", "sum"), ("none", "values one by one")])
def test_a_loss_of_class_numbers_is_judged_on_one_hot_targets(files: Files, reduction: str, words: str) -> None:
    one = node("SoftmaxCrossEntropyLoss", "z y", "loss logs", reduction=reduction)
    loss: tuple[Any, ...] = ("m",) if reduction == "none" else ()
    path = files.write([one], {"z": ("m", "C"), "y": ("m",)}, {"loss": loss}, integers=["y"], opset=13)
    report = quick(f"{path}:loss", laws=["SM-11", "SM-12", "SM-13"])
    assert set(report.offered) == {"cross_entropy", "log_softmax"}
    assert f"cross entropy of logits and class numbers, the {words}" in told(report)
    assert report.conforms, str(report)
    whole = quick(path, laws=["SM-12", "SM-13"])
    assert whole.offered == ("cross_entropy",)
    assert f"the {words}" in told(whole)
    assert whole.conforms, str(whole)


def test_a_class_that_is_ignored_is_another_loss(files: Files) -> None:
    one = node("SoftmaxCrossEntropyLoss", "z y", "loss", ignore_index=0)
    path = files.write([one], {"z": ("m", "C"), "y": ("m",)}, {"loss": ()}, integers=["y"], opset=13)
    with pytest.raises(LoadError, match="its ignore_index is 0, a class"):
        quick(f"{path}:loss")


def optimizer(files: Files, operator: str, averages: str, **attributes: Any) -> str:
    names = ["X", "G", *averages]
    new = [f"new{name}" for name in ("X", *averages)]
    one = node(operator, " ".join(("R", "T", *names)), " ".join(new), domain=TRAINING, name="step", **attributes)
    given: dict[str, tuple[Any, ...]] = {"R": (), "T": (), **dict.fromkeys(names, (3,))}
    return files.write([one], given, dict.fromkeys(new, (3,)), integers=["T"], opset=15) + ":step"


@pytest.mark.parametrize(
    ("operator", "attributes", "words"),
    [
        (
            "Momentum",
            {"alpha": 0.9, "beta": 0.1, "mode": "standard", "norm_coefficient": 0.5},
            "norm_coefficient = 0.0",
        ),
        ("Momentum", {"alpha": 0.9, "beta": 1.0, "mode": "nesterov", "norm_coefficient": 0.0}, "lookahead = nesterov"),
        ("Adam", {"epsilon": 1e-6}, "adam judged as adam_form = epsilon_hat"),
    ],
)
def test_an_optimizers_node_is_driven_by_the_runtime_that_has_it(
    files: Files, operator: str, attributes: dict[str, Any], words: str
) -> None:
    path = optimizer(files, operator, "V" if operator == "Momentum" else "VH", **attributes)
    name = operator.lower()
    report = quick(path, laws=[f"{name}.value", "OP-17"])
    assert report.offered == (name,)
    assert words in told(report)
    assert "since onnxruntime does not run it" in told(report)
    assert report.conforms, str(report)


def test_weights_that_are_no_momentum_are_told(files: Files) -> None:
    attributes: dict[str, Any] = {"alpha": 0.9, "beta": 0.5, "mode": "standard", "norm_coefficient": 0.0}
    with pytest.raises(LoadError, match=r"it adds 0\.5 of the gradient to 0\.9 of the velocity; expected 1 of it"):
        quick(optimizer(files, "Momentum", "V", **attributes))


def test_a_composed_softmax_is_recognised_and_its_mistake_found(files: Files) -> None:
    path = files.composed(("m", "C"))
    assert "taken for softmax along axis 1 of 2" in told(quick(path, laws=["SM-1"]))
    assert quick(path).conforms
    report = quick(files.composed(("m", "C"), shifted=False), laws=["SM-1", "SM-6"])
    causes = {r.violation.cause.name for r in report.results if r.outcome is Outcome.VIOLATES and r.violation.cause}
    assert causes == {"softmax.unshifted"}


def test_a_graph_of_fixed_sizes_is_judged_at_them(files: Files) -> None:
    report = quick(files.composed((2, 5)), dtypes=["float32", "float64"])
    assert report.conforms, str(report)
    assert "C = 5 is fixed in the file: laws of other sizes are not offered" in told(report)
    assert "its rows are given 2 at a time, as many as the file has" in told(report)
    judged = [result for result in report.results if result.outcome is Outcome.CONFORMS]
    assert len(judged) > 15
    assert {result.dtype for result in judged} == {"float32"}, "a graph has one type"


def test_what_torch_exports_is_judged_as_it_is(files: Files, need: Need) -> None:
    torch = need("torch")
    path = str(files.folder / "exported.onnx")
    axes = {"z": {0: "m", 1: "C"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of itself
        torch.onnx.export(
            torch.nn.LogSoftmax(-1), (torch.zeros(2, 3),), path, dynamo=False, input_names=["z"], dynamic_axes=axes
        )
    report = quick(path)
    assert report.offered == ("log_softmax",)
    assert report.conforms, str(report)


@pytest.mark.parametrize("rows", [0, 1, 2, 6, 12, 35])
@pytest.mark.parametrize("place", [(2, 1, 2), (4, 1, 2), (4, 3, 4), (3, 0, 1), (4, 1, 4), (4, 2, 4)])
def test_a_matrix_lies_in_a_tensor_and_comes_back(rows: int, place: tuple[int, int, int]) -> None:
    layout: Any = importlib.import_module("nnlaws.native.onnx.layout")
    free = layout.free(*place)
    x = np.arange(rows * 6.0).reshape(rows, 6)
    there = free.tensor(x)
    assert there.ndim == place[0]
    assert np.array_equal(free.matrix(there, 6), x)


def test_rows_are_filled_up_to_what_a_tensor_takes() -> None:
    layout: Any = importlib.import_module("nnlaws.native.onnx.layout")
    nodes: Any = importlib.import_module("nnlaws.native.onnx.nodes")
    seen: list[tuple[int, ...]] = []

    def call(x: Any) -> Any:
        seen.append(x.shape)
        return 2 * x

    x = np.arange(15.0).reshape(5, 3)
    for dims, shapes in (((2, 3), [(2, 3)] * 3), ((None, 3, 2), [(3, 3, 2)]), ((1, 3, 4), [(1, 3, 4)] * 2)):
        seen.clear()
        assert np.array_equal(nodes.by_rows(layout.Layout(dims, 1, 2), call)(x), 2 * x)
        assert seen == shapes
    with pytest.raises(NotImplementedError, match="it takes 2 rows at a time, so no empty batch"):
        nodes.by_rows(layout.Layout((2, 3), 1, 2), call)(x[:0])


def test_an_object_that_is_no_file_is_left_to_others() -> None:
    made: Any = importlib.import_module("nnlaws.native.onnx")
    assert made.recognise(SimpleNamespace(), "something", {}, {}) is None
