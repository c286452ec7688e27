"""Statistics of draws: tests whose false alarms are bounded exactly, for any number of draws.

`marginal`, `serial`, `pairs`, `crossed`, `repeats` and `shifted` are e-processes and may be looked at after any draw;
`evenness` and `turned` are exact tests of a fixed number. A test rejects where `used` of its logarithm is above 1. All
tests of a run together raise a false alarm with probability RUN at most, each with an equal share.
"""

from nnlaws.chance.eprocesses import Density, crossed, marginal, pairs, serial
from nnlaws.chance.evenness import evenness
from nnlaws.chance.martingale import GRAIN, RUN, SHARES, THRESHOLD, LogE, used
from nnlaws.chance.ranks import sequential_ranks
from nnlaws.chance.repeats import repeats, shifted
from nnlaws.chance.turning import so_many, turned

__all__ = [
    "GRAIN", "RUN", "SHARES", "THRESHOLD", "Density", "LogE", "crossed", "evenness", "marginal", "pairs",
    "repeats", "sequential_ranks", "serial", "shifted", "so_many", "turned", "used",
]  # fmt: skip
