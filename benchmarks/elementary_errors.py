"""How far are elementary functions off? `python benchmarks/elementary_errors.py`, about a minute.

Prints, for each function, the worst error over NumPy (or SciPy), PyTorch and JAX on this machine's processor, in units
of u |f(x)|, against balls. `nnlaws.rounding.elementary` states the constants that were chosen from it. Results below
the smallest normal are left out: there a bound allows the whole of it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flint import ctx
from nnlaws.rounding.elementary import ELEMENTARY, EXP, LOG, LOGADDEXP, POWER, logaddexp_terms
from nnlaws_spec.numbers import balls
from nnlaws_spec.numbers.exact import Exact
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[Any]
BITS = 256  # of the balls: x up to 1e30 loses 100 of them in a sine


@dataclass(frozen=True)
class Function:
    """A function, where it is tried (drawn from in float64), and what the libraries call it."""

    numpy: Any
    torch: Any
    jax: Any
    draw: Callable[[np.random.Generator, int, float], tuple[Floats, ...]]


def sizes(
    least: float, most: float, sign: bool = True
) -> Callable[[np.random.Generator, int, float], tuple[Floats, ...]]:
    """Of every magnitude between the two, half of them in the upper fourth; of both signs."""

    def draw(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
        top = most * scale
        x = np.concatenate(
            [
                np.exp(random.uniform(np.log(least), np.log(top), count // 2)),
                random.uniform(0, 1, count // 2) * top,
            ]
        )
        return (x * random.choice([-1, 1], x.size) if sign else x,)

    return draw


def around_one(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    """Of every magnitude, and close to 1."""
    (wide,), (near,) = sizes(1e-30, 1e30, False)(random, count, 1), sizes(1e-6, 0.5)(random, count, 1)
    return (np.concatenate([wide, 1 + near]),)


def above_minus_one(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    (wide,), (near,) = sizes(1e-30, 1e10, False)(random, count, 1), sizes(1e-20, 0.999)(random, count, 1)
    return (np.concatenate([wide, near, -1 + np.abs(near)]),)


def angles(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    """Of every magnitude up to 1e30, and close to multiples of π/2, where the result is close to 0."""
    (wide,) = sizes(1e-10, 1e30)(random, count, 1)
    multiples = random.integers(-2000, 2000, count) * np.pi / 2
    return (np.concatenate([wide, random.uniform(-100, 100, count), multiples]),)


def pairs(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    (a,), (b,) = sizes(1e-12, 80, True)(random, count, scale), sizes(1e-12, 30, True)(random, count, 1)
    return a, np.concatenate([a[: count // 2] + b[: count // 2], random.permutation(a)[count // 2 :]])


def powers(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    """x^y between 1e-30 and 1e30, for x of every magnitude and close to 1."""
    (x,) = around_one(random, count, scale)
    y = random.uniform(-1, 1, x.size) * np.minimum(69 / np.maximum(np.abs(np.log(x)), 1e-3), 1e4)
    return x, y


FUNCTIONS = {
    "exp": Function(np.exp, torch.exp, jnp.exp, sizes(1e-10, 87)),
    "exp2": Function(np.exp2, torch.exp2, jnp.exp2, sizes(1e-10, 125)),
    "expm1": Function(np.expm1, torch.expm1, jnp.expm1, sizes(1e-20, 87)),
    "log": Function(np.log, torch.log, jnp.log, around_one),
    "log2": Function(np.log2, torch.log2, jnp.log2, around_one),
    "log10": Function(np.log10, torch.log10, jnp.log10, around_one),
    "log1p": Function(np.log1p, torch.log1p, jnp.log1p, above_minus_one),
    "sin": Function(np.sin, torch.sin, jnp.sin, angles),
    "cos": Function(np.cos, torch.cos, jnp.cos, angles),
    "sinh": Function(np.sinh, torch.sinh, jnp.sinh, sizes(1e-10, 87)),
    "cosh": Function(np.cosh, torch.cosh, jnp.cosh, sizes(1e-10, 87)),
    "tanh": Function(np.tanh, torch.tanh, jnp.tanh, sizes(1e-10, 20)),
    "arctan": Function(np.arctan, torch.arctan, jnp.arctan, sizes(1e-10, 1e10)),
    "arcsinh": Function(np.arcsinh, torch.arcsinh, jnp.arcsinh, sizes(1e-10, 1e10)),
    "erf": Function(special.erf, torch.erf, jax.scipy.special.erf, sizes(1e-10, 6)),
    "erfc": Function(special.erfc, torch.erfc, jax.scipy.special.erfc, sizes(1e-10, 9.1)),
    "expit": Function(special.expit, torch.sigmoid, jax.nn.sigmoid, sizes(1e-10, 86)),
    "log_expit": Function(special.log_expit, torch.nn.functional.logsigmoid, jax.nn.log_sigmoid, sizes(1e-10, 86)),
    "logaddexp": Function(np.logaddexp, torch.logaddexp, jnp.logaddexp, pairs),
    "power": Function(np.power, torch.pow, jnp.power, powers),
}


def worst(name: str, dtype: np.dtype[Any], count: int, seed: int = 0) -> dict[str, float]:
    """The largest |computed − exact| in units of u |exact|, by library."""
    function, random = FUNCTIONS[name], np.random.default_rng(seed)
    info = np.finfo(dtype)
    wide = {"erfc": 2.9}.get(name, 8.0) if dtype.itemsize == 8 else 1.0
    arguments = tuple(x.astype(dtype) for x in function.draw(random, count, wide))
    with ctx.workprec(BITS):
        exact = function.numpy(*(Exact(balls(x)) for x in arguments)).balls
        hi = exact.astype(np.float64)
        lo = (exact - balls(hi)).astype(np.float64)
    size = magnitude(name, arguments, hi)
    ran: dict[str, Callable[[], Any]] = {
        "numpy": lambda: function.numpy(*arguments),
        "torch": lambda: function.torch(*map(torch.from_numpy, arguments)).numpy(),
        "jax": lambda: np.asarray(jax.jit(function.jax)(*arguments)),
    }
    found = {}
    with np.errstate(all="ignore"):
        for library, run in ran.items():
            got = run()
            assert got.dtype == dtype, (name, library, got.dtype)
            error = np.abs((got.astype(np.float64) - hi) - lo) / (float(info.eps) / 2 * size)
            kept = (np.abs(hi) > float(info.tiny)) & (np.abs(hi) < float(info.max)) & np.isfinite(error)
            place = int(np.argmax(np.where(kept, error, 0)))
            found[library] = float(error[place])
            found[library + " at"] = float(arguments[0][place])
    return found


def magnitude(name: str, arguments: tuple[Floats, ...], exact: Floats) -> Floats:
    """What the error is measured in: |f(x)|, but where that cancels, what it is a sum of."""
    if name == "logaddexp":
        a, b = (x.astype(np.float64) for x in arguments)
        return logaddexp_terms(a, b)
    return np.abs(exact)


def allowed(name: str) -> str:
    """The units that bounds admit."""
    if name not in ELEMENTARY:
        return str({"exp": EXP, "log": LOG, "power": POWER, "logaddexp": LOGADDEXP}[name])
    found, ten = ELEMENTARY[name], np.array(10.0)
    more = "" if found.growth is None else f" (at x = 10: {float(found.own(ten, 0 * ten)):.4g})"
    return f"{found.units:g}{more}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="points a function")
    parser.add_argument("functions", nargs="*", default=[], metavar="function", help=", ".join(FUNCTIONS))
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1)
    print("| function | dtype | numpy | torch | jax | allowed |\n|---|---|---|---|---|---|")
    for name in options.functions or FUNCTIONS:
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            found = worst(name, dtype, options.count)
            cells = " | ".join(
                f"{found[each]:.2f} (x = {found[each + ' at']:.6g})" for each in ("numpy", "torch", "jax")
            )
            print(f"| {name} | {dtype} | {cells} | {allowed(name)} |", flush=True)


if __name__ == "__main__":
    main()
