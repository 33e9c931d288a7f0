"""`lics bench query`: reading a record of 50 million rows, through LICS's repository and over REST, against plain SQL.

Question by question in turn, the same to both sides, one at a time; each answer of LICS is compared with that of the plain SQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg

from lics_actors.services.server import CHILD
from lics_actors.store.repository import Repository
from tests.benchmarks.harness import Audit, BenchError, Case, Options, Outcome, Servers, tell
from tests.benchmarks.http_caller import Caller
from tests.benchmarks.processes import ROOT, end
from tests.benchmarks.query_fill import METRICS, START, Filled, fill
from tests.benchmarks.reference import plain_queries
from tests.system.laboratory import TOKEN
from tests.waiting import eventually

DEVICES, ROWS = 300, 50_000_000
SHORT_DEVICES, SHORT_ROWS = 20, 160_000
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BAR_MS = 20.0  # the issue's
SERVES_S = 30.0
TOLERANCE = 1e-9  # of a mean; both sides add the same whole numbers

BUCKETS = "one device, 1 h, minute buckets, p95"
LATEST = "latest values of all devices, p95"
BUCKETS_REST = f"{BUCKETS}, over REST"
LATEST_REST = f"{LATEST}, over REST"
DAY = "one device, everything, hour buckets, p95"
MISSING = "what one device's record lacks, p95"
ASKED = {BUCKETS: 100, LATEST: 50, BUCKETS_REST: 100, LATEST_REST: 50, DAY: 20, MISSING: 20}  # questions a round
SHORT_ASKED = 5
BARS = {BUCKETS: BAR_MS, LATEST: BAR_MS}

Ask = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Found:
    """Figures by case and side, a p95 a round; and how the answers compared."""

    lics: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    reference: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    audits: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))

    def compare(self, name: str, lics: dict[Any, Any], reference: dict[Any, Any]) -> None:
        """Count what of the reference's answer is in LICS's, what is not, and what is there beyond it."""
        same = sum(key in lics and _alike(lics[key], value) for key, value in reference.items())
        for n, count in enumerate((len(reference), same, len(reference) - same, len(lics.keys() - reference.keys()))):
            self.audits[name][n] += count

    def cases(self) -> tuple[Case, ...]:
        """Return all cases."""
        return tuple(
            Case(name, "ms", tuple(self.lics[name]), tuple(self.reference[name]), BARS.get(name), at_least=False, absolute=True)
            for name in ASKED
        )


def _alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(a == b or (isinstance(a, float) and abs(a - b) <= TOLERANCE * abs(b)) for a, b in zip(one, other, strict=True))


@dataclass(frozen=True, slots=True)
class Sides:
    """Both contenders, and what they are asked about."""

    filled: Filled
    repository: Repository
    plain: asyncpg.Connection[Any]
    port: int
    found: Found
    dice: random.Random

    async def buckets(self, name: str, caller: Caller) -> tuple[Ask, Ask, Callable[[Any, Any], None]]:
        """Ask for an hour, as somebody does who looks at it now: it begins anywhere."""
        device = self.dice.choice(self.filled.devices)
        start = START + timedelta(seconds=self.dice.randrange(max(1, self.filled.seconds - 3600)))
        query = urlencode({"from": start.isoformat(), "to": (start + HOUR).isoformat(), "bucket": "1m"})

        async def lics() -> Any:
            return (await self.repository.telemetry(device, None, start, start + HOUR, bucket_s=60)).items

        async def rest() -> Any:
            return await caller.get(f"/api/v1/devices/{device}/telemetry?{query}")

        async def plain() -> Any:
            return await plain_queries.buckets(self.plain, device, start, start + HOUR, MINUTE)

        def compare(ours: Any, theirs: Any) -> None:
            reference = {(bucket, metric): (value, count) for bucket, metric, value, count in theirs}
            if name == BUCKETS:
                self.found.compare(name, {(p.time, p.metric): (p.value, p.count) for p in ours}, reference)
            else:
                told = _items(ours)
                reference = {(bucket.isoformat(), metric): value for (bucket, metric), value in reference.items()}
                lics_told = {(_iso(item["time"]), item["metric"]): (item["value"], item["count"]) for item in told}
                self.found.compare(name, lics_told, reference)

        return (lics if name == BUCKETS else rest), plain, compare

    async def latest(self, name: str, caller: Caller) -> tuple[Ask, Ask, Callable[[Any, Any], None]]:
        """Ask for the latest values of every device."""

        async def lics() -> Any:
            return await self.repository.latest_of(self.filled.devices)

        async def rest() -> Any:
            return await caller.get("/api/v1/telemetry/latest")

        async def plain() -> Any:
            return await plain_queries.latest(self.plain, self.filled.devices, METRICS)

        def compare(ours: Any, theirs: Any) -> None:
            if name == LATEST:
                told = {(device, m): (p.time, p.value) for device, values in ours.items() for m, p in values.items()}
                self.found.compare(name, told, theirs)
            else:
                lics_told = {(i["device_id"], v["metric"]): (v["value"],) for i in _items(ours) for v in i["values"]}
                self.found.compare(name, lics_told, {(str(device), m): (value,) for (device, m), (_, value) in theirs.items()})

        return (lics if name == LATEST else rest), plain, compare

    async def day(self, name: str, _caller: Caller) -> tuple[Ask, Ask, Callable[[Any, Any], None]]:
        """Ask for everything of a device, by the hour."""
        device = self.dice.choice(self.filled.devices)

        async def lics() -> Any:
            return (await self.repository.telemetry(device, None, START, self.filled.end, bucket_s=3600)).items

        async def plain() -> Any:
            return await plain_queries.buckets(self.plain, device, START, self.filled.end, HOUR)

        def compare(ours: Any, theirs: Any) -> None:
            reference = {(bucket, metric): (value, count) for bucket, metric, value, count in theirs}
            self.found.compare(name, {(p.time, p.metric): (p.value, p.count) for p in ours}, reference)

        return lics, plain, compare

    async def missing(self, name: str, _caller: Caller) -> tuple[Ask, Ask, Callable[[Any, Any], None]]:
        """Ask what is missing of a device."""
        device = self.dice.choice(self.filled.devices)

        async def lics() -> Any:
            return await self.repository.completeness(device)

        async def plain() -> Any:
            return await plain_queries.missing(self.plain, device)

        def compare(ours: Any, theirs: Any) -> None:
            told = {epoch.epoch: (epoch.missing,) for epoch in ours}
            self.found.compare(name, told, {epoch: (count,) for epoch, count in theirs})

        return lics, plain, compare

    async def measure(self, name: str, questions: int) -> None:
        """Ask both sides so many questions of a kind, in turn and each first as often; keep their p95."""
        kinds = {BUCKETS: self.buckets, BUCKETS_REST: self.buckets, LATEST: self.latest, LATEST_REST: self.latest, DAY: self.day}
        took: tuple[list[float], list[float]] = ([], [])
        async with await Caller.open(self.port, TOKEN) as caller:  # one that is idle while others are asked would be closed
            for n in range(questions):
                *asks, compare = await kinds.get(name, self.missing)(name, caller)
                answers: list[Any] = [None, None]
                for side in (0, 1) if n % 2 else (1, 0):
                    began = time.perf_counter()
                    answers[side] = await asks[side]()
                    took[side].append((time.perf_counter() - began) * 1e3)
                compare(*answers)
        self.found.lics[name].append(p95(took[0]))
        self.found.reference[name].append(p95(took[1]))


def p95(took: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.95))]


def _iso(text: str) -> str:
    return text.replace("Z", "+00:00")


def _items(answer: tuple[int, bytes]) -> list[Any]:
    status, body = answer
    if status != 200:
        raise BenchError(f"LICS answers {status}: {body[:300]!r}")
    items: list[Any] = json.loads(body)["items"]
    return items


async def run(options: Options, servers: Servers) -> Outcome:
    """Measure.

    Raises:
        BenchError: the web does not come up, or answers an error.
    """
    devices, rows = (SHORT_DEVICES, SHORT_ROWS) if options.short else (DEVICES, ROWS)
    filled = await fill(servers.database_url, devices, rows)
    found = Found()
    async with _sides(servers, filled, found) as sides:
        for name in ASKED:  # the first time all is cold
            await sides.measure(name, 3)
        found.lics.clear()
        found.reference.clear()
        for n in range(1 if options.short else options.rounds):
            tell(f"round {n + 1}")
            for name, questions in ASKED.items():
                await sides.measure(name, SHORT_ASKED if options.short else questions)
    audits = tuple(Audit(name, *counts) for name, counts in found.audits.items())
    notes = (
        f"{filled.rows:,} rows of {len(filled.devices)} devices; the reference knows the metrics beforehand, LICS looks them up",
    )
    return Outcome(found.cases(), BUCKETS, audits, notes)


@asynccontextmanager
async def _sides(servers: Servers, filled: Filled, found: Found) -> AsyncIterator[Sides]:
    repository = await Repository.connect(servers.database_url)
    plain = await asyncpg.connect(servers.database_url)
    try:
        async with _web(servers) as port:
            yield Sides(filled, repository, plain, port, found, random.Random(1))
    finally:
        await plain.close()
        await repository.close()


@asynccontextmanager
async def _web(servers: Servers) -> AsyncIterator[int]:
    """Run LICS's web alone, and say on which port."""
    folder = servers.data_dir / "web"
    folder.mkdir(exist_ok=True)
    given = {
        "LICS_DATA_DIR": str(folder),
        "LICS_ADMIN_TOKEN": TOKEN,
        "LICS_PORT": "0",
        "ENABLE_METRICS": "false",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "PYTHONPATH": str(ROOT),
    }
    bound = (sys.executable, "-I", "-S", str(CHILD), str(int(signal.SIGKILL)), str(os.getpid()), "-", "-")
    process = await asyncio.create_subprocess_exec(
        *(*bound, sys.executable, "-m", "lics_actors", "web"),
        cwd=ROOT,
        env={**os.environ, **given},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        place = folder / "run" / "web.json"
        try:
            await eventually(place.exists, SERVES_S)
        except AssertionError:
            raise BenchError("LICS's web does not come up") from None
        yield json.loads(place.read_text())["port"]
    finally:
        await end(process)
