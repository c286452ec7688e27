"""Rounding bounds of a layer: no sound way leaves them, however near the samples lie; and they are not far off."""

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.layers import bounds
from nnlaws.chapters.layers.operations import BATCH_NORM_LAYER
from nnlaws.chapters.layers.sound import SOUND
from nnlaws.rounding.number import Bounded, bounded
from nnlaws_reference.dtypes import Array
from nnlaws_spec.formulas import layers as formulas
from nnlaws_spec.numbers import balls
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIZES = ((2, 1, 3), (3, 2, 4), (5, 8, 3), (12, 3, 2), (4, 33, 2))
OFFSETS = (0.0, 10.0, 1e3)
EPSILONS = (1e-8, 1e-5, 1.0)
IN_FLOAT32 = [each for each in SOUND if not {"arithmetic", "preactivation"} & each.conventions.keys()]


def arguments(variant: SoundVariant, size: tuple[int, int, int], offset: float, dtype: Any) -> list[Array]:
    """Samples that are nearly equal, `offset` deviations from 0; one input in two of the same, so that W may cancel."""
    m, k, n = size
    random = np.random.default_rng((*size, int(offset)))
    x = offset + random.standard_normal((m, k)) * random.choice([1e-2, 1.0], (1, k))
    W, b = random.standard_normal((n, k)), offset * random.standard_normal(n)
    W[:, 1::2] -= W[:, : k - 1 : 2][:, : W[:, 1::2].shape[1]]
    gamma, beta, dout = random.standard_normal(n), random.standard_normal(n), random.standard_normal((m, n))
    given = (x, W, b, gamma, beta) if variant.operation == BATCH_NORM_LAYER.name else (dout, x, W, b, gamma)
    return [each.astype(dtype) for each in given]


def ratios(variant: SoundVariant, given: list[Array], eps: float) -> list[float]:
    """Of each result, the worst error/bound, where there is a bound."""
    named = {name: value for name, value in variant.conventions.items() if name == "epsilon"}
    formula, bound = getattr(formulas, variant.operation), getattr(bounds, variant.operation)
    with ctx.workprec(256):
        exact = formula(*map(balls, given), eps=eps, **named)
    got = variant.function(*given, eps=eps)
    allowed = bound(*map(bounded, given), eps=eps, conventions=variant.conventions)
    several = [each if isinstance(each, tuple) else (each,) for each in (got, exact, allowed)]
    return [_worst(*each) for each in zip(*several, strict=True)]


def _worst(got: Array, exact: Any, bound: Bounded) -> float:
    distance: Any = np.frompyfunc(lambda x, y: float(abs(arb(x) - y).upper()), 2, 1)
    assert got.shape == bound.shape
    finite = np.isfinite(bound.error)
    with ctx.workprec(256):
        off = distance(np.where(finite, got, 0).astype(np.float64).astype(object), exact).astype(np.float64)
    used = np.divide(off, bound.error, out=np.zeros(off.shape), where=finite & (off != 0))
    assert not np.isnan(used).any()
    return float(used.max(initial=0.0))


@pytest.mark.parametrize("variant", IN_FLOAT32, ids=lambda each: each.name)
def test_no_sound_way_leaves_the_bound(variant: SoundVariant) -> None:
    worst = max(
        ratio
        for size in SIZES
        for offset in OFFSETS
        for eps in EPSILONS
        for ratio in ratios(variant, arguments(variant, size, offset, np.float32), eps)
    )
    assert worst <= 1
    if variant.name.rpartition(".")[2] not in ("wide_layer", "wide_back"):
        assert worst > 0.03  # a bound of thirty times as much would hide what it is there to show


@pytest.mark.parametrize("operation", ["batch_norm_layer", "batch_norm_layer_backward"])
def test_a_b_that_cancels_does_not_make_the_bound_smaller_than_what_leaving_it_out_costs(operation: str) -> None:
    """x W is 1e4 and b −1e4: with b z is about 1, and without it each z loses four digits."""
    names = ("batch_norm_layer.without_bias", "batch_norm_layer_backward.bias_left_out")
    (variant,) = [each for each in SOUND if each.name in names and each.operation == operation]
    given = arguments(variant, (5, 4, 3), 0.0, np.float32)
    place = 0 if operation == "batch_norm_layer" else 1
    given[place] = given[place] + np.float32(1e4)
    given[place + 2] = -(given[place] @ given[place + 1].T).mean(axis=0)
    assert max(ratios(variant, given, 1e-3)) <= 1


def test_two_layers_that_store_in_a_narrow_type_need_their_convention() -> None:
    (variant,) = [each for each in SOUND if each.name == "batch_norm_layer.preactivation_stored"]
    undeclared = SoundVariant(variant.operation, variant.name, variant.function)
    given = arguments(variant, (5, 4, 3), 10.0, np.float16)
    assert max(ratios(variant, given, 1e-5)) <= 1 < max(ratios(undeclared, given, 1e-5))
