"""What the bus says in the words of REST, and a list of devices that is as new as the bus."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.device.messages import Admin, CommandState, DeviceTwin, Health, Link, MetricReading, Safety
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.live.messages import (
    AlarmLive,
    CommandLive,
    DeviceLive,
    EventLive,
    LiveMessage,
    NodeLive,
    RunLive,
    RunStepLive,
    SlotLive,
    TelemetryLive,
    alarm_live,
)
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.records import Command, CommandStep
from lics_actors.store.rows import DeviceRow
from lics_actors.store.runs import Run
from lics_actors.store.slots import SlotRow
from lics_actors.study.run_desk import Standing
from web.live.protocol import write
from web.live.views import (
    YOUNG_US,
    Happened,
    alarms_raw,
    device_raw,
    newest_alarms,
    newest_devices,
    run_raw,
    runs_raw,
    sessions_raw,
    short_of_row,
    shorts_of_tree,
    shorts_raw,
    telemetry_told,
    told,
    twin_raw,
)
from web.schemas.alarms import alarm_view
from web.schemas.commands import command_view
from web.schemas.devices import device_view

EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)
EPOCH_US = int(EPOCH.timestamp() * 1e6)
PUMP, FEEDER = UUID(int=1), UUID(int=2)
TWIN = DeviceTwin(
    PUMP,
    Link.ONLINE,
    Health.OK,
    Safety.SAFE,
    Admin.ENABLED,
    3,
    1,
    EPOCH,
    EPOCH,
    None,
    None,
    {"volume_ul": MetricReading(1.5, EPOCH)},
    2,
    4,
)


def row(device_id: UUID = PUMP, state_at: datetime | None = None) -> DeviceRow:
    return DeviceRow(
        id=device_id,
        laboratory_id=DEFAULT_LABORATORY,
        name=f"device-{device_id.int}",
        type="pump",
        driver="native",
        location="room 2",
        settings={},
        capabilities={},
        silent_s=30.0,
        admin=Admin.ENABLED,
        link=Link.OFFLINE,
        health=Health.OK,
        safety=Safety.SAFE,
        epoch=2,
        reason="recorded",
        state_at=state_at,
        described_at=None,
        version=1,
        created_at=EPOCH,
        updated_at=EPOCH,
        created_by="user:admin",
        updated_by="user:admin",
    )


def device(device_id: UUID = PUMP, link: Link = Link.ONLINE) -> DeviceLive:
    return DeviceLive(
        device_id, link, Health.OK, Safety.SAFE, Admin.ENABLED, link.value, 3, None, EPOCH, EPOCH + timedelta(seconds=1)
    )


def alarm(kind: str, seconds: float = 0, gone: float | None = None) -> AlarmLive:
    """What a source says, before the table knows."""
    returned_at = None if gone is None else EPOCH + timedelta(seconds=gone)
    return AlarmLive("recorder", kind, "high", "it fills", EPOCH + timedelta(seconds=seconds), returned_at=returned_at)


def alarm_row(kind: str, **more: Any) -> Alarm:
    return Alarm(7, "recorder", kind, "high", "it fills", EPOCH, count=3, last_at=EPOCH, **more)


def said(message: Happened) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(write(told("fleet", 5, message)))
    assert (document["topic"], document["n"]) == ("fleet", 5)
    return document


def test_a_device_has_the_fields_of_rest() -> None:
    rest = json.loads(device_view(row(), TWIN).model_dump_json())
    axes = said(device())["device"]
    assert set(axes) <= set(rest)
    assert axes["status"] == "online"
    live = json.loads(bytes(twin_raw(TWIN)))
    assert live == {name: value for name, value in rest.items() if name in live}
    assert json.loads(bytes(device_raw(row(), TWIN))) == rest


def test_events_of_devices_and_of_the_tree() -> None:
    lick = said(EventLive(PUMP, EPOCH, "lick", {"count": 1}, 3, 9))["event"]
    assert lick == {
        "device_id": str(PUMP),
        "time": "2026-01-31T12:00:00Z",
        "type": "lick",
        "data": {"count": 1},
        "epoch": 3,
        "seq": 9,
    }
    restart = said(NodeLive("rack:1", "restarted", "it hung", EPOCH))["event"]
    assert restart == {"node": "rack:1", "time": "2026-01-31T12:00:00Z", "type": "lics.restarted", "data": {"reason": "it hung"}}
    assert said(NodeLive("rack:1", "started", None, EPOCH))["event"]["data"] is None


def test_a_command_is_the_whole_command_as_in_rest() -> None:
    steps = (CommandStep(CommandState.ACCEPTED, EPOCH),)
    command = Command(UUID(int=9), PUMP, "dispense", {"volume_ul": 2.0}, "user:admin", False, True, EPOCH, steps)
    assert said(CommandLive(command))["command"] == json.loads(command_view(command).model_dump_json())


def test_an_alarm_has_the_fields_of_rest() -> None:
    row = alarm_row("spool_filling", acknowledged_at=EPOCH, acknowledged_by="user:a", comment="seen")
    rest = json.loads(alarm_view(row).model_dump_json())
    assert said(alarm_live(row))["alarm"] == rest
    assert (rest["state"], rest["active"], rest["id"]) == ("acknowledged", True, 7)
    young = said(alarm("spool_filling"))["alarm"]
    assert (set(young), young["id"], young["state"]) == (set(rest), None, "unacknowledged")
    unseen = said(AlarmLive("recorder", "lag", "high", "", None, returned_at=EPOCH))["alarm"]
    assert (unseen["state"], unseen["raised_at"]) == ("returned", "2026-01-31T12:00:00Z")


def test_values() -> None:
    heard = TelemetryLive(PUMP, EPOCH, 3, 9, {"volume_ul": 1.5})
    document = json.loads(write(telemetry_told("device:x", 6, heard)))
    assert document["telemetry"] == {
        "device_id": str(PUMP),
        "time": "2026-01-31T12:00:00Z",
        "epoch": 3,
        "seq": 9,
        "metrics": {"volume_ul": 1.5},
    }


def test_a_list_of_devices_takes_what_is_newer_from_the_bus() -> None:
    recorded_later = row(FEEDER, EPOCH + timedelta(seconds=10))
    shorts = [short_of_row(row(PUMP, EPOCH)), short_of_row(recorded_later), short_of_row(row(UUID(int=3)))]
    heard: list[tuple[int, LiveMessage]] = [
        (EPOCH_US + 1, device(PUMP, Link.STALE)),
        (EPOCH_US + 2, device(PUMP, Link.ONLINE)),
        (EPOCH_US + 3, device(FEEDER, Link.ONLINE)),
        (EPOCH_US + 4, device(UUID(int=4), Link.ONLINE)),
        (EPOCH_US + 5, NodeLive("rack:1", "restarted", None, EPOCH)),
    ]
    pump, feeder, third = newest_devices(shorts, heard)
    assert (pump.status, pump.name, pump.epoch) == ("online", "device-1", 3)
    assert feeder.status == "offline", "the record knows of a later change that the bus lost"
    assert third.status == "offline"
    assert msgspec.json.decode(shorts_raw([pump])[0])["link"] == "online"


def test_a_list_of_alarms_takes_what_the_table_does_not_know_yet_from_the_bus() -> None:
    rows = [
        alarm_row("lag"),
        alarm_row("dropped"),
        alarm_row("again"),
        alarm_row("told"),
        alarm_row("seen", acknowledged_at=EPOCH),
    ]
    n = EPOCH_US
    over = alarm_live(replace(alarm_row("ended"), returned_at=EPOCH + timedelta(seconds=9), cleared_at=EPOCH))
    heard: list[tuple[int, LiveMessage]] = [
        (n - YOUNG_US - 1, alarm("long_ago", 5)),
        (n - 9, alarm("told", 0)),
        (n - 8, alarm("dropped", 0, gone=3)),
        (n - 7, alarm("spool_filling", 1)),
        (n - 6, alarm("again", 4)),
        (n - 5, alarm("never_raised", 0, gone=2)),
        (n - 4, alarm("ended", 8)),
        (n - 3, over),
        (n - 2, alarm("seen", 0, gone=2)),
        (n - 2, alarm("lag", -5, gone=-4)),
        (n - 1, AlarmLive("recorder", "lag", "high", "", None)),
        (n, NodeLive("rack:1", "restarted", None, EPOCH)),
    ]
    found = [json.loads(bytes(each)) for each in alarms_raw(newest_alarms(rows, heard, n))]
    assert [(each["kind"], each["count"], each["state"]) for each in found] == [
        ("lag", 3, "unacknowledged"),
        ("dropped", 3, "returned"),
        ("again", 4, "unacknowledged"),
        ("told", 3, "unacknowledged"),
        ("spool_filling", 1, "unacknowledged"),
    ]


def test_while_no_table_answers_the_fleet_tells_names_and_words() -> None:
    leaf = NodeView(f"device:{PUMP}", "device", NodeState.RUNNING, 7, 1, 0, EPOCH, "pump-1", "online", None, {})
    rack = NodeView("rack:1", "rack", NodeState.RUNNING, 6, 1, 0, EPOCH, children=(leaf,))
    (short,) = shorts_of_tree(NodeView("fleet", "fleet", NodeState.RUNNING, 5, 1, 0, EPOCH, children=(rack,)))
    assert (short.id, short.name, short.status, short.type) == (PUMP, "pump-1", "online", None)
    assert newest_devices([short], [(EPOCH_US, device(PUMP, Link.STALE))])[0].status == "stale"


def a_run(n: int, phase: str = "running") -> Run:
    where = (DEFAULT_LABORATORY, UUID(int=8), "cage 1", None, None, None, None, UUID(int=9), "two_choice", 1, {}, 5, "ul")
    return Run(UUID(int=7), *where, "user:1", None, EPOCH, EPOCH, phase, "", EPOCH, EPOCH, None, n, 3, {"correct": 3}, 24.0, 24.0)


def run_live(n: int, phase: str) -> RunLive:
    return RunLive(UUID(int=7), DEFAULT_LABORATORY, EPOCH, phase, "why", 4, 24.0, n)


def test_runs_are_told_by_their_own_kinds() -> None:
    said = json.loads(write(told("runs", 5, run_live(9, "paused"))))
    assert (said["kind"], said["run"]["id"], said["run"]["phase"]) == ("run", str(UUID(int=7)), "paused")
    step = told("run:x", 6, RunStepLive(UUID(int=7), EPOCH, 9, msgspec.Raw(b'{"n":9}')))
    assert json.loads(write(step)) == {"kind": "step", "topic": "run:x", "n": 6, "step": {"n": 9}}
    assert json.loads(bytes(run_raw(Standing(a_run(3)))))["now"] is None


def a_slot(status: str, seconds: int) -> SlotLive:
    ids = [UUID(int=n) for n in (7, 1, 8, 9, 10)]
    return SlotLive(*ids, EPOCH, EPOCH, status, ("the lid is open",), "user:1", EPOCH + timedelta(seconds=seconds))


def test_sessions_are_told_and_listed_as_they_were_decided_last() -> None:
    said = json.loads(write(told("schedule", 5, a_slot("waiting", 0))))
    assert (said["kind"], said["session"]["id"], said["session"]["why"]) == ("session", str(UUID(int=7)), ["the lid is open"])
    ids = [UUID(int=n) for n in (7, 1, 8, 9, 10)]
    row = SlotRow(*ids, EPOCH.date(), 0, EPOCH, EPOCH, "ask", None, "waiting", (), "system:schedule")
    row = replace(row, updated_at=EPOCH + timedelta(seconds=2))
    statuses = [json.loads(bytes(sessions_raw([row], [(1, a_slot("missed", late))])[0]))["status"] for late in (1, 3)]
    assert statuses == ["waiting", "missed"], "what the table was told later stands"


def test_runs_are_as_new_as_the_bus() -> None:
    (older,) = runs_raw([a_run(9)], [(1, run_live(8, "paused"))])
    assert json.loads(bytes(older))["phase"] == "running"
    (newer,) = runs_raw([a_run(9)], [(1, run_live(10, "arming")), (2, run_live(11, "paused"))])
    assert (json.loads(bytes(newer))["phase"], json.loads(bytes(newer))["why"]) == ("paused", "why")
    assert runs_raw([a_run(9)], [(1, run_live(12, "completed"))]) == [], "over, though no table knows it yet"
