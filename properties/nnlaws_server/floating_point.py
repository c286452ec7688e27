"""The floating-point mode: in which direction the processor rounds, and whether it keeps subnormal numbers.

A target may change that, at import or in a call, for the whole thread. Its calls get what its import left; everything
else, other operations and our own bounds, is computed as the process began. Source: C99 7.6, fenv.h.
"""

import ctypes
import sys
from typing import Any

_LITTLE, _SMALLEST, _LEAST = 2.0**-60, 2.0**-1022, 2.0**-1074
_ROOM = 256  # bytes: more than any fenv_t has


def _library() -> Any:
    """The C library's floating-point environment, or None where there is none to be had."""
    try:
        library: Any = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        return library if library.fegetenv and library.fesetenv else None
    except (OSError, AttributeError, TypeError):
        return None


_C = _library()


def state() -> tuple[bool, ...]:
    """Whether sums next to 1 and −1 are rounded away from them, and subnormal numbers come out of products, or go in.

    All but the last two are false where it rounds to nearest; those are true where subnormal numbers are kept.
    """
    up, down = 1.0 + _LITTLE > 1.0, 1.0 - _LITTLE < 1.0
    return up, down, _LITTLE - 1.0 > -1.0, _SMALLEST * 0.5 > 0.0, _LEAST * 2.0**60 > 0.0


def saved() -> Any:
    """The environment, to be set again."""
    if _C is None:
        return None
    buffer = ctypes.create_string_buffer(_ROOM)
    _C.fegetenv(buffer)
    return buffer


def put(environment: Any) -> None:
    if _C is not None and environment is not None:
        _C.fesetenv(environment)


USUAL, _OURS = state(), saved()
_theirs: tuple[tuple[bool, ...], Any] = (USUAL, None)


def loaded() -> None:
    """Notes what the target's import has left, for its calls, and goes back to what was before."""
    global _theirs
    _theirs = (state(), saved())
    put(_OURS)


def enter() -> None:
    """Before a call."""
    if _theirs[0] != USUAL:
        put(_theirs[1])


def leave() -> bool:
    """After it: whether the call has changed something. Goes back to what was before."""
    now = state()
    if now != USUAL:
        put(_OURS)
    return now != _theirs[0]
