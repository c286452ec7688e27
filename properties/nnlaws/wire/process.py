"""Starts the process of a target in Python. Importing this imports no NumPy, so that it starts while others do."""

import json
import os
import subprocess
import sys

from nnlaws.adapters import BUILT_IN

RECOGNISER = "nnlaws.native.recognition"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Of small arrays, more threads make nothing faster, and much slower; who sets them has them."""


def start(target: str, pulse: str = "", **environment: str) -> "subprocess.Popen[bytes]":
    """A process that loads the target and answers calls. pulse: a file in which it says what it does."""
    setup = {"target": target, "built_in": dict(BUILT_IN), "pulse": pulse, "recogniser": RECOGNISER}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "nnlaws_server", json.dumps(setup)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**dict.fromkeys(ONE_THREAD, "1"), **os.environ, **environment},
    )
