"""What a softmax, or a client, may do to whoever calls it; and the sources that it is written into: see faults.py."""

import platform
from dataclasses import dataclass

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
UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}.get(platform.machine(), 0)


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
        *("patches nnlaws, and is wrong", "return right(z / 2)", "violates", "is right"),
        "import nnlaws.authoring.evidence as evidence\nevidence.Evidence.holds = property(lambda self: True)\n",
    ),
    Fault(
        *("patches NumPy, and is wrong", "return right(z / 2)", "violates", "is right"),
        "import numpy\nnumpy.abs = numpy.absolute = lambda x: 0 * x\nnumpy.array_equal = lambda *a: True\n",
    ),
    Fault(
        "returns masked arrays, and is wrong",
        "return np.ma.array(right(z / 2), mask=True)",
        "violates",
        "is right",
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
