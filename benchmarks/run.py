"""Prints every figure of benchmarks/README.md: `make bench`, or `python benchmarks/run.py`.

Times are medians. What is compared runs in turn, in this process or as whole processes, and comes with its ratio.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import nnlaws
import numpy as np
from flint import arb
from nnlaws import runner
from nnlaws.bounds.formats import format_of
from nnlaws.bounds.ruler import Ruler
from nnlaws.subject import GuardedSubject, silence
from nnlaws.targets import resolve
from nnlaws.verdict import Selection
from nnlaws_reference.dtypes import DTYPES
from nnlaws_spec.formulas import softmax as formulas

COMMAND = [str(Path(sys.executable).parent / "nnlaws"), "check"]


def main() -> None:
    cold_start()
    imports()
    throughput()
    certificate()
    finite_differences()


def cold_start() -> None:
    times = [seconds(partial(subprocess.run, [*COMMAND, "scipy"], check=True, capture_output=True)) for _ in range(5)]
    row("nnlaws check scipy, ci profile, cold start to exit", f"{median(times):.2f} s", "at most 5 s")


def imports() -> None:
    both = {
        name: []
        for name in ("import numpy", "import numpy, nnlaws", "import numpy, nnlaws; nnlaws.check, nnlaws.gradcheck")
    }
    for _ in range(7):
        for code, times in both.items():
            times.append(seconds(partial(subprocess.run, [sys.executable, "-c", code], check=True)))
    base, bare, used = (median(times) for times in both.values())
    row("import nnlaws, beyond NumPy's", f"{bare - base:.3f} s", "at most 0.25 s")
    row(
        "the same with check and gradcheck looked up",
        f"{used - base:.3f} s",
        f"{used / base:.2f} × NumPy's {base:.3f} s",
    )


def throughput() -> None:
    """softmax.value in float32 on arrays of 16 × 8, with Hypothesis, exact values, bounds and comparison."""
    law = replace(runner.find("softmax.value"), m=(16, 16), classes=(8, 8))
    ruler = Ruler(law.operation, format_of(DTYPES["float32"]), {})
    for target in ("scipy", "reference"):
        subject = GuardedSubject(resolve(target).operations["softmax"], law.operation)
        with silence():
            runner.search(law, subject, ruler, target, Selection(profile="quick"))
            began = time.perf_counter()
            seen = [runner.search(law, subject, ruler, target, Selection(seed=seed)) for seed in range(5)]
            rate = sum(each.arrays for each in seen) / (time.perf_counter() - began)
        row(f"arrays of 16 × 8 a second, softmax in float32, {target}", f"{rate:,.0f}", "at least 2,000")


def certificate() -> None:
    """The proof of ∂J/∂z at 64 × 10 beside torch.autograd.gradcheck in slow mode."""
    z, y = _batch()
    prove = partial(nnlaws.certify, formulas.cross_entropy, formulas.cross_entropy_gradient, z, y)
    ours = median(seconds(prove) for _ in range(7))
    proof = prove()
    caught = smallest(lambda e: not nnlaws.certify(formulas.cross_entropy, lambda z, y: _scaled(z, y, e), z, y))
    row(
        "certificate of ∂J/∂z, 64 × 10, 2 directions",
        f"{ours * 1e3:.1f} ms",
        f"a factor of 1 + {caught:.0e} is refused",
    )
    row("  its radius, relative to the gradient", f"{proof.relative:.0e}", "no tolerance")
    try:
        import torch
    except ImportError:
        row("torch.autograd.gradcheck", "not installed", "")
        return
    torch.set_num_threads(1)  # as its default threads wait for each other on a busy machine
    labels, logits = torch.from_numpy(y.argmax(axis=1)), torch.from_numpy(z).requires_grad_()
    slow = partial(torch.autograd.gradcheck, lambda z: torch.nn.functional.cross_entropy(z, labels), (logits,))
    theirs = median(seconds(slow) for _ in range(3))
    missed = smallest(lambda e: not _torch_accepts(logits, labels, e))
    row(
        "torch.autograd.gradcheck, slow mode, the same",
        f"{theirs * 1e3:.0f} ms",
        f"a factor of 1 + {missed:.0e} is refused",
    )
    row("  ratio", f"{theirs / ours:,.0f} × faster", "faster")


def finite_differences() -> None:
    z, y = _batch()

    def f(x: np.ndarray) -> np.ndarray:
        return (np.log(np.exp(x).sum(axis=-1)) - (x * y).sum(axis=-1)).mean()

    def gradient(x: np.ndarray) -> np.ndarray:
        return formulas.cross_entropy_gradient(x, y)

    report = nnlaws.gradcheck(f, gradient, z)
    took = median(seconds(lambda: nnlaws.gradcheck(f, gradient, z)) for _ in range(5))
    row(
        "nnlaws.gradcheck, 64 × 10, float64",
        f"{took * 1e3:.0f} ms",
        f"{report.method}: detects {report.relative_detectable:.0e}",
    )


def _batch() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return 3 * random.standard_normal((64, 10)), np.eye(10)[random.integers(0, 10, 64)]


def _scaled(z: np.ndarray, y: np.ndarray, error: float) -> np.ndarray:
    return formulas.cross_entropy_gradient(z, y) * (1 + arb(error))


def _torch_accepts(logits, labels, error: float) -> bool:  # type: ignore[no-untyped-def]
    import torch

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(z)
            return torch.nn.functional.cross_entropy(z, labels)

        @staticmethod
        def backward(ctx, dJ):  # type: ignore[no-untyped-def]
            (z,) = ctx.saved_tensors
            y = torch.nn.functional.one_hot(labels, z.shape[1])
            return dJ * (torch.softmax(z, -1) - y) / len(z) * (1 + error)

    return bool(torch.autograd.gradcheck(Loss.apply, (logits,), raise_exception=False))


def smallest(refused: Callable[[float], bool]) -> float:
    """The smallest power of 10 that, as a relative error of the gradient, is refused."""
    error = 1.0
    while refused(error / 10) and error > 1e-60:
        error /= 10
    return error


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def row(what: str, figure: str, note: str) -> None:
    print(f"{what:<58} {figure:>14}   {note}", flush=True)


if __name__ == "__main__":
    main()
