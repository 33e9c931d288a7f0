"""Rigs: devices in roles, and the interlocks between them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.errors import ConflictError, IdempotencyKeyReusedError, RigNotFoundError
from lics_actors.rig_desk import RigState
from lics_actors.store.rig_documents import interlock_documents
from lics_actors.store.rigs import RigRow
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.etags import etag, expected_version, matches
from web.idempotency import id_for
from web.rigs import rig_desk
from web.schemas.rigs import (
    NewRigBody,
    ResetBody,
    RigBody,
    RigPage,
    RigPatch,
    RigsQuery,
    RigStateView,
    rig_state_view,
    rig_view,
)
from web.schemas.subjects import ChangePage, ChangesQuery, change_view
from web.scoping import place_there, where, within
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("rigs", __name__)
AS_IT_IS = Said(RigStateView, "As it now is.", ("ETag",))


@blueprint.get("/rigs")
@requires("rig:read")
@speaks(Speech(tag="rigs", query=RigsQuery, answers={200: Said(RigPage, "A page, by name.")}, errors=(503,)))
async def list_rigs(query: RigsQuery) -> Response:
    """The rigs, by name.

    As defined; one rig alone is told as it is now.
    """
    page = await backing().repository.list_rigs(query.limit, query.cursor, query.device, where())
    return answer(RigPage.model_construct(items=[rig_view(row) for row in page.items], next=page.next))


@blueprint.post("/rigs")
@requires("rig:write")
@speaks(
    Speech(
        tag="rigs",
        body=NewRigBody,
        headers=("Idempotency-Key",),
        answers={
            201: Said(RigStateView, "Kept; its devices take the interlocks over at once.", ("Location", "ETag")),
            200: Said(RigStateView, "Kept before, by the same request with this key.", ("Location", "ETag")),
        },
        errors=(404, 409, 503),
    )
)
async def create_rig(body: NewRigBody) -> Response:
    """Keep a rig.

    Its interlocks are judged from now on, in the actors of the devices that they trip.
    """
    key = request.headers.get("Idempotency-Key")
    named = id_for(principal().name, request.path, key)  # also where the body says an id: a key that is none is refused
    rig_id = body.id or named
    try:
        home = await place_there(body.laboratory_id)
        row = await rig_desk().create(asker(), body.name, body.devices, body.interlocks, rig_id, laboratory_id=home)
        status = HTTPStatus.CREATED
    except ConflictError as conflict:
        row, status = await _made_before(body, rig_id if key else None, conflict), HTTPStatus.OK
    return await _tell(row, status, {"Location": f"/api/v1/rigs/{row.id}"})


async def _made_before(body: NewRigBody, rig_id: UUID | None, conflict: ConflictError) -> RigRow:
    """Return the rig that the same request made before; one that people have changed since is taken for it."""
    if rig_id is None:
        raise conflict
    try:
        row = await backing().repository.get_rig(rig_id)
        await within("rig", row.id)
    except RigNotFoundError:
        raise conflict from None
    asked = (body.name, dict(body.devices), interlock_documents(body.interlocks))
    if row.version == 1 and (row.name, dict(row.devices), tuple(row.interlocks)) != asked:
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", rig_id=str(row.id))
    return row


@blueprint.get("/rigs/<uuid:rig_id>")
@requires("rig:read")
@speaks(
    Speech(
        tag="rigs",
        headers=("If-None-Match",),
        answers={
            200: Said(RigStateView, "As it is.", ("ETag",)),
            304: Said(None, "As in the answer with this ETag.", ("ETag",)),
        },
        errors=(503,),
    )
)
async def get_rig(rig_id: UUID) -> Response:
    """A rig, and which of its interlocks have tripped."""
    return await _tell(await backing().repository.get_rig(rig_id))


@blueprint.get("/rigs/<uuid:rig_id>/history")
@requires("rig:read")
@speaks(Speech(tag="rigs", query=ChangesQuery, answers={200: Said(ChangePage, "A page, newest first.")}, errors=(503,)))
async def get_rig_history(rig_id: UUID, query: ChangesQuery) -> Response:
    """Every version of a rig: who made it, and what it was."""
    rig = await backing().repository.get_rig(rig_id)
    page = await backing().repository.changes(rig.id, query.limit, query.cursor)
    return answer(ChangePage.model_construct(items=[change_view(row) for row in page.items], next=page.next))


@blueprint.put("/rigs/<uuid:rig_id>")
@requires("rig:write")
@speaks(Speech(tag="rigs", body=RigBody, headers=("If-Match",), answers={200: AS_IT_IS}, errors=(409, 412, 503)))
async def replace_rig(rig_id: UUID, body: RigBody) -> Response:
    """Define a rig anew; what is left out takes its default."""
    return await _change(rig_id, {"name": body.name, "devices": body.devices, "interlocks": body.interlocks})


@blueprint.patch("/rigs/<uuid:rig_id>")
@requires("rig:write")
@speaks(Speech(tag="rigs", body=RigPatch, headers=("If-Match",), answers={200: AS_IT_IS}, errors=(409, 412, 503)))
async def change_rig(rig_id: UUID, body: RigPatch) -> Response:
    """Change some of a rig; what is left out stays.

    While a run is at it, no device is taken out of it.
    """
    return await _change(rig_id, {name: getattr(body, name) for name in body.model_fields_set})


@blueprint.delete("/rigs/<uuid:rig_id>")
@requires("rig:write")
@speaks(
    Speech(
        tag="rigs", headers=("If-Match",), answers={204: Said(None, "Forgotten, with its interlocks.")}, errors=(409, 412, 503)
    )
)
async def delete_rig(rig_id: UUID) -> Response:
    """Forget a rig.

    Not while one of its interlocks has tripped, or a run is at it.
    """
    await rig_desk().delete(asker(), rig_id, expected_version(request.headers.get("If-Match")))
    return Response(b"", HTTPStatus.NO_CONTENT)


@blueprint.post("/rigs/<uuid:rig_id>/reset")
@requires("rig:reset")
@speaks(
    Speech(
        tag="rigs",
        body=ResetBody,
        answers={200: Said(RigStateView, "As it now is.", ("ETag",))},
        errors=(409, 503, 504),
    )
)
async def reset_rig(rig_id: UUID, body: ResetBody) -> Response:
    """Let a rig go on after an interlock has tripped.

    Refused where its condition still is so. The reason is kept, in the audit and in the events of the devices.
    """
    row = await backing().repository.get_rig(rig_id)
    return await _told(await rig_desk().reset(asker(), row, body.interlock, body.reason))


async def _change(rig_id: UUID, changes: dict[str, Any]) -> Response:
    version = expected_version(request.headers.get("If-Match"))
    return await _tell(await rig_desk().change(asker(), rig_id, changes, version))


async def _tell(row: RigRow, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return await _told(await rig_desk().state(row), status, headers)


async def _told(state: RigState, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    response = answer(rig_state_view(state), status, headers)
    tag = etag(state.row.version, await response.get_data(as_text=False))
    response.headers["ETag"] = tag
    if request.method in {"GET", "HEAD"} and matches(request.headers.get("If-None-Match"), tag):
        return Response(b"", HTTPStatus.NOT_MODIFIED, {"ETag": tag})
    return response
