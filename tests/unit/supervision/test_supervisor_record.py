"""What supervisors leave behind in their journals."""

from __future__ import annotations

from pathlib import Path

import pytest

from lics_actors.journal import Journal, JournalReader, journal_path
from lics_actors.store.records import AlarmCleared, AlarmRaised, FleetEvent, Record
from lics_actors.supervision.holds import Holds
from lics_actors.supervision.messages import ClearAlarm, RaiseAlarm, RecordEvent
from lics_actors.supervision.record import TRIM_AFTER, SupervisorRecord


def written(path: Path) -> list[Record]:
    reader = JournalReader(path)
    try:
        return [record for _, record in reader.read(0, 10_000)]
    finally:
        reader.close()


def test_events_and_alarms_are_written_in_order_with_who_and_why(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "rack-1")
    record = SupervisorRecord(path)
    record.take(RecordEvent("device:x", "exited", reason="killed", incarnation=3))
    record.take(RaiseAlarm("device:x", "quarantined", "too often"))
    record.take(RecordEvent("device:x", "cleared", "user:ada", "mended", 3))
    record.take(ClearAlarm("device:x", "quarantined"))
    record.write()
    record.write()
    record.close()
    exited, raised, cleared_by, cleared = written(path)
    assert isinstance(exited, FleetEvent) and (exited.principal, exited.detail) == ("system:fleet", {"incarnation": 3})
    assert isinstance(raised, AlarmRaised) and (raised.source, raised.severity) == ("device:x", "high")
    assert isinstance(cleared_by, FleetEvent) and (cleared_by.principal, cleared_by.reason) == ("user:ada", "mended")
    assert isinstance(cleared, AlarmCleared)


def test_alarms_left_open_by_a_killed_supervisor_are_cleared_by_the_next_one(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "rack-1")
    killed = SupervisorRecord(path)
    for name in ("device:a", "device:b", "device:c"):
        killed.take(RaiseAlarm(name, "quarantined", "too often"))
    killed.take(ClearAlarm("device:b", "quarantined"))
    killed.write()  # and no close
    successor = SupervisorRecord(path)
    successor.clear_inherited(Holds(tmp_path))
    assert [record.source for record in written(path)[-2:] if isinstance(record, AlarmCleared)] == ["device:a", "device:c"]
    successor.close()
    third = SupervisorRecord(path)
    third.clear_inherited(Holds(tmp_path))
    third.close()
    assert len(written(path)) == 6


@pytest.mark.parametrize("kept", [b"", b"{", b"[1]", b'["ab"]', b"null", b"\xff"])
def test_unreadable_notes_of_open_alarms_stop_nobody(tmp_path: Path, kept: bytes) -> None:
    path = journal_path(tmp_path, "fleet")
    journal = Journal(path)
    journal.keep_twin(kept)
    journal.close()
    record = SupervisorRecord(path)
    record.clear_inherited(Holds(tmp_path))
    record.close()


def test_many_events_keep_their_order_over_trimming(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "fleet")
    record = SupervisorRecord(path)
    for number in range(TRIM_AFTER + 10):
        record.take(RecordEvent(f"device:{number}", "started"))
        record.write()
    record.close()
    assert [one.node for one in written(path) if isinstance(one, FleetEvent)] == [f"device:{n}" for n in range(TRIM_AFTER + 10)]
