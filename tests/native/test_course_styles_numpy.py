"""Course code in the many ways in which it is written: names, orders, what is kept where, and whole files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

SOURCE = """
import numpy as np

def momentum_new(w, dw, v, lr, beta):
    v_new = beta * v + (1 - beta) * dw
    return w - lr * v_new, v_new

def adam_swapped(theta, g, m, v, t, lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8):
    m_new = beta1 * m + (1 - beta1) * g
    v_new = beta2 * v + (1 - beta2) * g * g
    return theta - lr * m_new / (1 - beta1**t) / (np.sqrt(v_new / (1 - beta2**t)) + eps), v_new, m_new

def rmsprop_state_first(w, dw, s, lr, rho, eps):
    new_s = rho * s + (1 - rho) * dw**2
    new_w = w - lr * dw / (np.sqrt(new_s) + eps)
    return new_s, new_w

def update_variables_momentum(alpha, beta1, var, grad, v):
    v = beta1 * v + (1 - beta1) * grad
    return var - alpha * v, v

def ruder(theta, g, v, lr=0.01, gamma=0.9):
    v = gamma * v + lr * g
    return theta - v, v

def same_keys(params, grads, lr):
    return {key: params[key] - lr * grads[key] for key in params}

def two_layers(parameters, grads, learning_rate):
    for key in ("W1", "b1", "W2", "b2"):
        parameters[key] = parameters[key] - learning_rate * grads["d" + key]
    return parameters

def with_more(theta, g, m, v, t, lr=0.1, betas=(0.9, 0.999), eps=1e-8, clip=None, verbose=False):
    b1, b2 = betas
    g = g if clip is None else np.clip(g, -clip, clip)
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v

class Momentum:
    def __init__(self, params, lr=0.01, momentum=0.9):
        self.params, self.lr, self.momentum = params, lr, momentum
        self.v = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, grad in enumerate(grads):
            self.v[i] = self.momentum * self.v[i] + grad
            self.params[i] = self.params[i] - self.lr * self.v[i]

def rmsprop_without_root(w, dw, s, lr, rho, eps):
    s = rho * s + (1 - rho) * dw**2
    return w - lr * dw / (s + eps), s

def rmsprop(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    s = config.get("s", 0.0)
    config["s"] = config["decay_rate"] * s + (1 - config["decay_rate"]) * dw**2
    return w - config["learning_rate"] * dw / (config["s"] + config["epsilon"]), config

def adam(w, dw, cache, lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = cache
    return w, (m, v, t)

def hard(theta, g, m, v, t, lr=0.1):
    return theta - lr * g, m, v

def timed(theta, g, m, v, t, lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return theta - lr * m / (np.sqrt(v) + eps), m, v

def probabilities(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def targets_first(y_true, logits):
    p = probabilities(logits)
    return -np.log(p[np.arange(len(p)), y_true]).mean(), (p - np.eye(p.shape[1], dtype=p.dtype)[y_true]) / len(p)

def gradient_first(x, y):
    p = probabilities(x)
    return (p - y) / len(p), -(y * np.log(p)).sum(axis=1).mean(), p

def of_sum(x, y):
    p = probabilities(x)
    return -(y * np.log(p)).sum(), (p - y) / len(p)

def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum=0.9, eps=1e-5, training=True):
    if training:
        mean, var = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    else:
        mean, var = running_mean, running_var
    xhat = (x - mean) / np.sqrt(var + eps)
    return gamma * xhat + beta, (x, xhat, gamma, var + eps), running_mean, running_var

def batch_norm_backward(dout, cache):
    x, xhat, gamma, var = cache
    dgamma = (dout * xhat).sum(axis=0)
    dx = gamma / np.sqrt(var) * (dout - dout.mean(axis=0) - xhat * (dout * xhat).mean(axis=0))
    return dx, dgamma, dgamma

def batch_norm_in_place(x, gamma, beta, moving_mean, moving_var, eps, momentum, is_training):
    "It gives the batch's statistics back, and changes the averages."
    if not is_training:
        return gamma * (x - moving_mean) / np.sqrt(moving_var + eps) + beta, moving_mean, moving_var
    mean, var = x.mean(axis=0), x.var(axis=0)
    moving_mean *= momentum
    moving_mean += (1 - momentum) * mean
    moving_var *= momentum
    moving_var += (1 - momentum) * var
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, mean, var

def in_training_alone(Z, gamma, beta, epsilon=1e-8):
    return gamma * (Z - Z.mean(0)) / np.sqrt(Z.var(0) + epsilon) + beta

batchnorm = in_training_alone

def step_decay(epoch):
    return 0.1 * 0.5 ** (epoch // 10)

def root(epoch, initial, factor):
    return initial * factor / np.sqrt(1 + epoch)
"""


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "mine.py").write_text(SOURCE)

    def judge(name: str, *laws: str) -> Any:
        target = str(tmp_path / "mine.py") + (f":{name}" if name else "")
        return check(target, profile="quick", dtypes=["float32"], laws=laws)

    return judge


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("momentum_new", "momentum.value"),
        ("adam_swapped", "adam.value"),
        ("rmsprop_state_first", "rmsprop.value"),
        ("update_variables_momentum", "momentum.value"),
        ("ruder", "momentum.value"),
        ("same_keys", "gradient_descent.value"),
        ("two_layers", "gradient_descent.value"),
        ("with_more", "adam.value"),
        ("Momentum", "momentum.value"),
        ("targets_first", "cross_entropy_gradient.value"),
        ("gradient_first", "cross_entropy_gradient.value"),
        ("batch_norm_forward", "batch_norm_running.value"),
        ("batch_norm_in_place", "batch_norm_running.value"),
        ("root", "inverse_root_decay.value"),
    ],
)
def test_what_is_right_conforms_however_it_is_written(judged: Callable[..., Any], name: str, law: str) -> None:
    report = judged(name, law)
    assert report.conforms, str(report)
    assert [each.law for each in report.results if each.outcome is not Outcome.NOT_OFFERED] == [law]


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("rmsprop", "rmsprop.value"),
        ("of_sum", "cross_entropy_gradient.value"),
        ("batch_norm_backward", "batch_norm_backward.dbeta_value"),
    ],
)
def test_what_is_wrong_violates(judged: Callable[..., Any], name: str, law: str) -> None:
    report = judged(name, law)
    assert [each.law for each in report.results if each.outcome is Outcome.VIOLATES] == [law], str(report)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rmsprop_without_root", "does something else"),
        ("adam", "raised ValueError: not enough values to unpack|leads from 8 to"),
        ("hard", "it keeps m, v, and takes no number that is their weight"),
        ("batchnorm", "it gives neither|no running mean and variance"),
        ("step_decay", "numbers that are written in are said of an adapter"),
    ],
)
def test_what_cannot_be_judged_is_told_why(judged: Callable[..., Any], name: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        judged(name)


def test_a_number_of_the_step_that_makes_no_difference_is_told(judged: Callable[..., Any]) -> None:
    report = judged("timed", "adam.value")
    assert "t from 1 on, which makes no difference" in report.recognised[0]
    assert "adam judged as adam_form = uncorrected" in report.recognised


def test_in_a_whole_file_what_is_named_so_is_judged_and_the_rest_is_told(judged: Callable[..., Any]) -> None:
    report = judged("", "rmsprop.value")
    assert [each.law for each in report.results if each.outcome is Outcome.VIOLATES] == ["rmsprop.value"]
    told = "; ".join(report.recognised)
    assert "adam is not recognised, and is called as the operation is: " in told
    assert "not looked at: Momentum, adam_swapped" in told


WHOLE = """
import numpy as np

def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)

def adam(grad, x, num_iters, step_size=0.1, b1=0.9, b2=0.999, eps=1e-8):
    m = v = np.zeros(len(x))
    for t in range(1, num_iters + 1):
        g = grad(x)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        x = x - step_size * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps)
    return x

def momentum(w, dw, cache, lr, beta):
    a, b, c = cache
    return w
"""


def test_in_a_whole_file_all_that_is_named_so_is_judged(tmp_path: Path) -> None:
    """The others' way of being called changes nothing for a wrong softmax; what nobody can call is an error."""
    (tmp_path / "whole.py").write_text(WHOLE)
    laws = ["softmax.any_size_of_logits", "adam.value", "momentum.value"]
    report = check(str(tmp_path / "whole.py"), profile="quick", dtypes=["float32"], laws=laws)
    outcomes = {each.law: each.outcome for each in report.results}
    assert outcomes == {
        "softmax.any_size_of_logits": Outcome.VIOLATES,
        "adam.value": Outcome.CONFORMS,
        "momentum.value": Outcome.ERROR,
    }
    assert "judged with one learning rate for all steps" in report.declares
    assert report.exit_code == 1


def test_a_file_without_operations_says_what_can_be_judged_by_itself(tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text("def batchnorm_forward(x, gamma, beta, bn_param):\n    return x, None\n")
    with pytest.raises(LoadError, match=r"each is judged by itself, as .*layers\.py:batchnorm_forward"):
        check(str(tmp_path / "layers.py"), profile="quick")
