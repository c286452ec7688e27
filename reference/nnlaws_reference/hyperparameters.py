"""Axes to search along, made from the table of hyperparameters."""

from nnlaws_spec.hyperparameters import HYPERPARAMETERS

from nnlaws_reference.search import Axis


def axis(name: str) -> Axis:
    """The axis of one hyperparameter of the table: its low, high and scale. Raises KeyError with the names there are.

    >>> axis("learning rate")
    Axis(name='learning rate', low=0.0001, high=1.0, scale='log')
    """
    for each in HYPERPARAMETERS:
        if each.name == name:
            return Axis(name, float(each.low), float(each.high), each.scale)
    raise KeyError(f"no hyperparameter {name!r}; there are {', '.join(each.name for each in HYPERPARAMETERS)}")


def axes(*names: str) -> tuple[Axis, ...]:
    """The axes of these hyperparameters, in this order; without names, of all, in the table's."""
    return tuple(map(axis, names or (each.name for each in HYPERPARAMETERS)))
