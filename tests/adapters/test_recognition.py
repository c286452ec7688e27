"""Layers, optimizers, schedules and losses of real libraries, as they are: what each is taken for, and judged as."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nnlaws
import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

Need = Callable[[str], Any]


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "timeout": 60, **more}
    return check(target, **options)


BATCH_NORM = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
LOSS = ("cross_entropy", "cross_entropy_gradient")

CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "torch.nn:BatchNorm1d": (BATCH_NORM, ("batch_norm_running judged as running_variance = unbiased",)),
    "torch.nn:BatchNorm2d": (
        BATCH_NORM,
        ("taken for batch norm of input of 4 axes, its momentum the weight of the new",),
    ),
    "torch.nn:BatchNorm3d --input 5d": (BATCH_NORM, ("taken for batch norm of input of 5 axes",)),
    "torch.nn:CrossEntropyLoss reduction='sum'": (LOSS, ("class numbers or probabilities, the sum over samples",)),
    "torch.nn.functional:log_softmax": (("log_softmax",), ("taken for log_softmax by rows, called as f(z, dim=-1)",)),
    "torch.nn:Softmax dim=-1": (("softmax",), ("taken for softmax by rows, called as f(z)",)),
    "torch.optim:SGD": (("gradient_descent", "momentum", "sgd"), ("momentum judged as velocity = heavy_ball",)),
    "torch.optim:RMSprop": (("rmsprop",), ("taken for an optimizer: rmsprop",)),
    "torch.optim:Adam": (("adam", "adamw"), ("adamw judged as decoupling = l2",)),
    "torch.optim:AdamW": (("adam", "adamw"), ("with weight_decay",)),
    "torch.optim.lr_scheduler:ExponentialLR": (("exponential_decay",), ("taken for a schedule: exponential_decay",)),
    "torch.optim.lr_scheduler:StepLR": (("staircase_decay",), ("taken for a schedule: staircase_decay",)),
    "optax:sgd nesterov=True": (("gradient_descent", "momentum"), ("lookahead = nesterov",)),
    "jax.nn:softmax": (("softmax",), ("called as f(z, axis=-1)",)),
    "optax:softmax_cross_entropy_with_integer_labels": (LOSS, ("class numbers, the values one by one over samples",)),
    "tensorflow.nn:log_softmax": (("log_softmax",), ("called as f(z, axis=-1)",)),
    "keras.layers:BatchNormalization": (BATCH_NORM, ("taken for batch norm, its momentum the weight of the old",)),
    "flax.nnx:BatchNorm use_fast_variance=False": (BATCH_NORM, ("with use_fast_variance = False",)),
    "keras.optimizers:SGD": (("gradient_descent", "momentum"), ("momentum judged as velocity = rate_inside",)),
    "keras.losses:CategoricalCrossentropy from_logits=True": (LOSS, ("called as f(y_true=y, y_pred=z)",)),
}


@pytest.mark.parametrize("target", CASES)
def test_it_is_taken_for_what_it_is(target: str, need: Need) -> None:
    """Judged by the laws of value alone: whether all of them hold is not the question here."""
    need(target.partition(".")[0].partition(":")[0])
    offered, words = CASES[target]
    report = quick(target, laws=["CT-1"])
    assert set(report.offered) == set(offered)
    told = "; ".join(report.recognised)
    assert all(each in told for each in words), told
    assert report.conforms, str(report)


@pytest.mark.parametrize("target", ["torch.nn:BatchNorm1d", "torch.optim:Adam", "torch.nn:CrossEntropyLoss"])
def test_it_conforms_as_the_adapter_does(target: str, need: Need) -> None:
    need("torch")
    report = quick(target)
    assert report.conforms, str(report)
    assert {result.outcome for result in report.results} >= {Outcome.CONFORMS, Outcome.NOT_OFFERED}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("torch.optim:Adamax", "not judged as adam: it has its arguments, and does something else"),
        ("torch.optim:LBFGS", "is not recognised"),
        ("torch.nn:LayerNorm", "it keeps no running_mean and running_var of 3 features"),
        ("torch.nn:BCELoss", "is not recognised"),
        ("torch.nn:BatchNorm1d eps=0.1", "eps is set by the laws, to many values: leave it out"),
        ("torch.optim:SGD momentum=0.9", "momentum is set by the laws"),
        ("torch.optim.lr_scheduler:MultiStepLR", "it needs milestones as well: it is no schedule of a factor alone"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, message: str, need: Need) -> None:
    need("torch")
    with pytest.raises(LoadError, match=message):
        quick(target)


JITTED = {
    "flax.linen:BatchNorm use_fast_variance=False": "the weight of the old; with use_fast_variance = False",
    "haiku:BatchNorm": "taken for batch norm, its decay_rate the weight of the old",
    "equinox.nn:BatchNorm": "training and backward pass are those of a first batch",
    "equinox.nn:BatchNorm mode='batch'": "its momentum the weight of the old; with mode = 'batch'",
}


@pytest.mark.parametrize("target", JITTED)
def test_a_batch_norm_of_jax_is_taken_for_it(target: str, need: Need) -> None:
    need(target.partition(".")[0].partition(":")[0])
    report = quick(target, operations=["batch_norm_inference"], laws=["CT-1"])
    assert JITTED[target] in "; ".join(report.recognised)
    assert report.conforms, str(report)


VARIANCES = {"linen": 1.0, "haiku": 1.0, "ema": 1.0, "batch": 4.0}
"""What each keeps of a batch of variance 1, with a decay of ¾; of mode "batch" docs/findings.md tells."""


@pytest.mark.parametrize("kind", VARIANCES)
def test_its_operations_are_those_of_the_library(kind: str, need: Need) -> None:
    """On numbers of which every step is exact, but for the root in some."""
    need({"linen": "flax", "haiku": "haiku"}.get(kind, "equinox"))
    target = made_of_jax(kind)
    z, gamma, beta = np.array([[-1.0], [1.0]]), np.array([3.0]), np.array([0.5])
    out, mean, var = target.batch_norm_train(z, gamma, beta, eps=0.0)
    assert (out.tolist(), mean.tolist(), var.tolist()) == ([[-2.5], [3.5]], [0.0], [1.0])
    dz, dgamma, dbeta = target.batch_norm_backward(np.array([[1.0], [3.0]]), z, gamma, eps=0.0)
    assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0.0], [0.0]], [2.0], [4.0])
    mean, var = target.batch_norm_running(z[None], decay=0.75)
    assert (mean.tolist(), var.tolist()) == ([0.0], [VARIANCES[kind]])
    out = target.batch_norm_inference(z, gamma, beta, np.array([1.0]), np.array([3.0]), eps=1.0)
    assert out.tolist() == [[-2.5], [0.5]]


def made_of_jax(kind: str) -> Any:
    if kind == "linen":
        return nnlaws.flax.linen.batch_norm(importlib.import_module("flax.linen").BatchNorm)
    if kind == "haiku":
        return nnlaws.haiku.batch_norm(importlib.import_module("haiku").BatchNorm)
    return nnlaws.equinox.batch_norm(partial(importlib.import_module("equinox").nn.BatchNorm, mode=kind))


def test_the_averages_of_equinox_are_those_that_inference_normalises_by(need: Need) -> None:
    eqx, jax = need("equinox"), need("jax")
    z = np.random.default_rng(0).normal(2.0, 3.0, (2, 8, 2)).astype(np.float32)
    layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(
        2, axis_name="b", momentum=0.5, mode="batch", dtype="float32"
    )
    for batch in z:
        _, state = jax.vmap(layer, axis_name="b", in_axes=(0, None), out_axes=(0, None))(batch, state)
    frozen = jax.vmap(eqx.nn.inference_mode(layer), axis_name="b", in_axes=(0, None), out_axes=(0, None))
    target = made_of_jax("batch")
    mean, var = target.batch_norm_running(z, decay=0.5)
    ones = np.ones(2, np.float32)
    out = target.batch_norm_inference(z[0], ones, 0 * ones, mean, var, eps=1e-5)
    assert np.allclose(out, frozen(z[0], state)[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "flax.linen:BatchNorm use_scale=False",
            "it has no scale in params; expected a layer with params scale and bias",
        ),
        ("flax.linen:LayerNorm", "of batch norm's it has no momentum"),
        ("flax.nnx:BatchNorm scale_init=1", "made of 3 features, it raised TypeError"),
        ("flax.linen:BatchNorm axis_name=devices", "made of 3 features, it raised .*: .*devices"),
        ("haiku:LayerNorm", "of batch norm's it has no decay_rate"),
        ("haiku:BatchNorm eps=1.0", "eps is set by the laws, to many values: leave it out"),
        (
            "equinox.nn:BatchNorm channelwise_affine=False",
            "it has no weight, bias; expected a layer with weight and bias",
        ),
        ("equinox.nn:LayerNorm", "of batch norm's it has no axis_name, momentum"),
        ("sklearn.metrics:log_loss", "it is the cross entropy of probabilities, not of logits"),
    ],
)
def test_what_is_no_batch_norm_of_jax_or_no_loss_of_logits_is_told_why(target: str, message: str, need: Need) -> None:
    need(target.partition(".")[0].partition(":")[0])
    with pytest.raises(LoadError, match=message):
        quick(target)


JAX = """
import jax
import jax.numpy as jnp

@jax.jit
def fast(z):
    e = jnp.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
"""

TORCH = """
import torch
from torch.export import Dim, export

def soft(z: torch.Tensor) -> torch.Tensor:
    return torch.softmax(z, -1)

class Soft(torch.nn.Module):
    def forward(self, z):
        return torch.softmax(z, -1)

compiled = torch.compile(soft, backend="eager")
scripted = torch.jit.script(soft)
exported = export(Soft(), (torch.zeros(4, 3),), dynamic_shapes=({0: Dim.DYNAMIC, 1: Dim.DYNAMIC},)).module()
fixed = export(Soft(), (torch.zeros(4, 3),)).module()

def layer(n, eps, momentum):
    return torch.compile(torch.nn.BatchNorm1d(n, eps=eps, momentum=momentum), backend="eager")
"""


@pytest.mark.parametrize(
    ("library", "name"), [("jax", "fast"), ("torch", "compiled"), ("torch", "scripted"), ("torch", "exported")]
)
def test_what_was_compiled_is_a_target_too(library: str, name: str, tmp_path: Path, need: Need) -> None:
    need(library)
    path = tmp_path / "mine.py"
    path.write_text({"jax": JAX, "torch": TORCH}[library], encoding="utf-8")
    report = quick(f"{path}:{name}", laws=["CT-1"])
    assert report.recognised[0] == "taken for softmax by rows, called as f(z)"
    assert report.conforms, str(report)
    alone = "judged in float32 alone, which it was exported for"
    assert (alone in report.recognised) == (name == "exported")


def test_what_was_exported_for_one_shape_is_told_so(tmp_path: Path, need: Need) -> None:
    need("torch")
    path = tmp_path / "mine.py"
    path.write_text(TORCH, encoding="utf-8")
    with pytest.raises(
        LoadError, match=r"exported for input of shape \(4, 3\), and laws need many: export it with dyn"
    ):
        quick(f"{path}:fixed")


def test_a_compiled_layer_is_a_target_by_a_function_that_makes_it(tmp_path: Path, need: Need) -> None:
    need("torch")
    path = tmp_path / "mine.py"
    path.write_text(TORCH, encoding="utf-8")
    report = quick(f"{path}:layer --as batch_norm --input 2d", operations=["batch_norm_inference"], laws=["CT-1"])
    assert report.conforms, str(report)


def test_a_function_is_compiled_for_each_shape_and_never_run_as_it_is_written(need: Need) -> None:
    torch = need("torch")
    from nnlaws.native.torch.compiled import always_compiled

    graphs: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    function = always_compiled(torch.compile(lambda z: torch.softmax(z, -1), backend=backend, dynamic=False))
    for columns in range(2, 14):
        function(torch.zeros(3, columns))
    assert len(graphs) == 12


MINE = """
import torch
from torch import nn

class Unbiased(nn.Module):
    def __init__(self, n, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        mean, var = (x.mean(0), x.var(0)) if self.training else (self.running_mean, self.running_var)
        if self.training:
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(var.detach(), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias

def wrapped(n, eps, momentum):
    return nn.Sequential(nn.BatchNorm1d(n, eps=eps, momentum=momentum))
"""


def test_a_layer_that_was_made_already_has_one_number_of_features(need: Need) -> None:
    """It may have seen batches, and has its own ε; the laws set γ, β and the averages, and another ε where they can."""
    torch = need("torch")
    layer = torch.nn.BatchNorm1d(3, eps=0.1)
    layer(torch.randn(8, 3))
    report = quick(layer)
    assert "one layer, as it was made: its features are as many as it has" in report.recognised
    assert any("n = 3" in line for line in report.declares)
    results = [result for result in report.results if result.operation in report.offered]
    assert {result.outcome.value for result in results} <= {"conforms", "conforms as declared", "not offered"}
    assert sum(result.outcome is Outcome.NOT_OFFERED for result in results) < len(results) / 4
    assert layer.num_batches_tracked == 1
    assert float(layer.running_mean.abs().sum()) > 0


def test_a_wrong_layer_that_was_made_already_violates(need: Need) -> None:
    torch = need("torch")

    class Sloppy(torch.nn.BatchNorm1d):  # type: ignore[misc, name-defined]
        """At inference it shifts before it scales."""

        def forward(self, x: Any) -> Any:
            if self.training:
                return super().forward(x)
            return ((x - self.running_mean) / (self.running_var + self.eps).sqrt() + self.bias) * self.weight

    report = quick(Sloppy(5, eps=1e-3), laws=["batch_norm_inference.value"])
    assert not report.conforms


def test_a_layer_without_scale_and_shift_is_judged_as_such(need: Need) -> None:
    torch = need("torch")
    report = quick("torch.nn:BatchNorm1d affine=False")
    assert report.conforms, str(report)
    assert set(report.offered) == {"batch_norm_train", "batch_norm_running", "batch_norm_inference"}
    assert "judged with gamma = 1.0, beta = 0.0 alone, which is fixed" in report.declares

    class Shifted(torch.nn.BatchNorm1d):  # type: ignore[misc, name-defined]
        """A shift that it has not."""

        def forward(self, x: Any) -> Any:
            return super().forward(x) + 0.125

    assert not quick(Shifted(4, affine=False), laws=["batch_norm_train.value"]).conforms


def test_what_was_compiled_as_one_layer_is_refused(need: Need) -> None:
    torch = need("torch")
    with pytest.raises(LoadError, match="compiled as one layer"):
        quick(torch.compile(torch.nn.BatchNorm1d(3), backend="eager"))


def test_a_factory_that_branches_on_its_numbers_is_run_as_it_is(need: Need, tmp_path: Path) -> None:
    need("optax")
    (tmp_path / "mine.py").write_text(
        "import optax\n\n"
        "def adamw(learning_rate, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0):\n"
        "    adam = optax.scale_by_adam(b1, b2, eps)\n"
        "    decay = [optax.add_decayed_weights(weight_decay)] if weight_decay > 0 else []\n"
        "    return optax.chain(adam, *decay, optax.scale(-learning_rate))\n"
    )
    report = quick(f"{tmp_path / 'mine.py'}:adamw", laws=["adam.value", "adamw.value"], shapes="few")
    assert report.conforms, str(report)
    assert set(report.offered) == {"adam", "adamw"}


def test_an_optimizer_that_decays_by_default_is_judged_without_as_well(need: Need) -> None:
    need("optax")
    assert quick("optax:adamw", laws=["adam.value", "adamw.value"]).conforms


def test_each_library_that_is_looked_for_has_its_module() -> None:
    from importlib.util import find_spec

    from nnlaws.native.recognition import LIBRARIES

    assert all(find_spec(f"nnlaws.native.{library}") for library in LIBRARIES)


def test_a_layer_of_ones_own_with_a_mistake_is_told_which(tmp_path: Path, need: Need) -> None:
    need("torch")
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    report = quick(f"{path}:Unbiased")
    causes = {r.violation.cause.name for r in report.results if r.violation and r.violation.cause}
    assert "batch_norm_train.unbiased_variance" in causes
    assert quick(f"{path}:wrapped --as batch_norm", operations=["batch_norm_train"]).conforms


def test_the_same_in_python(tmp_path: Path, need: Need) -> None:
    torch = need("torch")
    target = nnlaws.torch.batch_norm(torch.nn.BatchNorm2d, input="4d", conventions={"running_variance": "unbiased"})
    assert quick(target, operations=["batch_norm_running"]).conforms
    wide = nnlaws.torch.batch_norm(torch.nn.BatchNorm1d, params=torch.float32)
    assert wide.batch_norm_inference is not None


def test_wide_parameters_beside_narrow_input(need: Need) -> None:
    need("torch")
    wide = quick("torch.nn:BatchNorm1d --params float32", dtypes=["bfloat16"], operations=["batch_norm_running"])
    assert "its parameters and averages in float32" in wide.recognised
    assert wide.conforms, str(wide)
    with pytest.raises(LoadError, match="--params float33 is no dtype of PyTorch"):
        quick("torch.nn:BatchNorm1d --params float33")
    with pytest.raises(LoadError, match=r"nnlaws:nothing cannot be had: .*expected module:function"):
        quick("torch.nn:BatchNorm1d --wrap nnlaws:nothing")
    with pytest.raises(LoadError, match="--device cannot be said of what numpy has"):
        quick("scipy.special:softmax --device cuda")


def test_a_layer_is_called_through_what_it_is_wrapped_in(need: Need) -> None:
    need("torch")
    report = quick("torch.nn:BatchNorm1d --wrap torch.nn:Sequential", laws=["BN-21"])
    assert "called through torch.nn:Sequential" in report.recognised
    assert report.conforms
