"""Protocols: uploaded, kept in versions that never change, drawn, rehearsed."""

from __future__ import annotations

import json
from http import HTTPStatus
from uuid import UUID

import msgspec
from quart import Blueprint, Response, request

from lics_actors.experiment.diagram import drawing
from lics_actors.experiment.library import classics, protocol_of
from lics_actors.store.protocols import Protocol
from lics_actors.study.protocol_desk import Kept, RehearsalWish
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.idempotency import id_for
from web.schemas.protocols import (
    ClassicsView,
    ClassicView,
    ProtocolPage,
    ProtocolsQuery,
    ProtocolUpload,
    ProtocolView,
    RehearsalBody,
    RehearsalPage,
    RehearsalView,
    VersionPage,
    VersionsQuery,
    WholeVersionView,
    protocol_view,
    rehearsal_view,
    version_view,
    whole_version_view,
)
from web.scoping import place_there, where
from web.speech import Said, Speech, answer, speaks
from web.studies import desks

blueprint = Blueprint("protocols", __name__)
SVG = "image/svg+xml"


@blueprint.get("/protocols")
@requires("protocol:read")
@speaks(Speech(tag="protocols", query=ProtocolsQuery, answers={200: Said(ProtocolPage, "A page, by name.")}, errors=(503,)))
async def list_protocols(query: ProtocolsQuery) -> Response:
    """The protocols, by name."""
    page = await backing().repository.list_protocols(where(), query.name, query.limit, query.cursor)
    return answer(ProtocolPage.model_construct(items=[protocol_view(row) for row in page.items], next=page.next))


@blueprint.get("/protocols/classics")
@requires("protocol:read")
@speaks(Speech(tag="protocols", answers={200: Said(ClassicsView, "All of them.")}))
async def list_classics() -> Response:
    """The protocols that are shipped; a run may name them as any other."""
    items = [ClassicView(name=name, title=protocol_of(name).title) for name in classics()]
    return answer(ClassicsView.model_construct(items=items))


@blueprint.post("/protocols")
@requires("protocol:write")
@speaks(
    Speech(
        tag="protocols",
        body=ProtocolUpload,
        answers={
            201: Said(WholeVersionView, "Kept as the next version of the protocol that it names.", ("Location",)),
            200: Said(WholeVersionView, "One of its versions says the same already: this one.", ("Location",)),
        },
        errors=(404, 503),
    )
)
async def upload_protocol(body: ProtocolUpload) -> Response:
    """Keep a protocol, or another version of one.

    The `name` in the document says of which. One that cannot be run is refused; `fields` has every path and reason.
    """
    laboratory = await place_there(body.laboratory_id)
    if body.classic is not None:
        kept = await desks().protocols.named(asker(), laboratory, body.classic, 1)
    else:
        text = body.document if isinstance(body.document, str) else json.dumps(body.document, ensure_ascii=False, indent=2)
        kept = await desks().protocols.upload(asker(), laboratory, text, body.note)
    return await _whole(kept, HTTPStatus.CREATED if kept.new else HTTPStatus.OK)


@blueprint.get("/protocols/<uuid:protocol_id>")
@requires("protocol:read")
@speaks(Speech(tag="protocols", answers={200: Said(ProtocolView, "As it is.")}, errors=(503,)))
async def get_protocol(protocol_id: UUID) -> Response:
    """A protocol."""
    return answer(protocol_view(await _protocol(protocol_id)))


@blueprint.get("/protocols/<uuid:protocol_id>/versions")
@requires("protocol:read")
@speaks(Speech(tag="protocols", query=VersionsQuery, answers={200: Said(VersionPage, "A page, newest first.")}, errors=(503,)))
async def list_versions(protocol_id: UUID, query: VersionsQuery) -> Response:
    """A protocol's versions, newest first."""
    page = await backing().repository.versions((await _protocol(protocol_id)).id, query.limit, query.cursor)
    return answer(VersionPage.model_construct(items=[version_view(row) for row in page.items], next=page.next))


@blueprint.get("/protocols/<uuid:protocol_id>/versions/<int:number>")
@requires("protocol:read")
@speaks(Speech(tag="protocols", answers={200: Said(WholeVersionView, "It, whole.")}, errors=(503,)))
async def get_version(protocol_id: UUID, number: int) -> Response:
    """A version of a protocol: as written, as read, what was found, and whether it was rehearsed."""
    return await _whole(await _kept(protocol_id, number), HTTPStatus.OK)


@blueprint.get("/protocols/<uuid:protocol_id>/versions/<int:number>/diagram")
@requires("protocol:read")
@speaks(Speech(tag="protocols", answers={200: Said(None, "Its states, drawn.", other={SVG: "a picture"})}, errors=(503,)))
async def get_diagram(protocol_id: UUID, number: int) -> Response:
    """A version's states, drawn as SVG."""
    version = (await _kept(protocol_id, number)).version
    svg = drawing(await desks().protocols.plan(version))
    return Response(svg, HTTPStatus.OK, {"Cache-Control": "private, max-age=31536000, immutable"}, content_type=SVG)


@blueprint.post("/protocols/<uuid:protocol_id>/versions/<int:number>/rehearsals")
@requires("protocol:write")
@speaks(
    Speech(
        tag="protocols",
        body=RehearsalBody,
        headers=("Idempotency-Key",),
        answers={201: Said(RehearsalView, "Rehearsed, and kept.")},
        errors=(409, 503),
    )
)
async def rehearse_version(protocol_id: UUID, number: int, body: RehearsalBody) -> Response:
    """Rehearse a version with simulated devices and a simulated subject, in virtual time.

    A version may be armed on a rig once a rehearsal of it was sound: a hundred trials at least, no session that failed, and a
    replay that came out the same.
    """
    kept = await _kept(protocol_id, number)
    key = request.headers.get("Idempotency-Key")
    rehearsal_id = id_for(principal().name, request.path, key)
    wish = RehearsalWish(body.trials, body.subject_model, body.seed, body.parameters)
    done = await desks().protocols.rehearse(asker(), kept.version, wish, rehearsal_id)
    return answer(rehearsal_view(done), HTTPStatus.CREATED)


@blueprint.get("/protocols/<uuid:protocol_id>/versions/<int:number>/rehearsals")
@requires("protocol:read")
@speaks(Speech(tag="protocols", query=VersionsQuery, answers={200: Said(RehearsalPage, "A page, newest first.")}, errors=(503,)))
async def list_rehearsals(protocol_id: UUID, number: int, query: VersionsQuery) -> Response:
    """What the rehearsals of a version came to, newest first."""
    kept = await _kept(protocol_id, number)
    page = await backing().repository.rehearsals(kept.version.id, query.limit, query.cursor)
    return answer(RehearsalPage.model_construct(items=[rehearsal_view(row) for row in page.items], next=page.next))


async def _protocol(protocol_id: UUID) -> Protocol:
    return await backing().repository.get_protocol(protocol_id, where())


async def _kept(protocol_id: UUID, number: int) -> Kept:
    protocol = await _protocol(protocol_id)
    return Kept(protocol, await backing().repository.get_version(protocol, number))


async def _whole(kept: Kept, status: int) -> Response:
    rehearsed = await backing().repository.is_rehearsed(kept.version.id)
    view = whole_version_view(kept, msgspec.json.decode(kept.version.document), rehearsed)
    place_of = f"/api/v1/protocols/{kept.protocol.id}/versions/{kept.version.number}"
    return answer(view, status, {"Location": place_of} if request.method == "POST" else {})
