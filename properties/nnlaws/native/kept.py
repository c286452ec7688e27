"""What an adapter makes once and uses again, for making it takes longer than using it: each thread has its own."""

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")


def kept(most: int) -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """As lru_cache, but for each thread by itself: a layer has a state, and two threads may call at the same time."""

    def wrap(make: Callable[Given, Made]) -> Callable[Given, Made]:
        own = threading.local()

        @wraps(make)
        def run(*arguments: Given.args, **options: Given.kwargs) -> Made:
            if not hasattr(own, "made"):
                own.made = lru_cache(maxsize=most)(make)
            found: Made = own.made(*arguments, **options)
            return found

        return run

    return wrap
