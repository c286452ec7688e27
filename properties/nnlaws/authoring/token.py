"""Tokens: a case in a line of text, and the replay token that names a law, a dtype, a case and a target.

All that reads or writes such text does so here. Imports nothing heavy: the parent process lives on it.
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnlaws.authoring.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 2**25  # entries of a token's array
TOGETHER = 512  # seeds in a row, which share the numbers that are one for a whole batch
_NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[-+]?\d{1,3})?|inf)"
_OVERLAY = re.compile(rf",@(\d{{1,9}})=({_NUMBER})")
_SETTING = re.compile(rf",([a-z]\w*)=({_NUMBER})")
_CASE = re.compile(
    rf"(?P<m>\d{{1,9}})x(?P<columns>\d{{1,9}}),(?P<family>\w+),(?P<k>-?\d{{1,9}}),(?P<seed>\d{{1,19}})"
    rf"(?P<overlays>(?:,@\d{{1,9}}={_NUMBER})*)(?P<settings>(?:,[a-z]\w*={_NUMBER})*)"
)


@dataclass(frozen=True)
class Case:
    """m samples of `columns` classes or features, from a family scaled by k, with `seed` for its chances, and entries
    laid over it. settings: options of the operation that the case sets itself, by name; the seed chooses the others.

    str(case) is its token, as in `1x3,integers,8,0,@2=-0.5,eps=0.001`; Case.parse reads it back.
    """

    m: int
    columns: int
    family: str
    k: int
    seed: int
    overlays: tuple[tuple[int, float], ...] = ()
    settings: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        overlays = "".join(f",@{position}={value!r}" for position, value in self.overlays)
        settings = "".join(f",{name}={value!r}" for name, value in self.settings)
        return f"{self.m}x{self.columns},{self.family},{self.k},{self.seed}{overlays}{settings}"

    @classmethod
    def parse(cls, token: str) -> "Case":
        """The case of that token. Raises UsageError that says what a token looks like."""
        found = _CASE.fullmatch(token)
        if not found:
            raise UsageError(
                f"{token!r} is not a case; expected MxC,FAMILY,K,SEED[,@PLACE=VALUE…][,OPTION=VALUE…], "
                "as in 1x3,integers,8,0,@2=-0.5,eps=0.001"
            )
        overlays = tuple((int(place), float(value)) for place, value in _OVERLAY.findall(found["overlays"]))
        m, columns = int(found["m"]), int(found["columns"])
        if not 0 < m * columns <= LARGEST:
            raise UsageError(f"{token!r} is {m} × {columns}; expected a size such that 0 < m·C ≤ {LARGEST}")
        settings = tuple((name, float(value)) for name, value in _SETTING.findall(found["settings"]))
        return cls(m, columns, found["family"], int(found["k"]), int(found["seed"]), overlays, settings)

    def lane(self, number: int) -> "Case":
        """The case whose first array is this one's array of that number."""
        return replace(self, seed=self.seed + number)

    @property
    def group(self) -> int:
        """A number that the lanes of a drawn case share; 0 for the simplest."""
        return self.seed // TOGETHER

    def setting(self, name: str, otherwise: float) -> float:
        """The option of that name, where the case sets it itself."""
        return dict(self.settings).get(name, otherwise)

    def random(self, stream: str) -> "np.random.Generator":
        """The case's chances, independent from one named stream to the next."""
        import numpy as np

        name = stream.encode()
        return np.random.Generator(np.random.PCG64(self.seed << 8 * max(len(name), 8) | int.from_bytes(name)))

    def overlay(self, x: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """x with the overlaid entries put in, each at its position modulo the size."""
        for position, value in self.overlays:
            x.flat[position % x.size] = value
        return x


@dataclass(frozen=True)
class Token:
    """What `nnlaws replay` takes: law/dtype/case/target, as in
    `softmax.value/float32/1x1,constant,89,0/my_layers.py`.
    """

    law: str
    dtype: str
    case: Case
    target: str

    def __str__(self) -> str:
        return f"{self.law}/{self.dtype}/{self.case}/{self.target}"

    @classmethod
    def parse(cls, text: str) -> "Token":
        """The token that a violation prints. Raises UsageError that says what one looks like."""
        parts = text.split("/", 3)
        if len(parts) < 4:
            raise UsageError(f"{text!r} is not a case; expected law/dtype/case/target, as a violation prints it")
        law, dtype, case, target = parts
        return cls(law, dtype, Case.parse(case), target)

    def lane(self, number: int) -> "Token":
        """The token of the array of that number in the batch."""
        return replace(self, case=self.case.lane(number))
