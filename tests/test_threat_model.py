"""What a target can do to its verdict, and what it cannot: each claim of docs/threat-model.md."""

import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from nnlaws import Outcome, Report, check

PAGE = Path(__file__).parents[1] / "docs" / "threat-model.md"
TARGET = """
import os, sys
import numpy as np

def right(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def wrong(z):
    return right(z / 2)

{prelude}

def softmax(z):
    {body}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def target(prelude: str = "", body: str = "return wrong(z)") -> Path:
        path = tmp_path / "target.py"
        path.write_text(TARGET.format(prelude=textwrap.dedent(prelude), body=textwrap.indent(body, "    ").lstrip()))
        return path

    return target


def judge(target: Path, **options: Any) -> Report:
    chosen: dict[str, Any] = {"laws": ["SM-1"], "dtypes": ["float32"], "profile": "quick", **options}
    return check(target, **chosen)


# What a wrong softmax does to be taken for a right one: nothing of it helps.
IN_VAIN = {
    "patches nnlaws": (
        """
        import nnlaws.authoring.evidence as evidence, nnlaws.harness.run as run
        evidence.Evidence.holds = property(lambda self: True)
        run.evaluate = lambda *a, **k: evidence.require(True, "")
        """,
        "return wrong(z)",
    ),
    "patches NumPy": (
        """
        np.abs = np.absolute = lambda x, *a, **k: np.zeros_like(x)
        np.isnan = lambda x: np.zeros(np.shape(x), bool)
        np.array_equal = lambda *a, **k: True
        """,
        "return wrong(z)",
    ),
    "patches Hypothesis": (
        """
        import hypothesis
        hypothesis.given = lambda *a, **k: lambda f: lambda: None
        """,
        "return wrong(z)",
    ),
    "looks for what is expected in the frames that call it": (
        "",
        """frame = sys._getframe()
while frame is not None:
    for value in frame.f_locals.values():
        if isinstance(value, np.ndarray) and value is not z and value.shape == z.shape and value.dtype == np.float64:
            return value.astype(z.dtype)
    frame = frame.f_back
return wrong(z)""",
    ),
    "looks for the judge among all objects": (
        "import gc",
        """for each in gc.get_objects():
    if type(each).__name__ in ("Evidence", "Ruler", "Search"):
        return right(z)
return wrong(z)""",
    ),
    "returns arrays that are equal to everything": (
        """
        class Liar(np.ndarray):
            __eq__ = lambda self, other: np.ones(self.shape, bool)
            __sub__ = __rsub__ = lambda self, other: np.zeros(self.shape)
            def tobytes(self, *a): return right(self.base).tobytes()
            def __array_ufunc__(self, *a, **k): return np.zeros(self.shape)
        """,
        "return wrong(z).view(Liar)",
    ),
    "masks all that it returns": ("", "return np.ma.array(wrong(z), mask=True)"),
    "mends what it has returned, in a thread, later": (
        """
        import threading, time
        def mend(result, z):
            time.sleep(0.001)
            result[...] = right(z)
        """,
        "result = wrong(z)\nthreading.Thread(target=mend, args=(result, z.copy())).start()\nreturn result",
    ),
    "ends its process well at its end": (
        "import atexit\natexit.register(lambda: os._exit(0))\nsys.excepthook = lambda *a: None",
        "return wrong(z)",
    ),
    "says done to whoever listens": (
        "",
        """for number in range(3, 20):
    try: os.write(number, b"done 1 y:=0\\n")
    except OSError: pass
return wrong(z)""",
    ),
    "kills its judge": ("import signal", "os.kill(os.getppid(), signal.SIGKILL)\nreturn wrong(z)"),
    "stops its judge": ("import signal", "os.kill(os.getppid(), signal.SIGTERM)\nreturn wrong(z)"),
    "cuts off the file that it shares with its judge": (
        "",
        """for number in os.listdir("/proc/self/fd"):
    try: path = os.readlink(f"/proc/self/fd/{number}")
    except OSError: continue
    if path.endswith("heartbeat"): open(path, "w").close()
return wrong(z)""",
    ),
    "forks, and answers twice": ("", "os.fork()\nreturn wrong(z)"),
    "sets what starts Python": (
        "os.environ.update(PYTHONPATH=os.getcwd(), PYTHONSTARTUP=__file__, NNLAWS_NO_PLUGINS='1')", "return wrong(z)"),
    "raises what is no Exception": ("class Odd(BaseException): pass", "raise Odd('conforms')"),
    "pretends to have no such operation, now and then": (
        "", "if z.shape[1] > 2: raise NotImplementedError\nreturn right(z)"),
}  # fmt: skip

# What a right softmax may do, and is not accused for.
INNOCENT = {
    "patches NumPy by mistake": ("np.abs = abs; np.float32 = float; np.finfo = None", "return right(z)"),
    "sets NumPy's error state, and leaves it": ("np.seterr(all='raise')", "return right(z)"),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_VAIN)
def test_in_vain(write: Write, name: str) -> None:
    report = judge(write(*IN_VAIN[name]))
    assert not report.conforms, name
    assert {each.outcome for each in report.results} <= {Outcome.VIOLATES, Outcome.ERROR}
    assert report.exit_code in (1, 3)


def test_who_kills_its_judge_leaves_no_process_behind(write: Write, tmp_path: Path) -> None:
    """One in a session of its own, whose parents have all ended."""
    body = """if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    with open('left', 'a') as file: file.write(f'{os.getpid()} ')
    os.closerange(3, 64)
    os.execvp('sleep', ['sleep', '100'])
import signal, time
time.sleep(0.2)
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1)"""
    assert not judge(write(body=body)).conforms
    left = (tmp_path / "left").read_text().split()
    assert left
    until = time.monotonic() + 5
    while (running := [pid for pid in left if _runs(int(pid))]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_forged_version_is_part_of_one_line(write: Write) -> None:
    forged = """
    import types
    sys.modules["scipy"] = types.ModuleType("scipy")
    sys.modules["scipy"].__version__ = "2\\nconforms" + "." * 1000
    """
    said = str(judge(write(forged)))
    (line,) = (each for each in said.splitlines() if each.startswith("imports:"))
    assert "scipy 2 conforms" in line
    assert len(line) < 200


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent(write: Write, name: str) -> None:
    assert judge(write(*INNOCENT[name]), laws=["SM-1", "SM-6", "CT-2", "CT-6"]).conforms


def test_files_beside_the_target_shadow_nothing_of_the_judges(write: Write, tmp_path: Path) -> None:
    for name in ("numpy", "json", "nnlaws", "nnlaws_server", "hypothesis", "ml_dtypes"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    assert judge(write(body="return right(z)")).conforms


def test_the_process_of_the_target_has_nothing_of_the_judge(write: Write, tmp_path: Path) -> None:
    body = """with open('seen', 'w') as file:
    frame, names = sys._getframe(), set()
    while frame is not None:
        names.add(frame.f_globals['__name__'])
        frame = frame.f_back
    file.write(' '.join(sorted(names)) + '\\n' + ' '.join(sys.modules) + '\\n' + repr(sys.argv))
return right(z)"""
    assert judge(write(body=body)).conforms
    frames, modules, arguments = (tmp_path / "seen").read_text().split("\n")
    assert {name.partition(".")[0] for name in frames.split()} <= {
        *("__main__", "nnlaws_server", "nnlaws_target_target", "runpy", "contextlib")
    }
    ours = {name for name in modules.split() if re.match(r"nnlaws|hypothesis|flint|scipy", name)}
    assert {name.partition(".")[0] for name in ours} == {"nnlaws_server", "nnlaws_target_target"}
    assert "target" not in arguments


def test_the_reference_called_in_secret_conforms_and_is_told(write: Write) -> None:
    secret = write(body="import nnlaws_reference\nreturn nnlaws_reference.softmax(z)")
    report = judge(secret)
    assert report.conforms
    assert "imports: nnlaws_reference" in str(report)


def test_another_library_conforms_in_its_place_and_is_told(write: Write) -> None:
    report = judge(write(body="import scipy.special\nreturn scipy.special.softmax(z, axis=-1)"))
    assert report.conforms
    assert re.search(r"imports: scipy \d", str(report))


def test_a_table_of_the_profiles_own_inputs_conforms_until_there_are_others(write: Write, tmp_path: Path) -> None:
    table = tmp_path / "table"
    noting = "import pickle\nif os.path.exists('table'): pass"
    body = "with open('table', 'ab') as file: pickle.dump(z.tobytes(), file)\nreturn right(z)"
    assert judge(write(noting, body)).conforms
    assert table.stat().st_size > 1000
    reading = """
    import pickle
    known = set()
    with open('table', 'rb') as file:
        while True:
            try: known.add(pickle.load(file))
            except EOFError: break
    """
    learnt = write(reading, "return right(z) if z.tobytes() in known else wrong(z)")
    assert judge(learnt).conforms
    report = judge(learnt, seed="random")
    assert not report.conforms
    assert f"seed {report.seed}" in str(report)


def test_what_the_process_says_of_itself_can_be_forged_and_values_cannot(write: Write) -> None:
    """Whether memory is shared, or the process left as it was, only the target's own process can tell."""
    patched = """
    import nnlaws_server.callee as callee
    callee.changed = lambda before: []
    """
    changes = "np.random.seed(7)\nreturn {}(z)"
    assert not judge(write(body=changes.format("right")), laws=["CT-7"], strict=True).conforms
    assert judge(write(patched, changes.format("right")), laws=["CT-7"], strict=True).conforms
    assert not judge(write(patched, changes.format("wrong"))).conforms


def test_who_is_right_only_where_it_is_judged_conforms(write: Write) -> None:
    assert judge(write(body="return right(z) if 'nnlaws_server' in sys.modules else wrong(z)")).conforms


def test_the_page_names_each_claim() -> None:
    page = PAGE.read_text("utf-8")
    for name in (*IN_VAIN, *INNOCENT):
        assert name in page, name
