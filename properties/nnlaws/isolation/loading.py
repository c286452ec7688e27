"""While code of another package is imported: what it does to the process is put back, and its words are beside ours."""

import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress

import numpy as np


@contextmanager
def contained() -> Generator[None]:
    """Meanwhile what is printed goes to standard error, for standard output is the report's, and there is nothing to
    read. Afterwards the working directory, NumPy's error state and the filters of warnings are as they were.
    """
    folder, reading = None, sys.stdin
    with suppress(OSError):  # a folder that is gone
        folder = os.getcwd()
    try:
        with open(os.devnull) as nothing, redirect_stdout(sys.stderr), np.errstate(), warnings.catch_warnings():
            sys.stdin = nothing
            yield
    finally:
        sys.stdin = reading
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)
