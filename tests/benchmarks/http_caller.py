"""One keep-alive HTTP connection that speaks JSON and costs next to nothing beside the server it measures."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Self

import msgspec


class Caller:
    """`async with await Caller.open(port, token) as caller:`; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader, self._writer = reader, writer
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: "

    @classmethod
    async def open(cls, port: int, token: str) -> Self:
        """Connect."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(reader, writer, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._writer.transport.abort()

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body of the answer.

        Raises:
            asyncio.IncompleteReadError, OSError: the connection ended.
        """
        return await self._ask("POST", path, msgspec.json.encode(body))

    async def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of the answer.

        Raises:
            asyncio.IncompleteReadError, OSError: the connection ended.
        """
        return await self._ask("GET", path, b"")

    async def _ask(self, method: str, path: str, text: bytes) -> tuple[int, bytes]:
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{len(text)}\r\n\r\n".encode() + text)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : head.index(b"\r\n", at)])
        return int(head[9:12]), await self._reader.readexactly(length)
