"""The Driver interface: what a device convention must say, and what it may promise.

Pure: a driver translates; it holds no connection, no clock and no state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from pydantic import BaseModel

JsonObject = Mapping[str, Any]


class Plane(StrEnum):
    """Who listens to a topic: the twin (control), the record (data)."""

    CONTROL = "control"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """One MQTT subscription. `control`: the DeviceActor wants it; `data`: the Recorder wants it (both may).

    `answers`: acknowledgements come by it, so the DeviceActor listens all the time; of other data it hears samples where a
    device sends much. `telemetry`: nothing but readings comes by it, so who wants events only can do without.
    """

    filter: str
    qos: int
    control: bool = True
    data: bool = False
    answers: bool = False
    telemetry: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """One MQTT message to send. Commands are never retained."""

    topic: str
    payload: bytes
    qos: int = 1


@dataclass(frozen=True, slots=True)
class Grants:
    """What an account at the broker may: topics or filters it may publish to, and filters whose topics it may subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceRef:
    """What a driver may know of a device: its id, its validated settings, the installation's topic prefix."""

    device_id: UUID
    settings: JsonObject
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a convention promises; LICS refuses what would need more."""

    acknowledges: bool  # the device itself reports each command's fate, by command id
    executes_once: bool  # a ledger of ids: a repeated command is answered, never executed again
    sequenced: bool  # telemetry and events carry epoch and seq: a loss or a repeat is visible
    reports_presence: bool  # a status topic with a last will
    honours_leases: bool = False  # actuators revert to safe when a lease expires


class PresenceState(StrEnum):
    """What a device says of itself in its status."""

    ONLINE = "online"
    OFFLINE = "offline"
    FAULT = "fault"


class AckState(StrEnum):
    """What a device reports of a command."""

    DELIVERED = "delivered"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric's unit and, where known, its possible range."""

    unit: str
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command's arguments (JSON Schema), and whether repeating it is harmless and whether it moves something.

    `holds`: what it moved stays so after it succeeded, for as long as the lease is renewed. `releases`: it makes safe, which ends
    what is held. Neither: what it moves is at rest again when it is done.
    """

    args: JsonObject
    idempotent: bool
    actuates: bool
    holds: bool = False
    releases: bool = False


@dataclass(frozen=True, slots=True)
class EventSpec:
    """An event's data (JSON Schema)."""

    data: JsonObject


@dataclass(frozen=True, slots=True)
class Description:
    """What a device can do, said by the device or, for those that cannot, by its driver from the settings."""

    type: str
    firmware: str
    metrics: Mapping[str, MetricSpec] = field(default_factory=dict)
    commands: Mapping[str, CommandSpec] = field(default_factory=dict)
    events: Mapping[str, EventSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """The device said what it can do."""

    description: Description


@dataclass(frozen=True, slots=True)
class PresenceReported:
    """The device, or its last will, said whether it is there. `epoch` None where the convention has none."""

    state: PresenceState
    epoch: int | None
    time: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Readings of one instant: metric name → finite number."""

    time: datetime
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TelemetryReported:
    """One telemetry message: one or more samples of one `seq`."""

    epoch: int
    seq: int
    samples: tuple[Sample, ...]
    tags: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EventReported:
    """Something happened at the device: a lick, a touch, a door."""

    epoch: int
    seq: int
    time: datetime
    type: str
    data: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class CommandAcked:
    """The device reported a command's state.

    `command_id` is None where the convention has no ids; then `echo` names what the device repeated back, and settles
    the one command in flight whose `Driver.echo_of` is the same.
    """

    command_id: UUID | None
    state: AckState
    time: datetime
    result: Any = None
    error: str | None = None
    ledger_seq: int | None = None
    echo: str | None = None


Decoded = Described | PresenceReported | TelemetryReported | EventReported | CommandAcked


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived: the fallback time and sequence for conventions that carry neither.

    `position` is the Recorder's spool position, 0 in a DeviceActor. `retained`: the broker kept it, so it may be old;
    a convention without times of its own then takes no reading from it.
    """

    topic: str
    payload: bytes
    time: datetime
    position: int = 0
    retained: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingCommand:
    """A command to say to a device. `epoch`: execute only in this boot of the device."""

    command_id: UUID
    name: str
    args: JsonObject
    deadline: datetime
    epoch: int | None = None
    lease: JsonObject | None = None


class Driver(Protocol):
    """One device convention. Instances are stateless and shared."""

    @property
    def name(self) -> str:
        """Return the name under which devices ask for this driver."""

    @property
    def guarantees(self) -> Guarantees:
        """Return what this convention promises."""

    @property
    def settings_model(self) -> type[BaseModel]:
        """Return the schema of `Device.settings` for this driver."""

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        """Return every filter of this device, with who wants it. The filters of two devices never overlap."""

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:
        """Return the Recorder's wildcard filters that cover all devices of this driver; empty where it must
        subscribe to each device's own `subscriptions` with `data` set."""

    def device_of(self, topic: str, prefix: str) -> UUID | None:
        """Return the device a topic under `shared_filters` belongs to, or None where the topic does not say."""

    def decode(self, device: DeviceRef, message: Received) -> Sequence[Decoded]:
        """Return what a message says (often one thing; nothing where a retained message was cleared or says nothing new).

        Raises:
            DecodeError: the payload breaks the convention; whatever the bytes are, no other error leaves.
        """

    def encode(self, device: DeviceRef, command: OutgoingCommand) -> Sequence[Publication]:
        """Return the messages that say a command.

        Raises:
            EncodeError: the convention has no way to say it.
        """

    def echo_of(self, device: DeviceRef, command: OutgoingCommand) -> str | None:
        """Return the `CommandAcked.echo` that would confirm this command; None where acks carry ids."""

    def description(self, device: DeviceRef) -> Description | None:
        """Return what the device can do where the device itself does not say it (no `describe` topic)."""


@runtime_checkable
class LeasingDriver(Protocol):
    """What a Driver has beside its interface where its `guarantees.honours_leases`."""

    def encode_lease(self, device: DeviceRef, holder: str, expires: datetime) -> Sequence[Publication]:
        """Return the messages that let the device hold its actuators until `expires` (UTC), and no longer."""


@runtime_checkable
class GrantingDriver(Protocol):
    """What a Driver has beside its interface where its devices can have accounts of their own at the broker."""

    def grants(self, device: DeviceRef) -> Grants:
        """Return what the device may at the broker: its own topics, and no more of them than it needs."""


Reading = tuple[int, Mapping[str, float]]  # a Sample as the quick way has it: its time in microseconds since the Unix epoch
QuickTelemetry = tuple[int, int, Sequence[Reading]]  # epoch, seq, and what a TelemetryReported without tags has as samples
QuickReader = Callable[[bytes], QuickTelemetry | None]


@runtime_checkable
class QuickDriver(Protocol):
    """What a Driver may have beside its interface: a quick way to read the payloads that most messages are.

    The record uses it, since `decode` costs some microseconds a message. Whoever cannot promise what follows has none.
    """

    def quick_reader(self, device: DeviceRef, topic: str) -> QuickReader | None:
        """Return a pure function of a payload on `topic`, or None where there is no quick way for it.

        It returns exactly what `decode` would say as its only word, a TelemetryReported without tags, whatever the message's
        time, position and `retained`; or None, and `decode` has to look (also where `decode` would raise). It never raises.
        """
