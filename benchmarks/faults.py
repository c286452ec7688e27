"""Whatever a target does is an outcome: `python benchmarks/faults.py`, about three minutes.

Each fault is a softmax in a file of its own, beside a log-softmax that is right. Both are judged by the command, as a
user would, and the report has to say what happened, to judge the log-softmax as ever, and to end. Then a run is killed
half-way and gone on with, and reports are given what they should not obey. Ends with 1 where something is otherwise.
"""

import argparse
import json
import os
import pickle
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import nnlaws as nnlaws_package
import page
from fault_rows import CLIENT, FAULTS, RIGHT, Fault

TEMPLATE = Path(nnlaws_package.__file__).parent / "templates" / "clients" / "client.py"
NOT_SO = "**Not so:**"
LIMITS = ("--timeout", "1", "--memory", "0.5")


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
