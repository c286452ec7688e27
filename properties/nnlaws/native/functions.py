"""Functions of logits by rows, and losses of logits and targets, of any library whose arrays come from NumPy's."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.native.names import Keywords, Unrecognised, parameters, raised, switched_off
from nnlaws.native.names import told as words_of

Function = Callable[..., Any]
ROWS = ("softmax", "log_softmax")
LOSS = "cross_entropy"
LOGITS = ("logits", "input", "y_pred", "predictions", "pred", "output", "outputs", "scores", "z", "x")
TARGETS = ("labels", "target", "targets", "y_true", "label", "y")
BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
CALLS: tuple[Keywords, ...] = ({"dim": -1}, {"axis": -1}, {})
NEAR = 0.05  # of the value of a loss, by which what is a cross entropy at all may be off
FIRST, OTHER = (4, 3), (2, 5)  # shapes of logits that are tried
LOGITS_ALONE = "none"
SMOOTHING = ("label_smoothing", "smoothing")  # of targets, which is switched off where it is on by default


@dataclass(frozen=True)
class Kit:
    """A library's arrays: made of NumPy's, read back, told apart; the gradient of a function at one; mean and sum."""

    library: str
    tensor: Callable[[Array], Any]
    array: Callable[[Any], Array]
    owns: Callable[[Any], bool]
    gradient: Callable[[Function, Array], Array] | None = None
    mean: Callable[[Any], Any] = lambda values: values.mean()
    sum: Callable[[Any], Any] = lambda values: values.sum()


def rows(kit: Kit, name: str, function: Function, **declared: Any) -> SimpleNamespace:
    """A target: the operation `name`, softmax or log_softmax, by a function of logits (m, C), by rows."""

    def run(z: Array) -> Array:
        return kit.array(function(kit.tensor(z)))

    return SimpleNamespace(**declared, **{name: run})


def loss(
    kit: Kit, function: Function, *, targets: str = "either", reduction: str = "mean", **declared: Any
) -> SimpleNamespace:
    """A target: cross entropy and, where the library derives, its gradient, by a loss of logits (m, C) and targets.

    targets: "probabilities" (m, C); "indices", class numbers (m,), so that rows which are one-hot are all that is asked
    for; or "either": class numbers where every row is one-hot, as most training code has it, and else probabilities.
    reduction: "mean" over the samples; "sum", which is divided by their number; or "none", of which the mean is taken.
    declared: description, dtypes, conventions.
    """

    def mean(z: Any, y: Array) -> Any:
        whole = function(z, kit.tensor(targets_as(y, targets)))
        return whole / len(y) if reduction == "sum" else kit.mean(whole) if reduction == "none" else whole

    def cross_entropy(z: Array, y: Array) -> Array:
        return kit.array(mean(kit.tensor(z), y))

    made: dict[str, Any] = {"cross_entropy": cross_entropy}
    derive = kit.gradient
    if derive is not None:

        def cross_entropy_gradient(z: Array, y: Array) -> Array:
            return derive(lambda logits: mean(logits, y), z)

        made["cross_entropy_gradient"] = cross_entropy_gradient
    one_hot = {"targets": "one_hot"} if targets == "indices" else {}
    return SimpleNamespace(**one_hot, **declared, **made)


def targets_as(y: Array, kind: str) -> Array:
    """Targets (m, C) as a loss takes them: "probabilities", "indices", or "either"."""
    if kind == "probabilities" or (kind == "either" and not bool(((y == 1).sum(axis=-1) == 1).all())):
        return y
    return np.asarray(y.argmax(axis=-1))


def recognise(kit: Kit, found: Function, kind: str, about: Keywords, why: str = "") -> SimpleNamespace:
    """What a function is: called with few logits, it gives rows that are probabilities or their logarithms, or, with
    targets, about the cross entropy. kind: what it was said to be. Raises Unrecognised, with `why` before the reasons.
    """
    told: list[str] = []
    smoothing = switched_off({name: each for name, each in parameters(found).items() if name in SMOOTHING}, {})
    if smoothing:
        found = partial(found, **smoothing)
    declared: Keywords = {"insisted": True, **about}
    z, y = np.random.default_rng(0).standard_normal(FIRST).astype(np.float32), np.eye(FIRST[1], dtype=np.float32)
    y = y[[0, 2, 1, 0]]
    for keywords in _calls(found) if kind in ROWS or (not kind and _needs(found) < 2) else ():
        words = ", ".join(("z", *(f"{name}={value}" for name, value in keywords.items())))
        out = _called(partial(found, **keywords), (z,), kit, told, f"f({words})")
        name = kind or by_sums(out)
        if out is not None and out.shape == z.shape and name:
            if not kind and not _is_called(found, name) and (off := _off(name, out, z)) > NEAR:
                told[:] = [f"f({words}) has rows like those of {name}, and is off by {off:.2g}: --as {name} insists"]
                continue
            _takes_other_shapes(kit, partial(found, **keywords), LOGITS_ALONE)
            took = f"taken for {name} by rows, called as f({words})"
            return rows(kit, name, partial(found, **keywords), recognised=(took, *words_of(smoothing)), **declared)
    if kind in ("", LOSS):
        for call, how in orders(found):
            made = _loss(kit, call, z, y, kind, told, how)
            if not made:
                continue
            targets, reduction = made
            _takes_other_shapes(kit, call, "indices" if targets == "either" else targets)
            given = {"either": "class numbers or probabilities", "indices": "class numbers"}.get(targets, targets)
            took = f"taken for cross entropy of logits and {given}, the {_REDUCTIONS[reduction]} over samples{how}"
            return loss(
                kit, call, targets=targets, reduction=reduction, recognised=(took, *words_of(smoothing)), **declared
            )
        told = _of_probabilities(kit, [call for call, _ in orders(found)], z, y) or told
    usual = "it gives neither probabilities by rows nor a cross entropy"
    telling = sorted(dict.fromkeys(told), key=lambda line: " raised " in line)  # what came back says more
    raise Unrecognised("; ".join(filter(None, (why, *telling[:3]))) or usual)


def _needs(found: Function) -> int:
    """How many arguments it needs, besides an axis."""
    own = [each for name, each in parameters(found).items() if name not in ("dim", "axis") and each.kind in BY_PLACE]
    return sum(each.default is each.empty for each in own)


def _calls(found: Function) -> Sequence[Keywords]:
    """With which keywords a function of rows is called: none where the axis was given."""
    given: Keywords = getattr(inspect.unwrap(found), "keywords", {})
    return ({},) if given.keys() & {"dim", "axis"} else CALLS


def _is_called(found: Function, name: str) -> bool:
    """Whether that is its name, however it is written."""
    own = inspect.unwrap(found)
    while isinstance(own, partial):
        own = own.func
    called = str(getattr(own, "__name__", type(own).__name__))
    return re.sub(r"[^a-z0-9]", "", called.lower()) == name.replace("_", "")


def _off(name: str, out: Array, z: Array) -> float:
    """How far rows are from softmax at most, or their exponentials are."""
    whole = np.exp(z - z.max(axis=-1, keepdims=True))
    want = whole / whole.sum(axis=-1, keepdims=True)
    return float(np.abs((np.exp(out) if name == "log_softmax" else out) - want).max())


def of_a_library(
    kit: Kit, version: str, found: Any, given: Keywords, settings: Mapping[str, str]
) -> SimpleNamespace | None:
    """A function of a library's arrays, with keywords; None for whatever is no function."""
    if not callable(found) or inspect.isclass(found):
        return None
    about = {"description": f"{kit.library} {version}"}
    return recognise(kit, partial(found, **given) if given else found, settings.get("as", ""), about)


_REDUCTIONS = {"mean": "mean", "sum": "sum", "none": "values one by one"}


def _called(call: Function, given: tuple[Array, ...], kit: Kit, told: list[str], words: str) -> Array | None:
    """The result as an array; None where there is none, which is told."""
    try:
        out = call(*map(kit.tensor, given))
        if not kit.owns(out):
            told.append(f"{words} is a {type(out).__name__}, no array of {kit.library}")
            return None
        array = np.asarray(kit.array(out), np.float64)
        if array.ndim == 2 and len(given) == 1:
            sums = array.sum(axis=-1)
            even = "" if np.ptp(sums) > 0.01 else ", and they are near no softmax" if abs(sums[0] - 1) < 0.01 else ""
            told.append(f"the rows of {words} sum to {sums.min():.3g} to {sums.max():.3g}{even}")
        return array
    except Exception as error:
        told.append(f"{words} {raised(error)}")
        return None


def _takes_other_shapes(kit: Kit, call: Function, targets: str) -> None:
    """Raises Unrecognised where it takes the shape that was tried first, and no other."""
    z, y = np.random.default_rng(1).standard_normal(OTHER).astype(np.float32), np.eye(*OTHER, dtype=np.float32)
    given = {LOGITS_ALONE: (z,), "indices": (z, y.argmax(axis=-1)), "probabilities": (z, y)}[targets]
    try:
        call(*map(kit.tensor, given))
    except Exception as error:
        raise Unrecognised(
            f"it takes logits of shape {FIRST}, and of {OTHER} it {raised(error)}; laws need any number of samples and "
            "of classes"
        ) from None


def _of_probabilities(kit: Kit, calls: Sequence[Function], z: Array, y: Array) -> list[str]:
    """What a loss is that takes probabilities, or their logarithms, in place of logits; nothing of others."""
    whole = np.exp(z)
    probabilities = whole / whole.sum(axis=-1, keepdims=True)
    each = -(y * np.log(probabilities)).sum(axis=-1)
    for what, first in (("probabilities", probabilities), ("logarithms of probabilities", np.log(probabilities))):
        for call, targets in product(calls, (y, y.argmax(axis=-1))):
            try:
                out = call(kit.tensor(first), kit.tensor(targets))
                value = np.asarray(kit.array(out) if kit.owns(out) else float(out), np.float64)
            except Exception:
                continue
            if any(value.shape == np.shape(w) and np.allclose(value, w, 1e-3) for w in (each, each.mean(), each.sum())):
                return [f"it is the cross entropy of {what}, not of logits: judge a function of logits that calls it"]
    return []


def by_sums(out: Array | None) -> str:
    """What an array of a result by rows may be: softmax, or its logarithm, by the sums of its rows."""
    if out is None or out.ndim != 2:
        return ""
    with np.errstate(all="ignore"):
        for name, probabilities in zip(ROWS, (out, np.exp(out)), strict=True):
            if (probabilities > 0).all() and (np.abs(probabilities.sum(axis=-1) - 1) < 0.01).all():
                return name
    return ""


def orders(found: Function) -> list[tuple[Function, str]]:
    """The ways to call a loss of logits and targets: in the order that names give; or, without such, in either."""
    call, how = _in_order(found)
    named = bool(how) or any(name in TARGETS for name in list(parameters(found))[1:2])
    return [(call, how)] if named else [(call, how), (lambda z, y: found(y, z), ", called as f(targets, logits)")]


def _in_order(found: Function) -> tuple[Function, str]:
    """The loss of logits and targets in this order, by names where it has such; and how that is called."""
    own = getattr(inspect.unwrap(found), "forward", found)  # a module's call takes whatever there is
    taken = {name: each for name, each in parameters(own).items() if each.kind is not inspect.Parameter.VAR_KEYWORD}
    placed = [name for name, each in taken.items() if each.kind in BY_PLACE]
    there = placed if len(placed) > 1 else list(taken)  # log_loss has labels besides
    logits = next((name for name in LOGITS if name in there), "")
    targets = next((name for name in TARGETS if name in there and name != logits), "")
    if logits and targets and there.index(targets) < there.index(logits):
        return lambda z, y: found(**{logits: z, targets: y}), f", called as f({targets}=y, {logits}=z)"
    return lambda z, y: found(z, y), ""


def _losses(z: Array, y: Array) -> Array:
    """The cross entropy of each sample."""
    logs = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return np.asarray(-(y * logs).sum(axis=-1))


def _elsewhere(kit: Kit, call: Function, targets: str, reduction: str) -> str:
    """What it is on other logits, and with targets that are spread, if no cross entropy: one batch may be a chance."""
    random = np.random.default_rng(2)
    for spread in (False, True) if targets == "probabilities" else (False,):
        z = (3 * random.standard_normal((6, 5))).astype(np.float32)
        y = np.eye(5, dtype=np.float32)[random.integers(5, size=6)]
        if spread:
            y = ((y + random.dirichlet(np.ones(5), size=6)) / 2).astype(np.float32)
        each = _losses(z, y)
        want = {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
        out = _called(call, (z, y.argmax(axis=-1) if targets == "indices" else y), kit, [], "")
        if out is None or out.shape != np.shape(want) or not (np.abs(out / want - 1) < NEAR).all():
            got = "raises" if out is None else f"is {np.array2string(out, precision=4)}"
            where = "with targets that are spread" if spread else "of other logits"
            return (
                f"{where} {got}, and the cross entropy's {_REDUCTIONS[reduction]} {np.array2string(want, precision=4)}"
            )
    return ""


def _loss(kit: Kit, call: Function, z: Array, y: Array, kind: str, told: list[str], how: str) -> tuple[str, str] | None:
    """Which targets it takes, and what it does with the values of samples."""
    each = _losses(z, y)
    right = {"mean": each.mean(), "sum": each.sum(), "none": each}
    taken: dict[str, str] = {}
    for targets, given in (("indices", y.argmax(axis=-1)), ("probabilities", y)):
        out = _called(call, (z, given), kit, told, f"f(z, {targets}){how}")
        if out is None:
            continue
        for reduction, want in right.items():
            if out.shape == np.shape(want) and (kind or bool((np.abs(out / want - 1) < NEAR).all())):
                taken.setdefault(targets, reduction)
        if targets not in taken:
            told.append(f"f(z, {targets}){how} is {np.array2string(out, precision=4)}, and the cross entropy's mean "
                        f"{each.mean():.4g}")  # fmt: skip
    if not taken or len(set(taken.values())) > 1:
        return None
    for targets, reduction in taken.items() if not kind else ():
        if lines := _elsewhere(kit, call, targets, reduction):
            told[:] = [f"f(z, {targets}){how} {lines}"]
            return None
    return "either" if len(taken) == 2 else next(iter(taken)), next(iter(taken.values()))
