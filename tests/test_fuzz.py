"""Whatever is typed, pasted, resumed or answered has one clear answer: some of what benchmarks/fuzz.py tries."""

import tempfile
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_nothing_ends_otherwise_than_it_should(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a folder of its own: what other tests have there at the same time is no leftover."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("NNLAWS_NO_PLUGINS", "1")
    counts, wrong = import_module("fuzz").fuzz(400, 3)
    assert counts.total() == 400
    assert not wrong, "\n".join(wrong)
