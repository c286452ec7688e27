"""What goes wrong by the user's or the author's doing: each has one message that says what was given and what to do."""


class UsageError(ValueError):
    """What was asked for does not exist; the message says what does."""


class ChapterError(ValueError):
    """A chapter does not hold together; the message says what is missing or wrong, and what to do."""
