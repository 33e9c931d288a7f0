"""The documentation's pages: the description, and two readers for it out of an installed package, no host but this one."""

from __future__ import annotations

import json
from importlib import resources
from typing import Final

from quart import Blueprint, Response, current_app, request
from quart_schema import hide

from web.auth import public

# file → kind; offapi carries Swagger UI and ReDoc in its wheel
ASSETS: Final = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
    "redoc.js": "text/javascript",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
{head}
</head>
<body>
{body}
<noscript>This page needs JavaScript; the description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
</body>
</html>
"""
ICON_LINK: Final = '<link rel="icon" href="/icon.svg" type="image/svg+xml">'
SWAGGER_HEAD: Final = f'{ICON_LINK}<link rel="stylesheet" href="/docs/assets/swagger_style.css">'
SWAGGER_BODY: Final = (
    '<div id="reader"></div><script src="/docs/assets/swagger_bundle.js"></script>'
    '<script src="/docs/assets/swagger_preset.js"></script><script src="/docs/start.js"></script>'
)
SWAGGER_START: Final = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reader", deepLinking: true, persistAuthorization: false, validatorUrl: null,
  docExpansion: "none", filter: true, tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
REDOC_BODY: Final = '<div id="reader"></div><script type="module" src="/redoc/start.js"></script>'
REDOC_START: Final = """import { init } from "/docs/assets/redoc.js";
init("/openapi.json", { disableTelemetry: true }, document.getElementById("reader"));
"""

blueprint = Blueprint("docs", __name__)


def script(text: str) -> Response:
    """Return a script of ours."""
    return Response(text, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "public, max-age=3600"})


def page(head: str, body: str, title: str = "LICS API") -> Response:
    """Return a page that may load scripts of this host alone."""
    text = PAGE.format(head=head, body=body, title=title)
    return Response(text, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})


@blueprint.get("/openapi.json")
@public()
@hide
async def openapi() -> Response:
    """The API's description."""
    kept: dict[str, object] = current_app.extensions.setdefault("lics_openapi", {})
    if "text" not in kept:
        kept["text"] = json.dumps(current_app.extensions["QUART_SCHEMA"].openapi_provider.schema())
    return Response(str(kept["text"]), content_type="application/json")


@blueprint.get("/docs")
@public()
@hide
async def swagger() -> Response:
    """The API, to read and try."""
    return page(SWAGGER_HEAD, SWAGGER_BODY)


@blueprint.get("/docs/start.js")
@public()
@hide
async def swagger_start() -> Response:
    """What starts the reader at /docs."""
    return script(SWAGGER_START)


@blueprint.get("/redoc")
@public()
@hide
async def redoc() -> Response:
    """The API, to read."""
    return page(ICON_LINK, REDOC_BODY)


@blueprint.get("/redoc/start.js")
@public()
@hide
async def redoc_start() -> Response:
    """What starts the reader at /redoc."""
    return script(REDOC_START)


@blueprint.get(f"/docs/assets/<any({', '.join(repr(name) for name in ASSETS)}):name>")
@public()
@hide
async def asset(name: str) -> Response:
    """A file of the readers."""
    headers = {"Cache-Control": "public, max-age=86400"}
    data = (resources.files("offapi") / name).read_bytes()
    response = Response(data, content_type=f"{ASSETS[name]}; charset=utf-8", headers=headers)
    await response.add_etag()
    return await response.make_conditional(request)
