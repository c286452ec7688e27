"""What the tests of recognition share: libraries that may be missing."""

import importlib
import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from nnlaws.chapters import OPERATIONS
from nnlaws_server.loading import loaded
from nnlaws_server.recognising import recognised

ELSEWHERE = ("paddle", "tf_keras")
"""What `make adapters` does not install: the one asks for other versions, the other for a second TensorFlow."""


@pytest.fixture(scope="session")
def need() -> Callable[[str], Any]:
    """Imports a library. Skips where it is missing, unless all of them are required."""

    def imported(library: str) -> Any:
        try:
            return importlib.import_module(library)
        except ImportError:
            if os.environ.get("NNLAWS_REQUIRE_LIBRARIES") and library not in ELSEWHERE:
                raise
            pytest.skip(f"{library} is not installed")

    return imported


@pytest.fixture
def taken() -> Callable[[str], Any]:
    """What a target is recognised as, in this process; TargetError where it is not."""

    def recognise(target: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return recognised(loaded(target, {}), target, OPERATIONS, {}, "nnlaws.native.recognition")

    return recognise
