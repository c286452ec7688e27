"""Grid or random search? 36 trials of two hyperparameters, of which one hardly matters (SE-2, SE-3, SE-8).

    python examples/grid_or_random.py                          # nothing but nnlaws
    python examples/grid_or_random.py --plot docs/search.svg   # and Matplotlib

What is tuned is softmax regression, 10 features → 3 classes, trained by 10 steps of Adam on 60 samples; the loss is its
cross entropy on 300 others. The learning rate α matters; Adam's ε below 1e-3 hardly does, and how much is measured, not
assumed. The grid tries 6 values of α, random search 36. One grid may be lucky or not: so its offset is random too, and
both are repeated; and again where ε matters too, with another outcome.
"""

import argparse
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import nnlaws_reference as reference
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_ind

Array: TypeAlias = NDArray[np.float64]
SAMPLES, OTHERS, FEATURES, CLASSES, STEPS = 60, 300, 10, 3, 10
SIDE, BUDGET = 6, 36
"""Values an axis of the grid, and trials of every search: SIDE²."""
ALPHA = reference.Axis("learning rate", 1e-4, 1.0, "log")
HARDLY = (ALPHA, reference.Axis("epsilon", 1e-9, 1e-3, "log"))
AS_WELL = (ALPHA, reference.Axis("epsilon", 1e-2, 100.0, "log"))
"""Two spaces: in the first ε hardly matters; in the second it matters too, for a large ε shortens the steps."""
Space: TypeAlias = tuple[reference.Axis, ...]
Model: TypeAlias = tuple[Array, reference.AdamState]


def samples() -> tuple[Array, Array, Array, Array]:
    """x and y to learn from, and to be judged by: normal about a centre a class, features of very different size."""
    generator = np.random.default_rng(0)
    centres, size = generator.standard_normal((CLASSES, FEATURES)), np.geomspace(0.03, 3, FEATURES)
    labels = [np.arange(count) % CLASSES for count in (SAMPLES, OTHERS)]
    x, others = ((centres[each] + generator.standard_normal((len(each), FEATURES))) * size for each in labels)
    return x, np.eye(CLASSES)[labels[0]], others, np.eye(CLASSES)[labels[1]]


X, Y, X_OTHERS, Y_OTHERS = samples()


def train(model: Model | None, point: Array) -> tuple[Model, float]:
    """10 more steps of Adam with α and ε from `point`: the model and its loss on the other samples."""
    weights = np.zeros((FEATURES, CLASSES))
    weights, state = model or (weights, reference.adam_init(weights))
    alpha, eps = point.tolist()
    for _ in range(STEPS):
        gradient = X.T @ reference.cross_entropy_gradient(X @ weights, Y)
        weights, state = reference.adam_update(state, weights, gradient, learning_rate=alpha, eps=eps)
    return (weights, state), float(reference.cross_entropy(X_OTHERS @ weights, Y_OTHERS))


def loss(point: Array) -> float:
    return train(None, point)[1]


def losses(points: Array) -> Array:
    return np.array([loss(point) for point in points])


def shifted_grid(space: Space, *, per_axis: int, offset: Array) -> Array:
    """A grid of equal steps that starts anywhere: u = (i + offset)/per_axis on each axis, its offset in [0, 1)."""
    axes = (
        reference.log_uniform_map((np.arange(per_axis) + shift) / per_axis, low=axis.low, high=axis.high)
        for axis, shift in zip(space, offset, strict=True)
    )
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(space))


class Importance(NamedTuple):
    """Shares of the variance of the loss over the whole space: α alone, ε alone, and what only both explain."""

    alpha: float
    eps: float
    both: float


def importance(space: Space, *, per_axis: int = 20) -> Importance:
    """An analysis of variance on the midpoints of per_axis² cells, each as likely as the others to be drawn."""
    table = losses(shifted_grid(space, per_axis=per_axis, offset=np.full(2, 0.5))).reshape(per_axis, per_axis)
    alpha, eps = table.mean(axis=1).var() / table.var(), table.mean(axis=0).var() / table.var()
    return Importance(alpha, eps, 1 - alpha - eps)


def tried(points: Array) -> reference.Trials:
    found = losses(points)
    return reference.Trials(points, found, int(found.argmin()))


class Duel(NamedTuple):
    """The best loss of each random search and of each shifted grid, 36 trials each."""

    random: Array
    grid: Array


def duel(space: Space, repeats: int) -> Duel:
    random, grid = np.empty(repeats), np.empty(repeats)
    for seed in range(repeats):
        random[seed] = reference.caviar(space, loss, budget=BUDGET, seed=seed).losses.min()
        offset = np.random.default_rng([seed, 1]).random(2)
        grid[seed] = losses(shifted_grid(space, per_axis=SIDE, offset=offset)).min()
    return Duel(random, grid)


def told(result: Duel) -> str:
    """Who came nearer, how often, and by how much; the intervals hold with 95 % (Clopper–Pearson; Welch's t)."""
    wins, repeats, least = int(np.sum(result.random < result.grid)), len(result.random), min(map(np.min, result))
    random, grid = result.random.mean(), result.grid.mean()
    often = binomtest(wins, repeats).proportion_ci(0.95)
    lower = ttest_ind(result.grid, result.random, equal_var=False).confidence_interval(0.95)
    return (
        f"  best loss, mean  random {random:.4f}, grid {grid:.4f}; the least of all {least:.4f}\n"
        f"  random is lower  by {grid - random:.4f}, between {lower.low:.4f} and {lower.high:.4f}\n"
        f"  random wins      {wins} of {repeats}; in the long run between {often.low:.0%} and {often.high:.0%}"
    )


def row(name: str, search: reference.Trials) -> str:
    alphas, epsilons = (len(np.unique(column)) for column in search.points.T)
    alpha, eps = search.points[search.best]
    return f"{name:8}{alphas:12}{epsilons:12}{search.losses[search.best]:12.4f}   α = {alpha:.2e}, ε = {eps:.2e}"


def otherwise(random: Array, runs: int) -> str:
    """Caviar, coarse to fine, and panda on the same problem, each with 36 calls of `train`; means over `runs` seeds."""
    shrink, start = 0.4, np.array([1e-2, 1e-6])
    fine = [
        reference.coarse_to_fine(HARDLY, loss, rounds=3, budget=BUDGET // 3, shrink=shrink, seed=seed).losses.min()
        for seed in range(runs)
    ]
    pandas = [reference.panda(HARDLY, train, start=start, budget=BUDGET, seed=seed) for seed in range(runs)]
    best, last = np.mean([each.losses.min() for each in pandas]), np.mean([each.losses[-1] for each in pandas])
    bold = sum(each.points[:, 0].max() > 0.5 for each in pandas)
    model, kept = train(None, start)
    for _ in range(BUDGET - 1):
        model, kept = train(model, start)
    return f"""36 calls otherwise, ε hardly matters: mean of the best loss of {runs} seeds
  caviar          {random[:runs].mean():.4f}   36 models of 10 steps: random search by its other name
  coarse to fine  {np.mean(fine):.4f}   36 models of 10 steps, in 3 rounds, each in a box {shrink} times as wide
  panda           {best:.4f}   1 model of 360 steps; its last loss {last:.4f}; {bold} of {runs} tried an α above 0.5
  left alone      {kept:.4f}   1 model of 360 steps with the panda's first settings all along"""


def plot(path: str, searches: dict[str, reference.Trials], duels: dict[str, Duel]) -> None:
    """The two searches, projected on both axes, above the loss over α; beside them how good the repetitions were."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    grey, blue, orange = "#7d8590", "#4493f8", "#d97706"  # they show on a light page and on a dark one
    curve = np.stack([np.geomspace(ALPHA.low, ALPHA.high, 100), np.full(100, 1e-6)], axis=-1)
    lettering = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style: Any = {**dict.fromkeys(lettering, grey), "svg.hashsalt": "nnlaws", "svg.fonttype": "none", "font.size": 9}
    style["figure.constrained_layout.wspace"] = 0.06  # room for the projections
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(2, 3, figsize=(12, 6), layout="constrained")
        for (name, search), (above, below), color in zip(searches.items(), axes.T, (orange, blue), strict=False):
            (alpha, eps), best = search.points.T, search.best
            projections = above.get_xaxis_transform(), above.get_yaxis_transform()
            above.plot(alpha, eps, "o", color=color, markersize=4)
            above.plot(alpha, np.full(BUDGET, 1.04), "|", color=color, clip_on=False, transform=projections[0])
            above.plot(np.full(BUDGET, 1.03), eps, "_", color=color, clip_on=False, transform=projections[1])
            above.set_title(f"{name}: {len(np.unique(alpha))} values of α", pad=14)
            above.set(xscale="log", yscale="log", ylabel="ε", xlim=(7e-5, 1.4), ylim=(6e-10, 1.6e-3))
            below.plot(curve[:, 0], losses(curve), color=grey, linewidth=0.8, alpha=0.6)
            below.plot(alpha, search.losses, "o", color=color, markersize=4)
            below.plot(alpha[best], search.losses[best], "o", markersize=10, color=color, fillstyle="none")
            below.set(xscale="log", xlabel="learning rate α", ylabel="loss", xlim=(7e-5, 1.4), ylim=(0.3, 1.2))
        for (name, result), each in zip(duels.items(), axes[:, 2], strict=True):
            for values, color, label in zip(result, (blue, orange), ("random", "shifted grid"), strict=True):
                each.ecdf(values, color=color, label=label)
            each.set(
                title=f"{name}: {len(result.grid)} of each",
                xlabel="best loss of 36 trials",
                ylabel="share of the searches",
            )
            each.legend(frameon=False, loc="lower right")
        for each in axes.flat:
            each.minorticks_off()
            each.grid(color=grey, alpha=0.2)
            each.spines[["top", "right"]].set_visible(False)
        drawing = io.StringIO()
        figure.savefig(drawing, transparent=True, metadata={"Date": None, "Creator": None})
    Path(path).write_text(re.sub(r"(\.\d\d)\d+", r"\1", drawing.getvalue()), encoding="utf-8")  # a hundredth of a point


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compares a grid with random search, 36 trials each.")
    parser.add_argument("--repeats", type=int, default=100, help="how often, at least 25 (default: 100)")
    parser.add_argument("--plot", metavar="FILE", help="draw the picture as SVG; needs Matplotlib")
    options = parser.parse_args(arguments)
    if options.repeats < 25:
        parser.error(f"expected at least 25 repeats, for the intervals, got {options.repeats}")
    searches = {
        "grid": tried(reference.grid_search(HARDLY, per_axis=SIDE)),
        "random": tried(reference.random_search(HARDLY, budget=BUDGET, seed=0)),
    }
    print("36 trials   values of α values of ε   best loss")
    for name, search in searches.items():
        print(row(name, search))
    duels: dict[str, Duel] = {}
    for name, space in (("ε hardly matters", HARDLY), ("ε matters too", AS_WELL)):
        share, eps = importance(space), space[1]
        duels[name] = duel(space, options.repeats)
        print(f"\n{name}, from {eps.low:g} to {eps.high:g}: {options.repeats} random searches, as many shifted grids")
        print(f"  of the variance  ε explains {share.eps:.2g}, only both together {share.both:.2g}, α the rest")
        print(told(duels[name]))
    print("\n" + otherwise(duels["ε hardly matters"].random, runs=25))
    if options.plot:
        plot(options.plot, searches, duels)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
