"""Long exports over a real server: everything once and in order, in little memory, and never a part that looks like the whole."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pyarrow as pa
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from lics_actors.store.records import TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import ship_samples
from lics_actors.store.stream_reads import STREAM_PAGE
from tests.unit.web.conftest import BEARER, Web
from tests.waiting import eventually
from web.exports import as_arrow, as_csv

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS = 100_000
FILL = """INSERT INTO telemetry SELECT $1::timestamptz + n * interval '250 milliseconds', $2, m, n, NULL, 1, n
    FROM generate_series(0, $3::int - 1) n CROSS JOIN unnest($4::text[]) m"""


@pytest.fixture
async def much(web: Web) -> UUID:
    """A device with many rows of four metrics."""
    device_id = UUID((await web.add())["id"])
    async with web.repository.raw(60.0) as connection:
        await connection.execute(FILL, START, device_id, ROWS // 4, ["a", "b", "c", "d"])
    return device_id


@pytest.fixture
async def address(web: Web, free_port: Any) -> AsyncIterator[str]:
    """Where the application is served by the real server."""
    port, stopping = free_port(), asyncio.Event()
    config = Config()
    config.bind, config.graceful_timeout = [f"127.0.0.1:{port}"], 0.2

    async def requests_only(scope: Any, receive: Any, send: Any) -> None:  # the fixture has started the application already
        if scope["type"] != "lifespan":
            await web.app(scope, receive, send)
            return
        for said in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{said}.complete"})

    serving = asyncio.create_task(serve(requests_only, config, shutdown_trigger=stopping.wait))  # type: ignore[arg-type]
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            break
    yield f"http://127.0.0.1:{port}/api/v1"
    stopping.set()
    await serving


@pytest.mark.parametrize("kind", ["csv", "arrow"])
async def test_an_export_needs_little_memory_however_long_it_is(web: Web, much: UUID, kind: str) -> None:
    export = as_csv if kind == "csv" else as_arrow
    assert [part async for part in export([], web.repository.stream(uuid4(), None, None, None), False)], (
        "loads what it needs once"
    )
    gc.collect()
    tracemalloc.start()
    size, most_arrow = 0, 0
    async for part in export([], web.repository.stream(much, None, None, None), False):
        size += len(part)
        most_arrow = max(most_arrow, pa.total_allocated_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 4_000_000
    assert peak < 10_000_000, peak  # all of it as points is about 40 MB
    assert most_arrow < 2_000_000


async def test_everything_comes_once_and_newest_first_while_rows_arrive(web: Web, much: UUID) -> None:
    keys: list[Any] = []
    newer = 0
    async for page in web.repository.stream(much, None, None, None):
        assert 0 < len(page) <= STREAM_PAGE
        keys += [(point.time, point.metric, point.epoch, point.seq) for point in page]
        newer += 1
        await ship_samples(web.repository, [TelemetryRow(datetime.now(UTC), much, "a", 1.0, None, 1, 10**6 + newer)], [], [])
    assert len(keys) == ROWS
    assert keys == sorted(keys, reverse=True) and len(set(keys)) == ROWS


@pytest.mark.parametrize("page", [3, 7, 1000])
async def test_gaps_and_bursts_are_no_hindrance(web: Web, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lics_actors.store.stream_reads.STREAM_PAGE", page)
    device_id = uuid4()
    offsets = [0.0] * 9 + [n / 1000 for n in range(50)] + [86_400.0 * n * n for n in range(20)] + [-(3600.0**2) * 24]
    rows = [
        TelemetryRow(START + timedelta(seconds=offset), device_id, "abc"[n % 3], float(n), None, 1, n)
        for n, offset in enumerate(offsets)
    ]
    await ship_samples(web.repository, rows, [], [])
    low, high = START, START + timedelta(days=100)
    spans: list[tuple[datetime | None, datetime | None]] = [(None, None), (low, high), (low, None), (None, low)]
    for metric in (None, "a"):
        for start, end in spans:
            got = [point.seq async for part in web.repository.stream(device_id, metric, start, end) for point in part]
            chosen = [row for row in rows if metric in (None, row.metric)]
            chosen = [row for row in chosen if (start is None or row.time >= start) and (end is None or row.time < end)]
            chosen.sort(key=lambda row: (row.time, row.metric, row.epoch, row.seq), reverse=True)
            assert got == [row.seq for row in chosen]


@pytest.mark.parametrize("kind", ["csv", "arrow"])
async def test_the_whole_comes_over_the_wire(much: UUID, address: str, kind: str) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        told = await client.get(f"{address}/devices/{much}/telemetry?format={kind}", headers=BEARER)
    if kind == "csv":
        values = [float(row["value"]) for row in csv.DictReader(io.StringIO(told.text))]
    else:
        values = pa.ipc.open_stream(told.content).read_all()["value"].to_pylist()
    assert values == [float(n) for n in reversed(range(ROWS // 4)) for _ in range(4)]


class Watched(Repository):
    """A repository that notes how far its streams were read and whether they were ended."""

    pages = 0
    open_streams = 0

    async def stream(self, *asked: Any) -> AsyncIterator[Any]:
        """Count."""
        self.open_streams += 1
        try:
            async for page in super().stream(*asked):
                self.pages += 1
                yield page
        finally:
            self.open_streams -= 1


async def partly(address: str, device_id: UUID, kind: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for an export and read its beginning; the limit keeps the rest at the server."""
    host, port = address.removeprefix("http://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
    head = f"GET /api/v1/devices/{device_id}/telemetry?format={kind} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n"
    writer.write(f"{head}Authorization: {BEARER['Authorization']}\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    return reader, writer


@pytest.mark.parametrize("kind", ["csv", "arrow"])
async def test_who_goes_away_ends_the_reading(web: Web, much: UUID, address: str, kind: str) -> None:
    async with web.repository.raw(60.0) as connection:  # more than socket buffers hold
        await connection.execute(FILL, START, much, ROWS, ["e", "f", "g", "h"])
    web.repository.__class__ = Watched
    watched: Any = web.repository
    _reader, writer = await partly(address, much, kind)
    writer.transport.abort()
    await eventually(lambda: watched.open_streams == 0, what="the stream is ended")
    assert watched.pages < 5 * ROWS // STREAM_PAGE


@pytest.mark.parametrize("kind", ["csv", "arrow"])
async def test_an_error_in_the_midst_is_no_end(web: Web, much: UUID, address: str, kind: str) -> None:
    async with web.repository.raw(60.0) as connection:
        await connection.execute(FILL, START, much, ROWS, ["e", "f", "g", "h"])
    reader, writer = await partly(address, much, kind)
    async with web.repository.raw(60.0) as connection:
        await connection.execute("ALTER TABLE telemetry RENAME TO gone")
    data = b""
    while part := await reader.read(65536):
        data += part
    assert len(data) > 100_000
    # RFC 9112 section 7.1: without the last chunk a message is incomplete; a row may end with 0, too
    assert not data.endswith(b"\r\n0\r\n\r\n")
    writer.close()
