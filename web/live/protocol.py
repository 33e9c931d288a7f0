"""The whole language of the WebSocket: what a client says and what it is told, one message a kind. Pure.

A client first says who it is (`auth`), then subscribes; each topic answers with a `snapshot` and from then on with what
changes. What a message is about stands under its own kind: `message[message.kind]`. contracts.md section 4 tells it to people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from lics_actors.errors import InvalidError

VERSION: Final = 1
TOPIC_LENGTH: Final = 64
TOPICS_AT_ONCE: Final = 1000
REF_LENGTH: Final = 100

Topic = Annotated[str, Meta(max_length=TOPIC_LENGTH)]
Ref = Annotated[str, Meta(min_length=1, max_length=REF_LENGTH)]
N = Annotated[int, Meta(ge=0, lt=2**53)]


class _Said(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    pass


class Auth(_Said, tag="auth", frozen=True):
    """The first message, unless the connection came with a bearer header."""

    token: Annotated[str, Meta(max_length=8192)]


class Subscribe(_Said, tag="subscribe", frozen=True):
    """Tell me of these from now on. `after`: what I have already, one `n` for all topics or one each."""

    topics: Annotated[list[Topic], Meta(min_length=1, max_length=TOPICS_AT_ONCE)]
    after: N | dict[Topic, N] | None = None


class Unsubscribe(_Said, tag="unsubscribe", frozen=True):
    """Tell me of these no more."""

    topics: Annotated[list[Topic], Meta(min_length=1, max_length=TOPICS_AT_ONCE)]


class Order(_Said, tag="command", frozen=True):
    """Have a device do something. `ref` comes back with all that becomes of it; the same one again is the same command.

    `key` makes it repeatable beyond this connection, exactly as REST's `Idempotency-Key`.
    """

    ref: Ref
    device_id: UUID
    name: str
    args: dict[str, Any] = {}
    reason: str | None = None
    timeout_s: float = 5.0
    key: str | None = None


class Steer(_Said, tag="fleet", frozen=True):
    """Restart, drain, quarantine or clear a node of the supervision tree; as in REST. Answered once, with the `ref`."""

    ref: Ref
    verb: str
    node: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    at_once: int = 1


class Ping(_Said, tag="ping", frozen=True):
    """Are you there?"""

    ref: Ref | None = None


ClientMessage = Auth | Subscribe | Unsubscribe | Order | Steer | Ping


class _Told(Struct, frozen=True, tag_field="kind", omit_defaults=True):
    pass


class Ready(_Told, tag="ready", frozen=True):
    """You are known; say what you want. `heartbeat_s`: so often the server pings; silence three times as long is an end."""

    principal: str
    version: int
    heartbeat_s: float
    max_topics: int
    max_message_bytes: int


class Snapshot(_Told, tag="snapshot", frozen=True):
    """A topic as it is at `n`: one of these, in the words of REST."""

    topic: str
    n: int
    device: Raw | None = None
    devices: list[Raw] | None = None
    command: Raw | None = None
    alarms: list[Raw] | None = None
    run: Raw | None = None
    runs: list[Raw] | None = None
    sessions: list[Raw] | None = None


class Axes(Struct, frozen=True):
    """How a device is now; the fields of the same names in REST's device."""

    id: UUID
    status: str
    link: str
    health: str
    safety: str
    admin: str
    epoch: int | None
    reason: str | None
    since: datetime | None
    last_seen: datetime | None


class DeviceTold(_Told, tag="device", frozen=True):
    """A device is in another state."""

    topic: str
    n: int
    device: Axes


class Values(Struct, frozen=True):
    """The newest value of each metric that has changed; `time`, `epoch` and `seq` are of the newest message among them."""

    device_id: UUID
    time: datetime
    epoch: int
    seq: int
    metrics: dict[str, float]


class TelemetryTold(_Told, tag="telemetry", frozen=True):
    """New values; those in between may have been passed over."""

    topic: str
    n: int
    telemetry: Values


class Happening(Struct, frozen=True, omit_defaults=True):
    """Something that happened at a device, or (types `lics.…`, with `node`) in the supervision tree."""

    time: datetime
    type: str
    data: dict[str, Any] | None
    device_id: UUID | None = None
    node: str | None = None
    epoch: int | None = None
    seq: int | None = None


class EventTold(_Told, tag="event", frozen=True):
    """Something happened."""

    topic: str
    n: int
    event: Happening


class CommandTold(_Told, tag="command", frozen=True):
    """A command took a step; the whole of it, as in REST. With the `ref` of the one who gave it."""

    topic: str
    n: int
    command: Raw
    ref: str | None = None


class AlarmTold(_Told, tag="alarm", frozen=True):
    """Something became of an alarm; all of it, as in REST. `id` null: told by its source, before the table knows."""

    topic: str
    n: int
    alarm: Raw


class RunNow(Struct, frozen=True):
    """How a run is; `n` of its newest step, `rewarded` in base units."""

    id: UUID
    laboratory_id: UUID
    time: datetime
    phase: str
    reason: str
    trial: int
    rewarded: float
    n: int


class RunTold(_Told, tag="run", frozen=True):
    """A run is in another phase, or has begun another trial."""

    topic: str
    n: int
    run: RunNow


class SessionNow(Struct, frozen=True):
    """How a planned session was decided; `id` is its run's, too."""

    id: UUID
    laboratory_id: UUID
    experiment_id: UUID
    subject_id: UUID
    rig_id: UUID
    begin: datetime
    end: datetime
    status: str
    why: tuple[str, ...]
    by: str
    time: datetime


class SessionTold(_Told, tag="session", frozen=True):
    """A planned session began, was missed, was left out, waits for a person, or waits for what it says."""

    topic: str
    n: int
    session: SessionNow


class StepTold(_Told, tag="step", frozen=True):
    """A run heard something and decided: as in `experiments/{run_id}/events`."""

    topic: str
    n: int
    step: Raw


class FleetTold(_Told, tag="fleet", frozen=True):
    """What became of what you wanted of the fleet; as REST answers it."""

    ref: str
    fleet: Raw


class Gap(_Told, tag="gap", frozen=True, rename={"first": "from", "last": "to"}):
    """What a topic told from `from` to `to` (both included) did not reach you, and is not coming."""

    topic: str
    first: int
    last: int


class ErrorTold(_Told, tag="error", frozen=True):
    """Something was refused or failed; `detail` as in REST. With a `topic`: it is about this; with a `ref`: about that."""

    detail: dict[str, Any]
    topic: str | None = None
    ref: str | None = None


class Pong(_Told, tag="pong", frozen=True):
    """I am."""

    ref: str | None = None


ServerMessage = (
    Ready | Snapshot | DeviceTold | TelemetryTold | EventTold | CommandTold | AlarmTold | RunTold | StepTold
    | SessionTold | FleetTold | Gap | ErrorTold | Pong
)  # fmt: skip

_decoder = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


class MalformedMessageError(InvalidError):
    """A message is not JSON, not text, or of no known kind."""

    code = "MALFORMED_MESSAGE"


def read(text: str | bytes) -> ClientMessage:
    """Return what a client said.

    Raises:
        MalformedMessageError: it is no JSON.
        InvalidError: it is no message of this language; `fields` says where.
    """
    try:
        said: ClientMessage = _decoder.decode(text)
        return said
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = place.rstrip("`").lstrip(".") or "message"
        raise InvalidError("the message breaks a rule; see fields", ({"field": field, "message": message},)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedMessageError(f"the message is not JSON: {error}") from None


def write(message: ServerMessage) -> bytes:
    """Return a message as it is sent."""
    return _encoder.encode(message)


def topic_device(topic: str) -> UUID | None:
    """Return the device of a `device:{id}`."""
    return _id_of(topic, "device:")


def topic_command(topic: str) -> UUID | None:
    """Return the command of a `command:{id}`."""
    return _id_of(topic, "command:")


def topic_run(topic: str) -> UUID | None:
    """Return the run of a `run:{id}`."""
    return _id_of(topic, "run:")


def _id_of(topic: str, prefix: str) -> UUID | None:
    if not topic.startswith(prefix):
        return None
    text = topic.removeprefix(prefix)
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None  # one spelling a topic


def is_topic(topic: str) -> bool:
    """Return whether a topic can be subscribed to."""
    if topic in {"fleet", "alarms", "runs", "schedule"}:
        return True
    return any(read_id(topic) is not None for read_id in (topic_device, topic_command, topic_run))
