"""What a class is recognised by: its parameters, the names of what it keeps, and what it does to a few numbers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaws.native.names import Keywords, Unrecognised, left_to_laws, parameters, pick, raised, told

Factory = Callable[..., Any]
STATE = ("weight", "bias", "running_mean", "running_var")
"""What a layer's γ, β and averages are called."""
ALSO = {
    "weight": ("gamma", "scale", "scaler"),
    "bias": ("beta", "shift", "intercept"),
    "running_mean": ("moving_mean", "mean", "mu", "_mean"),
    "running_var": ("moving_var", "moving_variance", "running_variance", "var", "variance", "sigma2", "_variance"),
}
"""What else these are called."""
PROBE = 3  # features of the layer that is made to see what it is
WEIGHT = 0.25  # of the new or of the old statistics, that is tried
SMALL, MODERATE = 1e-5, 0.5  # ε that are tried


def averages(weight: float) -> str:
    """What a momentum is that gives the second batch such a weight."""
    for sense, wanted in (("new", WEIGHT), ("old", 1 - WEIGHT)):
        if abs(weight - wanted) < 0.01:
            return f"its momentum the weight of the {sense}"
    return f"the second batch with a weight of {weight:.3g} where its momentum is {WEIGHT}"


def acting(inferred: Callable[[float], float]) -> float:
    """The ε that is written into a layer, by what it does to a feature without variance, inside the root or outside:
    the number of few digits. inferred(var): what 1 is normalised to at inference, of mean 0 and that variance, in
    float64. Raises Unrecognised where there is none.
    """
    at_0, at_1 = inferred(0.0), inferred(SMALL)
    if at_0 == float("inf"):
        return 0.0
    if not at_0 > 0:
        raise Unrecognised("its ε is not known: a feature without variance is normalised to no number above 0")
    inside, outside = few_digits(at_0**-2), few_digits(1 / at_0)
    for eps, want in (
        (inside, (inside**-0.5, (SMALL + inside) ** -0.5)),
        (outside, (1 / outside, 1 / (SMALL**0.5 + outside))),
    ):
        if all(abs(got / each - 1) < 1e-6 for got, each in zip((at_0, at_1), want, strict=True)):
            return eps
    raise Unrecognised("its ε is not known: it has no parameter and no attribute eps, and acts as none of few digits")


def recognised(
    kind: Factory,
    signature_of: Any,
    given: Keywords,
    needed: Sequence[str],
    probe: Callable[[Factory], None],
    make: Callable[..., SimpleNamespace],
    description: str,
) -> SimpleNamespace:
    """The target that `make` makes of a class, with the keywords given, that has the parameters needed and passes a
    probe. signature_of: what says which parameters it has, or these. Raises Unrecognised.
    """
    there = signature_of if isinstance(signature_of, Mapping) else parameters(signature_of)
    if lacking := [each for each in needed if each not in there]:
        raise Unrecognised(f"its parameters are {', '.join(there)}; of batch norm's it has no {', '.join(lacking)}")
    left_to_laws(given, {*needed})
    factory: Factory = partial(kind, **given) if given else kind
    lines = (f"taken for batch norm, its {pick(there, 'bn_momentum')} the weight of the old", *told(given))
    z, ones = np.array([[0, 0, 0], [1, 2, 3]], np.float32), np.ones(3, np.float32)
    try:
        probe(factory)
        made = make(factory, recognised=lines, insisted=True, description=description)
        made.batch_norm_train(z, ones, ones, eps=1e-5)
    except Unrecognised:
        raise
    except Exception as error:
        raise Unrecognised(f"made of 3 features, it {raised(error)}") from None
    return made


def few_digits(number: float) -> float:
    """The nearest of three digits, as numbers are that are written into a program."""
    return float(f"{number:.3g}")
