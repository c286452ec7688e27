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
from typing import Any

import nnlaws
import numpy as np
from flint import arb
from nnlaws import chance as statistics
from nnlaws.authoring.ruler import Ruler
from nnlaws.harness.methods import search
from nnlaws.harness.planning import find
from nnlaws.harness.search import Search
from nnlaws.harness.targets import resolve
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence
from nnlaws_spec.formulas import batch_norm
from nnlaws_spec.formulas import softmax as formulas

COMMAND = [str(Path(sys.executable).parent / "nnlaws"), "check"]


def main() -> None:
    cold_start()
    imports()
    throughput()
    samplers()
    certificate_of_cross_entropy()
    certificate_of_batch_norm()
    finite_differences()


def cold_start() -> None:
    times = [seconds(partial(subprocess.run, [*COMMAND, "scipy"], check=True, capture_output=True)) for _ in range(5)]
    row("nnlaws check scipy, ci profile, cold start to exit", f"{median(times):.2f} s", "at most 5 s")
    command = [*COMMAND, "torch", "--operation", "batch_norm_train", "--operation", "batch_norm_backward"]
    times = [seconds(partial(subprocess.run, command, check=False, capture_output=True)) for _ in range(3)]
    row("the same of torch, batch_norm_train and _backward", f"{median(times):.2f} s", "at most 20 s")
    whole = {jobs: [*COMMAND, "torch", "--jobs", jobs] for jobs in ("2", "1")}
    both = {
        jobs: seconds(partial(subprocess.run, each, check=False, capture_output=True)) for jobs, each in whole.items()
    }
    row("nnlaws check torch, all operations, two processes", f"{both['2']:.1f} s", "at most 60 s")
    row("the same in one process", f"{both['1']:.1f} s", f"{both['1'] / both['2']:.2f} × as long")


def imports() -> None:
    both: dict[str, list[float]] = {
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
    law = replace(find("softmax.value"), m=(16, 16), columns=(8, 8))
    ruler = Ruler(law.operation, format_of(DTYPES["float32"]), {})
    for target in ("scipy", "reference"):
        subject = GuardedSubject(resolve(target).operations["softmax"], law.operation)
        with silence():
            search(Search(law, subject, ruler, target, Selection(profile="quick")))
            began = time.perf_counter()
            seen = [search(Search(law, subject, ruler, target, Selection(seed=seed))) for seed in range(5)]
            rate = sum(each.arrays for each in seen) / (time.perf_counter() - began)
        row(f"arrays of 16 × 8 a second, softmax in float32, {target}", f"{rate:,.0f}", "at least 2,000")


def samplers() -> None:
    """A verdict on one sampler; and the draws a second of the e-processes of distribution and order, ranks included."""
    command = [*COMMAND, "reference", "--operation", "sample_log_uniform"]
    times = [seconds(partial(subprocess.run, command, check=True, capture_output=True)) for _ in range(5)]
    row("nnlaws check reference, sample_log_uniform, cold", f"{median(times):.2f} s", "at most 2 s")
    random = np.random.default_rng(0)
    for size in (2000, 100_000):
        v = random.random(size)

        def look(v: np.ndarray = v) -> None:
            statistics.marginal(v)
            statistics.serial(statistics.sequential_ranks(v, random))

        look()
        rate = size / median(seconds(look) for _ in range(9))
        row(f"draws a second, all e-processes, streams of {size:,}", f"{rate:,.0f}", "at least 500,000")


def certificate_of_cross_entropy() -> None:
    """The proof of ∂J/∂z at 64 × 10, and torch.autograd.gradcheck on the same."""
    z, y = _batch()

    def torch_function(z: Any) -> Any:
        import torch

        return torch.nn.functional.cross_entropy(z, torch.from_numpy(y.argmax(axis=1)))

    certificate("∂J/∂z, 64 × 10", formulas.cross_entropy, formulas.cross_entropy_gradient, (z, y), torch_function)


def certificate_of_batch_norm() -> None:
    """The proof of dz at 64 × 32, as the gradient of the sum of out weighted by dout, and the same."""
    random = np.random.default_rng(0)
    z, dout = random.standard_normal((2, 64, 32))
    gamma, beta = random.standard_normal((2, 32))

    def weighted(z: Any, dout: Any, gamma: Any, beta: Any) -> Any:
        return (dout * batch_norm.batch_norm_train(z, gamma, beta, eps=1e-5)[0]).sum()

    def dz(z: Any, dout: Any, gamma: Any, beta: Any) -> Any:
        return batch_norm.batch_norm_backward(dout, z, gamma, eps=1e-5)[0]

    def torch_function(z: Any) -> Any:
        import torch

        learnt = torch.from_numpy(gamma), torch.from_numpy(beta)
        return torch.nn.functional.batch_norm(z, None, None, *learnt, training=True, eps=1e-5)

    certificate("dz of batch norm, 64 × 32", weighted, dz, (z, dout, gamma, beta), torch_function)


def certificate(
    what: str,
    f: Callable[..., Any],
    gradient: Callable[..., Any],
    arguments: tuple[np.ndarray, ...],
    torch_function: Callable[[Any], Any],
) -> None:
    """A certificate beside torch.autograd.gradcheck in slow mode: times, and which wrong gradients are refused."""

    def refused(error: float) -> bool:
        return not nnlaws.certify(f, lambda *x: gradient(*x) * (1 + arb(error)), *arguments)

    prove = partial(nnlaws.certify, f, gradient, *arguments)
    ours = median(seconds(prove) for _ in range(7))
    row(f"certificate of {what}, 2 directions", f"{ours * 1e3:.1f} ms", f"radius {prove().relative:.0e}: no tolerance")
    errors = f"1e-4: {_verdict(refused(1e-4))}, 1e-9: {_verdict(refused(1e-9))}"
    row("  a gradient wrong by 1 + ε, refused from", f"ε = {smallest(refused):.0e}", errors)
    try:
        import torch
    except ImportError:
        row("torch.autograd.gradcheck", "not installed", "")
        return
    torch.set_num_threads(1)  # as its default threads wait for each other on a busy machine
    z = torch.from_numpy(arguments[0]).requires_grad_()
    theirs = median(seconds(partial(torch.autograd.gradcheck, torch_function, (z,))) for _ in range(3))

    def refused_there(error: float) -> bool:
        return not torch.autograd.gradcheck(_wrong(torch_function, error), (z,), raise_exception=False)

    row("torch.autograd.gradcheck, slow mode, the same", f"{theirs * 1e3:.0f} ms", "")
    errors = f"1e-4: {_verdict(refused_there(1e-4))}, 1e-9: {_verdict(refused_there(1e-9))}"
    row("  a gradient wrong by 1 + ε, refused from", f"ε = {smallest(refused_there):.0e}", errors)
    row("  ratio", f"{theirs / ours:,.0f} × faster", "faster; for batch norm at least 10 ×")


def _verdict(refused: bool) -> str:
    return "refused" if refused else "accepted"


def _wrong(function: Callable[[Any], Any], error: float) -> Callable[[Any], Any]:
    """The function in PyTorch, with its autograd gradient multiplied by 1 + error."""
    import torch

    class Wrong(torch.autograd.Function):  # type: ignore[misc]  # torch is not always there
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return function(x)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            with torch.enable_grad():
                x = ctx.saved_tensors[0].detach().requires_grad_()
                (gradient,) = torch.autograd.grad(function(x), x, upstream)
            return gradient * (1 + error)

    apply: Callable[[Any], Any] = Wrong.apply
    return apply


def finite_differences() -> None:
    z, y = _batch()

    def f(x: np.ndarray) -> np.ndarray:
        return np.asarray((np.log(np.exp(x).sum(axis=-1)) - (x * y).sum(axis=-1)).mean())

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.asarray(formulas.cross_entropy_gradient(x, y))

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
