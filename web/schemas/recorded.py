"""What was recorded of a device, as the API says it: telemetry, events, rejected payloads. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import AfterValidator, Field, WithJsonSchema

from lics_actors.store.completeness_reads import EpochCompleteness, Stream
from lics_actors.store.records import EventRow, PayloadRejected
from lics_actors.store.rows import Aggregate, TelemetryPoint
from web.schemas.base import MAX_PAGE, Answer, Cursor, PageLimit, Query, UtcTime, duration_s

MAX_NAMED = 150  # an address holds no more ids (web/speech.py); pages of all devices have up to 500


class Format(StrEnum):
    """How telemetry is told. csv and arrow are streams of everything asked for, without pages."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


def _bucket(text: str) -> str:
    seconds = duration_s(text)
    if not 0.001 <= seconds <= 366 * 86400:
        raise ValueError("a bucket is between 1ms and 366d wide")
    return text


Bucket = Annotated[
    str,
    AfterValidator(_bucket),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]{0,2}(ms|s|m|h|d)?$", "examples": ["1m"]}),
    Field(description="width of a bucket: a whole number with ms, s, m, h or d (plain: seconds); without it every value is told"),
]


class TelemetryQuery(Query):
    """Which values, newest first."""

    metric: Annotated[str | None, Field(min_length=1, max_length=100, description="all of them if absent")] = None
    start: UtcTime | None = Field(
        None, alias="from", description="from this time on; if absent the beginning, with `bucket` a day before `to`"
    )
    end: UtcTime | None = Field(None, alias="to", description="before this time; now if absent")
    bucket: Bucket | None = None
    agg: Annotated[Aggregate, Field(description="how the values of a bucket become one")] = Aggregate.AVG
    limit: Annotated[PageLimit, Field(description="how many items at most in a page of json")] = 500
    cursor: Cursor = None
    format: Annotated[Format, Field(description="csv and arrow are streams of everything asked for")] = Format.JSON


class LatestQuery(Query):
    """Whose latest values."""

    many = frozenset({"device_id"})
    device_id: Annotated[
        list[UUID] | None,
        Field(min_length=1, max_length=MAX_NAMED, description="may repeat; if absent all that are not retired, in pages"),
    ] = None
    type: Annotated[
        str | None, Field(min_length=1, max_length=32, description="only devices of this type; not with `device_id`")
    ] = None
    metric: Annotated[str | None, Field(min_length=1, max_length=100, description="all of them if absent")] = None
    limit: Annotated[PageLimit, Field(description="how many devices at most; not with `device_id`")] = MAX_PAGE
    cursor: Cursor = None


class CompletenessQuery(Query):
    """Which messages, and how many gaps to name."""

    start: UtcTime | None = Field(
        None, alias="from", description="with times from this on; if absent, from each boot's number 0 on"
    )
    end: UtcTime | None = Field(None, alias="to", description="with times before this")
    gaps: Annotated[int, Field(ge=0, le=1000, description="how many gaps of a boot to name, the newest")] = 100


class EventsQuery(Query):
    """Which events, newest first."""

    type: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    start: UtcTime | None = Field(None, alias="from", description="from this time on")
    end: UtcTime | None = Field(None, alias="to", description="before this time")
    limit: PageLimit = 100
    cursor: Cursor = None


class PageQuery(Query):
    """Which page."""

    limit: PageLimit = 100
    cursor: Cursor = None


class ValueView(Answer):
    """A value of a metric, or a bucket of them."""

    time: datetime = Field(description="of the value, or where the bucket begins")
    metric: str = Field(examples=["temperature_c"])
    value: float | None
    count: int | None = Field(None, description="values in the bucket")
    tags: dict[str, Any] | None = None
    epoch: int | None = Field(None, description="the device's boot; only without buckets")
    seq: int | None = Field(None, description="of the message; only without buckets")


class TelemetryPage(Answer):
    """A page of values, newest first."""

    items: list[ValueView]
    next: str | None = Field(description="cursor of the page after")


class LatestView(Answer):
    """The latest value of each metric of a device."""

    device_id: UUID
    values: list[ValueView] = Field(description="none of a device that is unknown or has recorded nothing")


class LatestPage(Answer):
    """Devices with their latest values, by id."""

    items: list[LatestView]
    next: str | None = Field(description="cursor of the page after")


class GapView(Answer):
    """Numbers that are missing."""

    first_seq: int
    last_seq: int


class EpochView(Answer):
    """What is there of one boot of a device."""

    stream: Stream = Field(description="each is numbered by itself")
    epoch: int
    first_seq: int
    last_seq: int
    received: int
    missing: int
    gap_count: int
    gaps: list[GapView] = Field(description="the newest first")


class CompletenessAnswer(Answer):
    """Which of a device's messages are in the record."""

    device_id: UUID
    sequenced: bool = Field(description="false: what it speaks carries no numbers, so a loss cannot be seen")
    missing: int = Field(description="of all epochs told")
    epochs: list[EpochView] = Field(description="by stream, the newest boot first, at most 500 of each")


class EventView(Answer):
    """Something that happened at a device, or (types `lics.…`) to it."""

    time: datetime
    type: str = Field(examples=["lick"])
    data: dict[str, Any] | None
    epoch: int
    seq: int


class EventPage(Answer):
    """A page of events."""

    items: list[EventView]
    next: str | None = Field(description="cursor of the page after")


class RejectedView(Answer):
    """A payload that broke the contract."""

    time: datetime
    device_id: UUID
    topic: str
    reason: str
    payload: str = Field(description="its first 4 KiB, base64")
    text: str | None = Field(description="the same as text, if it is any")
    size: int = Field(description="of the whole payload, in bytes")
    suppressed: int = Field(description="how many before it were counted but not kept")


class RejectedPage(Answer):
    """A page of rejected payloads, newest first."""

    items: list[RejectedView]
    next: str | None = Field(description="cursor of the page after")


def value_view(point: TelemetryPoint, bucketed: bool) -> ValueView:
    """Return a value as the API says it."""
    return ValueView.model_construct(
        time=point.time,
        metric=point.metric,
        value=point.value,
        count=point.count if bucketed else None,
        tags=point.tags,
        epoch=point.epoch,
        seq=point.seq,
    )


def latest_json(items: Iterable[tuple[UUID, Mapping[str, TelemetryPoint]]], after: str | None) -> bytes:
    """Return a `LatestPage` as JSON, by metric within a device: 1 ms for 300 devices, where the models take 5."""
    told = [{"device_id": device_id, "values": [_value(by[metric]) for metric in sorted(by)]} for device_id, by in items]
    return msgspec.json.encode({"items": told, "next": after})


def _value(point: TelemetryPoint) -> dict[str, Any]:
    """Return the fields of a `ValueView`."""
    return {
        "time": point.time,
        "metric": point.metric,
        "value": point.value,
        "count": None,
        "tags": point.tags,
        "epoch": point.epoch,
        "seq": point.seq,
    }


def completeness_answer(device_id: UUID, sequenced: bool, epochs: Sequence[EpochCompleteness]) -> CompletenessAnswer:
    """Return the completeness report as the API says it."""
    views = [
        EpochView(
            stream=epoch.stream,
            epoch=epoch.epoch,
            first_seq=epoch.first_seq,
            last_seq=epoch.last_seq,
            received=epoch.received,
            missing=epoch.missing,
            gap_count=epoch.gap_count,
            gaps=[GapView(first_seq=first, last_seq=last) for first, last in epoch.gaps],
        )
        for epoch in epochs
    ]
    missing = sum(epoch.missing for epoch in epochs)
    return CompletenessAnswer(device_id=device_id, sequenced=sequenced, missing=missing, epochs=views)


def event_view(event: EventRow) -> EventView:
    """Return an event as the API says it."""
    return EventView.model_construct(time=event.time, type=event.type, data=event.data, epoch=event.epoch, seq=event.seq)


def rejected_view(rejected: PayloadRejected) -> RejectedView:
    """Return a rejected payload as the API says it."""
    return RejectedView.model_construct(
        time=rejected.time,
        device_id=rejected.device_id,
        topic=rejected.topic,
        reason=rejected.reason,
        payload=b64encode(rejected.payload).decode(),
        text=_as_text(rejected.payload),
        size=rejected.size,
        suppressed=rejected.suppressed,
    )


def _as_text(payload: bytes) -> str | None:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return text if all(sign.isprintable() or sign in "\t\r\n" for sign in text) else None
