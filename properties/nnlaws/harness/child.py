"""The child process: loads a target, runs laws on it, one at a time, as its parent asks. See `nnlaws.harness.parent`.

Commands come as JSON lines on what was standard input, answers go as JSON lines to what was standard output. The
target's own output goes to standard error, so it cannot garble an answer, and it has nothing to read.
"""

import contextlib
import faulthandler
import json
import os
import sys
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from nnlaws.harness import tree
from nnlaws.plan import Selection, Task
from nnlaws.report import LawResult


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable()
    tree.adopt_orphans()
    serve(commands, answers)


def serve(commands: IO[str], answers: IO[str]) -> None:
    """Answers one command after another. What is imported here may import chapters of other packages, which print."""
    from nnlaws.authoring.errors import UsageError
    from nnlaws.harness import planning, provenance, targets
    from nnlaws.harness.heartbeat import Heartbeat
    from nnlaws.harness.run import run
    from nnlaws.isolation import process_state

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
                before = set(sys.modules)
                target = targets.resolve(command["target"], selection.trace)
                process_state.remember()
                plan = planning.planned(target, selection)
                answer(**asdict(replace(plan, libraries=provenance.libraries(before))))
            elif target is not None:
                task = Task(**command["task"])
                answer(result=run(task, target, selection, heartbeat, heartbeat.about, early).as_json())
        except targets.TargetError as error:
            answer(failed=str(error))
        except UsageError as error:
            answer(usage=str(error))
        except (Exception, SystemExit):  # a law's own: what the target raises is an outcome
            answer(bug=traceback.format_exc())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
