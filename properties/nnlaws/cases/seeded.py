"""Cases that depend on their seed alone, whatever else the process has imported."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers

OURS: dict[str, Any] = {}
if hasattr(providers, "Constants"):  # from 6.131 on
    none = providers.Constants()
    OURS = {"_get_local_constants": lambda: none, "CONSTANTS_CACHE": LRUCache(1024)}


@contextmanager
def by_seed_alone() -> Generator[None]:
    """Hypothesis draws no numbers out of the text of the user's modules.

    Else it gives one number in twenty a value that stands somewhere in the modules loaded from outside
    site-packages: so what a seed draws would be another in a worker, under pytest, or beside another target. There is
    no setting for it. The cache of what fits a range is ours meanwhile, since it holds their values too.
    """
    before = {name: getattr(providers, name) for name in OURS}
    for name, ours in OURS.items():
        setattr(providers, name, ours)
    try:
        yield
    finally:
        for name, theirs in before.items():
            setattr(providers, name, theirs)
