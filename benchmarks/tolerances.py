"""What is close enough by default, entry by entry, in four tools that compare with tolerances."""

from collections.abc import Callable

import numpy as np
from nnlaws.rounding.formats import Format
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _within(got: Floats, want: Floats, rtol: float, atol: float) -> Bools:
    with np.errstate(invalid="ignore"):
        return np.asarray((got == want) | (np.abs(got - want) <= atol + rtol * np.abs(want)) & np.isfinite(want))


def _torch(got: Floats, want: Floats, format: Format) -> Bools:
    """torch.testing.assert_close: its table of defaults by dtype."""
    tolerances = {
        "float16": (1e-3, 1e-5),
        "bfloat16": (1.6e-2, 1e-5),
        "float32": (1.3e-6, 1e-5),
        "float64": (1e-7, 1e-7),
    }
    return _within(got, want, *tolerances[format.name])


def _numpy(got: Floats, want: Floats, format: Format) -> Bools:
    """numpy.testing.assert_allclose: rtol = 1e-7, atol = 0."""
    return _within(got, want, 1e-7, 0.0) | (np.isnan(got) & np.isnan(want))


def _onnx(got: Floats, want: Floats, format: Format) -> Bools:
    """ONNX's backend tests: assert_allclose with rtol = 1e-3, atol = 1e-7 (onnx/backend/test/loader/__init__.py), and
    for bfloat16 rtol = 2^-6 (onnx/backend/test/runner/__init__.py)."""
    return _within(got, want, 2.0**-6 if format.name == "bfloat16" else 1e-3, 1e-7) | (np.isnan(got) & np.isnan(want))


def _array_api(got: Floats, want: Floats, format: Format) -> Bools:
    """array-api-tests: math.isclose with rel_tol = 0.25, abs_tol = 1 (array_api_tests/pytest_helpers.py)."""
    with np.errstate(invalid="ignore"):
        close = np.abs(got - want) <= np.maximum(0.25 * np.maximum(np.abs(got), np.abs(want)), 1.0)
        return np.asarray((got == want) | close & np.isfinite(want) & np.isfinite(got))


Close = Callable[[Floats, Floats, Format], Bools]
"""Entry by entry: whether a result is close enough to the expected one, by the dtype's tolerances."""

OTHERS: dict[str, Close] = {
    "torch": _torch,
    "numpy": _numpy,
    "onnx": _onnx,
    "array-api": _array_api,
}
