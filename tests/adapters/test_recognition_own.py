"""Layers, optimizers and losses as people write them: what is right conforms, and what is wrong is not passed over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nnlaws import Outcome, check
from nnlaws.harness.parent import LoadError

LAYERS = """
import torch
from torch import nn

class Layer(nn.Module):
    "A batch norm: biased variance, momentum the weight of the new; its buffers are assigned anew, as tutorials do."

    def __init__(self, n, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))

    def average(self, mean, var):
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.detach()
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var.detach()

    def normalised(self, x, mean, var):
        return (x - mean) / torch.sqrt(var + self.eps)

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            self.average(mean, var)
        return self.weight * self.normalised(x, mean, var) + self.bias

class Counting(Layer):
    "The first batch starts the averages; the counter is no buffer."
    def __init__(self, n, eps=1e-5, momentum=0.1):
        super().__init__(n, eps, momentum)
        self.seen = []

    def average(self, mean, var):
        if self.seen:
            return super().average(mean, var)
        self.running_mean, self.running_var = mean.detach(), var.detach()
        self.seen.append(1)

class Usual(Layer):
    "The usual subclass, whose numbers are no parameters."
    def __init__(self, n):
        super().__init__(n, eps=1e-3, momentum=0.01)

class Literal(Usual):
    "Numbers as literals, in the forward pass."
    def __init__(self, n):
        super().__init__(n)
        del self.eps, self.momentum

    def average(self, mean, var):
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean.detach()
        self.running_var = 0.9 * self.running_var + 0.1 * var.detach()

    def normalised(self, x, mean, var):
        return (x - mean) / torch.sqrt(var + 1e-3)

class OffByOne(Usual):
    "Wrong: not in evaluation, and nothing can be set."
    def normalised(self, x, mean, var):
        return super().normalised(x, mean, var) + (1.0 if self.training else 0.0)

class TwoEpsilons(Layer):
    "Wrong: outside the root in training, inside at inference."
    def normalised(self, x, mean, var):
        if self.training:
            return (x - mean) / (torch.sqrt(var.clamp_min(1e-30)) + self.eps)
        return super().normalised(x, mean, var)

class Moving(Layer):
    "Wrong: inference moves the averages."
    def forward(self, x):
        out = super().forward(x)
        if not self.training:
            self.average(x.mean(0), x.var(0, unbiased=False))
        return out

class Frozen(nn.Module):
    "Nothing is learnt."
    def __init__(self, n, eps=1e-5):
        super().__init__()
        self.eps = eps
        for name in ("weight", "running_var"):
            self.register_buffer(name, torch.ones(n))
        for name in ("bias", "running_mean"):
            self.register_buffer(name, torch.zeros(n))

    def forward(self, x):
        return self.weight * (x - self.running_mean) / torch.sqrt(self.running_var + self.eps) + self.bias

class Without(Layer):
    "No ε at all."
    def __init__(self, n, momentum=0.1):
        super().__init__(n, momentum=momentum)
        del self.eps

    def normalised(self, x, mean, var):
        return (x - mean) / torch.sqrt(var)

class Renamed(nn.Module):
    "Its own names; what tells inference is that there are no gradients."
    def __init__(self, n, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.amplitude, self.offset = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.register_buffer("avg", torch.zeros(n))
        self.register_buffer("spread", torch.ones(n))

    def forward(self, x):
        mean, var = self.avg, self.spread
        if torch.is_grad_enabled():
            mean, var = x.mean(0), x.var(0, unbiased=False)
            self.avg = self.avg.lerp(mean.detach(), self.momentum)
            self.spread = self.spread.lerp(var.detach(), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.amplitude + self.offset

class ByAverages(Renamed):
    "Wrong: in training it normalises by the averages."
    def forward(self, x):
        super().forward(x)
        return (x - self.avg) / torch.sqrt(self.spread + self.eps) * self.amplitude + self.offset

class Activated(Renamed):
    "More than batch norm."
    def forward(self, x):
        return super().forward(x).relu()

smoothed = nn.CrossEntropyLoss(label_smoothing=0.1)

class Choosy(Layer):
    "It refuses batches of equal numbers, as those are that it is tried on."
    def forward(self, x):
        assert bool(x.std() > 0), "equal numbers"
        return super().forward(x)

def of_course(n):
    "What one is told to give in place of an instance."
    return nn.BatchNorm1d(n, eps=1e-3, momentum=0.01)
"""

OPTIMIZERS = """
import torch
from collections import deque
from functools import partial

class Adam(torch.optim.Optimizer):
    "Adam with decoupled decay; it refuses numbers of 0, and what it keeps is no tensor."
    sign = -1.0

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        if not (0 < betas[0] < 1 and 0 < betas[1] < 1 and eps > 0):
            raise ValueError("expected numbers above 0")
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def steps(self, parameter, state):
        state["steps"].append(1)
        return len(state["steps"])

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state.update(steps=deque(), m=torch.zeros_like(p), v=torch.zeros_like(p))
                t, (b1, b2) = self.steps(p, state), group["betas"]
                state["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                state["v"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                p.add_(p, alpha=self.sign * group["lr"] * group["weight_decay"])
                root = (state["v"] / (1 - b2**t)).sqrt() + group["eps"]
                p.addcdiv_(state["m"] / (1 - b1**t), root, value=-group["lr"])

class AdamW(Adam):
    "Wrong, in a way that is no known mistake: where nothing is left of a parameter, it does not decay."
    @torch.no_grad()
    def step(self):
        kept = [(p, p.clone()) for group in self.param_groups if group["lr"] * group["weight_decay"] == 1
                for p in group["params"]]
        super().step()
        for p, before in kept:
            p.add_(before)

class Scaled(Adam):
    "Its decay is that of a schedule: the rate squared, over the one that it was made with."
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, betas, eps, weight_decay)
        self.top = lr

    @torch.no_grad()
    def step(self):
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            group["weight_decay"] *= group["lr"] / self.top
        super().step()
        for group, decay in zip(self.param_groups, decays):
            group["weight_decay"] = decay

class AdamGrowing(Adam):
    "Wrong: the decay has the other sign."
    sign = 1.0

class Shared(Adam):
    "Wrong: all parameters count the same steps."
    count = 0

    def steps(self, parameter, state):
        self.count += 1
        return self.count

usual = partial(torch.optim.SGD, nesterov=False)
"""


Need = Callable[[str], Any]


@pytest.fixture
def judged(tmp_path: Path, need: Need) -> Callable[..., Any]:
    """The report of what a file of PyTorch has under a name."""
    need("torch")
    for name, text in (("layers", LAYERS), ("optimizers", OPTIMIZERS)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")

    def report(target: str, *laws: str, **more: Any) -> Any:
        options: dict[str, Any] = {"profile": "quick", "dtypes": ["float32"], "timeout": 60, "laws": laws, **more}
        return check(str(tmp_path / target), **options)

    return report


BATCH_NORM = ("BN-4", "BN-18", "BN-19", "BN-21", "BN-23", "CT-3")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Layer", "its momentum the weight of the new"),
        ("Counting", "batch_norm_running judged as running_average = first_batch"),
        ("Usual", "its momentum the weight of the new"),
        ("Literal", "without a momentum to set, batch_norm_train cannot be judged"),
        ("Frozen", "without gradients of γ and β, batch_norm_backward cannot be judged"),
        ("Renamed", "its momentum the weight of the new"),
    ],
)
def test_a_right_layer_conforms_however_it_is_written(judged: Callable[..., Any], name: str, told: str) -> None:
    report = judged(f"layers.py:{name}", *BATCH_NORM)
    assert report.conforms, str(report)
    assert told in "; ".join(report.recognised)


def test_numbers_that_are_written_into_a_layer_are_found_by_what_it_does(judged: Callable[..., Any]) -> None:
    report = judged("layers.py:Literal", "BN-18", "BN-21")
    assert report.declares == ("judged with eps = 0.001, batch_norm_running.decay = 0.9 alone, which is fixed",)


@pytest.mark.parametrize(
    ("name", "clause"),
    [("OffByOne", "BN-4"), ("TwoEpsilons", "BN-21"), ("Moving", "BN-21"), ("ByAverages", "BN-4")],
)
def test_a_wrong_layer_violates(judged: Callable[..., Any], name: str, clause: str) -> None:
    broken = {r.clause for r in judged(f"layers.py:{name}", *BATCH_NORM).results if r.outcome is Outcome.VIOLATES}
    assert clause in broken


def test_a_function_that_makes_a_layer_is_judged_in_training_too(judged: Callable[..., Any]) -> None:
    report = judged("layers.py:of_course --as batch_norm", "BN-1")
    assert [result.outcome for result in report.results] == [Outcome.DECLARED], str(report)


def test_a_layer_without_epsilon_is_judged_without(judged: Callable[..., Any]) -> None:
    report = judged("layers.py:Without", "BN-21")
    assert report.declares == ("judged with eps = 0.0 alone, which is fixed",)
    assert report.conforms, str(report)


def test_a_layer_that_refuses_what_it_is_tried_on_is_told_so(judged: Callable[..., Any]) -> None:
    with pytest.raises(LoadError, match="tried on a few batches, it raised AssertionError: equal numbers"):
        judged("layers.py:Choosy", "BN-21")


def test_more_than_batch_norm_is_told_so(judged: Callable[..., Any]) -> None:
    with pytest.raises(LoadError, match="there is more in it than batch norm"):
        judged("layers.py:Activated")
    with pytest.raises(LoadError, match="label_smoothing makes something else of it"):
        judged("layers.py:smoothed")
    with pytest.raises(LoadError, match="--device quantum: a tensor there raised"):
        judged("layers.py:Renamed --device quantum")


def test_instance_norm_is_no_batch_norm(need: Need) -> None:
    need("torch")
    with pytest.raises(LoadError, match="it normalises each sample by itself, as instance norm does"):
        check("torch.nn:InstanceNorm2d affine=True track_running_stats=True --as batch_norm", profile="quick")


def test_a_right_optimizer_may_refuse_numbers_and_keep_what_it_likes(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:Adam", "adam.value", "adamw.value", "OP-17", "OP-18")
    assert report.conforms, str(report)
    assert "judged without adam.beta1 and adam.beta2 and adam.eps" in report.declares[0]
    assert "the law needs beta1 = 0, and the target refuses that" in {r.reason for r in report.results}


def test_a_known_mistake_is_judged_and_not_taken_for_another_algorithm(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:AdamGrowing", "adamw.value", "adam.value")
    (broken,) = [result for result in report.results if result.broken]
    assert broken.violation.cause.name == "adamw.decay_added"


def test_what_is_called_as_the_algorithm_is_judged_whatever_it_does(judged: Callable[..., Any]) -> None:
    """In one step of these three it is far off, and else right: that is a fault, and no other algorithm."""
    report = judged("optimizers.py:AdamW", "adamw.value", "adamw.changing_rate_value")
    assert [result.law for result in report.results if result.outcome is Outcome.VIOLATES] == [
        "adamw.changing_rate_value"
    ]


def test_a_decay_that_is_scaled_by_the_rate_at_first_is_found(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:Scaled", "adamw.value")
    assert "adamw judged as decoupling = rate_squared" in report.recognised
    assert report.conforms


def test_parameters_are_several_and_of_several_shapes(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:Shared --as adam", "adam.value")
    assert report.exit_code == 1


def test_what_makes_an_optimizer_is_one(judged: Callable[..., Any]) -> None:
    report = judged("optimizers.py:usual", "momentum.value", "gradient_descent.value")
    assert set(report.offered) == {"momentum", "gradient_descent", "sgd"}
    assert report.conforms


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("torch.optim:Adamax", "does something else, off by .* % under the nearest conventions"),
        ("torch.optim:Adam maximize=True", "maximize makes something else of it"),
        ("torch.optim:SGD --as adam", "it is taken for momentum, gradient_descent, sgd, and not for adam"),
        ("torch.optim:SGD --as adm", "--as adm names no operation; did you mean adam"),
        ("torch.optim.lr_scheduler:StepLR gamma=0.5", "gamma is set by the laws"),
        ("torch.nn:CrossEntropyLoss label_smoothing=0.1", "label_smoothing makes something else of it"),
        ("torch.nn:Softmin dim=-1", r"has rows like those of softmax, and is off by .*: --as softmax insists"),
        ("torch.nn.functional:cross_entropy label_smoothing=0.1", "label_smoothing makes something else of it"),
        ("torch.nn:KLDivLoss", "is not recognised"),
        ("torch:softmax dim=0", r"the rows of f\(z\) sum to"),
    ],
)
def test_what_is_something_else_is_told_so(target: str, reason: str, need: Need) -> None:
    need("torch")
    with pytest.raises(LoadError, match=reason):
        check(target, profile="quick", dtypes=["float32"])
