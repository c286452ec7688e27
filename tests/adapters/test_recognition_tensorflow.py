"""Layers and optimizers of TensorFlow's libraries, Keras 2 and Sonnet, as they are."""

import importlib
from collections.abc import Callable
from typing import Any

import nnlaws
import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.native.recognition import Unrecognised, recognise

Need = Callable[[str], Any]

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "tf_keras.layers:BatchNormalization": (
        "batch_norm_inference",
        ("taken for batch norm, its momentum the weight of the old",),
    ),
    "tf_keras.optimizers:SGD": ("momentum", ("momentum judged as velocity = rate_inside",)),
    "tf_keras.optimizers:Adam": ("adam", ("adam_form = epsilon_hat",)),
    "tf_keras.optimizers.legacy:RMSprop": ("rmsprop", ("hyperparameters = working",)),
    "tf_keras.optimizers.schedules:InverseTimeDecay": ("inverse_time_decay", ("taken for a schedule",)),
    "tf_keras.activations:softmax": ("softmax", ("called as f(z, axis=-1)",)),
    "sonnet:BatchNorm": ("batch_norm_running", ("judged as running_average = bias_corrected",)),
    "sonnet.optimizers:Momentum": ("momentum", ("momentum judged as velocity = heavy_ball",)),
    "sonnet.optimizers:RMSProp": ("rmsprop", ("rmsprop_epsilon = inside",)),
}


def thing(target: str) -> Any:
    """What is judged in this process, for importing TensorFlow takes long."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "shapes": "few", "timeout": 60, **more}
    return check(target, **options)


@pytest.mark.parametrize("target", CASES)
def test_it_is_taken_for_what_it_is(target: str, need: Need) -> None:
    need(target.partition(".")[0].partition(":")[0])
    operation, words = CASES[target]
    report = quick(thing(target), laws=["CT-1"], operations=[operation])
    told = "; ".join(report.recognised)
    assert all(each in told for each in words), told
    assert report.conforms, str(report)
    assert report.results


@pytest.mark.parametrize("library", ["tf_keras", "sonnet"])
def test_a_batch_norm_does_as_the_library(library: str, need: Need) -> None:
    """On numbers of which every step is exact, but for the root in some."""
    module, tf = need(library), need("tensorflow")
    kind = module.layers.BatchNormalization if library == "tf_keras" else module.BatchNorm
    target = getattr(nnlaws, library).batch_norm(kind)
    z, gamma, beta = np.array([[-1.0], [1.0]]), np.array([3.0]), np.array([0.5])
    for _ in range(2):  # a layer is used again
        out, mean, var = target.batch_norm_train(z, gamma, beta, eps=0.0)
        assert (out.tolist(), mean.tolist(), var.tolist()) == ([[-2.5], [3.5]], [0.0], [1.0])
        dz, dgamma, dbeta = target.batch_norm_backward(np.array([[1.0], [3.0]]), z, gamma, eps=0.0)
        assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[0.0], [0.0]], [2.0], [4.0])
        mean, var = target.batch_norm_running(2 * z[None], decay=0.75)
        assert (mean.tolist(), var.tolist()) == ([0.0], [1.75 if library == "tf_keras" else 4.0])
        out = target.batch_norm_inference(z, gamma, beta, np.array([1.0]), np.array([3.0]), eps=1.0)
        assert out.tolist() == [[-2.5], [0.5]]
    assert tf.executing_eagerly()


def test_what_tf_keras_keeps_in_float32_is_rounded_to_narrow_input(need: Need) -> None:
    layer = need("tf_keras").layers.BatchNormalization
    target = nnlaws.tf_keras.batch_norm(layer)
    z, one = np.array([[-1.0], [1.0]], np.float16), np.ones(1, np.float16)
    found = (
        *target.batch_norm_train(z, one, one, eps=1e-3),
        *target.batch_norm_backward(z, z, one, eps=1e-3),
        *target.batch_norm_running(z[None], decay=0.5),
        target.batch_norm_inference(z, one, one, one, one, eps=1e-3),
    )
    assert {result.dtype.name for result in found} == {"float16"}


def test_an_optimizer_goes_on_from_what_it_saved(need: Need) -> None:
    keras, snt = need("tf_keras"), need("sonnet")
    theta, grads = np.array([1.0, 2.0]), np.array([[1.0, -1.0], [0.5, 3.0], [2.0, 1.0]])
    for module, kind in (
        (nnlaws.tf_keras, keras.optimizers.Adam),
        (nnlaws.tf_keras, keras.optimizers.legacy.Adam),
        (nnlaws.sonnet, snt.optimizers.Adam),
    ):
        adam = module.optimizer(kind).adam
        options = {"learning_rate": (0.5, 0.25, 0.5), "beta1": 0.5, "beta2": 0.75, "eps": 1e-3}
        whole = adam(theta, grads, **options)
        assert np.array_equal(adam(theta, grads, **options, save_at=1), whole)
        assert np.array_equal(adam(theta, grads, **options), whole)
        assert (np.sign(whole[0] - theta) == -np.sign(grads[0])).all()


def test_a_wrong_one_violates(need: Need) -> None:
    snt = need("sonnet")

    class Moving(snt.BatchNorm):  # type: ignore[misc, name-defined]
        """Inference normalises by the batch."""

        def __call__(self, inputs: Any, is_training: bool) -> Any:
            return super().__call__(inputs, is_training, test_local_stats=True)

    class SGD(snt.optimizers.SGD):  # type: ignore[misc, name-defined]
        """It climbs."""

        def apply(self, updates: Any, parameters: Any) -> None:
            super().apply([-each for each in updates], parameters)

    for kind, law in ((Moving, "BN-22"), (SGD, "gradient_descent.value")):
        report = quick(kind, laws=[law])
        assert Outcome.VIOLATES in {result.outcome for result in report.results}, str(report)


@pytest.mark.parametrize(
    ("target", "given", "message"),
    [
        ("tf_keras.layers:LayerNormalization", {}, "it gives neither|rows of"),
        ("tf_keras.layers:BatchNormalization", {"scale": False}, "it has no gamma"),
        ("tf_keras.optimizers:RMSprop", {"amsgrad": True}, "amsgrad makes something else of it"),
        ("tf_keras.optimizers:Adadelta", {"rho": 0.5}, "rho is set by the laws"),
        ("tf_keras.losses:CategoricalCrossentropy", {}, "it is the cross entropy of probabilities, not of logits"),
        ("sonnet:LayerNorm", {}, "of batch norm's it has no decay_rate"),
        ("sonnet:BatchNorm", {"decay_rate": 0.5}, "decay_rate is set by the laws"),
    ],
)
def test_what_is_something_else_is_told_why(target: str, given: dict[str, Any], message: str, need: Need) -> None:
    need(target.partition(".")[0].partition(":")[0])
    with pytest.raises(Unrecognised, match=message):
        recognise(thing(target), target, given, {})


def test_a_loss_of_logits_is_one(need: Need) -> None:
    need("tf_keras")
    made = recognise(thing("tf_keras.losses:CategoricalCrossentropy"), "", {"from_logits": True}, {})
    assert made is not None
    z, y = np.zeros((2, 2)), np.eye(2)
    assert made.cross_entropy_gradient(z, y).tolist() == [[-0.25, 0.25], [0.25, -0.25]]
