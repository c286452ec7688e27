"""Values of Python as words of the protocol, and back: arrays with their bytes, and whatever else as JSON.

z=float32[2,3]:…                an array, in C order
z=float32[2,3]@24,-12,4:…       one that lies otherwise: where it begins in its memory, its strides; all that memory
z=float32[2,3]@0,12,4r:…        the same, read-only
y=&z                            the same array as z
t=float32:…                     a number of NumPy's
x='<c8'[2]:…                    an array of a type that the protocol does not name, in NumPy's words for it
x='object'[2]:                  an array of what is no number: no bytes
size:=100                       anything else
"""

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TYPES: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "int64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}
_NAMES = {dtype: name for name, dtype in TYPES.items()}


def said(name: str, value: Any) -> str:
    """A value as a word. Raises TypeError for what no word can say."""
    if isinstance(value, np.ndarray):
        return f"{name}={_typed(value.dtype)}[{_listed(value.shape)}]:{_hex(value)}"
    if isinstance(value, np.generic):
        return f"{name}={_typed(value.dtype)}:{_hex(np.asarray(value))}"
    return f"{name}:={spaceless(value)}"


def said_together(name: str, arrays: list[Array]) -> str:
    """Arrays of one type and shape as one, along a new first axis."""
    shape = (len(arrays), *arrays[0].shape)
    return f"{name}={_typed(arrays[0].dtype)}[{_listed(shape)}]:{''.join(map(_hex, arrays))}"


def spaceless(value: Any) -> str:
    """JSON without a space; what is no JSON but a number of NumPy's is a number of Python's."""
    return json.dumps(value, separators=(",", ":"), default=_plain).replace(" ", "\\u0020")


def said_as_it_lies(name: str, value: Array, said_before: Mapping[str, Array]) -> str:
    """An array as a word, with its whole memory where it is not all of it in C order. said_before: other arguments."""
    for other, array in said_before.items():
        if array is value:
            return f"{name}=&{other}"
    owner = memory(value)
    if value is owner and value.flags.c_contiguous and value.flags.writeable:
        return said(name, value)
    whole = flat(owner)
    offset = value.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    lies = f"{_listed((offset, *value.strides))}{'' if value.flags.writeable else 'r'}"
    return f"{name}={_typed(value.dtype)}[{_listed(value.shape)}]@{lies}:{whole.tobytes().hex()}"


def memory(x: Array) -> Array:
    """The whole array that x is a view of."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def flat(x: Array) -> NDArray[np.uint8]:
    """The bytes of an array that owns its memory, as they lie: not a copy. Raises ValueError for what has gaps."""
    found = x.ravel(order="K").view(np.uint8)
    if x.size and not np.may_share_memory(found, x):
        raise ValueError(f"an array of shape {x.shape} and strides {x.strides} is not all of its memory")
    return found


def understood(words: list[str]) -> dict[str, Any]:
    """The values of words, by name; arrays are new, and own their memory where they are all of it in C order.

    Raises ValueError for what is no word.
    """
    found: dict[str, Any] = {}
    for text in words:
        name, is_word, rest = text.partition("=")
        if name.endswith(":"):
            found[name[:-1]] = _tuples(json.loads(rest))
        elif not is_word:
            raise ValueError(f"{text[:80]!r} is no word")
        else:
            found[name] = found[rest[1:]] if rest.startswith("&") else _array(rest)
    return found


def _array(text: str) -> Any:
    head, _, data = text.rpartition(":")
    quoted = max(head.find("'", 1), 0)  # a type's own name may have brackets
    named, brackets, rest = head[quoted:].partition("[")
    named = head[:quoted] + named
    dtype = _type(named[1:-1]) if named.startswith("'") else TYPES[named]
    raw = np.frombuffer(bytes.fromhex(data), np.uint8)
    if not brackets:
        return raw.view(dtype)[0]
    listed, _, lies = rest.partition("]")
    shape = tuple(int(size) for size in listed.split(",") if size)
    if dtype.kind == "O":
        return np.empty(shape, dtype)
    if not lies:
        if raw.size != prod(shape) * dtype.itemsize:
            raise ValueError(f"{head} takes {prod(shape) * dtype.itemsize} bytes, got {raw.size}")
        return raw.view(dtype).reshape(shape).copy()
    offset, *strides = (int(number) for number in lies.strip("@r").split(","))
    whole = raw.copy()
    array: Array = np.ndarray(shape, dtype, whole, offset, tuple(strides))
    array.flags.writeable = not lies.endswith("r")
    return array


def _typed(dtype: np.dtype[Any]) -> str:
    name = _NAMES.get(dtype) if dtype.isnative else None
    return name or (f"'{dtype.str}'" if dtype.kind in "biufc" else f"'{dtype.name.replace(' ', '')}'")


def _type(name: str) -> np.dtype[Any]:
    """The type of that name; of what has none here, that of objects."""
    try:
        found = np.dtype(name)
    except TypeError:
        return np.dtype(object)
    return found if found.kind in "biufc" else np.dtype(object)


def _hex(array: Array) -> str:
    return array.tobytes().hex() if array.dtype in _NAMES or array.dtype.kind in "biufc" else ""


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} cannot be said")


def _tuples(value: Any) -> Any:
    """Lists as tuples: what a call is given, it cannot change."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
