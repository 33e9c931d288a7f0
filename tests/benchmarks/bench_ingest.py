"""`lics bench ingest`: telemetry at QoS 1 into committed rows, LICS with its whole fleet against the lean pipeline.

A rate is sustained when it was offered in full for the whole run (15 s), the 99th percentile from a sample's `ts` to its commit
stayed under a second and nothing was left behind at the end. Both sides search for their highest such rate in each round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from lics_actors.recorder.batch import SHIP_AFTER_S
from tests.benchmarks import processes, telemetry_viewers
from tests.benchmarks.harness import Audit, Case, Options, Outcome, Servers, tell
from tests.benchmarks.ingest_sides import Lics, Run, Side, Work, measure, reference
from tests.benchmarks.sustained import FIRST, Search
from tests.benchmarks.telemetry_audit import Table, reference_table
from tests.benchmarks.telemetry_load import device_id
from tests.benchmarks.telemetry_viewers import Seen
from tests.benchmarks.whole_lics import forget, whole_lics
from tests.system.laboratory import TOKEN

DEVICES, SHORT_DEVICES = 100, 10
ONE, TWENTY, TWENTY_ABSOLUTE = "1 sample a message", "20 samples a message", "20 samples a message, in itself"
VIEWERS = 50
WATCHED = f"1 sample a message, {DEVICES} devices watched live by {VIEWERS} clients"
CPU = "CPU a committed message, 1 sample each"
STEADY, STEADY_P50 = "commit latency p99 at 10,000 msg/s", "commit latency p50 at 10,000 msg/s"
STEADY_CPU = "CPU a committed message at 10,000 msg/s"
FLUSH_S, FLUSH_ROWS = 0.2, 5000  # where the lean pipeline was found to reach most
STEADY_RATE, STEADY_S = 10_000.0, 10.0
RAMP_S = 8.0
MOST = {1: 60_000.0, 20: 20_000.0}  # messages a second that a ramp goes up to, by samples a message
SHORT_RATE = {1: 1000.0, 20: 200.0}
SHORT_S = 2.0
Measured = Callable[[Side], Awaitable[None]]


@dataclass(slots=True)
class Found:
    """All figures, by case and side, a figure a round."""

    rates: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    audits: list[Audit] = field(default_factory=list)
    load_share: tuple[float, float] = (0.0, 0.0)  # at the highest rate offered

    def add(self, case: str, side: str, value: float) -> None:
        """Keep a round's figure."""
        self.rates.setdefault((case, side), []).append(value)

    def audit(self, what: str, run: Run) -> None:
        """Keep what a run left behind, and what its load cost."""
        self.audits.append(Audit(what, run.rows.expected, run.rows.found, run.rows.lost, run.rows.doubled))
        self.load_share = max(self.load_share, (run.sent.acked / run.sent.seconds, run.load_share))

    def case(self, name: str, unit: str, bar: float | None, *, at_least: bool = True, absolute: bool = False) -> Case:
        """Return a case."""
        lics, others = (tuple(self.rates.get((name, side), ())) for side in ("LICS", "reference"))
        return Case(name, unit, lics, others, bar, at_least, absolute)


class Ingest:
    """One run of the bench."""

    def __init__(self, options: Options, servers: Servers, table: Table, lics: Lics, timed: bool) -> None:
        self._options, self._servers, self._table, self._lics, self._timed = options, servers, table, lics, timed
        self._searches: dict[tuple[str, str], Search] = {}
        self._epoch = 1
        self.found = Found()

    async def _measure(self, what: str, side: Side, work: Work) -> Run:
        self._epoch += 1
        devices = SHORT_DEVICES if self._options.short else DEVICES
        run = await measure(side, work, devices, self._epoch, timed=self._timed)
        self.found.audit(f"{what}, {side.name} at {work.rate:,.0f} msg/s", run)
        latency = f"p50 {run.latency.p50_s * 1e3:.0f} / p99 {run.latency.p99_s * 1e3:.0f} ms" if run.latency else "not timed"
        tell(
            f"{what}, {side.name}: {run.rate:,.0f} msg/s offered, {latency}, {run.cpu_us:.1f} µs a message, "
            f"last row {run.behind_s:.1f} s after the end, {run.rows.lost} lost; load {run.load_share:.0%} of a core"
            + (", given up as too late" if run.hopeless else "")
        )
        return run

    async def _sustain(self, what: str, side: Side, samples: int, guess: float = 0.0) -> Run | None:
        """Search for the highest rate that is sustained, first from a guess or a ramp; return the run that showed it."""
        search = self._searches.get((what, side.name))
        if search is None and guess:
            search = self._searches[what, side.name] = Search(guess)
        elif search is None:
            ramp = await self._measure(f"{what}, ramp", side, Work(1000.0, RAMP_S, samples, MOST[samples]))
            search = self._searches[what, side.name] = Search(FIRST * (ramp.best_rate or MOST[samples] / 2))
        search.begin_round()
        best: Run | None = None
        while rate := search.next_rate():
            run = await self._measure(what, side, Work(rate, self._options.seconds, samples))
            search.tell(rate, run.sustained)
            best = run if run.sustained and (best is None or run.rate > best.rate) else best
        return best

    async def round(self, number: int) -> None:
        """Measure every case once on each side, one side after the other, in turn who is first."""
        sides = (self._with_reference, self._with_lics)
        for case in (self._one_sample, self._twenty_samples, self._steady):
            for measured in sides if number % 2 else reversed(sides):
                await measured(case)
            if case == self._one_sample:
                await self._watched()

    async def _with_lics(self, case: Measured) -> None:
        await case(self._lics)

    async def _with_reference(self, case: Measured) -> None:
        flush_s = SHIP_AFTER_S if case == self._steady else FLUSH_S
        async with reference(self._servers, self._table, flush_s, FLUSH_ROWS) as side:
            await case(side)

    async def _one_sample(self, side: Side) -> None:
        best = await self._sustain(ONE, side, 1)
        self.found.add(ONE, side.name, best.rate if best else 0.0)
        if best:
            self.found.add(CPU, side.name, best.cpu_us)

    async def _watched(self) -> None:
        """Measure the first case on LICS with viewers; what it is held against is the reference's figure of the same round."""
        rate = self.found.rates[ONE, "LICS"][-1]
        async with processes.serving("tests.benchmarks.telemetry_viewers", self._viewers()) as watching:
            best = await self._sustain(WATCHED, self._lics, 1, guess=rate)
            self._saw(await processes.last_word(watching, Seen))
        self.found.add(WATCHED, "LICS", best.rate if best else 0.0)
        self.found.add(WATCHED, "reference", self.found.rates[ONE, "reference"][-1])

    def _saw(self, seen: Seen) -> None:
        blind = sum(not count for count in seen.telemetry)
        self.found.audits.append(
            Audit("viewers to whom telemetry came, in order", VIEWERS, VIEWERS - blind, blind, seen.disorder)
        )
        told = sum(seen.telemetry) / seen.seconds
        tell(f"{VIEWERS} viewers: {told:,.0f} telemetry messages a second, {seen.gaps} gaps, {seen.cpu_share:.0%} of a core")

    def _viewers(self) -> telemetry_viewers.Settings:
        devices = self._lics.devices
        share = max(1, len(devices) // VIEWERS)
        watched = [[devices[(place * share + n) % len(devices)] for n in range(share)] for place in range(VIEWERS)]
        return telemetry_viewers.Settings(self._lics.laboratory.port, TOKEN, watched)

    async def _twenty_samples(self, side: Side) -> None:
        best = await self._sustain(TWENTY, side, 20)
        self.found.add(TWENTY, side.name, best.rate * 20 if best else 0.0)
        if side is self._lics:
            self.found.add(TWENTY_ABSOLUTE, side.name, best.rate * 20 if best else 0.0)

    async def _steady(self, side: Side) -> None:
        run = await self._measure(STEADY, side, Work(STEADY_RATE, STEADY_S))
        self.found.add(STEADY_CPU, side.name, run.cpu_us)
        if run.latency:
            self.found.add(STEADY, side.name, run.latency.p99_s * 1e3)
            self.found.add(STEADY_P50, side.name, run.latency.p50_s * 1e3)

    async def short(self) -> None:
        """See with little work that nothing is lost."""

        async def some(side: Side) -> None:
            for name, samples in ((ONE, 1), (TWENTY, 20)):
                run = await self._measure(name, side, Work(SHORT_RATE[samples], SHORT_S, samples))
                self.found.add(name, side.name, run.rate * samples)

        await self._with_reference(some)
        async with processes.serving("tests.benchmarks.telemetry_viewers", self._viewers()) as watching:
            await self._with_lics(some)
            self._saw(await processes.last_word(watching, Seen))

    def outcome(self) -> Outcome:
        """Return what was found."""
        found = self.found
        cases = (
            found.case(ONE, "msg/s", 0.8),
            found.case(WATCHED, "msg/s", 0.6),
            found.case(TWENTY, "samples/s", 0.6),
            found.case(TWENTY_ABSOLUTE, "samples/s", 100_000, absolute=True),
            found.case(CPU, "µs", 2.5, at_least=False),
            found.case(STEADY, "ms", 1.25 if self._timed else None, at_least=False),
            found.case(STEADY_P50, "ms", None),
            found.case(STEADY_CPU, "µs", None),
        )
        rate, share = found.load_share
        note = f"the load, one process, used {share:.0%} of a core at the {rate:,.0f} msg/s that it offered at most"
        measured = tuple(case for case in cases if case.lics or not self._options.short)
        return Outcome(measured, ONE, tuple(found.audits), (note,))


async def run(options: Options, servers: Servers) -> Outcome:
    """Measure.

    Raises:
        BenchError: LICS or the load does not run.
    """
    devices = [device_id(place) for place in range(SHORT_DEVICES if options.short else DEVICES)]
    connection = await asyncpg.connect(servers.database_url)
    try:
        # The audits group some million rows that the planner has no statistics of yet: by hashing, a fifth of the time.
        await connection.execute("set work_mem = '512MB'; set enable_sort = off")
        timed = await connection.fetchval("show track_commit_timestamp") == "on"
        async with whole_lics(servers, devices) as laboratory:
            lics = Lics(laboratory, Table(connection, "telemetry"), devices)
            bench = Ingest(options, servers, await reference_table(connection, "reference_telemetry"), lics, timed)
            try:
                if options.short:
                    await bench.short()
                else:
                    for number in range(options.rounds):
                        tell(f"[bold]round {number + 1} of {options.rounds}[/]")
                        await bench.round(number)
            finally:
                await forget(servers.broker, devices)
        return bench.outcome()
    finally:
        await connection.close()
