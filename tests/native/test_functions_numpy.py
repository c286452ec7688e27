"""Steps, runs and passes that are functions of NumPy, as courses have them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

SOURCE = """
import numpy as np

def sgd_momentum(w, dw, config=None):
    if config is None: config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros_like(w))
    v = config["momentum"] * v - config["learning_rate"] * dw
    next_w = w + v
    config["velocity"] = v
    return next_w, config

def rmsprop(w, dw, config=None):
    if config is None: config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("cache", np.zeros_like(w))
    config["cache"] = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2
    next_w = w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"])
    return next_w, config

def adam(w, dw, config=None):
    if config is None: config = {}
    config.setdefault("learning_rate", 1e-3)
    config.setdefault("beta1", 0.9)
    config.setdefault("beta2", 0.999)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("m", np.zeros_like(w))
    config.setdefault("v", np.zeros_like(w))
    config.setdefault("t", 0)
    config["t"] += 1
    config["m"] = config["beta1"] * config["m"] + (1 - config["beta1"]) * dw
    config["v"] = config["beta2"] * config["v"] + (1 - config["beta2"]) * dw**2
    mt = config["m"] / (1 - config["beta1"] ** config["t"])
    vt = config["v"] / (1 - config["beta2"] ** config["t"])
    return w - config["learning_rate"] * mt / (np.sqrt(vt) + config["epsilon"]), config

def adam_uncorrected(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-3)
    config.setdefault("beta1", 0.9)
    config.setdefault("beta2", 0.999)
    config.setdefault("epsilon", 1e-8)
    m, v, t = config.get("m", 0), config.get("v", 0), config.get("t", 0) + 1
    m = config["beta1"] * m + (1 - config["beta1"]) * dw
    v = config["beta2"] * v + (1 - config["beta2"]) * dw**2
    config.update(m=m, v=v, t=t)
    return w - config["learning_rate"] * m / (1 - config["beta1"] ** t) / (np.sqrt(v) + config["epsilon"]), config

def update_parameters_with_gd(parameters, grads, learning_rate):
    L = len(parameters) // 2
    for l in range(1, L + 1):
        parameters["W" + str(l)] = parameters["W" + str(l)] - learning_rate * grads["dW" + str(l)]
        parameters["b" + str(l)] = parameters["b" + str(l)] - learning_rate * grads["db" + str(l)]
    return parameters

def update_parameters_with_momentum(parameters, grads, v, beta, learning_rate):
    L = len(parameters) // 2
    for l in range(1, L + 1):
        for p in ("W", "b"):
            v[f"d{p}{l}"] = beta * v[f"d{p}{l}"] + (1 - beta) * grads[f"d{p}{l}"]
            parameters[f"{p}{l}"] = parameters[f"{p}{l}"] - learning_rate * v[f"d{p}{l}"]
    return parameters, v

def update_parameters_with_adam(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    L = len(parameters) // 2
    v_corrected, s_corrected = {}, {}
    for l in range(1, L + 1):
        for p in ("W", "b"):
            v[f"d{p}{l}"] = beta1 * v[f"d{p}{l}"] + (1 - beta1) * grads[f"d{p}{l}"]
            v_corrected[f"d{p}{l}"] = v[f"d{p}{l}"] / (1 - beta1**t)
            s[f"d{p}{l}"] = beta2 * s[f"d{p}{l}"] + (1 - beta2) * grads[f"d{p}{l}"] ** 2
            s_corrected[f"d{p}{l}"] = s[f"d{p}{l}"] / (1 - beta2**t)
            step = v_corrected[f"d{p}{l}"] / (np.sqrt(s_corrected[f"d{p}{l}"]) + epsilon)
            parameters[f"{p}{l}"] = parameters[f"{p}{l}"] - learning_rate * step
    return parameters, v, s, v_corrected, s_corrected

def adam_by_states(theta, grad, m, v, t, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
    m = b1 * m + (1 - b1) * grad
    v = b2 * v + (1 - b2) * grad * grad
    theta = theta - lr * (m / (1 - b1 ** (t + 1))) / (np.sqrt(v / (1 - b2 ** (t + 1))) + eps)
    return theta, v, m

def loop(grad, x, callback=None, num_iters=100, step_size=0.001, b1=0.9, b2=0.999, eps=10**-8):
    m = np.zeros(len(x)); v = np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback: callback(x, i, g)
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * (g**2) + b2 * v
        mhat = m / (1 - b1**(i + 1)); vhat = v / (1 - b2**(i + 1))
        x = x - step_size*mhat/(np.sqrt(vhat) + eps)
    return x

def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    out, cache = None, None
    if mode == "train":
        mu = x.mean(axis=0)
        var = x.var(axis=0)
        std = np.sqrt(var + eps)
        x_hat = (x - mu) / std
        out = gamma * x_hat + beta
        cache = (x_hat, gamma, std)
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    else:
        raise ValueError('Invalid forward batchnorm mode "%s"' % mode)
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache

def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    m = dout.shape[0]
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    dx_hat = dout * gamma
    dx = (m * dx_hat - dx_hat.sum(axis=0) - x_hat * (dx_hat * x_hat).sum(axis=0)) / (m * std)
    return dx, dgamma, dbeta

def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    mu, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, None

def batch_norm(X, gamma, beta, moving_mean, moving_var, eps, momentum, training):
    if not training:
        return gamma * (X - moving_mean) / np.sqrt(moving_var + eps) + beta, moving_mean, moving_var
    mean, var = X.mean(axis=0), X.var(axis=0)
    moving_mean = (1.0 - momentum) * moving_mean + momentum * mean
    moving_var = (1.0 - momentum) * moving_var + momentum * var
    return gamma * (X - mean) / np.sqrt(var + eps) + beta, moving_mean, moving_var

def softmax_loss(x, y):
    num_train = x.shape[0]
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(num_train), y].sum() / num_train
    dx = np.exp(log_p)
    dx[np.arange(num_train), y] -= 1
    return loss, dx / num_train

def svm_loss(x, y):
    n = x.shape[0]
    margins = np.maximum(0, x - x[np.arange(n), y][:, None] + 1.0)
    margins[np.arange(n), y] = 0
    dx = (margins > 0).astype(float)
    dx[np.arange(n), y] -= dx.sum(axis=1)
    return margins.sum() / n, dx / n

def adam_in_lists(params, grads, m, v, t, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
    for i, (p, g) in enumerate(zip(params, grads)):
        m[i] = b1 * m[i] + (1 - b1) * g
        v[i] = b2 * v[i] + (1 - b2) * g * g
        p -= lr * (m[i] / (1 - b1**t)) / (np.sqrt(v[i] / (1 - b2**t)) + eps)

def constant_rate_in_loop(grad, x, num_iters, step_size, mass):
    v = np.zeros(len(x))
    for i in range(num_iters):
        v = mass * v - (1.0 - mass) * grad(x)
        x = x + step_size * v
    return x

def unflattened(optimize):
    def optimize_(grad, x0, callback=None, *args, **kwargs):
        return optimize(lambda x, i: np.ravel(grad(x, i)), np.ravel(x0), callback, *args, **kwargs)
    optimize_.__name__ = optimize.__name__
    return optimize_

@unflattened
def decorated(grad, x, callback=None, num_iters=100, step_size=0.1, gamma=0.9, eps=10**-8):
    s = np.ones(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        s = s * gamma + g**2 * (1 - gamma)
        x = x - step_size * g / (np.sqrt(s) + eps)
    return x

class Frozen:
    def __init__(self, lr=0.1, momentum=0.9):
        self.scaled, self.momentum, self.v = -lr, momentum, 0.0

    def update(self, w, grad):
        self.v = self.momentum * self.v + self.scaled * grad
        return w + self.v

def asks_twice(grad, x, num_iters, step_size):
    for i in range(num_iters):
        x = x - step_size * (grad(x) + grad(x)) / 2
    return x

def without_numbers(w, dw, config):
    return w - config["learning_rate"] * dw, config

def softmax_loss_of_sum(x, y):
    loss, dx = softmax_loss(x, y)
    return loss, dx * len(x)
"""


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Any]:
    """Checks an object of the file above, or the file."""
    (tmp_path / "mine.py").write_text(SOURCE)

    def judge(name: str, **options: Any) -> Any:
        target = str(tmp_path / "mine.py") + (f":{name}" if name else "")
        return check(target, profile="quick", dtypes=["float32"], **options)

    return judge


@pytest.mark.parametrize(
    ("name", "operations", "told"),
    [
        ("sgd_momentum", {"momentum", "gradient_descent"}, "called as f(w, dw, config)"),
        ("rmsprop", {"rmsprop"}, "called as f(w, dw, config)"),
        ("adam", {"adam"}, "called as f(w, dw, config)"),
        ("update_parameters_with_gd", {"gradient_descent"}, "given dictionaries of W1 and b1"),
        ("update_parameters_with_momentum", {"momentum", "gradient_descent"}, "given dictionaries of W1 and b1"),
        ("update_parameters_with_adam", {"adam"}, "t from 1 on"),
        ("adam_by_states", {"adam"}, "t from 0 on"),
        ("adam_in_lists", {"adam"}, "given lists, t from 1 on"),
        ("loop", {"adam"}, "called as f(grad, x, num_iters, step_size, …)"),
        ("decorated", {"rmsprop"}, "called as f(grad, x, num_iters, step_size, …)"),
        ("Frozen", {"momentum", "gradient_descent"}, "called as update(parameter, gradient)"),
        ("constant_rate_in_loop", {"momentum", "gradient_descent"}, "called as f(grad, x, num_iters, step_size, …)"),
    ],
)
def test_a_right_optimizer_conforms_however_it_is_called(
    judged: Callable[..., Any], name: str, operations: set[str], told: str
) -> None:
    report = judged(name)
    assert report.conforms, str(report)
    assert {each.operation for each in report.results if each.outcome is not Outcome.NOT_OFFERED} == operations
    assert told in report.recognised[0]


@pytest.mark.parametrize("name", ["constant_rate_in_loop", "Frozen"])
def test_what_has_one_rate_is_judged_with_one_and_the_report_says_so(judged: Callable[..., Any], name: str) -> None:
    report = judged(name, laws=["gradient_descent.value"])
    assert "judged with one learning rate for all steps" in report.declares


def test_a_wrong_step_violates_and_is_named(judged: Callable[..., Any]) -> None:
    report = judged("adam_uncorrected", laws=["adam.value"])
    (broken,) = [each for each in report.results if each.outcome is Outcome.VIOLATES]
    assert broken.violation.cause.name == "adam.first_moment_alone_corrected"


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("batch_norm", {"batch_norm_train", "batch_norm_running", "batch_norm_inference"}),
        ("batchnorm_backward", {"batch_norm_backward"}),
        ("softmax_loss", {"cross_entropy", "cross_entropy_gradient"}),
    ],
)
def test_a_right_pass_conforms(judged: Callable[..., Any], name: str, operations: set[str]) -> None:
    report = judged(name)
    assert {each.operation for each in report.results if each.outcome is not Outcome.NOT_OFFERED} == operations
    assert not [each for each in report.results if each.outcome in (Outcome.VIOLATES, Outcome.ERROR)]


def test_a_gradient_of_the_sum_beside_the_mean_violates(judged: Callable[..., Any]) -> None:
    report = judged("softmax_loss_of_sum", laws=["cross_entropy_gradient.value"])
    (broken,) = [each for each in report.results if each.outcome is Outcome.VIOLATES]
    assert broken.operation == "cross_entropy_gradient"


def test_averages_that_a_function_starts_itself_are_judged_as_it_starts_them(judged: Callable[..., Any]) -> None:
    report = judged("batchnorm_forward")
    broken = {each.operation for each in report.results if each.outcome is Outcome.VIOLATES}
    assert broken == {"batch_norm_running"}
    causes = {each.violation.cause.name for each in report.results if each.violation and each.violation.cause}
    assert "batch_norm_running.variance_from_zero" in causes


def test_a_file_of_functions_that_are_called_otherwise_is_judged_as_they_are(judged: Callable[..., Any]) -> None:
    report = judged("")
    judged_ = {each.operation for each in report.results if each.outcome is not Outcome.NOT_OFFERED}
    assert judged_ == {"rmsprop", "adam"}
    assert report.conforms, str(report)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("layernorm_forward", "no running mean and variance"),
        ("svm_loss", "and the cross entropy's mean"),
        ("without_numbers", "given an empty config"),
        ("asks_twice", "it asks for a gradient more often than it makes steps"),
    ],
)
def test_what_is_something_else_is_told_why(judged: Callable[..., Any], name: str, reason: str) -> None:
    with pytest.raises(LoadError, match="is not recognised") as refused:
        judged(name)
    assert reason in str(refused.value)
