"""Rows, records and devices for the tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from lics_actors.device.messages import CommandState
from lics_actors.store.records import (
    Command,
    CommandAccepted,
    CommandMoved,
    CommandStep,
    DeviceChanged,
    EventRow,
    PayloadRejected,
    TelemetryRow,
)
from lics_actors.store.repository import NewDevice

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DEVICE = UUID("00000000-0000-4000-8000-000000000001")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def new_device(name: str = "cage-1-pump", **more: Any) -> NewDevice:
    given: dict[str, Any] = {"type": "pump", "driver": "native", "principal": "user:ada", "location": "Cage 1"}
    return NewDevice(name=name, **{**given, **more})


def reading(n: int, metric: str = "plate_c", device: UUID = DEVICE, value: float | None = None, **more: Any) -> TelemetryRow:
    given: dict[str, Any] = {"time": at(n), "tags": None, "epoch": 1, "seq": n}
    return TelemetryRow(device_id=device, metric=metric, value=float(n) if value is None else value, **{**given, **more})


def event(n: int, type_: str = "lick", device: UUID = DEVICE, **more: Any) -> EventRow:
    given: dict[str, Any] = {"time": at(n), "data": {"n": n}, "epoch": 1, "seq": n}
    return EventRow(device_id=device, type=type_, **{**given, **more})


def rejection(n: int, payload: bytes = b"\x00\xff", device: UUID = DEVICE, **more: Any) -> PayloadRejected:
    given: dict[str, Any] = {"topic": f"devices/{device}/telemetry", "reason": "no JSON", "size": len(payload)}
    return PayloadRejected(device_id=device, time=at(n), payload=payload, **{**given, **more})


def accepted(n: int = 0, command_id: UUID | None = None, device: UUID = DEVICE, **more: Any) -> CommandAccepted:
    given: dict[str, Any] = {"name": "dispense", "args": {"volume_ul": 5}, "principal": "user:ada"}
    command = Command(
        command_id=command_id or uuid4(),
        device_id=device,
        idempotent=False,
        actuates=True,
        deadline=at(n + 5),
        steps=(CommandStep(CommandState.ACCEPTED, at(n)),),
        **{**given, **more},
    )
    return CommandAccepted(command)


def moved(command_id: UUID, n: int, state: CommandState, device: UUID = DEVICE, **step: Any) -> CommandMoved:
    return CommandMoved(command_id, device, n, CommandStep(state, at(n), **step))


def changed(n: int, link: str = "online", device: UUID = DEVICE, **more: Any) -> DeviceChanged:
    given: dict[str, Any] = {"health": "ok", "safety": "safe", "epoch": 3}
    return DeviceChanged(device_id=device, time=at(n), link=link, **{**given, **more})
