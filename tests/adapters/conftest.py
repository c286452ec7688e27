"""What the tests of recognition share: libraries that may be missing."""

import importlib
import os
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def need() -> Callable[[str], Any]:
    """Imports a library. Skips where it is missing, unless all of them are required."""

    def imported(library: str) -> Any:
        try:
            return importlib.import_module(library)
        except ImportError:
            if os.environ.get("NNLAWS_REQUIRE_LIBRARIES"):
                raise
            pytest.skip(f"{library} is not installed")

    return imported
