"""Words of the protocol: what goes there and back is the same to the bit, and what is no word is refused."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes
from nnlaws.wire.words import WIRE, WireError, arrays, decoded, grammar, parsed, unword, word

SHAPES = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@given(st.sampled_from(list(WIRE)), SHAPES, st.data())
def test_an_array_comes_back_to_the_bit(dtype: str, shape: tuple[int, ...], data: st.DataObject) -> None:
    size = int(np.prod(shape, dtype=int)) * WIRE[dtype].itemsize
    raw = data.draw(st.binary(min_size=size, max_size=size))
    raw = bytes(byte & 1 for byte in raw) if dtype == "bool" else raw
    sent = np.frombuffer(raw, WIRE[dtype]).reshape(shape)
    text = word("z", sent)
    name, back = unword(text)
    assert (name, back.dtype, back.shape, back.tobytes()) == ("z", sent.dtype, sent.shape, raw)
    assert parsed("judge", f"call 1 softmax {text}") == ("call", ["1", "softmax", text])
    assert back.flags.writeable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "x=float64[]:000000000000f03f"),
        (-0.0, "x=float64[]:0000000000000080"),
        (7, "x=int64[]:0700000000000000"),
        (True, "x=bool[]:01"),
        ((0.5, 1.0), "x=float64[2]:000000000000e03f000000000000f03f"),
        (np.array([1, -2], dtype=np.float32), "x=float32[2]:0000803f000000c0"),
        (np.float32(2), "x=float32[]:00000040"),
        (np.array([[]], dtype=np.float64), "x=float64[1,0]:"),
        (np.int32(-1), "x=int64[]:ffffffffffffffff"),
        (np.arange(4.0)[::2], "x=float64[2]:00000000000000000000000000000040"),
        (np.array([1.0], dtype=">f8"), "x=float64[1]:000000000000f03f"),
    ],
)
def test_a_value_is_said_so(value: Any, text: str) -> None:
    assert word("x", value) == text
    assert np.array_equal(unword(text)[1], np.asarray(value))


@pytest.mark.parametrize("value", [2**63, 2**64, 10**30, None, "text", [[1.0], [1.0, 2.0]], 1j, np.longdouble(1)])
def test_what_no_word_can_say_is_an_error_that_names_it(value: Any) -> None:
    with pytest.raises(WireError, match="seed"):
        word("seed", value)


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "done",
        "done x",
        "done 1  a=float64[]:0000000000000000",
        "done 1 a=float64[]:000000000000000",
        "done 1 a=float64[]:000000000000000Z",
        "done 1 a=float64[]:000000000000F03F",
        "done 1 a=complex64[]:00",
        "done 1 a=float64[01]:",
        "done 1 a=float64[2:",
        "done 01",
        "told 1",
        "call 1 softmax",
        "hello",
        "hello 1 name",
        "refused 1",
        "DONE 1",
        "done 1\n",
    ],
)
def test_a_line_that_no_client_may_write_is_refused_with_what_may_be_written(line: str) -> None:
    with pytest.raises(WireError, match=r"expected .* got"):
        parsed("client", line)


def test_an_array_with_other_bytes_than_its_shape_asks_for_is_refused() -> None:
    with pytest.raises(WireError, match=r"a: float64\[2\] takes 16 bytes, got 8"):
        unword("a=float64[2]:0000000000000000")
    with pytest.raises(WireError, match="two arrays have one name"):
        arrays([word("a", 1.0), word("a", 2.0)])


def test_the_grammar_has_every_message_that_the_protocol_page_has() -> None:
    assert set(grammar()["judge"]) == {"hello", "call", "told", "raised"}
    assert set(grammar()["client"]) == {"hello", "done", "absent", "refused", "failed", "ask"}


def test_a_line_is_shown_with_its_numbers() -> None:
    long = word("grads", np.zeros(1000))
    line = f"call 3 adam {word('theta', np.array([1.5, np.nan], dtype=np.float32))} {word('seed', 7)} {long}"
    assert decoded(line).startswith("call 3 adam theta=float32[2]:[1.5,nan] seed=int64[]:7 grads=float64[1000]:[0.0,")
    assert decoded(line).endswith("…")
    assert decoded("failed 1 no array: z=float32[2]:00") == "failed 1 no array: z=float32[2]:00"
