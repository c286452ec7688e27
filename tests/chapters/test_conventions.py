"""Conventions of the chapters of decay and scales: each changes something, and a weaker bound is nowhere tighter."""

import pytest
from nnlaws.chapters import CHAPTERS
from nnlaws.testing import Check, checks_of

CHANGES = [
    check
    for name in ("decay", "scales")
    for check in checks_of(CHAPTERS[name])
    if check.name.endswith("changes something")
]


@pytest.mark.sampled
@pytest.mark.parametrize("check", CHANGES, ids=str)
def test_a_convention_changes_something(check: Check) -> None:
    check()


def test_there_are_some() -> None:
    assert len(CHANGES) > 20
