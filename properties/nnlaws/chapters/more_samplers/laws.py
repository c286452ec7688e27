"""The laws of chapters/more_samplers.md. Each test of chance takes a share of a run's false alarms, as in sampling."""

from typing import Any

from nnlaws_reference.dtypes import Array

from nnlaws.authoring.law import Check, Law, trial_law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import Subject
from nnlaws.authoring.token import Case
from nnlaws.chapters.more_samplers import design_laws as designs
from nnlaws.chapters.more_samplers import draw_laws as drawn
from nnlaws.chapters.more_samplers import inputs as cases
from nnlaws.chapters.more_samplers.drawing import called, checked
from nnlaws.chapters.more_samplers.operations import (
    DESIGNS,
    DRAWN,
    LATIN_HYPERCUBE,
    LOG_INTEGERS,
    QUANTISED_UNIFORM,
    SOBOL,
    WEIGHTED_CHOICE,
)

_MAPS = {
    QUANTISED_UNIFORM: "low + step * rng.integers(0, n), n = (high - low) / step + 1",
    LOG_INTEGERS: "numpy.floor(numpy.exp(rng.uniform(numpy.log(low), numpy.log(high + 1))))",
    WEIGHTED_CHOICE: "rng.choice(len(w), p=w / w.sum())",
}
_STATEMENTS = {
    QUANTISED_UNIFORM: ("MS-1", "each of low, low + step … high is as likely"),
    LOG_INTEGERS: ("MS-2", "k has a chance in proportion to log((k + 1)/k)"),
    WEIGHTED_CHOICE: ("MS-3", "each index has a chance in proportion to its weight"),
}
_SEEDED = "numpy.random.default_rng(seed), with the seed as it is given, 0 too"


def exercise(f: Subject, operation: Operation, **options: Any) -> Array:
    """One call."""
    if operation in DESIGNS:
        return designs.exercise(f, **options)
    arguments, named = called(operation, options)
    (x,) = f.arrays(*arguments, **named)
    return checked(x, options["size"])


def _of_draws(operation: Operation) -> tuple[Law, ...]:
    build, many = cases.draws(operation), cases.DRAWS
    every = len(cases.BOXES[operation])

    def make(clause: str, check: Check, statement: str, fix: str, trials: tuple[Case, ...], **more: Any) -> Law:
        return trial_law(clause, operation, check, statement, build, trials, fix, **more)

    def on(*sizes: int, boxes: int = 1, skipped: int = 0) -> tuple[Case, ...]:
        return cases.trials(operation, *sizes, boxes=boxes, skipped=skipped)

    clause, statement = _STATEMENTS[operation]
    return (
        make(clause, drawn.distribution, statement, _MAPS[operation], on(many, boxes=4), kind="value", tests=1),
        make("MS-4", drawn.values_alone, "every draw is one of the values", _MAPS[operation], on(many, boxes=every)),
        make("MS-5", drawn.independent, "a draw tells nothing of later ones", "draw each anew", on(many), tests=1),
        make("MS-6", drawn.same_seed, "a seed decides the draws", _SEEDED, on(100), about="seed"),
        make("MS-6", drawn.same_seed_elsewhere, "a seed decides the draws in every process", _SEEDED, on(100),
             about="seed"),
        make("MS-7", drawn.other_seed, "another seed gives other draws", _SEEDED, on(100), about="seed"),
        make("MS-7", drawn.seeds_apart, "the draws of different seeds are independent", _SEEDED, on(many),
             about="seed", tests=2),
        make("MS-8", drawn.as_many, "there are as many draws as were asked for", "return an array (size,)",
             on(*cases.SIZES)),
        make("MS-8", drawn.last_draws, "the last draws of a call are as its first", "fill all of the array",
             on(100, skipped=2, boxes=3), tests=1),
        make("MS-8", drawn.none_asked_for, "of none there are none", "return an array (0,)", on(1)),
    )  # fmt: skip


def _of_designs(operation: Operation, own: tuple[tuple[str, Check, str, str, tuple[Case, ...], int], ...]) -> list[Law]:
    """Its own laws and those of every design; each with clause, check, statement, fix, trials and tests of chance."""
    few, any_shape = cases.blocks((32, 3)), cases.POWERS if operation is SOBOL else cases.BLOCKS
    every: tuple[tuple[str, Check, str, str, tuple[Case, ...], int], ...] = (
        *own,
        ("MS-6", designs.same_seed, "a seed decides the points", _SEEDED, few, 0),
        ("MS-6", designs.same_seed_elsewhere, "a seed decides the points in every process", _SEEDED, few, 0),
        ("MS-7", designs.other_seed, "another seed gives other points", _SEEDED, few, 0),
        ("MS-8", designs.as_many, "there are as many points as were asked for, in the unit cube",
         "return an array (size, axes) of float64, in [0, 1)", cases.blocks(*any_shape), 0),
    )  # fmt: skip
    build = cases.points(operation)
    about = {"MS-6": "seed", "MS-7": "seed"}
    kinds = {"MS-10": "value", "MS-14": "value"}
    return [
        trial_law(
            clause,
            operation,
            check,
            statement,
            build,
            trials,
            fix,
            tests=tests,
            about=about.get(clause, "results"),
            kind=kinds.get(clause, "structure"),
        )
        for clause, check, statement, fix, trials, tests in every
    ]


_LATIN = (
    ("MS-9", designs.one_a_stratum, "each stratum of each axis has one point",
     "rng.permutation(n) on each axis, not rng.integers(0, n, n)", cases.blocks(*cases.BLOCKS), 0),
    ("MS-10", designs.anywhere_in_its_stratum, "a point is anywhere in its stratum",
     "(permutation + rng.random(n)) / n", cases.blocks((16, 3), (5, 2)), 1),
    ("MS-11", designs.paired_at_random, "the axes are paired at random", "a permutation of its own for each axis",
     cases.blocks((16, 3)), 2),
)  # fmt: skip
_SOBOL = (
    ("MS-12", designs.one_an_interval, "each of 2^m parts of an axis has one of 2^m points",
     "begin with the first point of the sequence, and skip none", cases.blocks(*cases.POWERS), 0),
    ("MS-13", designs.elementary_boxes, "each elementary box on the first axes has its share of points",
     "take the direction numbers of Joe and Kuo, and scramble digits in order, the first ones first",
     cases.blocks(*cases.POWERS), 0),
    ("MS-14", designs.anywhere, "scrambled, each point is anywhere in the cube",
     "shift all binary digits at random, on each axis by digits of its own", cases.blocks((4, 3)), 2),
)  # fmt: skip

LAWS: tuple[Law, ...] = (
    *(law for operation in DRAWN for law in _of_draws(operation)),
    *_of_designs(LATIN_HYPERCUBE, _LATIN),
    *_of_designs(SOBOL, _SOBOL),
)
