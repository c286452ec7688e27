"""scikit-learn: the optimizers of MLPClassifier, which are private: SGDOptimizer and AdamOptimizer.

The target `nesterov` is SGDOptimizer with nesterov=True, its default. The rate of a step is set where the optimizer
reads it; a state is saved by pickling the optimizer, as a fitted model is. Its schedule invscaling with power_t = 1/2
is the inverse root; scikit-learn asks for it at the number of samples seen, not of epochs.
"""

import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import sklearn
from nnlaws_reference.dtypes import Array
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from nnlaws.native.driver import Optimizer, stateful, stateless

State = tuple[list[Array], Any]
"""The parameters, one array, and the optimizer."""

description = f"scikit-learn {sklearn.__version__}, private: SGDOptimizer(nesterov=False), AdamOptimizer"
dtypes = ("float32", "float64")  # those that MLPClassifier computes in
conventions = {"velocity": "rate_inside", "adam_form": "epsilon_hat"}


@stateless
def gradient_descent() -> Optimizer[State]:
    return _optimizer(SGDOptimizer, "learning_rate", momentum=0.0, nesterov=False)


@stateful
def momentum(*, beta: float) -> Optimizer[State]:
    return _optimizer(SGDOptimizer, "learning_rate", momentum=beta, nesterov=False)


@stateful
def adam(*, beta1: float, beta2: float, eps: float) -> Optimizer[State]:
    return _optimizer(AdamOptimizer, "learning_rate_init", beta_1=beta1, beta_2=beta2, epsilon=eps)


def inverse_root_decay(epoch: Array, *, initial: float, factor: float) -> Array:
    optimizer = SGDOptimizer([], learning_rate_init=initial * factor, lr_schedule="invscaling", power_t=0.5)
    rates = np.empty_like(epoch)
    for at, time in enumerate(epoch.astype(int).tolist()):
        optimizer.iteration_ends(time)
        rates[at] = optimizer.learning_rate
    return rates


def _optimizer(kind: Callable[..., Any], rate_name: str, **options: float) -> Optimizer[State]:
    def init(theta: Array) -> State:
        parameters = [theta.copy()]
        return parameters, kind(parameters, **options)

    def step(state: State, gradient: Array, rate: float) -> State:
        parameters, optimizer = state
        setattr(optimizer, rate_name, rate)
        optimizer.update_params(parameters, [gradient])
        return state

    def restored(state: State) -> State:
        parameters, optimizer = state
        return parameters, pickle.loads(pickle.dumps(optimizer))

    return Optimizer(init, step, lambda state: state[0][0], restored)


@stateful
def _nesterov(*, beta: float) -> Optimizer[State]:
    return _optimizer(SGDOptimizer, "learning_rate", momentum=beta, nesterov=True)


nesterov = SimpleNamespace(
    description=f"scikit-learn {sklearn.__version__}, private: SGDOptimizer(nesterov=True)",
    dtypes=dtypes,
    conventions={"velocity": "rate_inside", "lookahead": "nesterov"},
    momentum=_nesterov,
)
