"""Exceptions in words, and that of a target that cannot be used."""

LONGEST = 500  # characters of a message that are told


class TargetError(Exception):
    """The target cannot be found, loaded or used; the message says what to do."""


def words(error: BaseException) -> str:
    """An exception's type and message, even where its own __str__ fails."""
    try:
        message = str(error)
    except BaseException as another:  # whatever it is, it is no more than a message
        message = f"(its message cannot be shown: {type(another).__name__})"
    if len(message) > LONGEST:
        message = f"{message[:LONGEST]}… ({len(message):,} characters)"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
