"""The chapter's own tests: its clauses, its gradients, and that laws kill mistakes and refuse nothing that is right.

The package has to be installed (`pip install -e .`), for nnlaws finds its chapter by the entry point.
"""

import contextlib
import doctest
import io
import re
from collections.abc import Callable
from functools import cache
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import layer_norm_chapter
import nnlaws
import numpy as np
import pytest
from layer_norm_chapter import CHAPTER, formulas, reference
from nnlaws.authoring import Case, Law, Operation, Ruler, SoundVariant, Subject, expand
from nnlaws.authoring.token import TOGETHER
from nnlaws.cli import main
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES, Array
from nnlaws_spec import Clause

EPS = 2.0**-10

every_clause = pytest.mark.parametrize("clause", CHAPTER.text.clauses.values(), ids=CHAPTER.text.clauses.keys())


def numbers(m: int, n: int, seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """z, gamma, beta and an upstream gradient."""
    random = np.random.default_rng((seed, m, n))
    return 3 + random.normal(size=(m, n)), random.normal(size=n), random.normal(size=n), random.normal(size=(m, n))


# --- clauses ---


def test_nnlaws_finds_the_chapter() -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["list", "operations"]) == 0
    assert "layer_norm_backward" in printed.getvalue(), "install the package first: pip install -e ."


@every_clause
def test_a_clause_has_one_must_and_a_law(clause: Clause) -> None:
    assert len(re.findall(r"\bMUST\b", clause.statement)) == 1
    assert any(law.clause == clause.id for law in CHAPTER.laws)
    assert set(clause.see_also) <= CHAPTER.text.clauses.keys() - {clause.id}


@every_clause
def test_a_clauses_examples_run(clause: Clause) -> None:
    parser = doctest.DocTestParser()
    setup, examples = parser.get_examples(CHAPTER.text.preamble), parser.get_examples(clause.text)
    assert any(example.want for example in examples)
    shown = doctest.DocTest([*setup, *examples], {}, clause.id, "chapter.md", 0, None)
    said: list[str] = []
    assert doctest.DocTestRunner().run(shown, out=said.append).failed == 0, "".join(said)


def test_it_imports_nothing_of_nnlaws_but_what_authors_may() -> None:
    allowed = ("nnlaws.authoring", "nnlaws.rounding", "nnlaws.chance")
    for path in Path(layer_norm_chapter.__file__).parent.glob("*.py"):
        found = re.findall(r"^\s*(?:from|import) (nnlaws(?:\.\w+)*)\b", path.read_text("utf-8"), re.MULTILINE)
        assert [module for module in found if not module.startswith(allowed)] == [], path.name


# --- formulas and reference ---


@pytest.mark.parametrize(
    ("m", "n", "epsilon"),
    [(1, 1, "inside"), *((m, n, epsilon) for m, n in ((1, 2), (3, 4), (2, 7)) for epsilon in ("inside", "outside"))],
)
def test_the_gradients_are_those_of_the_formula(m: int, n: int, epsilon: formulas.Epsilon) -> None:
    """LNORM-13 to LNORM-15, proven: the exact derivative lies within 1e-30 of what the formula says.

    With ε outside, √σ² has no derivative at n = 1, where it is 0.
    """
    z, gamma, beta, dout = numbers(m, n)

    def loss(z: Any, gamma: Any, beta: Any, dout: Any) -> Any:
        return (formulas.layer_norm(z, gamma, beta, eps=EPS, epsilon=epsilon) * dout).sum()

    def gradient(number: int, dout: Any, z: Any, gamma: Any) -> Any:
        return formulas.layer_norm_backward(dout, z, gamma, eps=EPS, epsilon=epsilon)[number]

    certificates = (
        nnlaws.certify(loss, lambda z, gamma, beta, dout: gradient(0, dout, z, gamma), z, gamma, beta, dout),
        nnlaws.certify(
            lambda gamma, z, beta, dout: loss(z, gamma, beta, dout),
            lambda gamma, z, beta, dout: gradient(1, dout, z, gamma),
            *(gamma, z, beta, dout),
        ),
        nnlaws.certify(
            lambda beta, z, gamma, dout: loss(z, gamma, beta, dout),
            lambda beta, z, gamma, dout: gradient(2, dout, z, gamma),
            *(beta, z, gamma, dout),
        ),
    )
    for certificate in certificates:
        assert certificate, certificate
        assert certificate.radius < 1e-30


def test_a_wrong_gradient_has_no_certificate() -> None:
    z, gamma, beta, dout = numbers(2, 4)

    def loss(z: Any, gamma: Any, beta: Any, dout: Any) -> Any:
        return (formulas.layer_norm(z, gamma, beta, eps=EPS) * dout).sum()

    def scaled_last(z: Any, gamma: Any, beta: Any, dout: Any) -> Any:
        return gamma * formulas.layer_norm_backward(dout, z, 1 + 0 * gamma, eps=EPS)[0]

    assert not nnlaws.certify(loss, scaled_last, z, gamma, beta, dout)


def test_values_by_hand() -> None:
    """σ² = 1 and ε = 3: √(σ² + ε) is 2. g = (2, 6), mean 4, z_norm = ∓1/2, mean of g z_norm 1."""
    z, gamma, beta = np.array([[-1.0, 1.0]]), np.array([2.0, 2.0]), np.array([1.0, 0.0])
    dout = np.array([[1.0, 3.0]])
    for functions in (formulas, reference):
        assert functions.layer_norm(z, gamma, beta, eps=3.0).tolist() == [[0, 1]]
        dz, dgamma, dbeta = functions.layer_norm_backward(dout, z, gamma, eps=3.0)
        assert (dz.tolist(), dgamma.tolist(), dbeta.tolist()) == ([[-0.75, 0.75]], [-0.5, 1.5], [1, 3])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z": np.ones(3)}, "z\\[None\\]"),
        ({"z": np.ones((2, 0)), "gamma": np.ones(0), "beta": np.ones(0)}, "n ≥ 1"),
        ({"gamma": np.ones(2)}, "expected gamma of shape"),
        ({"beta": np.ones(3, np.float32)}, "expected beta of shape"),
        ({"eps": -1.0}, "1e-5 is usual"),
    ],
)
def test_the_reference_says_what_is_wrong_with_its_arguments(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"z": np.ones((2, 3)), "gamma": np.ones(3), "beta": np.ones(3), "eps": 1e-5, **change}
    with pytest.raises(ValueError, match=words):
        reference.layer_norm(given["z"], given["gamma"], given["beta"], eps=given["eps"])


# --- laws ---


class Calls:
    """An implementation as laws see it: called once for each array of a batch."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def results(self, *arguments: Array, **options: Any) -> tuple[Array, ...]:
        each = [self.function(*(a.copy() for a in lane), **options) for lane in zip(*arguments, strict=True)]
        lanes = [result if isinstance(result, tuple) else (result,) for result in each]
        return tuple(np.stack(result).astype(np.float64) for result in zip(*lanes, strict=True))


BATTERY = (
    *(("steps", 3), ("integers", 12), ("normal", 60), ("offset", -200)),
    *(("unlike", 150), ("outlier", 200), ("constant", -90), ("tiny", -12)),
)
"""Of each family a level at which it shows what it is for."""


def holds(law: Law, function: Callable[..., Any], dtype: str, conventions: dict[str, str]) -> bool:
    """Whether the law holds on a few cases of every family, of several shapes and ε."""
    ruler, subject = Ruler(law.operation, format_of(DTYPES[dtype]), conventions), cast("Subject", Calls(function))
    for number, (family, k) in enumerate(BATTERY):
        sizes = ((2 + number % 2, law.m), (3 + number % 3, law.columns))
        m, columns = (max(low, min(size, high)) for size, (low, high) in sizes)
        case = Case(m, columns, family, k, TOGETHER * number)
        with np.errstate(all="ignore"):
            if not law.evidence(subject, ruler, expand(law.build, case, ruler.format, 2)).holds:
                return False
    return True


@cache
def killed_by(law: Law) -> frozenset[str]:
    """In float32; or in float16, where what overflows, or is rounded too often, shows."""
    found: set[str] = set()
    for dtype in ("float32", "float16"):
        left = [mutant for mutant in CHAPTER.mutants_of(law.operation) if mutant.name not in found]
        found |= {mutant.name for mutant in left if not holds(law, mutant.function, dtype, {})}
    return frozenset(found)


@pytest.mark.parametrize("law", CHAPTER.laws, ids=lambda law: law.id)
def test_every_law_kills_a_mistake(law: Law) -> None:
    assert killed_by(law)


@pytest.mark.parametrize("operation", CHAPTER.operations, ids=str)
def test_every_mistake_is_killed(operation: Operation) -> None:
    killed = frozenset[str]().union(*map(killed_by, CHAPTER.laws_of(operation)))
    assert {mutant.name for mutant in CHAPTER.mutants_of(operation)} - killed == set()


VARIANTS = [
    *CHAPTER.sound,
    *(SoundVariant(each.name, f"{each.name}.reference", each.reference) for each in CHAPTER.operations),
]
TURNS = [*zip(VARIANTS, cycle(DTYPES), strict=False)]


@pytest.mark.parametrize(("variant", "dtype"), TURNS, ids=lambda each: getattr(each, "name", each))
def test_laws_refuse_nothing_that_is_right(variant: SoundVariant, dtype: str) -> None:
    """Each in one dtype, by turns. A convention says something of its own operation in some dtypes alone."""
    for law in CHAPTER.laws:
        if law.operation.name == variant.operation:
            known = law.operation.choices(dtype)
            declared = {name: value for name, value in variant.conventions.items() if name in known}
            if declared == variant.conventions:
                assert holds(law, variant.function, dtype, declared), law.id


@pytest.mark.parametrize(
    ("name", "cause"), [("one_pass", "variance = one_pass"), ("epsilon_outside", "epsilon = outside")]
)
def test_an_undeclared_convention_is_named(name: str, cause: str) -> None:
    (variant,) = [each for each in CHAPTER.sound if each.name == f"layer_norm.{name}"]
    target = SimpleNamespace(layer_norm=variant.function)
    (result,) = nnlaws.check(target, laws=("layer_norm.value",), dtypes=("float32",)).results
    assert result.violation is not None
    assert result.violation.cause is not None
    assert result.violation.cause.name == cause


@pytest.mark.parametrize("name", ["layer_norm", "layer_norm_backward"])
def test_at_a_mean_of_ten_thousand_deviations_one_pass_needs_its_declaration(name: str) -> None:
    """In float32 E[z²] − μ² has no right digit there."""
    (law,) = [law for law in CHAPTER.laws if law.id == f"{name}.value"]
    for seed in range(20):
        case = Case(4, 8, "offset", 200, 4 * seed)
        inputs = expand(law.build, case, format_of(DTYPES["float32"]), 1)
        for variant in CHAPTER.sound:
            if variant.operation == name and "epsilon" not in variant.conventions:
                subject = cast("Subject", Calls(variant.function))
                right = law.evidence(subject, Ruler(law.operation, format_of(DTYPES["float32"]), {}), inputs).holds
                assert right == (variant.conventions.get("variance") != "one_pass"), variant.name
