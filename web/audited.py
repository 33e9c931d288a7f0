"""No request changes anything unseen: what a route does not tell the audit itself is told here, if with less."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Final

from quart import Quart, Response, current_app, g, request

from lics_actors.audit import Asker, AuditLog, told
from lics_actors.errors import ConflictError
from web.auth import PUBLIC, Refusals, permission_of
from web.endings import READING
from web.errors import request_id

PREFIX: Final = "http."  # what a route itself tells never begins so, and a test fails where one tells nothing


REFUSED: Final = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.UNPROCESSABLE_ENTITY}
)


def install(app: Quart, audit: AuditLog, refusals: Refusals) -> None:
    """Watch the requests of `app` that may change something, and have its last notes written when it ends."""

    async def watch() -> None:
        told.set([] if request.method not in READING else None)

    async def see(response: Response) -> Response:
        seen = told.get()
        if seen is None or seen or request.url_rule is None:
            return response
        asker = Asker(getattr(g.get("principal"), "name", "anonymous"), "rest", request.remote_addr, request_id())
        permission = permission_of(current_app.view_functions[request.url_rule.endpoint]) or PUBLIC
        action, target = f"{PREFIX}{request.method.lower()} {permission}", request.path[:200]
        if response.status_code < HTTPStatus.BAD_REQUEST or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            audit.note(asker, action, target, after={"status": response.status_code})
        elif response.status_code in REFUSED:
            await refusals.note(asker, action, target, ConflictError(f"answered with {response.status_code}"))
        return response

    async def writing() -> AsyncGenerator[None, None]:
        yield
        await audit.flush()
        audit.close()

    app.before_request(watch)
    app.after_request(see)
    app.while_serving(writing)
