"""Is a gradient the derivative of its function? Asked of a function that nobody knows.

Along v, f changes at the rate ⟨v, ∇f⟩. `gradcheck` measures that rate from values of f and accepts g if

    |(f(x + hv) − f(x − hv)) / 2h − ⟨v, g⟩|  ≤  truncation(h) + rounding of f / h + rounding of ⟨v, g⟩.

No tolerance is set by hand: residuals (measured − claimed) at many steps h show truncation as a smooth change
with h, rounding as a rough one. Where f runs on complex numbers, Im f(x + ihv)/h has next to neither.
Sources: Moré and Wild 2011, "Estimating Computational Noise" (difference tables); Lepski 1991 (a step must
agree with all smaller ones); Squire and Trapp 1998 (complex step); pytorch #59650 (why Gaussian directions).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nnlaws.gradients.complex_step import complex_step
from nnlaws.gradients.rates import ALARM, Array, Function, Problem, Rates, pair, safety_factor


@dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found; true if no direction disagrees.

    worst: the largest |difference| / allowed. detectable: norm of an error, in one output's gradient, that
    passes with probability at most 1e-9; relative_detectable: divided by the gradient's norm. On failure: the
    coordinates (indices into x) of the smallest failing direction, the output's index, the claimed and the
    measured rate, and their allowed difference (for one coordinate: of that entry of the gradient).
    """

    ok: bool
    method: str
    compared: str
    directions: int
    failing: int
    worst: float
    detectable: float
    relative_detectable: float
    coordinates: tuple[tuple[int, ...], ...] = ()
    output: tuple[int, ...] = ()
    yours: float = math.nan
    measured: float = math.nan
    allowed: float = math.nan

    def __bool__(self) -> bool:
        return self.ok

    def raise_if_wrong(self) -> None:
        """Raise AssertionError with the whole report unless the gradient agrees with f."""
        if not self.ok:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        verdict = "agrees with f along all" if self.ok else f"is wrong along {self.failing} of"
        small = f"an error of norm {self.detectable:.2g}, {self.relative_detectable:.2g} of the gradient's"
        text = f"""gradcheck: the gradient {verdict} {self.directions} random directions
  compared    {self.compared}, by {self.method}
  worst       {self.worst:.3g} times what rounding and truncation allow (above 1 is wrong)
  detectable  {small}, passes with probability at most {ALARM:g}"""
        if self.ok:
            weak = "\n  what to do  this says little: give x in float64, away from kinks and poles of f"
            return text + weak * (self.relative_detectable > 0.1)
        names = [str(index[0] if len(index) == 1 else index) for index in self.coordinates]
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        of = f", output {self.output[0] if len(self.output) == 1 else self.output} of f" * bool(self.output)
        return f"""{text}
  smallest failing direction: coordinate {", ".join(names[:4])}{more} of x{of}
    yours       {self.yours:.17g}
    measured    {self.measured:.17g}
    difference  {abs(self.yours - self.measured):.3g}, allowed {self.allowed:.3g}
  what to do  correct the gradient there and check again. If you trust it: is f smooth at x (no kink, no tie
              of a maximum)? Are its values worse than they look, as log(1 + e^-20)? Then pass noise="""


def gradcheck(
    f: Function, gradient: Function, x: Any, *, directions: int = 8, seed: int = 0, noise: float | None = None
) -> GradientReport:
    """Compare `gradient` with the derivative of f at x along random directions.

    f: maps an array like x to a number or an array; gradient: to an array of shape f(x).shape + x.shape.
    x: float32 or float64, any shape, where f is smooth. directions: K; an error E of the gradient passes with
    probability at most (√(2/π) τ/‖E‖)^K, τ being the threshold. noise: the absolute error of f, if known.
    Raises TypeError or ValueError for what cannot be checked; for a wrong gradient the report is false.
    """
    if directions < 1 or directions != int(directions):
        raise ValueError(f"directions is {directions}: expected an integer of at least 1; 8 is a good choice")
    if noise is not None and not 0 <= noise < math.inf:
        raise ValueError(f"noise is {noise}: expected the absolute error of f, finite and ≥ 0; or pass None")
    with np.errstate(all="ignore"):  # steps beyond f's domain, and overflow there, are expected
        problem = _problem(f, gradient, np.array(x), noise or 0.0)
        v = np.random.default_rng(seed).standard_normal((int(directions), problem.x.size))
        # Of length √n, so that one step suits all; their entries are no likelier near 0 than Gaussian ones.
        v *= math.sqrt(problem.x.size) / np.linalg.norm(v, axis=1, keepdims=True)
        return _report(problem, v, None if noise is None else np.full(problem.y.shape, noise))


def _problem(f: Function, gradient: Function, x: Array, noise: float) -> Problem:
    """Evaluate f and gradient at x; refuse what could not be judged."""
    if x.dtype.name not in ("float32", "float64"):
        raise TypeError(f"x is {x.dtype}: expected float32 or float64; pass np.asarray(x, dtype=np.float64)")
    if x.size == 0 or not np.isfinite(x).all():
        what = "not finite" if x.size else "empty"
        raise ValueError(f"x is {what}, of shape {x.shape}: expected one finite number or more; pass such")
    y, again, g = _called(f, x, "f"), _called(f, x, "f"), _called(gradient, x, "gradient")
    if y.shape != again.shape or np.any(np.abs(y - again) > 2 * noise):
        raise ValueError(
            f"f is not deterministic: two calls at the same x gave {y.ravel()[:3]} and {again.ravel()[:3]}: "
            "expected the same; fix its random seed, switch dropout off, or pass noise="
        )
    if g.shape != y.shape + x.shape:
        expected = f"f(x).shape + x.shape = {y.shape + x.shape}"
        raise ValueError(f"gradient(x) has shape {g.shape}: expected {expected}; reshape it, or sum f")
    u, tiny = max((float(np.finfo(a.dtype).eps) / 2, float(np.finfo(a.dtype).tiny)) for a in (x, y, g))
    flat = g.astype(np.float64).reshape(y.size, x.size)
    return Problem(f, gradient, x, y.astype(np.float64).ravel(), flat, y.shape, u, tiny)


def _called(function: Function, x: Array, name: str) -> Array:
    given = x.copy()
    result = np.array(function(given))
    if not np.array_equal(given, x):
        raise ValueError(f"{name} writes into its argument: expected x unchanged; work on x.copy() in it")
    if result.dtype.kind not in "fiu" or result.size == 0:
        raise TypeError(f"{name}(x) is {result.dtype}, shape {result.shape}: expected reals; return an array")
    if not np.isfinite(result).all():
        raise ValueError(f"{name}(x) is not finite: expected no NaN, no infinity; choose x inside f's domain")
    return result if result.dtype.kind == "f" else result.astype(np.float64)


def _report(problem: Problem, v: Array, noise: Array | None) -> GradientReport:
    method, judge = "central differences", partial(_central, problem, _ladder(problem.x))
    found = judge(v, noise)
    if not np.isfinite(found.allowed).all():
        raise ValueError("f is not finite around x: expected a neighbourhood in its domain; move x inside")
    exact = _confirmed(problem, v, found)
    if exact is not None:
        method, judge, found = "complex step", partial(complex_step, problem, exact.h), exact
    # P(miss) is a product over directions, so the geometric mean of the thresholds counts.
    threshold = float(np.exp(np.log(found.allowed).mean(axis=0)).max())
    detectable = threshold * math.sqrt(2 / math.pi) * float(ALARM ** (-1 / len(v)))
    size = float(np.linalg.norm(problem.g, axis=1).max())
    failing = int((found.ratio > 1).any(axis=1).sum())
    report = GradientReport(
        ok=failing == 0,
        method=method,
        compared=f"x {problem.x.dtype} {problem.x.shape}, f(x) of shape {problem.shape}",
        directions=len(v),
        failing=failing,
        worst=float(found.ratio.max()),
        detectable=detectable,
        relative_detectable=detectable / size if size else math.inf,
    )
    return report if report.ok else _located(report, problem, judge, v, found)


def _ladder(x: Array) -> Array:
    """Steps in octaves, from 64 units in the last place of x (below, rounded directions are not Gaussian:
    their grain is 1/128 there; 8 directions must resolve 1e-9^{1/8} √(π/2) = 0.09) to 8 max(|x|, 1)."""
    scale = math.frexp(float(np.abs(x).max()))[1]
    lowest = scale + 6 - int(np.finfo(x.dtype).nmant)
    return np.asarray(2.0 ** np.arange(max(lowest, -1000), min(max(scale, 0) + 4, 1000)))


def _look_ahead(x: Array) -> int:
    """Octaves above a step where noise is looked for: u^{-2/15}, 7 in float64 and 3 in float32. From the best
    step, u^{1/3} L, they lead to u^{1/5} L, where a table of order 7 leaves only (h/L)⁷/7! < u."""
    return round((int(np.finfo(x.dtype).nmant) + 1) * 2 / 15)


def _central(problem: Problem, steps: Array, v: Array, noise: Array | None) -> Rates:
    """Central differences at all steps, against the directions really taken; the smallest threshold wins."""
    pairs = [[pair(problem.x, direction, h) for h in steps] for direction in v]
    moved = np.array([[(p.astype(np.float64) - m).ravel() / 2 for p, m in row] for row in pairs])
    ahead, behind = (np.array([[problem.values(both[i]) for both in row] for row in pairs]) for i in (0, 1))
    h = steps[:, None]
    residual = (ahead - behind) / 2 - moved @ problem.g.T  # (K, J, M): h (measured − claimed)
    level = _noise(residual, _look_ahead(problem.x)) if noise is None else np.tile(noise, (len(h), 1))
    floor = problem.u * np.maximum(np.abs(ahead), np.abs(behind)) + problem.tiny
    floor += problem.slack(moved, 2.0**-53)
    # A polynomial has no truncation, but no step is that safe: a third derivative at x's scale is presumed.
    presumed = np.linalg.norm(problem.g, axis=1) * (h / max(1.0, float(np.abs(problem.x).max()))) ** 2 / 6
    still = (ahead == problem.y) & (behind == problem.y)
    past = np.maximum(np.arange(len(h)) - _look_ahead(problem.x), 0)
    truncation = np.maximum(_truncation(residual / h, floor / h, level, h, still, level[past]), presumed[:-3])
    allowed = np.nan_to_num(truncation + ((level + floor) / h)[:, :-3], nan=math.inf, posinf=math.inf)
    step = allowed.argmin(axis=1)
    difference, best = (np.take_along_axis(a, step[:, None], axis=1)[:, 0] for a in (residual / h, allowed))
    return Rates(difference, best, np.take_along_axis(level, step, axis=0).max(axis=0), steps[step])


def _noise(residual: Array, ahead: int) -> Array:
    """Rounding error of f for each step and output, (K, J, M) → (J, M), times its safety factor.

    With E the shift to the doubled step, (E − 2)(E − 8)(E − 32) = E³ − 42E² + 336E − 512 removes h, h³ and h⁵
    and leaves independent errors √(1 + 42² + 336² + 512²) = 614 times larger. Mean squares over directions
    and 4 steps; their running maximum looks `ahead`, as steps too small to cross a rounding grain show none.
    """
    r = residual
    rough = (r[:, 3:] - 42 * r[:, 2:-1] + 336 * r[:, 1:-2] - 512 * r[:, :-3]) / 614
    each = np.hypot.reduce(np.where(np.isfinite(rough), rough, 0), axis=0)  # squares could vanish or overflow
    size = np.hypot.reduce(np.lib.stride_tricks.sliding_window_view(each, 4, axis=0), axis=-1)
    at = [min(k + ahead - 3, len(size) - 1) for k in range(r.shape[1])]
    samples = 4 * len(r)
    safety = safety_factor(samples, cases=r[:, 0].size)
    return np.asarray(np.maximum.accumulate(size)[at] * (safety / math.sqrt(samples)))


def _truncation(rate: Array, floor: Array, level: Array, h: Array, still: Array, past: Array) -> Array:
    """Twice the truncation at each step but the last three, (K, J, M) → (K, J − 3, M).

    Truncation ch² makes D_2h − D_h = 3ch², D_4h − D_2h = 12ch², D_8h − D_4h = 48ch²: the largest counts, as
    one may vanish by chance. A step so large that f looks different (saturation, a kink) disagrees with a
    smaller one by more than the smaller one's rounding (`past`, not looking ahead): that excess counts too.
    Where f stood still, the smaller one may be below a rounding grain: the larger one's rounding is taken.
    """
    gaps = np.abs(np.diff(rate, axis=1))
    size = np.maximum(np.maximum(gaps[:, :-2] / 3, gaps[:, 1:-1] / 12), gaps[:, 2:] / 48)
    for k in range(1, size.shape[1]):
        rounding = floor[:, :k] + np.where(still[:, :k], level[k], past[:k]) / h[:k]
        excess = np.abs(rate[:, :k] - rate[:, k : k + 1]) - rounding
        size[:, k] = np.maximum(size[:, k], excess.max(axis=1))
    return np.asarray(2 * size)


def _confirmed(problem: Problem, v: Array, found: Rates) -> Rates | None:
    """Complex steps, if f allows them, central differences confirm them, and they are sharper."""
    try:
        exact = complex_step(problem, found.h, v, None)
    except Exception:  # whatever it is, f was not written for complex numbers
        return None
    agree = bool((np.abs(exact.difference - found.difference) <= found.allowed).all())
    return exact if agree and np.log(exact.allowed).mean() < np.log(found.allowed).mean() else None


def _located(
    report: GradientReport, problem: Problem, judge: Callable[..., Rates], v: Array, found: Rates
) -> GradientReport:
    """The report with its smallest failing direction: the worst one, halved as long as a half still fails."""
    worst, output = (int(i) for i in np.unravel_index(found.ratio.argmax(), found.ratio.shape))

    def along(low: int, high: int) -> Rates:
        part = np.zeros_like(v[:1])
        part[0, low:high] = v[worst, low:high]
        return judge(part, found.noise)

    low, high = _halved(lambda low, high: bool(along(low, high).ratio[0, output] > 1), 0, v.shape[1])
    part = v[worst, low:high]
    row, last = (0, along(low, high)) if len(part) < v.shape[1] else (worst, found)
    unit = float(part[0]) if len(part) == 1 else 1.0
    yours = float(part @ problem.g[output, low:high]) / unit
    return replace(
        report,
        coordinates=tuple(tuple(int(i) for i in np.unravel_index(s, problem.x.shape)) for s in range(low, high)),
        output=tuple(int(i) for i in np.unravel_index(output, problem.shape)),
        yours=yours,
        measured=yours + float(last.difference[row, output]) / unit,
        allowed=float(last.allowed[row, output]) / abs(unit),
    )


def _halved(fails: Callable[[int, int], bool], low: int, high: int) -> tuple[int, int]:
    """The smallest range that fails, found in [low, high) by halving."""
    middle = (low + high) // 2
    for half in ((low, middle), (middle, high)):
        if low < middle and fails(*half):
            return _halved(fails, *half)
    return low, high
