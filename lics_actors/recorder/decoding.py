"""From raw messages to rows: what each device's driver makes of them, and what becomes of those that say nothing. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import Any
from uuid import UUID

from drivers.errors import DecodeError
from drivers.protocol import EventReported, Received, TelemetryReported
from drivers.values import text_fault, value_fault
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.batch import RejectionLimit
from lics_actors.recorder.routing import NOBODY, NoRoute, Route, Routes
from lics_actors.store.packed import PackedTelemetry
from lics_actors.store.records import REJECTED_KEPT_BYTES, EventRow, PayloadRejected, TelemetryRow

UNKNOWN_DEVICE = "unknown device"
SHARES_OF_STRANGERS = 16
MAX_NAME = 100  # contracts.md section 5: metric varchar(100); an event's type is as long
MAX_EPOCH, MAX_SEQ = 2**31 - 1, 2**63 - 1  # contracts.md section 5: epoch int, seq bigint

Numbered = tuple[int, Arrival]  # a message with its position in the spool


@dataclass(slots=True)
class Decoded:
    """What a batch of messages comes to.

    `packed` is the telemetry that needed no look of its own. `rejected` are those kept for inspection, of `refused` in all.
    `unreadable` are messages on which a driver failed that had no business to: nothing says they are bad, so they are kept
    whole, with the reason.
    """

    packed: PackedTelemetry = field(default_factory=PackedTelemetry)
    telemetry: list[TelemetryRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    rejected: list[PayloadRejected] = field(default_factory=list)
    unreadable: list[tuple[Arrival, str]] = field(default_factory=list)
    refused: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows of telemetry and events there are."""
        return len(self.packed) + len(self.telemetry) + len(self.events)


class _RowError(Exception):
    """A driver made of a message what no table can hold."""


def unknown_devices(messages: Iterable[Numbered], routes: Routes) -> set[UUID]:
    """Return the devices that topics of `messages` name and nobody knows."""
    found = (routes.find(arrival.topic, arrival.received_us) for _, arrival in messages)
    return {each.device_id for each in found if isinstance(each, NoRoute) and each.device_id != NOBODY}


def decode(messages: Iterable[Numbered], routes: Routes, limit: RejectionLimit) -> Decoded:
    """Return the rows of `messages`; a message that breaks its contract is rejected whole, and changes nothing else."""
    decoded = Decoded()
    for position, arrival in messages:
        route = routes.find(arrival.topic, arrival.received_us)
        if isinstance(route, NoRoute):
            _reject(decoded, limit, arrival, route, UNKNOWN_DEVICE)
            continue
        try:
            _decode_one(decoded, position, arrival, route)
        except DecodeError as error:
            _reject(decoded, limit, arrival, route, error.reason)
        except _RowError as error:
            _reject(decoded, limit, arrival, route, str(error))
        except Exception as error:  # noqa: BLE001 - the fault of one device's driver must not stop the record of all
            reason = f"the driver failed: {type(error).__name__}: {error}"
            decoded.unreadable.append((arrival, reason))
            _reject(decoded, limit, arrival, route, reason)
    return decoded


def rejection(arrival: Arrival, device_id: UUID, reason: str, suppressed: int = 0) -> PayloadRejected:
    """Return the row that tells of a message that was not taken."""
    size = len(arrival.payload) if arrival.size is None else arrival.size
    topic = arrival.topic.decode(errors="replace").replace("\0", "�")
    reason = reason.encode(errors="replace").decode().replace("\0", "�")
    return PayloadRejected(device_id, arrival.received, topic, reason, arrival.payload[:REJECTED_KEPT_BYTES], size, suppressed)


def _reject(decoded: Decoded, limit: RejectionLimit, arrival: Arrival, route: Route | NoRoute, reason: str) -> None:
    decoded.refused += 1
    if isinstance(route, NoRoute):
        # topics of strangers are without number: they share a few limits, so that no crowd of them fills the table
        device_id, share = route.device_id, (NOBODY, bytes([zlib.crc32(arrival.topic) % SHARES_OF_STRANGERS]))
    else:
        device_id = route.device.device_id
        share = device_id, arrival.topic
    admitted = limit.admit(*share, arrival.received_us)
    if admitted:
        decoded.rejected.append(rejection(arrival, device_id, reason, admitted.suppressed))


def _decode_one(decoded: Decoded, position: int, arrival: Arrival, route: Route) -> None:
    if arrival.size is not None:
        raise _RowError(f"{arrival.size} bytes are more than is kept of a message")
    message = Received(arrival.topic.decode(), arrival.payload, arrival.received, position, arrival.retained)
    telemetry: list[TelemetryRow] = []
    events: list[EventRow] = []
    for said in route.driver.decode(route.device, message):
        match said:
            case TelemetryReported():
                telemetry.extend(_telemetry_rows(said, route.device.device_id))
            case EventReported():
                events.append(_event_row(said, route.device.device_id))
            case _:
                pass  # for the twin
    decoded.telemetry.extend(telemetry)
    decoded.events.extend(events)


def _telemetry_rows(said: TelemetryReported, device_id: UUID) -> list[TelemetryRow]:
    _check_number(said.epoch, said.seq)
    tags = _document(said.tags)
    rows = []
    for sample in said.samples:
        for metric, value in sample.metrics.items():
            _check_name(metric)
            if not isfinite(value):
                raise _RowError(f"{metric} is not finite")
            rows.append(TelemetryRow(sample.time, device_id, metric, value, tags, said.epoch, said.seq))
    return rows


def _event_row(said: EventReported, device_id: UUID) -> EventRow:
    _check_number(said.epoch, said.seq)
    _check_name(said.type)
    return EventRow(said.time, device_id, said.type, _document(said.data), said.epoch, said.seq)


def _check_number(epoch: int, seq: int) -> None:
    if not 0 <= epoch <= MAX_EPOCH or not 0 <= seq <= MAX_SEQ:
        raise _RowError(f"epoch {epoch} or seq {seq} is out of range")


def _check_name(name: str) -> None:
    fault = name_fault(name)
    if fault:
        raise _RowError(fault)


@lru_cache(maxsize=10_000)
def name_fault(name: str) -> str | None:
    """Return why `name` cannot be a metric's or an event type's, or None."""
    return text_fault(name) or (None if 0 < len(name) <= MAX_NAME else f"a name of {len(name)} characters")


def _document(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    fault = value_fault(value)
    if fault:
        raise _RowError(fault)
    return dict(value)
