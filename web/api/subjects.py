"""Subjects: who they are, what they are to get a day, what they weigh, and who changed that and why."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.errors import ConflictError, IdempotencyKeyReusedError, SubjectNotFoundError
from lics_actors.store.subjects import NewSubject, Subject, SubjectFilter, Weight
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.etags import expected_version
from web.idempotency import id_for
from web.schemas.subjects import (
    ChangePage,
    ChangesQuery,
    NewSubjectBody,
    SubjectPage,
    SubjectPatch,
    SubjectsQuery,
    SubjectView,
    WeightBody,
    WeightPage,
    WeightView,
    change_view,
    said,
    subject_view,
    weight_view,
)
from web.scoping import place_there, where
from web.speech import Said, Speech, answer, speaks
from web.studies import desks
from web.tagging import tagged

blueprint = Blueprint("subjects", __name__)
AS_IT_IS = Said(SubjectView, "As it now is.", ("ETag",))


@blueprint.get("/subjects")
@requires("subject:read")
@speaks(Speech(tag="subjects", query=SubjectsQuery, answers={200: Said(SubjectPage, "A page, by name.")}, errors=(503,)))
async def list_subjects(query: SubjectsQuery) -> Response:
    """The subjects, by name."""
    asked = SubjectFilter(where(), query.status, query.rfid, query.species)
    page = await backing().repository.list_subjects(asked, query.limit, query.cursor)
    return answer(SubjectPage.model_construct(items=[subject_view(row) for row in page.items], next=page.next))


@blueprint.post("/subjects")
@requires("subject:write")
@speaks(
    Speech(
        tag="subjects",
        body=NewSubjectBody,
        headers=("Idempotency-Key",),
        answers={
            201: Said(SubjectView, "Kept.", ("Location", "ETag")),
            200: Said(SubjectView, "Kept before, by the same request with this key.", ("Location", "ETag")),
        },
        errors=(404, 409, 503),
    )
)
async def create_subject(body: NewSubjectBody) -> Response:
    """Keep a subject."""
    key = request.headers.get("Idempotency-Key")
    named = id_for(principal().name, request.path, key)  # also where the body says an id: a key that is none is refused
    subject_id = body.id or named
    laboratory = await place_there(body.laboratory_id)
    new = NewSubject(laboratory, principal=principal().name, subject_id=subject_id, **{"sex": body.sex} | said(body))
    try:
        row, status = await desks().subjects.create(asker(), new, body.reason), HTTPStatus.CREATED
    except ConflictError as conflict:
        row, status = await _made_before(new, key, conflict), HTTPStatus.OK
    return await tagged(answer(subject_view(row), status, {"Location": f"/api/v1/subjects/{row.id}"}), row.version)


async def _made_before(new: NewSubject, key: str | None, conflict: ConflictError) -> Subject:
    """Return the subject that the same request made before; one that people have changed since is taken for it."""
    if key is None or new.subject_id is None:
        raise conflict
    try:
        row = await backing().repository.get_subject(new.subject_id, where())
    except SubjectNotFoundError:
        raise conflict from None
    if row.version == 1 and (row.name, row.species, row.rfid) != (new.name, new.species, new.rfid):
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", subject_id=str(row.id))
    return row


@blueprint.get("/subjects/<uuid:subject_id>")
@requires("subject:read")
@speaks(
    Speech(
        tag="subjects",
        headers=("If-None-Match",),
        answers={
            200: Said(SubjectView, "As it is.", ("ETag",)),
            304: Said(None, "As in the answer with this ETag.", ("ETag",)),
        },
        errors=(503,),
    )
)
async def get_subject(subject_id: UUID) -> Response:
    """A subject."""
    row = await _subject(subject_id)
    return await tagged(answer(subject_view(row)), row.version)


@blueprint.patch("/subjects/<uuid:subject_id>")
@requires("subject:write")
@speaks(Speech(tag="subjects", body=SubjectPatch, headers=("If-Match",), answers={200: AS_IT_IS}, errors=(409, 412, 503)))
async def change_subject(subject_id: UUID, body: SubjectPatch) -> Response:
    """Change some of a subject; what is left out stays.

    Every version is kept, with who made it and why. Nothing deletes a subject: its status becomes `retired`.
    """
    version = expected_version(request.headers.get("If-Match"))
    row = await desks().subjects.change(asker(), await _subject(subject_id), said(body), version, body.reason)
    return await tagged(answer(subject_view(row)), row.version)


@blueprint.get("/subjects/<uuid:subject_id>/history")
@requires("subject:read")
@speaks(Speech(tag="subjects", query=ChangesQuery, answers={200: Said(ChangePage, "A page, newest first.")}, errors=(503,)))
async def get_subject_history(subject_id: UUID, query: ChangesQuery) -> Response:
    """Every version of a subject: who made it, why, and what it was."""
    subject = await _subject(subject_id)
    page = await backing().repository.changes(subject.id, query.limit, query.cursor)
    return answer(ChangePage.model_construct(items=[change_view(row) for row in page.items], next=page.next))


@blueprint.post("/subjects/<uuid:subject_id>/weights")
@requires("subject:write")
@speaks(
    Speech(
        tag="subjects",
        body=WeightBody,
        headers=("Idempotency-Key",),
        answers={201: Said(WeightView, "Noted; the same request with the same key notes it once.")},
        errors=(409, 503),
    )
)
async def weigh_subject(subject_id: UUID, body: WeightBody) -> Response:
    """Note what a subject weighs."""
    subject, now = await _subject(subject_id), datetime.now(UTC)
    weight_id = id_for(principal().name, request.path, request.headers.get("Idempotency-Key"))
    weight = Weight(weight_id, subject.id, body.time or now, body.weight_g, body.note, principal().name, now)
    return answer(weight_view(await desks().subjects.weigh(asker(), subject, weight)), HTTPStatus.CREATED)


@blueprint.get("/subjects/<uuid:subject_id>/weights")
@requires("subject:read")
@speaks(Speech(tag="subjects", query=ChangesQuery, answers={200: Said(WeightPage, "A page, newest first.")}, errors=(503,)))
async def get_weights(subject_id: UUID, query: ChangesQuery) -> Response:
    """What a subject weighed, newest first."""
    subject = await _subject(subject_id)
    page = await backing().repository.weights(subject.id, query.limit, query.cursor)
    return answer(WeightPage.model_construct(items=[weight_view(row) for row in page.items], next=page.next))


async def _subject(subject_id: UUID) -> Subject:
    return await backing().repository.get_subject(subject_id, where())
