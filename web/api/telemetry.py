"""Telemetry across devices, and how whole a device's record is."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response

from drivers.registry import driver
from lics_actors.errors import InvalidError
from web.auth import requires
from web.backing import backing
from web.schemas.recorded import (
    CompletenessAnswer,
    CompletenessQuery,
    LatestPage,
    LatestQuery,
    completeness_answer,
    latest_json,
)
from web.scoping import where
from web.speech import JSON, Said, Speech, answer, speaks

blueprint = Blueprint("telemetry", __name__)


@blueprint.get("/telemetry/latest")
@requires("device:read")
@speaks(Speech(tag="devices", query=LatestQuery, answers={200: Said(LatestPage, "Devices, by id.")}, errors=(503,)))
async def get_latest(query: LatestQuery) -> Response:
    """The latest values of many devices.

    Of those named by `device_id`, or in pages of all; the newest value of each metric.
    """
    repository = backing().repository
    if query.device_id is None:
        page = await repository.latest_page(query.type, query.metric, query.limit, query.cursor, where())
        items, after = page.items, page.next
    elif query.type is not None or query.cursor is not None:
        raise InvalidError(
            "what was sent breaks a rule; see fields", ({"field": "device_id", "message": "not with type or cursor"},)
        )
    else:
        asked, places = sorted(set(query.device_id)), where()
        seen = asked if places is None else await repository.devices_within(asked, places)
        found = await repository.latest_of(seen, query.metric)
        items, after = [(each, found.get(each, {})) for each in asked], None
    return Response(latest_json(items, after), content_type=JSON)


@blueprint.get("/devices/<uuid:device_id>/completeness")
@requires("device:read")
@speaks(
    Speech(
        tag="devices",
        query=CompletenessQuery,
        answers={200: Said(CompletenessAnswer, "What is there and what is missing.")},
        errors=(503,),
    )
)
async def get_completeness(device_id: UUID, query: CompletenessQuery) -> Response:
    """Which of a device's messages are in the record.

    A device numbers its messages from 0 at each boot, telemetry and events each for itself: a number that is missing was lost,
    or is still on its way. What comes late closes its gap.
    """
    if query.start is not None and query.end is not None and query.start > query.end:
        raise InvalidError("the time span ends before it begins", ({"field": "from", "message": "is after `to`"},))
    repository = backing().repository
    device = await repository.get_device(device_id)
    sequenced = driver(device.driver).guarantees.sequenced
    epochs = await repository.completeness(device_id, query.start, query.end, gaps=query.gaps) if sequenced else []
    return answer(completeness_answer(device_id, sequenced, epochs))
