"""What subjects are given a day, their limits, and overrides of these."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID, uuid4

from quart import Blueprint, Response, request

from lics_actors.store.subjects import Subject
from lics_actors.welfare.messages import Entry, Fate, Override
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.idempotency import id_for
from web.schemas.welfare import (
    DayQuery,
    EntryView,
    FluidDayView,
    GiftBody,
    LimitsView,
    OverrideBody,
    OverrideList,
    OverrideView,
    SessionRulesBody,
    day_view,
    entry_view,
    limits_view,
    override_view,
)
from web.scoping import where
from web.speech import Said, Speech, answer, speaks
from web.welfare import welfare_desk

blueprint = Blueprint("welfare", __name__)
TAG = "welfare"


@blueprint.get("/subjects/<uuid:subject_id>/fluid")
@requires("subject:read")
@speaks(Speech(tag=TAG, query=DayQuery, answers={200: Said(FluidDayView, "The day.")}, errors=(503,)))
async def get_subject_fluid(subject_id: UUID, query: DayQuery) -> Response:
    """What a subject was given in a day: fluid, food and pellets, over all rigs and by hand.

    What was commanded and is not known to have failed counts as given.
    """
    subject = await _subject(subject_id)
    return answer(day_view(subject.id, await welfare_desk().state(subject, query.date), datetime.now(UTC)))


@blueprint.post("/subjects/<uuid:subject_id>/fluid")
@requires("subject:write")
@speaks(
    Speech(
        tag=TAG,
        body=GiftBody,
        headers=("Idempotency-Key",),
        answers={201: Said(EntryView, "Noted; the same request with the same key notes it once.")},
        errors=(409, 503),
    )
)
async def give_subject(subject_id: UUID, body: GiftBody) -> Response:
    """Note what a hand gave a subject.

    It is noted also where it is more than the day's maximum: it was given. A run that is under way gets less after it. With `ask`
    it is to be given only after this has been answered: 409 where the day has no room for it, or a run has given too much.
    """
    subject = await _subject(subject_id)
    gift_id = id_for(principal().name, request.path, request.headers.get("Idempotency-Key"))
    facts = (body.substance, body.amount, body.time or datetime.now(UTC), Fate.CONFIRMED)
    entry = Entry(gift_id, subject.id, *facts, by=principal().name, note=body.note)
    return answer(entry_view(await welfare_desk().give(asker(), subject, entry, ask=body.ask)), HTTPStatus.CREATED)


@blueprint.get("/subjects/<uuid:subject_id>/limits")
@requires("subject:read")
@speaks(Speech(tag=TAG, answers={200: Said(LimitsView, "As they are set, without overrides.")}, errors=(503,)))
async def get_subject_limits(subject_id: UUID) -> Response:
    """What a subject may and must have in a day, and how its sessions may lie."""
    subject = await _subject(subject_id)
    return answer(limits_view(await backing().repository.subject_limits(subject.id)))


@blueprint.put("/subjects/<uuid:subject_id>/limits")
@requires("subject:write")
@speaks(Speech(tag=TAG, body=SessionRulesBody, answers={200: Said(LimitsView, "As they now are.")}, errors=(503,)))
async def set_session_limits(subject_id: UUID, body: SessionRulesBody) -> Response:
    """Say how long a subject's sessions may last, and what must lie between two. Daily amounts are set with the subject."""
    subject = await _subject(subject_id)
    limits = await welfare_desk().rule_sessions(asker(), subject, body.session_s, body.between_s, body.reason)
    return answer(limits_view(limits))


@blueprint.get("/subjects/<uuid:subject_id>/overrides")
@requires("subject:read")
@speaks(Speech(tag=TAG, answers={200: Said(OverrideList, "Those that are not over.")}, errors=(503,)))
async def list_overrides(subject_id: UUID) -> Response:
    """The overrides of a subject's limits that are not over."""
    subject = await _subject(subject_id)
    found = await backing().repository.overrides(subject.id, datetime.now(UTC))
    return answer(OverrideList.model_construct(items=[override_view(each) for each in found]))


@blueprint.post("/subjects/<uuid:subject_id>/overrides")
@requires("welfare:override")
@speaks(Speech(tag=TAG, body=OverrideBody, answers={201: Said(OverrideView, "It holds from now on.")}, errors=(503,)))
async def override_limit(subject_id: UUID, body: OverrideBody) -> Response:
    """Let a limit of a subject have another value for a while, with a reason.

    A run that is under way hears of it when its allowance is renewed.
    """
    subject, now = await _subject(subject_id), datetime.now(UTC)
    said = (body.limit, body.value, now, body.until, principal().name, body.reason)
    override = await welfare_desk().override(asker(), subject, Override(uuid4(), subject.id, *said))
    return answer(override_view(override), HTTPStatus.CREATED)


@blueprint.delete("/subjects/<uuid:subject_id>/overrides/<uuid:override_id>")
@requires("welfare:override")
@speaks(Speech(tag=TAG, answers={200: Said(OverrideView, "It holds no longer.")}, errors=(503,)))
async def end_override(subject_id: UUID, override_id: UUID) -> Response:
    """End an override now."""
    subject = await _subject(subject_id)
    return answer(override_view(await welfare_desk().end_override(asker(), subject, override_id)))


async def _subject(subject_id: UUID) -> Subject:
    return await backing().repository.get_subject(subject_id, where())
