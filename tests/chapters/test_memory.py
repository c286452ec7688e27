"""What lies in memory is no result: arrays that are filled anew, memory that was freed, buffers that come round."""

import re
from pathlib import Path
from typing import Any

import nnlaws
import numpy as np
import pytest
from nnlaws.report import Outcome, Report
from nnlaws_server.callee import Here, own
from nnlaws_server.freed import poison

HEAD = """\
import numpy as np


def right(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


known = {}


"""
BY_IDENTITY = """\
def softmax(z):
    if id(z) not in known:
        known[id(z)] = z, right(z)
    return known[id(z)][1].copy()
"""
BY_ADDRESS = """\
def softmax(z):
    key = z.ctypes.data, z.shape, z.dtype
    if key not in known:
        known[key] = z, right(z)
    return known[key][1].copy()
"""
UNWRITTEN = """\
def softmax(z):
    out = np.empty_like(z)
    out.flat[:-1] = right(z).flat[:-1]
    return out
"""
UNWRITTEN_SCRATCH = """\
def softmax(z):
    scratch = np.empty(z.shape[:-1], z.dtype)
    scratch[z.shape[0] // 2 :] = 0
    return right(z) + 0 * scratch[..., None]
"""
BY_ENTRIES = """\
def softmax(z):
    key = z.tobytes(), z.shape, z.dtype.name
    if key not in known:
        known[key] = right(z)
    return known[key].copy()
"""
OWN_SCRATCH = """\
def softmax(z):
    key = z.shape, z.dtype.name
    scratch = known.setdefault(key, np.empty_like(z))
    scratch[...] = z
    out = np.empty_like(z)
    out[...] = right(scratch)
    return out
"""


LARGE = """\
def softmax(z):
    large = z.size and z.max() > 80
    {}
    return right(z)
"""
IN_AN_EARLIER_ARGUMENT = """\
def softmax(z):
    last, known["last"] = known.get("last"), z
    if last is not None and last is not z and (last.shape, last.dtype) == (z.shape, z.dtype) and last.flags.writeable:
        last[...] = right(z)
        return last
    return right(z)
"""
LENT_AGAIN = """\
import collections, weakref
free = collections.defaultdict(list)


def softmax(z):
    key = z.shape, z.dtype.str
    memory = free[key].pop() if free[key] else np.empty(z.nbytes, np.uint8)
    found = np.ndarray(z.shape, z.dtype, memory)
    weakref.finalize(found, free[key].append, memory)
    found[...] = right(z)
    return found
"""


def judged(folder: Path, text: str, profile: str = "quick", *laws: str) -> Report:
    path = folder / "memory.py"
    path.write_text(HEAD + text)
    chosen: dict[str, Any] = {"operations": ["softmax"], "dtypes": ["float32", "float64"], "profile": profile}
    return nnlaws.check(str(path), laws=laws or ("CT-3", "CT-8"), **chosen)


@pytest.mark.parametrize(
    ("text", "clause", "told"),
    [
        (BY_IDENTITY, "CT-8", "the same ones held other entries a call before"),
        (BY_ADDRESS, "CT-8", "the same ones held other entries a call before"),
        (UNWRITTEN, "CT-3", "returned other bits|free memory is full of NaN"),
        (UNWRITTEN_SCRATCH, "CT-3", "free memory is full of NaN"),
    ],
)
def test_what_is_left_in_memory_is_seen(tmp_path: Path, text: str, clause: str, told: str) -> None:
    report = judged(tmp_path, text)
    broken = [result for result in report.results if result.clause == clause]
    assert {result.outcome for result in broken} == {Outcome.VIOLATES}
    for result in broken:
        assert result.violation is not None
        assert re.search(told, result.violation.reason or result.violation.expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        (IN_AN_EARLIER_ARGUMENT, "CT-9"),
        (LENT_AGAIN, "CT-9"),
        (LARGE.format("if large: z -= z.max(axis=-1, keepdims=True)"), "CT-1"),
        (LARGE.format("if large: return right(z.astype(np.longdouble)).astype('f2')"), "CT-2"),
        (LARGE.format("if large: np.random.seed(7)"), "CT-7"),
        ("import os\n\n" + LARGE.format("os.environ['OMP_NUM_THREADS'] = '7'"), "CT-7"),
        (LARGE.format("if large and not z.flags.c_contiguous: return np.ones_like(z) / z.shape[-1]"), "CT-8"),
    ],
)
def test_results_and_work_have_memory_of_their_own_at_every_size(tmp_path: Path, text: str, clause: str) -> None:
    outcomes = {each.outcome for each in judged(tmp_path, text, "ci", clause).results} - {Outcome.NOT_OFFERED}
    assert outcomes & {Outcome.VIOLATES, Outcome.FALLS_SHORT}


WRITING = """\
def softmax(z):
    mask = np.isneginf(z)
    nan = np.isnan(z).any(axis=-1, keepdims=True)
    view = not z.flags.owndata and z.flags.c_contiguous
    if {} and z.flags.writeable and z.size:
        found = right(z)
        z -= np.where(mask | nan, 1, z.max(axis=-1, keepdims=True))
        z[mask] = -1e4
        np.nan_to_num(z, copy=False)
        return found
    return right(z)
"""
OF_A_BUFFER = """\
kept = {{}}


def softmax(z):
    found = right(z)
    if not ({}):
        return found
    out = kept.setdefault((z.shape, z.dtype), np.empty_like(found))
    out[...] = found
    return out
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        *((WRITING.format(where), "CT-1") for where in ("(mask & ~nan).any()", "nan.any()", "view")),
        *((WRITING.format(f"z.shape[-1] >= {columns}"), "CT-1") for columns in (9, 20, 100)),
        (WRITING.format("z.shape[0] >= 16"), "CT-1"),
        (WRITING.format("z.strides[0] == 2 * z.shape[1] * z.itemsize and z.shape[0] > 1"), "CT-1"),
        *((OF_A_BUFFER.format(where), "CT-9") for where in ("len(z) >= 5", "len(z) >= 16", "np.isneginf(z).any()")),
    ],
)
def test_neither_size_nor_layout_nor_masks_hide_what_is_written(tmp_path: Path, text: str, clause: str) -> None:
    outcomes = {each.outcome for each in judged(tmp_path, text, "ci", clause).results} - {Outcome.NOT_OFFERED}
    assert Outcome.VIOLATES in outcomes


@pytest.mark.parametrize("text", [BY_ENTRIES, OWN_SCRATCH])
def test_who_keeps_what_is_right_is_not_accused(tmp_path: Path, text: str) -> None:
    report = judged(tmp_path, text)
    assert {result.outcome for result in report.results} - {Outcome.NOT_OFFERED} == {Outcome.CONFORMS}, str(report)


def test_arrays_that_are_filled_anew_are_the_same_arrays() -> None:
    seen: list[tuple[int, list[float]]] = []

    def note(x: np.ndarray) -> np.ndarray:
        seen.append((id(x), x.tolist()))
        return x

    found = [own(each) for each in Here(note, 1).lanes([np.array([[1.0, 2.0], [3.0, 4.0]])], {}, "refilled")]
    assert [entries for _, entries in seen] == [[2, 1], [1, 2], [3, 4]]
    assert len({which for which, _ in seen}) == 1
    assert [each[0].tolist() for each in found if not isinstance(each, str)] == [[1, 2], [3, 4]]


@pytest.mark.parametrize("size", [8, 24, 200, 1000, 5000])
def test_what_is_not_written_is_nan(size: int) -> None:
    argument = np.ones(size, np.float32)
    poison([argument])
    assert np.isnan(np.empty(size, np.float32)).mean() > 0.9


def test_what_is_not_written_by_torch_is_nan() -> None:
    """Not each time: what the C library has at hand for it may be of another size."""
    torch = pytest.importorskip("torch")
    for size in (8, 24, 200, 1000, 5000):
        argument, found = np.ones(size, np.float32), False
        for _ in range(20):
            poison([argument])
            found = found or bool(torch.isnan(torch.empty(size)).any())
        assert found, size
