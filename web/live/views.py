"""What the bus says, in the words of the WebSocket and of REST. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, assert_never
from uuid import UUID

import msgspec
from msgspec import Raw

from lics_actors.device.messages import DeviceTwin
from lics_actors.experiment.messages import OVER
from lics_actors.fleet.messages import NodeView
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
    moments,
)
from lics_actors.store.alarm_states import Alarm, Raised, Returned
from lics_actors.store.alarm_states import told as told_by_source
from lics_actors.store.records import Command
from lics_actors.store.rows import DeviceRow
from lics_actors.store.runs import Run
from lics_actors.store.slots import SlotRow
from lics_actors.study.run_desk import Standing
from web.live.protocol import (
    AlarmTold,
    Axes,
    CommandTold,
    DeviceTold,
    EventTold,
    Happening,
    RunNow,
    RunTold,
    SessionNow,
    SessionTold,
    StepTold,
    TelemetryTold,
    Values,
)
from web.schemas.alarms import STORED, alarm_view
from web.schemas.commands import command_view
from web.schemas.devices import device_view
from web.schemas.runs import run_view, whole_run_view
from web.schemas.schedule import slot_view

YOUNG_US: Final = 30_000_000  # what is older has reached the tables, or they do not answer anyway
Told = DeviceTold | EventTold | CommandTold | AlarmTold | RunTold | StepTold | SessionTold
Happened = DeviceLive | EventLive | CommandLive | AlarmLive | NodeLive | RunLive | RunStepLive | SlotLive


class Short(msgspec.Struct, frozen=True):
    """A device in a list: the fields of the same names in REST's device. Of one that no table told, `type` is unknown."""

    id: UUID
    name: str
    type: str | None
    location: str | None
    status: str
    link: str | None
    health: str | None
    safety: str | None
    admin: str | None
    epoch: int | None
    reason: str | None
    since: datetime | None


def told(topic: str, n: int, message: Happened) -> Told:
    """Return what clients are told of something that happened."""
    match message:
        case DeviceLive():
            return DeviceTold(topic, n, axes(message))
        case EventLive():
            happening = Happening(
                message.time, message.type, message.data, message.device_id, epoch=message.epoch, seq=message.seq
            )
            return EventTold(topic, n, happening)
        case CommandLive(command=command):
            return CommandTold(topic, n, command_raw(command))
        case AlarmLive():
            return AlarmTold(topic, n, alarm_raw(_alarm(message)))
        case NodeLive():
            data = None if message.reason is None else {"reason": message.reason}
            return EventTold(topic, n, Happening(message.time, f"lics.{message.what}", data, node=message.node))
        case RunLive():
            facts = (message.time, message.phase, message.reason, message.trial, message.rewarded, message.n)
            return RunTold(topic, n, RunNow(message.run_id, message.laboratory_id, *facts))
        case RunStepLive(step=step):
            return StepTold(topic, n, step)
        case SlotLive():
            session = msgspec.structs.asdict(message)
            return SessionTold(topic, n, SessionNow(id=session.pop("slot_id"), **session))
        case _:
            assert_never(message)


def run_raw(standing: Standing) -> Raw:
    """Return a run exactly as REST says it."""
    return Raw(whole_run_view(standing).model_dump_json().encode())


def runs_raw(rows: Iterable[Run], said: Iterable[tuple[int, LiveMessage]]) -> list[Raw]:
    """Return the runs that are not over as REST lists them, in the phases that they themselves said last."""
    newest = {message.run_id: message for _, message in said if isinstance(message, RunLive)}
    found = []
    for row in rows:
        live = newest.get(row.id)
        if live is not None and live.n > row.n:
            row = replace(row, phase=live.phase, why=live.reason, n=live.n)  # noqa: PLW2901 - the same, a moment later
        if row.phase not in OVER:
            found.append(Raw(run_view(row).model_dump_json().encode()))
    return found


def sessions_raw(rows: Iterable[SlotRow], said: Iterable[tuple[int, LiveMessage]]) -> list[Raw]:
    """Return planned sessions as REST lists them, as they were decided last."""
    newest = {message.slot_id: message for _, message in said if isinstance(message, SlotLive)}
    found = []
    for row in rows:
        live = newest.get(row.id)
        if live is not None and (row.updated_at is None or live.time > row.updated_at):
            row = replace(row, status=live.status, why=live.why, principal=live.by, updated_at=live.time)  # noqa: PLW2901
        found.append(Raw(slot_view(row).model_dump_json().encode()))
    return found


def telemetry_told(topic: str, n: int, heard: TelemetryLive) -> TelemetryTold:
    """Return what clients are told of new values."""
    return TelemetryTold(topic, n, Values(heard.device_id, heard.time, heard.epoch, heard.seq, heard.metrics))


def axes(device: DeviceLive | DeviceTwin) -> Axes:
    """Return how a device is."""
    return Axes(
        id=device.device_id,
        status=device.status,
        link=device.link,
        health=device.health,
        safety=device.safety,
        admin=device.admin,
        epoch=device.epoch,
        reason=device.reason,
        since=device.since,
        last_seen=device.last_seen,
    )


def command_raw(command: Command) -> Raw:
    """Return a command exactly as REST says it."""
    return Raw(command_view(command).model_dump_json().encode())


def device_raw(row: DeviceRow, twin: DeviceTwin | None) -> Raw:
    """Return a device exactly as REST says it."""
    return Raw(device_view(row, twin).model_dump_json().encode())


def twin_raw(twin: DeviceTwin) -> Raw:
    """Return what of REST's device its actor alone can tell, while no table answers."""
    live: dict[str, Any] = {
        **msgspec.structs.asdict(axes(twin)),
        "live": True,
        "incarnation": twin.incarnation,
        "metrics": {name: {"value": reading.value, "time": reading.time} for name, reading in twin.metrics.items()},
        "queued_commands": twin.queued_commands,
        "rejected_payloads": twin.rejected_payloads,
    }
    return _raw(live)


def alarm_raw(alarm: Alarm) -> Raw:
    """Return an alarm exactly as REST says it."""
    return Raw(alarm_view(alarm).model_dump_json().encode())


def alarms_raw(alarms: Iterable[Alarm]) -> list[Raw]:
    """Return alarms exactly as REST says them; one that is not in the table yet has no id."""
    return [alarm_raw(alarm) for alarm in alarms]


def short_of_row(row: DeviceRow) -> Short:
    """Return a device as it was last recorded."""
    return Short(
        row.id,
        row.name,
        row.type,
        row.location,
        row.status,
        row.link,
        row.health,
        row.safety,
        row.admin,
        row.epoch,
        row.reason,
        row.state_at,
    )


def shorts_of_tree(tree: NodeView) -> list[Short]:
    """Return the devices that the fleet runs, with what it knows of them: their names and states in a word."""
    found: list[Short] = []
    if tree.kind == "device":
        device_id = UUID(tree.name.removeprefix("device:"))
        found.append(Short(device_id, tree.label, None, None, tree.word, *([None] * 7)))
    for child in tree.children:
        found += shorts_of_tree(child)
    return found


def newest_devices(shorts: Iterable[Short], said: Iterable[tuple[int, LiveMessage]]) -> list[Short]:
    """Return the devices with what was said on the bus, oldest first, where that is newer than the record (`n`: a time in µs)."""
    heard = {message.device_id: (n, message) for n, message in said if isinstance(message, DeviceLive)}
    return [_changed(short, *heard[short.id]) if short.id in heard else short for short in shorts]


def newest_alarms(rows: Iterable[Alarm], said: Iterable[tuple[int, LiveMessage]], n: int) -> list[Alarm]:
    """Return the open alarms, with what their sources said within `YOUNG_US` before `n` and the table does not know yet.

    The rows are read after `n`, so whatever came from the table is in them; it only tells what the table knows by now.
    """
    found = {(row.source, row.kind): row for row in rows}
    young = [each for at, each in said if isinstance(each, AlarmLive) and at >= n - YOUNG_US]
    known = {(each.source, each.alarm_kind): max(moments(each)) for each in young if each.id is not None}
    for each in young:
        key = (each.source, each.alarm_kind)
        times = moments(each)
        if each.id is not None or not times or max(times) <= known.get(key, datetime.min.replace(tzinfo=UTC)):
            continue
        before = found.get(key)
        raised_at = None if before is None else before.last_at or before.raised_at
        if each.returned_at is None and each.raised_at is not None and (raised_at is None or each.raised_at > raised_at):
            found[key] = told_by_source(before, each.source, each.alarm_kind, _raise(each, each.raised_at))[-1]
        elif each.returned_at is not None and before is not None:
            changed = told_by_source(before, each.source, each.alarm_kind, Returned(each.returned_at, in_order=False))
            found[key] = changed[-1] if changed else before
    return [alarm for alarm in found.values() if alarm.cleared_at is None]


def _raise(message: AlarmLive, time: datetime) -> Raised:
    return Raised(time, message.severity, message.message)


def _alarm(message: AlarmLive) -> Alarm:
    """Return what the bus says as an alarm. Of one whose raise nobody saw only the end is known."""
    fields = {name: getattr(message, name) for name in STORED - {"kind", "raised_at", "count"}}
    raised_at = message.raised_at or message.returned_at or message.cleared_at or datetime.min.replace(tzinfo=UTC)
    return Alarm(id=message.id or 0, kind=message.alarm_kind, raised_at=raised_at, count=message.count or 1, **fields)


def _changed(short: Short, n: int, message: DeviceLive) -> Short:
    if short.since is not None and n < short.since.timestamp() * 1e6:
        return short  # the record knows of a later change that the bus lost
    return msgspec.structs.replace(
        short,
        status=message.status,
        link=message.link,
        health=message.health,
        safety=message.safety,
        admin=message.admin,
        epoch=message.epoch,
        reason=message.reason,
        since=message.since,
    )


def _raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def shorts_raw(shorts: Iterable[Short]) -> list[Raw]:
    """Return devices for a snapshot."""
    return [_raw(short) for short in shorts]
