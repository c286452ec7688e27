"""How many draws show a wrong sampler, at one false alarm in 10⁹ runs: `python benchmarks/samplers.py`.

Draws are given as v in [0, 1], where a sound sampler is uniform: A is log-uniform on [1e-4, 1], v = −log₁₀(α)/4; B is
one-minus-log-uniform on [0.9, 0.999], v = (−log₁₀(1 − β) − 1)/2; S concerns dependence. Each test of nnlaws runs at its
own share of the false alarms, 1e-9/256: marginal with the densities of known mistakes, serial on ranks, which do not
see the marginal, repeats, and evenness (the only one of a fixed number of draws: 99 of 100 streams). Beside them
Kolmogorov and Smirnov's exact test, Anderson and Darling's and χ² on 16 bins (both asymptotic), at 1e-9, for a number
of draws fixed beforehand.
"""

import argparse
import contextlib
import datetime
import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import page
from nnlaws.chance import THRESHOLD, evenness, marginal, repeats, sequential_ranks, serial
from scipy.special import ndtr
from scipy.stats import chi2, kstwo

ALPHA = 1e-9
NEVER = 10**9
# Anderson and Darling's limit is Σ χ²₁/(j(j + 1)); its tail is √3 P(χ²₁ > 2z), which gives their table's .01 and .05
DARLING = chi2.isf(ALPHA / np.sqrt(3), 1) / 2

Random = np.random.Generator
Floats = np.ndarray[Any, np.dtype[np.float64]]


def a(alpha: Floats) -> Floats:
    return -np.log10(alpha) / 4


def b(beta: Floats) -> Floats:
    return (-np.log10(1 - beta) - 1) / 2


def correlated(random: Random, n: int, rho: float) -> Floats:
    z = random.standard_normal(n)
    for t in range(1, n):
        z[t] = rho * z[t - 1] + np.sqrt(1 - rho * rho) * z[t]
    return np.asarray(ndtr(z))


def antithetic(random: Random, n: int) -> Floats:
    u = random.random((n + 1) // 2)
    return np.stack([u, 1 - u], axis=1).ravel()[:n]


class Bug(NamedTuple):
    draw: Callable[[Random, int], Floats]
    n: int
    """As many draws as the sequential tests are given."""
    streams: float = 1.0
    """As a share of the others' number."""
    fixed: int = 3000
    """The largest number of draws tried with tests of a fixed number."""


BUGS = {
    "A uniform": Bug(lambda r, n: a(1e-4 + (1 - 1e-4) * r.random(n)), 200),
    "A exp(-4u)": Bug(lambda r, n: a(np.exp(-4 * r.random(n))), 200),
    "A 2**(-4u)": Bug(lambda r, n: a(2.0 ** (-4 * r.random(n))), 200),
    "A 10**(-3u)": Bug(lambda r, n: a(10 ** (-3 * r.random(n))), 400),
    "A 10**(-5u)": Bug(lambda r, n: a(10 ** (-5 * r.random(n))), 200),
    "A 10**(-3.9u)": Bug(lambda r, n: a(10 ** (-3.9 * r.random(n))), 2500, 1, 25_000),
    "A u**1.1": Bug(lambda r, n: r.random(n) ** 1.1, 16_000, 0.2, 25_000),
    "A u**1.03": Bug(lambda r, n: r.random(n) ** 1.03, 120_000, 0.05, 0),
    "A whole exponents": Bug(lambda r, n: r.integers(0, 5, n) / 4, 200),
    "A exponents of 1 digit": Bug(lambda r, n: np.round(4 * r.random(n), 1) / 4, 200, 1, 0),
    "A exponents of 2 digits": Bug(lambda r, n: np.round(4 * r.random(n), 2) / 4, 400, 1, 0),
    "A exponents of 4 digits": Bug(lambda r, n: np.round(4 * r.random(n), 4) / 4, 2000, 1, 0),
    "A triangular": Bug(lambda r, n: r.triangular(0, 0.5, 1, n), 800),
    "B log-uniform": Bug(lambda r, n: b(0.9 * (0.999 / 0.9) ** r.random(n)), 300),
    "B uniform": Bug(lambda r, n: b(0.9 + 0.099 * r.random(n)), 300),
    "B reverse_log": Bug(lambda r, n: b(0.999 + 0.9 - 0.9 * (0.999 / 0.9) ** (1 - r.random(n))), 300),
    "B 1-10**(-1-u)": Bug(lambda r, n: b(1 - 10 ** (-1 - r.random(n))), 200),
    "B 1-10**(-1-3u)": Bug(lambda r, n: b(1 - 10 ** (-1 - 3 * r.random(n))), 200),
    "B 1-10**(-2u)": Bug(lambda r, n: b(1 - 10 ** (-2 * r.random(n))), 200),
    "S correlation .9": Bug(lambda r, n: correlated(r, n, 0.9), 300, 1, 0),
    "S correlation .5": Bug(lambda r, n: correlated(r, n, 0.5), 800, 1, 0),
    "S correlation .3": Bug(lambda r, n: correlated(r, n, 0.3), 2000, 0.5, 0),
    "S correlation .1": Bug(lambda r, n: correlated(r, n, 0.1), 16_000, 0.1, 0),
    "S antithetic pairs": Bug(antithetic, 300, 1, 1000),
    "S each drawn twice": Bug(lambda r, n: np.repeat(r.random((n + 1) // 2), 2)[:n], 100, 1, 1000),
    "S shuffled grid of 1000": Bug(lambda r, n: (r.permutation(1000)[:n] + 0.5) / 1000, 600, 1, 1000),
    "S period 64": Bug(lambda r, n: np.resize(r.random(64), n), 200, 1, 1000),
}
# Known densities of v: what a specification of a log scale would be mistaken for, and ranges that end elsewhere
KNOWN = [
    lambda v: 4 * np.log(10) * 10 ** (-4 * v) / (1 - 1e-4),
    lambda v: np.where(v < np.log10(np.e), 1 / np.log10(np.e), 0.0),
    lambda v: np.where(v < np.log10(2), 1 / np.log10(2), 0.0),
    lambda v: np.where(v < 0.75, 4 / 3, 0.0),
    lambda v: np.where(v < 0.5, 2.0, 0.0),
    lambda v: np.where(v < 0.25, 4.0, 0.0),
    lambda v: np.where(v >= 0.25, 4 / 3, 0.0),
    lambda v: 2 * np.log(10) * 10 ** (-1 - 2 * v) / 0.099,
    lambda v: 2 * np.log(10) * 10 ** (-1 - 2 * v) / (1 - 10 ** (-1 - 2 * v)) / np.log(0.999 / 0.9),
    lambda v: 2 * np.log(10) * 10 ** (-1 - 2 * v) / (0.899 + 10 ** (-1 - 2 * v)) / np.log(0.999 / 0.9),
]  # fmt: skip


ASKED = """How many draws show a wrong sampler?
`python benchmarks/samplers.py --write`, {date}, {seconds:.0f} s on one core of a shared machine.

```text
{printed}
```

*any*: whichever test of nnlaws is first; the others look once, at a number of draws fixed beforehand, and have the
whole 1e-9 for themselves. 2,000 draws show all but the last hair: u^1.1, u^1.03, and neighbours that correlate by 0.1.
Where order is wrong and the distribution is not, the classical tests see nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", type=int, nargs="?", default=1000, help="of draws, a row (default: 1000)")
    parser.add_argument("--write", action="store_true", help="write the section of docs/trust.md, not standard output")
    arguments = parser.parse_args()
    began = time.perf_counter()
    if not arguments.write:
        report(arguments.streams)
        return
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        report(arguments.streams)
    date, took = datetime.date.today().isoformat(), time.perf_counter() - began
    page.write("samplers", ASKED.format(date=date, seconds=took, printed=printed.getvalue().strip()))


def report(streams: int) -> None:
    false_alarms(4 * streams)
    speed()
    print(f"\ndraws needed for power .999 ({streams} streams, fewer where marked), and on average; '-': not within n")
    columns = ("support", "marginal", "serial", "repeats", "even", "any", "mean", "KS", "AD", "chi2-16")
    print(f"{'bug':24s}{'streams':>8s}{'n':>8s}" + "".join(f"{each:>9s}" for each in columns))
    for name, bug in BUGS.items():
        count = max(int(streams * bug.streams), 20)
        cells = [*sequential(bug, count), *fixed(bug, min(count, 1000))]
        print(f"{name:24s}{count:8d}{bug.n:8d}" + "".join(f"{each:>9s}" for each in cells), flush=True)


def sequential(bug: Bug, streams: int) -> list[str]:
    """The draws that each sequential test needs in 999 of 1000 streams; and the first of them, also on average."""
    random = np.random.default_rng(1)
    needed = np.array([caught(bug.draw(random, bug.n), random) for _ in range(streams)])
    needed[:, 4] = even(bug, random)  # a test of a fixed number: what it needs in 999 of 1000 streams
    first = needed.min(axis=1)
    columns = [*needed.T, first]
    shown = [quantile(each) for each in columns]
    return [*shown, f"{np.minimum(first, bug.n).mean():.0f}"]


def caught(v: Floats, random: Random) -> tuple[int, int, int, int, int]:
    outside = (v < -1e-9) | (v > 1 + 1e-9)
    found = (
        marginal(v, KNOWN),
        serial(sequential_ranks(v, random)),
        repeats(v, np.full(len(v), 2.0**-52)),
    )
    first, second, third = (each.at if each.highest >= THRESHOLD else NEVER for each in found)
    return int(outside.argmax()) + 1 if outside.any() else NEVER, first, second, third, NEVER


def even(bug: Bug, random: Random) -> int:
    """The least number of draws that are seen to be too even in 99 of 100 streams."""

    def power(n: int) -> float:
        return float(np.mean([evenness(bug.draw(random, n))[0] >= THRESHOLD for _ in range(100)]))

    return least([n for n in GRID if n <= min(bug.n, 1000)], lambda n: power(n) >= 0.99)


GRID = np.unique(np.round(10 ** np.arange(0.6, 4.61, 0.05)).astype(int)).tolist()


def fixed(bug: Bug, streams: int) -> list[str]:
    """The least number of draws, of 20 a decade, at which a test of a fixed number rejects 999 of 1000 streams."""
    sizes = [n for n in GRID if n <= bug.fixed]
    if not sizes:
        return [""] * 3

    def enough(test: Callable[[Floats], Any], n: int) -> bool:
        random = np.random.default_rng(2)
        return bool(np.mean([test(np.clip(bug.draw(random, n), 1e-15, 1 - 1e-15)) for _ in range(streams)]) >= 0.999)

    tests = (kolmogorov, darling, pearson)
    found = [least(sizes, partial(enough, test)) for test in tests]
    return ["-" if each == NEVER else str(each) for each in found]


def least(sizes: list[int], enough: Callable[[int], bool]) -> int:
    """The least of the sizes that is enough, as if power grew with size; NEVER if the largest is not."""
    if not sizes or not enough(sizes[-1]):
        return NEVER
    low, high = -1, len(sizes) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(sizes[middle]) else (middle, high)
    return sizes[high]


CRITICAL: dict[int, float] = {}


def kolmogorov(v: Floats) -> bool:
    n = len(v)
    if n not in CRITICAL:
        CRITICAL[n] = float(kstwo.isf(ALPHA, n))
    v, i = np.sort(v), np.arange(1, n + 1)
    return bool(max((i / n - v).max(), (v - (i - 1) / n).max()) > CRITICAL[n])


def darling(v: Floats) -> bool:
    n = len(v)
    v, odd = np.sort(v), 2 * np.arange(n) + 1
    return bool(-n - (odd * (np.log(v) + np.log1p(-v[::-1]))).sum() / n > DARLING)


PEARSON = chi2.isf(ALPHA, 15)


def pearson(v: Floats) -> bool:
    count = np.bincount((16 * v).astype(int), minlength=16)
    return bool(((count - len(v) / 16) ** 2).sum() * 16 / len(v) > PEARSON)


def false_alarms(streams: int) -> None:
    random = np.random.default_rng(9)
    tests: dict[str, Callable[[Floats], float]] = {
        "marginal": lambda v: marginal(v, KNOWN).highest,
        "serial of ranks": lambda v: serial(sequential_ranks(v, random)).highest,
        "serial": lambda v: serial(v).highest,
        "repeats of 1 in 20,000": lambda v: repeats(np.floor(20_000 * v), np.full(len(v), 1 / 20_000)).highest,
        "evenness": lambda v: evenness(v)[0],
    }
    print(f"sound samplers, {streams} streams of 500 draws: share at or above 1/a, at a = .1, .01, .001")
    for name, test in tests.items():
        highest = np.array([test(random.random(500)) for _ in range(streams)])
        print(f"  {name:24s}" + "".join(f"{(highest >= -np.log(each)).mean():10.5f}" for each in (0.1, 0.01, 0.001)))


def speed() -> None:
    print("\ndraws a second, marginal + ranks + serial, the best of 20 rounds")
    random = np.random.default_rng(5)
    for n in (2000, 100_000):
        v, times = random.random(n), list[float]()
        for _ in range(20):
            began = time.perf_counter()
            marginal(v)
            serial(sequential_ranks(v, random))
            times.append(time.perf_counter() - began)
        print(f"  {n:7d} draws a stream: {n / min(times):12,.0f}")


def quantile(needed: Any) -> str:
    found = int(np.quantile(needed, 0.999, method="higher"))
    return "-" if found == NEVER else str(found)


if __name__ == "__main__":
    main()
