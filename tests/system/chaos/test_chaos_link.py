"""The link between LICS and its servers: it carries, holds, delays and tears as it is told, and loses nothing it need not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.system.chaos.link import LOOPBACK, MOST_HELD_BYTES, Link
from tests.waiting import eventually


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that says again what it hears."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(reader: asyncio.StreamReader, count: int, seconds: float = 5.0) -> bytes:
    return await asyncio.wait_for(reader.readexactly(count), seconds)


async def test_it_carries_both_ways_and_ends_with_both() -> None:
    async with echo() as port, Link(port) as link:
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        writer.write(b"hello" * 100_000)
        assert await said(reader, 500_000) == b"hello" * 100_000
        assert link.connections == 1
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await eventually(lambda: link.connections == 0)


async def test_a_hole_tells_nobody_and_gives_back_what_went_in() -> None:
    async with echo() as port, Link(port) as link:
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        link.hole()
        late_reader, late = await asyncio.open_connection(LOOPBACK, link.port)
        for pen in (writer, late):
            pen.write(b"x" * (3 * MOST_HELD_BYTES))
        with pytest.raises(TimeoutError):
            await said(reader, 1, 0.2)
        link.heal()
        assert len(await said(reader, 3 * MOST_HELD_BYTES)) == len(await said(late_reader, 3 * MOST_HELD_BYTES))
        writer.close()
        late.close()


async def test_what_was_said_before_the_end_arrives_through_a_hole() -> None:
    async with echo() as port, Link(port) as link:
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        link.hole()
        writer.write(b"last words")
        writer.write_eof()
        link.heal()
        assert await asyncio.wait_for(reader.read(), 5) == b"last words"
        writer.close()


async def test_a_torn_link_is_a_reset_and_a_dropped_one_lets_nobody_in() -> None:
    async with echo() as port, Link(port) as link:
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        writer.write(b"a")
        assert await said(reader, 1) == b"a"
        link.drop()
        with pytest.raises(ConnectionError):
            await said(reader, 1)
        other, pen = await asyncio.open_connection(LOOPBACK, link.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await said(other, 1)
        link.heal()
        again, ink = await asyncio.open_connection(LOOPBACK, link.port)
        ink.write(b"b")
        assert await said(again, 1) == b"b"
        for each in (writer, pen, ink):
            each.close()


async def test_a_slow_link_is_late_and_in_order() -> None:
    async with echo() as port, Link(port) as link:
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        link.slow(0.1)
        began = asyncio.get_running_loop().time()
        for n in range(50):
            writer.write(bytes([n]))
            await writer.drain()
        assert await said(reader, 50) == bytes(range(50))
        assert asyncio.get_running_loop().time() - began >= 0.2
        writer.close()


async def test_without_a_server_the_connection_ends() -> None:
    async with echo() as port:
        pass
    async with Link(port) as link:
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await said(reader, 1)
        writer.close()
        await eventually(lambda: link.connections == 0)
