"""Clients that mean harm or read nothing, and servers that go away: each costs itself, and everybody is told."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from redis import Redis

from lics_actors.device.messages import Link
from lics_actors.services.valkey import Valkey
from tests.conftest import PASSWORD
from tests.system.live_web import LiveWeb, live_web
from tests.system.test_live_view import DISPENSE, device
from tests.waiting import PATIENCE_S, eventually
from web.live.backlog import Bounds
from web.live.limits import MESSAGE_BYTES, Limits

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
TIGHT = Limits(
    connections=6,
    strangers=3,
    per_principal=4,
    topics=20,
    commands=2,
    auth_s=3.0,
    ping_s=0.5,
    silent_s=3.0,
    refusals=20,
    bounds=Bounds(messages=100, size=200_000, stalled_s=4.0),
)

Start = Callable[..., Any]


@pytest.fixture
async def start(data_dir: Path, database_url: str, redis_url: str) -> AsyncIterator[Start]:
    """A function that starts a web worker with limits."""
    async with AsyncExitStack() as stack:

        async def started(limits: Limits = TIGHT, url: str | None = redis_url) -> LiveWeb:
            return await stack.enter_async_context(live_web(data_dir, database_url, url, limits))

        yield started


async def raw(web: LiveWeb) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection after its handshake, with nothing between us and the bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(HANDSHAKE)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"permessage-deflate" not in answer, "compressed frames would be each client's own"
    return reader, writer


async def ends(reader: asyncio.StreamReader, within_s: float = PATIENCE_S) -> bytes:
    """Return what still comes until the connection ends."""
    async with asyncio.timeout(within_s):
        with suppress(ConnectionError):
            return await reader.read()
        return b""


async def test_a_stranger_who_says_nothing_is_sent_away(start: Start) -> None:
    web = await start()
    silent = await web.connect()
    reader, _writer = await raw(web)
    assert await silent.close_code() == 4401
    assert struct.pack("!H", 4401) in await ends(reader)
    await eventually(lambda: not web.hub._clients, what="forgotten")


async def test_there_is_room_for_so_many_and_they_are_told(start: Start) -> None:
    web = await start(Limits(connections=6, strangers=3, per_principal=4, auth_s=30))
    viewers = [await web.viewer() for _ in range(4)]
    fifth = await web.connect()
    await fifth.say(kind="auth", token="only-for-tests-on-loopback-0123456789")
    assert await fifth.close_code() == 1013
    assert fifth.seen[0]["detail"]["code"] == "LIMIT_REACHED"
    strangers = [await web.connect() for _ in range(2)]
    await eventually(lambda: len(web.hub._clients) == 6, what="all are in")
    assert await (await web.connect()).close_code() == 1013
    await strangers[0].socket.close()
    await viewers[0].socket.close()
    await eventually(lambda: len(web.hub._clients) == 4, what="two have left")
    await web.viewer()


async def test_ten_thousand_subscriptions_are_too_many(start: Start) -> None:
    web = await start()
    viewer = await web.viewer()
    for page in range(10):
        topics = [f"device:{UUID(int=page * 1000 + n)}" for n in range(1000)]
        await viewer.say(kind="subscribe", topics=topics)
    codes = {(await viewer.until("error"))["detail"]["code"] for _ in range(25)}
    assert codes <= {"LIMIT_REACHED", "DEVICE_NOT_FOUND", "RATE_LIMITED"}
    assert "LIMIT_REACHED" in codes
    (client,) = web.hub._clients
    assert len(client.subscriptions) <= TIGHT.topics
    await eventually(lambda: not web.hub._feeds, what="none of them exists")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 100,
        b"\xff" * 100,
        os.urandom(4096),
        b"\x81\x05hello",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x88\x82\x00\x00\x00\x00\xff\xff",
    ],
    ids=["zeros", "ones", "noise", "unmasked", "http", "bad-close"],
)
async def test_bytes_that_are_no_frames_end_only_their_own_connection(start: Start, garbage: bytes) -> None:
    web = await start()
    pump, viewer = await device(web), await web.viewer()
    await viewer.subscribe(f"device:{pump}")
    reader, writer = await raw(web)
    writer.write(garbage)
    await ends(reader)
    web.tell_event(pump, 1)
    assert (await viewer.until("event"))["event"]["seq"] == 1


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame of up to 64 KiB, with a mask of zeros."""
    return bytes([opcode, 0xFE]) + struct.pack("!H", len(payload)) + b"\0\0\0\0" + payload


@pytest.mark.parametrize("announced", [2**20, 2**40, 2**62])
async def test_a_huge_message_is_cut_off_early(start: Start, announced: int) -> None:
    web = await start()
    before = psutil.Process().memory_info().rss
    reader, writer = await raw(web)
    writer.write(b"\x81\xff" + struct.pack("!Q", announced) + b"\0\0\0\0")
    sent = 0
    with suppress(ConnectionError):
        while sent < 64 * 2**20 and not reader.at_eof():
            writer.write(b"x" * 2**16)
            sent += 2**16
            await writer.drain()
            await asyncio.sleep(0)
    await ends(reader)
    assert sent < 64 * 2**20
    assert psutil.Process().memory_info().rss - before < 64 * 2**20


async def test_a_message_in_endless_pieces_is_cut_off_early(start: Start) -> None:
    web = await start()
    reader, writer = await raw(web)
    pieces = 0
    with suppress(ConnectionError):
        writer.write(masked(0x01, b"x" * 60000))
        while pieces < 1000 and not reader.at_eof():
            writer.write(masked(0x00, b"x" * 60000))
            pieces += 1
            await writer.drain()
            await asyncio.sleep(0)
    await ends(reader)
    assert pieces < 1000


async def test_a_long_message_is_refused(start: Start) -> None:
    web = await start()
    viewer = await web.viewer()
    await viewer.socket.send("x" * (MESSAGE_BYTES + 1))
    assert await viewer.close_code() == 1009


async def test_a_flood_of_messages_is_refused_and_then_ended(start: Start) -> None:
    web = await start()
    viewer = await web.viewer()

    async def flood() -> None:
        with suppress(Exception):
            for _ in range(20_000):
                await viewer.socket.send('{"kind":"ping"}')

    flooding = asyncio.create_task(flood())
    assert await viewer.close_code() in {1013, 1006}
    await flooding
    assert "RATE_LIMITED" in {message["detail"]["code"] for message in viewer.seen if message["kind"] == "error"}


async def test_a_flood_of_pings_ends_the_connection(start: Start) -> None:
    web = await start()
    reader, writer = await raw(web)
    with suppress(ConnectionError):
        for _ in range(3000):
            writer.write((b"\x89\x80\0\0\0\0") * 1000)
            await writer.drain()
    await ends(reader)
    assert await (await web.viewer()).subscribe("fleet")


async def test_what_is_nonsense_is_answered_and_does_no_harm(start: Start) -> None:
    web = await start()
    viewer = await web.viewer()
    for nonsense in (
        "",
        "[]",
        '{"kind":"auth","token":"again"}',
        '{"kind":"run"}',
        b"\x01\x02",
        '{"kind":"subscribe","topics":5}',
    ):
        await viewer.socket.send(nonsense)
        refused = await viewer.until("error")
        again = isinstance(nonsense, str) and "auth" in nonsense  # who is known stays so, but this token is none
        assert refused["detail"]["type"] == ("authentication_error" if again else "validation_error"), nonsense
    await viewer.say(kind="ping")
    assert (await viewer.hear())["kind"] == "pong"


async def test_a_client_that_answers_no_ping_is_ended_and_one_that_does_is_not(start: Start) -> None:
    web = await start()
    viewer = await web.viewer()  # answers pings by itself
    reader, writer = await raw(web)
    token = b'{"kind":"auth","token":"only-for-tests-on-loopback-0123456789"}'
    writer.write(bytes([0x81, 0x80 | len(token)]) + b"\0\0\0\0" + token)
    said = await ends(reader)
    assert b"ready" in said
    assert b"\x89\x00" in said, "it was pinged"
    assert struct.pack("!H", 1001) in said
    await viewer.say(kind="ping")
    assert (await viewer.hear())["kind"] == "pong"


async def slow_reader(web: LiveWeb, topic: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a subscribed connection whose socket holds little and of which nobody reads."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    wire.setblocking(False)
    await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", web.port))
    reader, writer = await asyncio.open_connection(sock=wire, limit=2**24)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    for text in (
        '{"kind":"auth","token":"only-for-tests-on-loopback-0123456789"}',
        f'{{"kind":"subscribe","topics":["{topic}"]}}',
    ):
        writer.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text.encode())
    await reader.readuntil(b'"snapshot"')
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return reader, writer


async def test_a_slow_reader_delays_nobody_and_is_sent_away(start: Start) -> None:
    web = await start()
    pump = await device(web)
    topic = f"device:{pump}"
    quick = await web.viewer()
    await quick.subscribe(topic)
    _reader, writer = await slow_reader(web, topic)
    await eventually(lambda: len(web.hub._clients) == 2, what="both are there")
    for seq in range(4000):
        web.tell_event(pump, seq, "lick" + "k" * 300)
        if seq % 100 == 99:
            while (await quick.until("event"))["event"]["seq"] != seq:
                pass
    await eventually(lambda: len(web.hub._clients) == 1, what="the slow one is gone")
    web.tell_event(pump, 4000)
    assert (await quick.until("event"))["event"]["seq"] == 4000
    assert [m["event"]["seq"] for m in quick.seen if m["kind"] == "event"] == list(range(4001)), "every single one"
    writer.close()


async def test_a_slow_reader_that_reads_on_is_told_what_it_missed(start: Start) -> None:
    bounds = Bounds(messages=400, size=2**20, stalled_s=30.0)
    web = await start(Limits(bounds=bounds))
    pump = await device(web)
    topic = f"device:{pump}"
    quick, slow = await web.viewer(), await web.viewer(max_queue=1)
    for viewer in (quick, slow):
        await viewer.subscribe(topic)
    slow.socket.transport.pause_reading()
    said = 0
    while not any(client.new_gaps() for client in web.hub._clients):
        web.tell_event(pump, said, "lick" + "k" * 2000)
        while (await quick.until("event"))["event"]["seq"] != said:
            pass
        said += 1
        assert said < 20_000
    slow.socket.transport.resume_reading()
    web.tell_event(pump, said)
    while not (slow.seen[-1]["kind"] == "event" and slow.seen[-1]["event"]["seq"] == said):
        await slow.hear()
    truth = [message["n"] for message in quick.seen if message["kind"] == "event"]
    truth.append((await quick.until("event"))["n"])
    heard = {message["n"] for message in slow.seen if message["kind"] == "event"}
    gaps = [message for message in slow.seen if message["kind"] == "gap"]
    assert gaps
    assert not [n for n in truth if n not in heard and not any(gap["from"] <= n <= gap["to"] for gap in gaps)]
    assert not [n for n in heard if any(gap["from"] <= n <= gap["to"] for gap in gaps)], "a gap holds nothing that came"


@pytest.fixture
async def own_valkey(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Valkey]:
    """A Valkey of the test's own."""
    server = Valkey(data_dir / "valkey", data_dir / "log" / "valkey.log", free_port(), PASSWORD)
    await server.start()
    yield server
    await server.stop()


async def test_the_bus_goes_away_and_comes_back(start: Start, own_valkey: Valkey) -> None:
    web = await start(Limits(), own_valkey.url)
    pump, viewer = await device(web), await web.viewer()
    await viewer.subscribe(f"device:{pump}")
    web.tell_event(pump, 1)
    seen = (await viewer.until("event"))["n"]
    own_valkey.kill()
    told = await viewer.until("error")
    assert (told["detail"]["code"], told["detail"]["type"]) == ("LIVE_UNAVAILABLE", "device_unavailable")
    await viewer.say(kind="command", ref="1", device_id=str(pump), **DISPENSE)
    assert (await viewer.until("command", ref="1"))["command"]["state"] == "succeeded"
    await viewer.say(kind="subscribe", topics=["fleet"])
    assert (await viewer.until("error", topic="fleet"))["detail"]["code"] == "LIVE_UNAVAILABLE"
    assert len((await viewer.until("snapshot", topic="fleet"))["devices"]) == 1
    await own_valkey.start()
    gap = await viewer.until("gap")
    assert (gap["topic"], gap["from"]) == (f"device:{pump}", seen + 1)
    snapshot = await viewer.until("snapshot", topic=f"device:{pump}")
    web.tell_event(pump, 2)
    assert (await viewer.until("event", topic=f"device:{pump}"))["n"] > snapshot["n"] > seen


async def test_a_connection_to_the_bus_that_is_cut_loses_nothing(start: Start, own_valkey: Valkey) -> None:
    web = await start(Limits(), own_valkey.url)
    pump, viewer = await device(web), await web.viewer()
    await viewer.subscribe(f"device:{pump}")
    web.tell_event(pump, 0)
    await viewer.until("event")
    with Redis.from_url(own_valkey.url) as redis:
        for seq in range(1, 6):
            redis.client_kill_filter(_type="pubsub")
            web.tell_event(pump, seq)
            await eventually(lambda seq=seq: redis.xlen(f"lics:live:device:{pump}") == seq + 1, what="it is kept")
            while not (viewer.seen[-1]["kind"] == "event" and viewer.seen[-1]["event"]["seq"] == seq):
                await viewer.hear()
    assert [message["event"]["seq"] for message in viewer.seen if message["kind"] == "event"] == list(range(6))
    assert not [message for message in viewer.seen if message["kind"] == "gap"]


async def test_without_a_bus_there_are_snapshots_and_commands(start: Start) -> None:
    web = await start(Limits(), None)
    pump, viewer = await device(web), await web.viewer()
    await viewer.say(kind="subscribe", topics=[f"device:{pump}"])
    assert (await viewer.until("error"))["detail"]["code"] == "LIVE_UNAVAILABLE"
    assert (await viewer.until("snapshot"))["n"] == 0
    await viewer.say(kind="command", ref="1", device_id=str(pump), **DISPENSE)
    assert (await viewer.until("command"))["ref"] == "1"


async def test_while_no_table_answers_the_actors_tell(data_dir: Path, redis_url: str, free_port: Callable[[], int]) -> None:
    nowhere = f"postgres://nobody:nothing@127.0.0.1:{free_port()}/none"
    async with live_web(data_dir, nowhere, redis_url, Limits(retry_s=0.2)) as web:
        pump, viewer = web.fleet.has_one(), await web.viewer()
        snapshot = await viewer.subscribe(f"device:{pump}")
        assert (snapshot["device"]["status"], snapshot["device"]["metrics"]["temperature_c"]["value"]) == ("online", 21.5)
        (short,) = (await viewer.subscribe("fleet"))["devices"]
        assert (short["id"], short["name"], short["status"]) == (str(pump), "pump-1", "online")
        web.tell_device(pump, Link.STALE)
        assert (await viewer.until("device"))["device"]["status"] == "stale"
        await viewer.say(kind="subscribe", topics=["alarms"])
        for _ in range(2):  # asked again until it answers
            assert (await viewer.until("error", topic="alarms"))["detail"]["code"] == "DATABASE_UNAVAILABLE"
