"""`lics bench chaos`: a whole LICS under load while anything in it and around it is killed, hung, cut off and starved.

The faults come from a seed, so that a run can be repeated. Afterwards all is healed and an audit compares what was acknowledged
with what is there, row by row. No figure: nothing may be lost, doubled, executed twice or left behind. tests/system/chaos/.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from tests.benchmarks.harness import Audit, Case, Options, Outcome, Servers, tell
from tests.system.chaos.instruments import TYPES, Cages
from tests.system.chaos.ordeal import Ordeal, Report, torment
from tests.system.chaos.plan import Scope
from tests.system.chaos.task import Task

DEVICES, SHORT_DEVICES = 24, 6
FAULTS_PER_S = 1.0
SHORT = Ordeal(seed=0, faults=25, seconds=15.0, scope=Scope(SHORT_DEVICES, recorders=2, workers=2, longest_s=3.0), warm_s=3.0)
MOST = 0.9
TRIALS, CAGES, SPEED = 100, 32, 10.0
SHORT_TASK = Task(runs=6, trials=10, cages=Cages(3, SPEED), gap_s=0.2)
SHORT_RUNS = Ordeal(
    seed=0,
    faults=15,
    seconds=10.0,
    scope=Scope(TYPES * 4, recorders=1, workers=1, longest_s=2.0, runs=SHORT_TASK.cages.count),
    commands_per_s=2.0,
    rate_hz=1.0,
    warm_s=1.0,
    task=SHORT_TASK,
)
TRIAL_S = 3.0  # a trial takes so long at most, on average, with everything breaking around it
QUICK_S = 0.4  # a trial with nothing breaking, but for the gap to the next
PACE = 0.3  # of the time, runs that nothing befalls would be done: what strikes them takes the rest
HEALED = "until all is well again"


def ordeal(options: Options, on: Servers) -> Ordeal:
    """Return what is to be done for these options, on these servers: those that are given can be cut off, but not stopped."""
    servers = frozenset(SHORT.scope.servers) if len(on.started) == len(SHORT.scope.servers) else frozenset[str]()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    if options.runs:
        return with_runs(options, seed, servers)
    if options.short:
        scope = replace(SHORT.scope, servers=servers, devices=options.devices or SHORT_DEVICES)
        return replace(SHORT, seed=seed, scope=scope, faults=options.faults or SHORT.faults)
    seconds = 60.0 * (options.minutes or 1.0)
    scope = Scope(options.devices or DEVICES, recorders=2, workers=2, servers=servers)
    return Ordeal(seed, options.faults or int(seconds * FAULTS_PER_S), seconds, scope)


def with_runs(options: Options, seed: int, servers: frozenset[str]) -> Ordeal:
    """Return as many runs of as many trials as are wanted, in cages of their own, beside devices that are commanded."""
    if options.short:
        return replace(SHORT_RUNS, seed=seed, scope=replace(SHORT_RUNS.scope, servers=servers))
    runs, trials = options.runs or 1, options.trials or TRIALS
    cages = Cages(min(runs, CAGES), SPEED)
    scope = Scope(options.devices or TYPES * (cages.count + 2), recorders=2, workers=2, servers=servers, runs=cages.count)
    seconds = 60.0 * options.minutes if options.minutes else 60.0 + TRIAL_S * runs * trials / cages.count
    gap_s = max(0.05, round(PACE * seconds * cages.count / (runs * trials) - QUICK_S, 2))
    task = Task(runs, trials, cages, gap_s)
    return Ordeal(seed, options.faults or int(seconds * FAULTS_PER_S), seconds, scope, 0.5, 2.0, task=task)


async def run(options: Options, on: Servers) -> Outcome:
    """Torment once."""
    report = await torment(on, ordeal(options, on), tell)
    if not report.clean:
        tell(report.text())
    healed = Case(HEALED, "s", (report.settled_s,))
    return Outcome((healed,), HEALED, (*(each.audit() for each in report.findings), _struck(report)), _notes(report))


def _struck(report: Report) -> Audit:
    """Most of the plan must have been carried out: now and then a victim is down already."""
    wanted, struck = round(MOST * len(report.timeline)), report.struck
    return Audit("faults: carried out", wanted, struck, max(0, wanted - struck), 0)


def _notes(report: Report) -> tuple[str, ...]:
    apart = {"answers", "memory", "struck"}
    facts = ", ".join(f"{name} {value}" for name, value in report.facts.items() if name not in apart)
    struck = ", ".join(f"{count} × {what}" for what, count in report.facts.get("struck", {}).items())
    kept = (f"logs and timeline: {report.kept}",) if report.kept else ()
    answers = ", ".join(f"{count} × {what}" for what, count in report.facts.get("answers", {}).items())
    memory = ", ".join(f"{part} {mib}" for part, mib in report.facts.get("memory", {}).items())
    return (
        f"seed {report.ordeal.seed}: {report.struck} faults; {facts}",
        f"struck: {struck}",
        f"answers: {answers}",
        f"memory, MiB: {memory}",
        *kept,
    )
