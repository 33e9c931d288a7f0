"""Telemetry as a stream: CSV for spreadsheets, Arrow for everything that computes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final

from lics_actors.store.rows import TelemetryPoint

COLUMNS: Final = ("time", "metric", "value", "count", "tags", "epoch", "seq")
CSV_TYPE: Final = "text/csv; charset=utf-8"
ARROW_TYPE: Final = "application/vnd.apache.arrow.stream"  # registered with IANA

Page = Sequence[TelemetryPoint]
Pages = AsyncIterator[Page]
Export = Callable[[Page, Pages, bool], AsyncIterator[bytes]]
PART: Final = 1000  # values made into text or a batch at a time: 1 ms, in which the loop serves nobody else


def cells(point: TelemetryPoint, bucketed: bool) -> tuple[Any, ...]:
    """Return a point in the order of COLUMNS; `tags` as JSON. Pure."""
    tags = None if point.tags is None else json.dumps(point.tags, ensure_ascii=False)
    return point.time, point.metric, point.value, point.count if bucketed else None, tags, point.epoch, point.seq


async def _parts(first: Page, pages: Pages) -> Pages:
    """Yield everything in small parts; when nobody takes them any more, the reading of the pages ends as well."""
    try:
        for n in range(0, len(first), PART):
            yield first[n : n + PART]
        async for page in pages:
            for n in range(0, len(page), PART):
                yield page[n : n + PART]
    finally:
        if isinstance(pages, AsyncGenerator):
            await pages.aclose()


async def as_csv(first: Page, pages: Pages, bucketed: bool) -> AsyncIterator[bytes]:
    """Yield CSV (RFC 4180), a header first; times as RFC 3339, numbers so that they read back the same."""
    yield _lines([COLUMNS])
    async for points in _parts(first, pages):
        rows = (cells(point, bucketed) for point in points)
        yield _lines((time.isoformat(), *rest) for time, *rest in rows)


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def as_arrow(first: Page, pages: Pages, bucketed: bool) -> AsyncIterator[bytes]:
    """Yield an Arrow IPC stream, a record batch a page."""
    await asyncio.to_thread(_load_arrow)
    import pyarrow as pa  # noqa: PLC0415 - 40 MB that only an export needs

    kinds = (pa.timestamp("us", tz="UTC"), pa.string(), pa.float64(), pa.int64(), pa.string(), pa.int64(), pa.int64())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    sink = io.BytesIO()
    writer = pa.ipc.new_stream(sink, schema)
    yield _taken(sink)
    async for points in _parts(first, pages):
        columns = list(zip(*(cells(point, bucketed) for point in points), strict=True))
        if columns:
            arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            yield _taken(sink)
    writer.close()
    yield _taken(sink)


def _load_arrow() -> None:
    """Load Arrow, and pandas, which it loads with its first array: half a second that the loop must not stand still."""
    import pyarrow as pa  # noqa: PLC0415

    pa.array([0])


def _taken(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data
