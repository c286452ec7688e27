"""What is judged as it is: functions of NumPy's arrays, recognised; conventions that are found."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import nnlaws_reference
import numpy as np
import pytest
from nnlaws import Outcome, check, reports
from nnlaws.cli import main
from nnlaws.harness.parent import LoadError
from nnlaws_server.errors import TargetError
from nnlaws_server.loading import named

FILE = """
import numpy as np

def soft(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

def unshifted(x, temperature=1.0):
    e = np.exp(x / temperature)
    return e / e.sum(axis=-1, keepdims=True)

def log_soft(x):
    z = x - x.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))

def by_number(target, logits):
    return -log_soft(logits.astype(np.float64))[np.arange(len(target)), target].mean().astype(logits.dtype)

def both(z, y):
    if y.ndim == 1:
        y = np.eye(z.shape[1])[y]
    return -(y * log_soft(z.astype(np.float64))).sum(axis=-1).mean().astype(z.dtype)

def of_probabilities(y_true, y_pred):
    if (y_pred < 0).any():
        raise ValueError("probabilities are not negative")
    return float(-(np.eye(y_pred.shape[1])[y_true] * np.log(y_pred)).sum(axis=-1).mean())

def of_logarithms(log_p, y):
    return -(y * log_p).sum(axis=-1).mean()

def of_one_shape(z):
    if z.shape != (4, 3):
        raise ValueError("made for (4, 3)")
    return soft(z, -1)

def tanh(x):
    return np.tanh(x)

class Thing:
    pass
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], **more}
    return check(target, **options)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("torch.nn:BatchNorm1d", ("torch.nn:BatchNorm1d", {}, {}, {})),
        ("a:B x=1 y=True z=abc", ("a:B", {"x": 1, "y": True, "z": "abc"}, {}, {})),
        ("a:B b=(0.9,0.5) --input 4d --as norm", ("a:B", {"b": (0.9, 0.5)}, {"input": "4d", "as": "norm"}, {})),
        ("my.py --fixed eps=1e-5 --fixed adam.beta1=0.9", ("my.py", {}, {}, {"eps": 1e-5, "adam.beta1": 0.9})),
        ("my file.py", ("my file.py", {}, {}, {})),
        ("'my file.py:F' x='a b'", ("my file.py:F", {"x": "a b"}, {}, {})),
        ("it's.py", ("it's.py", {}, {}, {})),
        ("command:./client --fixed eps --as x=1", ("command:./client --fixed eps --as x=1", {}, {}, {})),
    ],
)
def test_a_target_is_a_name_keywords_and_settings(text: str, parts: tuple[Any, ...]) -> None:
    assert tuple(named(text)) == parts


def test_what_follows_a_target_is_name_and_value() -> None:
    with pytest.raises(TargetError, match="expected NAME=VALUE after the target, got 'y'"):
        named("a:B x=1 y")


def test_a_function_by_rows_is_taken_for_what_it_gives(file: str) -> None:
    report = quick(f"{file}:soft", laws=["SM-1", "SM-6"])
    assert report.offered == ("softmax",)
    assert report.recognised == ("taken for softmax by rows, called as f(z, axis=-1)",)
    assert report.conforms
    assert "taken for softmax by rows, called as f(z, axis=-1)" in str(report)
    assert quick(f"{file}:log_soft", laws=["log_softmax.value"]).offered == ("log_softmax",)


def test_the_report_is_as_its_schema_says_and_has_the_files_digest(file: str) -> None:
    schema = json.loads((Path(reports.__file__).parent / "report.schema.json").read_text("utf-8"))
    report = quick(f"{file}:unshifted temperature=1.0", laws=["CT-1"])
    jsonschema.validate(json.loads(json.dumps(report.as_json(), allow_nan=False)), schema)
    assert report.provenance["digest"] == hashlib.sha256(Path(file).read_bytes()).hexdigest()


def test_an_object_is_recognised_too() -> None:
    from scipy import special

    report = quick(special.softmax, laws=["CT-1"])
    assert report.recognised == ("taken for softmax by rows, called as f(z, axis=-1)",)
    assert quick(special, laws=["CT-1"]).offered == ("softmax", "log_softmax")


def test_a_client_may_have_words_like_settings(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="command:"):
        quick(f"command:{tmp_path}/none --input x=1 y")


def test_a_mistake_in_it_is_found_and_the_replay_finds_it_again(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = quick(f"{file}:unshifted temperature=1.0", laws=["SM-1", "SM-6"])
    (broken,) = {result.clause for result in report.results if result.outcome is Outcome.VIOLATES} & {"SM-6"}
    violation = next(result for result in report.results if result.broken and result.clause == broken)
    assert violation.violation.cause.name == "softmax.unshifted"
    assert main(["replay", violation.replay]) == 1
    assert "SM-6" in capsys.readouterr().out


def test_a_loss_of_class_numbers_is_judged_on_one_hot_targets_alone(file: str) -> None:
    report = quick(f"{file}:by_number", laws=["SM-12", "SM-13", "SM-14", "SM-15", "SM-16", "CT-1"])
    assert report.recognised == (
        "taken for cross entropy of logits and class numbers, the mean over samples, called as f(target=y, logits=z)",
    )
    assert report.conforms
    assert sum(r.outcome is Outcome.CONFORMS for r in report.results) > 5


def test_a_loss_of_either_kind_of_target(file: str) -> None:
    report = quick(f"{file}:both", laws=["SM-12", "SM-19"])
    assert "of logits and class numbers or probabilities, the mean" in report.recognised[0]
    broken = {result.clause for result in report.results if result.broken}
    assert broken <= {"SM-19"}, "0 · ∞"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (":tanh", r"tanh is not recognised: the rows of f\(z\) sum to .*Say what it is with --as, or start from"),
        (":of_probabilities", "it is the cross entropy of probabilities, not of logits: judge a function of logits"),
        (":of_logarithms", "it is the cross entropy of logarithms of probabilities, not of logits"),
        (":of_one_shape", r"takes logits of shape \(4, 3\), and of \(2, 5\) it raised ValueError: made for \(4, 3\)"),
        (":Thing", "offers no operation"),
        (":soft axis=-1 --as nothing", "is not recognised"),
        (":nowhere", "has no attribute 'nowhere'"),
    ],
)
def test_what_is_not_recognised_is_told_why(file: str, name: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        quick(file + name)


def test_the_command_takes_keywords_after_the_target(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{file}:unshifted", "temperature=1.0", "--law", "softmax.value", "--profile", "quick"]) == 0
    assert "taken for softmax by rows, called as f(z)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["check", f"{file}:unshifted", "temperature"])
    assert "expected NAME=VALUE after the target, got 'temperature'" in capsys.readouterr().err


def heavy_ball(theta: Any, grads: Any, *, learning_rate: Any, beta: float) -> Any:
    """v = β v + g: a convention that nothing here declares."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    v, out, x = np.zeros(theta.shape), np.empty_like(grads), theta.astype(np.float64)
    for t, (g, rate) in enumerate(zip(grads, rates, strict=True)):
        v = beta * v + g
        x = x - rate * v
        out[t] = x
    return out


def recognised(**more: Any) -> Any:
    return SimpleNamespace(recognised=("taken for an optimizer",), **more)


def test_conventions_are_found_and_told() -> None:
    report = quick(recognised(momentum=heavy_ball))
    assert report.recognised == ("taken for an optimizer", "momentum judged as velocity = heavy_ball")
    assert report.conforms
    assert "conforms, judged as found (velocity = heavy_ball)" in re.sub(r"\s+", " ", str(report))


def test_a_mistake_is_no_convention() -> None:
    def doubled_at_last(theta: Any, grads: Any, **options: Any) -> Any:
        out = heavy_ball(theta, grads, **options)
        out[60:] *= 1.001
        return out

    report = quick(recognised(momentum=doubled_at_last, insisted=True))
    assert report.recognised[1:] == ("momentum judged as velocity = heavy_ball",)
    assert not report.conforms


def signs(theta: Any, grads: Any, *, learning_rate: Any, beta: float) -> Any:
    """Something else with the same arguments."""
    rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
    steps = np.sign(grads.astype(np.float64)) * np.asarray(rates)[:, None]
    return (theta - np.cumsum(steps, axis=0)).astype(grads.dtype)


def test_what_moves_otherwise_is_not_judged_unless_one_insists() -> None:
    with pytest.raises(LoadError, match="not judged as momentum: it has its arguments, and does something else"):
        quick(recognised(momentum=signs))
    report = quick(recognised(momentum=signs, insisted=True), laws=["OP-8"])
    assert report.offered == ("momentum",)
    assert not report.conforms


def test_functions_named_as_operations_are_called_as_they_are() -> None:
    right: Callable[..., Any] = nnlaws_reference.softmax
    report = quick(SimpleNamespace(softmax=right), laws=["softmax.value"])
    assert report.recognised == ()
    assert "recognised" not in report.as_json()
