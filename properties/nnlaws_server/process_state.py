"""What a call may change of the process that it runs in, and should not: whoever comes next would see it."""

import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlaws_server import floating_point

Module = Any

ERROR_STATE = "NumPy's error state (numpy.seterr)"
ENVIRONMENT = "the environment"
FLOATING_POINT_MODE = "the direction of rounding, or whether subnormal numbers are kept"
"""Of these the subject tells, for it puts them back after each call."""


@dataclass(frozen=True)
class Shared:
    """What all of a process shares: `get` reads it from its module, where that is loaded, and `put` sets it.

    move: sets it to something else, where a call does not mind what it is. fresh: where a call may mind, it is set to
    what it was before all calls. So what each call sets to the same value is seen to be set, although the first call
    did so long ago.
    """

    name: str
    module: str
    get: Callable[[Module], Any]
    put: Callable[[Module, Any], object] | None = None
    move: Callable[[Module, Any], object] | None = None
    fresh: bool = False


def _numpy_state(module: Module) -> tuple[Any, ...]:
    name, key, *rest = module.get_state()
    return name, key.tobytes(), *rest


def _put_numpy_state(module: Module, state: tuple[Any, ...]) -> None:
    name, key, *rest = state
    module.set_state((name, np.frombuffer(key, np.uint32), *rest))


def _put_torch_state(module: Module, state: bytes) -> None:
    module.set_rng_state(module.frombuffer(bytearray(state), dtype=module.uint8))


def _cuda(module: Module) -> Any:
    """PyTorch's CUDA, where it has been used: whoever asks it first starts it, which takes seconds."""
    if not module.cuda.is_initialized():
        raise AttributeError
    return module.cuda


def _put_cuda_state(module: Module, states: list[bytes]) -> None:
    module.cuda.set_rng_state_all([module.frombuffer(bytearray(state), dtype=module.uint8) for state in states])


def _switches(module: Module) -> dict[str, Any]:
    """Those that decide which kernels of CUDA and oneDNN run, and how they round."""
    found = {name: getattr(getattr(module.backends, part), name) for part, name in _SWITCHES}
    return {**found, "deterministic algorithms": module.are_deterministic_algorithms_enabled()}


def _put_switches(module: Module, switches: dict[str, Any]) -> None:
    for part, name in _SWITCHES:
        setattr(getattr(module.backends, part), name, switches[name])
    module.use_deterministic_algorithms(switches["deterministic algorithms"])


def _put_default_device(module: Module, device: str) -> None:
    if str(module.get_default_device()) != device:  # once it has been set, every call of PyTorch is slower
        module.set_default_device(None if device == "cpu" else device)


_SWITCHES = (("cudnn", "enabled"), ("cudnn", "benchmark"), ("cudnn", "deterministic"), ("cudnn", "allow_tf32"))


def _another(threads: int) -> int:
    return 2 if threads == 1 else 1


def _put_environment(module: Module, environment: dict[str, str]) -> None:
    for name in [name for name in module.environ if name not in environment]:
        del module.environ[name]
    module.environ.update(environment)


def _pools(module: Module) -> list[tuple[str, int]]:
    return [(pool["filepath"], pool["num_threads"]) for pool in module.threadpool_info()]


def _put_pools(module: Module, pools: list[tuple[str, int]]) -> None:
    wanted = dict(pools)
    for pool in module.ThreadpoolController().lib_controllers:
        if pool.filepath in wanted:
            pool.set_num_threads(wanted[pool.filepath])


def _move_pools(module: Module, pools: list[tuple[str, int]]) -> None:
    _put_pools(module, [(path, _another(threads)) for path, threads in pools])


SHARED = (
    Shared(
        *("NumPy's global generator (numpy.random)", "numpy.random", _numpy_state, _put_numpy_state),
        move=lambda module, state: module.random_sample(),
    ),
    Shared(
        *("Python's global generator (random)", "random", lambda module: module.getstate()),
        put=lambda module, state: module.setstate(state),
        move=lambda module, state: module.random(),
    ),
    Shared("the filters of warnings", "warnings", lambda module: tuple(module.filters)),
    Shared(
        *("the working directory", "os", lambda module: module.getcwd()),
        put=lambda module, path: module.chdir(path),
        fresh=True,
    ),
    Shared(
        *(ENVIRONMENT, "os", lambda module: dict(module.environ), _put_environment),
        move=lambda module, now: _put_environment(module, _START.get(ENVIRONMENT, now)),
    ),
    Shared(
        *("the recursion limit", "sys", lambda module: module.getrecursionlimit()),
        put=lambda module, limit: module.setrecursionlimit(limit),
        fresh=True,
    ),
    Shared(
        *("standard output (sys.stdout)", "sys", lambda module: module.stdout),
        put=lambda module, stream: setattr(module, "stdout", stream),
    ),
    Shared(
        *("the collection of garbage", "gc", lambda module: module.isenabled()),
        put=lambda module, on: module.enable() if on else module.disable(),
        fresh=True,
    ),
    Shared(
        *("NumPy's print options", "numpy", lambda module: module.get_printoptions()),
        put=lambda module, options: module.set_printoptions(**options),
        fresh=True,
    ),
    Shared("the threads of BLAS and OpenMP (threadpoolctl)", "threadpoolctl", _pools, _put_pools, _move_pools),
    Shared(
        *("PyTorch's number of threads", "torch", lambda module: module.get_num_threads()),
        put=lambda module, number: module.set_num_threads(number),
        move=lambda module, threads: module.set_num_threads(_another(threads)),
    ),
    Shared(
        *("PyTorch's default dtype", "torch", lambda module: module.get_default_dtype()),
        put=lambda module, dtype: module.set_default_dtype(dtype),
        fresh=True,
    ),
    Shared(
        *("PyTorch's global generator", "torch", lambda module: module.get_rng_state().numpy().tobytes()),
        put=_put_torch_state,
        move=lambda module, state: module.rand(1),
    ),
    Shared(
        *("whether PyTorch records gradients", "torch", lambda module: module.is_grad_enabled()),
        put=lambda module, on: module.set_grad_enabled(on),
        fresh=True,
    ),
    Shared(
        *("PyTorch's generators of CUDA", "torch"),
        get=lambda module: [each.numpy().tobytes() for each in _cuda(module).get_rng_state_all()],
        put=_put_cuda_state,
        move=lambda module, states: module.rand(1, device="cuda"),
    ),
    Shared(
        *("PyTorch's switches (torch.backends.cudnn, deterministic algorithms)", "torch", _switches, _put_switches),
        fresh=True,
    ),
    Shared(
        *("PyTorch's precision of matrix products (TF32)", "torch"),
        get=lambda module: module.get_float32_matmul_precision(),
        put=lambda module, precision: module.set_float32_matmul_precision(precision),
        fresh=True,
    ),
    Shared(
        *("PyTorch's default device", "torch", lambda module: str(module.get_default_device())),
        put=_put_default_device,
        fresh=True,
    ),
    Shared(
        *("JAX's jax_enable_x64", "jax", lambda module: module.config.jax_enable_x64),
        put=lambda module, on: module.config.update("jax_enable_x64", on),
        fresh=True,
    ),
    Shared(
        *("Keras's floatx", "keras", lambda module: module.config.floatx()),
        put=lambda module, dtype: module.config.set_floatx(dtype),
        fresh=True,
    ),
)

_START: dict[str, Any] = {}


def state() -> dict[str, Any]:
    """How all is now, by name, of the modules that are loaded."""
    found: dict[str, Any] = {}
    for each in SHARED:
        with suppress(AttributeError):  # another release of the library
            found[each.name] = each.get(sys.modules[each.module]) if each.module in sys.modules else None
    return found


def remember() -> None:
    """Notes how all is before any call: there `borrowed` begins. The floating-point mode is restored to what it was
    before the import.
    """
    floating_point.loaded()
    _START.clear()
    _START.update(state())


def restore() -> None:
    """Puts back how all was before any call, of what a call is not free to move."""
    for each in SHARED:
        if each.fresh and each.put is not None and _START.get(each.name) is not None:
            each.put(sys.modules[each.module], _START[each.name])


@contextmanager
def borrowed() -> Generator[dict[str, Any]]:
    """Meanwhile all is as it was before any call, or moved; afterwards it is as it was.

    Gives what a call has to leave as it is.
    """
    kept = {name: value for name, value in state().items() if value is not None}
    there = [(each, sys.modules[each.module]) for each in SHARED if each.name in kept]
    for each, module in there:
        if each.move is not None:
            each.move(module, kept[each.name])
        elif each.fresh and each.put is not None and _START.get(each.name) is not None:
            each.put(module, _START[each.name])
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=BytesWarning)  # before what a call may want to be the first
            yield state()
    finally:
        for each, module in there:
            if each.put is not None:
                each.put(module, kept[each.name])


def changed(before: dict[str, Any]) -> list[str]:
    """The names of what is no longer as it was."""
    after = state()
    return [name for name, was in before.items() if was is not None and after[name] != was]
