"""The floating formats: what a rounding bound and a distance in ulp need to know of each."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np
from nnlaws_reference.dtypes import DTYPES
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Numbers in double, whatever format they are about."""


@dataclass(frozen=True)
class Format:
    """A binary floating format: unit roundoff u = 2^−digits, smallest normal `tiny`, largest finite `largest`."""

    name: str
    dtype: np.dtype[Any]
    digits: int
    u: float
    tiny: float
    largest: float

    def ulp(self, x: Floats) -> Floats:
        """The spacing of the format's numbers at |x|; at 0 and infinity, at its smallest and largest normal."""
        magnitude = np.clip(np.abs(x), self.tiny, self.largest)
        _, exponent = np.frexp(magnitude)
        return np.asarray(np.ldexp(1.0, exponent - self.digits), dtype=np.float64)


@cache
def format_of(dtype: np.dtype[Any]) -> Format:
    """The format of a dtype among DTYPES. Raises ValueError for any other."""
    for name, known in DTYPES.items():
        if known == dtype:
            info: Any = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
            digits = int(info.nmant) + 1
            return Format(name, known, digits, 2.0**-digits, float(info.smallest_normal), float(info.max))
    raise ValueError(f"expected one of {', '.join(DTYPES)}, got dtype {dtype}")
