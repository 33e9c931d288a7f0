"""`lics bench live`: what people see while it happens, through the whole of LICS.

One update of 200 bytes to 500 WebSocket clients, one web worker against bare Quart on Hypercorn and three against the broadcast
of the `websockets` library (one process): messages delivered a second, updates fed as fast as they arrive, eight on their way
at once; and how long one takes alone. And the way of a device's event over MQTT, recorder, bus and hub to a WebSocket client:
idle, and at 1,000 events a second of 100 devices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from uuid import UUID

import psutil

from tests.benchmarks.harness import Audit, Case, Options, Outcome, Servers, tell
from tests.benchmarks.live_broadcast import Broadcast, Side, broadcast, lics_feed, reference_side
from tests.benchmarks.live_events import EventWay
from tests.benchmarks.live_references import reference
from tests.benchmarks.telemetry_load import device_id
from tests.benchmarks.viewers import IN_FLIGHT
from tests.benchmarks.whole_lics import BenchLaboratory, forget, whole_lics
from tests.system.laboratory import TOKEN
from tests.waiting import eventually

CLIENTS, DEVICES, EVENTS_PER_S = 500, 100, 1000.0
SHORT_CLIENTS, SHORT_DEVICES, SHORT_EVENTS_PER_S = 40, 5, 100.0
SHORT_S = 1.0
WORKERS = 3
ONE = "one update to 500 clients, one web worker / Quart on Hypercorn"
THREE = "one update to 500 clients, three web workers / websockets broadcast"
CPU, ALONE = ": server CPU a message", ": one at a time, until all have it"
IDLE, LOADED = "device event → client, idle, p50", "device event → client, 1,000 events/s, p99"
SAID = {1: (ONE, "quart_broadcast"), WORKERS: (THREE, "websockets_broadcast")}


@dataclass(slots=True)
class Live:
    """One run of the bench, and what it has found."""

    options: Options
    servers: Servers
    laboratory: BenchLaboratory
    figures: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    audits: list[Audit] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Return where LICS's web listens."""
        return int(self.laboratory.environment["LICS_PORT"])

    async def events(self) -> None:
        """Measure the way of events."""
        devices = devices_of(self.options)
        rate = SHORT_EVENTS_PER_S if self.options.short else EVENTS_PER_S
        seconds = SHORT_S if self.options.short else self.options.seconds
        async with EventWay(self.servers.broker, self.port, TOKEN, devices) as way:
            for _ in range(self.options.rounds):
                idle = await way.idle(seconds / 2)
                loaded = await way.loaded(seconds, rate)
                for case, value in (
                    (IDLE, idle.p50_s),
                    (IDLE.replace("p50", "p99"), idle.p99_s),
                    (LOADED.replace("p99", "p50"), loaded.p50_s),
                    (LOADED, loaded.p99_s),
                ):
                    self._add(case, "LICS", value * 1e3)
                tell(
                    f"event → client: idle p50 {idle.p50_s * 1e3:.2f} / p99 {idle.p99_s * 1e3:.1f} ms; "
                    f"at {rate:,.0f}/s p50 {loaded.p50_s * 1e3:.2f} / p99 {loaded.p99_s * 1e3:.1f} ms ({loaded.events:,} events)"
                )
            self.audits += way.audits()

    async def fan_out(self, workers: int) -> None:
        """Measure broadcasts by so many web workers, and by their reference, in turn."""
        case, name = SAID[workers]
        async with lics_feed(self.servers, self.port, TOKEN) as feed, reference(name) as other:
            sides = [feed.side(self._web_pids()), reference_side(name, other)]
            for number in range(self.options.rounds):
                for side in sides if number % 2 == 0 else reversed(sides):
                    await self._broadcast(case, side)

    async def _broadcast(self, case: str, side: Side) -> None:
        seconds = SHORT_S if self.options.short else self.options.seconds
        which = "LICS" if side.name == "LICS" else "reference"
        many = await self._counted(case, side, seconds, IN_FLIGHT)
        alone = await self._counted(case, side, seconds / 3, 1)
        alone_ms = alone.delivered.seconds / alone.delivered.updates * 1e3
        self.cores.append(many.delivered.cores)
        self._add(case, which, many.delivered.per_s)
        self._add(case + CPU, which, many.cpu_us)
        self._add(case + ALONE, which, alone_ms)
        tell(
            f"{case}, {side.name}: {many.delivered.per_s:,.0f} msg/s, {many.cpu_us:.1f} µs of the server a message; "
            f"alone {alone_ms:.1f} ms, {alone.cpu_us:.1f} µs; clients {many.delivered.cores:.2f} cores"
        )

    async def _counted(self, case: str, side: Side, seconds: float, in_flight: int) -> Broadcast:
        clients = SHORT_CLIENTS if self.options.short else CLIENTS
        found = await broadcast(side, clients, seconds, in_flight)
        done = found.delivered
        what = f"{done.updates:,} updates to {clients} clients, {in_flight} at a time, {side.name}, {case.split(', ')[1]}"
        self.audits.append(Audit(what, done.updates * clients, done.messages, done.lost, done.doubled))
        return found

    async def restart_web(self, workers: int) -> None:
        """Have LICS served by so many workers."""
        await self.laboratory.stop("web")
        self.laboratory.environment["LICS_WEB_WORKERS"] = str(workers)
        self.laboratory.start("web", "web")
        await eventually(self.laboratory._answers, what=f"{workers} web workers answer")

    def case(self, name: str, unit: str, bar: float | None = None, *, at_least: bool = True, absolute: bool = False) -> Case:
        """Return a case."""
        lics, other = (tuple(self.figures.get((name, side), ())) for side in ("LICS", "reference"))
        return Case(name, unit, lics, other, bar, at_least, absolute)

    def _add(self, case: str, side: str, value: float) -> None:
        self.figures.setdefault((case, side), []).append(value)

    def _web_pids(self) -> tuple[int, ...]:
        web = psutil.Process(self.laboratory.processes["web"].pid)
        return (web.pid, *(child.pid for child in web.children(recursive=True)))


def devices_of(options: Options) -> list[UUID]:
    """Return the devices that speak."""
    return [device_id(number) for number in range(SHORT_DEVICES if options.short else DEVICES)]


async def run(options: Options, servers: Servers) -> Outcome:
    """Measure all of it on one laboratory."""
    devices = devices_of(options)
    workers = WORKERS if options.short else 1  # what can go wrong goes wrong between several
    async with whole_lics(servers, devices, {"LICS_WEB_WORKERS": str(workers)}) as laboratory:
        live = Live(options, servers, laboratory)
        await live.events()
        if not options.short:
            await live.fan_out(1)
            await live.restart_web(WORKERS)
        await live.fan_out(WORKERS)
    await forget(servers.broker, devices)
    cases = (
        live.case(ONE, "msg/s", 0.9),
        live.case(ONE + CPU, "µs"),
        live.case(ONE + ALONE, "ms"),
        live.case(THREE, "msg/s", 0.9),
        live.case(THREE + CPU, "µs"),
        live.case(THREE + ALONE, "ms"),
        live.case(IDLE, "ms", 5.0, at_least=False, absolute=True),
        live.case(IDLE.replace("p50", "p99"), "ms"),
        live.case(LOADED, "ms", 50.0, at_least=False, absolute=True),
        live.case(LOADED.replace("p99", "p50"), "ms"),
    )
    notes = (
        f"the clients' two processes used {median(live.cores):.2f} cores together, {max(live.cores):.2f} at most",
        f"of {IN_FLIGHT} updates on their way LICS hands a client those that wait in one write; `one at a time` is without that, "
        "and holds up to 3 ms of the clients' own on both sides",
    )
    return Outcome(cases, ONE, tuple(live.audits), notes)
