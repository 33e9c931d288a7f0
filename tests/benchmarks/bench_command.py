"""`lics bench command`: HTTP request → MQTT command → the device's answer → HTTP answer, whole LICS against the smallest service.

Closed loop over connections that are kept: one caller that keeps to one device, one that goes round 50, and 50 callers with a
device each. The bars are of the first and the last, as the reference's own load has them; going round 50, each actor sleeps so
long between two commands that its process is cold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from lics_actors.services.ports import free_port
from tests.benchmarks import command_device, command_load, processes
from tests.benchmarks.command_audit import answered_twice, at_the_device, in_the_tables
from tests.benchmarks.command_load import Answered
from tests.benchmarks.harness import Audit, BenchError, Case, Options, Outcome, Servers, tell
from tests.benchmarks.reference import command_service
from tests.benchmarks.telemetry_load import device_id
from tests.benchmarks.whole_lics import BenchLaboratory, forget, whole_lics
from tests.system.laboratory import TOKEN

DEVICES = 50
WARM_S = 1.0
SHORT_S, SHORT_WARM_S = 1.0, 0.2
PATIENCE_S = 30.0
SIDES = ("reference", "LICS")
ONE, ROUND, MANY = "one at a time", f"one at a time, round {DEVICES} devices", f"{DEVICES} at a time"
WORKS = {ONE: (1, 1), ROUND: (1, DEVICES), MANY: (DEVICES, DEVICES)}  # callers, devices


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender takes commands."""

    port: int
    paths: list[str]


@dataclass(slots=True)
class Found:
    """All figures, by case and side, a figure a round; and the ids of accepted commands by side."""

    figures: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=lambda: {side: [] for side in SIDES})
    others: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))

    def add(self, side: str, work: str, answered: Answered) -> None:
        """Keep what a round found."""
        took = sorted(answered.took_ms)
        for name, value in (
            (f"{work}, p50", took[len(took) // 2]),
            (f"{work}, p99", took[int(len(took) * 0.99)]),
            (f"{work}, throughput", answered.per_s),
        ):
            self.figures.setdefault((name, side), []).append(value)
        self.ids[side] += answered.ids
        self.others[side] += sum(answered.others.values())

    def case(self, name: str, unit: str, bar: float | None, *, at_least: bool = False) -> Case:
        """Return a case."""
        lics, reference = (tuple(self.figures.get((name, side), ())) for side in ("LICS", "reference"))
        return Case(name, unit, lics, reference, bar, at_least)

    def cases(self) -> tuple[Case, ...]:
        """Return all cases, with their bars (docs/performance.md)."""
        return (
            self.case(f"{ONE}, p50", "ms", 3.0),
            self.case(f"{ONE}, p99", "ms", 4.0),
            self.case(f"{ONE}, throughput", "/s", None, at_least=True),
            self.case(f"{ROUND}, p50", "ms", None),
            self.case(f"{ROUND}, p99", "ms", None),
            self.case(f"{MANY}, throughput", "/s", 0.5, at_least=True),
            self.case(f"{MANY}, p99", "ms", 2.0),
            self.case(f"{MANY}, p50", "ms", None),
        )


async def run(options: Options, servers: Servers) -> Outcome:
    """Measure.

    Raises:
        BenchError: a contender or the load does not run.
    """
    devices = [device_id(place) for place in range(DEVICES)]
    reference_prefix = servers.broker.prefix + "reference/"
    found = Found()
    player = command_device.Settings(servers.broker.host, servers.broker.port, [servers.broker.prefix, reference_prefix])
    async with processes.serving("tests.benchmarks.command_device", player) as playing:
        try:
            async with whole_lics(servers, devices) as laboratory, _reference(servers, reference_prefix, devices) as lean:
                await _rounds(options, found, {"reference": lean, "LICS": _lics(laboratory, devices)})
                connection = await asyncpg.connect(servers.database_url)
                try:
                    tables = await in_the_tables(connection, "LICS", found.ids["LICS"])
                finally:
                    await connection.close()
        finally:
            await forget(servers.broker, devices)
        came = (await processes.last_word(playing, command_device.Ledger)).came
    audits = [answered_twice(side, found.ids[side], found.others[side]) for side in SIDES]
    accepted = [command_id for side in SIDES for command_id in found.ids[side]]
    audits += [tables, at_the_device("LICS and reference", accepted, came)]
    return _outcome(found, audits)


def _outcome(found: Found, audits: list[Audit]) -> Outcome:
    ratios = {"p50_ratio": f"{ONE}, p50", "p99_ratio": f"{ONE}, p99", "throughput_ratio": f"{MANY}, throughput"}
    return Outcome(found.cases(), f"{ONE}, p50", tuple(audits), (), ratios)


async def _rounds(options: Options, found: Found, places: dict[str, Place]) -> None:
    warm_s, seconds = (SHORT_WARM_S, SHORT_S) if options.short else (WARM_S, options.seconds)
    for number in range(options.rounds):
        for side in SIDES if number % 2 == 0 else tuple(reversed(SIDES)):
            for work, (callers, devices) in WORKS.items():
                place = places[side]
                settings = command_load.Settings(place.port, TOKEN, place.paths[:devices], callers, seconds, warm_s)
                answered = await _answered(settings)
                if not answered.ids:
                    raise BenchError(
                        f"{side} executed nothing within {seconds:g} s; answers {answered.others} {answered.such_as}"
                    )
                found.add(side, work, answered)
                _tell(number, side, work, answered)


async def _answered(settings: command_load.Settings) -> Answered:
    async with processes.running("tests.benchmarks.command_load", settings, Answered) as load:
        return await load.answer(settings.seconds + settings.warm_s + PATIENCE_S)


def _tell(number: int, side: str, work: str, answered: Answered) -> None:
    took = sorted(answered.took_ms)
    tell(
        f"round {number + 1}, {work}, {side}: "
        f"p50 {took[len(took) // 2]:.2f} / p99 {took[int(len(took) * 0.99)]:.2f} ms, "
        f"{answered.per_s:,.0f} /s; load {answered.cpu_share:.0%} of a core"
        + (f"; other answers {answered.others}, such as {answered.such_as}" if answered.others else "")
    )


def _lics(laboratory: BenchLaboratory, devices: list[UUID]) -> Place:
    return Place(laboratory.port, [f"/api/v1/devices/{device}/command" for device in devices])


@asynccontextmanager
async def _reference(servers: Servers, prefix: str, devices: list[UUID]) -> AsyncIterator[Place]:
    broker = dataclasses.replace(servers.broker, prefix=prefix)
    settings = command_service.Settings(free_port(), broker.host, broker.port, broker.prefix)
    async with processes.serving("tests.benchmarks.reference.command_service", settings):
        yield Place(settings.http_port, [f"/devices/{device}/command" for device in devices])
