"""One result of one's own, at its own shape: judged, explained, and given bounds for other harnesses."""

from pathlib import Path
from typing import Any

import ml_dtypes
import nnlaws
import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws.authoring.errors import UsageError
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.cli import main
from nnlaws.judgement import BLOCK
from nnlaws_reference.dtypes import DTYPES

RANDOM = np.random.default_rng(5)
OPTIONS: dict[str, Any] = {
    "eps": 1e-3, "decay": 0.9, "beta": 0.9, "bias_correction": True, "learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99,
    "weight_decay": 0.01, "initial": 0.2, "rate": 0.95, "every": 4.0, "factor": 0.5, "low": 0.9, "high": 0.999,
    "start": 0.5, "end": 0.1, "peak": 0.5, "warmup": 2.0, "steps": 10.0, "power": 2.0, "timescale": 10.0,
    "dampening": 0.5, "initial_accumulator": 0.1, "momentum_decay": 0.004,
    "period": 4.0, "stretch": 2.0, "shrink": 0.5, "up": 2.0, "down": 2.0, "stable": 3.0,
}  # fmt: skip
SIZES = {"m": 37, "C": 11, "n": 5, "T": 4, "k": 3}
ARRAYS = [name for name, operation in OPERATIONS.items() if operation.arrays]


def arguments(name: str, dtype: Any) -> list[np.ndarray]:
    """Such as the operation takes: probabilities, variances, epochs, steps, and points of a box are what they are."""
    found = []
    for label, dims in OPERATIONS[name].arguments.items():
        x = RANDOM.standard_normal([SIZES[dim] for dim in dims])
        if label == "y":
            x = np.eye(SIZES["C"])[RANDOM.integers(0, SIZES["C"], SIZES["m"])]
        if label in ("var", "epoch", "step"):
            x = np.floor(10 * np.abs(x))
        if label == "u":
            x = RANDOM.random(x.shape)
        if label == "x" and "low" in OPERATIONS[name].options:
            x = RANDOM.uniform(0.91, 0.99, x.shape)
        whole = label in OPERATIONS[name].integers
        found.append(RANDOM.integers(0, SIZES["C"], x.shape) if whole else x.astype(dtype))
    return found


def computed(name: str, given: list[np.ndarray]) -> Any:
    return getattr(reference, name)(*given, **options(name))


def options(name: str) -> dict[str, Any]:
    return {each: OPTIONS[each] for each in OPERATIONS[name].options}


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ARRAYS)
def test_a_right_result_conforms_and_a_wrong_one_does_not(name: str, dtype: str) -> None:
    given = arguments(name, DTYPES[dtype])
    right = computed(name, given)
    found = nnlaws.judge(name, *given, result=right, **options(name))
    assert found.conforms, str(found)
    assert found.ratio <= 1
    assert str(found).startswith(f"{name} {dtype} conforms: of {found.entries} entries the worst is {found.got}")
    results = list(right) if isinstance(right, tuple) else [right]
    for place, (label, clause) in enumerate(clauses(name).items()):
        wrong = [np.array(x) for x in results]
        flat = wrong[place].reshape(-1)
        flat[-1] = flat[-1] * 2 + 1
        result = tuple(wrong) if isinstance(right, tuple) else wrong[0].reshape(np.shape(right))
        found = nnlaws.judge(name, *given, result=result, **options(name))
        assert not found.conforms
        assert found.law.clause == clause
        assert found.law.violation is not None
        at = [int(each) - 1 for each in np.shape(results[place])]
        assert found.place == (label if len(results) > 1 else "") + (str(at) if at else "")
        assert str(found).startswith(f"VIOLATES  {clause}  {name}  {dtype}\n")


def clauses(name: str) -> dict[str, str]:
    operation = OPERATIONS[name]
    first = next(each.clause for each in LAWS if each.operation is operation and each.kind == "value")
    return {result: operation.clauses.get(result, first) for result in operation.results}


@pytest.mark.parametrize("name", ARRAYS)
def test_several_results_have_a_clause_each(name: str) -> None:
    operation = OPERATIONS[name]
    assert set(operation.clauses) == (set(operation.results) if len(operation.results) > 1 else set())


@pytest.mark.parametrize("shape", [(3, BLOCK // 2), (BLOCK // 16, 33), (1, 1), (0, 4)])
def test_of_any_size_each_entry_is_judged(shape: tuple[int, int]) -> None:
    z = RANDOM.standard_normal(shape).astype(np.float32)
    right = reference.softmax(z)
    assert nnlaws.judge("softmax", z, result=right).conforms
    if not z.size:
        return
    for place in [(0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, 0)]:
        wrong = right.copy()
        wrong[place] = 2
        found = nnlaws.judge("softmax", z, result=wrong)
        assert not found.conforms
        assert found.place == str(list(place))


def test_features_are_looked_at_a_few_at_a_time() -> None:
    z = (3 + RANDOM.standard_normal((BLOCK // 2, 5))).astype(np.float32)
    gamma, beta = np.ones(5, np.float32), np.zeros(5, np.float32)
    out, mean, var = reference.batch_norm_train(z, gamma, beta, eps=1e-5)
    assert nnlaws.judge("batch_norm_train", z, gamma, beta, result=(out, mean, var), eps=1e-5).conforms
    mean[4] += 0.5
    found = nnlaws.judge("batch_norm_train", z, gamma, beta, result=(None, mean, var), eps=1e-5)
    assert (found.place, found.law.clause) == ("mean[4]", "BN-1")


def test_what_is_allowed_is_what_it_is_judged_by() -> None:
    z = RANDOM.standard_normal((BLOCK // 64, 100)).astype(np.float32)
    allowed = nnlaws.allowed("softmax", z)
    assert isinstance(allowed, nnlaws.Allowed)
    right = reference.softmax(z).astype(float)
    assert (np.abs((right - allowed.exact) - allowed.rest) <= allowed.error).all()
    edge = (allowed.exact + allowed.error * np.where(RANDOM.random(z.shape) < 0.5, 1, -1)).astype(np.float32)
    used = np.abs((edge - allowed.exact) - allowed.rest) / allowed.error
    assert nnlaws.judge("softmax", z, result=edge).ratio == pytest.approx(used.max(), rel=1e-9)
    several = nnlaws.allowed("batch_norm_train", z, z[0], z[1], eps=1e-5)
    assert isinstance(several, tuple)
    assert [(each.result, each.error.shape) for each in several] == [
        ("out", z.shape),
        ("mean", (100,)),
        ("var", (100,)),
    ]


def test_the_cause_is_named() -> None:
    z = RANDOM.standard_normal((40, 30)).astype(np.float32)
    over_the_batch = reference.softmax(z.T.copy()).T
    found = nnlaws.judge("softmax", z, result=over_the_batch)
    assert found.law.violation is not None
    assert found.law.violation.cause is not None
    assert found.law.violation.cause.name == "softmax.over_the_batch"
    assert "axis=-1" in found.law.violation.fix


def test_a_convention_that_explains_it_is_proposed_and_can_be_declared() -> None:
    given = arguments("momentum", np.float64)
    velocity, theta, iterates = np.zeros(5), given[0], []
    for g in given[1]:
        velocity = 0.9 * velocity + g
        theta = theta - 0.1 * velocity
        iterates.append(theta)
    result, asked = np.array(iterates), options("momentum")
    found = nnlaws.judge("momentum", *given, result=result, **asked)
    assert found.law.violation is not None
    assert found.law.violation.cause is not None
    assert found.law.violation.cause.name == "velocity = heavy_ball"
    declared = nnlaws.judge("momentum", *given, result=result, conventions={"velocity": "heavy_ball"}, **asked)
    assert declared.law.outcome is nnlaws.Outcome.DECLARED


def test_of_several_conventions_the_tightest_is_proposed() -> None:
    """LSE step by step allows more here than logits that are scaled first, and stands before that in the chapter."""
    z = np.array([[4.5, 0, 9, 18, 13.5]], np.float32)
    result = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    assert nnlaws.judge("softmax", z, result=result, conventions={"normalisation": "logaddexp"}).conforms
    found = nnlaws.judge("softmax", z, result=result)
    assert found.law.violation is not None
    assert found.law.violation.cause is not None
    assert found.law.violation.cause.name == "exponential = scaled_first"


def test_a_convention_that_is_not_defined_there_is_none() -> None:
    """A constant feature with ε outside of the root is 0/0, for ε = 0."""
    z, one = np.ones((4, 2)), np.ones(2)
    out, mean, var = reference.batch_norm_train(z, one, one, eps=1e-3)
    found = nnlaws.judge("batch_norm_train", z, one, one, result=(out + 1, mean, var), eps=1e-3)
    assert not found.conforms


def test_where_nothing_is_promised_nan_will_do() -> None:
    z = np.array([[3e38, -3e38], [3e38, 3e38]], np.float32)
    one = np.ones(2, np.float32)
    nothing = np.full(2, np.nan, np.float32)
    allowed = nnlaws.allowed("batch_norm_train", z, one, one, eps=1e-3)
    assert isinstance(allowed, tuple)
    assert np.isinf(allowed[0].error).all()
    result = (np.full((2, 2), np.nan, np.float32), nothing, nothing)
    assert nnlaws.judge("batch_norm_train", z, one, one, result=result, eps=1e-3).conforms


Z = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("soft_max", Z, Z, {}), "unknown operation 'soft_max'; expected one of softmax, "),
        (("sample_uniform", Z, Z, {}), "unknown operation 'sample_uniform'"),
        (("cross_entropy", Z, Z, {}), "cross_entropy takes z, y; got 1 arrays"),
        (("softmax", Z, Z, {"axis": 1}), "softmax takes no options; got axis"),
        (("softmax", Z[0], Z[0], {}), r"z is of shape \(3,\); expected \(m, C\)"),
        (("softmax", Z.astype(int), Z, {}), "z is of int64; expected all arguments to be of one of float16, "),
        (("softmax", Z, Z[1:], {}), r"a is float32 of shape \(1, 3\); expected float32 of shape \(2, 3\)"),
        (("softmax", Z, Z.astype(float), {}), "a is float64 of shape"),
        (("softmax", Z, None, {}), "expected a result of softmax, got None"),
        (("softmax", Z, Z, {"conventions": {"variance": "one_pass"}}), "softmax has no convention variance = one_pass"),
    ],
)
def test_bad_input_is_told(given: tuple[str, Any, Any, dict[str, Any]], told: str) -> None:
    name, z, result, more = given
    with pytest.raises(UsageError, match=told):
        nnlaws.judge(name, z, result=result, **more)


def test_several_results_come_as_a_tuple() -> None:
    with pytest.raises(UsageError, match=r"batch_norm_train returns a tuple \(out, mean, var\); got a ndarray"):
        nnlaws.judge("batch_norm_train", Z, Z[0], Z[0], result=Z, eps=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_file_is_judged(tmp_path: Path, dtype: str, capsys: pytest.CaptureFixture[str]) -> None:
    z = RANDOM.standard_normal((4, 9)).astype(DTYPES[dtype])
    path = tmp_path / "one.npz"
    np.savez(path, operation="softmax", z=z, result=reference.softmax(z))
    assert main(["judge", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"softmax {dtype} conforms: of 36 entries")
    np.savez(path, operation="softmax", z=z, a=np.zeros(z.shape, z.dtype))
    assert main(["judge", str(path)]) == 1
    assert capsys.readouterr().out.startswith(f"VIOLATES  SM-1  softmax  {dtype}\n")


def test_a_file_has_options_and_conventions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    z, one = (1e3 + RANDOM.standard_normal((50, 2))).astype(np.float32), np.ones(2, np.float32)
    mean = z.mean(axis=0)
    var = np.maximum((z * z).mean(axis=0) - mean * mean, 0)
    path = tmp_path / "one.npz"
    np.savez(path, operation="batch_norm_train", z=z, gamma=one, beta=one, eps=1e-3, mean=mean, var=var)
    assert main(["judge", str(path)]) == 1
    assert "BN-2" in capsys.readouterr().out
    assert main(["judge", str(path), "--convention", "variance=one_pass"]) == 0
    assert "conforms as declared" in capsys.readouterr().out
    assert main(["judge", str(path), "--convention", "variance"]) == 2
    assert "expected conventions as in variance=one_pass, got 'variance'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"z": Z}, "has z; expected an entry 'operation'"),
        ({"operation": "softmax"}, "has no z; softmax takes z"),
        ({"operation": "softmax", "z": Z}, "has no result; expected result or a"),
        ({"operation": "softmax", "z": Z, "result": Z, "axis": 1}, "softmax takes no options; got axis"),
    ],
)
def test_a_file_that_is_none_is_told(
    tmp_path: Path, entries: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.npz"
    np.savez(path, **entries)
    assert main(["judge", str(path)]) == 2
    assert told in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(tmp_path / "none.npz")]) == 2
    assert "cannot be read as a .npz file: No such file" in capsys.readouterr().err
    (tmp_path / "text.npz").write_text("no archive")
    assert main(["judge", str(tmp_path / "text.npz")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    np.save(tmp_path / "array.npy", Z)
    assert main(["judge", str(tmp_path / "array.npy")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    np.savez(tmp_path / "objects.npz", operation="softmax", z=np.array([None]), result=Z)
    assert main(["judge", str(tmp_path / "objects.npz")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_bfloat16_arrays_are_not_mistaken(tmp_path: Path) -> None:
    z = RANDOM.standard_normal((4, 9)).astype(ml_dtypes.bfloat16)
    np.savez(tmp_path / "x.npz", z=z)
    with np.load(tmp_path / "x.npz") as file:
        assert file["z"].dtype == np.dtype("V2")
