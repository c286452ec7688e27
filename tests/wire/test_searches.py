"""A client that searches asks in the middle of a call, and is judged as any search is."""

import shlex
import sys
from pathlib import Path

from nnlaws import Outcome, check

CLIENTS = Path(__file__).parents[2] / "properties" / "nnlaws" / "templates" / "clients"
SEARCHES = '''
import random

from client import OPERATIONS, Array, answer, read, written

asked = 0


def ask(name, **arrays):
    global asked
    asked += 1
    print(" ".join([f"ask {asked} {name}", *(written(key, array) for key, array in arrays.items())]), flush=True)
    kind, number, *words = input().split(" ")
    if (kind, number) != ("told", str(asked)):
        raise ValueError(" ".join(words))
    return dict(map(read, words))


def drawn(given, generator):
    """One point, each axis on its own scale."""
    point = []
    for low, high, scale in zip(*(given[f"space_{name}"].values for name in ("low", "high", "scale"))):
        u = generator.random()
        if scale == 3:
            point.append(float(low + min(int(u * (high - low + 1)), high - low)))
        elif scale == 0:
            point.append(low + u * (high - low))
        else:
            a, b = (low, high) if scale == 1 else (1 - low, 1 - high)
            x = a * (b / a) ** u
            point.append(min(max(x if scale == 1 else 1 - x, low), high))
    return point


def result(points, losses):
    best = min(range(len(losses)), key=lambda number: (losses[number] != losses[number], losses[number]))
    return {
        "points": Array("float64", [len(points), len(points[0])], sum(points, [])),
        "losses": Array("float64", [len(losses)], losses),
        "best": Array("int64", [], [best]),
    }


def caviar(budget, seed, **space):
    generator = random.Random(seed.values[0])
    points = [drawn(space, generator) for _ in range(budget.values[0])]
    asked = (ask("objective", point=Array("float64", [len(point)], point)) for point in points)
    return result(points, [each["loss"].values[0] for each in asked])


def panda(start, budget, seed, **space):
    generator, points, losses, model = random.Random(seed.values[0]), [list(start.values)], [], {}
    for _ in range(budget.values[0]):
        told = ask("train", point=Array("float64", start.shape, points[-1]), **model)
        model = {} if FORGETS else {"model": told["model"]}
        losses.append(told["loss"].values[0])
        worse = len(losses) > 1 and not losses[-1] < losses[-2]
        points.append(drawn(space, generator) if worse else points[-1])
    return result(points[:-1], losses)


OPERATIONS.clear()
OPERATIONS.update(caviar=caviar, panda=panda)
while True:
    try:
        print(answer(input()), flush=True)
    except EOFError:
        break
'''


def searching(folder: Path, forgets: bool) -> str:
    (folder / "client.py").write_text((CLIENTS / "client.py").read_text("utf-8"), "utf-8")
    (folder / "searches.py").write_text(f"FORGETS = {forgets}\n{SEARCHES}", "utf-8")
    return f"command:{shlex.join([sys.executable, str(folder / 'searches.py')])}"


def test_searches_of_a_client_conform(tmp_path: Path) -> None:
    report = check(searching(tmp_path, forgets=False), profile="quick")
    assert report.conforms, str(report)
    judged = {result.clause for result in report.results if result.outcome is Outcome.CONFORMS}
    assert judged >= {"SE-1", "SE-5", "SE-6", "SE-7", "SE-14", "SE-15", "SE-16", "SE-17", "SE-18", "CT-3"}


def test_a_model_that_is_not_passed_on_is_seen(tmp_path: Path) -> None:
    report = check(searching(tmp_path, forgets=True), operations=["panda"], laws=["SE-17"], profile="quick")
    (result,) = report.results
    assert result.outcome is Outcome.VIOLATES
    assert result.violation is not None
    assert "was given None where that of call 1 is to be trained on" in result.violation.reason
