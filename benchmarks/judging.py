"""Judges mutants of the reference and of the formulas by the laws alone, each in a child process of its own."""

import multiprocessing
import os
import re
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import sha256
from importlib import import_module
from itertools import product
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

import nnlaws.adapters.reference as adapter
import nnlaws_reference
import nnlaws_spec.formulas
from mutated import Mutation, mentioned, mutations, used
from nnlaws import chapters
from nnlaws.authoring import ruler
from nnlaws.authoring.law import Law
from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters import LAWS, MUTANTS, OPERATIONS, SOUND, chapter_of
from nnlaws.harness.methods import search
from nnlaws.harness.search import Search
from nnlaws.harness.targets import Target, of
from nnlaws.isolation.guard import GuardedSubject
from nnlaws.plan import Selection
from nnlaws.rounding.formats import format_of
from nnlaws_reference.dtypes import DTYPES
from nnlaws_server.callee import silence

COPY = "mutated_reference"
PACKAGES = {"reference": nnlaws_reference, "formulas": nnlaws_spec.formulas}
ORDER = (
    *("softmax", "losses", "counts", "steps", "trajectories", "decay", "schedules", "scales", "sampling", "search"),
    *(
        "hyperparameters",
        "more_samplers",
        "batch_norm",
        "layers",
        "optimizers",
        "more_optimizers",
        "dtypes",
        "__init__",
    ),
)
LOOKS = {
    "reference": (("quick", "float32"), ("quick", "bfloat16"), ("ci", "float64")),
    "formulas": (("quick", "float64"), ("ci", "float64"), ("quick", "float32")),  # only float64 is compared with balls
}
NARROWEST = {"reference.dtypes": (("quick", "float16"),)}
RANDOMISED = ("formulas.sampling", "formulas.search", "formulas.more_samplers")
SECONDS = 120  # of processor time, beyond which a mutant is out of time; the slowest survivors take half of it
BYTES = 8 << 30  # of address space

Verdict = tuple[str, str]
"""killed, survived, or timed out; and by which law and dtype, or by what error."""


@dataclass(frozen=True)
class Subject:
    """A target's operation under the conventions that it declares there.

    broken: whether the target, a known mistake, breaks the law.
    """

    law: Law
    profile: str
    dtype: str
    target: Target
    broken: bool = False


def modules() -> list[str]:
    return [f"{kind}.{name}" for kind, name in product(PACKAGES, ORDER) if _path(kind, name).exists()]


def _path(kind: str, name: str) -> Path:
    return Path(str(PACKAGES[kind].__file__)).parent / f"{name}.py"


def _source(module: str) -> str:
    return _path(*module.split(".")).read_text(encoding="utf-8")


@lru_cache
def digest(module: str) -> str:
    return sha256(_source(module).encode()).hexdigest()[:12]


@lru_cache
def mutations_of(module: str) -> list[Mutation]:
    return mutations(module, _source(module))


# Which mutants laws can reach at all


@lru_cache
def _reached(module: str) -> set[str]:
    """What of a module the harness calls, itself or by way of the module's other functions; by name."""
    kind, name = module.split(".")
    package = PACKAGES[kind].__name__
    roots = {operation.name for operation in OPERATIONS.values() if chapter_of(operation).name == name}
    if kind == "reference":
        others = [other for other in _path(kind, name).parent.glob("*.py") if other.stem not in (name, "__init__")]
        imports = re.compile(rf"from {package}(?:\.{name})? import (\([^)]*\)|.*)")
        texts = [path.read_text(encoding="utf-8") for path in (*others, Path(str(adapter.__file__)))]
    else:
        imports = re.compile(rf"from {package} import (.*)")
        texts = [path.read_text(encoding="utf-8") for path in Path(str(adapter.__file__)).parents[1].rglob("*.py")]
        texts += [_source(f"formulas.{other}") for other in ORDER if other != name and _path(kind, other).exists()]
    for text in texts:
        for listed in imports.findall(text):
            roots |= set(re.findall(r"\w+", listed))
            for alias in re.findall(rf"\b{name}(?: as (\w+))?", listed) if kind == "formulas" else ():
                roots |= set(re.findall(rf"\b{alias or name}\.(\w+)", text))
    return used(_source(module), sorted(roots))


def _offered(module: str) -> tuple[str, ...]:
    """The operations by which a module is judged: its chapter's, and those of chapters that are made of it."""
    chapter = module.partition(".")[2]
    chapters = {
        "counts": ("decay", "schedules"),
        "steps": ("optimizers", "more_optimizers"),
        "trajectories": ("optimizers", "more_optimizers"),
        "dtypes": ("softmax", "decay"),
        "__init__": ("decay",),
        "scales": ("scales", "sampling", "search") if module.startswith("formulas") else ("scales",),
        "sampling": ("sampling", "search") if module.startswith("formulas") else ("sampling", "more_samplers"),
        "search": ("search", "sampling") if module.startswith("formulas") else ("search",),
    }.get(chapter, (chapter,))
    return tuple(each.name for chapter in chapters for each in OPERATIONS.values() if chapter_of(each).name == chapter)


def reachable(mutation: Mutation) -> bool:
    reached = _reached(mutation.module)
    return not mutation.raising and (bool(reached) if not mutation.function else mutation.function in reached)


# Judging


def copied(module: str = "", text: str = "") -> Target:
    """The reference as a target, all of it executed anew under another name; with that text of one module."""
    package = sys.modules[COPY] = ModuleType(COPY)
    package.__path__ = []
    there = [name for name in ORDER[:-2] if _path("reference", name).exists()]
    for name in ("dtypes", *there):  # each after those that it imports
        made = sys.modules[f"{COPY}.{name}"] = ModuleType(f"{COPY}.{name}")
        own = f"reference.{name}" == module
        exec(_compiled(text if own else _source(f"reference.{name}"), name), made.__dict__)
        setattr(package, name, made)
    exec(_compiled(_source("reference.__init__"), "__init__"), package.__dict__)
    offering = ModuleType(f"{COPY}_adapter")
    exec(_compiled(Path(str(adapter.__file__)).read_text(encoding="utf-8"), "adapter"), offering.__dict__)
    return of(offering, "reference")


@lru_cache(maxsize=16)
def _compiled(text: str, name: str) -> Any:
    return compile(text.replace("nnlaws_reference", COPY), f"<{name}>", "exec", dont_inherit=True)


def _replaced(module: str, text: str) -> None:
    """Puts a mutated formula in the true one's place."""
    exec(compile(text, "<formula>", "exec", dont_inherit=True), sys.modules[_name(module)].__dict__)
    if module == "formulas.__init__":  # decay has a name of its own for what it imports
        exec(compile(_source("formulas.decay"), "<decay>", "exec"), sys.modules[_name("formulas.decay")].__dict__)
    for operation in OPERATIONS.values():
        operation.__dict__.pop("formula", None)


def _name(module: str) -> str:
    kind, name = module.split(".")
    return f"{PACKAGES[kind].__name__}.{name}".removesuffix(".__init__")


def _subjects(module: str, target: Target) -> list[Subject]:
    """All that a module's mutants are judged by, cheap looks first."""
    kind, operations = module.partition(".")[0], _offered(module)
    targets = [target]
    if kind == "formulas":
        targets += [
            Target(each.name, "", {each.operation: each.function}, conventions=each.conventions)
            for each in SOUND
            if module in RANDOMISED or _declares(each)
        ]
    return [
        Subject(law, profile, dtype, each)
        for profile, dtype in (*LOOKS[kind], *NARROWEST.get(module, ()))
        for each in targets
        for law in LAWS
        if law.operation.name in operations and law.operation.name in each.operations
        if (law.operation.arrays or dtype == "float64")
        if not law.trials or profile == "ci"  # they have the same cases in both
        if law.clause != "OP-17" or each is target  # most variants have no state to save
        if not law.name.endswith("_elsewhere")  # another process has no copy that is mutated here
    ]


def _declares(variant: SoundVariant) -> bool:
    """Whether a sound variant is one by a convention of its own operation's."""
    return bool(variant.conventions.keys() & {each.name for each in OPERATIONS[variant.operation].conventions})


def _mistaken(module: str, seed: int | None) -> list[Subject]:
    """The known mistakes that laws of a chapter of chances see: a formula there is wrong, too, if it makes a law blind.

    Elsewhere a law compares with exact values, and to be blind to anything its formula has to be wrong about the truth.
    """
    if module not in RANDOMISED:
        return []
    found = [
        Subject(law, "ci", "float64", Target(each.name, "", {each.operation: each.function}), broken=True)
        for law in LAWS
        for each in MUTANTS
        if law.trials and law.operation.name == each.operation and each.operation in _offered(module)
        if not law.name.endswith("_elsewhere")
    ]
    return [each for each in found if _breaks(each, seed)]


def made_with(mutation: Mutation) -> list[str]:
    """The operations of the module's own chapter that depend on the function that was changed."""
    module, chapter = mutation.module, mutation.module.partition(".")[2]
    source, defined = _source(module), vars(import_module(_name(module)))
    return [
        operation
        for operation in _offered(module)
        if chapter_of(OPERATIONS[operation]).name == chapter and mutation.function
        if mutation.function in used(source, [n for n in defined if re.match(rf"{operation}(_init|_update)?$", n)])
    ]


def _concerned(mutation: Mutation, subjects: Sequence[Subject]) -> list[Subject]:
    """Those that depend on the function that was changed, by their operation, or else by name; of a mere refusal, a
    first look, which a wrong one fails."""
    source, defined = _source(mutation.module), vars(import_module(_name(mutation.module)))
    chapter, near = mutation.module.partition(".")[2], made_with(mutation)
    checks = {each.law.check.__name__ for each in subjects}
    callers = {name for name in defined if mutation.function in used(source, [name])}
    asking = checks if near else {check for check in checks if callers & mentioned(_laws(chapter), check)}
    first = LOOKS[mutation.module.partition(".")[0]][0]
    return [
        each
        for each in subjects
        if each.law.operation.name in (near or _offered(mutation.module))
        and each.law.check.__name__ in (asking or checks)
        if not mutation.refusal or (each.profile, each.dtype) == first or each.law.trials
    ]


@lru_cache
def _laws(chapter: str) -> str:
    """The text of a chapter's laws, and of what they are made of."""
    paths = sorted((Path(str(chapters.__file__)).parent / chapter).glob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def _breaks(one: Subject, seed: int | None) -> bool:
    operation = one.law.operation
    conventions = one.target.conventions_for(operation.name, one.dtype)
    measured = ruler.Ruler(operation, format_of(DTYPES[one.dtype]), conventions)
    subject = GuardedSubject(one.target.operations[operation.name], operation)
    selection = Selection(profile=one.profile, seed=seed)
    with silence():
        return bool(search(Search(one.law, subject, measured, one.target.name, selection, shrink=False)).failures)


def _judge(mutation: Mutation, subjects: Sequence[Subject], seed: int | None) -> Verdict:
    reference = mutation.module.startswith("reference")
    try:
        if reference:
            target = copied(mutation.module, mutation.text)
            subjects = [replace(each, target=target) for each in subjects]
        else:
            _replaced(mutation.module, mutation.text)
            vars(ruler)["_measures"].cache_clear()
        for each in subjects:
            if each.law.operation.name not in each.target.operations or _breaks(each, seed) != each.broken:
                return "killed", f"{each.law.id} {each.dtype}" + f", blind to {each.target.name}" * each.broken
    except Exception as error:
        return "killed", type(error).__name__
    return "survived", ""


def _child(pipe: Connection, judge: Callable[[Sequence[Subject]], Verdict], subjects: Sequence[Subject]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        pipe.send(judge(subjects))


def judge_all(
    module: str, todo: Sequence[Mutation], jobs: int, seed: int | None, quick: bool
) -> Iterator[tuple[Mutation, Verdict]]:
    """Judges the mutants in child processes, which know what the true code gave."""
    if not todo:
        return
    subjects, began = _baseline(module, seed, quick), time.perf_counter()
    fork, kills = multiprocessing.get_context("fork"), Counter[str]()
    running: dict[Connection, tuple[Any, Mutation, float]] = {}
    waiting = list(reversed(todo))
    done = 0
    while waiting or running:
        while waiting and len(running) < jobs:
            mutation = waiting.pop()
            ours, theirs = fork.Pipe(duplex=False)
            ordered = sorted(
                _concerned(mutation, subjects), key=lambda each: -kills[f"{each.law.id} {each.dtype}"] if kills else 0
            )
            child = fork.Process(target=_child, args=(theirs, partial(_judge, mutation, seed=seed), ordered))
            child.start()
            theirs.close()
            running[ours] = child, mutation, time.monotonic()
        ready = wait(list(running), timeout=1)
        late = [pipe for pipe, (_, _, start) in running.items() if time.monotonic() - start > 6 * SECONDS]
        for pipe in {*ready, *late}:
            assert isinstance(pipe, Connection)
            child, mutation, _ = running.pop(pipe)
            try:
                verdict: Verdict = pipe.recv() if pipe in ready else ("timed out", "")
            except EOFError:
                child.join()
                ended = child.exitcode in (-signal.SIGXCPU, -signal.SIGKILL)
                verdict = ("timed out", "") if ended else ("killed", f"exit {child.exitcode}")
            child.kill()
            child.join()
            kills[verdict[1]] += 1
            done += 1
            if verdict[0] != "killed" or done % 50 == 0:
                seconds = time.perf_counter() - began
                said = f"{done}/{len(todo)} {seconds:.0f} s  {module} {verdict[0]}: {mutation.key}"
                print(said, file=sys.stderr, flush=True)
            yield mutation, verdict


def _baseline(module: str, seed: int | None, quick: bool) -> list[Subject]:
    """What the module's mutants are judged by, after the true code has passed it. What it was held to is remembered."""
    for name in ("_bounds", "_measures"):
        setattr(ruler, name, lru_cache(maxsize=None)(getattr(ruler, name).__wrapped__))
    began = time.perf_counter()
    subjects = [e for e in _subjects(module, copied()) if not quick or e.profile == "quick" or e.law.trials]
    broken = [f"{each.law.id} {each.dtype} {each.target.name}" for each in subjects if _breaks(each, seed)]
    if broken:
        raise SystemExit(f"{module}: without any mutation these are broken: {', '.join(broken)}")
    mistaken = _mistaken(module, seed)
    seconds = time.perf_counter() - began
    print(f"{module}: the true code conforms, {seconds:.0f} s; {len(mistaken)} mistakes are seen", file=sys.stderr)
    return [*subjects, *mistaken]
