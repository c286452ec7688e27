"""Masked classes at size: a kernel that goes through a row in blocks meets blocks in which all are masked."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nnlaws_reference
import numpy as np
import pytest
from nnlaws import check
from nnlaws.report import Outcome

TILE = 256


def judged(operation: str, function: Callable[..., Any], dtype: str = "float32", **declared: str) -> Any:
    target = SimpleNamespace(**{operation: function}, conventions=declared)
    report = check(target, laws=[f"{operation}.masked_at_size"], dtypes=[dtype])
    (result,) = [each for each in report.results if each.operation == operation]
    return result


def online(z: Any, unmasked: bool) -> Any:
    """Of each row the maximum and the sum, tile by tile; unmasked: whether −∞ is no maximum to subtract."""
    top, total = np.full_like(z[:, :1], -np.inf), np.zeros_like(z[:, :1])
    for start in range(0, z.shape[1], TILE):
        tile = z[:, start : start + TILE]
        new = np.maximum(top, tile.max(axis=1, keepdims=True))
        at = np.where(np.isneginf(new), 0, new).astype(z.dtype) if unmasked else new
        total = total * np.exp(top - at) + np.exp(tile - at).sum(axis=1, keepdims=True)
        top = new
    return top, total


def softmax_of(unmasked: bool) -> Callable[..., Any]:
    def softmax(z: Any) -> Any:
        top, total = online(z, unmasked)
        return np.exp(z - top) / total

    return softmax


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tile_that_is_masked_is_met(dtype: str) -> None:
    assert judged("softmax", softmax_of(unmasked=True), dtype).outcome is Outcome.CONFORMS
    result = judged("softmax", softmax_of(unmasked=False), dtype)
    assert (result.outcome, result.clause) == (Outcome.VIOLATES, "SM-10")
    assert "first_tile_masked_is_nan" in str(result.violation.cause)


def test_what_is_as_far_off_without_masks_is_another_laws() -> None:
    def off(z: Any) -> Any:
        return nnlaws_reference.softmax(z) * np.float32(1.001)

    def leaky(z: Any) -> Any:
        return off(np.where(np.isneginf(z), z.dtype.type(-3), z))

    assert judged("softmax", off).outcome is Outcome.CONFORMS
    assert judged("softmax", leaky).outcome is Outcome.VIOLATES


def test_a_loss_with_the_masked_term_falls_short_and_of_another_form_is_left_open() -> None:
    def cross_entropy(z: Any, y: Any) -> Any:
        return -(y * nnlaws_reference.log_softmax(z)).sum() / z.dtype.type(len(z))

    result = judged("cross_entropy", cross_entropy)
    assert (result.outcome, result.clause) == (Outcome.FALLS_SHORT, "SM-19")
    assert judged("cross_entropy", cross_entropy, normalisation="lse").outcome is not Outcome.FALLS_SHORT


def test_a_number_in_place_of_a_mask_is_met_in_masked_blocks() -> None:
    """Where all classes of a block are masked, they are taken to be −10,000: more than the top of some rows."""

    def softmax(z: Any) -> Any:
        blocks = [z[:, start : start + 1024] for start in range(0, z.shape[1], 1024)]
        low = z.dtype.type(-1e4)
        whole = [np.where(np.isneginf(each).all(axis=1, keepdims=True), low, each) for each in blocks if each.size]
        return (
            nnlaws_reference.softmax(np.concatenate(whole, axis=1))
            if z.shape[1] > 1024
            else (nnlaws_reference.softmax(z))
        )

    assert judged("softmax", softmax).outcome is Outcome.VIOLATES


def test_a_loss_that_has_no_value_in_float64_falls_short_like_any() -> None:
    """0 · (−∞), in the formula too: there no cause can be sought."""

    def cross_entropy(z: Any, y: Any) -> Any:
        wide = z.shape[1] > TILE and np.isneginf(z[:, :TILE]).all(axis=1).any()
        return z.dtype.type(np.nan) if wide else nnlaws_reference.cross_entropy(z, y)

    result = judged("cross_entropy", cross_entropy, "float64")
    assert (result.outcome, result.clause) == (Outcome.FALLS_SHORT, "SM-19")
