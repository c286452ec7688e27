"""Reference optimizers beyond the notes: the formulas' values, steps in the open, and bad input."""

import re
from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.formulas import more_optimizers as formulas

ADAM: dict[str, float] = {"beta1": 0.9, "beta2": 0.9, "eps": 1e-3}
OPTIONS: dict[str, dict[str, float]] = {
    "sgd": {"beta": 0.9, "dampening": 0.25, "weight_decay": 0.1},
    "adagrad": {"eps": 1e-3, "initial_accumulator": 0.1},
    "amsgrad": ADAM,
    "nadam": {**ADAM, "momentum_decay": 0.004},
    "radam": ADAM,
    "lion": {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1},
}
STEPS = 12  # of RAdam some are rectified, and some are not
every_optimizer = pytest.mark.parametrize("name", OPTIONS)


def arrays(dtype: Any, *shape: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    return random.standard_normal(shape).astype(dtype), random.standard_normal((STEPS, *shape)).astype(dtype)


@every_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
def test_iterates_are_what_the_formula_says(name: str, dtype: str) -> None:
    theta, grads = arrays(DTYPES[dtype], 4)
    given = theta.copy(), grads.copy()
    rates = tuple(0.1 / step for step in range(1, STEPS + 1))
    for rate in (0.1, rates):
        got = getattr(reference, name)(theta, grads, learning_rate=rate, **OPTIONS[name])
        wide = theta.astype(np.float64), grads.astype(np.float64)
        want = getattr(formulas, name)(*wide, learning_rate=rate, **OPTIONS[name])
        assert (got.dtype, got.shape) == (grads.dtype, grads.shape)
        np.testing.assert_allclose(
            got.astype(np.float64), want, rtol=2.0**-7 if got.dtype.itemsize == 2 else 1e-5, atol=1e-6
        )
    assert np.array_equal(theta, given[0])
    assert np.array_equal(grads, given[1])


@every_optimizer
def test_steps_by_hand_are_the_trajectory(name: str) -> None:
    """Of parameters of any shape; what adagrad starts from is given to its state."""
    theta, grads = arrays(np.float64, 2, 3)
    options = dict(OPTIONS[name])
    whole = getattr(reference, name)(theta, grads, learning_rate=0.1, **options)
    start = {"initial_accumulator": options.pop("initial_accumulator")} if name == "adagrad" else {}
    state = getattr(reference, f"{name}_init")(theta, **start)
    for grad, iterate in zip(grads, whole, strict=True):
        theta, state = getattr(reference, f"{name}_update")(state, theta, grad, learning_rate=0.1, **options)
        assert np.array_equal(theta, iterate)


@every_optimizer
def test_no_steps_give_no_iterates(name: str) -> None:
    theta, grads = arrays(np.float32, 3)
    assert getattr(reference, name)(theta, grads[:0], learning_rate=0.1, **OPTIONS[name]).shape == (0, 3)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("sgd", {"dampening": 1.5}, "expected dampening in [0, 1], got 1.5; 0 is usual"),
        ("sgd", {"beta": 1.0}, "expected beta in [0, 1), the weight of the old average, got 1.0; 0.9 is usual"),
        ("adagrad", {"initial_accumulator": -1.0}, "expected initial_accumulator finite and ≥ 0, got -1.0; 0 and 0.1"),
        ("adagrad", {"eps": -1.0}, "expected eps finite and ≥ 0, got -1.0; 1e-8 is usual"),
        ("amsgrad", {"beta2": 1.0}, "expected beta2 in [0, 1)"),
        ("nadam", {"momentum_decay": np.inf}, "expected momentum_decay finite and ≥ 0, got inf; 0.004 is usual"),
        ("radam", {"eps": np.nan}, "expected eps finite and ≥ 0, got nan"),
        ("lion", {"weight_decay": -0.1}, "expected weight_decay finite and ≥ 0, got -0.1"),
    ],
)
@pytest.mark.parametrize("steps", [0, 2])
def test_other_numbers_are_refused(name: str, change: dict[str, float], words: str, steps: int) -> None:
    theta, grads = arrays(np.float64, 3)
    with pytest.raises(ValueError, match=re.escape(words)):
        getattr(reference, name)(theta, grads[:steps], learning_rate=0.1, **{**OPTIONS[name], **change})


@every_optimizer
def test_other_shapes_and_dtypes_are_refused(name: str) -> None:
    theta, grads = arrays(np.float32, 3)
    with pytest.raises(ValueError, match="expected grads of shape"):
        getattr(reference, name)(theta, grads[:, :2], learning_rate=0.1, **OPTIONS[name])
    with pytest.raises(ValueError, match="expected gradients of theta's dtype float32"):
        getattr(reference, name)(theta, grads.astype(np.float64), learning_rate=0.1, **OPTIONS[name])
    state = getattr(reference, f"{name}_init")(theta[:2])
    more = {k: v for k, v in OPTIONS[name].items() if k != "initial_accumulator"}
    with pytest.raises(ValueError, match="make one of these parameters with the init function"):
        getattr(reference, f"{name}_update")(state, theta, grads[0], learning_rate=0.1, **more)
