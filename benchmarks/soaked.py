"""What a soak found: its log, and the section of docs/trust.md that says it."""

import datetime
import hashlib
import json
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from nnlaws.chapters import LAWS, chapter_of
from nnlaws.report import Outcome
from nnlaws_reference.dtypes import DTYPES
from scipy.stats import beta

VARIANT = "sound:"  # begins the name of a target that is a sound variant
RUNS = 100_000
CHAPTERS = {law.id: chapter_of(law.operation).name for law in LAWS}


class Fault(NamedTuple):
    """Alarms that were looked into, and are true: the target, laws beginning so, dtypes, and what is wrong there."""

    target: str
    laws: str
    dtypes: tuple[str, ...]
    why: str


FAULTS = (
    Fault(
        *("scipy-variables", "one_minus_log_uniform_map.", ("float64",)),
        "SciPy 1.17.1's iccdf, of a random variable made by make_distribution, raises TypeError below about 1e-8",
    ),
)


@dataclass(frozen=True)
class Found:
    """What one law run found, a line of the log. shown: the report of a violation or an error."""

    number: int
    target: str
    law: str
    dtype: str
    seed: int
    outcome: Outcome
    worst: float | None
    arrays: int
    seconds: float
    replay: str = ""
    shown: str = ""

    @property
    def judged(self) -> bool:
        return self.outcome is not Outcome.NOT_OFFERED

    @property
    def alarm(self) -> bool:
        return self.outcome in (Outcome.VIOLATES, Outcome.ERROR)

    @property
    def fault(self) -> str:
        """Why the alarm is true, if that is known."""
        known = (fault for fault in FAULTS if fault.target == self.target)
        return next((one.why for one in known if self.law.startswith(one.laws) and self.dtype in one.dtypes), "")

    @property
    def false(self) -> bool:
        return self.alarm and not self.fault


def read(log: Path) -> dict[int, Found]:
    """The law runs in a log by number. A last line that was cut off does not count."""
    found: dict[int, Found] = {}
    for line in log.read_text("utf-8").splitlines(keepends=True)[1:]:
        if line.endswith("\n"):
            fields: dict[str, Any] = json.loads(line)
            fields["worst"] = None if fields["worst"] is None else float(fields["worst"])
            fields["outcome"] = Outcome(fields["outcome"])
            found[fields["number"]] = Found(**fields)
    return found


def note(found: Found, log: TextIO) -> None:
    """A line of the log; JSON has no infinity, so `worst` is text."""
    worst = None if found.worst is None else repr(found.worst)
    log.write(json.dumps({**asdict(found), "worst": worst}) + "\n")
    log.flush()


def digest(every: Iterable[Found]) -> str:
    """Of all outcomes in the order of their numbers: the same whatever ran them, and when."""
    keys = sorted((one.number, one.target, one.law, one.dtype, one.outcome, repr(one.worst)) for one in every)
    return sha("\n".join(map(repr, keys)))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def upper(alarms: int, runs: int, level: float) -> float:
    """Clopper and Pearson's one-sided upper bound of a probability."""
    return 1.0 if alarms >= runs else float(beta.ppf(level, alarms + 1, runs - alarms))


def group(name: str) -> str:
    return "sound variants" if name.startswith(VARIANT) else name if name == "reference" else "adapters"


def table(every: Sequence[Found]) -> str:
    """Law runs, arrays, false alarms and bounds, by kind of target and by chapter."""
    rows: defaultdict[str, list[Found]] = defaultdict(list)
    for one in every:
        rows[group(one.target)].append(one)
    for one in sorted(every, key=lambda one: CHAPTERS[one.law]):
        rows[f"chapter {CHAPTERS[one.law]}"].append(one)
    rows["all"] = list(every)
    lines = [
        "| | law runs | arrays, or trials of chance | false alarms | their rate a law run, 95 % | 99 % |",
        "|---|---|---|---|---|---|",
    ]
    for name, judged in rows.items():
        alarms, arrays = sum(one.false for one in judged), sum(one.arrays for one in judged)
        bounds = (f"below {upper(alarms, len(judged), level):.1e}" for level in (0.95, 0.99))
        lines.append(f"| {name} | {len(judged):,} | {arrays:,} | {alarms} | {' | '.join(bounds)} |")
    return "\n".join(lines)


def section(every: Sequence[Found], options: str, profiles: Counter[str], left_out: Sequence[Found] = ()) -> str:
    """The section of the page. left_out: what laws did before they were mended."""
    judged = [one for one in every if one.judged and (one.false or not one.fault)]
    adapters = sorted({one.target for one in judged if group(one.target) == "adapters"})
    sound = len({one.target for one in judged if one.target.startswith(VARIANT)})
    examples = " and ".join(f"{count:,} in profile {profile}" for profile, count in profiles.items())
    about = f"""A law run is one law in one dtype on one target with one seed, which no other law run has; {examples},
what was not offered counted in. Judged: {sound} sound variants, in all four dtypes; the reference; and, where they
conform by [findings.md](findings.md), {len(adapters)} adapters ({", ".join(adapters) or "none"}). The bounds are
Clopper and Pearson's, one-sided. {_closest(judged)}"""
    spent = sum(one.seconds for one in judged)
    return f"""How often is something right called wrong?
`python benchmarks/soak.py{options} --write`, {datetime.date.today()}, {spent:,.0f} s in law runs.

{table(judged)}

{textwrap.fill(" ".join(about.split()), 120, break_on_hyphens=False)}

{_alarms([one for one in every if one.alarm], short=len(judged) < RUNS)}
{_mended(left_out)}
The figures hold for law runs drawn like these, on targets like these: algorithms that are known to be right, most of
which were there when the bounds were derived. For an algorithm that is not among them the bound's derivation speaks,
not this table. A check of n laws raises a false alarm with at most n times the probability. Where chance has a
part, the proven 1e-9 a run is far below what any soak can show."""


def _mended(left_out: Sequence[Found]) -> str:
    """Which laws were mended on the way, and what they had said before."""
    if not left_out:
        return ""
    laws, false = ", ".join(sorted({one.law for one in left_out})), [one for one in left_out if one.false]
    said = f"""Not counted: {len(left_out):,} law runs of {laws}, from before these were mended; those counted came
    after, with other seeds. False alarms among the earlier ones: {len(false) or "none"}."""
    listed = "".join(f"- {one.outcome}: `{one.replay}`, with seed {one.seed}\n" for one in false)
    return f"\n{textwrap.fill(' '.join(said.split()), 120, break_on_hyphens=False)}\n" + (listed and f"\n{listed}")


def _closest(judged: Sequence[Found]) -> str:
    """The most of the rounding allowed that something right has used, by dtype."""
    words: list[str] = []
    for dtype in DTYPES:
        seen = [one for one in judged if one.dtype == dtype and one.worst and not one.alarm]
        if seen:
            most = max(seen, key=lambda one: one.worst or 0)
            words.append(f"{most.worst:.4f} in {dtype} ({most.law}, {most.target})")
    if not words:
        return ""
    return (
        f"The most of what is allowed that something right used: {', '.join(words)}. That is no near miss where "
        "a narrow type's last rounding is nearly all that is allowed, or the limit is sharp, as in adam.importance."
    )


def _alarms(alarms: Sequence[Found], *, short: bool) -> str:
    false = [f"- {one.outcome}: `{one.replay or one.law}`, with seed {one.seed}" for one in alarms if one.false]
    true = Counter((one.target, one.law.partition(".")[0], one.dtype, one.fault) for one in alarms if not one.false)
    listed = [f"- {name}, {law}, {dtype}: {why} ({times} ×)" for (name, law, dtype, why), times in sorted(true.items())]
    said = ["False alarms:\n\n" + "\n".join(false) if false else "No false alarm was raised."]
    if short:
        said[0] += f" The aim is {RUNS:,} law runs; this is short of it, and the bounds are as much wider."
    if listed:
        said += ["These alarms were true, in places that were held to conform, and are not counted above:"]
        said += ["\n".join(listed)]
    return "\n\n".join(said)
