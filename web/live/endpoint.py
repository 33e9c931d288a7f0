"""`/ws` and `/ws/{device_id}`: the ASGI door to the live view, beside Quart's routes and behind the same tokens."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from quart import Quart

from web.auth import TokenKeeper
from web.live.client import GOING_AWAY, GONE, Client
from web.live.hub import Hub
from web.live.session import Receive, Session
from web.live.wire import CLOSE_S, accept

log = logging.getLogger(__name__)

ASGI = Callable[[Any, Any, Any], Awaitable[None]]
_PATH = re.compile(r"/ws(?:/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))?", re.ASCII)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
BEARER: Final = "bearer"


def install(app: Quart, hub: Hub, keeper: TokenKeeper) -> None:
    """Answer `/ws…` by the hub, everything else by Quart as before."""
    quart: ASGI = app.asgi_app

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        match = _PATH.fullmatch(scope["path"]) if scope["type"] == "websocket" else None
        if match is None:
            await quart(scope, receive, send)
        elif (await receive())["type"] == "websocket.connect":
            device_id = uuid.UUID(match[1]) if match[1] else None
            headers = dict(scope["headers"])
            wire = await accept(send)
            client = Client(
                wire, hub.limits.bounds, time.monotonic, hub.metrics.messages.inc, _request_id(headers), _remote(scope)
            )
            session = Session(hub, keeper, client, receive)
            await _until_over(client, session.talk(_bearer(headers), device_id))
            await _part(client, receive)
            hub.metrics.closed.labels(str(client.closing.result()[0])).inc()

    app.asgi_app = asgi  # type: ignore[method-assign]


async def _until_over(client: Client, talk: Coroutine[Any, Any, None]) -> None:
    """Have the conversation until one side ends it."""
    talking = asyncio.create_task(talk)
    client.closing.add_done_callback(lambda _: talking.cancel())
    try:
        await asyncio.wait({talking})
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        _note(talking, client)
        client.end(GOING_AWAY, "closed")


async def _part(client: Client, receive: Receive) -> None:
    """Say goodbye and hear the client out: what it still says would fill Hypercorn's queue, which waits for a reader for ever."""
    await client.close()
    for _ in range(0 if client.closing.result()[0] == GONE else 2):
        try:
            async with asyncio.timeout(CLOSE_S):
                while (await receive())["type"] != "websocket.disconnect":
                    pass
                return
        except TimeoutError:
            client.wire.abort()


def _note(talking: asyncio.Task[None], client: Client) -> None:
    error = None if talking.cancelled() else talking.exception()
    if error is not None:
        log.error("a live conversation failed unexpectedly", exc_info=error, extra={"request_id": client.request_id})


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _remote(scope: Any) -> str | None:
    client = scope.get("client")
    return str(client[0]) if client else None


def _bearer(headers: dict[bytes, bytes]) -> str | None:
    """Return the token of the handshake; None where it shall come as a message. A header that holds none is an empty token."""
    given = headers.get(b"authorization")
    if given is None:
        return None
    scheme, _, token = given.decode("latin1").partition(" ")
    return token.strip() if scheme.lower() == BEARER else ""
