"""Answers about one thing with their ETag, and none where the caller has it already."""

from __future__ import annotations

from http import HTTPStatus

from quart import Response, request

from web.etags import etag, matches


async def tagged(response: Response, version: int) -> Response:
    """Return the response with its ETag; 304 where `If-None-Match` names it."""
    tag = etag(version, await response.get_data(as_text=False))
    response.headers["ETag"] = tag
    if request.method in {"GET", "HEAD"} and matches(request.headers.get("If-None-Match"), tag):
        return Response(b"", HTTPStatus.NOT_MODIFIED, {"ETag": tag})
    return response
