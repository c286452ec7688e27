"""What a call may change of the process that it runs in, and should not: whoever comes next would see it."""

import os
import random
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

START = os.getcwd()  # of the process, before any call


def _numpy_generator() -> object:
    state: Any = np.random.get_state(legacy=False)
    return state["state"]["key"].tobytes(), state["state"]["pos"], state["has_gauss"], state["gauss"]


SEEN: dict[str, Callable[[], object]] = {
    "NumPy's global generator (numpy.random)": _numpy_generator,
    "Python's global generator (random)": random.getstate,
    "the filters of warnings": lambda: tuple(warnings.filters),
    "the working directory": os.getcwd,
    "the environment": lambda: dict(os.environ),
    "the recursion limit": sys.getrecursionlimit,
    "standard output (sys.stdout)": lambda: id(sys.stdout),
}
"""By name, what is looked at everywhere; of NumPy's error state the subject tells, which puts it back after a call."""

ERROR_STATE = "NumPy's error state (numpy.seterr)"

TORCH: dict[str, Callable[[Any], object]] = {
    "PyTorch's number of threads": lambda torch: torch.get_num_threads(),
    "PyTorch's default dtype": lambda torch: torch.get_default_dtype(),
    "PyTorch's global generator": lambda torch: torch.get_rng_state().numpy().tobytes(),
    "whether PyTorch records gradients": lambda torch: torch.is_grad_enabled(),
}
"""And where PyTorch is loaded."""


def surroundings() -> dict[str, object]:
    """How they are now, by name."""
    found = {name: look() for name, look in SEEN.items()}
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        found |= {name: look(torch) for name, look in TORCH.items()}
    return found


@contextmanager
def borrowed() -> Generator[None]:
    """Meanwhile the global generators are a draw further on, and the folder is that of the beginning; afterwards all is
    as it was, but for the environment. So what each call sets to the same value is seen to be set.
    """
    kept = np.random.get_state(), random.getstate(), os.getcwd(), sys.getrecursionlimit(), sys.stdout
    torch: Any = sys.modules.get("torch")
    own = None if torch is None else (torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype())
    os.chdir(START)
    np.random.random()
    random.random()
    if torch is not None:
        torch.rand(1)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])
        os.chdir(kept[2])
        sys.setrecursionlimit(kept[3])
        sys.stdout = kept[4]
        if torch is not None and own is not None:
            torch.set_rng_state(own[0])
            torch.set_num_threads(own[1])
            torch.set_default_dtype(own[2])


def changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """The names of what is no longer as it was."""
    return [name for name, was in before.items() if after.get(name) != was]
