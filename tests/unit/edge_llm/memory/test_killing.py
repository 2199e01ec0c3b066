"""A writer killed ten times; tests/bench/bench_memory_kill.py does it five hundred times."""

from __future__ import annotations

from pathlib import Path

from tests.bench.bench_memory_kill import Expected, kill_often
from tests.bench.killed_writer import Begun, Done, Stored


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    report = kill_often(tmp_path, 10, seed=3, mean_s=0.05)
    assert report.wrong == []
    assert report.kills == 10
    assert report.acknowledged > 0


def heard(*messages: Begun | Stored | Done) -> Expected:
    expected = Expected(allowed={("s", 0): {1}, ("s", 1): {1}, ("s", 2): {1}}, keys=[b"old"])
    for message in messages:
        expected.hear(message)
    return expected


def test_the_check_finds_what_a_kill_may_not_do() -> None:
    """The bench itself: what was acknowledged is demanded, what was cut off may be either."""
    add, forget = Begun("add", "s", 2, 2), Begun("forget", items=(("s", 0), ("s", 1)))
    before, after = {("s", 0): 1, ("s", 1): 1, ("s", 2): 1}, {("s", 0): 2, ("s", 1): 2}
    assert heard(add).compare(before) == heard(add).compare(after) == []
    assert heard(add, Done()).compare(after) == []
    assert len(heard(add, Stored(2)).compare({})) == 2
    assert len(heard(add, Done()).compare(before)) == 1
    assert len(heard(add).compare({**before, ("s", 7): 2})) == 1
    assert heard(forget).compare(before) == heard(forget).compare({("s", 2): 1}) == []
    assert len(heard(forget).compare({("s", 1): 1, ("s", 2): 1})) == 1
    assert len(heard(forget, Done()).compare(before)) == 2
    assert heard(Begun("rotate", key=b"new")).keys == [b"old", b"new"]
    assert heard(Begun("rotate", key=b"new"), Done()).keys == [b"new"]
