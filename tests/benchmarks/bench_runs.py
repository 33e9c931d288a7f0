"""`lics bench runs`: how long runs take from a device's event to what they say to a device, with 30 runs at once.

Cages with a pump, a touchscreen and a sensor each, in which simulated subjects live, run a two-choice task; a client beside the
laboratory hears events and commands on loopback. Which command answers which event is what the runs' own records say. Afterwards
records, tables and the devices' ledgers are compared, and each run is replayed. `--devices N`: so many cages.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import asyncpg
import psutil

from drivers.native.demo import DemoDevice, counted_devices
from lics_actors.experiment.messages import TrialEnded
from lics_actors.fleet.state import device_node
from lics_actors.services.ports import free_port
from lics_actors.store.run_records import RunReacted, RunStepped
from tests.benchmarks.harness import Audit, Case, Options, Outcome, Servers, tell
from tests.benchmarks.processes import last_word, serving
from tests.benchmarks.run_observer import Observed, Settings
from tests.benchmarks.run_reactions import reactions_ms, share
from tests.benchmarks.whole_lics import SETTINGS, BenchLaboratory
from tests.system.chaos.instruments import TYPES, Cages, instruments
from tests.system.chaos.run_accounts import gathered, gifts
from tests.system.chaos.run_verdict import Account, judged
from tests.system.chaos.study import Study, studying
from tests.system.chaos.task import Task
from tests.waiting import eventually

RUNS, SHORT_RUNS = 30, 3
SHORT_S, WARM_S, SHORT_WARM_S = 3.0, 5.0, 1.0
READY_S, ONLINE_S = 120.0, 240.0
SPEED, GAP_S = 2.0, 0.5  # a subject answers within 0.35 s: about one trial a second and cage
RATE_HZ = 0.2
MANY = 100_000  # trials: more than a bench lets a run come to
EDGE = timedelta(seconds=0.3)  # of a window, for what was under way at its begin or end
P50, P99 = "device event → reaction published, p50", "device event → reaction published, p99"
OWN = "the same as the runs record it themselves, p99"
PACE = "trials of all runs"
P50_MS, P99_MS = 5.0, 20.0  # issue 6


@dataclass(slots=True)
class Window:
    """What an outside client heard, and when it listened."""

    began: datetime
    ended: datetime
    observed: Observed
    busy: float  # cores that were at work, of all programs
    lics: float  # of these, for fleet and web
    servers: float  # broker, database, Redis
    load: float  # simulated devices and subjects

    @property
    def seconds(self) -> float:
        """Return how long it is without its edges."""
        return (self.ended - self.began - 2 * EDGE).total_seconds()

    def covers(self, time: datetime) -> bool:
        """Return whether something of that time was heard from end to end."""
        return self.began + EDGE <= time <= self.ended - EDGE


@dataclass(slots=True)
class Found:
    """A figure a round."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    pace: list[float] = field(default_factory=list)
    count: int = 0
    unknown: int = 0


async def run(options: Options, on: Servers) -> Outcome:
    """Measure."""
    count = options.devices or (SHORT_RUNS if options.short else RUNS)
    laboratory = BenchLaboratory(on.data_dir / "lics", on.database_url, on.redis_url, on.broker, free_port, SETTINGS)
    laboratory.data_dir.mkdir()
    async with _at_work(laboratory, on, count) as study:
        windows = [await _listen(on, laboratory, SHORT_S if options.short else options.seconds) for _ in range(options.rounds)]
        await study.stop()
    connection = await asyncpg.connect(on.database_url)
    try:
        accounts, reacted = await gathered(connection, [each.run_id for each in study.orders])
    finally:
        await connection.close()
    return _outcome(study, windows, accounts, reacted, on)


@asynccontextmanager
async def _at_work(laboratory: BenchLaboratory, on: Servers, count: int) -> AsyncIterator[Study]:
    """Have so many runs under way within the block."""
    devices, cages = counted_devices(TYPES * count), Cages(count, SPEED)
    task = Task(runs=count, trials=MANY, cages=cages, gap_s=GAP_S, meddle=False, rationed=False)
    account = (on.broker.username, on.broker.password) if on.broker.username and on.broker.password else None
    playing = instruments(len(devices), on.broker.port, on.broker.prefix, on.data_dir / "instruments", RATE_HZ, 1, cages, account)
    async with laboratory, playing as played:
        for device in devices:
            await laboratory.register(device)
        await eventually(lambda: _online(laboratory, devices), ONLINE_S, "all devices are online")
        await played.order("speak")
        async with studying(task, devices, laboratory.api, 1) as study:
            await eventually(lambda: study.running() == count, READY_S, "all runs are under way")
            tell(f"{count} runs are under way")
            await asyncio.sleep(SHORT_WARM_S if count == SHORT_RUNS else WARM_S)
            yield study


async def _online(laboratory: BenchLaboratory, devices: Sequence[DemoDevice]) -> bool:
    nodes = await laboratory.nodes()
    return all(nodes.get(device_node(each.id), {}).get("word") == "online" for each in devices)


async def _listen(on: Servers, laboratory: BenchLaboratory, seconds: float) -> Window:
    settings = Settings(on.broker.host, on.broker.port, on.broker.prefix)
    parts = [[each.pid for each in laboratory.processes.values()], list(on.pids.values()), _playing()]
    async with serving("tests.benchmarks.run_observer", settings) as process:
        before, began = [_used_s(each) for each in parts], datetime.now(UTC)
        psutil.cpu_percent()
        await asyncio.sleep(seconds)
        busy, ended = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1), datetime.now(UTC)
        used = [(_used_s(each) - was) / seconds for each, was in zip(parts, before, strict=True)]
        return Window(began, ended, await last_word(process, Observed), busy, *used)


def _cores(window: Window) -> str:
    return f"{window.busy:.2f}, of LICS {window.lics:.2f}, servers {window.servers:.2f}, devices {window.load:.2f}"


def _playing() -> list[int]:
    """Return the processes that play devices: ours, beside servers and LICS."""
    return [each.pid for each in psutil.Process().children() if "tests.system.chaos.devices" in each.cmdline()]


def _used_s(pids: list[int]) -> float:
    """Return the processor time of these processes and all below them."""
    family = [process for pid in pids for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    found = 0.0
    for process in family:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found += times.user + times.system
    return found


def _measured(windows: list[Window], accounts: list[Account], reacted: list[RunReacted]) -> Found:
    found = Found()
    for window in windows:
        took: list[float] = []
        for account in accounts:
            assert account.opened is not None
            steps = [step for step in account.steps if window.covers(step.time)]
            measured, unknown = reactions_ms(steps, account.opened.roles, window.observed)
            took += measured
            found.unknown += unknown
        own = [(each.left - each.heard).total_seconds() * 1000 for each in reacted if window.covers(each.heard)]
        ended = sum(window.covers(step.time) for each in accounts for step in each.steps for _ in _trials_ended(step))
        found.count += len(took)
        for figures, value in (
            (found.p50, share(took, 0.5)),
            (found.p99, share(took, 0.99)),
            (found.own, share(own, 0.99)),
            (found.pace, ended / window.seconds),
        ):
            figures.append(value)
    return found


def _trials_ended(step: RunStepped) -> list[TrialEnded]:
    return [effect for effect in step.effects if isinstance(effect, TrialEnded)]


def _outcome(
    study: Study, windows: list[Window], accounts: list[Account], reacted: dict[UUID, list[RunReacted]], on: Servers
) -> Outcome:
    found = _measured(windows, accounts, list(chain.from_iterable(reacted.values())))
    cases = (
        Case(P50, "ms", tuple(found.p50), bar=P50_MS, at_least=False, absolute=True),
        Case(P99, "ms", tuple(found.p99), bar=P99_MS, at_least=False, absolute=True),
        Case(OWN, "ms", tuple(found.own)),
        Case(PACE, "/s", tuple(found.pace)),
    )
    pumps: list[UUID] = [study.devices[cage.pump].id for cage in study.task.cages.all]
    given = gifts(on.data_dir / "instruments" / "ledger.sqlite", pumps)
    findings = judged(accounts, given, dict.fromkeys(given, "succeeded"), len(study.orders))
    heard = Audit("reactions: heard from outside", found.count + found.unknown, found.count, found.unknown, 0)
    cores = "; ".join(_cores(each) for each in windows)
    notes = (
        f"{len(study.orders)} runs at once, {found.count} reactions, {len(given)} rewards",
        f"cores at work {cores}; load average {os.getloadavg()[0]:.1f}",
        *(f"{each.case}: {difference}" for each in findings for difference in each.differences[:5]),
    )
    return Outcome(cases, P50, (heard, *(each.audit() for each in findings)), notes)
