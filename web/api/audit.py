"""Who did what."""

from __future__ import annotations

from quart import Blueprint, Response

from web.auth import requires
from web.backing import backing
from web.schemas.audit import AuditPage, AuditQuery, audit_view
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@requires("audit:read")
@speaks(Speech(tag="audit", query=AuditQuery, answers={200: Said(AuditPage, "A page, newest first.")}, errors=(503,)))
async def list_audit(query: AuditQuery) -> Response:
    """Who did what to the fleet and its alarms, and tried to.

    An act is on the host's disk before it is done; here it is about a second later, or when the database is back.
    """
    page = await backing().repository.audit(
        query.principal,
        query.action,
        query.target,
        query.outcome,
        start=query.start,
        end=query.end,
        limit=query.limit,
        cursor=query.cursor,
    )
    return answer(AuditPage.model_construct(items=[audit_view(act) for act in page.items], next=page.next))
