"""What goes wrong by the user's or the author's doing: each has one message that says what was given and what to do."""


class UsageError(ValueError):
    """What was asked for does not exist; the message says what does."""


class ChapterError(ValueError):
    """A chapter does not hold together; the message says what is missing or wrong, and what to do."""


def words(error: BaseException) -> str:
    """An exception's type and message, even where its own __str__ fails."""
    try:
        message = str(error)
    except Exception as another:
        message = f"(its message cannot be shown: {type(another).__name__})"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
