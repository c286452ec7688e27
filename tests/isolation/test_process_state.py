"""What a call changes of a library's switches is seen, and put back."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from nnlaws_server import process_state

CHANGES: dict[str, Callable[[Any], object]] = {
    "PyTorch's switches (torch.backends.cudnn, deterministic algorithms)": lambda torch: setattr(
        torch.backends.cudnn, "benchmark", True
    ),
    "PyTorch's precision of matrix products (TF32)": lambda torch: torch.set_float32_matmul_precision("medium"),
    "PyTorch's default device": lambda torch: torch.set_default_device("meta"),
    "PyTorch's default dtype": lambda torch: torch.set_default_dtype(torch.float64),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_switch_of_torch_that_is_changed_is_named_and_put_back(name: str) -> None:
    torch = pytest.importorskip("torch")
    process_state.remember()
    before = process_state.state()[name]
    with process_state.borrowed() as kept:
        CHANGES[name](torch)
        assert process_state.changed(kept) == [name]
    assert process_state.state()[name] == before


def test_generators_of_cuda_are_looked_at_only_where_it_is_used() -> None:
    asked: list[str] = []

    def states() -> list[Any]:
        asked.append("states")
        return [SimpleNamespace(numpy=lambda: SimpleNamespace(tobytes=lambda: b"state"))]

    (shared,) = (each for each in process_state.SHARED if "CUDA" in each.name)
    cuda = SimpleNamespace(is_initialized=lambda: False, get_rng_state_all=states)
    with pytest.raises(AttributeError):  # as of a release that has none: then it is left out
        shared.get(SimpleNamespace(cuda=cuda))
    assert not asked
    cuda.is_initialized = lambda: True
    assert shared.get(SimpleNamespace(cuda=cuda)) == [b"state"]
