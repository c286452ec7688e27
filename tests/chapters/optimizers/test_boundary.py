"""Boundary cases of averages and optimizers: what they hold, and what declared conventions may not hide from them."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from nnlaws.authoring.case import batches, stack
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.law import Law
from nnlaws.authoring.ruler import Ruler
from nnlaws.authoring.token import Case
from nnlaws.chapters import LAWS, chapter_of
from nnlaws.chapters.optimizers import inputs as cases
from nnlaws.harness.planning import find
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import Format, format_of
from nnlaws_reference import adam, adamw, gradient_descent
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence

FORMATS = {name: format_of(dtype) for name, dtype in DTYPES.items()}
OWN = [law for law in LAWS if chapter_of(law.operation).name == "optimizers" and law.boundary]
OF_VALUE = [law for law in OWN if law.kind == "value" and law.m == cases.SAMPLES and law.name != "in_many_coordinates"]
every_value = pytest.mark.parametrize("law", OF_VALUE, ids=[law.id for law in OF_VALUE])
every_format = pytest.mark.parametrize("format", FORMATS.values(), ids=list(FORMATS))


def boundary(law: Law, format: Format) -> list[Case]:
    assert law.boundary is not None
    return [*law.boundary(format, law.m, law.columns)]


def gradients(case: Case, format: Format = FORMATS["float32"]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return cases.gradients(case, format).astype(np.float64)


# --- what is drawn ---


def test_every_law_of_value_has_boundary_cases_and_each_can_be_replayed() -> None:
    assert len(OF_VALUE) == 7
    for law in OWN:
        for case in boundary(law, FORMATS["bfloat16"]):
            assert law.admits(case)
            assert Case.parse(str(case)) == case


@every_format
@every_value
def test_numbers_of_steps_and_of_coordinates_share_no_pattern(law: Law, format: Format) -> None:
    drawn = boundary(law, format)
    beyond = {case.columns % 8 for case in drawn if case.columns > 8}
    steps = {case.m % 8 for case in drawn if case.m > 5}
    assert beyond == set(range(8))
    assert len(steps) >= 6
    assert {0, 1} == {case.m % 2 for case in drawn if case.m > 8}


@every_value
def test_options_take_their_ends_their_defaults_and_what_is_beside_them(law: Law) -> None:
    values: dict[str, set[float]] = {}
    for case in boundary(law, FORMATS["float32"]):
        for name, value in stack(law.build, [case], FORMATS["float32"]).options.items():
            values.setdefault(name, set()).add(value)
    assert all({0.0, 0.9, 0.95} <= values[name] for name in values if name in ("beta", "beta1"))
    for name in ("beta", "beta1", "beta2"):
        near = values.get(name, set())
        assert not near or {0.0, max(near)} <= near
        assert not near or 0.999 in near or name == "beta1"
        assert not near or max(near) > (0.9995 if name != "beta1" else 0.99)
    if "learning_rate" in values:
        rates = values["learning_rate"]
        assert {0.0, 1e-3, 3.0, 10.0} <= rates
        assert any(0 < abs(rate - 1) < 0.01 for rate in rates)
    if "eps" in values:
        assert {1e-8, 1e-6, 1e-5, 1e-10, 1e-12} <= values["eps"]
        assert any(0 < abs(eps / 1e-8 - 1) < 0.1 for eps in values["eps"])
    if "weight_decay" in values:
        assert {0.0, 0.01, 1.0} <= values["weight_decay"]
        assert max(values["weight_decay"]) > 1


def test_decades_reach_from_below_any_epsilon_to_above_any_limit() -> None:
    sizes = np.abs(gradients(Case(3, 25, "decades", 0, 1)))
    assert ((10.0 ** np.arange(-12, 13) <= sizes) & (sizes < 2.1 * 10.0 ** np.arange(-12, 13)) | (sizes > 1e12)).all()
    signs = np.sign(gradients(Case(3, 25, "decades", 0, 1)))
    assert (signs[1:] == -signs[:-1]).all()


def test_paused_has_a_step_and_a_coordinate_without_gradients_and_a_minus_0() -> None:
    g = gradients(Case(5, 4, "paused", 0, 1))
    assert not g[2].any()
    assert not g[:, 0].any()
    assert np.signbit(g[1, -1])
    assert g[1, -1] == 0
    assert (g[0, 1:] != 0).all()


def test_a_spike_is_the_first_and_the_last_gradient_and_a_cliff_falls_far() -> None:
    spike, cliff = (gradients(Case(9, 2, family, 0, 1)) for family in ("spike", "cliff"))
    assert np.flatnonzero(spike[:, 0]).tolist() == [0, 8]
    assert spike[0, 0] * spike[-1, 0] < 0
    assert np.abs(cliff[0]).min() > 1000 * np.abs(cliff[1:]).max()


def test_rates_that_change_are_0_at_first_and_beyond_1_later() -> None:
    law = find("adam.changing_rate_value")
    seen = [
        stack(law.build, [case], FORMATS["float32"]).options["learning_rate"]
        for case in boundary(law, FORMATS["float32"])
    ]
    assert any(rates[0] == 0 for rates in seen)
    assert all(0 in rates and max(rates) == 10 for rates in seen if len(rates) == 8)


def test_rates_that_change_come_with_as_many_coordinates_as_steps() -> None:
    """There a rate that goes to a coordinate, not to a step, fits."""
    sizes = {(case.m, case.columns) for case in boundary(find("adam.changing_rate_value"), FORMATS["float32"])}
    assert {(2, 2), (3, 3), (5, 5)} <= sizes


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_decays_at_the_boundary_are_lost_in_their_factor_and_not_in_their_product(name: str) -> None:
    """1 − αλ rounds away from itself by αλ, or half of it, while θ (1 − αλ) rounds to where it is."""
    law, format, lost = find("adamw.zero_gradients"), FORMATS[name], 0
    kind: Any = format.dtype.type
    for case in boundary(law, format):
        if case.family == "fine":
            inputs = stack(law.build, [case], format)
            kept = 1 - inputs.options["learning_rate"] * inputs.options["weight_decay"]
            theta = inputs.arguments[0][0]
            once = (theta.astype(np.float64) * kept).astype(format.dtype)
            lost += int(np.count_nonzero(theta * kind(kept) != once))
    assert lost >= 16


def test_a_few_large_batches_and_many_small_ones_are_cheap() -> None:
    """But for one of each optimizer, of very many coordinates."""
    for law in OWN:
        for name, format in FORMATS.items():
            drawn = boundary(law, format)
            if law.name == "in_many_coordinates":
                assert len(drawn) == (format.digits < 24)
                continue
            assert sum(case.m * case.columns for case in drawn) < (10_000 if name != "float64" else 3_500)
            assert len(batches(drawn, 16)) < 40


# --- what conventions may not hide ---

Function = Callable[..., Array]


def seen(law: str, function: Function, format: str, conventions: dict[str, str], *tokens: str) -> Evidence:
    """Of the law, on all of its boundary cases or on these."""
    of = find(law)
    drawn = [Case.parse(token) for token in tokens] or boundary(of, FORMATS[format])
    ruler, subject = Ruler(of.operation, FORMATS[format], conventions), GuardedSubject(function, of.operation)
    with silence():
        found = [of.evidence(subject, ruler, stack(of.build, batch, FORMATS[format])) for batch in batches(drawn, 16)]
    return max(found, key=lambda each: each.ratio)


def cut(beta: float) -> float:
    """To bfloat16, towards 0: 0.999 becomes 0.99609375."""
    return float((np.float32(beta).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32))


def with_cut_beta2(theta: Array, grads: Array, *, beta2: float, **options: Any) -> Array:
    return adam(theta, grads, beta2=cut(beta2), **options)


@pytest.mark.parametrize("declared", [("arithmetic", "narrow"), ("state", "narrow"), ("parameters", "stochastic")])
def test_narrow_types_do_not_hide_a_beta2_that_is_cut(declared: tuple[str, str]) -> None:
    """tt-metal #55935. Each step of v may be lost in bfloat16; but not 17 times as much as v should have moved."""
    spike = "300x1,spike,0,0,learning_rate=0.5,beta1=0.0,beta2=0.9999847412109375,eps=1e-08"
    assert seen("adam.value", with_cut_beta2, "bfloat16", dict([declared]), spike).ratio > 1
    assert seen("adam.value", adam, "bfloat16", dict([declared]), spike).holds


def with_narrow_decay_factor(
    theta: Array, grads: Array, *, learning_rate: Any, weight_decay: float, **options: Any
) -> Array:
    """θ times 1 − αλ, which is rounded to the narrow type, and the rest of the step in float32."""
    kind: Any = theta.dtype.type
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    moved = adam(np.zeros_like(theta, np.float32), grads.astype(np.float32), learning_rate=learning_rate, **options)
    steps = np.diff(moved, axis=0, prepend=np.zeros_like(moved[:1]))
    iterates = np.empty_like(grads)
    for t, (step, rate) in enumerate(zip(steps, rates, strict=True)):
        decayed = theta * kind(1 - rate * weight_decay)
        iterates[t] = theta = (decayed.astype(np.float32) + step).astype(theta.dtype)
    return iterates


@pytest.mark.parametrize("declared", [("arithmetic", "narrow"), ("state", "narrow"), ("parameters", "compensated")])
@pytest.mark.parametrize("format", ["float16", "bfloat16"])
def test_narrow_types_do_not_hide_a_decay_whose_factor_rounds(format: str, declared: tuple[str, str]) -> None:
    """OneTrainer #996, torch._foreach_mul_ on CPU. Rounded first and declared so, the factor may."""
    conventions = dict([declared])
    assert seen("adamw.zero_gradients", with_narrow_decay_factor, format, conventions).ratio > 1.3
    assert seen("adamw.zero_gradients", adamw, format, conventions).holds
    working = {"arithmetic": "narrow", "hyperparameters": "working"}
    assert seen("adamw.zero_gradients", with_narrow_decay_factor, format, working).holds


def half_of_it_forgotten(theta: Array, grads: Array, *, learning_rate: Any) -> Array:
    """Kahan's sum whose compensation is halved."""
    return _kahan(theta, grads, learning_rate, 0.5)


def compensated(theta: Array, grads: Array, *, learning_rate: Any) -> Array:
    return _kahan(theta, grads, learning_rate, 1.0)


def _kahan(theta: Array, grads: Array, learning_rate: Any, part: float) -> Array:
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    kind, rest, iterates = theta.dtype, np.zeros_like(theta, np.float32), np.empty_like(grads)
    for t, (g, rate) in enumerate(zip(grads.astype(np.float32), rates, strict=True)):
        rest = (rest - np.float32(rate) * g).astype(kind).astype(np.float32)
        new = (theta.astype(np.float32) + rest).astype(kind)
        rest = np.float32(part) * (rest + (theta.astype(np.float32) - new.astype(np.float32))).astype(kind).astype(
            np.float32
        )
        iterates[t] = theta = new
    return iterates


def test_what_is_declared_compensated_keeps_what_rounding_takes() -> None:
    declared = {"parameters": "compensated"}
    token = "100x3,constant,0,1,learning_rate=0.001"
    assert seen("gradient_descent.long_run", compensated, "bfloat16", declared, token).holds
    assert not seen("gradient_descent.long_run", half_of_it_forgotten, "bfloat16", declared, token).holds


def test_what_is_declared_compensated_is_not_what_is_kept_narrow() -> None:
    """Steps of less than half a spacing add up in the compensation, and nowhere else."""

    def kept_narrow(theta: Array, grads: Array, *, learning_rate: Any) -> Array:
        iterates = np.empty_like(grads)
        for t, g in enumerate(grads.astype(np.float32)):
            moved = theta.astype(np.float32) - np.float32(learning_rate) * g
            iterates[t] = theta = moved.astype(ml_dtypes.bfloat16)
        return iterates

    token = "100x3,constant,0,1,learning_rate=0.001"
    narrow, declared = {"state": "narrow"}, {"parameters": "compensated"}
    assert seen("gradient_descent.long_run", kept_narrow, "bfloat16", narrow, token).holds
    assert not seen("gradient_descent.long_run", kept_narrow, "bfloat16", declared, token).holds


def test_what_stands_still_is_off_by_what_it_should_have_moved_and_no_more() -> None:
    """In a narrow state: θ = 1 and a hundred steps of 2⁻¹² of it, each lost."""

    def moved(times: int) -> Function:
        def descent(theta: Array, grads: Array, **options: Any) -> Array:
            exact = theta + times * (
                gradient_descent(theta.astype(np.float64), grads.astype(np.float64), **options) - theta
            )
            return np.asarray(exact, theta.dtype)

        return descent

    token, narrow = "100x1,constant,0,1,learning_rate=0.000244140625", {"state": "narrow"}
    held = [seen("gradient_descent.long_run", moved(t), "bfloat16", narrow, token).holds for t in (0, 1, 3)]
    assert held == [True, True, False]


# --- OP-27 ---


def test_an_optimizer_may_refuse_what_is_no_number() -> None:
    def refusing(theta: Array, grads: Array, **options: Any) -> Array:
        if not np.isfinite(grads.astype(np.float64)).all():
            raise ValueError("a gradient is not finite")
        return gradient_descent(theta, grads, **options)

    assert seen("gradient_descent.not_hidden", refusing, "float32", {}, "3x4,normal,1,0").holds


def test_nan_in_one_coordinate_may_not_reach_the_others() -> None:
    def by_norm(theta: Array, grads: Array, **options: Any) -> Array:
        return gradient_descent(theta, grads + 0 * grads.sum(axis=1, keepdims=True), **options)

    assert not seen("gradient_descent.not_hidden", by_norm, "float32", {}, "3x4,normal,1,0").holds


def test_nan_may_not_be_gone_a_step_later() -> None:
    def healed(theta: Array, grads: Array, **options: Any) -> Array:
        iterates = gradient_descent(theta, grads, **options)
        right = gradient_descent(theta, np.nan_to_num(grads), **options)
        iterates[-1] = right[-1]
        return iterates

    assert not seen("gradient_descent.not_hidden", healed, "float32", {}, "4x4,normal,1,0").holds
