"""Whatever is typed, pasted, resumed or answered has one clear answer: some of what benchmarks/fuzz.py tries."""

from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_nothing_ends_otherwise_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("NNLAWS_NO_PLUGINS", "1")
    counts, wrong = import_module("fuzz").fuzz(400, 3)
    assert counts.total() == 400
    assert not wrong, "\n".join(wrong)
