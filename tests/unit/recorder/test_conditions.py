"""Which alarms stand, and the word of state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.journal import Journal, JournalReader
from lics_actors.journal.alarms import AlarmJournal
from lics_actors.recorder.batch import Pressure
from lics_actors.recorder.conditions import PATIENCE_S, REMEMBERED_S, Standing, conditions, lagging, word
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
        ({"disk_free_bytes": 256 << 20}, set()),
        ({"disk_free_bytes": (256 << 20) - 1}, {"disk-low"}),
        ({"damaged": ("spool.sqlite.corrupt-1",)}, {"spool-damaged"}),
        ({"dead_letters": True}, {"dead-letters"}),
        ({"refused_filters": ("a/#",)}, {"subscription-refused"}),
        ({"session_lost_s": 0.0}, {"session-lost"}),
        ({"session_lost_s": REMEMBERED_S + 1}, set()),
        ({"dropped_s": 1.0, "dropped": 1234}, {"broker-dropped"}),
        ({"dropped_s": REMEMBERED_S + 1, "dropped": 1234}, set()),
        ({"clock_stepped_s": 5.0, "clock_step_s": -3600.0}, {"clock-stepped"}),
        ({"clock_stepped_s": REMEMBERED_S + 1, "clock_step_s": -3600.0}, set()),
        ({"lag_s": 99.0}, set()),  # what raises the alarm is decided by `lagging`
        ({"lag_s": 99.0, "lagging": True}, {"ingest-lag"}),
        ({"stored": 10**9}, set()),  # nobody knows what it can queue
        ({"stored": 799, "broker_queue": 1000}, set()),
        ({"stored": 800, "broker_queue": 1000}, {"broker-queue"}),
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
        ({"retiring": True}, "retiring"),
        ({"listening": False}, "shipping"),
        ({"retiring": True, "database_away_s": 9.0}, "spooling (database away)"),
    ],
)
def test_the_word_says_the_worst(change: dict[str, object], said: str) -> None:
    assert word(replace(WELL, **change)) == said  # type: ignore[arg-type]


def test_what_was_dropped_is_told_with_its_number() -> None:
    assert "1,234 messages" in conditions(replace(WELL, dropped_s=1.0, dropped=1234))["broker-dropped"]


@given(st.lists(st.floats(0, 100)))
def test_the_lag_alarm_does_not_flicker(lags: list[float]) -> None:
    behind = False
    for lag_s in lags:
        before, behind = behind, lagging(behind, lag_s, 30.0)
        if behind is not before:
            assert lag_s >= 30.0 if behind else lag_s < 5.0
        elif behind:
            assert lag_s >= 5.0
        else:
            assert lag_s < 30.0


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


def test_a_sentence_that_changes_is_told_again_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "recorder-2.journal"
    alarms = AlarmJournal(path, "recorder-2")
    alarms.tell({"broker-dropped": "10 messages"})
    alarms.tell({"broker-dropped": "20 messages"})
    monkeypatch.setattr("lics_actors.journal.alarms.AGAIN_S", 0.0)
    alarms.tell({"broker-dropped": "30 messages"})
    alarms.tell({"broker-dropped": "30 messages"})
    alarms.tell({})
    alarms.close()
    reader = JournalReader(path)
    said = [(record.source, getattr(record, "message", "cleared")) for _, record in reader.read(0, 100)]  # type: ignore[union-attr]
    reader.close()
    assert said == [("recorder-2", text) for text in ("10 messages", "30 messages", "cleared")]


@pytest.mark.parametrize(
    ("kept", "standing"),
    [(b'["a", "b", 3]', {"a", "b"}), (b'{"a": "text"}', {"a"}), (b"7", set()), (b"{", set()), (b"[]", set())],
)
def test_what_stood_is_known_whichever_version_wrote_it(tmp_path: Path, kept: bytes, standing: set[str]) -> None:
    path = tmp_path / "recorder.journal"
    journal = Journal(path)
    journal.keep_twin(kept)
    journal.close()
    alarms = AlarmJournal(path)
    assert alarms.standing == standing
    alarms.tell({})
    alarms.close()
    assert set(told(path)) == {("AlarmCleared", kind) for kind in standing}
