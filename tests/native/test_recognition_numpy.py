"""Optimizers, batch norm and softmax that are classes of NumPy, as courses and packages of one file have them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

OPTIMIZERS = """
import numpy as np

class Adam:
    "The usual: it gives the new parameter, ε is an attribute, and what it keeps is float64."
    def __init__(self, learning_rate=0.001, b1=0.9, b2=0.999):
        self.learning_rate, self.b1, self.b2, self.eps = learning_rate, b1, b2, 1e-8
        self.t, self.m, self.v = 0, None, None

    def averaged(self, grad):
        self.t += 1
        if self.m is None:
            self.m, self.v = np.zeros(grad.shape), np.zeros(grad.shape)
        self.m = self.b1 * self.m + (1 - self.b1) * grad
        self.v = self.b2 * self.v + (1 - self.b2) * grad**2
        return self.m / (1 - self.b1**self.t), self.v / (1 - self.b2**self.t)

    def update(self, w, grad_wrt_w):
        m, v = self.averaged(grad_wrt_w)
        return w - self.learning_rate * m / (np.sqrt(v) + self.eps)

class NAdam(Adam):
    "Another algorithm."
    def update(self, w, grad_wrt_w):
        m, v = self.averaged(grad_wrt_w)
        ahead = self.b1 * m + (1 - self.b1) * grad_wrt_w / (1 - self.b1**self.t)
        return w - self.learning_rate * ahead / (np.sqrt(v) + self.eps)

class AMSGrad(Adam):
    "Another algorithm."
    top = 0.0
    def update(self, w, grad_wrt_w):
        m, v = self.averaged(grad_wrt_w)
        self.top = np.maximum(self.top, self.v)
        return w - self.learning_rate * m / (np.sqrt(self.top / (1 - self.b2**self.t)) + self.eps)

class AdamUncorrected(Adam):
    "Wrong: the second moment is not corrected."
    def update(self, w, grad_wrt_w):
        m, _ = self.averaged(grad_wrt_w)
        return w - self.learning_rate * m / (np.sqrt(self.v) + self.eps)

class ByKey:
    "Dictionaries that are changed in place; the correction is in the rate, and ε is written in."
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2, self.t, self.m, self.v = lr, beta1, beta2, 0, {}, {}

    def update(self, params, grads):
        self.t += 1
        rate = self.lr * np.sqrt(1.0 - self.beta2**self.t) / (1.0 - self.beta1**self.t)
        for key, grad in grads.items():
            self.m[key] = self.beta1 * self.m.get(key, 0.0) + (1 - self.beta1) * grad
            self.v[key] = self.beta2 * self.v.get(key, 0.0) + (1 - self.beta2) * grad**2
            params[key] -= rate * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)

class InLists:
    "Lists of arrays that are changed in place."
    def __init__(self, learning_rate=0.1, momentum=0.9):
        self.learning_rate, self.momentum, self.v = learning_rate, momentum, None

    def step(self, params, grads):
        self.v = self.v or [np.zeros_like(p) for p in params]
        for i, (p, g) in enumerate(zip(params, grads)):
            self.v[i] = self.momentum * self.v[i] - self.learning_rate * g
            p += self.v[i]

class Rate:
    def __init__(self, lr):
        self.lr = lr

    def __call__(self, step, cur_loss=None):
        return self.lr

class ByName:
    "A state by name, its numbers in a dictionary, and its rate in a scheduler."
    steps = "n"
    def __init__(self, lr=0.01, decay=0.9, eps=1e-7, clip_norm=None, lr_scheduler=None, **kwargs):
        self.cache, self.lr_scheduler = {}, Rate(lr)
        self.hyperparameters = {"lr": lr, "decay": decay, "eps": eps, "clip_norm": clip_norm}

    def __call__(self, param, param_grad, param_name, cur_loss=None):
        return self.update(param, param_grad, param_name, cur_loss)

    def step(self):
        pass

    def update(self, param, param_grad, param_name, cur_loss=None):
        decay, squares = self.hyperparameters["decay"], self.cache.get(param_name, np.zeros_like(param_grad))
        self.cache[param_name] = decay * squares + (1 - decay) * param_grad**2
        root = np.sqrt(self.cache[param_name]) + self.hyperparameters["eps"]
        return param - self.lr_scheduler(0, cur_loss) * param_grad / root

class Change:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, w, grad):
        return -self.lr * grad

class Stuck:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, w, grad):
        return w - 0.01 * grad

class Timed:
    def __init__(self, lr=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.lr = lr

    def update(self, t, w, b, dw, db):
        return w, b
"""

LAYERS = """
import copy
import numpy as np

class Softmax:
    def __call__(self, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def gradient(self, x):
        return self(x) * (1 - self(x))

class Tanh:
    def __call__(self, x):
        return np.tanh(x)

class Norm:
    "Its parameters are moved in the backward pass, by an optimizer; its averages start from the first batch."
    def __init__(self, momentum=0.99):
        self.momentum, self.trainable, self.eps = momentum, True, 0.01
        self.running_mean = self.running_var = None

    def set_input_shape(self, shape):
        self.input_shape = shape

    def initialize(self, optimizer):
        self.gamma, self.beta = np.ones(self.input_shape), np.zeros(self.input_shape)
        self.gamma_opt, self.beta_opt = copy.copy(optimizer), copy.copy(optimizer)

    def statistics(self, X):
        return X.mean(axis=0), X.var(axis=0)

    def forward_pass(self, X, training=True):
        mean, var = self.statistics(X)
        if self.running_mean is None:
            self.running_mean, self.running_var = mean, var
        if training:
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mean, var = self.running_mean, self.running_var
        self.inverse = 1 / np.sqrt(var + self.eps)
        self.normal = (X - mean) * self.inverse
        return self.gamma * self.normal + self.beta

    def backward_pass(self, accum_grad):
        m, gamma, xhat = len(accum_grad), self.gamma, self.normal
        self.gamma = self.gamma_opt.update(self.gamma, (accum_grad * xhat).sum(axis=0))
        self.beta = self.beta_opt.update(self.beta, accum_grad.sum(axis=0))
        mean = accum_grad.mean(axis=0) + xhat * (accum_grad * xhat).mean(axis=0)
        return gamma * self.inverse * (accum_grad - mean)

class NormUnbiased(Norm):
    "Wrong: it divides by m − 1."
    def statistics(self, X):
        return X.mean(axis=0), X.var(axis=0, ddof=1)

class Switched:
    "train() and eval(), rows of parameters, the weight of the new, and gradients as attributes; ε is written in."
    def __init__(self, num_features, momentum=0.1):
        self.gamma, self.beta = np.ones((1, num_features)), np.zeros((1, num_features))
        self.moving_mean, self.moving_var = np.zeros((1, num_features)), np.ones((1, num_features))
        self.momentum = momentum
        self.train()

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def forward(self, x):
        mean, var = self.moving_mean, self.moving_var
        if self.training:
            mean, var = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
            self.moving_mean = self.moving_mean + self.momentum * (mean - self.moving_mean)
            self.moving_var = (1 - self.momentum) * self.moving_var + self.momentum * var
        self.inverse = 1 / np.sqrt(var + 1e-5)
        self.normal = (x - mean) * self.inverse
        return self.gamma * self.normal + self.beta

    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.normal).sum(axis=0), dout.sum(axis=0)
        mean = dout.mean(axis=0) + self.normal * (dout * self.normal).mean(axis=0)
        return self.gamma * self.inverse * (dout - mean)

class Lazy:
    "Its parameters and their gradients, which add up, are in dictionaries, made at the first call."
    def __init__(self, momentum=0.9, epsilon=1e-5):
        self.X, self.parameters, self.gradients = [], {"scaler": None}, {}
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, X, retain_derived=True):
        n, P = X.shape[1], self.parameters
        if P["scaler"] is None:
            P.update(scaler=np.random.rand(n), intercept=np.zeros(n), running_mean=np.zeros(n), running_var=np.ones(n))
            self.gradients = {"scaler": np.zeros(n), "intercept": np.zeros(n)}
        mean, var = P["running_mean"], P["running_var"]
        if retain_derived:
            self.X.append(X)
            mean, var = X.mean(axis=0), X.var(axis=0)
            P["running_mean"] = self.momentum * P["running_mean"] + (1 - self.momentum) * mean
            P["running_var"] = self.momentum * P["running_var"] + (1 - self.momentum) * var
        return P["scaler"] * ((X - mean) / np.sqrt(var + self.epsilon)) + P["intercept"]

    def backward(self, dLdy):
        (x,) = self.X
        root = np.sqrt(x.var(axis=0) + self.epsilon)
        N = (x - x.mean(axis=0)) / root
        self.gradients["scaler"] += (dLdy * N).sum(axis=0)
        self.gradients["intercept"] += dLdy.sum(axis=0)
        return self.parameters["scaler"] / root * (dLdy - dLdy.mean(axis=0) - N * (dLdy * N).mean(axis=0))

class LayerNorm:
    def __init__(self, dim, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(dim), np.zeros(dim), eps

    def forward(self, x):
        mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
        return self.gamma * (x - mean) / np.sqrt(var + self.eps) + self.beta

class Hidden(Switched):
    "What it is called is not what it computes with."
    def __init__(self, num_features, momentum=0.1):
        super().__init__(num_features, momentum)
        self._scale = self.gamma

    def forward(self, x):
        self.gamma = self._scale
        return super().forward(x)

class Alone(Norm):
    "Nothing tells training from inference."
    def forward_pass(self, X):
        return super().forward_pass(X, True)
"""

BATCH_NORM = ("batch_norm_train", "batch_norm_backward", "batch_norm_running", "batch_norm_inference")
LAWS = ("BN-4", "BN-13", "BN-14", "BN-15", "BN-18", "BN-19", "BN-21", "CT-2")


TWO = "an odd number of coordinates, from 3 on, comes as two parameters"


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Any]:
    """The report of what a file has under a name."""
    for name, text in (("optimizers", OPTIMIZERS), ("layers", LAYERS)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")

    def report(target: str, *laws: str, **more: Any) -> Any:
        options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "shapes": "few", "laws": laws, **more}
        return check(str(tmp_path / target), **options)

    return report


@pytest.mark.parametrize(
    ("name", "operation", "told"),
    [
        ("Adam", "adam", "called as update(parameter, gradient)"),
        (
            "ByKey",
            "adam",
            f"called as update(parameter, gradient), given dictionaries; {TWO}; adam judged as adam_form",
        ),
        (
            "InLists",
            "momentum",
            f"called as step(parameter, gradient), given lists; {TWO}; momentum judged as velocity",
        ),
        ("ByName", "rmsprop", "called as update(parameter, gradient, name)"),
    ],
)
def test_a_right_optimizer_conforms_however_it_is_called(
    judged: Callable[..., Any], name: str, operation: str, told: str
) -> None:
    report = judged(f"optimizers.py:{name}", f"{operation}.value", "OP-12", "OP-17", "CT-2")
    assert report.conforms, str(report)
    assert operation in report.offered
    assert told in "; ".join(report.recognised)


def test_an_epsilon_that_is_written_into_an_optimizer_is_found(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:ByKey", "CT-1")
    assert report.declares == ("judged with eps = 1e-07 alone, which is fixed",)


def test_a_wrong_optimizer_violates(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:AdamUncorrected", "adam.value")
    assert [result.outcome for result in report.results] == [Outcome.VIOLATES], str(report)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NAdam", "not judged as adam: it has its arguments, and does something else"),
        ("AMSGrad", "not judged as adam: it has its arguments, and does something else"),
        ("Change", "of 8 gives .*, and no parameter that moved a little"),
        ("Stuck", "its lr changes nothing: it is no learning rate"),
        ("Timed", r"update\(t, w, b, dw, db\) is no call with a parameter and its gradient"),
        ("Adam b1=0.5", "b1 is set by the laws"),
    ],
)
def test_an_optimizer_that_is_something_else_is_told_why(judged: Callable[..., Any], name: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        judged(f"optimizers.py:{name}")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "Norm",
            "its momentum the weight of the old; called with training=True in training; batch_norm_running",
        ),
        ("Switched", "its momentum the weight of the new; after train() or eval()"),
        ("Lazy", "its momentum the weight of the old; called with retain_derived=True in training"),
    ],
)
def test_a_right_layer_conforms_however_it_is_written(judged: Callable[..., Any], name: str, told: str) -> None:
    report = judged(f"layers.py:{name}", *LAWS)
    assert report.conforms, str(report)
    assert set(report.offered) == {*BATCH_NORM}
    assert told in "; ".join(report.recognised)
    assert ("judged with eps = 1e-05 alone, which is fixed" in report.declares) == (name == "Switched")


def test_a_wrong_layer_violates(judged: Callable[..., Any]) -> None:
    report = judged("layers.py:NormUnbiased", "BN-4")
    assert Outcome.VIOLATES in {result.outcome for result in report.results}, str(report)


def test_a_class_whose_call_is_softmax_is_one(judged: Callable[..., Any]) -> None:
    report = judged("layers.py:Softmax", "SM-1", "SM-6")
    assert report.recognised == ("taken for softmax by rows, called as f(z)",)
    assert report.conforms, str(report)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Tanh", r"the rows of f\(z\) sum to"),
        ("LayerNorm", "it keeps no running mean and variance"),
        ("Hidden", "its gamma, set to other numbers, changes nothing"),
        ("Alone", "nothing tells its training from inference"),
    ],
)
def test_a_class_that_is_something_else_is_told_why(judged: Callable[..., Any], name: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        judged(f"layers.py:{name}")
