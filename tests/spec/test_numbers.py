"""Balls and jets: enclosures hold the truth, as tightly as asked, and leave flint's context as it was."""

from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from nnlaws.rounding.formats import format_of
from nnlaws_spec.formulas import softmax as formulas
from nnlaws_spec.numbers import Enclosure, PrecisionError, balls, directional_derivative, enclose, jets
from numpy.typing import NDArray

repeatable = settings(derandomize=True, deadline=None, max_examples=60)

DIGITS = 400
TRUTH = Fraction(1, 10 ** (DIGITS - 10))
"""Relative error of the Decimal truths: fewer than 1e9 roundings of 1e-400, amplified less than tenfold."""

DTYPES = [np.dtype(t) for t in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)

logits = st.lists(st.floats(-300, 300), min_size=1, max_size=5)


def _decimal_softmax(z: list[float]) -> list[Decimal]:
    e = [Decimal(x).exp() for x in z]
    return [x / sum(e) for x in e]


def _decimal_log_softmax(z: list[float]) -> list[Decimal]:
    """Where a class is all but certain, 1 − a_k is still over 1e-261, and 400 digits leave 139 right ones."""
    log_sum = sum(Decimal(x).exp() for x in z).ln()  # type: ignore[union-attr]
    return [Decimal(x) - log_sum for x in z]


def _holds(enclosed: Enclosure, truth: list[Decimal], slack: Fraction) -> bool:
    """|truth − (hi + lo)| ≤ radius in rational numbers, where `slack` is the truth's own error."""
    return all(
        abs(Fraction(exact) - Fraction(hi) - Fraction(lo)) <= Fraction(radius) + slack
        for exact, hi, lo, radius in zip(
            truth, enclosed.hi.tolist(), enclosed.lo.tolist(), enclosed.radius.tolist(), strict=True
        )
    )


@pytest.fixture
def odd_context() -> Iterator[tuple[int, int]]:
    """A precision and a cap that nobody would choose, to see whether they are left alone."""
    kept = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = 77, 5
    yield 77, 5
    ctx.prec, ctx.cap = kept


@repeatable
@given(logits)
def test_an_enclosure_holds_the_softmax(z: list[float]) -> None:
    with localcontext(prec=DIGITS):
        truth = _decimal_softmax(z)
    assert _holds(enclose(formulas.softmax, [z], within=1e-25)[0], truth, TRUTH)


@repeatable
@given(logits)
def test_an_enclosure_holds_the_log_softmax(z: list[float]) -> None:
    with localcontext(prec=DIGITS):
        truth = _decimal_log_softmax(z)
    assert _holds(enclose(formulas.log_softmax, [z], within=1e-25)[0], truth, 1000 * TRUTH)


@repeatable
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
def test_an_enclosure_holds_exact_rationals(x: list[float]) -> None:
    """x²/3 − x at every size that float64 has: the truth is a fraction."""
    truth = [Fraction(v) ** 2 / 3 - Fraction(v) for v in x]
    allowed = [float(min(abs(t) / 2**90, Fraction(10) ** 300)) + 2.0**-1070 for t in truth]
    found = enclose(lambda v: v * v / 3 - v, x, within=allowed)
    for exact, hi, lo, radius in zip(truth, found.hi, found.lo, found.radius, strict=True):
        if np.isinf(hi):
            assert abs(exact) > Fraction(np.finfo(np.float64).max)
        else:
            assert abs(exact - Fraction(float(hi)) - Fraction(float(lo))) <= Fraction(float(radius))


@repeatable
@given(logits, st.integers(-100, 0))
def test_within_is_obeyed(z: list[float], exponent: int) -> None:
    """From the coarsest radius to 2^-100: hi and lo together have 106 bits, and softmax is at most 1."""
    within = 2.0**exponent
    found = enclose(formulas.softmax, [z], within=within)
    assert (found.radius <= within).all()


def test_within_is_broadcast_against_the_result() -> None:
    within = np.array([1e-3, 1e-30, 1e-10])
    found = enclose(formulas.softmax, [[0.0, -40.0, 3.0], [1.0, -50.0, 7.0]], within=within)
    assert (found.radius <= within).all()


def test_hi_is_the_nearest_float_and_lo_the_rest() -> None:
    found = enclose(lambda x: x / 3, 1.0, within=2.0**-107)  # hi is known to 2^-54, so lo to 2^-54-53
    assert float(found.hi) == 1 / 3
    assert abs(Fraction(1, 3) - Fraction(1 / 3) - Fraction(float(found.lo))) <= Fraction(float(found.radius))
    assert float(found.lo) == float(Fraction(1, 3) - Fraction(1 / 3))


def test_the_precision_doubles_until_the_radius_is_small_enough() -> None:
    """log 2 to 1e-30 as the difference of two numbers of 1e308: that takes 308 + 30 digits, so 1,123 bits."""
    tried: list[int] = []

    def watched(z: Any) -> Any:
        tried.append(ctx.prec)
        return formulas.log_softmax(z)

    found = enclose(watched, [[1e308, 1e308]], within=1e-30)
    assert tried == [128, 256, 512, 1024, 2048]
    assert np.array_equal(found.hi, [[-np.log(2.0), -np.log(2.0)]])
    assert (found.radius <= 1e-30).all()


def test_softmax_of_huge_logits_is_enclosed() -> None:
    found = enclose(formulas.softmax, [[1e308, 1e308, -1e308]], within=1e-30)
    assert np.array_equal(found.hi, [[0.5, 0.5, 0.0]])
    assert (found.radius <= 1e-30).all()


def test_neighbouring_huge_logits_are_far_apart() -> None:
    z = np.array([[np.nextafter(1e308, 0), 1e308]])  # 2^971 apart
    assert np.array_equal(enclose(formulas.softmax, z, within=1e-30).hi, [[0.0, 1.0]])
    assert np.array_equal(enclose(formulas.log_softmax, z, within=1e280).hi, [[-(2.0**971), 0.0]])


def test_a_logit_of_minus_infinity_masks_its_class() -> None:
    z = [[0.0, -np.inf, 0.0]]
    assert np.array_equal(enclose(formulas.softmax, z, within=1e-30).hi, [[0.5, 0.0, 0.5]])
    logarithms = enclose(formulas.log_softmax, z, within=1e-30)
    assert logarithms.hi[0, 1] == -np.inf
    assert logarithms.radius[0, 1] == 0
    assert logarithms[0, 0].hi == logarithms[0, 2].hi == -np.log(2.0)


def test_beyond_the_range_of_float64_the_nearest_is_infinity() -> None:
    found = enclose(lambda x: -np.exp(x), 1e4, within=1.0)
    assert float(found.hi) == -np.inf


def test_an_infinite_hi_is_proven() -> None:
    """At 128 bits the midpoint of e^a · e^b − e^{a + b} + 1 is a rounding error of 1e396; the value is 1."""
    found = enclose(lambda a, b: np.exp(a) * np.exp(b) - np.exp(a + b) + 1, 1000.0, 0.3125, within=1e-3)
    assert abs(float(found.hi) - 1) <= 1e-3


@pytest.mark.parametrize("formula", [lambda x: x / x, lambda x: np.log(x), lambda x: np.sqrt(x - 1)])
def test_what_is_undefined_has_no_enclosure(formula: Callable[[Any], Any]) -> None:
    with pytest.raises(PrecisionError, match=r"has no value within 0\.1 .*32768 bits.*0/0"):
        enclose(formula, 0.0, within=0.1)


def test_a_fully_masked_row_has_no_softmax() -> None:
    with pytest.raises(PrecisionError, match="softmax has no value"):
        enclose(formulas.softmax, [[-np.inf, -np.inf]], within=0.1)


def _every_number(dtype: np.dtype[Any]) -> NDArray[Any]:
    """All finite numbers of a two-byte format; of a wider one, powers of 2, their neighbours, 1,000 more."""
    if dtype.itemsize == 2:
        x = np.arange(2**16, dtype=np.uint16).view(dtype)
        with np.errstate(invalid="ignore"):  # signalling NaNs
            return np.asarray(x[np.isfinite(x)])
    info = np.finfo(dtype)
    exponents = np.arange(int(info.minexp) - int(info.nmant), int(info.maxexp))
    powers = np.ldexp(np.ones((), dtype), exponents).astype(dtype)
    random = np.random.default_rng(0).integers(0, 2 ** (8 * dtype.itemsize - 1) - 1, 1000)
    others = random.astype(f"u{dtype.itemsize}").view(dtype)
    x = np.concatenate([powers, np.nextafter(powers, dtype.type(0)), [info.max, -info.max], others])
    return np.asarray(x[np.isfinite(x)])


@every_dtype
def test_the_lift_is_exact(dtype: np.dtype[Any], odd_context: tuple[int, int]) -> None:
    """Whatever precision the caller has set: all bits of a format are kept even where ctx.prec is 2."""
    x = _every_number(dtype)
    assert format_of(dtype).tiny * 2.0 ** (1 - format_of(dtype).digits) in x.astype(np.float64)  # subnormal
    ctx.prec = 2
    lifted = balls(x)
    ctx.prec = odd_context[0]
    assert all(ball.is_exact() for ball in lifted)
    assert all(_fraction(ball) == Fraction(number) for ball, number in zip(lifted, x.tolist(), strict=True))


def _fraction(ball: arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def test_infinities_are_lifted_as_they_are() -> None:
    assert [float(ball) for ball in balls([-np.inf, np.inf])] == [-np.inf, np.inf]


def test_a_jet_carries_value_and_direction() -> None:
    (jet,) = jets([3.0], [-0.1])
    assert (_fraction(jet[0]), _fraction(jet[1])) == (Fraction(3), Fraction(-0.1))


def _decimal_derivative(name: str, x: float, v: float) -> Decimal:
    exact = Decimal(x)
    slope = {"exp": exact.exp(), "log": 1 / exact, "polynomial": 3 * exact**2 - 4 * exact + 7}[name]
    return slope * Decimal(v)


SMOOTH: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "polynomial": lambda x: x * x * x - 2 * x * x + 7 * x - 1,
}


@pytest.mark.parametrize("name", SMOOTH)
@repeatable
@given(x=st.floats(2.0**-20, 2.0**6), v=st.floats(-4, 4))
def test_a_jet_holds_the_derivative(name: str, x: float, v: float) -> None:
    (found,) = directional_derivative(SMOOTH[name], [x], [v])
    with localcontext(prec=DIGITS):
        truth = Fraction(_decimal_derivative(name, x, v))
    centre, radius = _fraction(found), _fraction(found.rad())
    assert abs(truth - centre) <= radius + abs(truth) * TRUTH
    assert radius <= 2.0**-110 * max(1.0, float(abs(truth)), 2.0**14)  # the polynomial's terms reach 3·2^12·4


@repeatable
@given(z=logits, target=st.integers(0, 4), data=st.data())
def test_a_jet_holds_the_derivative_of_the_cross_entropy(z: list[float], target: int, data: st.DataObject) -> None:
    v = data.draw(st.lists(st.floats(-4, 4), min_size=len(z), max_size=len(z)))
    y = [float(k == target % len(z)) for k in range(len(z))]
    found: Any = directional_derivative(formulas.cross_entropy, [z], [v], [y])[()]
    with localcontext(prec=DIGITS):
        a = _decimal_softmax(z)
        truth = sum(((p - Decimal(t)) * Decimal(d) for p, t, d in zip(a, y, v, strict=True)), start=Decimal(0))
    # before the sum over at most five classes the terms are at most 4
    assert abs(Fraction(truth) - _fraction(found)) <= _fraction(found.rad()) + 20 * TRUTH


def test_a_derivative_has_the_shape_of_its_formula() -> None:
    z, v = np.zeros((2, 3)), np.ones((2, 3))
    assert directional_derivative(formulas.softmax, z, v).shape == (2, 3)
    assert directional_derivative(formulas.cross_entropy, z, v, np.eye(3)[:2]).shape == ()


def test_one_number_has_a_derivative() -> None:
    assert jets(3.0, 1.0).shape == ()
    assert directional_derivative(lambda x: x * x, 3.0, 1.0)[()] == 6


def test_the_derivative_of_a_constant_is_zero() -> None:
    found = directional_derivative(lambda x: balls([5.0]), [3.0], [1.0])
    assert found.shape == (1,)
    assert found[0] == 0


def test_a_higher_precision_gives_a_smaller_radius() -> None:
    radii = [directional_derivative(np.exp, [1.0], [1.0], precision=precision)[0].rad() for precision in (64, 128)]
    assert radii[1] < radii[0] * arb(2) ** -60


def _raises(*arguments: Any) -> Any:
    raise RuntimeError("as asked")


def test_the_context_is_restored(odd_context: tuple[int, int]) -> None:
    enclose(formulas.softmax, [[1e308, -1e308]], within=1e-20)
    directional_derivative(formulas.softmax, [[1.0, 2.0]], [[0.0, 1.0]])
    assert (ctx.prec, ctx.cap) == odd_context


@pytest.mark.parametrize(
    "ask",
    [
        lambda: enclose(_raises, 1.0, within=1.0),
        lambda: directional_derivative(_raises, [1.0], [1.0]),
    ],
    ids=["enclose", "directional_derivative"],
)
def test_the_context_is_restored_after_an_exception(ask: Callable[[], Any], odd_context: tuple[int, int]) -> None:
    with pytest.raises(RuntimeError, match="as asked"):
        ask()
    assert (ctx.prec, ctx.cap) == odd_context


def test_the_context_is_restored_where_no_precision_suffices(odd_context: tuple[int, int]) -> None:
    with pytest.raises(PrecisionError):
        enclose(lambda x: x / x, 0.0, within=1.0)
    assert (ctx.prec, ctx.cap) == odd_context
