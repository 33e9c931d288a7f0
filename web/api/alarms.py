"""What needs a person, and what people do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from quart import Blueprint, Response, g

from lics_actors.store.alarm_states import Acknowledged, Alarm, Shelved, Unshelved
from lics_actors.store.alarms import AlarmNotFoundError
from web.alarms import alarm_desk
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.schemas.alarms import AcknowledgeBody, AlarmPage, AlarmsQuery, AlarmView, ShelveBody, UnshelveBody, alarm_view
from web.scoping import judge_name, judged, where
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
        laboratories=where(),
    )
    return answer(AlarmPage.model_construct(items=[alarm_view(alarm) for alarm in page.items], next=page.next))


@blueprint.get(f"/alarms/{ALARM_ID}")
@requires("fleet:read")
@judged("by its source")
@speaks(Speech(tag="alarms", answers=AS_IT_IS, errors=(503,)))
async def get_alarm(alarm_id: int) -> Response:
    """One alarm."""
    return answer(alarm_view(await _within(alarm_id, act=False)))


@blueprint.post(f"/alarms/{ALARM_ID}/acknowledge")
@requires("alarm:acknowledge")
@judged("by its source")
@speaks(Speech(tag="alarms", body=AcknowledgeBody, body_required=False, answers=AS_IT_IS, errors=(409, 503)))
async def acknowledge_alarm(alarm_id: int, body: AcknowledgeBody) -> Response:
    """Say that you have seen an alarm.

    One whose condition is gone is over then. Again changes nothing; the first keeps the credit.
    """
    await _within(alarm_id)
    act = Acknowledged(datetime.now(UTC), principal().name, body.comment)
    return answer(alarm_view(await alarm_desk().act(asker(), alarm_id, act, body.comment)))


@blueprint.post(f"/alarms/{ALARM_ID}/shelve")
@requires("alarm:shelve")
@judged("by its source")
@speaks(Speech(tag="alarms", body=ShelveBody, answers=AS_IT_IS, errors=(409, 503)))
async def shelve_alarm(alarm_id: int, body: ShelveBody) -> Response:
    """Put an alarm out of sight for a while.

    When the time is over it is back, to be acknowledged, if its condition stands; otherwise it is over.
    """
    await _within(alarm_id)
    now = datetime.now(UTC)
    act = Shelved(now, now + timedelta(seconds=body.for_s), principal().name, body.reason)
    return answer(alarm_view(await alarm_desk().act(asker(), alarm_id, act, body.reason)))


@blueprint.post(f"/alarms/{ALARM_ID}/unshelve")
@requires("alarm:shelve")
@judged("by its source")
@speaks(Speech(tag="alarms", body=UnshelveBody, body_required=False, answers=AS_IT_IS, errors=(409, 503)))
async def unshelve_alarm(alarm_id: int, body: UnshelveBody) -> Response:
    """Have a shelved alarm back before its time."""
    await _within(alarm_id)
    return answer(alarm_view(await alarm_desk().act(asker(), alarm_id, Unshelved(datetime.now(UTC)), body.reason)))


async def _within(alarm_id: int, *, act: bool = True) -> Alarm:
    """Return an alarm of the asker's laboratories, or one that is everybody's. To act on such a one is to act for all."""
    alarm = await backing().repository.alarm(alarm_id)
    missing = AlarmNotFoundError(f"no alarm {alarm_id}", alarm=alarm_id)
    await judge_name(backing(), principal(), alarm.source, g.permission, act=act, missing=missing)
    return alarm
