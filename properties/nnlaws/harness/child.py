"""The child process: runs laws, one at a time, as its parent asks, on a target that a process of its own has loaded.
See `nnlaws.harness.parent` and `nnlaws_server`.

Commands come as JSON lines on what was standard input, answers go as JSON lines to what was standard output. The
target's own output goes to standard error. Where the target's process comes to an end, this one does so too, in the
same way: the parent says of it what it would say of that.
"""

import contextlib
import faulthandler
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import IO, Any, NoReturn

from nnlaws.harness import tree
from nnlaws.plan import Selection, Task
from nnlaws.report import LawResult
from nnlaws.wire import PREFIX
from nnlaws.wire.process import start


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable()
    tree.adopt_orphans()
    serve(commands, answers)


def serve(commands: IO[str], answers: IO[str]) -> None:
    """Answers one command after another. The first is to load the target, which is begun before all else."""
    first = json.loads(commands.readline() or "null")
    if first is None:
        return
    name, selection, pulse = first["target"], Selection.from_json(first["selection"]), sys.argv[1]
    process = None if name.startswith(PREFIX) else start(name, pulse)

    # what is imported here takes its time, and may import chapters of other packages, which print
    from nnlaws_server.errors import TargetError

    from nnlaws.authoring.errors import UsageError
    from nnlaws.harness import planning, targets
    from nnlaws.harness.finding import as_it_is, judged_as
    from nnlaws.harness.heartbeat import Heartbeat
    from nnlaws.harness.run import run

    heartbeat = Heartbeat(Path(pulse))

    def answer(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def early(result: LawResult) -> None:
        answer(early=result.as_json())

    def ended(how: int | str) -> NoReturn:
        if isinstance(how, str):
            answer(lost=how)
            while True:
                signal.pause()  # until the parent ends this, and what is left of the target
        ended_likewise(how)

    target: targets.Target | None = None
    called: set[tuple[str, str]] = set()  # operations and dtypes
    for command in chain([first], map(json.loads, commands)):
        try:
            if target is None:
                if process is None:
                    target = targets.client(name, selection.trace)
                else:
                    target = targets.served(name, process, ended)
                if target.recognised and (why := command.get("as_it_is")):
                    target = as_it_is(target, why)
                elif target.recognised:
                    heartbeat.first()
                    target = judged_as(target, selection, heartbeat)
                answer(**asdict(replace(planning.planned(target, selection), libraries=target.imported())))
            else:
                task = Task(**command["task"])
                if (task.operation, task.dtype) not in called:
                    called.add((task.operation, task.dtype))
                    heartbeat.first()
                result = run(task, target, selection, heartbeat, heartbeat.about, early)
                answer(result=result.as_json(), imported=target.imported())
        except TargetError as error:
            answer(failed=str(error))
        except UsageError as error:
            answer(usage=str(error))
        except (Exception, SystemExit):  # a law's own: what the target raises is an outcome
            answer(bug=traceback.format_exc())


def ended_likewise(code: int) -> NoReturn:
    """Ends this process as another has ended: by the same signal, or with the same exit code."""
    if code < 0:
        faulthandler.disable()  # what there is to say, the other has said
        with contextlib.suppress(OSError, ValueError):  # SIGKILL is what it is
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(max(code, 0))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
