"""What a target cannot be given, and what it does not promise, where it says so.

Numbers that are written into it, and targets of a loss that are not class numbers: a law's inputs are made to keep to
that, and a law that itself calls with something else is not offered. Sums whose order differs from call to call: what
the same arguments give is then the same up to rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from nnlaws_reference.dtypes import Array

from nnlaws.authoring.at_size import letters
from nnlaws.authoring.case import Boundary, Builder, Inputs, Range
from nnlaws.authoring.law import Law
from nnlaws.authoring.operation import Operation
from nnlaws.authoring.subject import NotOffered
from nnlaws.authoring.token import Case
from nnlaws.chapters import chapter_of
from nnlaws.chapters.contract.laws import same_numbers_again, same_result_again
from nnlaws.rounding.formats import Format

ONE_HOT = "one_hot"
TARGETS = "y"  # the argument that one-hot targets are
OTHER = "other_"  # before the name of an argument of a call that comes between
RATE = "learning_rate"
LEAST = 2  # columns that a law at size is about, where they are fixed


class Beyond(NotOffered):
    """A call that the target's limits rule out: what it shows is nothing about the target."""


@dataclass(frozen=True)
class Limits:
    """fixed: options that have one value only, and sizes, by the letters of signatures. targets: "one_hot" where a loss
    takes class numbers alone. deterministic: whether the same arguments give the same bits. sizes: of one operation,
    those of what is fixed that are sizes; given: arguments whose entries all have one value, as the γ of a layer that
    scales nothing has. positive: options that may not be 0. below_one: options that may not be 1. constant_rate:
    whether an optimizer has one learning rate for all its steps.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    targets: str = ""
    deterministic: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    given: Mapping[str, float] = field(default_factory=dict[str, float])
    positive: tuple[str, ...] = ()
    below_one: tuple[str, ...] = ()
    constant_rate: bool = False

    def __bool__(self) -> bool:
        """Whether there is something that it cannot be given."""
        cannot = self.fixed, self.targets, self.sizes, self.given, self.positive, self.below_one, self.constant_rate
        return any(cannot)

    def told(self) -> tuple[str, ...]:
        """What is declared, a line each."""
        fixed = ", ".join(f"{name} = {value!r}" for name, value in self.fixed.items())
        lines = {
            f"judged with {fixed} alone, which is fixed": bool(self.fixed),
            "judged with class numbers alone": bool(self.targets),
            f"judged without {' and '.join(self.positive)} of 0, which it refuses": bool(self.positive),
            f"judged without {' and '.join(self.below_one)} of 1, which it refuses": bool(self.below_one),
            "judged with one learning rate for all steps": self.constant_rate,
            "not deterministic: the same arguments are to give the same up to rounding": not self.deterministic,
        }
        return tuple(line for line, holds in lines.items() if holds)

    def of(self, operation: Operation) -> "Limits":
        """Those that bear on an operation: `eps`, or `adam.eps`, of it alone; `C`, or `softmax.C`; `gamma`."""
        fixed: dict[str, Any] = {}
        sizes: dict[str, int] = {}
        given: dict[str, float] = {}
        counted = {letter for dims in operation.arguments.values() for letter in dims}
        for key, value in sorted(self.fixed.items(), key=lambda each: each[0].count(".")):
            scope, _, name = key.rpartition(".")
            if scope in ("", operation.name) and name in operation.options:
                fixed[name] = value
            elif scope in ("", operation.name) and name in operation.arguments:
                given[name] = value
            elif scope in ("", operation.name) and name in counted:
                sizes[name] = value
        targets = self.targets if TARGETS in operation.arguments else ""

        def own(keys: Sequence[str]) -> tuple[str, ...]:
            each = [key.rpartition(".") for key in keys]
            return tuple(name for scope, _, name in each if scope in ("", operation.name) and name in operation.options)

        return replace(
            self,
            fixed=fixed,
            targets=targets,
            sizes=sizes,
            given=given,
            positive=own(self.positive),
            below_one=own(self.below_one),
            constant_rate=self.constant_rate and RATE in operation.options,
        )

    def law(self, law: Law) -> Law:
        """The law on inputs that keep to them, about what is promised; of one that is about no such sizes, `beyond`
        tells.
        """
        if law.check is same_result_again and not self.deterministic:
            law = replace(law, check=same_numbers_again)
        if not self:
            return law
        keeping = replace(law, build=self._keeping(law))
        given = self._of_cases(law)
        if not given or self.beyond(law):
            return keeping
        ranges: dict[str, Range] = {axis: (size, size) for axis, size in given.items()}
        return replace(
            keeping,
            trials=_of_size(law.trials, given),
            largest=_of_size(law.largest, given),
            boundary=_bounded(law.boundary, given),
            m=ranges.get("m", law.m),
            columns=ranges.get("columns", law.columns),
        )

    def beyond(self, law: Law) -> str:
        """Why the law is about no arrays of these sizes; nothing where it is."""
        given = self._of_cases(law)
        named = zip(("m", "columns"), letters(law.operation), strict=True) if given else ()
        told: dict[str, str] = dict(named)
        for axis, size in given.items():
            low, high = getattr(law, axis)
            if law.at_size and axis == "columns":
                low = max(low, LEAST)
            if size < low or (low == high and size != low):
                wanted = f"= {low}" if low == high else f"from {low} on"
                return f"the law is about {told[axis]} {wanted}, and the target has {told[axis]} = {size} fixed"
        return ""

    def _of_cases(self, law: Law) -> dict[str, int]:
        """What of a case is fixed, m or columns."""
        if not self.sizes:
            return {}
        named = zip(("m", "columns"), letters(law.operation), strict=True)
        return {axis: self.sizes[letter] for axis, letter in named if letter in self.sizes}

    def _keeping(self, law: Law) -> Builder:
        def limited(case: Case, format: Format) -> Inputs:
            made = law.build(self._set(case), format)
            options = {**made.options, **{name: self.fixed[name] for name in self.fixed if name in made.options}}
            if self.constant_rate and law.kind != "structure" and _changes(options.get(RATE)):
                options[RATE] = options[RATE][:1] * len(options[RATE])
            if law.kind == "structure":  # what it relates was made for these options
                self.check(law.operation, (), made.options)
            arguments = tuple(
                self._kept(name, x) for name, x in zip(law.operation.arguments, made.arguments, strict=True)
            )
            if self.given and law.kind == "structure":
                self._spare(law, made.arguments, case, format)
            others = {
                name: self._kept(name.removeprefix(OTHER), x)
                for name, x in made.extra.items()
                if name.startswith(OTHER)
            }
            return replace(made, arguments=arguments, extra={**made.extra, **others}, options=options)

        return limited

    def _kept(self, name: str, x: Array) -> Array:
        """An argument of that name, as it may be given."""
        if self.targets and name == TARGETS:
            return _one_hot(x)
        return np.full_like(x, self.given[name]) if name in self.given else x

    def _spare(self, law: Law, arguments: tuple[Array, ...], case: Case, format: Format) -> None:
        """Raises Beyond where the law has made an argument that is given on purpose: it is then not the one that the
        law of the operation's value has in this case.
        """
        usual = _value_law(law.operation).build(self._set(case), format).arguments
        for name, x, other in zip(law.operation.arguments, arguments, usual, strict=True):
            if name in self.given and not (np.array_equal(x, other) or (x == self.given[name]).all()):
                value = self.given[name]
                raise Beyond(f"the law needs a {name} of its own, and the target has {name} = {value!r} fixed")

    def _set(self, case: Case) -> Case:
        """The case with what is fixed as its settings, for arguments may be made of such a number."""
        numbers = {name: float(value) for name, value in self.fixed.items() if _is_number(value)}
        return replace(case, settings=tuple({**dict(case.settings), **numbers}.items()))

    def check(self, operation: Operation, arguments: Sequence[Any], options: Mapping[str, Any]) -> None:
        """Raises Beyond for a call that they rule out."""
        for name, value in self.fixed.items():
            if options.get(name, value) != value:
                raise Beyond(f"the law needs {name} = {options[name]!r}, and the target has {value!r} fixed")
        if self.constant_rate and _changes(options.get(RATE)):
            raise Beyond("the law changes the learning rate, and the target has one for all steps")
        for number, names in ((0, self.positive), (1, self.below_one)):
            for name in names:
                if options.get(name) == number:
                    raise Beyond(f"the law needs {name} = {number}, and the target refuses that")
        for name, x in zip(operation.arguments, arguments, strict=False):
            if name in self.given and not (np.asarray(x) == self.given[name]).all():
                raise Beyond(f"the law needs another {name}, and the target has {name} = {self.given[name]!r} fixed")
            if self.targets and name == TARGETS and not _is_one_hot(x):
                raise Beyond("the law needs targets that are probabilities, and the target takes class numbers")
        for (name, dims), x in zip(operation.arguments.items(), arguments if self.sizes else (), strict=False):
            shape = np.shape(x)[len(np.shape(x)) - len(dims) :]
            for letter, size in zip(dims, shape, strict=False):
                if self.sizes.get(letter, size) != size:
                    raise Beyond(
                        f"the law needs {name} with {letter} = {size}, and the target has {letter} = "
                        f"{self.sizes[letter]} fixed"
                    )


def _value_law(operation: Operation) -> Law:
    """The first that says what its results are."""
    return next(law for law in chapter_of(operation).laws_of(operation) if law.kind == "value")


def _of_size(cases: Sequence[Case], given: Mapping[str, int]) -> tuple[Case, ...]:
    """The cases at these sizes, each once."""
    sized: dict[str, Any] = dict(given)
    return tuple(dict.fromkeys(replace(case, **sized) for case in cases))


def _bounded(boundary: Boundary | None, given: Mapping[str, int]) -> Boundary | None:
    """The same cases at these sizes."""
    if boundary is None:
        return None
    return lambda format, m, columns: _of_size(boundary(format, m, columns), given)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _changes(rate: Any) -> bool:
    """Whether a learning rate is another for some steps."""
    return isinstance(rate, tuple) and len({*rate}) > 1


def _one_hot(y: Array) -> Array:
    """The largest of each row, and nothing else."""
    found = np.zeros_like(y)
    if y.size:
        np.put_along_axis(found, y.argmax(axis=-1)[..., None], 1, axis=-1)
    return found


def _is_one_hot(y: Array) -> bool:
    return bool((((y == 1).sum(axis=-1) == 1) & ((y != 0).sum(axis=-1) == 1)).all())


class Limited:
    """A callee (`nnlaws.isolation.guard`) that is never given what its limits rule out."""

    def __init__(self, callee: Any, operation: Operation, limits: Limits) -> None:
        self.callee, self.operation, self.limits = callee, operation, limits

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.limits.check(self.operation, arguments, options)
        return self.callee(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.callee, name)

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return self._within(arguments, options, lambda: self.callee.call(arguments, options))

    def form(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return self._within(arguments, options, lambda: self.callee.form(arguments, options))

    def elsewhere(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return self._within(arguments, options, lambda: self.callee.elsewhere(arguments, options))

    def lanes(self, arguments: Sequence[Array], options: dict[str, Any], *memory: Any) -> Any:
        return self._within(arguments, options, lambda: self.callee.lanes(arguments, options, *memory))

    def calls(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Any:
        return self._each(each, options, self.callee.calls)

    def forms(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any]) -> Any:
        return self._each(each, options, self.callee.forms)

    def again(self, arguments: Sequence[Array], others: Sequence[Array], options: dict[str, Any], between: Any) -> Any:
        self.limits.check(self.operation, others, options)
        return self._within(arguments, options, lambda: self.callee.again(arguments, others, options, between))

    def at_once(self, each: Sequence[tuple[Array, ...]], options: dict[str, Any]) -> Any:
        return self._each(each, options, self.callee.at_once)

    def keeping(self) -> Any:
        return self.callee.keeping()

    def borrowed(self) -> Any:
        return self.callee.borrowed()

    def parameters(self) -> list[str]:
        found: list[str] = self.callee.parameters()
        return found

    def _within(self, arguments: Sequence[Any], options: dict[str, Any], call: Callable[[], Any]) -> Any:
        self.limits.check(self.operation, arguments, options)
        return call()

    def _each(self, each: Sequence[tuple[Any, ...]], options: dict[str, Any], call: Callable[..., Any]) -> Any:
        for arguments in each:
            self.limits.check(self.operation, arguments, options)
        return call(each, options)
