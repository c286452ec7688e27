"""Cases that depend on their seed alone, whatever else the process has imported."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers


def _none() -> dict[str, Any]:
    """What stands for the numbers collected from modules, of which there are none here; nothing before 6.131."""
    constants: Any = getattr(providers, "Constants", None)
    if constants is None:
        return {}
    none = constants()
    return {"_get_local_constants": lambda: none, "CONSTANTS_CACHE": LRUCache(1024)}


NONE = _none()


@contextmanager
def by_seed_alone() -> Generator[None]:
    """Hypothesis draws no numbers out of the text of the user's modules.

    Else it gives one number in twenty a value that stands somewhere in the modules loaded from outside site-packages:
    so what a seed draws would be another in a worker, under pytest, or beside another target. There is no setting for
    it. The cache of what fits a range is ours meanwhile, since it holds their values too.
    """
    before = {name: getattr(providers, name) for name in NONE}
    for name, ours in NONE.items():
        setattr(providers, name, ours)
    try:
        yield
    finally:
        for name, theirs in before.items():
            setattr(providers, name, theirs)
