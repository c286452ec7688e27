"""What a class of batch norm is recognised by: its parameters, a probe, and a batch that it is trained on."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaws.native.names import Keywords, Unrecognised, left_to_laws, parameters, pick, raised, told

Factory = Callable[..., Any]


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
    made = make(factory, recognised=lines, insisted=True, description=description)
    z, ones = np.array([[0, 0, 0], [1, 2, 3]], np.float32), np.ones(3, np.float32)
    try:
        probe(factory)
        made.batch_norm_train(z, ones, ones, eps=1e-5)
    except Unrecognised:
        raise
    except Exception as error:
        raise Unrecognised(f"made of 3 features, it {raised(error)}") from None
    return made
