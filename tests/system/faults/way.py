"""A TCP way to a server that a test can spoil: refusing, hanging, slow. The server itself stays well, and other tests keep it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

LOOPBACK = "127.0.0.1"
CHUNK = 1 << 16


@dataclass(eq=False)
class Way:
    """`port` leads to `target`, unless something is wrong with the way. One loop."""

    target: tuple[str, int]
    port: int = 0
    connections: int = 0  # ever
    _server: asyncio.Server | None = None
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _delay_s: float = 0.0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> Self:
        """Lead to the target from now on."""
        self._flowing.set()
        await self._listen()
        return self

    async def close(self) -> None:
        """Lead nowhere any more."""
        await self._shut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Within: every connection is cut, and none is taken."""
        await self._shut()
        try:
            yield
        finally:
            await self._listen()

    @asynccontextmanager
    async def hanging(self) -> AsyncIterator[None]:
        """Within: connections stand and new ones are taken, and nothing passes. Afterwards what waited goes on its way."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    @asynccontextmanager
    async def slow(self, delay_s: float) -> AsyncIterator[None]:
        """Within: whatever passes, passes so much later, in either direction."""
        self._delay_s = delay_s
        try:
            yield
        finally:
            self._delay_s = 0.0

    def cut(self) -> None:
        """Cut every connection; new ones are taken."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._taken, LOOPBACK, self.port, backlog=200)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            back, there = await asyncio.open_connection(*self.target)
            self._writers.add(there)
            tasks = [asyncio.create_task(self._pass(reader, there)), asyncio.create_task(self._pass(back, writer))]
            self._tasks.update(tasks)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)
        except (OSError, asyncio.CancelledError):  # cancelled: the loop ends, and this is its last word
            pass
        finally:
            for one in (writer, there):
                if one is not None:
                    self._writers.discard(one)
                    one.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        peer = sink.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
