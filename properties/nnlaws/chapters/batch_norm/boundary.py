"""Cases of batch norm that come in every run, since chance hardly ever finds them, and the families that they are of.

By derivation: ε matters where it is about σ², so each ε comes with features of that size; a shortcut shows where γ is 1
or 0, β is 0, the averages are 0 and 1, or z is normalised already; a number that is rounded to a narrow type, where it
has all the digits of its own; a threshold on the variance, where features of all sizes are side by side; a wrong axis,
where there are as many samples as features; a tail of a block, in shapes of every remainder.
"""

import numpy as np

from nnlaws.authoring.case import SMALL, THIRDS, Family, Range, large
from nnlaws.authoring.token import TOGETHER, Case
from nnlaws.rounding.formats import Floats, Format

POWERS = 34  # a k whose level is 22 to 95, by format: 1/σ³, on the chain rule's way to dz, stays in float32's range
STEPS = (6, 7, 8, 9, 12, 17, 33, 1, 2)
"""How many mini-batches running averages are of, by group."""


def _units(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    """As many 1 as −1, and one 0 if m is odd: mean 0 and variance 1 (1 − 1/m), exactly."""
    m, columns = shape
    signs = np.where(np.arange(m) < m // 2, 1.0, -1.0) * (np.arange(m) != m // 2 if m % 2 else 1.0)
    return random.permuted(np.tile(signs[:, None], (1, columns)), axis=0)


def _uneven(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """0, 1 ... m − 1 and half of a number in [0, 1) each, in an order of their own: not close to each other."""
    return (
        random.permuted(np.tile(np.arange(shape[0])[:, None] * 1.0, (1, shape[1])), axis=0) + random.random(shape) / 2
    )


def _powers(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    """Uneven numbers times powers of 2 from −level to level, a feature each."""
    exponents = random.permutation(np.rint(np.linspace(-abs(level), abs(level), shape[1])))
    return 2.0**exponents * _uneven(random, shape)


def _mixed(random: np.random.Generator, shape: tuple[int, int], level: float) -> Floats:
    """Features of eight kinds, in an order of their own."""
    m = shape[0]
    kinds = np.stack(
        [
            np.full(m, 0.1),
            np.full(m, -0.0),
            _units(random, (m, 1), level)[:, 0],
            level + random.standard_normal(m),
            2.0**-20 * random.standard_normal(m),
            2.0**12 * random.standard_normal(m),
            np.full(m, level / 3),
            random.standard_normal(m) + 50 * level * (np.arange(m) == random.integers(m)),
        ],
        axis=1,
    )
    return kinds[:, random.permutation(np.arange(shape[1]) % kinds.shape[1])]


FAMILIES: dict[str, Family] = {
    "small": lambda random, shape, level: 2.0**-level * random.standard_normal(shape),
    "units": _units,
    "powers": _powers,
    "mixed": _mixed,
}
"""Bell-shaped, of deviation 2^−level; of 1 and −1; of all powers of 2; of all kinds.

What is learnt or comes from above has one of eight patterns then, by the seed, and all digits of its type: GAMMAS,
BETAS, UPSTREAM, AVERAGES."""

EPSILONS = ((1e-12, 20), (1e-8, 13), (1e-6, 10), (1e-5, 8), (1.1e-5, 8), (1e-3, 5))
"""ε, and a level such that σ² is about it: the defaults of libraries, one beside them, and one far below."""
DECAYS = (0.95, 1.0, 0.0, 0.9, 0.9999, 0.6, 0.99, 1e-6, 1.0)
"""A decay for each of STEPS: both ends, the usual ones, and beyond them."""

_ONES, _ZEROS, _NEGATIVE, _FINE, _LARGE, _LITTLE = 1.0, 0.0, -1.0, None, (2.0**10, 2.0**14), (2.0**-10, 2.0**-40)
GAMMAS = (_ONES, _ONES, _ZEROS, _FINE, _FINE, _NEGATIVE, _LARGE, _LITTLE)
BETAS = (_ZEROS, _FINE, _FINE, _ZEROS, _FINE, _ZEROS, _LARGE, _LITTLE)


def learnable(case: Case, stream: str) -> Floats:
    """γ or β of the case's pattern: all 1, 0 or −1; or normal numbers, also large or small."""
    pattern = (GAMMAS if stream == "gamma" else BETAS)[case.seed % 8]
    if isinstance(pattern, float):
        return np.full(case.columns, pattern)
    return np.resize(pattern or (1.0,), case.columns) * case.random(stream).standard_normal(case.columns)


def upstream(case: Case) -> Floats:
    """dout of the case's pattern: normal; small or large, as where a loss is scaled; of one sample alone; equal in all
    samples, and 0, which make dz 0; normal about 100; and 0 in the first half of the samples.
    """
    x, rows = case.random("upstream").standard_normal((case.m, case.columns)), np.arange(case.m)[:, None]
    small, large = (np.resize(sizes, case.columns) for sizes in ((2.0**-20, 2.0**-60), (2.0**13, 2.0**30)))
    found = (
        *(x, small * x, x * (rows == case.m - 1), np.repeat(x[:1], case.m, axis=0)),
        *(0 * x, large * x, x + 100, x * (rows >= case.m // 2)),
    )
    return found[case.seed % 8]


def averages(case: Case, z: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the case's pattern: 0 and 1; z's own; one about them; variances of 0, and close to it."""
    random = case.random("averages")
    mean, var = z.mean(axis=0), z.var(axis=0)
    zero, near = np.zeros(case.columns), mean + np.sqrt(var) * random.standard_normal(case.columns)
    about, first = var * (0.5 + random.random(case.columns)), z[0]
    found = (
        *((zero, zero + 1), (first, about), (near, zero + 1), (zero, about)),
        *((mean, var), (near, zero), (near, about), (first, zero + 1e-30)),
    )
    return found[case.seed % 8]


def epsilons(format: Format, m: Range, columns: Range) -> list[Case]:
    """Features of about the size of ε, for each ε."""
    return [
        Case(4, 4, "small", level, lane, settings=(("eps", eps),)) for eps, level in EPSILONS for lane in (0, 1, 4, 6)
    ]


def no_epsilon(format: Format, m: Range, columns: Range) -> list[Case]:
    """ε = 0: features so small that a floor under ε, or a threshold on the variance, is all that is left of them."""
    small = [Case(4, 3, "small", level, 4 + lane) for level in (8, 13, 20) for lane in range(2)]
    return [*small, *(Case(3, 8, "powers", POWERS, lane) for lane in range(8))]


def patterns(format: Format, m: Range, columns: Range) -> list[Case]:
    """All patterns of what is learnt or comes from above: on features of all kinds, as many as there are samples; on
    normalised ones, for several ε; on those of all sizes; on two samples; and on all small shapes, on large ones, and
    every third number of samples.
    """
    more = (*SMALL, *((samples, 1 + samples % 2) for samples in THIRDS))
    return [*patterns_alone(format, m, columns), *large("unlike", 8, m, columns, more)]


def patterns_alone(format: Format, m: Range, columns: Range) -> list[Case]:
    """The same without large shapes."""
    units = [Case(4, 2, "units", 0, lane, settings=(("eps", eps),)) for eps in (1e-5, 0.25) for lane in range(8)]
    mixed = [Case(8, 8, "mixed", 12, lane) for lane in range(8)]
    powers = [Case(3, 8, "powers", POWERS, TOGETHER + lane) for lane in range(8)]
    return [*units, *mixed, *powers, *(Case(2, 3, "small", 1, lane) for lane in range(8))]


def patterns_of_dgamma(format: Format, m: Range, columns: Range) -> list[Case]:
    """The same with half of the large shapes: dz, which dγ is part of, sees them all."""
    return [*patterns_alone(format, m, columns), *shapes(format, m, columns)[1::2]]


def patterns_of_dbeta(format: Format, m: Range, columns: Range) -> list[Case]:
    """With the other half."""
    return [*patterns_alone(format, m, columns), *shapes(format, m, columns)[::2]]


def patterns_and_epsilons(format: Format, m: Range, columns: Range) -> list[Case]:
    return [*epsilons(format, m, columns), *patterns(format, m, columns)]


def kinds(format: Format, m: Range, columns: Range) -> list[Case]:
    """Features of all kinds and of all sizes, and half of the large shapes: out, which mean and variance are part of,
    sees them all.
    """
    every = [Case(8, 8, "mixed", 12, lane) for lane in range(4)] + [Case(3, 8, "powers", POWERS, 0)]
    return [*every, *shapes(format, m, columns)[::2]]


def shapes(format: Format, m: Range, columns: Range) -> list[Case]:
    """Large shapes, of features that each have a mean and a scale of its own."""
    return large("unlike", 8, m, columns)


def constants(format: Format, m: Range, columns: Range) -> list[Case]:
    """Features of all kinds and sizes, to be made constant: the sums of some are rounded."""
    return [Case(size, 8, family, POWERS, lane) for size in (3, 7) for family in ("mixed", "powers") for lane in (0, 4)]


def decays(format: Format, m: Range, columns: Range) -> list[Case]:
    """Each decay with so many mini-batches: features of all kinds, and normalised ones, whose mean is 0."""
    return [
        Case(3, 8, family, k, TOGETHER * group, settings=(("decay", decay),))
        for group, decay in enumerate(DECAYS)
        for family, k in (("mixed", 12), ("units", 0))
    ]


def decays_and_shapes(format: Format, m: Range, columns: Range) -> list[Case]:
    return [*decays(format, m, columns), *shapes(format, m, columns)]


def decays_and_some_shapes(format: Format, m: Range, columns: Range) -> list[Case]:
    return [*decays(format, m, columns), *shapes(format, m, columns)[::2]]
