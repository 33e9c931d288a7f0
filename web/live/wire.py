"""The way to one client. Under Hypercorn it is its socket itself, which takes ready-made frames; anywhere else ASGI's `send`.

A message through Quart, ASGI, wsproto and Hypercorn's stream is framed again for every client; a ready frame on the socket costs
a fraction (docs/decisions/0015 has the figures). Hypercorn still does the handshake, reads, answers pings and closes.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import WSStream

from web.live.frames import PING
from web.live.pacing import Bucket
from web.live.posts import Post

Send = Callable[[Any], Awaitable[None]]

CLOSE_S: Final = 0.5  # for a close frame to leave; then the connection is cut
SOCKET_BUFFER: Final = 256 * 1024  # what lies in the kernel is out of reach of coalescing; Linux would let it grow to megabytes
READ_BYTES_PER_S: Final = 256 * 1024  # of frames of any kind, control frames included
READ_BURST: Final = 1024 * 1024


class Wire(Protocol):
    """Where a client's messages go. Nothing here raises when the client has gone: its reader tells."""

    heard_at: float

    def write_now(self, posts: Sequence[Post]) -> bool:
        """Return whether they could be handed over at once; if not, nothing of them was."""

    async def write(self, posts: Sequence[Post]) -> None:
        """Hand them over and wait until there is room for more."""

    def ping(self) -> None:
        """Make the client say something, if it still can."""

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye; within CLOSE_S, whether the client listens or not."""

    def abort(self) -> None:
        """Cut the connection."""


class AsgiWire:
    """Any ASGI server, and HTTP/2: a message at a time, through its own framing."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.heard_at = time.monotonic()

    def write_now(self, posts: Sequence[Post]) -> bool:  # noqa: ARG002 - part of the interface
        """Never: `send` may wait."""
        return False

    async def write(self, posts: Sequence[Post]) -> None:
        """Send each."""
        for post in posts:
            await self._send({"type": "websocket.send", "text": post.text})

    def ping(self) -> None:
        """ASGI has no ping; the server may have its own."""

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_S):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def abort(self) -> None:
        """ASGI has no way but to return."""


class SocketWire(AsgiWire):
    """A connection of Hypercorn over HTTP/1.1."""

    def __init__(self, send: Send, stream: WSStream, server: TCPServer) -> None:
        super().__init__(send)
        self._stream, self._writer = stream, server.writer
        self._transport = server.writer.transport
        self._rate = Bucket(READ_BYTES_PER_S, READ_BURST, self.heard_at)
        if stream.handshake is not None:
            stream.handshake.extensions = None  # compressed frames would be each client's own
        with suppress(OSError):
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)

    def watch(self) -> None:
        """Notice, once the handshake is done, when and how much the client says: pongs never reach an ASGI application."""
        connection = self._stream.connection
        receive = connection.receive_data

        def noticed(data: bytes | None) -> None:
            self.heard_at = time.monotonic()
            too_much = not self._rate.take(self.heard_at, len(data or b""))
            if too_much or self._stream.buffer.length > self._stream.buffer.max_length:  # which Hypercorn would go on to fill
                self.abort()
                return
            receive(data)

        connection.receive_data = noticed  # type: ignore[method-assign]

    def write_now(self, posts: Sequence[Post]) -> bool:
        """Return False while earlier bytes have not left."""
        transport = self._transport
        if transport.get_write_buffer_size() or transport.is_closing():
            return False
        transport.write(posts[0].frame if len(posts) == 1 else b"".join([post.frame for post in posts]))
        return True

    async def write(self, posts: Sequence[Post]) -> None:
        """Hand them to the transport, and wait while it holds more than it likes to."""
        with suppress(OSError):
            self._writer.write(b"".join([post.frame for post in posts]))
            await self._writer.drain()

    def ping(self) -> None:
        """Ping, unless the client is behind anyway."""
        if not self._transport.get_write_buffer_size() and not self._transport.is_closing():
            self._transport.write(PING)

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye, and cut the connection of one who does not take it."""
        await super().close(code, reason)
        if self._transport.get_write_buffer_size():
            self.abort()

    def abort(self) -> None:
        """Cut the connection; what it holds is dropped."""
        self._transport.abort()


async def accept(send: Send) -> Wire:
    """Accept the connection and return the shortest way to the client."""
    wire = _socket_wire(send) or AsgiWire(send)
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    if isinstance(wire, SocketWire):
        wire.watch()
    return wire


def _socket_wire(send: Send) -> SocketWire | None:
    stream = getattr(send, "__self__", None)
    protocol = getattr(getattr(stream, "send", None), "__self__", None)
    server = getattr(getattr(protocol, "send", None), "__self__", None)
    if isinstance(stream, WSStream) and isinstance(protocol, H11Protocol) and isinstance(server, TCPServer):
        return SocketWire(send, stream, server)
    return None
