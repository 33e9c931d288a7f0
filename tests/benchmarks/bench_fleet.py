"""`lics bench fleet`: many devices on one machine, one of them hung, and what a question to an actor costs.

The hung one: a device's actor is stopped (SIGSTOP) and commanded on, while callers command the others over REST; the reference is
the same load with all actors well. Scale: 300 simulated devices. Asks: through the peer, against a bare asyncio program that
answers the same signed frames.

With `--devices N` only: so many online, and back after all their racks were killed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from lics_actors.services.ports import free_port
from tests.benchmarks import command_device
from tests.benchmarks.fleet_asks import asks, took
from tests.benchmarks.fleet_hung import Commanded, commanded, hung
from tests.benchmarks.fleet_many import MANY_ONLINE_S, Many, many
from tests.benchmarks.fleet_return import HUNG_BACK_S, KILLED_BACK_S
from tests.benchmarks.fleet_scale import CPU_PERCENT, ONLINE_S, USS_MIB, Figures, measure, simulated
from tests.benchmarks.harness import Audit, Case, Options, Outcome, Servers, servers, tell
from tests.benchmarks.processes import serving
from tests.benchmarks.telemetry_load import device_id
from tests.benchmarks.whole_lics import SETTINGS, BenchLaboratory, forget, whole_lics

SCALE = 300
DEVICES, SHORT_DEVICES = 12, 4
SHORT_S = 1.0
HUNG = "commands to the others while one actor hangs / while none does, p99"
HUNG_P50, HUNG_RATE = HUNG.replace("p99", "p50"), "commands to the others, one actor hung / none"
ONLINE, STOPPED = "until 300 devices are online", "until 300 devices have stopped"
MEMORY, IDLE = "memory of its own, a device", "CPU, an idle device"
KILLED, KILLED_P50 = "a command works again after a first SIGKILL, p99", "a command works again after a first SIGKILL, p50"
HANGING = "a command works again after an actor hangs, longest"
ASKED, ASKED_DEVICE = "ask the fleet / bare asyncio echo", "ask a device / bare asyncio echo"


@dataclass(slots=True)
class Fleet:
    """One run of the bench, and what it has found."""

    options: Options
    figures: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    audits: list[Audit] = field(default_factory=list)

    async def scale(self, on: Servers) -> None:
        """Start and stop a fleet of many devices, a round each."""
        laboratory = BenchLaboratory(on.data_dir, on.database_url, on.redis_url, on.broker, free_port, SETTINGS)
        async with simulated(laboratory, SCALE):
            for _ in range(self.options.rounds):
                found = await measure(laboratory, SCALE)
                self._add_scale(found)
        self.audits.append(Audit(f"{SCALE} devices online, {self.options.rounds} times", SCALE, SCALE, 0, 0))

    def _add_scale(self, found: Figures) -> None:
        for name, value in (
            (ONLINE, found.online_s),
            (MEMORY, found.uss_mib),
            (IDLE, found.cpu_percent),
            (STOPPED, found.stop_s),
        ):
            self.add(name, "LICS", value)
        tell(
            f"{found.devices} devices: online after {found.online_s:.1f} s, {found.uss_mib:.2f} MiB and "
            f"{found.cpu_percent:.3f} % of a core each, stopped after {found.stop_s:.1f} s"
        )

    async def hang(self, laboratory: BenchLaboratory, devices: list[UUID]) -> None:
        """Command all but one device, with that one hung and with it well, in turn."""
        one, others = devices[0], devices[1:]
        seconds = SHORT_S if self.options.short else self.options.seconds
        await commanded(laboratory, others, one, min(2.0, seconds))  # the first ones find nothing warm
        for number in range(self.options.rounds):
            for side in ("LICS", "reference") if number % 2 == 0 else ("reference", "LICS"):
                if side == "reference":
                    self._add_hung(side, "no actor hung", await commanded(laboratory, others, one, seconds))
                    continue
                async with hung(laboratory, one) as stopped:
                    found = await commanded(laboratory, others, one, seconds)
                self._add_hung(side, f"one actor hung ({len(stopped)} incarnations of it)", found)

    def _add_hung(self, side: str, what: str, found: Commanded) -> None:
        self.add(HUNG, side, found.p99_ms)
        self.add(HUNG_P50, side, found.p50_ms)
        self.add(HUNG_RATE, side, found.per_s)
        succeeded = found.commands - found.failed
        self.audits.append(Audit(f"commands to the others, {what}", found.commands, succeeded, found.failed, 0))
        tell(f"{what}: {found.per_s:,.0f} commands/s to the others, p50 {found.p50_ms:.2f} / p99 {found.p99_ms:.2f} ms")
        if found.failed:
            tell(f"{found.failed} did not succeed: {found.such_as}")

    async def ask(self, laboratory: BenchLaboratory, device: UUID) -> None:
        """Ask fleet, device and reference in turn."""
        seconds = (SHORT_S if self.options.short else self.options.seconds) / 3
        async with asks(laboratory, device) as questions:
            for _ in range(self.options.rounds):
                fleet, leaf, echo = [await took(each, seconds) for each in (questions.fleet, questions.device, questions.echo)]
                for case, found in ((ASKED, fleet), (ASKED_DEVICE, leaf)):
                    for rank, ours, theirs in (("p50", found.p50_s, echo.p50_s), ("p99", found.p99_s, echo.p99_s)):
                        self.add(f"{case}, {rank}", "LICS", ours * 1e3)
                        self.add(f"{case}, {rank}", "reference", theirs * 1e3)
                tell(
                    f"ask: fleet p50 {fleet.p50_s * 1e3:.2f} / p99 {fleet.p99_s * 1e3:.2f} ms, device "
                    f"{leaf.p50_s * 1e3:.2f} / {leaf.p99_s * 1e3:.2f}, echo {echo.p50_s * 1e3:.2f} / {echo.p99_s * 1e3:.2f}"
                )

    def add(self, case: str, side: str, value: float) -> None:
        """Keep a round's figure."""
        self.figures.setdefault((case, side), []).append(value)

    def case(self, name: str, unit: str, bar: float | None = None, *, absolute: bool = False) -> Case:
        """Return a case; all bars of this bench are upper ones."""
        lics, other = (tuple(self.figures.get((name, side), ())) for side in ("LICS", "reference"))
        return Case(name, unit, lics, other, bar, at_least=False, absolute=absolute)


async def run_many(options: Options, on: Servers, devices: int) -> Outcome:
    """Start so many devices, and lose every rack of theirs; a round each on servers of its own."""
    found = [_told(await many(on, devices, one_by_one=True))]
    for _ in range(options.rounds - 1):
        async with servers() as fresh:
            found.append(_told(await many(fresh, devices, one_by_one=True)))
    name = f"until {devices} devices are online"
    away = [each.returns for each in found if each.returns]
    cases = (
        Case(name, "s", tuple(each.online_s for each in found), bar=MANY_ONLINE_S, at_least=False, absolute=True),
        Case("until all are back after losing every rack", "s", tuple(each.back_s for each in found)),
        Case(KILLED, "s", tuple(_p99(each.killed_s) for each in away), bar=KILLED_BACK_S, at_least=False, absolute=True),
        Case(KILLED_P50, "s", tuple(statistics.median(each.killed_s) for each in away)),
        Case(HANGING, "s", tuple(max(each.hung_s) for each in away), bar=HUNG_BACK_S, at_least=False, absolute=True),
        Case(MEMORY, "MiB", tuple(each.uss_mib for each in found)),
    )
    return Outcome(cases, name, tuple(audit for each in found for audit in each.audits))


def _told(found: Many) -> Many:
    tell(f"{found.devices} devices are back {found.back_s:.1f} s after their racks were killed; {found.uss_mib:.1f} MiB each")
    return found


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


async def run(options: Options, on: Servers) -> Outcome:
    """Measure all of it: many devices on servers of their own, the rest on one laboratory. With `devices` only those many."""
    if options.devices is not None:
        return await run_many(options, on, options.devices)
    fleet = Fleet(options)
    if not options.short:  # its audit is tests/system/test_scale.py
        async with servers() as fresh:
            await fleet.scale(fresh)
    devices = [device_id(number) for number in range(SHORT_DEVICES if options.short else DEVICES)]
    obedient = command_device.Settings(on.broker.host, on.broker.port, [on.broker.prefix])
    async with whole_lics(on, devices) as laboratory, serving("tests.benchmarks.command_device", obedient):
        await fleet.hang(laboratory, devices)
        await fleet.ask(laboratory, devices[1])
    await forget(on.broker, devices)
    cases = (
        fleet.case(HUNG, "ms", 1.5),
        fleet.case(HUNG_P50, "ms"),
        fleet.case(HUNG_RATE, "/s"),
        fleet.case(ONLINE, "s", ONLINE_S, absolute=True),
        fleet.case(MEMORY, "MiB", USS_MIB, absolute=True),
        fleet.case(IDLE, "%", CPU_PERCENT, absolute=True),
        fleet.case(STOPPED, "s"),
        *(fleet.case(f"{name}, {rank}", "ms") for name in (ASKED, ASKED_DEVICE) for rank in ("p50", "p99")),
    )
    return Outcome(cases, HUNG, tuple(fleet.audits))
