"""What a target says that it cannot be given, and does not promise: laws keep to it, and the report says so."""

from types import SimpleNamespace
from typing import Any

import nnlaws_reference
import numpy as np
import pytest
from nnlaws import Outcome, check
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.token import Case
from nnlaws.chapters import LAWS, OPERATIONS
from nnlaws.cli import main
from nnlaws.harness.limits import Beyond, Limits
from nnlaws.harness.parent import LoadError
from nnlaws.harness.shapes import few_shapes
from nnlaws.rounding.formats import format_of


def quick(target: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], **more}
    return check(target, **options)


def inference(z: Any, gamma: Any, beta: Any, mean: Any, var: Any, *, eps: float) -> Any:
    assert eps == 1e-3
    return nnlaws_reference.batch_norm_inference(z, gamma, beta, mean, var, eps=eps)


def test_a_number_that_is_fixed_is_the_only_one_asked_for() -> None:
    report = quick(SimpleNamespace(batch_norm_inference=inference, fixed={"eps": 1e-3}))
    assert report.conforms, str(report)
    assert sum(r.outcome is Outcome.CONFORMS for r in report.results) > 10


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"fixed": {"epsilon": 1e-3}}, "expected options or vectors of operations: .*eps"),
        ({"targets": "indices"}, "expected 'one_hot', or nothing"),
    ],
)
def test_limits_that_no_operation_has_are_refused(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(LoadError, match=message):
        quick(SimpleNamespace(batch_norm_inference=inference, **declared))


def of(name: str) -> Operation:
    return OPERATIONS[name]


def test_limits_rule_calls_out() -> None:
    limits = Limits({"eps": 1e-5, "adam.beta1": 0.5}, "one_hot")
    assert limits.of(of("adam")).fixed == {"eps": 1e-5, "beta1": 0.5}
    assert limits.of(of("rmsprop")) == Limits({"eps": 1e-5})
    assert not limits.of(of("softmax"))
    own, y = limits.of(of("cross_entropy")), np.eye(3)
    own.check(of("cross_entropy"), (y, y), {})
    with pytest.raises(Beyond, match="takes class numbers"):
        own.check(of("cross_entropy"), (y, y / 2), {})
    with pytest.raises(Beyond, match=r"needs eps = 0.1, and the target has 1e-05 fixed"):
        limits.of(of("rmsprop")).check(of("rmsprop"), (), {"eps": 0.1})


def test_a_number_may_be_refused_at_either_end() -> None:
    limits = Limits(positive=("eps", "adam.beta1"), below_one=("exponential_decay.rate",))
    limits.of(of("inverse_time_decay")).check(of("inverse_time_decay"), (), {"rate": 1.0})
    for name, options in (("exponential_decay", {"rate": 1.0}), ("adam", {"beta1": 0.0, "eps": 1.0})):
        limits.of(of(name)).check(of(name), (), dict.fromkeys(options, 0.5))
        with pytest.raises(Beyond, match="and the target refuses that"):
            limits.of(of(name)).check(of(name), (), options)
    assert limits.told() == (
        "judged without eps and adam.beta1 of 0, which it refuses",
        "judged without exponential_decay.rate of 1, which it refuses",
    )


def test_one_rate_for_all_steps_rules_out_a_rate_that_changes() -> None:
    limits = Limits(constant_rate=True)
    assert limits.told() == ("judged with one learning rate for all steps",)
    assert not limits.of(of("exponential_decay")).constant_rate
    for rate in (0.5, (0.5, 0.5)):
        limits.of(of("adam")).check(of("adam"), (), {"learning_rate": rate})
    with pytest.raises(Beyond, match="the target has one for all steps"):
        limits.of(of("adam")).check(of("adam"), (), {"learning_rate": (0.5, 0.25)})


def test_laws_of_value_draw_one_rate_where_that_is_all_there_is() -> None:
    law, case = next(law for law in LAWS if law.id == "adam.at_size"), Case(310, 4, "changing", 0, 0)
    limited = Limits(constant_rate=True).of(law.operation).law(law)
    rates = [law.build(case, format_of(np.dtype("float32"))).options["learning_rate"] for law in (law, limited)]
    assert len({*rates[0]}) > 1
    assert rates[1] == rates[0][:1] * len(rates[0])


def adam(theta: Any, grads: Any, *, learning_rate: Any, beta1: float, beta2: float, eps: float) -> Any:
    assert (beta1, beta2, eps) == (0.9, 0.99, 1e-8)
    return nnlaws_reference.adam(theta, grads, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps)


def scale(u: Any, *, low: float, high: float) -> Any:
    assert (low, high) == (1e-4, 1.0)
    return nnlaws_reference.log_uniform_map(u, low=low, high=high)


def decayed(epoch: Any, *, initial: float, rate: float) -> Any:
    assert rate == 0.5
    return nnlaws_reference.exponential_decay(epoch, initial=initial, rate=rate)


def train(z: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
    assert eps == 1e-5
    return nnlaws_reference.batch_norm_train(z, gamma, beta, eps=eps)


def plain(z: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
    """Without γ and β, as a layer has it that is made with affine=False."""
    assert (gamma == 1).all()
    assert (beta == 0).all()
    mean, var = z.mean(0), z.var(0)
    return ((z - mean) / np.sqrt(var + eps)).astype(z.dtype), mean, var


NUMBERS = {
    "adam": (adam, {"beta1": 0.9, "adam.beta2": 0.99, "eps": 1e-8}),
    "log_uniform_map": (scale, {"low": 1e-4, "high": 1.0}),
    "exponential_decay": (decayed, {"rate": 0.5}),
    "batch_norm_train": (train, {"eps": 1e-5}),
    "batch_norm_train without scale and shift": (plain, {"gamma": 1.0, "batch_norm_train.beta": 0.0}),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_laws_are_made_for_the_numbers_that_are_fixed(name: str) -> None:
    """Also what goes with them: the γ that undoes batch norm, and what lies between low and high."""
    function, fixed = NUMBERS[name]
    name = name.partition(" ")[0]
    report = quick(SimpleNamespace(**{name: function}, fixed=fixed), operations=[name])
    assert report.conforms, str(report)
    outcomes = [result.outcome for result in report.results]
    assert outcomes.count(Outcome.CONFORMS) > 0.6 * len(outcomes), str(report)
    assert report.declares[0].startswith("judged with "), report.declares
    assert report.declares[0] in " ".join(str(report).split())


FIXED = """
import nnlaws_reference

def rmsprop(theta, grads, *, learning_rate, beta, eps):
    return nnlaws_reference.rmsprop(theta, grads, learning_rate=learning_rate, beta=0.9, eps=eps)
"""


def test_what_is_fixed_may_be_said_of_any_target(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FIXED, encoding="utf-8")
    options = ["--operation", "rmsprop", "--profile", "quick", "--dtype", "float32"]
    assert main(["check", str(path), *options]) == 1
    assert main(["check", str(path), "--fixed", "rmsprop.beta=0.9", *options]) == 0
    assert "judged with rmsprop.beta = 0.9 alone, which is fixed" in capsys.readouterr().out
    assert main(["check", str(path), "--fixed", "beta=much", *options]) == 3
    assert "declares beta = 'much' fixed; expected a number" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["check", str(path), "--fixed", "beta"])
    assert "expected NAME=VALUE, as in eps=1e-5 or adam.eps=1e-8, got 'beta'" in capsys.readouterr().err
    assert main(["check", "command:cat", "--fixed", "beta=0.9"]) == 2
    assert "a client says of itself what it is, in its hello" in capsys.readouterr().err


def test_a_number_of_features_may_be_fixed_where_batches_are_several() -> None:
    """Of batches (T, m, n) a case has m and n."""
    target = SimpleNamespace(batch_norm_running=nnlaws_reference.batch_norm_running, fixed={"n": 3})
    report = quick(target, laws=["batch_norm_running.value", "batch_norm_running.one_sample"])
    assert [result.outcome for result in report.results] == [Outcome.CONFORMS] * 2


def unordered(z: Any) -> Any:
    """A softmax whose sums come in another order each time, as with atomic additions."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    order = np.random.default_rng().permutation(z.shape[-1])
    total = np.zeros_like(e[:, :1])
    for column in order:
        total += e[:, column : column + 1]
    return e / total


def drifting(z: Any) -> Any:
    """What no order of additions explains."""
    return nnlaws_reference.softmax(z) * np.float32(1 + np.random.default_rng().random() * 1e-3)


def test_another_order_each_time_may_be_declared() -> None:
    (undeclared,) = quick(SimpleNamespace(softmax=unordered), laws=["CT-3"], operations=["softmax"]).results
    assert undeclared.outcome is Outcome.VIOLATES
    report = quick(SimpleNamespace(softmax=unordered, deterministic=False), operations=["softmax"])
    assert report.conforms, str(report)
    assert "not deterministic" in str(report)
    (other,) = quick(
        SimpleNamespace(softmax=drifting, deterministic=False), laws=["CT-3"], operations=["softmax"]
    ).results
    assert other.outcome is Outcome.VIOLATES
    assert other.violation is not None


def test_few_shapes_are_few() -> None:
    seen: set[tuple[int, ...]] = set()

    def softmax(z: Any) -> Any:
        seen.add(z.shape)
        return nnlaws_reference.softmax(z)

    laws = ["softmax.value", "SM-2", "SM-4", "CT-1", "CT-8"]
    quick(SimpleNamespace(softmax=softmax), laws=laws)
    many = len(seen)
    seen.clear()
    report = quick(SimpleNamespace(softmax=softmax), laws=laws, shapes="few")
    assert report.conforms
    assert report.profile == "quick, few shapes"
    assert len(seen) <= 10 < many


@pytest.mark.parametrize("law", [law for law in LAWS if law.cases and law.boundary], ids=lambda law: law.id)
def test_few_shapes_leave_out_no_options(law: Law) -> None:
    """A β of 0.99999 is tried whatever the shapes are."""
    format = format_of(np.dtype(np.float32))
    few = few_shapes(law)
    assert law.boundary
    assert few.boundary
    tried = list(few.boundary(format, law.m, law.columns))
    everything = list(law.boundary(format, law.m, law.columns))
    assert {(case.family, case.k, case.settings) for case in tried} == {
        (case.family, case.k, case.settings) for case in everything
    }
    assert set(tried) <= set(everything)
    assert len({(case.m, case.columns) for case in tried}) <= max(8, len({case.settings for case in everything}))
