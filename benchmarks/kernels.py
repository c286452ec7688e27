"""Which known mistakes pass the check of KernelBench? `python benchmarks/kernels.py --write`, five minutes.

That check calls the original and the new module on the same random input, five times, and compares what they return
with torch.allclose, its tolerances by dtype (ScalingIntelligence/KernelBench, src/kernelbench/eval.py). Here it is made
of NumPy, on the problems of its level 1 that are operations of the notes; of the large ones with fewer rows, where rows
do not depend on each other. Every known mistake is made as the new module, and passes or not.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import page
from nnlaws.authoring.mutant import Mutant
from nnlaws.chapters import MUTANTS, OPERATIONS
from nnlaws_server.callee import silence
from numpy.typing import NDArray

Array = NDArray[Any]
PAGE = Path(__file__).parents[1] / "docs" / "kernels.md"
TRIALS = 5
EPS = 1e-5


@dataclass(frozen=True)
class Check:
    """A version of the check: how it draws its numbers, in which dtype, and its tolerance, absolute and relative."""

    name: str
    draw: Callable[[np.random.Generator, Sequence[int]], Array]
    dtype: Any
    tolerance: float
    sizes: Mapping[str, tuple[int, ...]]


def _normal(random: np.random.Generator, shape: Sequence[int]) -> Array:
    return random.standard_normal(shape)


def _uniform(random: np.random.Generator, shape: Sequence[int]) -> Array:
    return random.random(shape)


FIRST = {
    "softmax": (16, 16384),
    "log_softmax": (16, 16384),
    "cross_entropy": (4096, 10),
    "batch_norm_train": (65536, 64),
}
NOW = {
    "softmax": (4, 393216),
    "log_softmax": (4, 393216),
    "cross_entropy": (512, 4096),
    "batch_norm_train": (65536, 64),
}
CHECKS = (
    Check("first version, float32, 1e-2", _normal, np.float32, 1e-2, FIRST),
    Check("today, float32, 1e-4", _uniform, np.float32, 1e-4, NOW),
    Check("today, bfloat16, 1e-2", _uniform, ml_dtypes.bfloat16, 1e-2, NOW),
)


def inputs(operation: str, check: Check, random: np.random.Generator) -> tuple[tuple[Array, ...], dict[str, float]]:
    """The arguments of a problem of level 1: logits, with random classes, or images with a new layer's γ and β."""
    rows, columns = check.sizes[operation]
    z = check.draw(random, (rows, columns)).astype(check.dtype)
    if operation == "cross_entropy":
        return (z, np.eye(columns, dtype=check.dtype)[random.integers(columns, size=rows)]), {}
    if operation == "batch_norm_train":
        return (z, np.ones(columns, check.dtype), np.zeros(columns, check.dtype)), {"eps": EPS}
    return (z,), {}


def passes(mutant: Mutant, check: Check) -> bool:
    """Whether all trials find the mutant close enough to the reference. It is asked second, on the same arrays."""
    random = np.random.default_rng(42)
    for _ in range(TRIALS):
        arguments, options = inputs(mutant.operation, check, random)
        want = _output(OPERATIONS[mutant.operation].reference(*arguments, **options))
        try:
            got = _output(mutant.function(*arguments, **options))
        except Exception:
            return False
        if not (got.shape == want.shape and got.dtype == want.dtype and _close(got, want, check.tolerance)):
            return False
    return True


def _output(found: Any) -> Array:
    """What the module returns: of batch norm the normalised batch, and no statistics."""
    return np.asarray(found[0] if isinstance(found, tuple) else found)


def _close(got: Array, want: Array, tolerance: float) -> bool:
    return bool(np.allclose(want.astype(np.float64), got.astype(np.float64), rtol=tolerance, atol=tolerance))


def zeros(operation: str) -> Mutant:
    """What computes nothing."""
    right = OPERATIONS[operation].reference

    def run(*arguments: Array, **options: float) -> Any:
        found = right(*(x[:1] if x.ndim > 1 else x for x in arguments), **options)
        shape = () if operation == "cross_entropy" else arguments[0].shape
        return np.zeros(shape, np.asarray(found[0] if isinstance(found, tuple) else found).dtype)

    return Mutant(operation, f"{operation}.zeros", "returns zeros", "", "", run)


def table(found: dict[Mutant, tuple[bool, ...]]) -> Iterator[str]:
    heads = [check.name for check in CHECKS]
    yield f"| operation | known mistakes | {' | '.join(f'pass: {head}' for head in heads)} | pass nnlaws |"
    yield "|---|--:|" + "--:|" * (len(heads) + 1)
    for operation in FIRST:
        rows = [seen for mutant, seen in found.items() if mutant.operation == operation]
        counts = [sum(column) for column in zip(*rows, strict=True)]
        yield f"| {operation} | {len(rows)} | {' | '.join(map(str, counts))} | 0 |"


def listed(found: dict[Mutant, tuple[bool, ...]]) -> Iterator[str]:
    yield "| operation | mistake | " + " | ".join(check.name for check in CHECKS) + " |"
    yield "|---|---|" + "---|" * len(CHECKS)
    for mutant, seen in found.items():
        if any(seen):
            marks = " | ".join("passes" if one else "" for one in seen)
            yield f"| {mutant.operation} | {mutant.fault.replace('|', chr(92) + '|')} | {marks} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the section of docs/kernels.md")
    given = parser.parse_args()
    made = [each for each in MUTANTS if each.operation in FIRST]
    made += [zeros(operation) for operation in FIRST]
    with silence():
        found = {each: tuple(passes(each, check) for check in CHECKS) for each in made}
    told = f"`python benchmarks/kernels.py --write`, {date.today().isoformat()}."
    text = "\n".join((told, "", *table(found), "", "Those that pass:", "", *listed(found)))
    if given.write:
        page.write("kernels", text, PAGE)
    else:
        print(text)


if __name__ == "__main__":
    main()
