"""Probes: what an unknown mistake does is told if all that the target returns is so, and nothing is told else."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nnlaws_reference as reference
import numpy as np
import pytest
from nnlaws import check
from nnlaws.authoring.ruler import Ruler
from nnlaws.chapters import OPERATIONS, chapter_of
from nnlaws.diagnosis.probes.calls import of_calls
from nnlaws.diagnosis.probes.find import NOTHING, Call, Finding, battery, find
from nnlaws.diagnosis.probes.options import ROUNDED
from nnlaws.diagnosis.probes.patterns import pattern
from nnlaws.diagnosis.probes.theory import Bench, Sample
from nnlaws.diagnosis.probes.where import is_wrong
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_server.callee import silence

Function = Callable[..., Any]


def bench_of(operation: str, function: Function, dtype: str = "float32", **conventions: str) -> Bench:
    subject = GuardedSubject(function, OPERATIONS[operation])
    return Bench(subject, Ruler(OPERATIONS[operation], format_of(DTYPES[dtype]), conventions), 600)


def seen(bench: Bench) -> tuple[list[Sample], list[Sample]]:
    """What comes back on many inputs, and what of that is wrong."""
    with silence():
        samples = battery(chapter_of(bench.operation), bench)
    return samples, [sample for sample in samples if is_wrong(sample)]


def probed(operation: str, function: Function, dtype: str = "float32", **conventions: str) -> Finding | None:
    """What probes find, of a law that saw something wrong."""
    bench = bench_of(operation, function, dtype, **conventions)
    chapter = chapter_of(bench.operation)
    _, wrong = seen(bench)
    calls = [Call(sample.arguments, sample.options, sample.got) for sample in (wrong or seen(bench)[0])[:2]]
    law = next(each for each in chapter.laws_of(bench.operation) if each.kind == "value")
    with silence():
        return find(chapter, law, bench.subject, bench.ruler, calls, seconds=60)  # of a machine that others use, too


def told(operation: str, function: Function, dtype: str = "float32", **conventions: str) -> str:
    found = probed(operation, function, dtype, **conventions)
    return found.name if found else ""


def with_options(name: str, change: Callable[..., Any]) -> Function:
    """The reference, with some options changed."""
    right = getattr(reference, name)
    return lambda *arguments, **options: right(*arguments, **{**options, **change(options)})


def with_argument(name: str, place: int, change: Callable[..., Array]) -> Function:
    """The reference, with an argument changed."""
    right = getattr(reference, name)

    def function(*arguments: Array, **options: Any) -> Any:
        changed = np.asarray(change(arguments[place].astype(np.float64))).astype(arguments[place].dtype)
        return right(*arguments[:place], changed, *arguments[place + 1 :], **options)

    return function


def returning(name: str, change: Callable[..., Any]) -> Function:
    """The reference, with the result changed; change: of the result, and the arguments."""
    right = getattr(reference, name)
    return lambda *arguments, **options: np.asarray(
        change(right(*arguments, **options), *arguments), dtype=arguments[0].dtype
    )


@pytest.mark.slow
def test_an_option_that_acts_as_another_value_is_told_with_that_value() -> None:
    floored = with_options("adam", lambda o: {"eps": max(o["eps"], 3e-5)})
    assert told("adam", floored) == "eps below 3e-05 acts as 3e-05"
    excepted = with_options("adam", lambda o: {"eps": max(o["eps"], 3e-5) if o["eps"] else 0.0})
    assert told("adam", excepted) == "eps below 3e-05 acts as 3e-05, but for 0"
    capped = with_options("rmsprop", lambda o: {"beta": min(o["beta"], 0.93)})
    assert told("rmsprop", capped) == "beta above 0.93 acts as 0.93"
    ignored = with_options("inverse_time_decay", lambda o: {"rate": 0.3})
    assert told("inverse_time_decay", ignored) == "rate always acts as 0.3"
    swapped = with_options("adam", lambda o: {"beta1": o["beta2"], "beta2": o["beta1"]})
    assert told("adam", swapped) == "beta1 and beta2 are taken for each other"
    squared = with_options("adam", lambda o: {"eps": o["eps"] ** 2})
    assert told("adam", squared) == "eps acts as its square"


def test_a_rounded_option_is_told_with_its_type() -> None:
    def cut(x: float) -> float:
        return float((np.float32(x).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32))

    function = with_options("momentum", lambda o: {"beta": cut(o["beta"])})
    assert told("momentum", function) == "beta acts as truncated to bfloat16"


def test_several_options_that_are_rounded_are_told_together() -> None:
    betas = ("beta1", "beta2")
    cut = {"beta1": 0.8984375, "beta2": 0.99609375}  # what is left of 0.9 and 0.999
    rounded = with_options("adam", lambda o: {name: ROUNDED["truncated to bfloat16"](o[name]) for name in betas})
    assert [ROUNDED["truncated to bfloat16"](each) for each in (0.9, 0.999)] == [*cut.values()]
    assert told("adam", rounded) == "beta1 and beta2 are truncated to bfloat16"


@pytest.mark.sampled
@pytest.mark.parametrize("limit", [1e4, 1e9, 3e12])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_limit_is_told_with_its_number_however_far_beyond_the_inputs_are(dtype: str, limit: float) -> None:
    clipped = with_argument("softmax", 0, lambda z: np.clip(z, -limit, limit))
    name = told("softmax", clipped, dtype)
    assert name.startswith("z is clipped to ±")
    assert 0.5 <= float(name.split("±")[1]) / limit <= 2


def test_an_argument_that_is_taken_for_another_is_told() -> None:
    for limit in (1e4, 700.0):
        clipped = with_argument("gradient_descent", 1, lambda g, limit=limit: np.clip(g, -limit, limit))
        assert told("gradient_descent", clipped) in ("", f"grads is clipped to ±{limit:g}")
    assert told("softmax", with_argument("softmax", 0, lambda z: z / 3)) == "z is taken 0.333333 times"
    assert told("softmax", with_argument("softmax", 0, lambda z: -z)) == "z is taken as its negative"
    late = with_argument("adam", 1, lambda g: g[::-1])
    assert told("adam", late) == "grads is read with its rows in reverse"
    smoothed = with_argument("cross_entropy", 1, lambda y: 0.9 * y + 0.1 / y.shape[-1])
    assert told("cross_entropy", smoothed) == "y is spread evenly along its last axis, to a part of 0.1"


def test_a_result_that_comes_out_changed_is_told() -> None:
    assert (
        told("cross_entropy", returning("cross_entropy", lambda j, z, y: j * len(z)))
        == "J comes out m times what it is"
    )
    logs = returning("log_softmax", lambda r, z: np.maximum(r, np.log(1e-9)))
    assert told("log_softmax", logs) == "l is cut off below -20.7233"
    started = returning("adam", lambda r, theta, grads: np.concatenate([theta[None], r[:-1]]))
    assert told("adam", started) == "iterates begins with theta, and ends a step early"


def test_a_slip_of_the_formula_is_told_as_it_is_written() -> None:
    def adam(theta: Array, grads: Array, *, learning_rate: Any, beta1: float, beta2: float, eps: float) -> Array:
        x, m, v, iterates = theta.astype(float), 0 * theta.astype(float), 0 * theta.astype(float), []
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        for t, (g, rate) in enumerate(zip(grads.astype(float), rates, strict=True), start=1):
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            x = x - rate * (m / (1 - beta1**t)) / (np.sqrt(v) + eps)  # v is not corrected
            iterates.append(x)
        return np.array(iterates).reshape(grads.shape).astype(grads.dtype)

    found = probed("adam", adam)
    assert found is not None
    assert found.theory is not None
    assert "_direction(m, v, 1 - b1 ** t, 1, eps, adam_form)" in found.fault


def test_a_floor_inside_the_formula_is_told_with_its_number() -> None:
    def loss(z: Array, y: Array) -> Array:
        logs = np.maximum(reference.log_softmax(z.astype(float)), np.log(1e-7))
        return np.asarray(-(y * logs).sum(axis=-1).mean(), dtype=z.dtype)

    assert "`log_softmax(z)` raised to at least -16.1181" in told("cross_entropy", loss)


def test_a_declared_convention_that_is_not_followed_is_told() -> None:
    found = told("adamw", reference.adamw, decoupling="l2")
    assert found == "decoupling = l2 is declared, and not followed: acts as undeclared"


def rows(wrong: Callable[[int, int], bool]) -> Function:
    """Softmax, wrong for some numbers of rows and columns in a way that nothing explains."""

    def softmax(z: Array) -> Array:
        a = reference.softmax(z)
        return np.asarray(a * (1 + np.sin(1 + 7 * z)) / 2, dtype=z.dtype) if wrong(*z.shape) else a

    return softmax


@pytest.mark.slow
def test_where_it_is_wrong_is_told_where_nothing_else_is_known() -> None:
    assert told("softmax", rows(lambda m, n: 5 <= m <= 8)) == "wrong where m is from 5 to 8"
    assert told("softmax", rows(lambda m, n: n >= 9)) == "wrong where C is 9 or more"
    assert told("softmax", rows(lambda m, n: n > 8 and n % 8 > 1)) == "wrong where C mod 8 is 2 to 7, from 10 on"

    def sentinel(z: Array) -> Array:
        top = np.maximum(z.max(axis=-1, keepdims=True), z.dtype.type(-3e4))
        e = np.exp(z - top)
        total = e.sum(axis=-1, keepdims=True)
        return np.where(total > 0, e / np.where(total > 0, total, 1), 0).astype(z.dtype)

    assert told("softmax", sentinel) == "wrong where all of z is about -30000 or beyond"


@pytest.mark.slow
def test_what_an_argument_has_where_it_is_wrong_is_told() -> None:
    """A number, a row of zeros, or two largest: without it the result is right."""
    right_softmax = reference.softmax

    def ties(z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / (np.where(z < z.max(axis=1, keepdims=True), e, 0).sum(axis=1, keepdims=True) + 1))

    assert told("softmax", ties) == "wrong where a row of z has its largest number more than once"

    def no_gradient_of_zero(dout: Array, z: Array, gamma: Array, *, eps: float) -> Any:
        dz, dgamma, dbeta = reference.batch_norm_backward(dout, z, gamma, eps=eps)
        return dz, np.where(gamma == 0, 0, dgamma).astype(z.dtype), dbeta

    assert told("batch_norm_backward", no_gradient_of_zero) == "wrong only where gamma holds 0, in dgamma alone"

    def steps_left_out(theta: Array, grads: Array, **options: Any) -> Array:
        kept = np.flatnonzero(grads.any(axis=-1))
        some = reference.adam(theta, grads[kept], **options) if len(kept) else grads[:0]
        return np.concatenate([theta[None], some])[np.cumsum(grads.any(axis=-1))]

    found = told("adam", steps_left_out)
    assert found == "wrong only where grads holds a row of zeros"
    assert right_softmax is reference.softmax


def test_a_limit_of_an_option_is_narrowed_down() -> None:
    def root_of_both(theta: Array, grads: Array, *, eps: float, **options: Any) -> Array:
        other = np.float32(3) if eps > 2e-5 else np.float32(1)
        return np.asarray(theta + other * (reference.rmsprop(theta, grads, eps=eps, **options) - theta))

    assert told("rmsprop", root_of_both).startswith("wrong where eps is about 2e-05 or more")


@pytest.mark.slow
def test_a_limit_is_not_told_where_a_mistake_only_begins_to_show() -> None:
    """A decay that is left out where it goes against the step: of a small rate nothing of it shows."""

    def adamw(theta: Array, grads: Array, *, learning_rate: Any, weight_decay: float, **options: Any) -> Array:
        state, iterates = reference.adam_init(theta), list[Array]()
        rates = learning_rate if isinstance(learning_rate, tuple) else (learning_rate,) * len(grads)
        for gradient, rate in zip(grads, rates, strict=True):
            plain, after = reference.adam_update(state, theta, gradient, learning_rate=rate, **options)
            agree = (theta - plain) * theta >= 0
            theta, state = np.where(agree, plain - theta.dtype.type(rate * weight_decay) * theta, plain), after
            iterates.append(theta)
        return np.stack(iterates) if iterates else grads

    report = check(SimpleNamespace(adamw=adamw), dtypes=["float64"])
    causes = [each.violation.cause for each in report.results if each.violation is not None]
    assert causes
    assert not [cause for cause in causes if cause is not None and "learning_rate" in cause.name]


def test_an_option_is_not_told_where_the_fault_is_of_size() -> None:
    """It shows at some ε more than at others, and is wrong only from so many inputs on."""

    def first_64(x: Array, W: Array, b: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
        return reference.batch_norm_layer(x[:, :64], W[:, :64], b, gamma, beta, eps=eps)

    assert "eps" not in told("batch_norm_layer", first_64)


def test_arguments_that_do_not_go_with_other_options_are_passed_over() -> None:
    """A density that is 0 at the ends: at another box, some arguments have no density at all."""

    def open_ends(x: Array, *, low: float, high: float) -> Array:
        right = reference.log_uniform_density(x, low=low, high=high)
        return np.asarray(np.where((x > low) & (x < high), right, 0))

    told("log_uniform_density", open_ends)


def test_minus_infinity_as_the_least_number_is_told() -> None:
    def least(z: Array) -> Array:
        return reference.softmax(np.maximum(z, np.finfo(z.dtype).min))

    bench = bench_of("softmax", least)
    z = np.array([[[np.finfo(np.float32).min, -np.inf]], [[0.0, -np.inf]]], np.float32)
    call = Call((z,), {}, bench.subject.results(z))
    law = next(each for each in chapter_of(bench.operation).laws_of(bench.operation) if each.name == "masked_classes")
    with silence():
        found = find(chapter_of(bench.operation), law, bench.subject, bench.ruler, [call])
    assert found is not None
    assert found.name == "z is clipped to ±the largest number"


@pytest.mark.release
def test_nothing_is_told_of_what_is_wrong_everywhere_in_its_own_way() -> None:
    assert told("softmax", rows(lambda m, n: True)) == ""
    assert told("adam", lambda theta, grads, **o: (theta + np.sin(grads)).astype(grads.dtype)) == ""


@pytest.mark.release
def test_two_mistakes_at_once_are_no_theory() -> None:
    both = with_options("adam", lambda o: {"eps": 1e-3, "beta1": o["beta1"] / 2})
    found = probed("adam", both)
    assert found is None or found.theory is None


def test_nothing_but_nan_says_so() -> None:
    assert told("adam", lambda theta, grads, **o: np.full_like(grads, np.nan)) == NOTHING


def test_nothing_is_told_of_what_is_right() -> None:
    assert probed("adam", reference.adam) is None
    assert probed("softmax", reference.softmax) is None


def calling(operation: str, function: Function) -> str:
    bench = bench_of(operation, function)
    samples, _ = seen(bench)
    with silence():
        return of_calls(bench, samples, [])


def test_what_is_kept_from_call_to_call_is_told() -> None:
    calls = [0]

    def counting(z: Array) -> Array:
        calls[0] += 1
        return np.asarray(reference.softmax(z) * z.dtype.type(1 + calls[0] % 2))

    assert "something is kept from call to call" in calling("softmax", counting)
    assert calling("softmax", reference.softmax) == ""


def test_shared_memory_and_layouts_are_told() -> None:
    kept: dict[tuple[int, ...], Array] = {}

    def buffered(z: Array) -> Array:
        out = kept.setdefault(z.shape, np.empty_like(z))
        out[...] = reference.softmax(z)
        return out

    def backwards(z: Array) -> Array:
        a = reference.softmax(z)
        return a[::-1].copy() if z.strides[0] < 0 else a

    def wider(z: Array) -> Array:
        return reference.softmax(z.astype(np.float64))

    assert calling("softmax", buffered).startswith("two calls return the same memory")
    assert "negative strides along the rows" in calling("softmax", backwards)
    assert calling("softmax", wider) == "float32 arguments give float64 results"


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        (lambda n: n == 1, "n is 1"),
        (lambda n: n >= 9, "n is 9 or more"),
        (lambda n: n <= 4, "n is 4 or less"),
        (lambda n: 5 <= n <= 8, "n is from 5 to 8"),
        (lambda n: n % 2 == 1, "n is odd"),
        (lambda n: n % 4 == 0, "n is a multiple of 4"),
        (lambda n: n % 4 != 0, "n is no multiple of 4"),
        (lambda n: n > 8 and n % 8 > 1, "n mod 8 is 2 to 7, from 10 on"),
        (lambda n: True, None),
        (lambda n: False, None),
        (lambda n: n > 1, None),  # of one alone, much is right by chance
        (lambda n: n in (3, 4, 11, 17, 18, 25), None),
    ],
)
def test_patterns_of_sizes(holds: Callable[[int], bool], words: str | None) -> None:
    found = pattern({float(n): holds(n) for n in range(1, 34)})
    assert (found and found.words("n")) == words
