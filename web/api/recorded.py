"""What was recorded of a device: telemetry, events, and what could not be understood."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from quart import Blueprint, Response

from lics_actors.errors import InvalidError
from lics_actors.store.repository import Repository
from lics_actors.store.rows import TelemetryPoint
from web.auth import requires
from web.backing import backing
from web.exports import ARROW_TYPE, CSV_TYPE, Export, Pages, as_arrow, as_csv
from web.schemas.base import duration_s
from web.schemas.recorded import (
    EventPage,
    EventsQuery,
    Format,
    PageQuery,
    RejectedPage,
    TelemetryPage,
    TelemetryQuery,
    event_view,
    rejected_view,
    value_view,
)
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("recorded", __name__)
BUCKETS_SPAN: Final = timedelta(days=1)
BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
EXPORT_PAGE: Final = 5000
EXPORTS: Final[dict[Format, tuple[str, str, Export]]] = {
    Format.CSV: (CSV_TYPE, "csv", as_csv),
    Format.ARROW: (ARROW_TYPE, "arrows", as_arrow),
}


@blueprint.get("/devices/<uuid:device_id>/telemetry")
@requires("device:read")
@speaks(
    Speech(
        tag="devices",
        query=TelemetryQuery,
        answers={
            200: Said(
                TelemetryPage,
                "A page, or a stream of everything asked for.",
                other={"text/csv": "time, metric, value, count, tags, epoch, seq", ARROW_TYPE: "the same columns, Arrow IPC"},
            )
        },
        errors=(503,),
    )
)
async def get_telemetry(device_id: UUID, query: TelemetryQuery) -> Response:
    """What a device measured, newest first.

    Single values, or with `bucket` one value for each span of time, made by `agg`.
    """
    bucket_s = duration_s(query.bucket) if query.bucket else None
    start, end = _span(query.start, query.end, bucket_s is not None)
    repository = backing().repository
    if query.format is not Format.JSON:
        return await _export(device_id, query, start, end)
    page = await repository.telemetry(
        device_id, query.metric, start, end, bucket_s=bucket_s, agg=query.agg, limit=query.limit, cursor=query.cursor
    )
    if not page.items:
        await repository.get_device(device_id)
    items = [value_view(point, bucket_s is not None) for point in page.items]
    return answer(TelemetryPage.model_construct(items=items, next=page.next))


async def _export(device_id: UUID, query: TelemetryQuery, start: datetime | None, end: datetime | None) -> Response:
    """Answer with a stream. What fails before its first part is answered as an error; what fails later breaks it off."""
    repository = backing().repository  # named here: a stream outlives the request it answers
    pages: Pages
    if query.bucket is None and query.cursor is None:
        pages = repository.stream(device_id, query.metric, start, end)
    else:
        pages = _paged(repository, device_id, query, start, end)
    first = await anext(pages, None)
    if first is None:
        await repository.get_device(device_id)
    kind, ending, export = EXPORTS[query.format]
    headers = {"Content-Disposition": f'attachment; filename="telemetry-{device_id}.{ending}"'}
    response = Response(export(first or [], pages, query.bucket is not None), HTTPStatus.OK, headers, content_type=kind)
    response.timeout = None  # as long as it takes; a caller who reads slowly slows the reading of the table
    return response


async def _paged(
    repository: Repository, device_id: UUID, query: TelemetryQuery, start: datetime | None, end: datetime | None
) -> AsyncGenerator[Sequence[TelemetryPoint], None]:
    cursor = query.cursor
    bucket_s = duration_s(query.bucket) if query.bucket else None
    while True:
        page = await repository.telemetry(
            device_id, query.metric, start, end, bucket_s=bucket_s, agg=query.agg, limit=EXPORT_PAGE, cursor=cursor
        )
        if page.items:
            yield page.items
        if (cursor := page.next) is None:
            return


def _span(start: datetime | None, end: datetime | None, bucketed: bool) -> tuple[datetime | None, datetime | None]:
    if start is None and bucketed:  # to make buckets, every value of the span is read
        start = max(end or datetime.now(UTC), BEGINNING + BUCKETS_SPAN) - BUCKETS_SPAN
    if start is not None and end is not None and start > end:
        raise InvalidError("the time span ends before it begins", ({"field": "from", "message": "is after `to`"},))
    return start, end


@blueprint.get("/devices/<uuid:device_id>/events")
@requires("device:read")
@speaks(Speech(tag="devices", query=EventsQuery, answers={200: Said(EventPage, "A page, newest first.")}, errors=(503,)))
async def get_events(device_id: UUID, query: EventsQuery) -> Response:
    """What happened at a device: licks, touches, doors; and, as `lics.state`, to it."""
    repository = backing().repository
    page = await repository.events(device_id, query.type, query.start, query.end, limit=query.limit, cursor=query.cursor)
    if not page.items:
        await repository.get_device(device_id)
    return answer(EventPage.model_construct(items=[event_view(event) for event in page.items], next=page.next))


@blueprint.get("/devices/<uuid:device_id>/rejected")
@requires("device:read")
@speaks(Speech(tag="devices", query=PageQuery, answers={200: Said(RejectedPage, "A page, newest first.")}, errors=(503,)))
async def get_rejected(device_id: UUID, query: PageQuery) -> Response:
    """What a device sent that broke its contract, to find out why."""
    repository = backing().repository
    page = await repository.rejected(device_id, limit=query.limit, cursor=query.cursor)
    if not page.items:
        await repository.get_device(device_id)
    return answer(RejectedPage.model_construct(items=[rejected_view(item) for item in page.items], next=page.next))
