"""Targets in Python: what is said to their process and what it answers, to the bit, and in the words of the grammar."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from nnlaws import Outcome
from nnlaws.authoring.subject import Refused, TargetFault
from nnlaws.chapters import OPERATIONS
from nnlaws.harness import planning, targets
from nnlaws.harness.run import run
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.wire import served
from nnlaws.wire.process import start
from nnlaws.wire.server import Server
from nnlaws.wire.words import form, grammar
from nnlaws_server.callee import Here
from nnlaws_server.errors import TargetError
from nnlaws_server.serving import each_of, many
from nnlaws_server.words import TYPES, said, said_as_it_lies, understood

SHAPES = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
ODD = ("<c8", ">f4", "<i2", "<u8", "|b1", np.dtype(np.longdouble).str)


def bits(value: Any) -> tuple[Any, ...]:
    return type(value), value.dtype, value.shape, value.tobytes()


@given(st.sampled_from([*TYPES.values(), *map(np.dtype, ODD)]), SHAPES, st.data())
def test_an_array_comes_back_to_the_bit(dtype: np.dtype[Any], shape: tuple[int, ...], data: st.DataObject) -> None:
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    raw = data.draw(st.binary(min_size=size, max_size=size))
    raw = bytes(byte & 1 for byte in raw) if dtype.kind == "b" else raw
    sent = np.frombuffer(raw, dtype).reshape(shape)
    back = understood([said("z", sent)])["z"]
    assert bits(back) == bits(sent)
    assert back.flags.owndata
    assert back.flags.writeable


@pytest.mark.parametrize(
    "value",
    [0, 7, 2**70, -1.5, -0.0, 1e-320, float("inf"), True, None, "two words = 1", (), (1, 2.5, (None, "x")), "ü\n"],
)
def test_a_value_comes_back(value: Any) -> None:
    word = said("x", value)
    assert not re.search(r"[ \r\n]", word)
    (back,) = understood([word]).values()
    assert (back, type(back), repr(back)) == (value, type(value), repr(value))


def test_numbers_of_numpys_come_back_as_such() -> None:
    for value in (np.float32(1.5), np.float64("nan"), np.int64(-1), np.bool_(True), TYPES["bfloat16"].type(3)):
        (back,) = understood([said("x", value)]).values()
        assert bits(back) == bits(value)


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=4)), st.data())
def test_an_array_lies_as_it_lay(x: np.ndarray[Any, Any], data: st.DataObject) -> None:
    ways = [x, x.T, x[::-1], x[:, ::2], x[1:], x[..., :0], np.asfortranarray(x), np.broadcast_to(x[:1], x.shape)]
    sent = data.draw(st.sampled_from(ways))
    sent = sent.view()
    sent.flags.writeable = data.draw(st.booleans()) and sent.flags.writeable
    back = understood([said_as_it_lies("z", sent, {})])["z"]
    assert back.tobytes() == sent.tobytes()
    assert (back.shape, back.dtype, back.flags.writeable) == (sent.shape, sent.dtype, sent.flags.writeable)
    assert sent.size == 0 or back.strides == sent.strides


def test_one_array_is_several_arguments() -> None:
    z = np.ones((2, 2))
    back = understood([said("z", z), said_as_it_lies("y", z, {"z": z})])
    assert back["y"] is back["z"]


@pytest.mark.parametrize(
    "found",
    [
        [],
        [(np.ones(2),)],
        [(np.ones(2), np.array(1, np.float32))] * 3,
        [(np.ones(2),), (np.ones(3),)],
        [(np.ones(2),), "3 results"],
        ["a float"],
        [(np.array([1.0], ">f8"),)] * 2,
        [(np.array([1j]),)],
    ],
)
def test_results_of_many_calls_come_back(found: Any) -> None:
    back = each_of("y", understood(many("y", found)))
    assert len(back) == len(found)
    for one, other in zip(back, found, strict=True):
        assert one == other if isinstance(other, str) else [bits(x) for x in one] == [bits(x) for x in other]


def test_results_that_are_no_numbers_come_as_arrays_of_none() -> None:
    for odd in (np.array(["a", "b"]), np.array([object()]), np.array([1, 2], "M8[ns]"), np.zeros(2, [("a", "f4")])):
        (found,) = each_of("y", understood(many("y", [(odd,)])))
        assert not isinstance(found, str)
        assert (found[0].dtype, found[0].shape) == (np.dtype(object), odd.shape)


@pytest.mark.parametrize(
    "text", ["z", "z=float32", "z=float32[2]:00", "z=float32[2]:zz", "z:=", "z=&y", "z=what[1]:00"]
)
def test_what_is_no_word_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, IndexError, TypeError)):
        understood([text])


SOURCE = """
import os
import numpy as np

def softmax(z):
    if z.shape[1] == 3 and z[0, 0] > 5:
        raise ValueError("struck")
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def log_softmax(z):
    z -= 1
    return np.log(softmax(z))
"""


def never(how: int | str) -> NoReturn:
    raise AssertionError(how)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "target.py"
    path.write_text(SOURCE)
    found = served.implementation(str(path), start(str(path)), never)
    yield found
    found.softmax.close()


def subject(target: Any, name: str) -> GuardedSubject:
    return GuardedSubject(getattr(target, name), OPERATIONS[name])


def test_lanes_before_one_that_raises_are_not_lost(target: Any) -> None:
    z = np.zeros((4, 2, 3))
    z[2] = 9
    with pytest.raises(Refused, match="softmax raised ValueError: struck") as raised:
        subject(target, "softmax").results(z)
    assert raised.value.lane == 2
    assert len(list(target.softmax.lanes([z[:2]], {}))) == 2


def test_what_a_call_does_to_its_arguments_is_seen_in_ours(target: Any) -> None:
    whole = np.zeros((2, 8))
    z = whole[:, ::2]
    z.flags.writeable = True
    subject(target, "log_softmax").arrays(z)
    assert (z == -1).all()
    assert (whole[:, 1::2] == 0).all()


def test_it_is_what_it_is_in_this_process(target: Any) -> None:
    """The same answers as where the function is called here: one judge, two ways to call."""
    z = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    there = subject(target, "softmax")
    scope: dict[str, Any] = {}
    exec(SOURCE, scope)
    here = GuardedSubject(scope["softmax"], OPERATIONS["softmax"])
    assert isinstance(here.callee, Here)
    assert there.results(z)[0].tobytes() == here.results(z)[0].tobytes()
    assert there.form(z[0]) == here.form(z[0])
    assert there.left_changed(lambda: there.form(z[0])) == here.left_changed(lambda: here.form(z[0])) == []
    assert len(there.at_once([(z[0],), (z[1],)])) == 2


def test_a_process_that_ends_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ends.py"
    path.write_text("import os\ndef softmax(z): os._exit(7)\n")
    seen: list[int | str] = []

    def ended(how: int | str) -> NoReturn:
        seen.append(how)
        raise TargetFault("ended")

    found = served.implementation(str(path), start(str(path)), ended)
    with pytest.raises(TargetFault, match="ended"):
        subject(found, "softmax").results(np.zeros((1, 2, 2)))
    assert seen == [7]
    found.softmax.close()


def test_a_target_that_is_none_is_told() -> None:
    with pytest.raises(TargetError, match="no module named 'no_such_thing'"):
        served.implementation("no_such_thing", start("no_such_thing"), never)


def test_every_line_of_a_check_is_in_the_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: dict[str, list[str]] = {"judge of Python": [], "server of Python": []}

    class Noted(Server):
        def say(self, line: bytes) -> None:
            lines["judge of Python"].append(line.decode().rstrip("\n"))
            super().say(line)

        def hear(self) -> bytes:
            answer = super().hear()
            lines["server of Python"].append(answer.decode().rstrip("\n"))
            return answer

    monkeypatch.setattr(served, "Server", Noted)
    target = targets.served("reference", start("reference"), never)
    operations = ("softmax", "gradient_descent", "sample_integer", "coarse_to_fine", "panda", "refine")
    selection = Selection(operations, dtypes=("float32", "float64"), profile="quick")
    for task in planning.plan(target, selection):
        assert run(task, target, selection).outcome in (Outcome.CONFORMS, Outcome.DECLARED)
    target.imported()
    for side, said_so in lines.items():
        forms = {kind: form(side, kind) for kind in grammar()[side]}
        kinds = {line.partition(" ")[0] for line in said_so}
        assert kinds >= set(forms) - {"raised", "failed", "absent", "refused"}
        for line in said_so:
            assert forms[line.partition(" ")[0]].fullmatch(line), line[:300]
    softmax: Any = target.operations["softmax"]
    softmax.close()


FORGED: dict[str, Callable[[GuardedSubject, Any], object]] = {
    "call": lambda f, z: f.arrays(z[0]),
    "form": lambda f, z: f.form(z[0]),
    "lanes": lambda f, z: f.results(z),
    "again": lambda f, z: f.again(z, others=[z], between=[(1, 0), ()]),
    "each": lambda f, z: list(f.each([(x,) for x in z], [0, 1])),
    "forms": lambda f, z: list(f.forms([(x,) for x in z], [0, 1])),
    "refilled": lambda f, z: f.refilled(z),
    "poisoned": lambda f, z: f.poisoned(z),
    "threads": lambda f, z: f.at_once([(z[0],), (z[1],)]),
    "state": lambda f, z: f.left_changed(lambda: None),
    "written over": lambda f, z: _kept(f).written_over(),
    "shared": lambda f, z: _kept(f).shared(),
    "imports": lambda f, z: f.function.server.imported(),
}  # fmt: skip


def _kept(f: GuardedSubject) -> Any:
    with f.keeping() as kept:
        return kept


@pytest.mark.parametrize("answer", ["", "y:=1", "y:=0", "y:=9 y0=float32[9,1,2]:" + "00" * 72, "y:=[5]", "y:=1 y0:=2",
    "form:=3", "form:=[1,2]", "changed:=5", "written:=5", "written:=[null]", "shared:=[[1]]", "shared:=[[0,\"x\",1]]",
    "imported:=5", "t0_:=0 t1_:=0", "stopped:=5", "y:=0 stopped:=[\"x\",\"y\"]"])  # fmt: skip
@pytest.mark.parametrize("kind", FORGED)
def test_an_answer_that_is_none_is_the_targets_and_never_ours(kind: str, answer: str) -> None:
    """A target can write to the pipe itself, or patch what answers: no exception of ours may come of that."""

    class Ended(Exception):
        pass

    def ended(how: int | str) -> NoReturn:
        raise Ended

    class Forging(Server):
        def say(self, line: bytes) -> None:
            lines.append(" ".join(filter(None, ("done", line.split()[1].decode(), answer))).encode() + b"\n")

        def hear(self) -> bytes:
            return lines.pop(0)

    lines: list[bytes] = []

    forging = Forging(subprocess.Popen("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE), ended)
    try:
        softmax = served.Served(forging, "softmax", ["z"], served.Other("reference"))
        f = GuardedSubject(softmax, OPERATIONS["softmax"])
        with suppress(Ended, TargetFault):
            FORGED[kind](f, np.zeros((2, 1, 2), dtype=np.float32))
    finally:
        forging.close()
