"""How far off are elementary functions? `python benchmarks/elementary_errors.py`, half an hour; with names, just those.

Prints, for each function and dtype, the worst error of each library on this machine's processor, in units of u |f(x)|,
and what `nnlaws.rounding.elementary` allows; its constants were chosen from this. Each library computes the same
numbers as one long array, as short ones of 1 to 9 entries, and with a stride: kernels have other code for the last few
entries, and for what is not in a row. Of where a library was worst, neighbours are tried again. Libraries that are not
installed are left out; a column libmvec, GNU's vector functions as `gcc -Ofast` calls them, needs gcc.

The exact values are those of an 80-bit long double, or for float32 of a double, and the worst is checked against balls.
Results below the smallest normal are left out: there a bound allows the whole of it.
"""

import argparse
import ctypes
import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from flint import ctx
from nnlaws.rounding.elementary import ELEMENTARY, EXP, LOGADDEXP, POWER, log_units, logaddexp_terms
from nnlaws.rounding.formats import format_of
from nnlaws_spec.numbers import balls
from nnlaws_spec.numbers.exact import Exact
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[Any]
Function = Callable[..., Any]
Draw = Callable[[np.random.Generator, int, float], tuple[Floats, ...]]
BITS = 256  # of the balls: x up to 1e30 loses 100 of them in a sine
ROUNDS = 4  # of trying the neighbours of the worst
SHORT = 3000  # entries that come as short arrays


def sizes(least: float, most: float, sign: bool = True) -> Draw:
    """Of every magnitude between the two, half of them in the upper fourth; of both signs."""

    def draw(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
        top = most * scale
        x = np.concatenate(
            [
                np.exp(random.uniform(np.log(least), np.log(top), count // 2)),
                random.uniform(0, 1, count - count // 2) * top,
            ]
        )
        return (x * random.choice([-1, 1], x.size) if sign else x,)

    return draw


def exponents(base: float, most: float) -> Draw:
    """As those, a third of them about halves of log 2, where algorithms go from one power of 2 to the next, or to the
    next entry of a table of 32."""
    plain = sizes(1e-20, most)

    def draw(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
        (x,) = plain(random, count - count // 3, scale)
        step = np.log(2) / np.log(base) / random.choice([2, 32], count // 3)
        halves = np.rint(random.uniform(-1, 1, count // 3) * most * scale / step) * step
        return (np.concatenate([x, halves * (1 + 2.0 ** -random.uniform(8, 40, halves.size))]),)

    return draw


def around_one(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    """Of every magnitude, and close to 1, and about √2 and √½, where logarithms change their exponent."""
    (wide,) = sizes(1e-30, 1e30, False)(random, count // 3, 1)
    (near,) = sizes(1e-7, 0.5)(random, count // 3, 1)
    left = count - wide.size - near.size
    roots = np.sqrt(2) * 2.0 ** random.integers(-3, 3, left) * (1 + random.uniform(-0.02, 0.02, left))
    return (np.concatenate([wide, 1 + near, roots]),)


def above_minus_one(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    (wide,), (near,) = sizes(1e-30, 1e10, False)(random, count // 3, 1), sizes(1e-20, 0.999)(random, count // 3, 1)
    left = count - wide.size - near.size
    half = np.concatenate([random.uniform(-0.5, 1.2, left // 2), random.uniform(-0.32, -0.26, left - left // 2)])
    return (np.concatenate([wide, near, half]),)


def angles(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    """Of every magnitude up to 1e30, and close to multiples of π/2, where the result is close to 0."""
    (wide,) = sizes(1e-10, 1e30)(random, count // 3, 1)
    multiples = random.integers(-2000, 2000, count // 3) * np.pi / 2
    return (np.concatenate([wide, random.uniform(-100, 100, count - 2 * (count // 3)), multiples]),)


def pairs(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    (a,), (b,) = sizes(1e-12, 80, True)(random, count, scale), sizes(1e-12, 30, True)(random, count, 1)
    return a, np.concatenate([a[: count // 2] + b[: count // 2], random.permutation(a)[count // 2 :]])


def powers(random: np.random.Generator, count: int, scale: float) -> tuple[Floats, ...]:
    """x^y between 1e-30 and 1e30, for x of every magnitude and close to 1."""
    (x,) = around_one(random, count, scale)
    y = random.uniform(-1, 1, x.size) * np.minimum(69 / np.maximum(np.abs(np.log(x)), 1e-3), 1e4)
    return x, y


@dataclass(frozen=True)
class Tried:
    """Where a function is tried (drawn in float64), and what computes it on long doubles."""

    draw: Draw
    wide: Function | None = None
    balls: Function | None = None


TRIED = {
    "exp": Tried(exponents(np.e, 87), np.exp),
    "exp2": Tried(exponents(2, 125), np.exp2),
    "exp10": Tried(exponents(10, 37), lambda x: np.power(np.longdouble(10), x), lambda x: np.power(10.0, x)),
    "expm1": Tried(exponents(np.e, 87), np.expm1),
    "log": Tried(around_one, np.log),
    "log2": Tried(around_one, np.log2),
    "log10": Tried(around_one, np.log10),
    "log1p": Tried(above_minus_one, np.log1p),
    "sin": Tried(angles),
    "cos": Tried(angles),
    "sinh": Tried(sizes(1e-10, 87), np.sinh),
    "cosh": Tried(sizes(1e-10, 87), np.cosh),
    "tanh": Tried(sizes(1e-10, 20), np.tanh),
    "arctan": Tried(sizes(1e-10, 1e10), np.arctan),
    "arcsinh": Tried(sizes(1e-10, 1e10), np.arcsinh),
    "erf": Tried(sizes(1e-10, 6), balls=special.erf),
    "erfc": Tried(sizes(1e-10, 9.1), balls=special.erfc),
    "expit": Tried(sizes(1e-10, 86), lambda x: 1 / (1 + np.exp(-x)), special.expit),
    "log_expit": Tried(sizes(1e-10, 86), balls=special.log_expit),
    "logaddexp": Tried(pairs),
    "power": Tried(powers, np.power),
}

# --- the libraries: each gives the functions that it has, of arrays ---

OTHER_NAMES = {
    "torch": {"expit": "sigmoid", "power": "pow", "log_expit": "", "exp10": ""},
    "tensorflow": {
        "expit": "sigmoid",
        "power": "pow",
        "log_expit": "log_sigmoid",
        "arctan": "atan",
        "arcsinh": "asinh",
    },
    "scipy": {"logaddexp": ""},
    "math": {"arctan": "atan", "arcsinh": "asinh", "power": "pow"},
}


def of_numpy(name: str) -> Function | None:
    if name == "exp10":
        return lambda x: np.power(x.dtype.type(10), x)
    return getattr(np, name, None)


def of_scipy(name: str) -> Function | None:
    return getattr(special, name, None)


def of_math(name: str) -> Function | None:
    """The C library's, one double at a time."""
    import math

    one = math.exp if name == "exp" else getattr(math, OTHER_NAMES["math"].get(name, name), None)
    if name == "exp10":
        one = partial(pow, 10.0)
    if one is None:
        return None

    def run(*arrays: Floats) -> Floats | None:
        if arrays[0].dtype != np.float64:
            return None
        return np.array([one(*each) for each in zip(*(x.tolist() for x in arrays), strict=True)])

    return run


def of_torch(name: str) -> Function | None:
    import torch

    function = {
        "log_expit": torch.nn.functional.logsigmoid,
        "exp10": lambda x: torch.pow(10.0, x),
    }.get(name) or getattr(torch, OTHER_NAMES["torch"].get(name, name), None)
    return function and (lambda *arrays: function(*map(torch.from_numpy, arrays)).numpy())


def of_jax(name: str) -> Function | None:
    import jax
    import jax.numpy as jnp

    other = {"expit": jax.nn.sigmoid, "log_expit": jax.nn.log_sigmoid, "exp10": lambda x: jnp.power(10.0, x)}
    function = other.get(name) or getattr(jnp, name, None) or getattr(jax.scipy.special, name, None)
    return function and jax.jit(function)


def of_tensorflow(name: str) -> Function | None:
    import tensorflow as tf

    name = OTHER_NAMES["tensorflow"].get(name, name)
    if name == "exp10":
        return lambda x: tf.pow(tf.cast(10.0, x.dtype), x)
    function = getattr(tf.math, name, None)
    return function and (lambda *arrays: function(*map(tf.constant, arrays)))


def of_onnxruntime(name: str) -> Function | None:
    kind = {"exp": "Exp", "log": "Log", "tanh": "Tanh", "expit": "Sigmoid", "erf": "Erf", "power": "Pow"}.get(name)
    if kind is None:
        return None
    import onnxruntime
    from onnx import TensorProto, helper

    @cache
    def session(dtype: np.dtype[Any]) -> Any:
        of = TensorProto.DOUBLE if dtype.itemsize == 8 else TensorProto.FLOAT
        names = ["x", "y"][: 1 + (kind == "Pow")]
        node = helper.make_node(kind, names, ["z"])
        ins, outs = ([helper.make_tensor_value_info(n, of, [None]) for n in each] for each in (names, ["z"]))
        graph = helper.make_graph([node], "one", ins, outs)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(*arrays: Floats) -> Floats | None:
        try:
            made = session(arrays[0].dtype)
        except Exception:  # a kernel that there is not, of doubles
            return None
        return np.asarray(made.run(None, dict(zip("xy", arrays, strict=False)))[0])

    return run


SOURCE = """#include <math.h>
#define ONE(NAME, TYPE, F) void NAME(const TYPE *restrict x, TYPE *restrict y, long n) \\
  { for (long i = 0; i < n; i++) y[i] = F(x[i]); }
"""
IN_C = ("exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "sinh", "cosh", "tanh", "erf")


@cache
def compiled() -> Any:
    """C's loops, which gcc turns into calls of libmvec."""
    lines = [SOURCE]
    for name in IN_C:
        lines += [f"double {name}(double); float {name}f(float);"] if name == "exp10" else []
        lines += [f"ONE({name}_64, double, {name})", f"ONE({name}_32, float, {name}f)"]
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "loops.c"), Path(folder, "loops.so")
        source.write_text("\n".join(lines))
        flags = ["-Ofast", "-march=native", "-shared", "-fPIC", "-fno-builtin-exp10"]
        try:
            subprocess.run(["gcc", *flags, "-o", built, source, "-lm"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return ctypes.CDLL(str(built))


def of_libmvec(name: str) -> Function | None:
    if name not in IN_C or compiled() is None:
        return None

    def run(x: Floats) -> Floats:
        x, y = np.ascontiguousarray(x), np.empty_like(x)
        loop = getattr(compiled(), f"{name}_{8 * x.itemsize}")
        loop(x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p), ctypes.c_long(x.size))
        return y

    return run


LIBRARIES: dict[str, Callable[[str], Function | None]] = {
    "numpy": of_numpy,
    "scipy": of_scipy,
    "math": of_math,
    "torch": of_torch,
    "jax": of_jax,
    "tensorflow": of_tensorflow,
    "onnxruntime": of_onnxruntime,
    "libmvec": of_libmvec,
}
ALWAYS = ("numpy", "scipy", "math", "libmvec")


def libraries() -> Iterator[str]:
    for name in LIBRARIES:
        if name in ALWAYS or importlib.util.find_spec(name) is not None:
            yield name


# --- what is measured ---


def magnitude(name: str, arguments: tuple[Floats, ...], exact: Floats) -> Floats:
    """What the error is measured in: |f(x)|, but where that cancels, what it is a sum of."""
    if name == "logaddexp":
        return logaddexp_terms(*(x.astype(np.float64) for x in arguments))
    return np.abs(exact)


def by_balls(name: str, arguments: tuple[Floats, ...]) -> tuple[Floats, Floats]:
    function = TRIED[name].balls or getattr(np, name)
    with ctx.workprec(BITS):
        exact = function(*(Exact(balls(x)) for x in arguments)).balls
        hi = exact.astype(np.float64)
        return hi, (exact - balls(hi)).astype(np.float64)


def errors(name: str, got: Floats, arguments: tuple[Floats, ...], quick: bool) -> Floats:
    """In units of u, 0 where the result is out of range; quick: against long doubles, where they have the function."""
    dtype = arguments[0].dtype
    info, wide = np.finfo(dtype), TRIED[name].wide
    with np.errstate(all="ignore"):
        if quick and wide is not None:
            hi = wide(*(x.astype(np.longdouble) for x in arguments))
            off = np.abs(got - hi)
        else:
            hi, lo = by_balls(name, arguments)
            off = np.abs((got.astype(np.float64) - hi) - lo)
        error = off / (float(info.eps) / 2 * magnitude(name, arguments, hi))
        kept = (np.abs(hi) > float(info.tiny)) & (np.abs(hi) < float(info.max)) & np.isfinite(error)
    return np.asarray(np.where(kept, error, 0), np.float64)


def ways(run: Function, arguments: tuple[Floats, ...]) -> Iterator[tuple[Floats, tuple[Floats, ...]]]:
    """Results and their arguments, as one array, as short ones, and with a stride."""
    whole = run(*arguments)
    if whole is None:
        return
    yield np.asarray(whole), arguments
    few, pieces = tuple(x[-SHORT:] for x in arguments), list[Floats]()
    bounds = np.cumsum(np.resize(np.arange(1, 10), SHORT))
    for piece in zip(*(np.split(x, bounds[bounds < len(x)]) for x in few), strict=True):
        pieces.append(np.asarray(run(*(x.copy() for x in piece))))
    yield np.concatenate(pieces), few
    apart = tuple(np.repeat(x, 2)[::2] for x in arguments)
    yield np.asarray(run(*apart)), arguments


def neighbours(random: np.random.Generator, worst: tuple[Floats, ...], count: int) -> tuple[Floats, ...]:
    times = -(-count // len(worst[0]))
    near = (np.repeat(x.astype(np.float64), times) for x in worst)
    return tuple((x * (1 + random.choice([-1, 1], x.size) * 2.0 ** -random.uniform(4, 50, x.size))) for x in near)


def worst(name: str, dtype: np.dtype[Any], count: int, library: str, seed: int = 0) -> tuple[float, float]:
    """The largest |computed − exact| in units of u |exact|, and the argument."""
    run, random = LIBRARIES[library](name), np.random.default_rng(seed)
    if run is None:
        return 0.0, 0.0
    scale = {"erfc": 2.9}.get(name, 8.0) if dtype.itemsize == 8 else 1.0
    quick = TRIED[name].wide is not None
    count = count if quick else min(count, 20_000)
    arguments, found = tuple(x.astype(dtype) for x in TRIED[name].draw(random, count, scale)), (0.0, 0.0)
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):
            most = np.zeros(len(arguments[0]))
            for got, given in ways(run, arguments):
                assert got.dtype == dtype, (name, library, got.dtype)
                seen = errors(name, got, given, quick)
                place = int(np.argmax(seen))
                if seen[place] > found[0]:
                    one = tuple(x[place : place + 1] for x in given)
                    sure = float(errors(name, got[place : place + 1], one, False)[0])
                    found = max(found, (sure, float(one[0][0])))
                most[-len(seen) :] = np.maximum(most[-len(seen) :], seen)
            top = np.argsort(most)[-50:]
            arguments = tuple(x.astype(dtype) for x in neighbours(random, tuple(x[top] for x in arguments), count))
    return found


def allowed(name: str, dtype: np.dtype[Any]) -> str:
    """The units that bounds admit."""
    format = format_of(dtype)
    own: Mapping[str, float] = {
        "exp": EXP, "log": log_units(format), "power": POWER, "exp10": POWER, "logaddexp": LOGADDEXP,
    }  # fmt: skip
    if name in own:
        return f"{own[name]:g}"
    found, ten = ELEMENTARY[name], np.array(10.0)
    more = "" if found.growth is None else f" (at x = 10: {float(found.own(ten, 0 * ten)):.4g})"
    return f"{found.units:g}{more}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000, help="points a function, a library and a round")
    parser.add_argument("functions", nargs="*", default=[], metavar="function", help=", ".join(TRIED))
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "jax" in (names := list(libraries())):
        import jax

        jax.config.update("jax_enable_x64", True)
    print(f"| function | dtype | {' | '.join(names)} | allowed |\n|{'---|' * (len(names) + 3)}")
    for name in options.functions or TRIED:
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            found = [worst(name, dtype, options.count, library) for library in names]
            cells = " | ".join(f"{error:.2f} ({at:.6g})" if error else "–" for error, at in found)
            print(f"| {name} | {dtype} | {cells} | {allowed(name, dtype)} |", flush=True)


if __name__ == "__main__":
    main()
