"""The soak and the measures of causes: the same whatever runs them, and what is wrong is said."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import nnlaws_reference
import pytest
from nnlaws.chapters import MUTANTS

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

TOO_SMALL = """\
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)).astype(z.dtype) * z.dtype.type(0.99)
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """A module of benchmarks/ by name. The folder of the test is the current one."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.chdir(tmp_path)
    yield import_module
    for name in ("soak", "soaked", "causes", "proofs", "page", "strangers", "judging", "mutated"):
        sys.modules.pop(name, None)


def digest(captured: Any) -> str:
    found: str = captured.err.rpartition("digest ")[2].strip()
    assert len(found) == 16
    return found


def test_the_number_of_workers_and_a_stop_half_way_change_nothing(
    script: Callable[[str], Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    soak = script("soak")
    given = ["--targets", "reference,scipy", "--profile", "quick", "--seed", "7", "--runs", "48"]
    assert soak.main([*given, "--workers", "1", "--log", "1.jsonl"]) == 0
    digests = [digest(capsys.readouterr())]
    whole = (tmp_path / "1.jsonl").read_text("utf-8")
    (tmp_path / "2.jsonl").write_text(whole[: len(whole) // 4], "utf-8")  # in the middle of a line
    assert soak.main([*given, "--workers", "2", "--log", "2.jsonl"]) == 0
    digests.append(digest(capsys.readouterr()))
    assert len(set(digests)) == 1
    assert len(soak.read(tmp_path / "2.jsonl")) == 48
    with pytest.raises(ValueError, match="the log of other targets"):
        soak.main(["--targets", "scipy", "--seed", "7", "--log", "2.jsonl"])


def test_a_planted_alarm_is_reported_with_its_token_and_is_there_again(
    script: Callable[[str], Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    soak = script("soak")
    (tmp_path / "mine.py").write_text(TOO_SMALL, "utf-8")
    given = ["--targets", "mine.py", "--profile", "quick", "--workers", "1", "--runs", "16", "--log", "mine.jsonl"]
    assert soak.main(given) == 1
    captured = capsys.readouterr()
    alarms = [each for each in soak.read(tmp_path / "mine.jsonl").values() if each.alarm]
    assert alarms
    assert all(each.replay.endswith("/mine.py") for each in alarms)
    assert all(f"`{each.replay}`, with seed {each.seed}" in captured.out for each in alarms)
    assert all(each.replay in captured.err for each in alarms)
    assert soak.main(["--replay", alarms[0].replay]) == 1
    assert "VIOLATES" in capsys.readouterr().out


def test_what_a_law_said_before_it_was_mended_is_told_and_not_counted(
    script: Callable[[str], Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    soak = script("soak")
    (tmp_path / "mine.py").write_text(TOO_SMALL, "utf-8")
    given = ["--targets", "mine.py", "--profile", "quick", "--workers", "1", "--log"]
    assert soak.main([*given, "before.jsonl", "--laws", "SM-1,CT-1", "--runs", "8"]) == 1
    before = list(soak.read(tmp_path / "before.jsonl").values())
    wrong = {each.law for each in before if each.alarm}
    assert {each.law for each in before} - wrong == {"softmax.arguments_unmodified"}
    (tmp_path / "mine.py").write_text(TOO_SMALL.replace("0.99", "1"), "utf-8")
    soak.target.cache_clear()
    after = [*given, "after.jsonl", "--laws", ",".join(wrong), "--seed", "7", "--runs", "4"]
    assert soak.main(after) == 0
    capsys.readouterr()
    shown = ["--log", "before.jsonl", "--also", "after.jsonl", "--summary"]
    assert soak.main([*shown, "--mended", ",".join(wrong)]) == 0
    told = capsys.readouterr().out
    right = len([each for each in before if each.law not in wrong])
    assert f"| all | {right + 4} |" in told
    assert f"Not counted: {len(before) - right} law runs of {sorted(wrong)[0]}" in told
    assert all(f"`{each.replay}`, with seed {each.seed}" in told for each in before if each.alarm)
    assert soak.main(shown) == 1
    with pytest.raises(SystemExit):
        soak.main([*shown, "--mended", "SM-1"])
    assert "expected ids of laws, as softmax.value; got SM-1" in capsys.readouterr().err


def test_an_alarm_that_was_looked_into_is_listed_and_not_counted(script: Callable[[str], Any]) -> None:
    soaked = script("soaked")
    known = soaked.FAULTS[0]
    common = {"number": 0, "seed": 1, "worst": 2.0, "arrays": 1, "seconds": 0.1}
    law = f"{known.laws}value"
    true = soaked.Found(target=known.target, law=law, dtype=known.dtypes[0], outcome=soaked.Outcome.VIOLATES, **common)
    same = soaked.Found(target=known.target, law=law, dtype="float32", outcome=soaked.Outcome.VIOLATES, **common)
    right = soaked.Found(target="reference", law=law, dtype="float16", outcome=soaked.Outcome.CONFORMS, **common)
    assert (true.false, same.false, right.false) == (False, True, False)
    text = soaked.section([true, same, right], "", soaked.Counter())
    assert "| all | 2 |" in text
    assert known.why in text
    assert f"violates: `{law}`, with seed 1" in text


def test_what_is_judged_of_adapters_is_what_conforms(script: Callable[[str], Any]) -> None:
    soak = script("soak")
    conforming = soak.conform()
    assert ("torch", "softmax", "bfloat16") in conforming
    assert ("torch", "log_softmax", "bfloat16") not in conforming
    assert ("scipy-stats", "log_uniform_map", "float32") not in conforming


@pytest.mark.parametrize(("alarms", "runs"), [(0, 100_000), (0, 10), (3, 1000), (10, 10)])
def test_the_bound_is_clopper_and_pearsons(script: Callable[[str], Any], alarms: int, runs: int) -> None:
    """With a rate at the bound, so few alarms or fewer have the probability that is left."""
    from scipy.stats import binom

    bound = script("soaked").upper(alarms, runs, 0.95)
    if alarms == runs:
        assert bound == 1
    else:
        assert binom.cdf(alarms, runs, bound) == pytest.approx(0.05)


WITHHELD = (
    *("softmax.unshifted", "softmax.base_two", "log_uniform_map.smoothed", "refine.refined_linearly"),
    *("sample_uniform.low_forgotten", "adam.state_not_saved", "adam.rate_capped", "staircase_decay.staircase_rounded"),
    *("inverse_time_decay.inverse_time_rate_added", "inverse_root_decay.inverse_root_factor_forgotten"),
)


@pytest.mark.release  # a minute: of each mutant, what it is taken for without itself
def test_with_the_mutant_withheld_no_wrong_cause_is_named(script: Callable[[str], Any]) -> None:
    causes = script("causes")
    assert set(WITHHELD) <= {mutant.name for mutant in MUTANTS}
    rows = [row for name in WITHHELD for row in causes.judged(name, "quick")]
    assert {row.mutant for row in rows} == set(WITHHELD)
    assert {row.verdict for row in rows} <= {"itself", "none"}
    assert {name for name in WITHHELD if any(row.cause == name for row in rows if row.mutant == name)} == set(WITHHELD)
    assert {row.withheld_verdict for row in rows} <= {"none", "same", "relative", "convention", "theory"}
    text = causes.section({name: [row for row in rows if row.mutant == name] for name in WITHHELD}, "", 1.0)
    assert "No wrong cause was named" in text


def test_a_wrong_cause_is_listed(script: Callable[[str], Any]) -> None:
    causes = script("causes")
    row = causes.Named("softmax.unshifted", "softmax.value", "float32", "", "softmax.base_two", "wrong", "", "none")
    text = causes.section({"softmax.unshifted": [row]}, "", 1.0)
    assert "| softmax.unshifted | value float32 | softmax.base_two | a wrong one | – | none |" in text
    assert json.loads(json.dumps(causes.asdict(row)))["verdict"] == "wrong"


def test_other_mutants_are_told_apart_on_inputs_of_their_own(script: Callable[[str], Any]) -> None:
    proofs = script("proofs")
    assert proofs.alike("softmax.unshifted", "softmax.unshifted", "float32") == 1
    assert proofs.alike("softmax.unshifted", "softmax.base_two", "float32") < proofs.RELATED
    assert proofs.alike("sample_integer.lower_end_missing", "sample_integer.rounded_up", "float64") == 1
    assert proofs.alike("sample_integer.lower_end_missing", "sample_integer.upper_end_missing", "float64") == 0


def test_what_is_so_of_draws_is_proven_with_other_seeds(script: Callable[[str], Any]) -> None:
    proofs = script("proofs")
    found = proofs.facts("sample_log_uniform.seed_of_16_bits", "sample_log_uniform.other_seed", "float64")
    assert found == {"only the low 16 bits of the seed count"}
    assert not proofs.facts("sample_log_uniform.large_calls_unseeded", "sample_log_uniform.other_seed", "float64")


def test_a_stranger_gets_a_cause_only_where_it_is_that(
    script: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference without the shift is a known mistake; with half of each logit it is none."""
    strangers, mutated = script("strangers"), script("mutated")
    reference = Path(str(nnlaws_reference.__file__)).with_name("softmax.py")
    right, text = "    e = np.exp(shifted(z))\n", reference.read_text("utf-8")  # first in softmax
    made = {
        change: mutated.Mutation(
            "reference.softmax",
            "softmax",
            right.strip(),
            change,
            text.replace(right, f"    {change}\n", 1),
            False,
            False,
        )
        for change in ("e = np.exp(z)", "e = np.exp(shifted(z) / 2)")
    }
    monkeypatch.setattr(strangers, "strangers", lambda: made)
    found = {change: strangers.judged(change, "quick") for change in made}
    known, unknown = ([row for rows in by.values() for row in rows] for by in found.values())
    assert known
    assert {(row.cause, row.verdict) for row in known} == {("softmax.unshifted", "same")}
    assert unknown
    assert {row.cause for row in unknown} == {"z is taken 0.5 times"}
    text = strangers.section(found, 2, "")
    assert f"It is right in {len(known) + len(unknown)}: 100.0%" in text
    assert "No wrong cause was named." in text
    wrong = replace(known[0], mutant="softmax | reference.softmax | softmax | line | change | 1", verdict="wrong")
    text = strangers.section({"one": {"softmax": [wrong]}}, 2, "")
    assert "| softmax | `line` | `change` |" in text
    assert "0 of 1 are never given a wrong one" in text
