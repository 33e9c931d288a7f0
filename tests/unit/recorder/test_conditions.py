"""Which alarms stand, and the word of state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lics_actors.journal import JournalReader
from lics_actors.recorder.alarms import AlarmJournal
from lics_actors.recorder.batch import Pressure
from lics_actors.recorder.conditions import PATIENCE_S, REMEMBERED_S, Standing, conditions, word
from lics_actors.store.records import AlarmCleared, AlarmRaised

WELL = Standing(opened=True, quota_bytes=100 << 20)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, set()),
        ({"broker_away_s": PATIENCE_S - 1}, set()),
        ({"broker_away_s": PATIENCE_S + 1, "broker_reason": "refused"}, {"broker-away"}),
        ({"database_away_s": PATIENCE_S - 1}, set()),
        ({"database_away_s": PATIENCE_S + 1}, {"database-away"}),
        ({"failing": "KeyError: x"}, {"shipping-failed"}),
        ({"pressure": Pressure.HIGH, "used_bytes": 85 << 20}, {"spool-high"}),
        ({"pressure": Pressure.FULL, "used_bytes": 100 << 20}, {"spool-high", "spool-full"}),
        ({"disk_full": "no space"}, {"disk-full"}),
        ({"damaged": ("spool.sqlite.corrupt-1",)}, {"spool-damaged"}),
        ({"dead_letters": True}, {"dead-letters"}),
        ({"refused_filters": ("a/#",)}, {"subscription-refused"}),
        ({"session_lost_s": 0.0}, {"session-lost"}),
        ({"session_lost_s": REMEMBERED_S + 1}, set()),
        ({"dropped_s": 1.0}, {"broker-dropped"}),
    ],
)
def test_each_condition_has_its_alarm(change: dict[str, object], kinds: set[str]) -> None:
    found = conditions(replace(WELL, **change))  # type: ignore[arg-type]
    assert set(found) == kinds
    assert all(len(text) > 20 for text in found.values())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "recording"),
        ({"opened": False, "broker_away_s": 5.0}, "starting"),
        ({"database_away_s": 0.5}, "spooling (database away)"),
        ({"failing": "x"}, "spooling (shipping fails)"),
        ({"broker_away_s": 0.5, "database_away_s": 0.5}, "waiting (broker away)"),
        ({"pressure": Pressure.FULL, "database_away_s": 9.0}, "back-pressure"),
        ({"disk_full": "x"}, "back-pressure"),
    ],
)
def test_the_word_says_the_worst(change: dict[str, object], said: str) -> None:
    assert word(replace(WELL, **change)) == said  # type: ignore[arg-type]


def told(path: Path) -> list[tuple[str, str]]:
    reader = JournalReader(path)
    records = [record for _, record in reader.read(0, 100)]
    reader.close()
    assert all(isinstance(record, AlarmRaised | AlarmCleared) for record in records)
    return [(type(record).__name__, record.kind) for record in records]  # type: ignore[union-attr]


def test_an_alarm_is_told_once_and_ended_by_whoever_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "recorder.journal"
    alarms = AlarmJournal(path)
    for _ in range(3):
        alarms.tell({"disk-full": "no space"})
    alarms.tell({"disk-full": "still none", "spool-high": "80 %"})
    alarms.close()
    again = AlarmJournal(path)
    assert again.standing == {"disk-full", "spool-high"}
    again.tell({"spool-high": "85 %"})
    again.tell({})
    again.tell({})
    again.trim()
    again.close()
    assert told(path) == [
        ("AlarmRaised", "disk-full"),
        ("AlarmRaised", "spool-high"),
        ("AlarmCleared", "disk-full"),
        ("AlarmCleared", "spool-high"),
    ]
    assert AlarmJournal(path).standing == frozenset()


def test_a_condition_that_flickers_is_told_each_time(tmp_path: Path) -> None:
    path = tmp_path / "recorder.journal"
    alarms = AlarmJournal(path)
    for _ in range(2):
        alarms.tell({"a": "x"})
        alarms.tell({})
    alarms.close()
    assert [kind for kind, _ in told(path)] == ["AlarmRaised", "AlarmCleared"] * 2
