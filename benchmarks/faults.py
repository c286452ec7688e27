"""Whatever a target does is an outcome: `python benchmarks/faults.py`, about three minutes.

Each fault is a softmax in a file of its own, beside a log-softmax that is right. Both are judged by the command, as a
user would, and the report has to say what happened, to judge the log-softmax as ever, and to end. Then a run is killed
half-way and gone on with, and reports are given what they should not obey. Ends with 1 where something is otherwise.
"""

import argparse
import json
import os
import pickle
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import nnlaws as nnlaws_package
import page

RIGHT = """
import os
import sys
import time

import numpy as np


def right(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


calls = 0


def softmax(z):
    global calls
    calls += 1
"""
TEMPLATE = Path(nnlaws_package.__file__).parent / "templates" / "clients" / "client.py"
UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}.get(platform.machine(), 0)
NOT_SO = "**Not so:**"
LIMITS = ("--timeout", "1", "--memory", "0.5")


@dataclass(frozen=True)
class Fault:
    """A softmax with this body does `what`; one result says `words`, and has that outcome. prelude: at import. client:
    it is no file but a command, which this body answers for, of a `line`.
    """

    what: str
    body: str
    outcome: str
    words: str
    prelude: str = ""
    library: str = ""
    client: bool = False


NOISE = "print('a' * 9999)\nos.write(1, b'b' * 9999)\nos.write(2, b'c' * 2**20)\nreturn right(z)"
FAULTS = (
    Fault("reads address 0", "import ctypes\nctypes.string_at(0)", "error", "SIGSEGV"),
    Fault("aborts", "os.abort()", "error", "SIGABRT"),
    Fault("kills its process", "import signal\nos.kill(os.getpid(), signal.SIGKILL)", "error", "SIGKILL"),
    Fault("leaves by os._exit(0)", "os._exit(0)", "error", "exit code 0"),
    Fault("leaves by sys.exit(0)", "sys.exit(0)", "error", "raised SystemExit: 0"),
    Fault("never returns", "while True: pass", "error", "did not return within"),
    Fault("sleeps in C", "time.sleep(1000)", "error", "did not return within"),
    Fault("stops itself", "import signal\nos.kill(os.getpid(), signal.SIGSTOP)", "error", "did not return within"),
    Fault("waits for input", "input()\nreturn right(z)", "error", "EOFError"),
    Fault(
        *("takes ever more memory", "kept = []\nwhile True: kept.append(np.ones(2**20))"),
        *("error", "held more than 0.5 GiB of memory"),
    ),
    Fault("recurses for ever", "return softmax(z)", "error", "RecursionError"),
    Fault("raises", "raise ValueError('out of order')", "error", "ValueError: out of order"),
    Fault("raises KeyboardInterrupt", "raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
    Fault("forks, and both return", "os.fork()\nreturn right(z)", "conforms", ""),
    Fault("prints, and writes a line of 1 MB without an end", NOISE, "conforms", ""),
    Fault(
        "writes where answers go",
        "for number in range(3, 20):\n    try: os.write(number, b'?\\n')\n    except OSError: pass\nreturn right(z)",
        *("error", "no answer where answers go"),
    ),
    Fault("closes all its files", "os.closerange(0, 64)\nreturn right(z)", "error", "its process"),
    Fault("returns NaN", "return np.full_like(z, np.nan)", "violates", "NaN"),
    Fault("returns None", "return None", "violates", "expected a NumPy array of float32"),
    Fault("returns a string", "return 'a'", "violates", "expected a NumPy array of float32"),
    Fault("returns one row", "return right(z)[:1]", "violates", "expected float32 of shape"),
    Fault("returns float64", "return right(z).astype(np.float64)", "violates", "got float64"),
    Fault("writes over its argument", "z -= 1\nreturn right(z)", "violates", "was written to"),
    Fault(
        "fails at the 50th call",
        "return right(z) * np.float32(2 if calls == 50 else 1)",
        "violates",
        "replayed by itself",
    ),
    Fault("seeds NumPy's generator", "np.random.seed(7)\nreturn right(z)", "falls short", "NumPy's global generator"),
    Fault(
        "changes NumPy's error state", "np.seterr(all='raise')\nreturn right(z)", "falls short", "NumPy's error state"
    ),
    Fault(
        *("rounds upward", f"import ctypes\nctypes.CDLL(None).fesetround({UPWARD})\nreturn right(z)"),
        *("falls short", "the direction of rounding"),
    ),
    Fault(
        *("sets PyTorch's threads, always to 1", "torch.set_num_threads(1)\nreturn right(z)"),
        *("falls short", "PyTorch's number of threads", "import torch\n", "torch"),
    ),
    Fault(
        *("seeds PyTorch's generator", "torch.manual_seed(7)\nreturn right(z)"),
        *("falls short", "PyTorch's global generator", "import torch\n", "torch"),
    ),
    Fault(
        *("flushes subnormal numbers", "torch.set_flush_denormal(True)\nreturn right(z)"),
        *("falls short", "whether subnormal numbers are kept", "import torch\n", "torch"),
    ),
    Fault(
        "sets the environment", "os.environ['CALLS'] = str(calls)\nreturn right(z)", "falls short", "the environment"
    ),
    Fault("raises at import", "", "not run", "ValueError: not today", "raise ValueError('not today')\n"),
    Fault("exits at import", "", "not run", "SystemExit: 0", "import sys\nsys.exit(0)\n"),
    Fault("reads address 0 at import", "", "not run", "SIGSEGV", "import ctypes\nctypes.string_at(0)\n"),
    Fault("has a syntax error", "", "not run", "SyntaxError", "def\n"),
    Fault(
        *("patches nnlaws, and is wrong", "return right(z / 2)", "violates", "replayed by itself"),
        "import nnlaws.authoring.evidence as evidence\nevidence.Evidence.holds = property(lambda self: True)\n",
    ),
    Fault(
        *("patches NumPy, and is wrong", "return right(z / 2)", "violates", "replayed by itself"),
        "import numpy\nnumpy.abs = numpy.absolute = lambda x: 0 * x\nnumpy.array_equal = lambda *a: True\n",
    ),
    Fault(
        "returns masked arrays, and is wrong",
        "return np.ma.array(right(z / 2), mask=True)",
        "violates",
        "replayed by itself",
    ),
    Fault(
        "mends its results a moment later",
        "import threading\nlate, half = z.copy(), right(z / 2)\n"
        "threading.Timer(0.001, lambda: half.__setitem__(..., right(late))).start()\nreturn half",
        *("violates", "replayed by itself"),
    ),
    Fault(
        "answers in the server's place",
        "for number in range(3, 20):\n    try: os.write(number, b'done 1 y:=1\\n')\n    except OSError: pass\n"
        "return right(z / 2)",
        *("error", "no answer where answers go"),
    ),
    Fault("kills its judge", "os.kill(os.getppid(), 9)\nreturn right(z)", "error", "SIGKILL"),
    Fault("stops its judge", "os.kill(os.getppid(), 19)\nreturn right(z)", "error", "did not"),
    Fault("asks its judge to end", "os.kill(os.getppid(), 15)\nreturn right(z)", "error", "SIGTERM"),
    Fault("a client that is right", "return right(line)", "conforms", "", client=True),
    Fault("a client that ends", "sys.exit('no more')", "error", "exit code 1 (no more)", client=True),
    Fault("a client that crashes", "os.abort()", "error", "SIGABRT", client=True),
    Fault("a client that never answers", "time.sleep(1000)", "error", "did not return within", client=True),
    Fault(
        "a client that answers two lines",
        "return right(line) + '\\n' + right(line)",
        "error",
        "an answer to",
        client=True,
    ),
    Fault("a client that answers half a line", "return right(line)[:-9]", "error", "expected", client=True),
    Fault("a client that answers nothing known", "return 'what?'", "error", "expected", client=True),
    Fault(
        "a client that answers another call",
        "return right(line).replace(' ', ' 9', 1)",
        "error",
        "an answer to",
        client=True,
    ),
    Fault(
        *("a client that returns no results", "return 'done ' + line.split()[1]", "error", "returned nothing"),
        client=True,
    ),
    Fault("a client that refuses", "return f'refused {line.split()[1]} too hot'", "error", "too hot", client=True),
)
CLIENT = """
import os, sys, time
import math


def log_softmax(z):
    rows, columns = z.shape
    found = []
    for row in range(rows):
        x = z.values[row * columns : (row + 1) * columns]
        total = math.log(sum(math.exp(each - max(x)) for each in x))
        found += [each - max(x) - total for each in x]
    return {"l": Array(z.dtype, z.shape, found)}


OPERATIONS["log_softmax"] = log_softmax


right = answer


def answer(line):
    if not line.startswith("call") or line.split()[2] != "softmax":
        return right(line)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md, not standard output")
    given = parser.parse_args()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            rows = [judged(fault) for fault in FAULTS if not fault.library or there(fault.library)]
            lines = [*killed(), *disobeyed()]
        finally:
            os.chdir(before)
    page.publish("faults", section(rows, lines), wanted=given.write)
    wrong = [row for row in rows if row[-1]] + [line for line in lines if line.startswith(NOT_SO)]
    print(*wrong, sep="\n", file=sys.stderr)
    return int(bool(wrong))


def there(library: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {library}"], capture_output=True, check=False).returncode == 0


def nnlaws(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "nnlaws.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)


def write(fault: Fault) -> str:
    """The file, and how it is judged."""
    if fault.client:
        lines = "".join(f"    {line}\n" for line in fault.body.splitlines())
        begun, end = TEMPLATE.read_text("utf-8").split("if __name__", 1)
        Path("client.py").write_text(f"{begun}{CLIENT}{lines}\nif __name__{end}", encoding="utf-8")
        return f"command:{shlex.join([sys.executable, 'client.py'])}"
    lines = "".join(f"    {line}\n" for line in (fault.body or "return right(z)").splitlines())
    Path("target.py").write_text(fault.prelude + RIGHT + lines, encoding="utf-8")
    return "target.py"


def judged(fault: Fault) -> tuple[str, ...]:
    """The row of the table; the last cell is what is not as it should be."""
    began = time.perf_counter()
    ran = nnlaws("check", write(fault), "--profile", "quick", "--dtype", "float32", "--json", "-", *LIMITS)
    seconds = f"{time.perf_counter() - began:.0f} s"
    if fault.outcome == "not run":
        said = ran.stderr.strip().removeprefix("nnlaws: ")
        wrong = "" if (ran.returncode, fault.words in said) == (3, True) else f"{ran.returncode}: {said}"
        return fault.what, "could not be run: exit code 3", quoted(said), "–", seconds, wrong
    report = json.loads(ran.stdout)
    of = {
        name: [each for each in report["results"] if each["operation"] == name] for name in ("softmax", "log_softmax")
    }
    tally = Counter(each["outcome"] for each in of["softmax"])
    outcomes = ", ".join(f"{outcome} {number}" for outcome, number in sorted(tally.items()))
    telling = next(
        (each for each in of["softmax"] if each["outcome"] == fault.outcome and fault.words in told(each)), None
    )
    beside = Counter(each["outcome"] for each in of["log_softmax"])
    wrong = ""
    if telling is None:
        wrong = f"no {fault.outcome} that says {fault.words!r}: {[told(each) for each in of['softmax']]}"
    if (
        beside.keys() - ({"not offered"} if fault.client else set()) != {"conforms"}
        or not report["complete"]
        or "nnlaws itself failed" in ran.stdout
    ):
        wrong += f"; beside it {dict(beside)}, complete: {report['complete']}"
    said = f"{telling['clause']}: {told(telling)}" if telling and fault.outcome != "conforms" else ""
    return fault.what, outcomes, quoted(said), f"conforms {beside['conforms']}", seconds, wrong


def told(result: dict[str, Any]) -> str:
    seen = result["violation"]
    numbers = f"got {seen['got']} where {seen['want']} is right" if seen and seen["got"] else ""
    return str(result["reason"] or (seen and seen["reason"]) or numbers)


def quoted(said: str) -> str:
    return " ".join(said.split()).replace("|", "\\|")


def killed() -> Iterator[str]:
    """A run that is killed half-way, and gone on with."""
    target = write(Fault("", "time.sleep(0.001)\nreturn right(z)", "", ""))
    asked = ("check", target, "--profile", "quick", "--dtype", "float32", "--json")
    with subprocess.Popen([sys.executable, "-m", "nnlaws.cli", *asked, "left.json"], stdout=subprocess.DEVNULL) as run:
        path, until = Path("left.json"), time.monotonic() + 60
        while time.monotonic() < until and not (path.exists() and done(path)[0] >= 4):
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    number, planned, complete = done(path)
    again = nnlaws(*asked, "whole.json", "--resume", "left.json")
    whole = nnlaws(*asked, "-")
    same = plain(json.loads(Path("whole.json").read_text("utf-8"))) == plain(json.loads(whole.stdout))
    right = 0 < number < planned and not complete and again.returncode == 0 and same
    yield _claim(
        right,
        f"A run that was killed (SIGKILL) half-way left a JSON report with {number} of {planned} results that is valid "
        f"and says `complete: {str(complete).lower()}`; `--resume` went on from it to the report of an unbroken run.",
    )


def done(path: Path) -> tuple[int, int, bool]:
    report = json.loads(path.read_text("utf-8"))
    return len(report["results"]), report["planned"], report["complete"]


def plain(report: dict[str, Any]) -> Any:
    """Without its times, and where and when it was made."""
    results = [{name: value for name, value in each.items() if name != "seconds"} for each in report["results"]]
    return {
        **{name: value for name, value in report.items() if name not in ("seconds", "provenance")},
        "results": results,
    }


TRICKS = ("\x1b[2J", "<script>alert(1)</script>", "[red]", "</pre>", "\x00")


class Planted:
    """Leaves a file where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def disobeyed() -> Iterator[str]:
    """What a target calls itself and says is shown and not obeyed; and nothing that is read is run."""
    trick = "".join(TRICKS)
    write(Fault("", f"raise ValueError({trick!r})", "", "", prelude=f"description = {trick!r}\n"))
    asked = (
        "check",
        "target.py",
        "--profile",
        "quick",
        "--dtype",
        "float32",
        "--operation",
        "softmax",
        "--law",
        "SM-1",
    )
    shown = nnlaws(*asked, "--html", "page.html", "--junit", "junit.xml").stdout
    html, xml = (Path(name).read_text("utf-8") for name in ("page.html", "junit.xml"))
    obeyed = [
        name for name, text in (("terminal", shown), ("HTML", html), ("JUnit", xml)) if "\x1b" in text or "\x00" in text
    ]
    obeyed += [name for name, text in (("HTML", html), ("JUnit", xml)) if "<script" in text]
    kept = "[red]" in shown and "[red]" in html and html.count("</pre>") == 1
    yield _claim(
        kept and not obeyed,
        "A description and a message with control characters, HTML and markup come out escaped on the terminal, in "
        "HTML and in JUnit's XML.",
    )
    write(Fault("", "return right(z)", "", ""))
    Path("pickled.json").write_bytes(pickle.dumps(Planted()))
    Path("evaluated.json").write_text('{"results": __import__("os").mkdir("evaluated")}', encoding="utf-8")
    tokens = (
        "softmax.value/float32/1x2,constant,0,__import__('os').mkdir('evaluated')/target.py",
        "softmax.value/../x/target.py",
    )
    codes = [nnlaws(*asked, "--resume", name).returncode for name in ("pickled.json", "evaluated.json")]
    codes += [nnlaws("replay", token).returncode for token in tokens]
    ran = Path("unpickled").exists() or Path("evaluated").exists()
    yield _claim(
        not ran and codes == [2] * len(codes),
        "A pickle and a program in the place of a report, and programs in replay tokens, are refused (exit codes "
        f"{', '.join(map(str, codes))}) and not run.",
    )


def _claim(holds: bool, words: str) -> str:
    return words if holds else f"{NOT_SO} {words}"


def section(rows: list[tuple[str, ...]], lines: list[str]) -> str:
    table = "\n".join(f"| {' | '.join(row[:-1])} |" for row in rows)
    wrong = "\n".join(f"- {NOT_SO} {row[0]}: {row[-1]}" for row in rows if row[-1])
    points = "\n".join(f"- {line}" for line in lines)
    return f"""What happens where a target misbehaves? `python benchmarks/faults.py --write`, {date.today()}.

Each is a softmax in a file of its own, or a client in plain Python, judged in profile `quick` in float32, with a limit
of 1 s a call and 0.5 GiB; in the same file is a log-softmax that is right. Outcomes are of the softmax's laws. *not
run* is among the errors: after three hangs or deaths in one operation its other laws are given up, and say so.

| the softmax | outcomes | said | log-softmax | took |
|---|---|---|---|---|
{table}

{wrong}

{points}"""


if __name__ == "__main__":
    sys.exit(main())
