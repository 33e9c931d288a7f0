"""Requests through trusted proxies are seen as what they are: theirs who made them, over TLS where it was TLS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quart import Quart

from lics_actors.access.proxies import Network, origin_of, scheme_of

FOR, PROTO = b"x-forwarded-for", b"x-forwarded-proto"
SECURE = {"http": "http", "https": "https"}
SECURE_SOCKET = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies that are believed; none by default."""

    trusted: tuple[Network, ...] = ()

    def origin(self, peer: str | None, forwarded_for: str) -> str | None:
        """Return the address a request comes from; None where it has no address, as over a socket file."""
        return peer if peer is None or not self.trusted else origin_of(peer, forwarded_for, self.trusted)

    def seen(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """Return an ASGI scope as it was meant by whoever made the request."""
        peer = scope["client"][0] if scope.get("client") else None
        said = {FOR: b"", PROTO: b""}
        for name, value in scope["headers"]:
            if name.lower() in said:
                said[name.lower()] = said[name.lower()] + b"," + value if said[name.lower()] else value
        origin = self.origin(peer, said[FOR].decode("latin1"))
        if peer is None or origin is None:
            return dict(scope)
        words = SECURE if scope["type"] == "http" else SECURE_SOCKET
        plain = "https" if scope.get("scheme") in {"https", "wss"} else "http"
        scheme = words[scheme_of(peer, said[PROTO].decode("latin1"), plain, self.trusted)]
        return {**scope, "client": (origin, 0 if origin != peer else scope["client"][1]), "scheme": scheme}


def install(app: Quart, proxies: Proxies) -> None:
    """Have all that `app` serves seen so. The last to be installed: what was before is asked after it."""
    if not proxies.trusted:
        return
    inner: Callable[..., Awaitable[Any]] = app.asgi_app

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await inner(proxies.seen(scope) if scope["type"] in {"http", "websocket"} else scope, receive, send)

    app.asgi_app = asgi  # type: ignore[method-assign]
