"""The end of the journals: alarms and fleet events are told as they are journaled, each once, also without a database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from lics_actors.journal import Journal, journal_path
from lics_actors.journal.file import discard, move_aside
from lics_actors.live.messages import ALARMS, FLEET, AlarmLive, LiveMessage, NodeLive
from lics_actors.recorder import tail as tails
from lics_actors.recorder.readers import Readers
from lics_actors.recorder.tail import JournalTail
from lics_actors.store.records import AlarmCleared, AlarmRaised, DeviceChanged, FleetEvent, Record
from lics_actors.store.run_records import RunReacted

NOW = datetime.now(UTC)


class Bench:
    """A folder of journals, and a tail that follows it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.journals = folder, dict[str, Journal]()
        self.told: list[tuple[str, LiveMessage]] = []
        self.tail = JournalTail(folder, lambda topic, message, _keep: self.told.append((topic, message)))
        self.tail._since = NOW - tails.RECENT  # however long ago this module was imported

    def writes(self, name: str, *records: Record) -> None:
        if name not in self.journals:
            self.journals[name] = Journal(journal_path(self.folder, name))
        self.journals[name].append(records)

    def news(self) -> list[tuple[str, LiveMessage]]:
        self.tail._listed = -1e9  # new journals are looked for once a second
        for record in self.tail.news():
            self.tail._tell(record)
        told, self.told[:] = list(self.told), []
        return told


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for journal in bench.journals.values():
        journal.close()
    bench.tail._readers.close()


def raised(kind: str = "hung", time: datetime = NOW, source: str = "device:1") -> AlarmRaised:
    return AlarmRaised(time, source, kind, "it does not answer")


def test_alarms_and_events_are_told_once_in_their_order(bench: Bench) -> None:
    assert bench.news() == []
    bench.writes("fleet", raised(), FleetEvent(NOW, "rack:1", "restarted", "system:fleet", "it died"))
    assert bench.news() == [
        (ALARMS, AlarmLive("device:1", "hung", "high", "it does not answer", NOW)),
        (FLEET, NodeLive("rack:1", "restarted", "it died", NOW)),
    ]
    assert bench.news() == []
    later = NOW + timedelta(seconds=5)
    bench.writes("fleet", AlarmCleared(later, "device:1", "hung"))
    assert bench.news() == [(ALARMS, AlarmLive("device:1", "hung", "high", "it does not answer", NOW, returned_at=later))]
    assert bench.news() == []


def test_each_journal_is_followed_but_those_of_devices(bench: Bench) -> None:
    for name in ("fleet", "rack-1", "rack-2", "recorder", "recorder-2", f"device-{uuid4()}"):
        bench.writes(name, raised(name))
    assert {message.alarm_kind for _, message in bench.news() if isinstance(message, AlarmLive)} == {
        "fleet",
        "rack-1",
        "rack-2",
        "recorder",
        "recorder-2",
    }


def test_what_is_long_over_is_not_told_at_the_start_but_remembered(bench: Bench) -> None:
    ago = NOW - timedelta(hours=1)
    bench.writes("fleet", raised(time=ago), FleetEvent(ago, "rack:1", "started", "system:fleet"), raised("late"))
    assert [message.alarm_kind for _, message in bench.news() if isinstance(message, AlarmLive)] == ["late"]
    bench.writes("fleet", AlarmCleared(NOW, "device:1", "hung"), AlarmCleared(NOW, "device:2", "unheard-of"))
    assert bench.news() == [
        (ALARMS, AlarmLive("device:1", "hung", "high", "it does not answer", ago, returned_at=NOW)),
        (ALARMS, AlarmLive("device:2", "unheard-of", "high", "", None, returned_at=NOW)),
    ]


def test_other_records_are_for_others(bench: Bench) -> None:
    bench.writes("rack-1", DeviceChanged(uuid4(), NOW, "online", "ok", "safe"))
    assert bench.news() == []


def test_a_journal_begun_anew_is_followed_again(bench: Bench) -> None:
    bench.writes("fleet", raised("first"))
    assert len(bench.news()) == 1
    bench.journals.pop("fleet").close()
    move_aside(journal_path(bench.folder, "fleet"))
    assert bench.news() == []
    bench.writes("fleet", raised("second"))
    assert [message.alarm_kind for _, message in (*bench.news(), *bench.news()) if isinstance(message, AlarmLive)] == ["second"]


def test_many_entries_are_all_read(bench: Bench) -> None:
    bench.writes("fleet", *(raised(str(n)) for n in range(2 * tails.ENTRIES + 1)))
    assert len(bench.news()) == 2 * tails.ENTRIES + 1
    assert len(bench.tail._raised) <= tails.MAX_OPEN


def test_more_than_is_told_in_one_go_comes_with_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "MOST", 10)
    monkeypatch.setattr(tails, "ENTRIES", 7)
    bench.writes("fleet", *(raised(f"fleet {n}") for n in range(30)))
    bench.writes("rack-1", raised("rack"))
    goes = [[message.alarm_kind for _, message in bench.news() if isinstance(message, AlarmLive)] for _ in range(6)]
    assert [each for go in goes for each in go] == [*(f"fleet {n}" for n in range(30)), "rack"]
    assert max(map(len, goes)) <= 2 * 7


def test_of_a_run_only_alarms_are_read_and_it_is_let_go_when_it_is_gone(bench: Bench) -> None:
    run_id = uuid4()
    steps = [RunReacted(run_id, n, uuid4(), NOW, NOW, NOW) for n in range(3 * tails.ENTRIES)]
    bench.writes(f"run-{run_id}", *steps, raised("run_waits", source=f"run:{run_id}"), *steps)
    told: list[Record] = []
    while news := bench.tail.news():
        told += news
    assert [type(each) for each in told] == [AlarmRaised], "nobody keeps the steps of an hour for one alarm"
    assert len(bench.tail._readers) == len(bench.tail._positions) == 1
    bench.journals.pop(f"run-{run_id}").close()
    discard(journal_path(bench.folder, f"run-{run_id}"))
    assert bench.news() == []
    assert not bench.tail._readers and not bench.tail._positions and not bench.tail._seen


def test_a_journal_that_was_closed_for_others_goes_on_where_it_was(bench: Bench) -> None:
    bench.tail._readers = Readers(1)
    for turn in ("first", "second"):
        for name in ("fleet", "rack-1", "rack-2"):
            bench.writes(name, raised(f"{name} {turn}"))
        told = [message.alarm_kind for _, message in bench.news() if isinstance(message, AlarmLive)]
        assert told == [f"{name} {turn}" for name in ("fleet", "rack-1", "rack-2")]
