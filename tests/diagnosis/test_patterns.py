"""What a pattern says in words is what it holds of."""

from nnlaws.diagnosis.probes.patterns import pattern


def test_an_open_end_is_said_as_far_as_it_is_known() -> None:
    """Right at 33 and wrong at 40: of 34 it holds, so it may not say "40 or more"."""
    found = pattern({**dict.fromkeys((1.0, 2.0, 31.0, 33.0), False), **dict.fromkeys((40.0, 64.0), True)})
    assert found is not None
    assert found.words("C") == "C is more than 33"
    assert found.holds(34)
    assert not found.holds(33)
    beside = pattern({**dict.fromkeys((1.0, 2.0, 16.0), False), **dict.fromkeys((17.0, 40.0), True)})
    assert beside is not None
    assert beside.words("C") == "C is 17 or more"
    assert beside.holds(17)
    assert not beside.holds(16)
