"""The scales' formulas: the notes' own lines, inverses and slopes proven in balls and jets, densities integrated."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from nnlaws import certify
from nnlaws_spec import clause, clauses
from nnlaws_spec.formulas import Numbers, optimizers, sampling, scales
from nnlaws_spec.numbers import balls, directional_derivative, enclose
from scipy.integrate import quad

PRECISION = 256
U = np.array([0.0, 2.0**-40, 0.1, 0.25, 0.5, 0.7, 1 - 2.0**-40, 1.0])
RATES, MOMENTA = (1e-4, 1.0), (0.9, 0.999)
"""The notes' boxes."""


class Law(NamedTuple):
    """The formulas of one law on one box: from u to x and back, the density of x, its share between two numbers."""

    box: tuple[float, float]
    map: Callable[..., Numbers]
    inverse: Callable[..., Numbers]
    density: Callable[[Numbers], Numbers]
    share: Callable[[Numbers, Numbers], Numbers]


def _log(low: float, high: float) -> Law:
    box: dict[str, Any] = {"low": low, "high": high}
    return Law(
        (low, high),
        partial(scales.log_uniform_map, **box),
        partial(scales.log_uniform_inverse, **box),
        partial(scales.log_uniform_density, **box),
        partial(scales.log_uniform_share, **box),
    )


def _one_minus_log(low: float, high: float, complement: str = "exact") -> Law:
    box: dict[str, Any] = {"low": low, "high": high, "complement": complement}
    return Law(
        (low, high),
        partial(scales.one_minus_log_uniform_map, **box),
        partial(scales.one_minus_log_uniform_inverse, **box),
        partial(scales.one_minus_log_uniform_density, **box),
        partial(scales.one_minus_log_uniform_share, **box),
    )


LAWS = {
    "learning rate": _log(*RATES),
    "log, narrow": _log(0.1, 0.2),
    "log, tiny": _log(1e-30, 1e-3),
    "momentum": _one_minus_log(*MOMENTA),
    "one minus log, from 0": _one_minus_log(0.0, 0.75),
    "one minus log, from below 0": _one_minus_log(-3.0, 0.5),
    "reverse log": _one_minus_log(*MOMENTA, "reverse_log"),
    "reverse log, wide": _one_minus_log(1e-3, 0.9, "reverse_log"),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def _overlap(a: Numbers, b: Numbers, radius: float = 1e-30) -> bool:
    """Whether each ball of a overlaps that of b, and says something."""
    pairs = list(zip(np.ravel(a), np.ravel(b), strict=True))
    return bool(pairs) and all(bool(x.overlaps(y)) and float(x.rad()) + float(y.rad()) <= radius for x, y in pairs)


def _decimal(numerator: int, denominator: int) -> arb:
    return arb(fmpq(numerator, denominator))


def test_sc1_the_notes_learning_rate_runs_from_high_to_low() -> None:
    """r = −4·U, α = 10^r; 1 is a double and 10⁻⁴ is not, so it is within an ulp of the notes'."""
    with ctx.workprec(PRECISION):
        notes = [arb(10) ** (-4 * each) for each in balls(U)]
        got = scales.log_uniform_map(balls(U), low=1e-4, high=1.0, direction="descending")
        assert all(abs(x - want) <= want * arb(2) ** -52 for x, want in zip(got, notes, strict=True))
    exact = balls(U)
    with ctx.workprec(PRECISION):
        low: Any = _decimal(1, 10_000)
        assert _overlap(scales.log_uniform_map(exact, low=low, high=1.0, direction="descending"), notes)


def test_sc2_the_notes_momentum() -> None:
    """r = −1 − 2·U, β = 1 − 10^r, in the decimal box itself."""
    with ctx.workprec(PRECISION):
        notes = [1 - arb(10) ** (-1 - 2 * each) for each in balls(U)]
        low: Any = _decimal(9, 10)
        high: Any = _decimal(999, 1000)
        assert _overlap(scales.one_minus_log_uniform_map(balls(U), low=low, high=high), notes)
    floats = scales.one_minus_log_uniform_map(U, low=0.9, high=0.999)
    assert floats == pytest.approx(1 - 10 ** (-1 - 2 * U), rel=1e-14)
    assert scales.one_minus_log_uniform_map(0.5, low=0.9, high=0.999) == pytest.approx(0.99, rel=1e-15)


def test_sc2_reverse_log_is_the_log_scale_turned_round() -> None:
    """Keras Tuner's: max + min − min (max/min)^(1−p); its median on the momentum's box is 0.9508."""
    got = scales.one_minus_log_uniform_map(U, low=0.9, high=0.999, complement="reverse_log")
    assert got == pytest.approx(0.999 + 0.9 - 0.9 * (0.999 / 0.9) ** (1 - U), rel=1e-15)
    assert got[U == 0.5] == pytest.approx(0.9508, abs=5e-5)


@every_law
def test_sc3_and_sc4_the_inverse_undoes_the_map(law: Law) -> None:
    with ctx.workprec(PRECISION):
        assert _overlap(law.inverse(law.map(balls(U))), balls(U))


@every_law
def test_sc5_the_ends_are_the_ends(law: Law) -> None:
    with ctx.workprec(PRECISION):
        assert _overlap(law.map(balls([0.0, 1.0])), balls(law.box))
        assert _overlap(law.inverse(balls(law.box)), balls([0.0, 1.0]))
    assert law.map(np.array([0.0, 1.0])) == pytest.approx(law.box, rel=1e-15)


@every_law
def test_sc6_and_sc7_it_rises_within_the_box(law: Law) -> None:
    with ctx.workprec(PRECISION):
        x = law.map(balls(U))
        assert all(bool(a < b) for a, b in pairwise(x))
        assert not any(bool(each < law.box[0]) or bool(each > law.box[1]) for each in x)


@pytest.mark.parametrize("c", [2.0**-60, 0.3, 1000.0])
def test_sc8_neither_unit_nor_base_matters(c: float) -> None:
    with ctx.workprec(PRECISION):
        low, high = balls([0.001, 5.0])
        near, far = _log(low, high), _log(c * low, c * high)
        x = near.map(balls(U))
        assert _overlap(far.map(balls(U)), c * x)
        assert _overlap(far.inverse(c * x), balls(U))
        assert _overlap(far.density(c * x), near.density(x) / c, radius=1e-20)
        tens = np.log(np.array([low, high], dtype=object)) / arb(10).log()
        tenth = [arb(10) ** ((1 - u) * tens[0] + u * tens[1]) for u in balls(U)]
        assert _overlap(x, tenth)


@pytest.mark.parametrize(
    ("name", "distance"),
    [
        ("log, narrow", lambda x, low, high: x),
        ("one minus log, from below 0", lambda x, low, high: 1 - x),
        ("reverse log", lambda x, low, high: low + high - x),
    ],
)
def test_sc9_the_middle_is_the_geometric_mean(name: str, distance: Callable[..., Any]) -> None:
    law = LAWS[name]
    with ctx.workprec(PRECISION):
        low, high = balls(law.box)
        below, above = (distance(law.map(u), low, high) for u in (balls(U), 1 - balls(U)))
        assert _overlap(below * above, np.full(U.shape, distance(low, low, high) * distance(high, low, high)))


@pytest.mark.parametrize("box", [MOMENTA, (0.0, 0.75), (-3.0, 0.5)])
def test_sc10_windows_are_log_uniform(box: tuple[float, float]) -> None:
    with ctx.workprec(PRECISION):
        shortest, longest = optimizers.effective_window(balls(box))
        windows = optimizers.effective_window(_one_minus_log(*box).map(balls(U)))
        assert _overlap(windows, scales.log_uniform_map(balls(U), low=shortest, high=longest))


def test_sc10_of_uniform_draws_most_look_back_over_few_values() -> None:
    """The figures of the clause: between 0.9 and 0.999, 91 % of uniform draws are below 0.99."""
    assert sampling.uniform_share(0.9, 0.99, *MOMENTA) == pytest.approx(0.91, abs=0.005)
    assert scales.one_minus_log_uniform_share(0.9, 0.99, *MOMENTA) == pytest.approx(0.5, rel=1e-12)


@every_law
def test_sc11_and_sc12_the_density_is_the_slope_of_the_inverse(law: Law) -> None:
    """du/dx, as jets prove it: no tolerance."""
    x = np.linspace(*law.box, 7)
    with ctx.workprec(128):
        assert _overlap(law.density(balls(x)), directional_derivative(law.inverse, x, np.ones(7)), radius=1e-3)
    assert certify(lambda x: law.inverse(x).sum(), law.density, x).holds


@every_law
def test_sc11_and_sc12_the_density_is_one_over_the_slope_of_the_map(law: Law) -> None:
    with ctx.workprec(PRECISION):
        slope = directional_derivative(law.map, U, np.ones(U.size), precision=PRECISION)
        assert _overlap(law.density(law.map(balls(U))) * slope, np.full(U.shape, arb(1)))


@every_law
def test_sc11_and_sc12_the_density_integrates_to_1_and_to_shares(law: Law) -> None:
    low, high = law.box
    cuts = [float(law.map(u)) for u in (0.2, 0.5, 0.75)]
    pieces = [
        quad(lambda x: float(law.density(x)), a, b, epsabs=0, epsrel=1e-10)[0] for a, b in pairwise([low, *cuts, high])
    ]
    assert pieces == pytest.approx([0.2, 0.3, 0.25, 0.25], rel=1e-9)
    ends = np.array([low, *cuts, high])
    assert law.share(ends[:-1], ends[1:]) == pytest.approx(pieces, rel=1e-9)


@every_law
def test_sc13_the_share_is_a_difference_of_u(law: Law) -> None:
    """So is the share of sums the sum of shares, and that of the whole box 1."""
    with ctx.workprec(PRECISION):
        x = law.map(balls(U))
        u = law.inverse(x)
        assert _overlap(law.share(x[:-1], x[1:]), u[1:] - u[:-1])
        low, high = balls(law.box)
        assert _overlap([law.share(low, high)], [arb(1)])


def test_sc13_every_decade_has_the_same_share() -> None:
    with ctx.workprec(PRECISION):
        low: Any = _decimal(1, 10_000)
        law = _log(low, 1.0)
        x = np.array([_decimal(m * 10**k, 10_000) for k in range(3) for m in (1, 3, 10)], dtype=object)
        quarter = np.full(x.shape, arb(1) / 4)
        assert _overlap(law.inverse(10 * x) - law.inverse(x), quarter)
        assert _overlap(law.share(x, 10 * x), quarter)


@every_law
def test_descending_turns_u_round(law: Law) -> None:
    down = [partial(each, direction="descending") for each in (law.map, law.inverse)]
    with ctx.workprec(PRECISION):
        assert _overlap(down[0](balls(U)), law.map(1 - balls(U)))
        x = law.map(balls(U))
        assert _overlap(down[1](x), 1 - law.inverse(x))


@every_law
def test_floats_and_balls_agree(law: Law) -> None:
    """A dozen roundings, of the exponent's too: |log 1e-30| is 69."""
    for formula, at in ((law.map, U), (law.inverse, np.linspace(*law.box, 9)), (law.density, np.linspace(*law.box, 9))):
        got = formula(at)
        assert got == pytest.approx(enclose(formula, at, within=1e-20 + 1e-20 * np.abs(got)).hi, rel=1e-12, abs=1e-12)
        assert formula(at.reshape(1, -1)).shape == formula(balls(at).reshape(1, -1)).shape == (1, at.size)
        assert formula(at[:0]).shape == (0,)
        assert formula(at[2]) == pytest.approx(got[2], rel=1e-14)  # NumPy's power of one number is another


def test_the_options_are_what_their_doubles_are() -> None:
    """1 − 0.999 is rounded in double; in balls it is the exact difference."""
    with ctx.workprec(PRECISION):
        (end,) = scales.one_minus_log_uniform_density(balls([0.0]), low=0.0, high=0.999)
        rest = 1 - Fraction(0.999)
        assert _overlap([1 / end], [-_decimal(rest.numerator, rest.denominator).log()])


@pytest.mark.parametrize(
    ("id", "named"),
    [
        ("SC-1", {"direction": scales.Direction}),
        ("SC-2", {"direction": scales.Direction, "complement": scales.Complement}),
        ("SC-3", {"direction": scales.Direction}),
        ("SC-4", {"direction": scales.Direction, "complement": scales.Complement}),
        ("SC-12", {"complement": scales.Complement}),
    ],
)
def test_a_formulas_conventions_stand_under_its_clause(id: str, named: dict[str, Any]) -> None:
    stands = {(variant.name, variant.value) for variant in clause(id).variants}
    assert stands >= {(name, value) for name, values in named.items() for value in get_args(values)[1:]}
    assert stands >= {("arithmetic", "narrow"), ("hyperparameters", "working")}


def test_the_chapters_variants_are_these() -> None:
    named = {
        (variant.name, variant.value)
        for each in clauses().values()
        if each.chapter == "scales"
        for variant in each.variants
    }
    assert named == {
        ("direction", "descending"),
        ("complement", "reverse_log"),
        ("arithmetic", "narrow"),
        ("hyperparameters", "working"),
        ("box", "rounded"),
    }
