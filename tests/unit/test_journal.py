"""The journal keeps what it acknowledged, whatever happens to the process, the file or the disk."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lics_actors.device.messages import CommandState
from lics_actors.errors import StorageFullError
from lics_actors.journal import (
    Journal,
    JournalCorruptError,
    JournalError,
    JournalReader,
    JournalReplacedError,
    journal_files,
    journal_path,
    write_shipped,
)
from lics_actors.store.records import (
    AlarmRaised,
    Command,
    CommandAccepted,
    CommandMoved,
    CommandStep,
    FleetEvent,
    PayloadRejected,
    Record,
)

DEVICE = UUID(int=7)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, f"device-{DEVICE}")


def command(accepted: datetime = START, **changes: Any) -> Command:
    steps = (CommandStep(CommandState.ACCEPTED, accepted),)
    fields = {"command_id": uuid4(), "device_id": DEVICE, "name": "dispense", "args": {"volume_ul": 5}, "principal": "user:1"}
    fields |= {"idempotent": False, "actuates": True, "deadline": accepted + timedelta(seconds=5), "steps": steps}
    return Command(**(fields | changes))


def moved(of: Command, n: int, state: CommandState, **changes: Any) -> CommandMoved:
    return CommandMoved(of.command_id, DEVICE, n, CommandStep(state, START + timedelta(seconds=n), **changes), epoch=3)


def event(n: int) -> FleetEvent:
    return FleetEvent(START, f"device:{n}", "started", "system:fleet")


def test_a_command_is_found_as_it_stands_also_by_the_next_writer(path: Path) -> None:
    asked = command()
    journal = Journal(path)
    assert journal.command(asked.command_id) is None
    assert journal.append([CommandAccepted(asked)]) == 1
    assert journal.append([moved(asked, 1, CommandState.DISPATCHED), moved(asked, 2, CommandState.DELIVERED)]) == 3
    assert [c.state for c in journal.unsettled()] == [CommandState.DELIVERED]
    journal.append([moved(asked, 3, CommandState.INDETERMINATE)], durable=False)
    journal.close()

    journal = Journal(path)
    (left,) = journal.unsettled()
    assert [step.state.value for step in left.steps] == ["accepted", "dispatched", "delivered", "indeterminate"]
    assert left.epoch == 3
    assert journal.append([moved(asked, 4, CommandState.SUCCEEDED, result={"volume_ul": 5})]) > 4
    assert journal.unsettled() == []
    settled = journal.command(asked.command_id)
    assert settled is not None
    assert settled.steps[-1].result == {"volume_ul": 5}
    journal.close()


def test_the_identity_stays_with_the_file_and_positions_go_on(path: Path) -> None:
    first = Journal(path)
    identity, last = first.identity, first.append([event(1), event(2)])
    first.close()
    again = Journal(path)
    assert again.identity == identity
    position = again.append([event(3)])
    assert position > last
    assert again.append([event(4)]) == position + 1
    assert Journal(path.with_name("other.journal")).identity != identity


def test_a_power_loss_gives_no_position_away_that_may_have_been_shipped(path: Path, tmp_path: Path) -> None:
    journal = Journal(path)
    journal.append([event(1)])
    safe = {file.name: file.read_bytes() for file in tmp_path.iterdir()}  # what a disk has after the last fsync
    shipped = journal.append([event(n) for n in range(2, 40)], durable=False)
    identity = journal.identity
    journal.close()
    for file in tmp_path.iterdir():
        file.unlink()
    for name, content in safe.items():
        (tmp_path / name).write_bytes(content)

    after = Journal(path)
    assert after.identity == identity
    assert [record for _, record in JournalReader(path).read(0, 99)] == [event(1)]
    assert after.append([event(40)]) > shipped


def test_what_was_appended_without_waiting_is_durable_after_a_sync(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(str(Path(f"/proc/self/fd/{file}").readlink())))
    journal = Journal(path)
    assert not journal.unsynced
    journal.append([event(1)], durable=False)
    assert journal.unsynced
    journal.sync()
    assert synced == [f"{path}-wal"]
    assert not journal.unsynced
    journal.sync()
    journal.append([event(2)])
    journal.sync()
    assert len(synced) == 1, "a durable one is synced by SQLite itself"


def test_nothing_is_appended_by_half(path: Path) -> None:
    journal = Journal(path)
    unwritable = FleetEvent(START, "x", "y", "z", detail={"far": 1 << 80})
    with pytest.raises(OverflowError):
        journal.append([event(1), unwritable])
    assert journal.append([event(2)]) == 1


def test_the_twin_survives(path: Path) -> None:
    journal = Journal(path)
    assert journal.twin() is None
    journal.keep_twin(b"\x00one")
    journal.keep_twin(b"two")
    journal.close()
    assert Journal(path).twin() == b"two"


def test_a_reader_reads_on_behind_a_position_while_the_writer_writes(path: Path) -> None:
    journal = Journal(path)
    journal.append([event(n) for n in range(5)], durable=False)
    reader = JournalReader(path)
    assert reader.identity == journal.identity
    assert [position for position, _ in reader.read(0, 3)] == [1, 2, 3]
    assert reader.read(3, 100) == [(4, event(3)), (5, event(4))]
    assert reader.read(5, 100) == []
    journal.append([event(9)])
    assert reader.read(5, 100) == [(6, event(9))]
    reader.close()


def test_a_reader_outlives_the_writer_and_its_next_incarnation(path: Path) -> None:
    journal = Journal(path)
    journal.append([event(0)])
    journal.close()
    reader = JournalReader(path)  # no writer: no write-ahead log to join
    assert reader.read(0, 9) == [(1, event(0))]
    again = Journal(path)
    again.append([event(1)])
    assert [record for _, record in reader.read(1, 9)] == [event(1)]
    again.close()
    assert len(reader.read(0, 9)) == 2


def test_busy_readers_never_block_the_writer(path: Path) -> None:
    journal = Journal(path)
    journal.append([event(n) for n in range(2000)], durable=False)
    done = threading.Event()

    def read_all_the_time() -> None:
        reader = JournalReader(path)
        while not done.is_set():
            reader.read(0, 2000)
        reader.close()

    readers = [threading.Thread(target=read_all_the_time) for _ in range(2)]
    for reader in readers:
        reader.start()
    slowest = 0.0
    for n in range(100):
        began = time.perf_counter()
        journal.append([event(n)])
        slowest = max(slowest, time.perf_counter() - began)
    done.set()
    for reader in readers:
        reader.join()
    assert slowest < 4.5  # the busy timeout is 5 s: nobody waited for a lock


def test_a_reader_is_closed_only_when_the_last_thread_has_read(path: Path) -> None:
    """Who waited for the thread was given up, and closes; SQLite dies of a connection that is closed while it is used."""
    with closing(Journal(path)) as journal:
        journal.append([event(n) for n in range(3000)])
    for turn in range(40):
        reader, begun = JournalReader(path), threading.Event()

        def read(reader: JournalReader = reader, begun: threading.Event = begun) -> None:
            begun.set()
            with suppress(JournalError):  # closed before its turn
                reader.read(0, 3000)

        reading = threading.Thread(target=read)
        reading.start()
        begun.wait()
        time.sleep(turn / 10_000)
        reader.close()
        reading.join()


def test_an_entry_no_one_can_decode_is_passed_over(path: Path) -> None:
    journal = Journal(path)
    journal.append([event(n) for n in range(6)])
    journal.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE entry SET record = x'ff00' WHERE position IN (2, 3, 6)")
        raw.execute("UPDATE entry SET record = ? WHERE position = 4", (msgspec.msgpack.encode({"type": "FromTheFuture"}),))
    raw.close()
    reader = JournalReader(path)
    assert [position for position, _ in reader.read(0, 2)] == [1, 5]
    assert reader.read(5, 100) == []


def test_of_some_kinds_alone_is_read_what_is_of_these_kinds(path: Path) -> None:
    journal = Journal(path)
    accepted = CommandAccepted(command())
    journal.append([*(event(n) for n in range(3)), accepted, event(3)])
    journal.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE entry SET record = x'ff00' WHERE position = 2")
        raw.execute("UPDATE entry SET record = ? WHERE position = 3", (msgspec.msgpack.encode({"type": "FleetEvent"}),))
    raw.close()
    reader = JournalReader(path)
    assert reader.read_kinds(0, 4, {"FleetEvent"}) == (4, [event(0)])
    assert reader.read_kinds(4, 4, {"FleetEvent"}) == (5, [event(3)])
    assert reader.read_kinds(5, 4, {"FleetEvent"}) == (5, [])
    assert reader.read_kinds(0, 9, {"CommandAccepted"}) == (5, [accepted]), "the others may be anything"
    reader.close()


def test_trim_drops_what_was_shipped_and_keeps_what_may_be_asked_again(path: Path) -> None:
    now = datetime.now(UTC)
    old, fresh, open_one = command(now - timedelta(days=2)), command(now), command(now - timedelta(days=2))
    journal = Journal(path)
    for asked in (old, fresh):
        journal.append([CommandAccepted(asked), moved(asked, 1, CommandState.SUCCEEDED)])
    last = journal.append([CommandAccepted(open_one)])
    journal.trim()
    assert len(JournalReader(path).read(0, 99)) == last, "nothing was shipped yet"

    write_shipped(path, last - 1, journal.identity)
    journal.trim()
    assert [position for position, _ in JournalReader(path).read(0, 99)] == [last]
    assert journal.command(old.command_id) is None
    assert journal.command(fresh.command_id) is not None
    assert journal.unsettled() == [open_one]
    assert journal.append([event(1)]) == last + 1, "positions never come twice"
    journal.close()
    assert Journal(path).append([event(2)]) > last + 1


@pytest.mark.parametrize("text", ["", "12", "x y z", "5 not-the-identity"])
def test_trim_believes_no_torn_or_foreign_position(path: Path, text: str) -> None:
    journal = Journal(path)
    journal.append([event(1)])
    path.with_name(path.name + ".shipped").write_text(text)
    journal.trim()
    assert len(JournalReader(path).read(0, 9)) == (0 if text == "12" else 1)


def test_journals_are_listed_without_what_lies_beside_them(tmp_path: Path) -> None:
    assert journal_files(tmp_path / "nowhere") == []
    paths = [journal_path(tmp_path, name) for name in ("fleet", "rack-1")]
    for path in paths:
        Journal(path)
        write_shipped(path, 1)
    assert journal_files(tmp_path) == paths


# Damage


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    match how:
        case "random":
            data[:] = os.urandom(len(data))
        case "header":
            data[:100] = bytes(100)
        case "middle":
            data[4096 : 4096 * 3] = os.urandom(4096 * 2)
        case "cut":
            del data[len(data) // 2 :]
        case "text":
            data[:] = b"not a database\n"
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["random", "header", "middle", "cut", "text"])
def test_a_damaged_file_is_moved_aside_once_and_a_new_one_begun(path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(path)
    journal.append([event(n) for n in range(500)])
    identity = journal.identity
    journal.close()
    damage(path, how)
    write_shipped(path, 400)

    journal = Journal(path)
    assert journal.identity != identity
    assert "moved aside" in caplog.text
    (aside,) = path.parent.glob("*.corrupt-*")
    assert aside.name.startswith(path.name)
    ((_, alarm),) = JournalReader(path).read(0, 9)
    assert isinstance(alarm, AlarmRaised)
    assert aside.name in alarm.message
    journal.trim()
    assert len(JournalReader(path).read(0, 9)) == 1, "the old journal's shipping says nothing of the new one"
    journal.close()

    Journal(path).close()
    assert len(list(path.parent.glob("*.corrupt-*"))) == 1, "no loop"


def test_a_file_damaged_while_in_use_is_replaced_and_its_reader_told(path: Path) -> None:
    journal = Journal(path)
    asked = command()
    journal.append([CommandAccepted(asked), *(event(n) for n in range(3000))])
    reader = JournalReader(path)
    spoil_pages(path, journal)

    journal.append([moved(asked, 1, CommandState.SUCCEEDED)])
    kept = [record for _, record in JournalReader(path).read(0, 9)]
    assert isinstance(kept[0], AlarmRaised)
    assert kept[1] == moved(asked, 1, CommandState.SUCCEEDED)
    assert journal.unsettled() == []
    with pytest.raises(JournalReplacedError):
        reader.read(0, 9)


def spoil_pages(path: Path, *journals: Journal) -> None:
    """Write nonsense into a file that journals have open."""
    journals[0]._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    for journal in journals:
        journal._db.execute("PRAGMA shrink_memory")


def test_of_two_who_find_the_same_damage_one_begins_anew(path: Path) -> None:
    """Web workers and command lines share the audit's journal."""
    one, other = Journal(path), Journal(path)
    one.append([event(n) for n in range(3000)])
    spoil_pages(path, one, other)
    one.append([event(1)])
    other.append([event(2)])
    one.append([event(3)])
    assert len(list(path.parent.glob(f"{path.name}.corrupt-*Z"))) == 1
    assert [record for _, record in JournalReader(path).read(0, 9)][1:] == [event(1), event(2), event(3)]


def test_many_who_open_one_at_once_open_the_same(tmp_path: Path) -> None:
    many = 6
    for n in range(20):
        path, ready = journal_path(tmp_path, f"audit-{n}"), threading.Barrier(many)
        refused: list[Exception] = []

        def work(at: int, path: Path = path, ready: threading.Barrier = ready, refused: list[Exception] = refused) -> None:
            ready.wait()
            try:
                journal = Journal(path)
                journal.append([event(at)])
                journal.close()
            except Exception as error:  # noqa: BLE001 - told below
                refused.append(error)

        threads = [threading.Thread(target=work, args=(at,)) for at in range(many)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == []
        kept = [record for _, record in JournalReader(path).read(0, 99)]
        assert sorted(map(repr, kept)) == sorted(repr(event(at)) for at in range(many))
    assert journal_files(tmp_path) == sorted(journal_path(tmp_path, f"audit-{n}") for n in range(20)), "nothing else is left"
    assert not list(tmp_path.glob("*.new*")) and not list(tmp_path.glob("*.corrupt-*"))


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_a_reader_refuses_what_is_no_journal(path: Path, content: bytes) -> None:
    with pytest.raises(JournalCorruptError):
        JournalReader(path)
    path.write_bytes(content)
    with pytest.raises(JournalCorruptError):
        JournalReader(path)


def test_what_a_killed_maker_left_goes_with_the_next_opening_and_another_maker_is_left_alone(path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    path.parent.mkdir(parents=True, exist_ok=True)
    left = [path.with_name(f"{path.name}.{maker}.x.new{end}") for maker in (dead.pid, "uuid") for end in ("", "-wal")]
    making = path.with_name(f"{path.name}.{os.getppid()}.x.new")
    beside = path.with_name(f"another-{path.name}.{dead.pid}.x.new")
    for file in (*left, making, beside):
        file.touch()
    Journal(path).close()
    assert [file for file in (*left, making, beside) if file.exists()] == [making, beside]
    os.utime(making, (0, 0))  # nobody takes so long: its number is another's by now
    os.link(path, left[0])  # killed when it had only its first name to give up
    Journal(path).close()
    assert not making.exists() and not left[0].exists() and path.exists()


def test_an_unfinished_file_is_finished(path: Path) -> None:
    sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").connection.close()  # killed right after
    Journal(path).append([event(1)])
    assert not list(path.parent.glob("*.corrupt-*"))


def test_a_later_version_is_left_alone(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(JournalError, match="later version"):
        Journal(path)
    assert path.exists()


def test_a_command_no_one_can_decode_is_passed_over(path: Path) -> None:
    journal = Journal(path)
    asked = command()
    journal.append([CommandAccepted(asked), CommandAccepted(command())])
    journal._db.execute("UPDATE command SET body = x'c1' WHERE id = ?", (asked.command_id.bytes,))
    assert len(journal.unsettled()) == 1
    assert journal.command(asked.command_id) is None


# A full disk


def test_a_full_disk_refuses_and_loses_nothing(path: Path) -> None:
    journal = Journal(path)
    journal.append([event(1)])
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")  # SQLITE_FULL, as for ENOSPC
    big = PayloadRejected(DEVICE, START, "t", "r", os.urandom(4096), 4096)
    with pytest.raises(StorageFullError):
        for _ in range(9):
            journal.append([big, big])
    journal._db.execute("PRAGMA max_page_count = 1000000")
    before = journal.append([])
    assert journal.append([event(2)]) == before + 1
    assert len(JournalReader(path).read(0, 99)) == before + 1


def test_a_write_the_system_refuses_is_a_full_disk(path: Path) -> None:
    journal = Journal(path)
    journal.append([event(1)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size + 9000, hard))
        with pytest.raises(StorageFullError):
            for n in range(99):
                journal.append([PayloadRejected(DEVICE, START, "t", str(n), bytes(4096), 4096)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    before = journal.append([])
    assert journal.append([event(2)]) == before + 1
    journal.close()
    assert len(JournalReader(path).read(0, 999)) == before + 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFullError):
        Journal(tmp_path / "file" / "x.journal")


# Crashes


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from lics_actors.journal import Journal
from lics_actors.store.records import FleetEvent

journal = Journal(Path(sys.argv[1]))
(n,) = journal._db.execute("SELECT count(*) FROM entry").fetchone()
while True:
    n += 1
    journal.append([FleetEvent(datetime.now(UTC), "n", str(n), "p")], durable=n % 3 == 0)
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
"""


def killed_writer(path: Path, lines: int) -> int:
    """Run a writer, SIGKILL it amid its writing, and return the number of the last entry it acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        last = 0
        for _ in range(lines):
            last = int(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            if line.endswith("\n"):
                last = int(line)
    return last


@pytest.mark.parametrize("with_reader", [False, True])
def test_what_a_killed_writer_acknowledged_is_there(path: Path, with_reader: bool) -> None:
    reader = None
    for round_ in range(6):
        last = killed_writer(path, lines=1 + 37 * round_)
        if with_reader:
            reader = reader or JournalReader(path)
        entries = (reader or JournalReader(path)).read(0, 1 << 20)
        positions = [position for position, _ in entries]
        assert len(positions) in (last, last + 1), "everything acknowledged, and at most the one in the writing"
        assert [record.kind for _, record in entries if isinstance(record, FleetEvent)] == [
            str(n) for n in range(1, len(positions) + 1)
        ]
    assert not list(path.parent.glob("*.corrupt-*"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=8), st.data())
def test_the_journal_is_what_was_appended(tmp_path_factory: Any, batches: list[list[int]], data: st.DataObject) -> None:
    path = journal_path(tmp_path_factory.mktemp("journal"), "fleet")
    journal, expected = Journal(path), list[Record]()
    for batch in batches:
        records = [event(n) for n in batch]
        expected += records
        journal.append(records, durable=data.draw(st.booleans()))
        if data.draw(st.booleans()):
            journal.close()
            journal = Journal(path)
    entries = JournalReader(path).read(0, 999)
    assert [record for _, record in entries] == expected
    assert [position for position, _ in entries] == sorted({position for position, _ in entries}), "each is another, and later"
