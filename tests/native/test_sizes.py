"""Targets of fixed sizes, as exported graphs are; and files of models, as far as no library is needed."""

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nnlaws_reference
import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.harness.limits import Beyond, Limits
from nnlaws.harness.parent import LoadError
from nnlaws.harness.provenance import digest
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.errors import TargetError
from nnlaws_server.loading import OnnxFile, loaded


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], **more}
    return check(target, **options)


def softmax(z: Any) -> Any:
    assert z.shape[1] == 5, z.shape
    return nnlaws_reference.softmax(z)


def unshifted(z: Any) -> Any:
    assert z.shape[1] == 5, z.shape
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def law(id: str) -> Any:
    return next(each for each in LAWS if each.id == id)


def test_a_target_of_fixed_width_is_given_no_other() -> None:
    report = quick(SimpleNamespace(softmax=softmax, fixed={"C": 5}))
    assert report.conforms, str(report)
    assert sum(result.outcome is Outcome.CONFORMS for result in report.results) > 15
    assert any(result.law == "softmax.at_size" and result.outcome is Outcome.CONFORMS for result in report.results)


def test_a_law_of_other_sizes_is_not_offered_and_says_why() -> None:
    report = quick(SimpleNamespace(softmax=softmax, fixed={"C": 5}), laws=["SM-8", "SM-9", "masked_classes"])
    reasons = {result.law: result.reason for result in report.results if result.operation == "softmax"}
    assert all(result.outcome is Outcome.NOT_OFFERED for result in report.results)
    assert reasons["softmax.two_classes"] == "the law is about C = 2, and the target has C = 5 fixed"
    assert "needs z with C = " in reasons["softmax.masked_classes"]


def test_a_mistake_in_it_is_shown_at_its_own_width() -> None:
    report = quick(SimpleNamespace(softmax=unshifted, fixed={"softmax.C": 5}))
    broken = {result.law: result.violation for result in report.results if result.outcome is Outcome.VIOLATES}
    assert "softmax.any_size_of_logits" in broken
    assert broken["softmax.any_size_of_logits"].example[0]["shape"] == "(1, 5)"
    assert broken["softmax.any_size_of_logits"].cause.name == "softmax.unshifted"
    assert not any(result.outcome is Outcome.ERROR for result in report.results)


def test_so_it_is_where_the_number_of_samples_is_fixed() -> None:
    def train(z: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
        assert len(z) == 4
        return nnlaws_reference.batch_norm_train(z, gamma, beta, eps=eps)

    report = quick(SimpleNamespace(batch_norm_train=train, fixed={"m": 4}))
    assert report.conforms, str(report)
    assert sum(result.outcome is Outcome.CONFORMS for result in report.results) > 15


def test_sizes_are_those_of_an_operations_letters() -> None:
    limits = Limits({"C": 5, "cross_entropy.C": 7, "n": 3, "eps": 0.1})
    assert limits.of(OPERATIONS["softmax"]).sizes == {"C": 5}
    assert limits.of(OPERATIONS["cross_entropy"]).sizes == {"C": 7}
    norm = limits.of(OPERATIONS["batch_norm_train"])
    assert (norm.fixed, norm.sizes) == ({"eps": 0.1}, {"n": 3})
    z = np.zeros((6, 2, 4))
    with pytest.raises(Beyond, match="needs z with C = 4, and the target has C = 5 fixed"):
        limits.of(OPERATIONS["softmax"]).check(OPERATIONS["softmax"], (z,), {})


def test_a_law_keeps_to_sizes_in_all_of_its_cases() -> None:
    own = Limits({"C": 3}).of(OPERATIONS["softmax"])
    value, sized = own.law(law("softmax.value")), own.law(law("softmax.at_size"))
    assert value.columns == (3, 3)
    assert value.m == law("softmax.value").m
    assert value.boundary is not None
    assert {case.columns for case in value.boundary(format_of(DTYPES["float32"]), value.m, value.columns)} == {3}
    assert {case.columns for case in (*sized.trials, *sized.largest)} == {3}
    assert len(set(sized.trials)) == len(sized.trials)


@pytest.mark.parametrize("size", [0, 2.0, True, "3"])
def test_a_size_is_a_whole_number(size: Any) -> None:
    with pytest.raises(LoadError, match="expected a size, C, of 1 or more"):
        quick(SimpleNamespace(softmax=softmax, fixed={"C": size}))


def test_what_a_limited_function_of_this_process_raises_is_its_own_fault() -> None:
    target = SimpleNamespace(batch_norm_train=nnlaws_reference.batch_norm_train, fixed={"eps": 1e-3})
    report = quick(target, laws=["batch_norm_train.empty_batch_statistics"])
    assert report.conforms, str(report)


def test_arguments_are_made_of_the_number_that_is_fixed() -> None:
    target = SimpleNamespace(batch_norm_train=nnlaws_reference.batch_norm_train, fixed={"eps": 1e-3})
    report = quick(target)
    assert report.conforms, str(report)
    judged = {result.law for result in report.results if result.outcome is Outcome.CONFORMS}
    assert "batch_norm_train.gives_z_back" in judged, "of a γ that is made of ε"


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    for target in (str(tmp_path / "none.onnx"), f"{tmp_path / 'none.onnx'}:node", "nosuchmodel.onnx"):
        with pytest.raises(TargetError, match=r"there is no file '.*\.onnx'; expected a model in the format of ONNX"):
            loaded(target, {})


def test_a_package_may_have_a_module_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_package").mkdir()
    (tmp_path / "a_package" / "onnx.py").write_text("def softmax(z): return z", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert loaded("a_package.onnx:softmax", {})(3) == 3


def test_without_the_library_one_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(TargetError, match="without the package onnx; install it"):
        loaded(str(path), {})


def test_a_node_is_what_follows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"some bytes")
    monkeypatch.setitem(sys.modules, "onnx", SimpleNamespace())
    assert loaded(str(path), {}) == OnnxFile(str(path))
    assert loaded(f"{path}:/a/Softmax:0", {}) == OnnxFile(str(path), "/a/Softmax:0")
    assert loaded(f"{path}:b runtime=reference", {}) == OnnxFile(str(path), "b")
    whole = hashlib.sha256(b"some bytes").hexdigest()
    assert {digest(str(path)), digest(f"{path}:/a/Softmax:0"), digest(f"{path}:b runtime=reference")} == {whole}


def uncorrected_at_first(theta: Any, grads: Any, *, learning_rate: Any, beta1: float, beta2: float, eps: float) -> Any:
    """Adam whose steps are counted from 0: so the first is not corrected, and the others are too little."""
    assert (beta1, beta2, eps) == (0.9, 0.999, 1e-6)
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    x, v, h, out = theta.astype(np.float64), 0.0, 0.0, np.empty_like(grads)
    for t, (g, rate) in enumerate(zip(grads.astype(np.float64), rates, strict=True)):
        v, h = beta1 * v + (1 - beta1) * g, beta2 * h + (1 - beta2) * g * g
        corrected = np.sqrt(1 - beta2**t) / (1 - beta1**t) if t else 1.0
        x = x - rate * corrected * v / (np.sqrt(h) + eps)
        out[t] = x
    return out


def test_a_cause_is_tried_on_what_the_target_takes() -> None:
    fixed = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-6}
    target = SimpleNamespace(adam=uncorrected_at_first, conventions={"adam_form": "epsilon_hat"}, fixed=fixed)
    (result,) = quick(target, laws=["adam.value"]).results
    assert result.outcome is Outcome.VIOLATES
    assert result.violation.cause is None, "it is uncorrected in the first step alone"
