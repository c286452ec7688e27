"""A client of nnlaws in plain Python: it reads calls from standard input, and writes what they return.

Each operation is a function of named arrays that returns named arrays: `OPERATIONS` has them. An array is a type, a
shape and its numbers in one row. The protocol is in docs/protocol.md of nnlaws.
"""

import math
import struct
import sys
from dataclasses import dataclass

FORMATS = {"float32": "f", "float64": "d", "int64": "q", "bool": "?"}


@dataclass
class Array:
    dtype: str
    shape: list[int]
    values: list[float]


def softmax(z: Array) -> dict[str, Array]:
    rows, columns = z.shape
    result: list[float] = []
    for row in range(rows):
        x = z.values[row * columns : (row + 1) * columns]
        powers = [math.exp(each - max(x)) for each in x]
        result += [each / sum(powers) for each in powers]
    return {"a": Array(z.dtype, z.shape, result)}


OPERATIONS = {"softmax": softmax}


def read(word: str) -> tuple[str, Array]:
    """z=float32[2,3]: and the bytes in hexadecimal, the lowest first."""
    name, rest = word.split("=", 1)
    head, data = rest.split("]:", 1)
    dtype, sizes = head.split("[", 1)
    shape = [int(size) for size in sizes.split(",") if size]
    raw = bytes.fromhex(data)
    return name, Array(dtype, shape, list(struct.unpack(f"<{math.prod(shape)}{FORMATS[dtype]}", raw)))


def written(name: str, array: Array) -> str:
    data = b"".join(packed(FORMATS[array.dtype], value) for value in array.values)
    return f"{name}={array.dtype}[{','.join(map(str, array.shape))}]:{data.hex()}"


def packed(form: str, value: float) -> bytes:
    """The nearest number of the type: an infinity, for what is beyond its range."""
    try:
        return struct.pack(f"<{form}", value)
    except OverflowError:
        return struct.pack(f"<{form}", math.copysign(math.inf, value))


def answer(line: str) -> str:
    kind, number, *rest = line.split(" ")
    if kind == "hello":
        return f"hello 1 name=mine language=python dtypes=float32,float64 operations={','.join(OPERATIONS)}"
    operation, *words = rest
    if operation not in OPERATIONS:
        return f"absent {number}"
    try:
        results = OPERATIONS[operation](**dict(map(read, words)))
    except Exception as error:
        return f"failed {number} {type(error).__name__}: {' '.join(str(error).split())}"
    return " ".join([f"done {number}", *(written(name, array) for name, array in results.items())])


if __name__ == "__main__":
    for line in sys.stdin:
        print(answer(line.rstrip("\n")), flush=True)
