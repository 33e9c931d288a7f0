"""The native contract's messages as they stand on the wire (contracts.md, section 1), and their limits. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from drivers.errors import DecodeError
from drivers.protocol import AckState, PresenceState
from drivers.values import text_fault, value_fault

SCHEMA: Final = 1
DATA_BYTES: Final = 262_144  # telemetry and events
CONTROL_BYTES: Final = 65_536  # everything else
MAX_VALUES: Final = 10_000  # of one telemetry message: some 40 ms of COPY at the rate the store was measured at
FIRST_YEAR, LAST_YEAR = 2000, 2099  # a clock outside was never set; TimescaleDB would open a chunk for each such day
MAX_REASON: Final = 300

Epoch = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # column `epoch int`
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # column `seq bigint`
Name = Annotated[str, Meta(min_length=1, max_length=100)]  # column `metric varchar(100)`
Note = Annotated[str, Meta(max_length=1000)]
Time = Annotated[datetime, Meta(tz=True)]
Metrics = Annotated[dict[Name, float], Meta(min_length=1, max_length=256)]


class WireStatus(msgspec.Struct):
    """`status`."""

    state: PresenceState
    epoch: Epoch
    ts: Time
    reason: Note | None = None


class WireSample(msgspec.Struct):
    """One entry of `samples`."""

    ts: Time
    metrics: Metrics


class WireTelemetry(msgspec.Struct):
    """`telemetry`: either `ts` and `metrics`, or `samples`."""

    epoch: Epoch
    seq: Seq
    ts: Time | None = None
    metrics: Metrics | None = None
    samples: Annotated[list[WireSample], Meta(min_length=1, max_length=1000)] | None = None
    tags: dict[str, Any] | None = None


class WireEvent(msgspec.Struct):
    """`events`."""

    epoch: Epoch
    seq: Seq
    ts: Time
    type: Name
    data: dict[str, Any] | None = None


class WireAck(msgspec.Struct):
    """`commands/ack`. A device without a clock leaves `ts` out: a command's steps carry LICS's own time anyway."""

    id: UUID
    state: AckState
    ts: Time | None = None
    result: Any = None
    error: Note | None = None
    ledger_seq: Seq | None = None


class WireCommand(msgspec.Struct):
    """`commands`."""

    id: UUID
    name: Name
    deadline: Time
    args: dict[str, Any] = {}
    epoch: Epoch | None = None
    lease: dict[str, Any] | None = None


class WireLease(msgspec.Struct):
    """`lease`, and the `lease` of a command."""

    holder: Name
    expires: Time


class WireMetricSpec(msgspec.Struct):
    """One entry of `describe.metrics`."""

    unit: Annotated[str, Meta(max_length=50)]
    min: float | None = None
    max: float | None = None


class WireCommandSpec(msgspec.Struct):
    """One entry of `describe.commands`."""

    args: dict[str, Any]
    idempotent: bool
    actuates: bool
    holds: bool = False
    releases: bool = False


class WireEventSpec(msgspec.Struct):
    """One entry of `describe.events`."""

    data: dict[str, Any]


class WireDescribe(msgspec.Struct):
    """`describe`."""

    schema: int
    type: Annotated[str, Meta(min_length=1, max_length=50)]
    firmware: Annotated[str, Meta(max_length=100)]
    metrics: Annotated[dict[Name, WireMetricSpec], Meta(max_length=256)] = {}
    commands: Annotated[dict[Name, WireCommandSpec], Meta(max_length=256)] = {}
    events: Annotated[dict[Name, WireEventSpec], Meta(max_length=256)] = {}


class WireError(ValueError):
    """A rule of the contract that types do not express is broken."""


Wire = TypeVar("Wire")


def read_json(decoder: msgspec.json.Decoder[Wire], payload: bytes, limit: int) -> Wire:
    """Return a payload as its typed message.

    Raises:
        WireError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError: it is none.
    """
    if len(payload) > limit:
        raise WireError(f"{len(payload)} bytes, more than {limit}")
    return decoder.decode(payload.decode())  # the decoder itself does not look into fields it skips


def refused(topic: str, error: Exception) -> DecodeError:
    """Return `error` as a DecodeError whose reason can be stored and shown whatever the payload was."""
    reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
    return DecodeError(topic, reason.replace("\0", "\\0")[:MAX_REASON])


REFUSALS: Final = (WireError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError)


def utc(time: datetime) -> datetime:
    """Return a time with an offset as UTC.

    Raises:
        WireError: it lies outside the years an instrument can be used in.
    """
    if FIRST_YEAR <= time.year <= LAST_YEAR:
        time = time.astimezone(UTC)
        if FIRST_YEAR <= time.year <= LAST_YEAR:
            return time
    raise WireError(f"the year {time.year} is not within {FIRST_YEAR} to {LAST_YEAR}")


def rfc3339(time: datetime) -> str:
    """Return a time as the contract writes it: UTC, microseconds, `Z`."""
    if time.utcoffset() != timedelta(0):
        time = time.astimezone(UTC)
    return time.isoformat(timespec="microseconds")[:26] + "Z"


def checked_text(text: str, what: str) -> str:
    """Return `text`.

    Raises:
        WireError: the database cannot hold it.
    """
    fault = text_fault(text)
    if fault is not None:
        raise WireError(f"{what}: {fault}")
    return text


def checked_value(value: Wire, what: str) -> Wire:
    """Return a JSON value.

    Raises:
        WireError: it cannot travel through journals and tables.
    """
    fault = value_fault(value)
    if fault is not None:
        raise WireError(f"{what}: {fault}")
    return value
