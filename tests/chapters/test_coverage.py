"""What the cases of a run are: no sizes, options, seeds or counts share a pattern behind which a fault could hide."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from nnlaws.authoring import Operation
from nnlaws.authoring.evidence import Evidence
from nnlaws.authoring.judging import Chance, Rounding
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.harness.methods import search
from nnlaws.harness.search import Search
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES

ARRAYS = [each for each in OPERATIONS.values() if isinstance(chapter_of(each).judging, Rounding)]
CHANCES = [each for each in OPERATIONS.values() if isinstance(chapter_of(each).judging, Chance)]
SEEDED = [each for each in CHANCES if any(law.name == "seeds_apart" for law in chapter_of(each).laws_of(each))]
"""Panda is not among them: its points may follow from its losses alone."""
BLOCK = 8  # numbers at once; kernels of 4 and 2 have their tails among those of 8

WANTED: Mapping[str, Sequence[float]] = {
    "learning_rate": (0.0, 1e-3, 0.1, 1.0, 3.0),
    "beta": (0.0, 0.9, 0.99, 0.999),
    "beta1": (0.0, 0.9, 0.5),
    "beta2": (0.0, 0.999, 0.9, 0.95, 0.9999),
    "eps": (1e-8, 1e-5, 1e-3),
    "weight_decay": (0.0, 0.01, 0.1),
    "dampening": (0.0, 0.5, 0.9, 1.0),
    "initial_accumulator": (0.0, 0.1, 1.0),
    "momentum_decay": (0.0, 0.004, 1.0),
    "bias_correction": (0, 1),
    "decay": (0.0, 0.9, 0.99, 1.0),
    "initial": (0.0, 0.1, 1.0),
    "rate": (1.0, 0.5, 0.95, 0.1),
    "every": tuple(range(1, 101)),
    "factor": (0.0, 1.0),
    "start": (0.0, 0.1, 1.0),
    "end": (0.0, 0.01),
    "peak": (0.0, 0.1, 1.0),
    "steps": (7, 10, 100, 1000),
    "warmup": (0, 1, 2),
    "power": (0.5, 1.0, 2.0),
    "timescale": (1.0, 10_000.0),
    "period": (1, 7, 10, 100),
    "stretch": (1, 2, 3),
    "shrink": (0.5, 1.0),
    "up": (1, 2),
    "down": (1, 2),
    "stable": (0, 1),
    "low": (),
    "high": (),
}
"""Of each option: the ends of its domain that are in it, the usual defaults, and what is beyond a usual cap."""


@dataclass
class Drawn:
    """What the cases of an operation's laws give it."""

    sizes: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    options: dict[str, set[float]] = field(default_factory=lambda: defaultdict(set))


@cache
def drawn(operation: Operation, profile: str) -> Drawn:
    """Of its laws of value, in float32: what breaks only at some size or option breaks them there."""
    seen = Drawn()

    def note(f: Any, ruler: Ruler, *arguments: Any, **options: Any) -> Evidence:
        for dims, array in zip(operation.arguments.values(), arguments, strict=True):
            for dim, size in zip(dims, array.shape[1:], strict=True):
                seen.sizes[dim].add(size)
        for name in operation.options:
            value = options.get(name)
            if value is not None:
                seen.options[name].update(value if isinstance(value, tuple) else (value,))  # pyright: ignore
        return Evidence(0.0)

    for law in chapter_of(operation).laws_of(operation):
        if law.kind == "value" or law.boundary is not None:
            listening = replace(law, check=note)
            subject = GuardedSubject(operation.reference, operation)
            ruler = Ruler(operation, format_of(DTYPES["float32"]), {})
            search(Search(listening, subject, ruler, "nothing", Selection(profile=profile)))
    return seen


@pytest.mark.parametrize("profile", ["quick", "ci"])
@pytest.mark.parametrize("operation", ARRAYS, ids=str)
def test_every_remainder_and_every_small_size_is_among_the_sizes(operation: Operation, profile: str) -> None:
    for dim, sizes in drawn(operation, profile).sizes.items():
        if dim == "T" and len(operation.arguments) == 1 and "m" in drawn(operation, profile).sizes:
            continue  # mini-batches, whose number no kernel takes in blocks
        never = set(range(BLOCK)) - {size % BLOCK for size in sizes if size > BLOCK}
        assert not never, f"{operation}: beyond {BLOCK}, no {dim} leaves {sorted(never)} by {BLOCK}"
        small = set(range(2, BLOCK + 1)) - sizes
        assert not small, f"{operation}: {dim} is never {sorted(small)}"


@pytest.mark.parametrize("operation", [each for each in ARRAYS if each.options], ids=str)
def test_ends_and_defaults_are_among_the_options(operation: Operation) -> None:
    for name, values in drawn(operation, "ci").options.items():
        assert name in WANTED, f"say in WANTED which values of {name} have to come"
        never = [value for value in WANTED[name] if value not in values]
        assert not never, f"{operation}: {name} is never {never}, only {sorted(values)}"


@cache
def given(operation: Operation) -> dict[str, set[int]]:
    """The seeds and counts that the laws of an operation give the reference, in profile ci."""
    seen: dict[str, set[int]] = defaultdict(set)

    def noted(*arguments: Any, **options: Any) -> Any:
        for name in ("seed", "size", "budget"):
            if name in options:
                seen[name].add(int(options[name]))
        return operation.reference(*arguments, **options)

    subject = GuardedSubject(noted, operation)
    for law in chapter_of(operation).laws_of(operation):
        search(Search(law, subject, Ruler(operation, format_of(DTYPES["float64"]), {}), "nothing", Selection()))
    return seen


@pytest.mark.parametrize("operation", SEEDED, ids=str)
def test_seeds_have_no_pattern(operation: Operation) -> None:
    seeds = given(operation)["seed"]
    assert {0, 1} <= seeds, f"{operation}: no seed is 0, or 1"
    for bits in (8, 16, 24, 31):
        high = [seed for seed in seeds if seed >= 1 << bits]
        assert high, f"{operation}: no seed is beyond {bits} bits"
        apart = any(seed - (1 << bits) in seeds for seed in high)
        assert apart, f"{operation}: no two seeds differ in the bit of 2^{bits} alone"
    assert {seed % 8 for seed in seeds} == {*range(8)}, f"{operation}: the seeds share a remainder by 8"


@pytest.mark.parametrize("operation", [each for each in CHANCES if {"size", "budget"} & {*each.options}], ids=str)
def test_counts_have_no_pattern(operation: Operation) -> None:
    seen = given(operation)
    counts = seen["size"] | seen["budget"]
    assert 1 in counts, f"{operation}: nobody asks for one"
    assert {count % 2 for count in counts} == {0, 1}, f"{operation}: every count leaves the same by 2: {sorted(counts)}"
