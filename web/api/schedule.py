"""Sessions that experiments plan: when which begins, what was missed, and what people decide of them."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response

from lics_actors.store.slots import SlotFilter, SlotRow, Wish
from web.asking import asker
from web.auth import requires
from web.backing import backing
from web.schemas.schedule import (
    PreflightQuery,
    PreflightView,
    SlotDecisionBody,
    SlotPage,
    SlotsQuery,
    SlotView,
    preflight_view,
    slot_view,
)
from web.scoping import where, within
from web.speech import Said, Speech, answer, speaks
from web.studies import desks

blueprint = Blueprint("schedule", __name__)
HEARD = Said(SlotView, "Kept; the scheduler hears of it within seconds, and makes the checks.")


@blueprint.get("/schedule")
@requires("schedule:read")
@speaks(
    Speech(tag="schedule", query=SlotsQuery, answers={200: Said(SlotPage, "A page, by when their windows open.")}, errors=(503,))
)
async def list_slots(query: SlotsQuery) -> Response:
    """The sessions of the days around today, and all that something was decided of."""
    asked = SlotFilter(where(), query.rig, query.subject, query.experiment, query.status, query.start, query.end)
    page = await backing().repository.list_slots(asked, query.limit, query.cursor)
    return answer(SlotPage.model_construct(items=[slot_view(row) for row in page.items], next=page.next))


@blueprint.get("/schedule/<uuid:slot_id>")
@requires("schedule:read")
@speaks(Speech(tag="schedule", answers={200: Said(SlotView, "As it stands.")}, errors=(503,)))
async def get_slot(slot_id: UUID) -> Response:
    """A session that is planned."""
    return answer(slot_view(await _slot(slot_id)))


@blueprint.post("/schedule/<uuid:slot_id>/start")
@requires("schedule:write")
@speaks(Speech(tag="schedule", body=SlotDecisionBody, answers={202: HEARD}, errors=(409, 503)))
async def start_slot(slot_id: UUID, body: SlotDecisionBody) -> Response:
    """Have a session begun now, also outside its window; the checks are made all the same, and `why` says what forbids it."""
    return await _wish(slot_id, "start", body.reason)


@blueprint.post("/schedule/<uuid:slot_id>/skip")
@requires("schedule:write")
@speaks(Speech(tag="schedule", body=SlotDecisionBody, answers={202: HEARD}, errors=(409, 503)))
async def skip_slot(slot_id: UUID, body: SlotDecisionBody) -> Response:
    """Leave a session out, with a reason."""
    return await _wish(slot_id, "skip", body.reason)


@blueprint.get("/experiments/<uuid:experiment_id>/preflight")
@requires("schedule:read")
@speaks(Speech(tag="schedule", query=PreflightQuery, answers={200: Said(PreflightView, "What was found.")}, errors=(404, 503)))
async def check_session(experiment_id: UUID, query: PreflightQuery) -> Response:
    """What speaks against a subject's next session just now, each with what to do."""
    experiment = await backing().repository.get_experiment(experiment_id, where())
    if query.rig is not None:
        await within("rig", query.rig)
    return answer(preflight_view(await desks().preflight.check(experiment, query.subject, query.rig)))


async def _slot(slot_id: UUID) -> SlotRow:
    return await backing().repository.get_slot(slot_id, where())


async def _wish(slot_id: UUID, wish: Wish, reason: str) -> Response:
    row = await desks().schedule.wish(asker(), await _slot(slot_id), wish, reason)
    return answer(slot_view(row), HTTPStatus.ACCEPTED)
