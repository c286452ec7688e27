"""One small network, trained twice with each optimizer: by `nnlaws_reference` and by PyTorch.

    python examples/train_digits.py                            # needs scikit-learn, for the data, and PyTorch
    python examples/train_digits.py --plot docs/training.svg   # and Matplotlib

The network is 64 → 16 (linear without bias, batch norm, tanh) → 10 (linear, softmax cross entropy), the data the digits
that ship with scikit-learn, in mini-batches of 64, in float64. Both sides start from the same parameters and see the
same batches. For each step of the first epoch the table shows the two losses, how far they are apart, and how far
rounding alone may bring them apart (*allowed*; and *proved*, the same without neglecting terms of second order, which
soon says nothing): twice the bounds that `digits_bound.py` derives. Exit code 1 if any difference is larger.
"""

import argparse
import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import digits_bound
import nnlaws_reference as reference
import numpy as np
from digits_bound import EPS, SHAPES, Array, Batch, Rule, split
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits

TRAINING, BATCH = 1408, 64
"""Samples to learn from, 22 batches; the other 389 are the test."""
DECAY = 0.9
"""The weight of the old in the running averages of batch norm."""


class Optimizer(NamedTuple):
    """Its options; one step by the formula, and how many arrays that keeps beside θ; PyTorch's, by name and options."""

    options: dict[str, float]
    rule: Rule
    kept: int
    torch: tuple[str, dict[str, Any]]


BETAS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
TORCH_BETAS = {"betas": (0.9, 0.999), "eps": 1e-8}
OPTIMIZERS = {
    "gradient_descent": Optimizer({"learning_rate": 0.5}, digits_bound.gradient_descent, 0, ("SGD", {"lr": 0.5})),
    # PyTorch declares `velocity = heavy_ball`, v = βv + g, which is the average over 1 − β: the rate makes up for that
    "momentum": Optimizer(
        {"learning_rate": 0.5, "beta": 0.9}, digits_bound.momentum, 1, ("SGD", {"lr": 0.5 * (1 - 0.9), "momentum": 0.9})
    ),
    "rmsprop": Optimizer(
        {"learning_rate": 0.01, "beta": 0.9, "eps": 1e-8},
        digits_bound.rmsprop,
        1,
        ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-8}),
    ),
    "adam": Optimizer({"learning_rate": 0.01, **BETAS}, digits_bound.adam, 2, ("Adam", {"lr": 0.01, **TORCH_BETAS})),
    "adamw": Optimizer(
        {"learning_rate": 0.01, **BETAS, "weight_decay": 0.01},
        digits_bound.adam,
        2,
        ("AdamW", {"lr": 0.01, **TORCH_BETAS, "weight_decay": 0.01}),
    ),
}


class Run(NamedTuple):
    """The loss of each step, and the accuracy on the test samples at the end."""

    losses: Array
    accuracy: float


class Data(NamedTuple):
    """Batches to learn from, epoch after epoch, each time in another order; and what to test on: samples and digits."""

    batches: list[Batch]
    test: tuple[Array, Array]


def digits(epochs: int) -> Data:
    images, labels = load_digits(return_X_y=True)
    generator = np.random.default_rng(0)
    order = generator.permutation(len(images))
    x, y = images[order] / 16, np.eye(10)[labels[order]]
    rows = np.concatenate([generator.permutation(TRAINING) for _ in range(epochs)]).reshape(-1, BATCH)
    return Data([(x[each], y[each]) for each in rows], (x[TRAINING:], labels[order][TRAINING:]))


def first_parameters() -> Array:
    """θ: weights normal with variance 1/(number of inputs), γ = 1, β and biases 0."""
    generator = np.random.default_rng(1)
    w, w_out = (generator.standard_normal(SHAPES[name]) / SHAPES[name][0] ** 0.5 for name in ("w", "w_out"))
    return np.concatenate([w.ravel(), np.ones(16), np.zeros(16), w_out.ravel(), np.zeros(10)])


def train_reference(name: str, theta: Array, data: Data) -> Run:
    update = reference_update(name, theta)
    running = reference.running_start(16, theta.dtype)
    losses = np.empty(len(data.batches))
    for step, (x, y) in enumerate(data.batches):
        w, gamma, beta, w_out, b_out = split(theta)
        a, cache = reference.layer_forward(x, w, np.zeros(16), gamma, beta, eps=EPS)
        logits = a @ w_out + b_out
        losses[step] = reference.cross_entropy(logits, y)
        dlogits = reference.cross_entropy_gradient(logits, y)
        hidden = reference.layer_backward(dlogits @ w_out.T, cache)
        parts = hidden.dw, hidden.dgamma, hidden.dbeta, a.T @ dlogits, dlogits.sum(axis=0)
        theta = update(theta, np.concatenate([part.ravel() for part in parts]))
        running = reference.running_update(running, cache.z, decay=DECAY)
    w, gamma, beta, w_out, b_out = split(theta)
    x, labels = data.test
    out = reference.batch_norm_inference(x @ w, gamma, beta, *running, eps=EPS)
    return Run(losses, accuracy(np.tanh(out) @ w_out + b_out, labels))


def reference_update(name: str, theta: Array) -> Callable[[Array, Array], Array]:
    """(θ, gradient) to the next θ, by the optimizer of that name; its state is kept in between."""
    options = OPTIMIZERS[name].options
    if name == "gradient_descent":
        return partial(reference.gradient_descent_update, **options)
    state = getattr(reference, f"{name}_init")(theta)
    update = getattr(reference, f"{name}_update")

    def step(theta: Array, gradient: Array) -> Array:
        nonlocal state
        theta, state = update(state, theta, gradient, **options)
        return theta

    return step


def train_torch(name: str, theta: Array, data: Data) -> Run:
    """The same by torch.nn and torch.optim.

    BatchNorm1d keeps an unbiased variance for inference (`running_variance = unbiased`), which no loss here depends on.
    """
    import torch

    hidden = torch.nn.Linear(64, 16, bias=False, dtype=torch.float64)
    norm = torch.nn.BatchNorm1d(16, eps=EPS, momentum=1 - DECAY, dtype=torch.float64)
    output = torch.nn.Linear(16, 10, dtype=torch.float64)
    w, gamma, beta, w_out, b_out = (torch.tensor(part) for part in split(theta))
    with torch.no_grad():
        hidden.weight.copy_(w.T)
        norm.weight.copy_(gamma)
        norm.bias.copy_(beta)
        output.weight.copy_(w_out.T)
        output.bias.copy_(b_out)
    network = torch.nn.Sequential(hidden, norm, torch.nn.Tanh(), output)
    kind, options = OPTIMIZERS[name].torch
    optimizer = getattr(torch.optim, kind)(network.parameters(), **options)
    losses = np.empty(len(data.batches))
    for step, (x, y) in enumerate(data.batches):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.tensor(x)), torch.tensor(y.argmax(axis=1)))
        loss.backward()
        optimizer.step()
        losses[step] = loss.item()
    network.eval()
    x, labels = data.test
    with torch.no_grad():
        return Run(losses, accuracy(network(torch.tensor(x)).numpy(), labels))


def accuracy(logits: Array, labels: Array) -> float:
    return float(np.mean(logits.argmax(axis=1) == labels))


class Apart(NamedTuple):
    """How far two losses may be apart by rounding alone, by step: to first order, and proved, for the first few."""

    allowed: Array
    proved: Array


def apart(name: str, theta: Array, batches: Sequence[Batch]) -> Apart:
    """Twice each bound: both losses are within it of the exact one."""
    options, rule, kept, _ = OPTIMIZERS[name]
    allowed = digits_bound.loss_bounds(rule, kept, theta, batches, **options)
    return Apart(2 * allowed, 2 * np.array(list(digits_bound.running_error(rule, kept, theta, batches, **options))))


def within(runs: Sequence[Run], limits: Apart) -> bool:
    difference = np.abs(runs[0].losses - runs[1].losses)
    return all(bool(np.all(difference[: len(each)] <= each)) for each in limits)  # not for NaN


def show(console: Console, name: str, runs: Sequence[Run], limits: Apart) -> None:
    ours, theirs = (run.losses for run in runs)
    table = Table("step", "reference", "PyTorch", "difference", "allowed", "proved", title=name)
    for column in table.columns:
        column.justify = "right"
    compared = len(limits.allowed)
    for step in (step for step in range(len(ours)) if step < compared or (step + 1) % 44 == 0):
        sizes = (f"{each[step]:.1e}" if step < len(each) else "" for each in (np.abs(ours - theirs), *limits))
        table.add_row(str(step + 1), f"{ours[step]:.14f}", f"{theirs[step]:.14f}", *sizes)
    console.print(table)
    verdict = "no more" if within(runs, limits) else "[bold]more[/]"
    console.print(f"test accuracy {runs[0].accuracy:.1%} and {runs[1].accuracy:.1%}")
    console.print(f"the first {compared} losses differ by {verdict} than rounding allows\n")


def plot(path: str, results: Mapping[str, tuple[Sequence[Run], Apart]]) -> None:
    """Above the loss curves, below how far they are apart; in colours that show on a light page and on a dark one."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    grey, blue, orange, red = "#7d8590", "#4493f8", "#d97706", "#e5484d"
    lettering = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style = {**dict.fromkeys(lettering, grey), "svg.hashsalt": "nnlaws", "svg.fonttype": "none", "font.size": 9}
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(
            2, len(results), figsize=(12, 5), sharex="row", sharey="row", layout="constrained"
        )
        for (name, (runs, limits)), (above, below) in zip(results.items(), axes.T, strict=True):
            ours, theirs = (run.losses for run in runs)
            steps, difference = np.arange(1, len(ours) + 1), np.abs(ours - theirs)
            above.plot(steps, ours, color=blue, linewidth=3.5, alpha=0.5, label="loss, nnlaws_reference")
            above.plot(steps, theirs, color=orange, linewidth=0.8, label="loss, PyTorch")
            above.set(title=name.replace("_", " "), yscale="log", xlabel="step")
            below.plot(steps[: len(limits.proved)], limits.proved, ":", color=red, label="proved")
            below.plot(steps[: len(limits.allowed)], limits.allowed, color=red, label="allowed")
            shown = (difference > 0) & (steps <= len(limits.allowed))  # a logarithmic axis has no 0
            below.plot(steps[shown], difference[shown], "o", color=blue, markersize=2.5, label="|difference|")
            below.set(yscale="log", xlabel="step", ylim=(1e-17, 1e-5))
            for each in (above, below):
                each.minorticks_off()
                each.grid(color=grey, alpha=0.2)
                each.spines[["top", "right"]].set_visible(False)
        axes[0, 0].set_ylabel("loss of the batch")
        axes[1, 0].set_ylabel("how far apart, first epoch")
        handles = [handle for row in axes for handle in row[0].get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        drawing = io.StringIO()
        figure.savefig(drawing, transparent=True, metadata={"Date": None, "Creator": None})
    Path(path).write_text(re.sub(r"(\.\d\d)\d+", r"\1", drawing.getvalue()), encoding="utf-8")  # a hundredth of a point


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trains one network by nnlaws_reference and by PyTorch.")
    parser.add_argument("--epochs", type=int, default=10, help="how long to train (default: 10)")
    parser.add_argument("--steps", type=int, default=22, help="how many to hold to the bound (default: 22, an epoch)")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves as SVG; needs Matplotlib")
    options = parser.parse_args(arguments)
    theta, data, console = first_parameters(), digits(options.epochs), Console()
    results: dict[str, tuple[Sequence[Run], Apart]] = {}
    for name in OPTIMIZERS:
        runs = train_reference(name, theta, data), train_torch(name, theta, data)
        results[name] = runs, apart(name, theta, data.batches[: options.steps])
        show(console, name, *results[name])
    if options.plot:
        plot(options.plot, results)
    return 0 if all(within(*result) for result in results.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
