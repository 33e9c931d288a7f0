"""Files of runs: have one made, see how it stands, take it."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.datafile.formats import FORMATS
from lics_actors.errors import ConflictError
from lics_actors.experiment.messages import OVER
from lics_actors.store.exports import Export
from web.asking import asker
from web.auth import requires
from web.backing import backing
from web.ranges import asked_span
from web.run_files import export_desk
from web.schemas.run_files import ExportPage, ExportQuery, ExportView, NewExportBody, export_view
from web.scoping import where
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("run_files", __name__)
BINARY = {each.media_type: f"the file, where it is {each.name}" for each in FORMATS.values()}


class RunNotOverError(ConflictError):
    """The run goes on: its file would have no end."""

    code = "RUN_NOT_OVER"


@blueprint.post("/runs/<uuid:run_id>/exports")
@requires("run:read")
@speaks(
    Speech(
        tag="runs",
        body=NewExportBody,
        query=ExportQuery,
        answers={
            201: Said(ExportView, "It is there.", ("Location",)),
            202: Said(ExportView, "It is being made, or could not be: `state` and `reason` tell.", ("Location",)),
        },
        errors=(409, 503),
    )
)
async def create_export(run_id: UUID, body: NewExportBody, query: ExportQuery) -> Response:
    """Have a file made of a run that is over.

    A process of its own makes it; what a run's file holds is in docs/data.md. The newest 20 of a run are kept.
    """
    run = await backing().repository.get_run(run_id, where())
    if run.phase not in OVER:
        raise RunNotOverError(f"the run is {run.phase}; a file is made of one that is over", run_id=str(run_id))
    begun = await export_desk().start(asker(), run.laboratory_id, run_id, body.format)
    found = await export_desk().finished(begun, query.wait)
    status = HTTPStatus.CREATED if found.state == "ready" else HTTPStatus.ACCEPTED
    return _told(found, status, {"Location": f"/api/v1/runs/{run_id}/exports/{found.id}"})


@blueprint.get("/runs/<uuid:run_id>/exports")
@requires("run:read")
@speaks(Speech(tag="runs", answers={200: Said(ExportPage, "All that are kept.")}, errors=(503,)))
async def list_exports(run_id: UUID) -> Response:
    """A run's files, the newest first."""
    await backing().repository.get_run(run_id, where())
    items = [export_view(each, _name(each)) for each in await export_desk().exports(run_id)]
    return answer(ExportPage.model_construct(items=items, next=None))


@blueprint.get("/runs/<uuid:run_id>/exports/<uuid:export_id>")
@requires("run:read")
@speaks(Speech(tag="runs", answers={200: Said(ExportView, "As it is.")}, errors=(503,)))
async def get_export(run_id: UUID, export_id: UUID) -> Response:
    """How a file stands."""
    return _told(await _export(run_id, export_id), HTTPStatus.OK)


@blueprint.get("/runs/<uuid:run_id>/exports/<uuid:export_id>/file")
@requires("run:read")
@speaks(
    Speech(
        tag="runs",
        answers={
            200: Said(None, "The file, as a stream; its ETag is its SHA-256.", ("ETag",), other=BINARY),
            206: Said(None, "The one part that `Range` asks for.", ("ETag",), other=BINARY),
        },
        errors=(409, 503),
    )
)
async def download_export(run_id: UUID, export_id: UUID) -> Response:
    """Take a file.

    One `Range` of bytes is served, so that a download that broke off can go on.
    """
    export = await _export(run_id, export_id)
    span = asked_span(request.headers.get("Range"), export.size or 0)
    opened = await export_desk().open(export, span)
    headers = {
        "Content-Disposition": f'attachment; filename="{_name(export)}"',
        "Content-Length": str(opened.end - opened.start),
        "ETag": f'"{export.sha256}"',
        "Accept-Ranges": "bytes",
    }
    status = HTTPStatus.OK
    if span is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {opened.start}-{opened.end - 1}/{opened.size}"
    response = Response(opened.parts, status, headers, content_type=FORMATS[export.format].media_type)
    response.timeout = None  # as long as it takes; a caller who reads slowly slows the reading of the file
    return response


async def _export(run_id: UUID, export_id: UUID) -> Export:
    await backing().repository.get_run(run_id, where())
    return await export_desk().export(run_id, export_id)


def _name(export: Export) -> str:
    return FORMATS[export.format].file_name(export.run_id)


def _told(export: Export, status: int, headers: dict[str, str] | None = None) -> Response:
    return answer(export_view(export, _name(export)), status, headers)
