"""The second process: calls functions that it is told by name, as `nnlaws.isolation.elsewhere` asks.

Imports nothing of ours, so that it is there as soon as Python is. Each message is a length and a pickle; what functions
print goes where standard error does.
"""

import importlib
import importlib.util
import os
import pickle
import struct
import sys
from typing import IO, Any


def main() -> None:
    answers, asked = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path[:] = pickle.loads(read(asked))
    while message := read(asked):
        try:
            module, file, name, given = pickle.loads(message)
            answer: tuple[str, Any] = ("returned", called(module, file, name, *pickle.loads(given)))
        except BaseException as error:
            answer = ("raised", f"{type(error).__name__}: {error}")
        write(answers, pickle.dumps(answer))


def called(module: str, file: str, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    """The results of the function of that name, each as dtype, shape and bytes."""
    import numpy as np

    function = named(module, file, name)
    results = function(*arguments, **options)
    each = results if isinstance(results, (tuple, list)) else (results,)
    found = [np.asarray(result) for result in each]
    return [(result.dtype.str, result.shape, result.tobytes()) for result in found]


def named(module: str, file: str, name: str) -> Any:
    """What is called so in the module of that name, or in that file where no such module can be imported."""
    if module in _loaded and _loaded[module] != (file, _written(file)):
        sys.modules.pop(module, None)  # another file of that name, or another text
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        spec = importlib.util.spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise
        found = sys.modules[module] = importlib.util.module_from_spec(spec)
        _loaded[module] = (file, _written(file))
        sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
        spec.loader.exec_module(found)
    for part in name.split("."):
        found = getattr(found, part)
    return getattr(found, "function", found)  # of a mutant or a sound variant


_loaded: dict[str, tuple[str, int]] = {}
"""Of modules that were loaded from a file, which one that was, and when it was written."""


def _written(file: str) -> int:
    return os.stat(file).st_mtime_ns


def read(pipe: IO[bytes]) -> bytes:
    """The next message; nothing where there are no more."""
    head = pipe.read(8)
    return pipe.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""


def write(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(struct.pack("<Q", len(message)) + message)
    pipe.flush()


if __name__ == "__main__":
    main()
