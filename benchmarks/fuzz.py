"""Whatever is typed, pasted, resumed or answered has one clear answer: `python benchmarks/fuzz.py`, some minutes.

Command lines, replay tokens, reports and conversations, right ones that are changed at random, seeded: each has to end
by itself, in bounded time, with what the documentation says (an exit code of 0 to 3 and no traceback; UsageError; an
error of one law), and to leave no file and no process. Ends with 1 where something is otherwise.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import psutil
from nnlaws.api import check
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.subject import TargetFault
from nnlaws.authoring.token import Token
from nnlaws.chapters import LAWS
from nnlaws.cli import main as command
from nnlaws.harness import resume
from nnlaws.plan import Task
from nnlaws.report import Report
from nnlaws.wire.client import Client, ClientError
from nnlaws.wire.served import KeptThere, Other, Served
from nnlaws.wire.server import Raised, Server
from nnlaws_server.errors import TargetError

Chances = random.Random
LONGEST = 20.0  # seconds for one: loading a target that is none takes two
ODD = (
    *("", " ", "-", "--", "'", '"', "\\", "/", "//", ".", "..", "~", "*", "|", ";", "$(id)", "`", "\t", "é", "汉"),
    *("0", "-0", "-1", "1e400", "nan", "inf", "٣", "0x10", "1_000", "9" * 400, "null", "true", "[]", "{}", "None"),
    *("/dev/null", "/nowhere/at/all", "a=b", "\u202e", "\ud800", "%s%n", "x" * 5000),
)  # fmt: skip
TARGETS = (
    "",
    *[
        "nowhere",
        "nowhere.py",
        "/",
        "json",
        "math:sqrt",
        "os:",
        ":",
        "command:",
        "command:false",
        "command:'",
        "a/b.py",
    ],
)
SUBCOMMANDS = [
    "check",
    "identify",
    "smoke",
    "explain",
    "list",
    "replay",
    "template",
    "new-chapter",
    "mutants",
    "--version",
]
OPTIONS = [
    "--operation",
    "--law",
    "--dtype",
    "--profile",
    "--seed",
    "--timeout",
    "--memory",
    "--strict",
    "--jobs",
    "--setup",
    "--trace",
    "--json",
    "--resume",
    "--html",
    "--junit",
    "--target",
    "--prefix",
    "--into",
    "--help",
    "--no-such",
]
VALUES = [
    "softmax",
    "SM-1",
    "softmax.value",
    "float32",
    "quick",
    "ci",
    "1",
    "0.5",
    "random",
    "clauses",
    "laws",
    "out.json",
]
CHARACTERS = "0123456789abcxyzABC-+.,:;/@=_*é {}[]\"'\\\n\0"


class TooLong(BaseException):
    """It did not end."""


@contextlib.contextmanager
def limited() -> Generator[None]:
    """Raises TooLong where it takes too long."""

    def alarm(*_: object) -> NoReturn:
        raise TooLong

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def changed(text: str, chances: Chances) -> str:
    """The text with a few characters deleted, doubled, moved or put in, or without its end."""
    for _ in range(chances.randint(1, 4)):
        at = chances.randrange(len(text) + 1)
        text = chances.choice(
            (
                text[:at] + text[at + 1 :],
                text[:at] + chances.choice(CHARACTERS) + text[at:],
                text[:at] + chances.choice(CHARACTERS) + text[at + 1 :],
                text[:at] + text[max(at - 3, 0) :],
                text[:at],
                text[:at] + chances.choice(ODD) + text[at:],
            )
        )
    return text


def command_line(chances: Chances) -> str:
    """Runs one; says what is wrong with how it ends."""
    words = [chances.choice(SUBCOMMANDS)]
    if chances.random() < 0.8:
        words.append(chances.choice((*TARGETS, *ODD, *VALUES)))
    for _ in range(chances.randint(0, 4)):
        words.append(chances.choice(OPTIONS))
        if chances.random() < 0.8:
            words.append(chances.choice((*VALUES, *ODD)))
    chances.shuffle(words) if chances.random() < 0.1 else None
    if words[0] == "mutants":  # which would do what it is asked for, for an hour
        words += ["--operation", "nowhere"]
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 99
    except Exception as error:
        return f"{shlex.join(words)[:200]!r} raised {type(error).__name__}: {error}"
    if code not in (0, 1, 2, 3):
        return f"{shlex.join(words)[:200]!r} ended with {code}"
    if "Traceback" in out.getvalue() + err.getvalue():
        return f"{shlex.join(words)[:200]!r} printed a traceback"
    if code == 2 and not err.getvalue().startswith("nnlaws"):
        return f"{shlex.join(words)[:200]!r} is wrong usage, and does not say so: {err.getvalue()[:200]!r}"
    return ""


def token(chances: Chances) -> str:
    """Reads a changed token; says what is wrong."""
    law = chances.choice(LAWS)
    case = law.trials[0] if law.trials else "2x3,normal,4,7"
    text = changed(f"{law.id}/{chances.choice(['float32', 'float64'])}/{case}/{chances.choice(TARGETS)}", chances)
    try:
        read = Token.parse(text)
        if Token.parse(str(read)) != read:
            return f"{text[:200]!r} is read as {read}, which is not read as itself"
    except UsageError:
        pass
    except Exception as error:
        return f"{text[:200]!r} raised {type(error).__name__}: {error}"
    return ""


def report(chances: Chances, run: Report, tasks: list[Task], folder: Path) -> str:
    """Resumes a changed report; says what is wrong."""
    text = json.dumps(run.as_json())
    if chances.random() < 0.5:
        text = changed(text, chances)
    else:
        data = json.loads(text)
        place: Any = data
        while isinstance(place, (dict, list)) and place and chances.random() < 0.8:
            key = chances.choice(list(place) if isinstance(place, dict) else list(range(len(place))))
            if not isinstance(place[key], (dict, list)) or chances.random() < 0.3:
                place[key] = chances.choice((None, 0, -1, 10**400, "", "x" * 999, [], {}, [[]] * 9, True, 1e308, "inf"))
                break
            place = place[key]
        text = json.dumps(data)
    path = folder / "report.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    try:
        resume.results(path, run, tasks)
    except UsageError as error:
        if len(str(error)) > 2000:
            return f"a message of {len(str(error))} characters"
    except Exception as error:
        return f"{text[:200]!r} raised {type(error).__name__}: {error}"
    finally:
        path.unlink()
    return ""


class Told:
    """A process of a target in Python that says what it was told to."""

    def __init__(self, *lines: str) -> None:
        self.stdin = io.BytesIO()
        self.stdout = io.BytesIO("".join(f"{line}\n" for line in lines).encode(errors="replace"))

    def wait(self) -> int:
        return 0

    def kill(self) -> None:
        pass


class Ended(Exception):
    """How the process of a target in Python was said to have ended."""


def of_python(chances: Chances) -> str:
    """Asks a process whose answers are changed; says what is wrong."""

    def ended(how: int | str) -> NoReturn:
        raise Ended(how)

    right = chances.choice(
        (
            "done 1 y:=2 y0=float32[2,1]:0000803f0000803f",
            "done 1 y:=1 y0=float32[1]@0,4:0000803f after_z='|u1'[4]:0000803f",
            'refused 1 text:="ValueError:\\u0020struck"',
            "ask 1 objective a0=float64[1]:000000000000f03f",
            'done 1 form:=[["ndarray",true],null]',
            'done 1 written:=[0] shared:=[[0,"argument",0]]',
            'done 1 imported:={"torch":"2.13.0"}',
            "done 1 t0_:=1 t0_0=float32[1,1,1]:0000803f t1_:=1 t1_0=float32[1,1,1]:0000803f",
            "done 1 y:=[1,\"3\\u0020results\"] y0_0='<c8'[1]:0000803f00000000",
        )
    )
    greeting = 'hello 1 language=python facts:={"declared":{},"operations":{"softmax":["z"]}}'
    greeting = changed(greeting, chances) if chances.random() < 0.3 else greeting
    answers = [changed(right, chances).replace("\n", " ") for _ in range(2)]
    server = Server(Told(greeting, *answers), ended)  # type: ignore[arg-type]
    z = np.ones((1, 1), dtype=np.float32)
    try:
        server.hello()
        softmax = Served(server, "softmax", ["z"], Other(""))
        asked: Callable[[], object] = chances.choice(
            (
                lambda: softmax.call((z,), {"objective": float}),
                lambda: softmax.form((z,), {}),
                lambda: list(softmax.lanes([z[None]], {})),
                lambda: softmax.at_once([(z,), (z,)], {}),
                lambda: KeptThere(softmax).shared(),
                lambda: KeptThere(softmax).written_over(),
                server.imported,
            )
        )
        asked()
    except (Ended, Raised, TargetError, TargetFault):
        pass
    except Exception as error:
        return f"{greeting[:200]!r}, {answers!r} raised {type(error).__name__}: {error}"
    return ""


def of_a_client(chances: Chances, folder: Path) -> str:
    """Calls a client whose answers are changed; says what is wrong."""
    lines = ["hello 1 name=x operations=softmax dtypes=float32", "done 1 a=float32[1,1]:0000803f"]
    at = chances.randrange(2)
    lines[at] = changed(lines[at], chances).replace("\0", "")
    script = folder / "client.py"
    script.write_text(f"for line in {lines!r}:\n    input()\n    print(line, flush=True)\n", errors="surrogatepass")
    try:
        with Client(shlex.join([sys.executable, "-S", "-E", str(script)])) as client:
            client.hello()
            client.call("softmax", [("z", [1.0])])
    except (ClientError, NotImplementedError, ValueError):
        pass
    except Exception as error:
        return f"{lines!r} raised {type(error).__name__}: {error}"
    finally:
        script.unlink()
    return ""


def fuzz(number: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many of each kind there were, and what is wrong with which."""
    found: list[str] = []
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path(name)
        run = check("scipy", laws=["SM-1", "SM-8"], profile="quick")
        there, before = set(temporary()), set(psutil.Process().children(recursive=True))  # the keeper stays
        tasks = [Task(each.law, each.clause, each.statement, each.operation, each.dtype, True) for each in run.results]
        kinds: dict[str, tuple[float, Callable[[Chances], str]]] = {
            "command lines": (0.25, command_line),
            "replay tokens": (0.25, token),
            "reports": (0.25, lambda chances: report(chances, run, tasks, folder)),
            "answers of targets in Python": (0.2, of_python),
            "answers of clients": (0.05, lambda chances: of_a_client(chances, folder)),
        }
        for kind, (share, try_one) in kinds.items():
            for place in range(round(share * number)):
                chances = random.Random(f"{seed} {kind} {place}")
                began = time.monotonic()
                try:
                    with limited():
                        wrong = try_one(chances)
                except TooLong:
                    wrong = f"did not end within {LONGEST:g} s"
                counts[kind] += 1
                for path in folder.iterdir():  # what a command was asked to write
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                if wrong:
                    found.append(f"{kind} {place} ({time.monotonic() - began:.1f} s): {wrong}")
    found += [f"left a process: {each}" for each in set(psutil.Process().children(recursive=True)) - before]
    found += [f"left {path}" for path in set(temporary()) - there]
    return counts, found


def temporary() -> list[Path]:
    """The folders of ours among the system's temporary ones."""
    return list(Path(tempfile.gettempdir()).glob("nnlaws-*"))


def main() -> int:
    """Prints how many of each kind, and each that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    counts, found = fuzz(arguments.number, arguments.seed)
    for kind, count in counts.items():
        print(f"{count:6,} {kind}")
    print(f"{len(found):6,} wrong, in {time.monotonic() - began:.0f} s")
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    os.environ["NNLAWS_NO_PLUGINS"] = "1"
    sys.exit(main())
