"""The laws of the noise in a batch's variance: one sees its mean, one its spread; neither refuses what is sound."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from nnlaws.authoring.case import expand
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.chapters import LAWS
from nnlaws.chapters.batch_norm.mutants import MUTANTS
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import format_of
from nnlaws_reference import batch_norm_train
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence
from nnlaws_spec.formulas import batch_norm as formulas

SHORT, NOISY = "noisy_variance_falls_short", "noise_of_the_variance"
UNBIASED = {"running_variance": "unbiased"}


def refused(function: Callable[..., Any], name: str, dtype: str = "float32", **conventions: str) -> Iterator[bool]:
    """Of some cases, whether the law refuses the function."""
    (law,) = [law for law in LAWS if law.name == name]
    ruler = Ruler(law.operation, format_of(DTYPES[dtype]), conventions)
    subject = GuardedSubject(function, law.operation)
    for m in (2, 3, 6):
        for seed in range(3):
            case = Case(m, 64, "constant", 0, seed * TOGETHER)
            with silence():
                yield not law.evidence(subject, ruler, expand(law.build, case, ruler.format, law.lanes)).holds


def unbiased(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
    out, mean, _ = batch_norm_train(z, gamma, beta, eps=eps)
    return out, mean, z.astype(np.float64).var(axis=0, ddof=1).astype(z.dtype)


def with_noise(spread: float) -> Callable[..., Any]:
    """The variance, about its expectation, times this."""

    def train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
        out, mean, var = batch_norm_train(z, gamma, beta, eps=eps)
        middle = z.dtype.type((len(z) - 1) / len(z))
        return out, mean, middle + (var - middle) * z.dtype.type(spread)

    return train


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("law", [SHORT, NOISY])
def test_a_sound_implementation_is_not_refused(law: str, dtype: str) -> None:
    assert not any(refused(batch_norm_train, law, dtype))
    assert not any(refused(unbiased, law, dtype, **UNBIASED))


def test_an_undeclared_unbiased_variance_does_not_fall_short() -> None:
    assert any(refused(unbiased, SHORT))
    assert any(refused(batch_norm_train, SHORT, **UNBIASED))


@pytest.mark.parametrize("spread", [0.0, 0.25])
def test_a_variance_with_too_little_noise_has_the_right_mean_and_the_wrong_spread(spread: float) -> None:
    assert not any(refused(with_noise(spread), SHORT))
    assert all(refused(with_noise(spread), NOISY))


def test_a_mutant_of_each_kind_breaks_its_own_law_and_not_the_other() -> None:
    (shared,) = [each for each in MUTANTS if each.name == "batch_norm_train.variance_shared_by_neighbours"]
    (without,) = [each for each in MUTANTS if each.name == "batch_norm_train.variance_without_the_last_sample"]
    assert (any(refused(shared.function, SHORT)), any(refused(shared.function, NOISY))) == (False, True)
    assert (any(refused(without.function, SHORT)), any(refused(without.function, NOISY))) == (True, False)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_bn32_bn33_are_exact_for_any_population(m: int) -> None:
    """All mⁿ batches of a lopsided population, counted."""
    population = np.array([0.0, 1.0, 5.0])
    batches = np.array(np.meshgrid(*[population] * m)).reshape(m, -1).T[..., None]
    var, centred = population.var(), population - population.mean()
    found = formulas.variance(batches).ravel()
    assert found.mean() == pytest.approx(formulas.expected_variance(var, m))
    assert found.var() == pytest.approx(formulas.variance_of_variance(var, (centred**4).mean(), m))
    assert formulas.variance_of_variance(1.0, 3.0, m) == pytest.approx(2 * (m - 1) / m**2)
