"""What needs a person, and what people do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from quart import Blueprint, Response

from lics_actors.store.alarm_states import Acknowledged, Shelved, Unshelved
from web.alarms import alarm_desk
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.schemas.alarms import AcknowledgeBody, AlarmPage, AlarmsQuery, AlarmView, ShelveBody, UnshelveBody, alarm_view
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("alarms", __name__)
ALARM_ID = f"<int(max={2**63 - 1}):alarm_id>"
AS_IT_IS = {200: Said(AlarmView, "As it is now.")}


@blueprint.get("/alarms")
@requires("fleet:read")
@speaks(Speech(tag="alarms", query=AlarmsQuery, answers={200: Said(AlarmPage, "A page, newest first.")}, errors=(503,)))
async def list_alarms(query: AlarmsQuery) -> Response:
    """The alarms that are open.

    Open is an alarm until its condition is gone *and* a person has acknowledged it. With `all`, the history.
    """
    page = await backing().repository.alarms(
        not query.all,
        query.limit,
        query.cursor,
        active=query.active,
        acknowledged=query.acknowledged,
        shelved=query.shelved,
        source=query.source,
    )
    return answer(AlarmPage.model_construct(items=[alarm_view(alarm) for alarm in page.items], next=page.next))


@blueprint.get(f"/alarms/{ALARM_ID}")
@requires("fleet:read")
@speaks(Speech(tag="alarms", answers=AS_IT_IS, errors=(503,)))
async def get_alarm(alarm_id: int) -> Response:
    """One alarm."""
    return answer(alarm_view(await backing().repository.alarm(alarm_id)))


@blueprint.post(f"/alarms/{ALARM_ID}/acknowledge")
@requires("alarm:acknowledge")
@speaks(Speech(tag="alarms", body=AcknowledgeBody, body_required=False, answers=AS_IT_IS, errors=(409, 503)))
async def acknowledge_alarm(alarm_id: int, body: AcknowledgeBody) -> Response:
    """Say that you have seen an alarm.

    One whose condition is gone is over then. Again changes nothing; the first keeps the credit.
    """
    act = Acknowledged(datetime.now(UTC), principal().name, body.comment)
    return answer(alarm_view(await alarm_desk().act(asker(), alarm_id, act, body.comment)))


@blueprint.post(f"/alarms/{ALARM_ID}/shelve")
@requires("alarm:shelve")
@speaks(Speech(tag="alarms", body=ShelveBody, answers=AS_IT_IS, errors=(409, 503)))
async def shelve_alarm(alarm_id: int, body: ShelveBody) -> Response:
    """Put an alarm out of sight for a while.

    When the time is over it is back, to be acknowledged, if its condition stands; otherwise it is over.
    """
    now = datetime.now(UTC)
    act = Shelved(now, now + timedelta(seconds=body.for_s), principal().name, body.reason)
    return answer(alarm_view(await alarm_desk().act(asker(), alarm_id, act, body.reason)))


@blueprint.post(f"/alarms/{ALARM_ID}/unshelve")
@requires("alarm:shelve")
@speaks(Speech(tag="alarms", body=UnshelveBody, body_required=False, answers=AS_IT_IS, errors=(409, 503)))
async def unshelve_alarm(alarm_id: int, body: UnshelveBody) -> Response:
    """Have a shelved alarm back before its time."""
    return answer(alarm_view(await alarm_desk().act(asker(), alarm_id, Unshelved(datetime.now(UTC)), body.reason)))
