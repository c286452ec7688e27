"""`python -m nnlaws_server SETUP`: SETUP is JSON: target, the modules of built-in names, the file of the pulse."""

import faulthandler
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from nnlaws_server import process_state
from nnlaws_server.callee import Here, silence
from nnlaws_server.errors import TargetError, words
from nnlaws_server.loading import declared, loaded, offered
from nnlaws_server.pulse import Pulse
from nnlaws_server.recognising import recognised
from nnlaws_server.serving import Conversation, Session, serve


def main() -> None:
    setup = json.loads(sys.argv.pop())
    answers, asked = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable()
    sys.path.insert(0, os.getcwd())  # after our own imports, which no file of the user's may shadow
    session = Session({}, Pulse(Path(setup["pulse"])) if setup["pulse"] else None, Conversation(asked, answers))
    try:
        implementation = loaded(setup["target"], setup["built_in"])
    except TargetError as error:
        serve(session, partial(_raise, error))
        return
    process_state.remember()
    with silence():
        serve(session, partial(_offered, setup, implementation))


def _offered(
    setup: dict[str, Any], implementation: Any, operations: dict[str, int]
) -> tuple[dict[str, Here], dict[str, Any]]:
    """What it offers of the operations, by their numbers of results, and what there is to say of it."""
    target = setup["target"]
    try:
        implementation = recognised(implementation, target, operations, setup["built_in"], setup["recogniser"])
        callees = {name: Here(each, operations[name]) for name, each in offered(implementation, operations).items()}
        taken = {name: callee.parameters() for name, callee in callees.items()}
        return callees, {"declared": declared(implementation), "operations": taken}
    except TargetError:
        raise
    except Exception as error:  # an attribute may be a property, or a module's __getattr__
        raise TargetError(f"looking for operations in {target} failed: {words(error)}") from error


def _raise(error: TargetError, operations: dict[str, int]) -> NoReturn:
    raise error


if __name__ == "__main__":
    main()
