"""What a chapter is: one subject, from the words of its clauses to the mistakes that its laws catch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from types import ModuleType

from nnlaws_spec import ChapterText

from nnlaws.authoring.convention import Convention
from nnlaws.authoring.errors import ChapterError
from nnlaws.authoring.judging import Judging
from nnlaws.authoring.later import Later
from nnlaws.authoring.law import Law
from nnlaws.authoring.mutant import Mutant
from nnlaws.authoring.operation import SIGNATURE, Operation
from nnlaws.authoring.variant import SoundVariant


@dataclass(frozen=True, eq=False)
class Chapter:
    """All that there is on one subject.

    text: its clauses. operations: what implementations offer, each with its formula, reference and bound. laws: what
    must hold of them. mutants: known mistakes, each of which some law must catch. sound: other right algorithms, which
    none may refuse. judging: by rounding or by chance, with the inputs that it takes. place: where it stands among the
    others.
    """

    text: ChapterText
    operations: tuple[Operation, ...]
    laws: tuple[Law, ...]
    mutants: Sequence[Mutant]
    sound: Sequence[SoundVariant]
    judging: Judging
    place: int = 1000

    def __post_init__(self) -> None:
        problem = next(_problems(self), "")
        if problem:
            raise ChapterError(f"chapter {self.name!r}: {problem}")

    @property
    def name(self) -> str:
        return self.text.name

    @property
    def prefix(self) -> str:
        """What the ids of its clauses begin with."""
        return self.text.prefix

    @property
    def formulas(self) -> ModuleType:
        return self.operations[0].formulas

    @property
    def reference(self) -> ModuleType:
        return self.operations[0].reference_module

    @property
    def bounds(self) -> ModuleType | None:
        return self.operations[0].bounds

    @property
    def conventions(self) -> tuple[Convention, ...]:
        """Every convention that bears on one of its operations, once."""
        return tuple(dict.fromkeys(each for operation in self.operations for each in operation.conventions))

    def laws_of(self, operation: Operation) -> list[Law]:
        return [law for law in self.laws if law.operation is operation]

    def mutants_of(self, operation: Operation) -> list[Mutant]:
        return [mutant for mutant in self.mutants if mutant.operation == operation.name]


def _problems(chapter: Chapter) -> Iterator[str]:
    """What does not hold together, the first thing first: what is there, what is expected, what to do."""
    if not chapter.operations:
        yield "it has no operations; give at least one"
    names = [operation.name for operation in chapter.operations]
    for operation in chapter.operations:
        if not SIGNATURE.fullmatch(operation.signature):
            yield (
                f"the signature of {operation.name} is {operation.signature!r}; expected arrays with their axes, such "
                "as 'x(m,n), *, eps -> y(m,n)'"
            )
        modules = {"reference": operation.reference_module}
        if operation.bounds is not None:  # what draws has no formula of its draws
            modules |= {"formula": operation.formulas, "bound": operation.bounds}
        for what, module in modules.items():
            if not callable(getattr(module, operation.name, None)):
                yield f"the {what} of {operation.name} is missing; define {operation.name} in {module.__name__}"
    declared = {(each.name, each.value) for each in chapter.conventions}
    for variant in chapter.text.variants:
        if (variant.name, variant.value) not in declared:
            yield (
                f"a clause has the variant `{variant.name} = {variant.value}`, which no operation takes; give it to "
                "those that it bears on, as a Convention"
            )
    for law in chapter.laws:
        if law.operation not in chapter.operations:
            yield f"the law {law.id} is about an operation of another chapter; give it one of {', '.join(names)}"
        if not 0 < law.share < inf:
            yield f"the law {law.id} has a share of {law.share}; expected a number above 0, 1 for all examples"
        if law.clause.startswith(f"{chapter.prefix}-") and law.clause not in chapter.text.clauses:
            yield f"the law {law.id} cites {law.clause}, which no clause has; write the clause, or cite another"
    for kind, things in (("mutant", chapter.mutants), ("sound variant", chapter.sound)):
        for thing in () if isinstance(things, Later) else things:  # those would have to be imported for it
            if thing.operation not in names:
                yield f"the {kind} {thing.name} is of {thing.operation!r}; expected one of {', '.join(names)}"
    for law_id, times in Counter(law.id for law in chapter.laws).items():
        if times > 1:
            yield f"{times} laws are called {law_id}; give their checks different names"
