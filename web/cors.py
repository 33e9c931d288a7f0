"""Pages of other origins: none may read anything, but those that LICS_CORS_ORIGINS names.

They bring a token of their own; the cookies are SameSite=Strict and never for them. A preflight has no token, so it is answered
before the guard.
"""

from __future__ import annotations

from typing import Final

from quart import Quart, Response, request

ALLOWED: Final = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
EXPOSED: Final = "ETag, Location, Retry-After, X-Request-ID"
PREFLIGHT_S: Final = "600"


def install(app: Quart, origins: frozenset[str]) -> None:
    """Let the pages of these origins read what `app` answers; without any, nothing is said of it at all."""
    if not origins:
        return

    async def preflight() -> Response | None:
        asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not asked or request.headers.get("Origin") not in origins:
            return None
        headers = {"Access-Control-Allow-Methods": METHODS, "Access-Control-Allow-Headers": ALLOWED}
        return Response(b"", 204, {**headers, "Access-Control-Max-Age": PREFLIGHT_S})

    async def tell(response: Response) -> Response:
        origin = request.headers.get("Origin")
        response.headers.add("Vary", "Origin")
        if origin is not None and origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response

    app.before_request(preflight)
    app.after_request(tell)
