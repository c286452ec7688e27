"""What an object keeps, and where: in its attributes, and in dictionaries and objects among these."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnlaws.native.names import NAMES, Keywords, Parameters, pick

Place = tuple[str, ...]
"""The name of an attribute; or that, and a key or an attribute of what is there."""


def places(thing: Any) -> dict[Place, Any]:
    """All of them, with what is there; numbers of the class too."""
    found: dict[Place, Any] = {}
    for kind in reversed(type(thing).__mro__):
        found |= {(name,): value for name, value in vars(kind).items() if is_number(value)}
    for name, value in getattr(thing, "__dict__", {}).items():
        found[(name,)] = value
        found |= {(name, key): each for key, each in _within(value)}
    return found


def _within(value: Any) -> Iterator[tuple[str, Any]]:
    there: Any = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if not isinstance(value, (type, np.ndarray)) and not callable(getattr(value, "__get__", None)):
        yield from ((key, each) for key, each in there.items() if isinstance(key, str))


def get(thing: Any, place: Place) -> Any:
    for name in place:
        thing = thing[name] if isinstance(thing, dict) else getattr(thing, name)
    return thing


def put(thing: Any, place: Place, value: Any) -> None:
    owner = get(thing, place[:-1])
    if isinstance(owner, dict):
        owner[place[-1]] = value
    else:
        setattr(owner, place[-1], value)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numbers(thing: Any, there: Parameters, words: tuple[str, ...]) -> dict[str, Place]:
    """Of our words, those that no parameter is, and an attribute of the object that was made is a number: by its name
    there.
    """
    own = {place[0]: place for place, value in places(thing).items() if len(place) == 1 and is_number(value)}
    found: dict[str, Place] = {}
    for word in words:
        name = next((each for each in NAMES[word] if each in own and each not in there), "")
        if name and not pick(there, word):
            found[name] = own[name]
    return found


def maker(kind: Callable[..., Any], attributes: dict[str, Place], fixed: Keywords) -> Callable[..., Any]:
    """Makes an object with numbers given by name: as arguments, or set as attributes."""

    def make(**given: Any) -> Any:
        thing = kind(**{**fixed, **{name: value for name, value in given.items() if name not in attributes}})
        for name, place in attributes.items():
            if name in given:
                put(thing, place, given[name])
        return thing

    return make
