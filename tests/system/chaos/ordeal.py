"""One run: a world under load, faults from a plan, healing, and the audit of all that is left."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.benchmarks.servers import Servers
from tests.system.chaos import house
from tests.system.chaos.audit import Audits
from tests.system.chaos.course import Course, run_course
from tests.system.chaos.instruments import NO_CAGES, TYPES
from tests.system.chaos.load import Load, loaded
from tests.system.chaos.plan import Fault, Scope, drawn
from tests.system.chaos.strike import Striker, Struck
from tests.system.chaos.task import Task
from tests.system.chaos.verdict import Finding
from tests.system.chaos.world import World, all_online, world
from tests.waiting import eventually

SETTLE_S = 150.0  # longer than the longest pause between restarts (120 s)
REST_S = 180.0  # until devices have said what they kept
STEADY_S = 10.0  # for a restart that is under way while we look
CLEAR_EVERY_S = 2.0
ATTEND_EVERY_S = 15.0  # runs want somebody who looks at the alarms now and then
SHOWN = 20  # differences told

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ordeal:
    """How to torment. `rate_hz`: telemetry a device; `commands_per_s`: of all; `warm_s`: load before the first fault.

    With a `task` faults go on until its runs are over, for `seconds` at most; the first cages are theirs, the other devices are
    commanded.
    """

    seed: int
    faults: int
    seconds: float
    scope: Scope
    rate_hz: float = 2.0
    commands_per_s: float = 5.0
    warm_s: float = 10.0
    logs_to: Path | None = None  # where logs are kept when something is not clean
    task: Task | None = None


@dataclass(slots=True)
class Report:
    """What was done and found."""

    ordeal: Ordeal
    timeline: list[Struck] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    settled_s: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    kept: Path | None = None

    @property
    def struck(self) -> int:
        """Return how many faults found somebody to strike."""
        return sum(bool(each.what) for each in self.timeline)

    @property
    def clean(self) -> bool:
        """Return whether nothing is wrong."""
        return not any(each.lost or each.doubled for each in self.findings)

    def text(self) -> str:
        """Return what a person needs who is to find out why: seed, timeline, first differences, where the logs are."""
        wrong = [each for each in self.findings if each.lost or each.doubled]
        lines = [f"seed {self.ordeal.seed}: {self.struck} faults in {self.ordeal.seconds:.0f} s; {self.facts}"]
        for each in wrong:
            lines.append(f"✗ {each.case}: {each.lost} lost, {each.doubled} twice or too many, of {each.expected}")
            lines += [f"    {difference}" for difference in each.differences[:SHOWN]]
        lines += [str(each) for each in self.timeline]
        return "\n".join([*lines, f"logs: {self.kept}"] if self.kept else lines)


async def torment(on: Servers, ordeal: Ordeal, tell: Tell) -> Report:
    """Run it.

    Raises:
        BenchError: LICS does not come up in the first place.
    """
    report = Report(ordeal)
    plan = drawn(ordeal.seed, ordeal.faults, ordeal.seconds, ordeal.scope)
    began, whole = time.monotonic(), False
    try:
        cages = ordeal.task.cages if ordeal.task else NO_CAGES
        async with world(on, ordeal.scope, ordeal.seed, ordeal.rate_hz, cages) as made:
            tell(f"{ordeal.scope.devices} devices are online; seed {ordeal.seed}, {len(plan)} faults in {ordeal.seconds:.0f} s")
            await _strike(made, plan, report, tell)
            report.findings.append(house.left_behind(made))
        whole = True
    finally:
        report.facts["whole_s"] = round(time.monotonic() - began, 1)
        if not whole or not report.clean:
            report.kept = _keep_logs(on.data_dir, report)
    return report


async def _strike(made: World, plan: tuple[Fault, ...], report: Report, tell: Tell) -> None:
    striker = Striker(made, report.timeline)
    ordeal = report.ordeal
    api, devices = made.laboratory.api, made.instruments.devices[TYPES * (ordeal.task.cages.count if ordeal.task else 0) :]
    async with loaded(api, devices, ordeal.seed, ordeal.commands_per_s) as load, AsyncExitStack() as stack:
        course = await stack.enter_async_context(run_course(made, ordeal.task, ordeal.seed)) if ordeal.task else None
        await asyncio.sleep(report.ordeal.warm_s)
        warm = await asyncio.to_thread(house.memory, made)
        over = asyncio.create_task(_when_over(course, striker))
        attended = asyncio.create_task(_attend(made, report.facts, course is not None))
        await striker.rage(plan, lambda struck: tell(str(struck)))
        over.cancel()
        attended.cancel()
        report.facts["struck"] = struck_by_kind(report.timeline)
        await striker.heal()
        report.findings.append(await _settle(made, report, tell))
        if course is not None:
            await course.finish(report.facts, tell)
        await asyncio.sleep(report.ordeal.warm_s / 2)
    try:
        await _audit(made, load, warm, report)
    except (AssertionError, OSError) as error:  # a TimeoutError is one; what else there is to judge is judged all the same
        report.findings.append(Finding("audit: to its end", 1, 1, differences=[repr(error)]))
    tell("stopping")
    stopping = time.monotonic()
    await made.stop()
    report.facts["stopped_s"] = round(time.monotonic() - stopping, 1)
    if course is not None:
        report.findings += await course.judged(made, report.facts)


def struck_by_kind(timeline: list[Struck]) -> dict[str, int]:
    """Return how often what was done to what kind of target."""
    done = Counter(f"{each.fault.kind} {each.fault.target.partition(':')[0]}" for each in timeline if each.what)
    return dict(sorted(done.items()))


async def _when_over(course: Course | None, striker: Striker) -> None:
    if course is not None:
        await course.over()
        striker.enough.set()


async def _settle(made: World, report: Report, tell: Tell) -> Finding:
    """Wait until all is well again; what was given up after too many deaths is cleared, as an operator would."""
    began = time.monotonic()
    clearing = asyncio.create_task(_clear(made, report.facts, "cleared", {"quarantined", "drained"}, CLEAR_EVERY_S))
    finding = Finding("healed: all devices online, health good", len(made.instruments.devices))
    try:
        await eventually(lambda: _well(made), SETTLE_S, "all is well again")
    except AssertionError as error:
        finding.lost, finding.differences = 1, [str(error), str(await _state(made))]
    finally:
        clearing.cancel()
    report.settled_s = time.monotonic() - began
    report.facts |= {"settled_s": round(report.settled_s, 1), "up_starts": made.up_starts}
    tell(f"healed after {report.settled_s:.1f} s")
    return finding


async def _well(made: World) -> bool:
    health = await made.laboratory.get("/health")
    return bool(health["status"] == "healthy") and await all_online(made)


async def _state(made: World) -> Any:
    try:
        nodes = await made.laboratory.nodes()
        return {
            name: (node["state"], node["word"], node["last_error"]) for name, node in nodes.items() if node["word"] != "online"
        }
    except (httpx.HTTPError, AssertionError) as error:
        return repr(error)


async def _attend(made: World, facts: dict[str, Any], wanted: bool) -> None:
    """Clear what is given up while faults still strike: a run would wait for it to the end."""
    if wanted:
        await _clear(made, facts, "cleared_meanwhile", {"quarantined"}, ATTEND_EVERY_S)


async def _clear(made: World, facts: dict[str, Any], what: str, states: set[str], every_s: float) -> None:
    """Clear what its supervisor has given up, and what was drained and could not be cleared then."""
    while True:
        try:
            nodes = await made.laboratory.nodes()
            for name in [name for name, node in nodes.items() if node["state"] in states]:
                facts[what] = [*facts.get(what, ()), name]
                await made.laboratory.api.post("/api/v1/fleet/clear", json={"node": name, "reason": "chaos is over"})
        except (httpx.HTTPError, AssertionError, ValueError) as error:
            facts["last_silence"] = repr(error)[:200]  # whether it ever answers is what _settle finds
        await asyncio.sleep(every_s)


async def _audit(made: World, load: Load, warm: dict[str, float], report: Report) -> None:
    await made.instruments.order("quiet")
    confirmed = await _at_rest(made)
    connection = await asyncpg.connect(made.on.database_url)
    try:
        audits = Audits(connection, made.on.data_dir / "instruments" / "ledger.sqlite")
        report.findings += await audits.streams(made.instruments.devices, confirmed)
        found, doubtful = await audits.commands(load.requests)
        report.findings += found
        report.facts |= {"commands": len(load.requests), "in_doubt": doubtful, "answers": _answers(load)}
    finally:
        await connection.close()
    after = await asyncio.to_thread(house.memory, made)
    report.findings += [house.grown(warm, after, report.facts.get("runs", 0)), await _orphans(made)]
    report.facts["memory"] = {part: f"{mib:.0f} → {after.get(part, 0):.0f}" for part, mib in warm.items()}


async def _at_rest(made: World) -> Any:
    """Return what was acknowledged once nothing more is."""
    last: Any = None

    async def same() -> bool:
        nonlocal last
        before, last = last, await made.instruments.count()
        await asyncio.sleep(0.5)
        return bool(before == last)

    await eventually(same, REST_S, "devices are at rest")
    return await made.instruments.confirmed()


async def _orphans(made: World) -> Finding:
    found = Finding("")

    async def none() -> bool:
        nonlocal found
        found = await asyncio.to_thread(house.orphans, made)
        return not found.doubled

    with suppress(AssertionError):  # what was seen last says it all
        await eventually(none, STEADY_S)
    return found


def _answers(load: Load) -> dict[str, int]:
    counted: dict[str, int] = {}
    for request in load.requests:
        for each in request.answers:
            name = f"{each.status} {each.state or each.what}".strip()
            counted[name] = counted.get(name, 0) + 1
    return dict(sorted(counted.items()))


def _keep_logs(folder: Path, report: Report) -> Path:
    kept = report.ordeal.logs_to or Path(tempfile.mkdtemp(prefix=f"lics-chaos-{report.ordeal.seed}-"))
    kept.mkdir(parents=True, exist_ok=True)
    for log in house.logs(folder):
        shutil.copyfile(log, kept / "-".join(log.relative_to(folder).parts))
    (kept / "report.txt").write_text(report.text())
    return kept
