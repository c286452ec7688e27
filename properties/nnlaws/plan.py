"""Plans: what is asked of a run, as plain data that goes to JSON and back.

Imports nothing heavy: the parent process lives on it.
"""

from dataclasses import dataclass, field
from typing import Any

from nnlaws.report import MUST, SHOULD, LawResult, Outcome


@dataclass(frozen=True)
class Profile:
    """How hard to look: examples that Hypothesis draws a law and dtype; whether it draws the same ones in every run;
    how many times as many draws of a sampler; seconds of work that the cause of a violation is worth, where no known
    mistake does just this. patience: seconds that a call at size may take. sizes: which share of a law's sizes, the
    smallest first; scale: whether to judge at size alone, and at the largest sizes too."""

    examples: int
    derandomize: bool
    draws: int = 1
    probing: float = 1.5
    patience: float = 1.0
    sizes: float = 1.0
    scale: bool = False


PROFILES = {
    "quick": Profile(examples=8, derandomize=True, probing=1.0, sizes=0.5),
    "ci": Profile(examples=16, derandomize=True),
    "thorough": Profile(examples=1000, derandomize=False, draws=8, probing=5.0, patience=5.0),
    "scale": Profile(examples=16, derandomize=True, patience=60.0, scale=True),
}


@dataclass(frozen=True)
class Selection:
    """What to run: empty tuples mean all operations, all laws (by id, name or clause), the target's own dtypes.

    seed: None draws the profile's own cases (the same each time for quick and ci, new ones for thorough).
    timeout: seconds that one call into the target may take; the first of an operation, which may compile, may take
    12 times as long. memory: GiB that the target's process may hold. strict: whether what falls short of a SHOULD
    violates. trace: a file that gets what is said to and by a client. rows, columns, steps: sizes to judge at in place
    of those of the laws at size, which are then the only ones that run; 0 for none. shapes: "few" where the target
    compiles each shape anew (`nnlaws.harness.shapes`).
    """

    operations: tuple[str, ...] = ()
    laws: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    profile: str = "ci"
    seed: int | None = None
    timeout: float = 10.0
    memory: float = 8.0
    strict: bool = False
    trace: str = ""
    rows: int = 0
    columns: int = 0
    steps: int = 0
    shapes: str = ""

    @property
    def looked(self) -> str:
        """How hard to look, as reports say it: the profile, and sizes where there are any."""
        sizes = [f"{name} {size}" for name in ("rows", "columns", "steps") if (size := getattr(self, name))]
        return ", ".join((self.profile, *sizes, *([f"{self.shapes} shapes"] if self.shapes else [])))

    @property
    def at_size(self) -> bool:
        """Whether only laws at size run: of chance, those that have the largest numbers of draws."""
        return self.largest or self.own_sizes

    @property
    def own_sizes(self) -> bool:
        return bool(self.rows or self.columns or self.steps)

    @property
    def largest(self) -> bool:
        return PROFILES[self.profile].scale

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Selection":
        fields: dict[str, Any] = dict(data)
        for name in ("operations", "laws", "dtypes"):
            fields[name] = tuple(data[name])
        return cls(**fields)


RANDOM = "random"
"""The seed that is drawn anew for each run."""

BOUND = "bound"
"""What the worst ratio of a result is a part of where rounding is judged: the largest error that is allowed."""


@dataclass(frozen=True)
class Judged:
    """How an operation is judged. limit: what the worst ratio of a result is a part of. precisions: the names of how
    finely it may round, the coarsest first, where that is told apart.
    """

    limit: str
    precisions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a target is and offers, and the tasks selected for it. judged: of each operation, how.

    plugins: the chapters of other packages, with package and version. left_out: a line for each that is broken.
    libraries: the versions of what the target has imported, by name. recognised: what it was taken for, and judged as,
    where it is no target by itself. declares: what it cannot be given, and what it does not promise, a line each.
    """

    description: str
    offered: tuple[str, ...]
    tasks: tuple["Task", ...]
    judged: dict[str, Judged] = field(default_factory=dict[str, Judged])
    plugins: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    libraries: dict[str, str] = field(default_factory=dict[str, str])
    recognised: tuple[str, ...] = ()
    declares: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Plan":
        judged = {name: Judged(each["limit"], tuple(each["precisions"])) for name, each in data["judged"].items()}
        texts = {name: tuple(data[name]) for name in ("offered", "plugins", "left_out", "recognised", "declares")}
        return cls(
            description=data["description"],
            tasks=tuple(Task(**task) for task in data["tasks"]),
            judged=judged,
            libraries=dict(data["libraries"]),
            **texts,
        )


@dataclass(frozen=True)
class Task:
    """One law in one dtype, to be run: on cases that are searched for, or on the one whose token is `case`.

    kind: whether it is a law of value, size, structure or state. level: that of its clause. strict: whether what
    breaks it violates, whatever its level. hidden: why it is not offered, where the operation is. trial: conventions to
    hold the target to in place of those that it declares; then no cause is sought.
    """

    law: str
    clause: str
    statement: str
    operation: str
    dtype: str
    offered: bool
    kind: str = "structure"
    case: str = ""
    trial: dict[str, str] | None = None
    level: str = MUST
    hidden: str = ""
    strict: bool = False

    @property
    def name(self) -> str:
        """As a test item is named: by clause first."""
        return f"{self.clause}-{self.law}-{self.dtype}"

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others of a run."""
        return self.law, self.dtype

    @property
    def counts(self) -> bool:
        """Whether the target does not conform where it breaks the law."""
        return self.strict or self.level != SHOULD

    def result(self, outcome: Outcome, **more: Any) -> LawResult:
        return LawResult(
            self.law,
            self.clause,
            self.statement,
            self.operation,
            self.dtype,
            outcome,
            level=self.level,
            kind=self.kind,
            **more,
        )

    def broken(self, outcome: Outcome, **more: Any) -> LawResult:
        """The result where the law does not hold, or the target fails under it; of a SHOULD, it falls short."""
        return self.result(outcome if self.counts else Outcome.FALLS_SHORT, **more)
