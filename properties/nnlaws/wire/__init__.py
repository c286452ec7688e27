"""The protocol by which a target in any language is called: docs/protocol.md. Grammar, words, and the judge's end."""

PREFIX = "command:"
"""What a target that is a command begins with."""
