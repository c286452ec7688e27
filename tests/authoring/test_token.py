"""Tokens: what is written is what is read again, and what is no token is refused in one line that says what one is."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nnlaws.authoring.errors import UsageError
from nnlaws.authoring.token import Case, Token
from nnlaws.harness.heartbeat import Heartbeat
from nnlaws_server.pulse import SIZE

CASES = st.builds(
    Case,
    m=st.integers(1, 100),
    columns=st.integers(1, 100),
    family=st.sampled_from(("constant", "one_hot", "A1")),
    k=st.integers(-2000, 2000),
    seed=st.integers(0, 2**60),
    overlays=st.lists(
        st.tuples(st.integers(0, 10**6), st.floats(allow_nan=False)), max_size=4
    ).map(tuple),
    settings=st.lists(
        st.tuples(st.sampled_from(("eps", "beta1", "save_at")), st.floats(allow_nan=False)), max_size=2
    ).map(tuple),
)  # fmt: skip
TOKENS = st.builds(
    Token,
    law=st.sampled_from(("softmax.value", "adam.no_future")),
    dtype=st.sampled_from(("float32", "bfloat16")),
    case=CASES,
    target=st.sampled_from(("scipy", "a/b/c.py", "it's $HOME.py", "module:object", "a,1,@2=3/x")),
)


@given(CASES)
def test_a_case_is_read_as_it_was_written(case: Case) -> None:
    assert Case.parse(str(case)) == case


@given(TOKENS)
def test_a_token_is_read_as_it_was_written(token: Token) -> None:
    assert Token.parse(str(token)) == token


@given(TOKENS, st.integers(0, 20))
def test_the_token_of_a_lane_has_as_much_more_for_its_seed(token: Token, lane: int) -> None:
    assert token.lane(lane).case.seed == token.case.seed + lane
    assert str(token.lane(0)) == str(token)


@pytest.mark.parametrize("text", ["", "softmax.value", "a/b/c", "softmax.value/float32/no case/scipy"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a case; expected (law/dtype/case/target|MxC,FAMILY,K,SEED)"):
        Token.parse(text)


@given(TOKENS, st.integers(0, 20))
def test_the_heartbeat_names_the_array_of_the_running_call(token: Token, lane: int) -> None:
    with beating() as heartbeat:
        assert heartbeat.token == ""
        heartbeat.about(str(token))
        heartbeat.begin(lane)
        assert heartbeat.token == str(token.lane(lane))


@given(TOKENS, st.lists(CASES, min_size=1, max_size=5))
def test_of_a_batch_of_cases_unlike_each_other_it_names_the_one_that_runs(token: Token, others: list[Case]) -> None:
    with beating() as heartbeat:
        heartbeat.about("\n".join(map(str, (token, *others))))
        for lane, case in enumerate((token.case, *others)):
            heartbeat.begin(lane)
            assert heartbeat.token == str(replace(token, case=case))


@contextmanager
def beating() -> Generator[Heartbeat]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heartbeat"
        path.write_bytes(bytes(SIZE))
        heartbeat = Heartbeat(path)
        yield heartbeat
        heartbeat.close()


def test_a_token_too_long_to_be_noted_is_given_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    path.write_bytes(bytes(SIZE))
    heartbeat = Heartbeat(path)
    heartbeat.about("x" * 2 * SIZE)
    assert set(heartbeat.token) == {"x"}
    heartbeat.close()
