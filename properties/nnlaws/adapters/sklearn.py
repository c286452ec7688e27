"""scikit-learn: the optimizers of MLPClassifier, which are private: SGDOptimizer and AdamOptimizer.

The target `nesterov` is SGDOptimizer with nesterov=True, its default. The rate of a step is set where the optimizer
reads it; a state is saved by pickling the optimizer, as a fitted model is. Its schedule invscaling with power_t = 1/2
is the inverse root; scikit-learn asks for it at the number of samples seen, not of epochs.
"""

import pickle
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import sklearn
from nnlaws_reference.dtypes import Array
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from nnlaws.authoring.operation import Option

description = f"scikit-learn {sklearn.__version__}, private: SGDOptimizer(nesterov=False), AdamOptimizer"
dtypes = ("float32", "float64")  # those that MLPClassifier computes in
conventions = {"velocity": "rate_inside", "adam_form": "epsilon_hat"}


def gradient_descent(theta: Array, grads: Array, *, learning_rate: Option) -> Array:
    make = partial(SGDOptimizer, momentum=0.0, nesterov=False)
    return _trajectory(make, "learning_rate", theta, grads, learning_rate)


def momentum(theta: Array, grads: Array, *, learning_rate: Option, beta: float, save_at: int | None = None) -> Array:
    make = partial(SGDOptimizer, momentum=beta, nesterov=False)
    return _trajectory(make, "learning_rate", theta, grads, learning_rate, save_at)


def adam(
    theta: Array,
    grads: Array,
    *,
    learning_rate: Option,
    beta1: float,
    beta2: float,
    eps: float,
    save_at: int | None = None,
) -> Array:
    make = partial(AdamOptimizer, beta_1=beta1, beta_2=beta2, epsilon=eps)
    return _trajectory(make, "learning_rate_init", theta, grads, learning_rate, save_at)


def inverse_root_decay(epoch: Array, *, initial: float, factor: float) -> Array:
    optimizer = SGDOptimizer([], learning_rate_init=initial * factor, lr_schedule="invscaling", power_t=0.5)
    rates = np.empty_like(epoch)
    for at, time in enumerate(epoch.astype(int).tolist()):
        optimizer.iteration_ends(time)
        rates[at] = optimizer.learning_rate
    return rates


def _trajectory(
    make: Callable[..., Any],
    rate_name: str,
    theta: Array,
    grads: Array,
    learning_rate: Option,
    save_at: int | None = None,
) -> Array:
    """One step for each gradient; after `save_at` steps, with the optimizer that was pickled then."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    iterates = np.empty_like(grads)
    parameters = [theta.copy()]
    optimizer = make(parameters)
    for t, (gradient, rate) in enumerate(zip(grads, rates, strict=True)):
        if t == save_at:
            optimizer = pickle.loads(pickle.dumps(optimizer))
        setattr(optimizer, rate_name, rate)
        optimizer.update_params(parameters, [gradient])
        iterates[t] = parameters[0]
    return iterates


def _nesterov(theta: Array, grads: Array, *, learning_rate: Option, beta: float, save_at: int | None = None) -> Array:
    make = partial(SGDOptimizer, momentum=beta, nesterov=True)
    return _trajectory(make, "learning_rate", theta, grads, learning_rate, save_at)


nesterov = SimpleNamespace(
    description=f"scikit-learn {sklearn.__version__}, private: SGDOptimizer(nesterov=True)",
    dtypes=dtypes,
    conventions={"velocity": "rate_inside", "lookahead": "nesterov"},
    momentum=_nesterov,
)
