"""The native convention as a Driver: LICS's side of contracts.md, section 1. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict

from drivers.errors import DecodeError, EncodeError
from drivers.native import wire
from drivers.native.quick import quick_telemetry
from drivers.native.wire import checked_text, checked_value, read_json, rfc3339, utc
from drivers.protocol import (
    CommandAcked,
    CommandSpec,
    Decoded,
    Described,
    Description,
    DeviceRef,
    Driver,
    EventReported,
    EventSpec,
    Grants,
    Guarantees,
    MetricSpec,
    OutgoingCommand,
    PresenceReported,
    Publication,
    QuickReader,
    Received,
    Sample,
    TelemetryReported,
    TopicFilter,
)
from drivers.schema import schema_fault
from drivers.values import value_fault

DESCRIBE, STATUS, TELEMETRY, EVENTS = "describe", "status", "telemetry", "events"
COMMANDS, ACK, LEASE = "commands", "commands/ack", "lease"


class NativeSettings(BaseModel):
    """`Device.settings` of a native device: nothing, since it describes itself."""

    model_config = ConfigDict(extra="forbid")


def device_base(prefix: str, device_id: UUID) -> str:
    """Return what all topics of a device start with."""
    return f"{prefix}devices/{device_id}/"


class NativeDriver:
    """Devices that follow LICS's own contract, version 1."""

    name: str = "native"
    guarantees: Guarantees = Guarantees(
        acknowledges=True, executes_once=True, sequenced=True, reports_presence=True, honours_leases=True
    )
    settings_model: type[BaseModel] = NativeSettings

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        """Return the five topics a device sends; telemetry and events also for the record."""
        base = device_base(device.prefix, device.device_id)
        return (
            TopicFilter(base + DESCRIBE, 1),
            TopicFilter(base + STATUS, 1),
            TopicFilter(base + ACK, 1),
            TopicFilter(base + TELEMETRY, 1, data=True, telemetry=True),
            TopicFilter(base + EVENTS, 1, data=True),
        )

    def grants(self, device: DeviceRef) -> Grants:
        """Return the five topics a device sends, and all of its subtree to hear."""
        base = device_base(device.prefix, device.device_id)
        return Grants(tuple(base + leaf for leaf in (DESCRIBE, STATUS, TELEMETRY, EVENTS, ACK)), (f"{base}#",))

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:
        """Return the two filters that cover the data of all native devices."""
        return tuple(TopicFilter(f"{prefix}devices/+/{leaf}", 1, control=False, data=True) for leaf in (TELEMETRY, EVENTS))

    def device_of(self, topic: str, prefix: str) -> UUID | None:
        """Return the device whose topic this is; an id in another spelling than its own is none."""
        head = f"{prefix}devices/"
        if not topic.startswith(head):
            return None
        text, slash, _ = topic[len(head) :].partition("/")
        try:
            device_id = UUID(text)
        except ValueError:
            return None
        return device_id if slash and str(device_id) == text else None

    def decode(self, device: DeviceRef, message: Received) -> Sequence[Decoded]:
        """Return what a device said; nothing for a cleared `describe` or `status` (an empty payload)."""
        base = device_base(device.prefix, device.device_id)
        leaf = message.topic.removeprefix(base) if message.topic.startswith(base) else ""
        reader = _READERS.get(leaf)
        if reader is None:
            raise DecodeError(message.topic, "not a topic this device sends on")
        if not message.payload and leaf in (DESCRIBE, STATUS):
            return ()
        try:
            return (reader(message),)
        except wire.REFUSALS as error:
            raise wire.refused(message.topic, error) from error

    def quick_reader(self, device: DeviceRef, topic: str) -> QuickReader | None:
        """Return the quick way to read a device's telemetry."""
        return quick_telemetry if topic == device_base(device.prefix, device.device_id) + TELEMETRY else None

    def encode(self, device: DeviceRef, command: OutgoingCommand) -> Sequence[Publication]:
        """Return the one message on `commands`; never retained."""
        if command.deadline.utcoffset() is None:
            raise EncodeError(command.name, "its deadline has no time zone")
        if not wire.FIRST_YEAR <= command.deadline.year <= wire.LAST_YEAR:
            raise EncodeError(command.name, f"its deadline lies in the year {command.deadline.year}")
        body: dict[str, Any] = {
            "id": str(command.command_id),
            "name": command.name,
            "args": dict(command.args),
            "deadline": rfc3339(command.deadline),
        }
        if command.epoch is not None:
            body["epoch"] = command.epoch
        if command.lease is not None:
            body["lease"] = dict(command.lease)
        fault = value_fault(body)
        if fault is not None:
            raise EncodeError(command.name, fault)
        payload = msgspec.json.encode(body)
        if len(payload) > wire.CONTROL_BYTES:
            raise EncodeError(command.name, f"{len(payload)} bytes, more than {wire.CONTROL_BYTES}")
        return (Publication(device_base(device.prefix, device.device_id) + COMMANDS, payload),)

    def encode_lease(self, device: DeviceRef, holder: str, expires: datetime) -> Sequence[Publication]:
        """Return the one message on `lease`."""
        payload = msgspec.json.encode({"holder": holder, "expires": rfc3339(expires)})
        return (Publication(device_base(device.prefix, device.device_id) + LEASE, payload),)

    def echo_of(self, device: DeviceRef, command: OutgoingCommand) -> str | None:  # noqa: ARG002
        """Return None: acks carry the command's id."""
        return None

    def description(self, device: DeviceRef) -> Description | None:  # noqa: ARG002
        """Return None: the device says it itself."""
        return None


def _describe(message: Received) -> Described:
    said = read_json(_DESCRIBE, message.payload, wire.CONTROL_BYTES)
    if said.schema != wire.SCHEMA:
        raise wire.WireError(f"schema {said.schema} is not known; this is schema {wire.SCHEMA}")
    return Described(
        Description(
            type=checked_text(said.type, "type"),
            firmware=checked_text(said.firmware, "firmware"),
            metrics={checked_text(name, "metrics"): _metric(name, metric) for name, metric in said.metrics.items()},
            commands={
                checked_text(name, "commands"): CommandSpec(
                    _schema(f"commands.{name}.args", spec.args), spec.idempotent, spec.actuates, spec.holds, spec.releases
                )
                for name, spec in said.commands.items()
            },
            events={
                checked_text(name, "events"): EventSpec(_schema(f"events.{name}.data", spec.data))
                for name, spec in said.events.items()
            },
        )
    )


def _metric(name: str, said: wire.WireMetricSpec) -> MetricSpec:
    if said.min is not None and said.max is not None and said.min > said.max:
        raise wire.WireError(f"metrics.{name}: min is above max")
    return MetricSpec(checked_text(said.unit, f"metrics.{name}.unit"), said.min, said.max)


def _schema(where: str, schema: dict[str, object]) -> dict[str, object]:
    fault = schema_fault(schema)
    if fault is not None:
        raise wire.WireError(f"{where}: {fault}")
    return schema


def _status(message: Received) -> PresenceReported:
    said = read_json(_STATUS, message.payload, wire.CONTROL_BYTES)
    reason = None if said.reason is None else checked_text(said.reason, "reason")
    return PresenceReported(said.state, said.epoch, utc(said.ts), reason)


def _telemetry(message: Received) -> TelemetryReported:
    said = read_json(_TELEMETRY, message.payload, wire.DATA_BYTES)
    if said.samples is None:
        if said.ts is None or said.metrics is None:
            raise wire.WireError("neither `ts` with `metrics` nor `samples`")
        samples: tuple[Sample, ...] = (_sample(said.ts, said.metrics),)
    elif said.ts is None and said.metrics is None:
        samples = tuple(_sample(sample.ts, sample.metrics) for sample in said.samples)
    else:
        raise wire.WireError("both `samples` and `ts` or `metrics`")
    if len({sample.time for sample in samples}) != len(samples):
        raise wire.WireError("two samples of the same time")  # the table would take the second for a replay of the first
    if sum(len(sample.metrics) for sample in samples) > wire.MAX_VALUES:
        raise wire.WireError(f"more than {wire.MAX_VALUES} values")
    return TelemetryReported(said.epoch, said.seq, samples, checked_value(said.tags, "tags"))


def _sample(ts: wire.Time, metrics: dict[str, float]) -> Sample:
    for name in metrics:
        checked_text(name, "metrics")
    return Sample(utc(ts), metrics)


def _event(message: Received) -> EventReported:
    said = read_json(_EVENT, message.payload, wire.DATA_BYTES)
    data = checked_value(said.data, "data")
    return EventReported(said.epoch, said.seq, utc(said.ts), checked_text(said.type, "type"), data)


def _ack(message: Received) -> CommandAcked:
    said = read_json(_ACK, message.payload, wire.CONTROL_BYTES)
    error = None if said.error is None else checked_text(said.error, "error")
    result = checked_value(said.result, "result")
    time = message.time if said.ts is None else utc(said.ts)
    return CommandAcked(said.id, said.state, time, result, error, said.ledger_seq)


_DESCRIBE = msgspec.json.Decoder(wire.WireDescribe)
_STATUS = msgspec.json.Decoder(wire.WireStatus)
_TELEMETRY = msgspec.json.Decoder(wire.WireTelemetry)
_EVENT = msgspec.json.Decoder(wire.WireEvent)
_ACK = msgspec.json.Decoder(wire.WireAck)
_READERS: Final[Mapping[str, Callable[[Received], Decoded]]] = {
    DESCRIBE: _describe,
    STATUS: _status,
    TELEMETRY: _telemetry,
    EVENTS: _event,
    ACK: _ack,
}
NATIVE: Final[Driver] = NativeDriver()
