"""Who did what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from quart import Blueprint, Response

from lics_actors.store.audit_texts import as_csv, as_ndjson, csv_head
from lics_actors.store.audits import AuditFilter
from web.asking import asker
from web.auth import requires
from web.backing import backing
from web.schemas.audit import AuditExportQuery, AuditPage, AuditQuery, audit_view
from web.scoping import where
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("audit", __name__)
NDJSON: Final = "application/x-ndjson"
EXPORT_PAGE: Final = 500


@blueprint.get("/audit")
@requires("audit:read")
@speaks(Speech(tag="audit", query=AuditQuery, answers={200: Said(AuditPage, "A page, newest first.")}, errors=(503,)))
async def list_audit(query: AuditQuery) -> Response:
    """Who did what to the fleet and its alarms, and tried to.

    An act is on the host's disk before it is done; here it is about a second later, or when the database is back.
    """
    page = await backing().repository.acts(_chosen(query), query.limit, query.cursor)
    return answer(AuditPage.model_construct(items=[audit_view(act) for act in page.items], next=page.next))


@blueprint.get("/audit/export")
@requires("audit:export")
@speaks(
    Speech(
        tag="audit",
        query=AuditExportQuery,
        answers={200: Said(None, "All of it, newest first.", other={"text/csv": "with a header", NDJSON: "an act a line"})},
        errors=(503,),
    )
)
async def export_audit(query: AuditExportQuery) -> Response:
    """Who did what, as a file."""
    house, chosen = backing(), _chosen(query)
    first = await house.repository.acts(chosen, EXPORT_PAGE)
    text = as_csv if query.format == "csv" else as_ndjson

    async def parts() -> AsyncIterator[bytes]:
        page = first
        yield csv_head() if query.format == "csv" else b""
        while True:
            yield text(page.items)
            if page.next is None:
                return
            page = await house.repository.acts(chosen, EXPORT_PAGE, page.next)

    async with house.audit.act(asker(), "audit.export", "audit", None) as found:
        found.after = {name: str(value) for name, value in query.model_dump(exclude_none=True).items()}
    kind = "text/csv; charset=utf-8" if query.format == "csv" else NDJSON
    headers = {"Content-Disposition": f'attachment; filename="audit.{query.format}"'}
    response = Response(parts(), content_type=kind, headers=headers)
    response.timeout = None
    return response


def _chosen(query: AuditQuery | AuditExportQuery) -> AuditFilter:
    """Return which acts: those of the asker's laboratories, and what their members did that is of no other one."""
    return replace(query.chosen(), laboratories=where())
