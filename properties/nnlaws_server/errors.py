"""Exceptions in words, and that of a target that cannot be used."""


class TargetError(Exception):
    """The target cannot be found, loaded or used; the message says what to do."""


def words(error: BaseException) -> str:
    """An exception's type and message, even where its own __str__ fails."""
    try:
        message = str(error)
    except Exception as another:
        message = f"(its message cannot be shown: {type(another).__name__})"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
