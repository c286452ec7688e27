"""Theories of a number that does not belong in the formula: a value that is floored, capped, or has something added.

Every part of the formula is tried with every number of a grid at once: lanes are numbers. So a probability is found
that is raised to any δ before its logarithm, and an ε in any sum.
"""

import ast
from collections.abc import Callable, Iterator
from math import exp, isfinite, log
from typing import Any

import numpy as np

from nnlaws.diagnosis.probes.formula import codes_of, compiled, definitions, places, trusted_about
from nnlaws.diagnosis.probes.options import number
from nnlaws.diagnosis.probes.plain import Function, Plain
from nnlaws.diagnosis.probes.theory import Arguments, Bench, Options, Sample, Saying, Theory, Unsaid
from nnlaws.rounding.formats import Floats

HERE = "_a_number_is_put_in_here"
SIZES = tuple(float(f"{digit}e{power}") for power in range(-20, 11) for digit in (1, 2, 5))
LOGARITHMS = tuple(float(np.log(size)) for size in SIZES if size < 1)
GRID = np.array(sorted({*SIZES, *(-size for size in SIZES), *LOGARITHMS, 0.0, *(-float(n) for n in range(1, 120))}))
ROUNDS, BATCH = 6, 49
HALF = 0.5

PROBABILITY = "in `{part}` the probability"  # of what is the logarithm of one
KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "raised to at least {}": lambda x, c: np.where(x < c, c, x),
    "capped at {}": lambda x, c: np.where(x > c, c, x),
    "with {} added": lambda x, c: x + c,
    f"{PROBABILITY} has {{}} added before its logarithm is taken": lambda x, c: _added(x, c),
    f"{PROBABILITY} is kept {{}} away from 0 and 1 before its logarithm is taken": lambda x, c: _kept_away(x, c),
}


def _added(x: Any, c: Any) -> Any:
    """log of a probability that has something added."""
    return np.log(np.exp(x) + np.where(c > 0, c, np.nan))


def _kept_away(x: Any, c: Any) -> Any:
    """log of a probability that is clipped at both ends."""
    c = np.where((c > 0) & (c < HALF), c, np.nan)
    return np.log(np.minimum(np.maximum(np.exp(x), c), 1 - c))


def inserted(bench: Bench, sample: Sample) -> Iterator[Theory]:
    """Theories that explain a wrong result of one lane, where the plain formula is sound there."""
    plain = Plain(bench, sample)
    if not plain.sound:
        return
    operation = bench.operation
    functions = definitions(operation.formulas, operation.name)
    codes = codes_of(functions)
    for function in functions.values():
        for statement, field, part, changed in places(function, _wrapped):
            bench.check_time()
            for words, apply in KINDS.items():
                held: list[Any] = [np.zeros(1)]
                more = {HERE: _lifted(apply, held)}
                change = (statement, field, changed)
                made = compiled(operation.formulas, codes, operation.name, function, change, more)
                if made is None:
                    continue
                c = _sought(plain, made, held)
                if c is not None:
                    yield _theory(bench, made, held, c, ast.unparse(part), words)


def _wrapped(node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The expression with a number put in, where it is one that is computed."""
    if isinstance(node, (ast.BinOp, ast.Call)):
        yield node, ast.Call(ast.Name(HERE, ast.Load()), [node], [])


def _lifted(apply: Callable[[Any, Any], Any], held: list[Any]) -> Function:
    """Applies the number held of each lane."""

    def run(x: Any) -> Any:
        x = np.asarray(x)
        if x.ndim == 0 or (len(held[0]) > 1 and x.shape[0] != len(held[0])):
            raise Unsaid
        return apply(x, np.asarray(held[0], dtype=np.longdouble).reshape(-1, *(1 for _ in x.shape[1:])))

    return run


def _scores(plain: Plain, made: Function, held: list[Any], grid: Floats) -> Floats:
    held[0] = grid
    try:
        return plain.by_function(made, len(grid))
    except Exception:  # a changed formula may do anything
        return np.full(len(grid), np.inf)


def _sought(plain: Plain, made: Function, held: list[Any]) -> float | None:
    grid = GRID
    for _ in range(ROUNDS):
        scores = _scores(plain, made, held, grid)
        fitting = grid[scores <= 1]
        if len(fitting):
            return _rounded(plain, made, held, float(min(fitting, key=lambda c: (len(f"{c:.12g}"), abs(c)))))
        best = int(np.argmin(scores))
        if not isfinite(scores[best]):
            return None
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        grid = np.linspace(low, high, BATCH)
    return None


def _rounded(plain: Plain, made: Function, held: list[Any], c: float) -> float:
    """To as few digits as fit; of a floor that is a logarithm, of the number whose logarithm it is."""
    short = [float(f"{c:.{digits}g}") for digits in range(1, 8)]
    logs = [log(float(f"{exp(c):.{digits}g}")) for digits in range(1, 4)] if -200 < c < -1 else []
    few = np.array([short[0], *logs, *short[1:]])
    fitting = few[_scores(plain, made, held, few) <= 1]
    return float(fitting[0]) if len(fitting) else c


def _theory(bench: Bench, made: Function, held: list[Any], c: float, part: str, words: str) -> Theory:
    said = trusted_about(bench, made)

    def predict(arguments: Arguments, options: Options) -> Saying:
        held[0] = np.array([c])
        return said(arguments, options)

    told = number(c)
    if -200 < c < -1 and float(f"{exp(c):.2g}") == float(f"{exp(c):.6g}"):
        told += f", the logarithm of {exp(c):.2g}"
    if words.startswith(PROBABILITY):
        name = words.format(told, part=part)
        return Theory(name, f"{name}: the results are right for that", f"use `{part}` as it is", predict)
    name = f"`{part}` {words.format(told)}"
    return Theory(name, f"does as the formula would with {name}", f"use `{part}` as it is", predict)
