"""The device's side of the native contract: what it sends as bytes, and what it is sent. Pure; the simulator speaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from drivers.description import description_json
from drivers.native import wire
from drivers.native.wire import checked_text, checked_value, read_json, rfc3339, utc
from drivers.protocol import AckState, Description, JsonObject, OutgoingCommand, PresenceState, Sample


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may move this device's actuators, and until when."""

    holder: str
    expires: datetime


def describe_payload(description: Description) -> bytes:
    """Return `describe`."""
    return msgspec.json.encode({"schema": wire.SCHEMA} | description_json(description))


def status_payload(state: PresenceState, epoch: int, time: datetime, reason: str | None = None) -> bytes:
    """Return `status`, also for a last will."""
    return _encode({"state": state, "epoch": epoch, "ts": rfc3339(time), "reason": reason})


def telemetry_payload(epoch: int, seq: int, samples: Sequence[Sample], tags: JsonObject | None = None) -> bytes:
    """Return `telemetry`: one sample inline, more of them as `samples`."""
    written = [{"ts": rfc3339(sample.time), "metrics": dict(sample.metrics)} for sample in samples]
    body: dict[str, Any] = written[0] if len(written) == 1 else {"samples": written}
    return _encode({"epoch": epoch, "seq": seq} | body | {"tags": tags})


def event_payload(epoch: int, seq: int, time: datetime, kind: str, data: JsonObject | None = None) -> bytes:
    """Return `events`."""
    return _encode({"epoch": epoch, "seq": seq, "ts": rfc3339(time), "type": kind, "data": data})


def ack_payload(
    command_id: UUID,
    state: AckState,
    time: datetime,
    *,
    result: Any = None,
    error: str | None = None,
    ledger_seq: int | None = None,
) -> bytes:
    """Return `commands/ack`."""
    return _encode(
        {
            "id": str(command_id),
            "state": state,
            "ts": rfc3339(time),
            "result": result,
            "error": error,
            "ledger_seq": ledger_seq,
        }
    )


def read_command(topic: str, payload: bytes) -> OutgoingCommand:
    """Return a command as LICS sent it.

    Raises:
        DecodeError: it is none.
    """
    try:
        said = read_json(_COMMAND, payload, wire.CONTROL_BYTES)
        return OutgoingCommand(
            command_id=said.id,
            name=checked_text(said.name, "name"),
            args=checked_value(said.args, "args"),
            deadline=utc(said.deadline),
            epoch=said.epoch,
            lease=checked_value(said.lease, "lease"),
        )
    except wire.REFUSALS as error:
        raise wire.refused(topic, error) from error


def read_lease(topic: str, payload: bytes) -> Lease:
    """Return a lease as LICS sent it.

    Raises:
        DecodeError: it is none.
    """
    try:
        said = read_json(_LEASE, payload, wire.CONTROL_BYTES)
        return Lease(checked_text(said.holder, "holder"), utc(said.expires))
    except wire.REFUSALS as error:
        raise wire.refused(topic, error) from error


def lease_payload(lease: Lease) -> bytes:
    """Return a lease as bytes."""
    return _encode({"holder": lease.holder, "expires": rfc3339(lease.expires)})


def _encode(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


_COMMAND = msgspec.json.Decoder(wire.WireCommand)
_LEASE = msgspec.json.Decoder(wire.WireLease)
