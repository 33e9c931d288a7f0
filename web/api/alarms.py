"""What needs a person."""

from __future__ import annotations

from quart import Blueprint, Response

from web.auth import requires
from web.backing import backing
from web.schemas.fleet import AlarmPage, AlarmsQuery, alarm_view
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("alarms", __name__)


@blueprint.get("/alarms")
@requires("fleet:read")
@speaks(Speech(tag="fleet", query=AlarmsQuery, answers={200: Said(AlarmPage, "A page, newest first.")}, errors=(503,)))
async def list_alarms(query: AlarmsQuery) -> Response:
    """The alarms that are open."""
    page = await backing().repository.alarms(not query.all, query.limit, query.cursor)
    return answer(AlarmPage.model_construct(items=[alarm_view(alarm) for alarm in page.items], next=page.next))
