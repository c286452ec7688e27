"""Messages of the protocol as lines of words, and arrays as words: `z=float32[2,3]:` and their bytes in hexadecimal.

The grammar is `grammar.json`, which every client can be tested with, in whatever language.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import DTYPES, Array

PROTOCOL = 1
WIRE: Mapping[str, np.dtype[Any]] = {
    **{name: dtype.newbyteorder("<") for name, dtype in DTYPES.items()},
    "int64": np.dtype("<i8"),
    "bool": np.dtype("?"),
}
"""The types that travel, in the order of bytes in which they do."""
READABLE = 64  # numbers of an array that are written out
SHOWN = 200  # characters of a line that an error quotes


class WireError(Exception):
    """A line that the protocol does not know, or a value that no word can say; the message says which, and what was
    expected.
    """


@cache
def grammar() -> dict[str, Any]:
    """The grammar of version 1: tokens, and the messages of either side, as regular expressions of tokens."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "grammar.json").read_text("utf-8"))
    return found


@cache
def form(side: str, message: str) -> re.Pattern[str]:
    """The regular expression of a message of the "judge" or of a "client"; or of one of the sides of Python."""
    return re.compile(_expanded(grammar()[side][message]))


def _expanded(text: str) -> str:
    tokens = grammar()["tokens"]
    return re.sub("<([a-z]+)>", lambda token: f"(?:{_expanded(tokens[token[1]])})", text)


def parsed(side: str, line: str, expected: Sequence[str] = ()) -> tuple[str, list[str]]:
    """The kind of a message, of those expected or of all, and its words without that. Raises WireError for no such
    message.
    """
    kind, _, rest = line.partition(" ")
    forms = grammar()[side]
    known = expected or list(forms)
    if kind not in known or not form(side, kind).fullmatch(line):
        wanted = " or ".join(f"'{forms[each]}'" for each in ([kind] if kind in known else known))
        raise WireError(f"expected {wanted}, got {quoted(line)}")
    return kind, rest.split(" ") if rest else []


def quoted(line: str) -> str:
    """A line, or the beginning of a long one."""
    return repr(line if len(line) <= SHOWN else line[:SHOWN] + "…")


def word(name: str, value: Any) -> str:
    """An array or a number as a word: floats in float64, whole numbers in int64. Raises WireError for what no word can
    say.
    """
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:
        raise WireError(f"{name} is no array of numbers: {error}") from None
    if array.dtype.kind in "iu" and array.dtype.name not in WIRE:
        array = array.astype(np.int64) if array.dtype.itemsize < 8 else array
    if array.dtype.name not in WIRE:
        wanted = ", ".join(WIRE)
        raise WireError(f"{name} is {value!r}, in {array.dtype}, which the protocol does not have: it has {wanted}")
    shape = ",".join(map(str, array.shape))
    data = np.ascontiguousarray(array, dtype=WIRE[array.dtype.name]).tobytes()
    return f"{name}={array.dtype.name}[{shape}]:{data.hex()}"


def unword(text: str) -> tuple[str, Array]:
    """The name and the array of a word that the grammar knows. Raises WireError where it has not as many bytes as its
    shape and type ask for.
    """
    name, _, rest = text.partition("=")
    head, _, data = rest.partition(":")
    dtype, _, dims = head.removesuffix("]").partition("[")
    shape = tuple(int(size) for size in dims.split(",") if size)
    wanted = prod(shape) * WIRE[dtype].itemsize
    if len(data) != 2 * wanted:
        raise WireError(f"{name}: {head} takes {wanted} bytes, got {len(data) // 2}, in {quoted(text)}")
    array = np.frombuffer(bytes.fromhex(data), WIRE[dtype]).reshape(shape)
    return name, array.astype(WIRE[dtype].newbyteorder("="))  # of its own, and writable


def arrays(words: list[str]) -> dict[str, Array]:
    """Those of a message, by name. Raises WireError where two have one name."""
    found = dict(map(unword, words))
    if len(found) != len(words):
        raise WireError(f"two arrays have one name among {', '.join(text.partition('=')[0] for text in words)}")
    return found


def decoded(line: str) -> str:
    """A line with its arrays as numbers, to read."""
    array = _expanded("<array>")
    return " ".join(_readable(text) if re.fullmatch(array, text) else text for text in line.split(" "))


def _readable(text: str) -> str:
    head = text.partition(":")[0]
    try:
        numbers = unword(text)[1]
    except WireError:
        return text
    if numbers.size > READABLE:
        return f"{head}:{numbers.ravel()[:READABLE].tolist()}…".replace(" ", "")
    return f"{head}:{numbers.tolist()}".replace(" ", "")
