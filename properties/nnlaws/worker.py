"""The child process: loads a target, runs laws on it, one at a time, as its parent asks. See `nnlaws.isolation`.

Commands come as JSON lines on what was standard input, answers go as JSON lines to what was standard output. The
target's own output goes to standard error, so it cannot garble an answer, and it has nothing to read.
"""

import contextlib
import faulthandler
import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nnlaws import runner, surroundings, targets
from nnlaws.heartbeat import Heartbeat
from nnlaws.verdict import LawResult, Selection, Task, UsageError


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable()
    heartbeat = Heartbeat(Path(sys.argv[1]))
    sys.path.insert(0, os.getcwd())  # after our own imports, which no file of the user's may shadow

    def answer(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def early(result: LawResult) -> None:
        answer(early=result.as_json())

    target, selection = None, Selection()
    for line in commands:
        command = json.loads(line)
        try:
            if "target" in command:
                selection = Selection.from_json(command["selection"])
                target = targets.resolve(command["target"])
                surroundings.remember()
                tasks = runner.plan(target, selection)
                answer(
                    description=target.description,
                    offered=list(target.operations),
                    tasks=[asdict(task) for task in tasks],
                )
            elif target is not None:
                task = Task(**command["task"])
                answer(result=runner.run(task, target, selection, heartbeat, heartbeat.about, early).as_json())
        except targets.TargetError as error:
            answer(failed=str(error))
        except UsageError as error:
            answer(usage=str(error))
        except Exception:
            answer(bug=traceback.format_exc())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
