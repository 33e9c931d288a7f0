"""What the reducer of a device hears (events, past tense) and orders (effects, verbs). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drivers.protocol import Decoded, Description, OutgoingCommand
from lics_actors.device.messages import AskCommand, CancelCommand, DeviceSpec, InterlocksReset, RequestCommand, ResetInterlocks
from lics_actors.device.reserving import Reservation
from lics_actors.errors import LicsError
from lics_actors.store.records import Command, Record


@dataclass(frozen=True, slots=True)
class ActorStarted:
    """A new incarnation begins with what its journal kept."""

    now: datetime


@dataclass(frozen=True, slots=True)
class ActorStopping:
    """The actor is about to end; everybody who waits is answered now."""

    now: datetime


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The own MQTT session stands and is subscribed; retained messages follow."""

    now: datetime


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The own MQTT session ended or could not be opened. What was published without PUBACK may or may not have arrived."""

    now: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class MessageDecoded:
    """The device said something. `retained`: it was said some time ago and kept by the broker."""

    now: datetime
    decoded: Decoded
    retained: bool = False


@dataclass(frozen=True, slots=True)
class PeerDecoded:
    """Another device said something, on which an interlock of this one depends."""

    now: datetime
    device_id: UUID
    decoded: Decoded
    retained: bool = False


@dataclass(frozen=True, slots=True)
class ResetRequested:
    """A person wants interlocks not to be tripped any more. `reply`: names the one to answer."""

    now: datetime
    request: ResetInterlocks
    reply: str


@dataclass(frozen=True, slots=True)
class ReservationChanged:
    """A run has reserved the device, says that it still does, or has let it go."""

    now: datetime
    reserved: Reservation | None


@dataclass(frozen=True, slots=True)
class CommandAwaited:
    """Somebody wants to hear when a command is settled. `known`: how it stood; `reply`: names the one to answer."""

    now: datetime
    request: AskCommand
    reply: str
    known: Command


@dataclass(frozen=True, slots=True)
class MemoryLost:
    """The journal was damaged: what had tripped is not known any more."""

    now: datetime


@dataclass(frozen=True, slots=True)
class ListeningResumed:
    """The data plane was not listened to until now: that nothing was heard meanwhile says nothing about the device."""

    now: datetime


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """A payload broke the convention. `recorded_elsewhere`: on a topic of the data plane, which the Recorder judges."""

    now: datetime
    topic: str
    reason: str
    payload: bytes  # as much as is kept
    size: int
    recorded_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class DescriptionKnown:
    """The driver says what the device can do, for conventions in which the device does not."""

    now: datetime
    description: Description


@dataclass(frozen=True, slots=True)
class CommandsAdopted:
    """Another host accepted these before it lost the device, and nobody has settled them; their deadlines are over."""

    now: datetime
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class CommandRequested:
    """Somebody wants a command. `known`: what the journal has under this id; `reply`: names the one to answer."""

    now: datetime
    request: RequestCommand
    reply: str
    known: Command | None = None


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody wants a command not to happen. `known` and `reply` as for `CommandRequested`."""

    now: datetime
    request: CancelCommand
    reply: str
    known: Command | None = None


@dataclass(frozen=True, slots=True)
class CommandUnsayable:
    """The driver has no way to say a dispatched command: it never left."""

    now: datetime
    command: OutgoingCommand
    reason: str


@dataclass(frozen=True, slots=True)
class SpecChanged:
    """The laboratory knows something new of the device: its name, settings or admin state."""

    now: datetime
    spec: DeviceSpec


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time of `SetTimer` has come."""

    now: datetime


DeviceEvent = (
    ActorStarted
    | ActorStopping
    | SessionOpened
    | SessionLost
    | MessageDecoded
    | PeerDecoded
    | ResetRequested
    | ReservationChanged
    | CommandAwaited
    | MemoryLost
    | ListeningResumed
    | MessageRefused
    | DescriptionKnown
    | CommandRequested
    | CommandsAdopted
    | CancelRequested
    | CommandUnsayable
    | SpecChanged
    | TimerFired
)


@dataclass(frozen=True, slots=True)
class Keep:
    """Journal this. Effects behind it in the list happen once it is written, and fsynced where `durable`."""

    record: Record
    durable: bool = False


@dataclass(frozen=True, slots=True)
class PublishCommand:
    """Say this to the device. `repeat`: it was said before, the device answers from its ledger. `lease`: how long what it
    moves may move without a further word. `safe`: it makes safe, so a full disk does not hold it up."""

    command: OutgoingCommand
    repeat: bool = False
    lease: datetime | None = None
    safe: bool = False


@dataclass(frozen=True, slots=True)
class RenewLease:
    """Let the device hold its actuators until then. Said at once or never: what is late is worth nothing."""

    expires: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the one who asked under `reply`, once."""

    reply: str
    body: Command | InterlocksReset | LicsError


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send `TimerFired` at this time; replaces an earlier timer."""

    at: datetime


Effect = Keep | PublishCommand | RenewLease | Answer | SetTimer
