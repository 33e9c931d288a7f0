"""The shell: what is journaled before it is done, what happens when the disk or a driver fails, and whom it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from pydantic import BaseModel

from drivers import registry
from drivers.errors import DecodeError, EncodeError
from drivers.native import device_side
from drivers.native.codec import NATIVE
from drivers.native.spec import PUMP
from drivers.protocol import (
    AckState,
    CommandAcked,
    Decoded,
    Description,
    DeviceRef,
    Driver,
    OutgoingCommand,
    PresenceReported,
    PresenceState,
    Publication,
    Received,
    TopicFilter,
)
from lics_actors.device.events import CommandUnsayable
from lics_actors.device.messages import (
    Admin,
    AskCommand,
    AskTwin,
    CancelCommand,
    CommandState,
    DeviceSpec,
    DeviceTwin,
    RequestCommand,
)
from lics_actors.device.outbox import MAX_HELD
from lics_actors.device.session import BrokerLost, BrokerReached, MessageArrived
from lics_actors.device.shell import DeviceShell, DiskRetryDue, TimerRang
from lics_actors.errors import CommandNotFoundError, DeviceNotFoundError, LicsError, StorageFullError
from lics_actors.journal import Journal, JournalReader, journal_path
from lics_actors.store.records import Command, CommandMoved, PayloadRejected
from tests.unit.device.laboratory import WEAK

DEVICE = UUID(int=5)
SPEC = DeviceSpec(DEVICE, "pump", "pump", "native", {})


class Outside:
    """Remembers what the shell wanted."""

    def __init__(self) -> None:
        self.published: list[tuple[int, Publication]] = []
        self.filters: list[Sequence[TopicFilter]] = []
        self.coming: list[object] = []
        self.armed: list[datetime] = []

    def publish(self, session: int, publications: Sequence[Publication]) -> None:
        self.published += [(session, publication) for publication in publications]

    def subscribe(self, filters: Sequence[TopicFilter]) -> None:
        self.filters.append(filters)

    def arm(self, at: datetime) -> None:
        self.armed.append(at)

    def later(self, delay_s: float, happening: object) -> None:
        self.coming.append(happening)


class Bench:
    """A shell over a real journal."""

    def __init__(self, folder: Path, spec: DeviceSpec = SPEC, incarnation: int = 1) -> None:
        self.path = journal_path(folder, f"device-{DEVICE}")
        self.journal, self.outside = Journal(self.path), Outside()
        self.shell = DeviceShell(spec, "lab/", incarnation, self.journal, self.outside)
        self.shell.start()

    def arrives(self, leaf: str, payload: bytes) -> None:
        topic = f"lab/devices/{DEVICE}/{leaf}"
        self.shell.happened([MessageArrived(Received(topic, payload, datetime.now(UTC)), retained=False)])

    def comes_online(self) -> None:
        self.shell.happened([BrokerReached(datetime.now(UTC), 7)])
        self.arrives("describe", device_side.describe_payload(PUMP))
        self.arrives("status", device_side.status_payload(PresenceState.ONLINE, 1, datetime.now(UTC)))

    def asks(self, **changes: Any) -> tuple[RequestCommand, list[Any]]:
        fields: dict[str, Any] = {"command_id": uuid4(), "device_id": DEVICE, "name": "dispense", "args": {"volume_ul": 5}}
        wish, answers = RequestCommand(**(fields | {"principal": "user:1", "wait_s": 5.0} | changes)), list[Any]()
        assert self.shell.requested(wish, answers.append)
        return wish, answers

    def acks(self, command_id: UUID, state: AckState, **facts: Any) -> None:
        self.arrives("commands/ack", device_side.ack_payload(command_id, state, datetime.now(UTC), **facts))

    def twin(self) -> DeviceTwin:
        answers: list[Any] = []
        self.shell.requested(AskTwin(DEVICE), answers.append)
        (twin,) = answers
        assert isinstance(twin, DeviceTwin)
        return twin

    def records(self) -> list[Any]:
        return [record for _, record in JournalReader(self.path).read(0, 100_000)]

    def fill_disk(self) -> None:
        (pages,) = self.journal._db.execute("PRAGMA page_count").fetchone()
        self.journal._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageFullError):
            for _ in range(99):
                self.journal.append([PayloadRejected(DEVICE, datetime.now(UTC), "t", "r", bytes(500), 500)])

    def free_disk(self) -> None:
        self.journal._db.execute("PRAGMA max_page_count = 100000")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.comes_online()
    return bench


def test_a_command_is_published_in_the_session_it_was_decided_for(bench: Bench) -> None:
    wish, answers = bench.asks()
    ((session, publication),) = bench.outside.published
    assert (session, publication.topic, publication.qos) == (7, f"lab/devices/{DEVICE}/commands", 1)
    told = device_side.read_command(publication.topic, publication.payload)
    assert (told.command_id, told.epoch, told.args) == (wish.command_id, 1, {"volume_ul": 5})
    assert answers == []
    bench.acks(wish.command_id, AckState.SUCCEEDED, result={"ul": 5})
    (command,) = answers
    assert command == bench.journal.command(wish.command_id)
    asked: list[Any] = []
    bench.shell.requested(AskCommand(DEVICE, wish.command_id), asked.append)
    bench.shell.requested(AskCommand(DEVICE, uuid4()), asked.append)
    assert asked[0] == command
    assert isinstance(asked[1], CommandNotFoundError)
    assert bench.shell.stats()["commands_succeeded"] == 1
    assert bench.shell.word == "online"


def test_requests_for_another_device_are_refused(bench: Bench) -> None:
    for body in (AskTwin(uuid4()), AskCommand(uuid4(), uuid4()), CancelCommand(uuid4(), uuid4(), "x")):
        with pytest.raises(DeviceNotFoundError):
            bench.shell.requested(body, lambda _: None)
    assert not bench.shell.requested("who are you", lambda _: None)
    with pytest.raises(LicsError):
        bench.shell.happened(["nothing known"])


def test_a_device_of_another_laboratory_is_not_there(bench: Bench) -> None:
    """Whatever who asks believes: here it is known for sure, also of a command that was given before the device moved."""
    home, other = SPEC.laboratory_id, uuid4()
    known, _ = bench.asks(within=frozenset({home}))
    bench.acks(known.command_id, AckState.SUCCEEDED)
    for within in (frozenset({other}), frozenset[UUID]()):
        with pytest.raises(DeviceNotFoundError, match=f"no device {DEVICE}"):
            bench.asks(within=within)
    bench.shell.changed(replace(SPEC, laboratory_id=other))
    for wish in (known, replace(known, command_id=uuid4())):
        with pytest.raises(DeviceNotFoundError):
            bench.shell.requested(wish, lambda _: None)
    bench.asks(within=frozenset({home, other}))
    bench.asks(within=None)
    assert len(bench.outside.published) == 2, "the second waits for the first"


def test_the_same_id_after_hours_is_answered_from_the_journal(bench: Bench) -> None:
    wish, _ = bench.asks()
    bench.acks(wish.command_id, AckState.SUCCEEDED)
    again: list[Any] = []
    bench.shell.requested(wish, again.append)
    assert [command.state for command in again] == [CommandState.SUCCEEDED]
    assert len(bench.outside.published) == 1


def test_a_full_disk_accepts_nothing_and_forgets_nothing(bench: Bench) -> None:
    wish, answers = bench.asks()
    published = len(bench.outside.published)
    bench.fill_disk()
    for _ in range(2):
        with pytest.raises(StorageFullError):
            bench.asks()
    assert bench.twin().queued_commands == 1
    bench.acks(wish.command_id, AckState.SUCCEEDED)
    assert answers == [], "not told before it is durable"
    assert sum(isinstance(each, DiskRetryDue) for each in bench.outside.coming) == 1
    with pytest.raises(StorageFullError):
        bench.asks()
    bench.shell.happened([DiskRetryDue()])
    assert sum(isinstance(each, DiskRetryDue) for each in bench.outside.coming) == 2, "it tries again"
    for n in range(MAX_HELD + 50):  # observations go, what happened to a command stays
        bench.arrives("status", device_side.status_payload(PresenceState.ONLINE, 2 + n, datetime.now(UTC)))
    assert bench.shell.stats()["records_dropped"] >= 49

    bench.free_disk()
    bench.shell.happened([DiskRetryDue()])
    assert [command.state for command in answers] == [CommandState.SUCCEEDED]
    states = [record.step.state for record in bench.records() if isinstance(record, CommandMoved)]
    assert states == [CommandState.DISPATCHED, CommandState.SUCCEEDED]
    assert len(bench.outside.published) == published
    later, _ = bench.asks()
    assert bench.outside.published[-1][1].payload.find(str(later.command_id).encode()) > 0


def test_a_new_incarnation_takes_over(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.comes_online()
    wish, _ = first.asks(timeout_s=60.0)
    first.journal.close()  # killed: nothing else is written
    second = Bench(tmp_path, incarnation=2)
    assert second.twin().description is not None
    second.comes_online()
    (again,), (said,) = (
        [{**msgspec.json.decode(p.payload), "lease": None} for _, p in bench.outside.published] for bench in (second, first)
    )
    assert again == said, "but for the lease, which is a new one"
    second.acks(wish.command_id, AckState.SUCCEEDED)
    settled = second.journal.command(wish.command_id)
    assert settled is not None
    assert settled.state is CommandState.SUCCEEDED


def test_a_changed_admin_state_is_taken_over_without_a_new_session(bench: Bench) -> None:
    bench.shell.changed(replace(SPEC, admin=Admin.MAINTENANCE))
    assert bench.shell.word == "maintenance"
    assert bench.outside.filters == []


def test_other_settings_start_the_device_over(bench: Bench) -> None:
    _, answers = bench.asks()
    bench.shell.changed(replace(SPEC, settings={"silent_s": 5}))
    assert [command.state for command in answers] == [CommandState.DISPATCHED]
    assert len(bench.outside.filters) == 1
    assert bench.twin().link == "connecting"
    assert bench.twin().queued_commands == 1, "the command is followed on"
    bench.comes_online()
    assert len(bench.outside.published) == 2, "asked for"


def test_an_unknown_driver_is_not_taken_over(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.shell.changed(replace(SPEC, driver="telepathy"))
    assert bench.shell.word == "online"
    assert "cannot be used" in caplog.text


def test_losing_the_broker_and_timers_reach_the_rules(bench: Bench) -> None:
    bench.shell.happened([BrokerLost(datetime.now(UTC), "gone"), TimerRang()])
    assert bench.twin().link == "connecting"
    assert bench.outside.armed


def test_rubbish_is_judged_where_it_belongs(bench: Bench) -> None:
    for leaf in ("status", "describe", "commands/ack", "telemetry", "events"):
        bench.arrives(leaf, b"\xff" * 5000)
    kept = [record for record in bench.records() if isinstance(record, PayloadRejected)]
    assert [record.topic.rpartition("/")[2] for record in kept] == ["status", "describe", "ack"]
    assert {len(record.payload) for record in kept} == {4096}
    assert bench.twin().rejected_payloads == 3
    assert bench.shell.stats()["payloads_rejected_by_record"] == 2


class Stub:
    """A driver by echo whose code does what a test says."""

    name, guarantees, settings_model = "stub", WEAK, BaseModel

    def __init__(self) -> None:
        self.says: list[Decoded] | Exception = []
        self.cannot: Exception | None = None

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        return (TopicFilter("out", 0), TopicFilter("data", 0, data=True), TopicFilter(f"lab/devices/{DEVICE}/#", 0))

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:
        return ()

    def device_of(self, topic: str, prefix: str) -> UUID | None:
        return None

    def decode(self, device: DeviceRef, message: Received) -> Sequence[Decoded]:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def encode(self, device: DeviceRef, command: OutgoingCommand) -> Sequence[Publication]:
        if self.cannot is not None:
            raise self.cannot
        return [Publication("set", command.name.encode(), 0)]

    def echo_of(self, device: DeviceRef, command: OutgoingCommand) -> str | None:
        return f"did {command.name}"

    def description(self, device: DeviceRef) -> Description | None:
        return PUMP


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    drivers: dict[str, Driver] = {"stub": stub, "native": NATIVE}
    monkeypatch.setattr(registry, "driver", drivers.__getitem__)
    return stub


def stub_bench(tmp_path: Path, stub: Stub) -> Bench:
    bench = Bench(tmp_path, replace(SPEC, driver="stub"))
    bench.shell.happened([BrokerReached(datetime.now(UTC), 1)])
    stub.says = [PresenceReported(PresenceState.ONLINE, None, datetime.now(UTC))]
    bench.arrives("x", b"")
    return bench


def test_an_echo_settles_the_command_in_flight(tmp_path: Path, stub: Stub) -> None:
    bench = stub_bench(tmp_path, stub)
    _, answers = bench.asks(name="stop", args={})
    now = datetime.now(UTC)
    for echo in (None, "did something else", "did stop"):
        stub.says = [CommandAcked(None, AckState.SUCCEEDED, now, echo=echo)]
        bench.arrives("x", b"")
    assert [command.state for command in answers] == [CommandState.SUCCEEDED]
    bench.arrives("x", b"")
    assert bench.shell.stats()["acks_unknown"] == 3


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (DecodeError("x", "no such word"), "no such word"),
        (ZeroDivisionError("a bug"), "the driver failed"),
        (RecursionError(), "the driver failed"),
        ([CommandAcked(uuid4(), AckState.SUCCEEDED, datetime.now(UTC), result={1: 2})], "a key is no text"),
        ([CommandAcked(uuid4(), AckState.SUCCEEDED, datetime.now(UTC), result=1 << 99)], "an integer has more than 64 bits"),
        ([CommandAcked(uuid4(), AckState.FAILED, datetime.now(UTC), error="\0")], "a text holds U+0000"),
    ],
)
def test_whatever_a_driver_does_with_a_message_the_device_lives_on(tmp_path: Path, stub: Stub, says: Any, reason: str) -> None:
    bench = stub_bench(tmp_path, stub)
    stub.says = says
    for _ in range(3):
        bench.arrives("x", b"\0")
    kept = [record for record in bench.records() if isinstance(record, PayloadRejected)]
    assert [record.reason for record in kept] == [reason] * 3
    assert bench.shell.stats()["driver_faults"] == (3 if reason == "the driver failed" else 0)


@pytest.mark.parametrize(
    ("cannot", "reason"), [(EncodeError("stop", "too long"), "too long"), (ValueError("a bug"), "the driver failed")]
)
def test_what_a_driver_cannot_say_is_rejected(tmp_path: Path, stub: Stub, cannot: Exception, reason: str) -> None:
    bench = stub_bench(tmp_path, stub)
    stub.cannot = cannot
    _, answers = bench.asks(name="stop", args={})
    (unsayable,) = [each for each in bench.outside.coming if isinstance(each, CommandUnsayable)]
    bench.shell.happened([unsayable])
    (command,) = answers
    assert isinstance(command, Command)
    assert (command.state, command.steps[-1].error) == (CommandState.REJECTED, reason)
