"""The runs of an ordeal from their first order to the judgement of what they left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg

from lics_actors.experiment.messages import Recovered
from tests.system.chaos.run_accounts import gathered, gifts
from tests.system.chaos.run_verdict import Account, Gift, days, judged
from tests.system.chaos.study import Study, studying
from tests.system.chaos.task import Task
from tests.system.chaos.verdict import Finding
from tests.system.chaos.world import World
from tests.waiting import eventually

STOPPED_S = 120.0
REST_S = 600.0  # for what is left of the runs when the faults are over, at the pace of a quiet machine
SHIPPED_S = 60.0
STATES = "select id, state from command where id = any($1::uuid[])"


class Course:
    """All runs that are to be made."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._wanted = study.task.runs
        self._fluid: dict[UUID, dict[str, Any]] = {}

    async def over(self) -> None:
        """Wait until all runs are over."""
        await self.study.finished.wait()

    async def finish(self, facts: dict[str, Any], tell: Callable[[str], None]) -> None:
        """Wait for what is left, and say what was done."""
        study = self.study
        left = study.task.runs - len(study.over) + study.unmade
        tell(f"{len(study.over)} runs of {study.task.runs + study.unmade} are over")
        try:
            await asyncio.wait_for(self.over(), REST_S)
        except TimeoutError:
            under_way = [str(each.run_id) for each in study.orders if each.run_id not in study.over]
            tell(f"no more is begun, and {len(under_way)} runs are stopped: {', '.join(under_way)}")
            with suppress(TimeoutError):  # what goes on even so is found by the audit
                await asyncio.wait_for(study.stop(), STOPPED_S)
        facts |= {"runs": len(study.over), "runs_after_the_faults": left, "runs_that_could_not_begin": study.unmade}
        facts |= {"orders": _sorted(study.asked), "wishes": _sorted(study.meddled)}
        facts["phases"] = _sorted(Counter(f"{each['phase']}" for each in study.over.values()))
        if study.task.rationed:
            self._fluid = await study.fluid()

    async def judged(self, made: World, facts: dict[str, Any]) -> list[Finding]:
        """Judge all that is left of the runs, once it has arrived; count it into `facts`."""
        study = self.study
        pumps: list[UUID] = [made.instruments.devices[cage.pump].id for cage in study.task.cages.all]
        given = gifts(made.on.data_dir / "instruments" / "ledger.sqlite", pumps)
        connection = await asyncpg.connect(made.on.database_url)
        findings: list[Finding] = []

        async def clean() -> bool:
            nonlocal findings
            accounts, _ = await gathered(connection, [each.run_id for each in study.orders])
            states = {row["id"]: row["state"] for row in await connection.fetch(STATES, list(given))}
            findings = await asyncio.to_thread(judged, accounts, given, states, self._wanted + study.unmade)
            if study.task.rationed:
                findings.append(days(accounts, given, self._fluid, study.task.day_ul))
            facts.update(counted(accounts, given))
            return not any(each.lost or each.doubled for each in findings)

        try:
            await eventually(clean, SHIPPED_S)
        except AssertionError:
            pass  # what was seen last says it all
        finally:
            await connection.close()
        return findings


def counted(accounts: list[Account], given: dict[UUID, Gift]) -> dict[str, Any]:
    """Return how many trials and rewards came to what."""
    trials = Counter(str(row.outcome) for each in accounts for row in each.trials)
    rewards = Counter(str(row.state) for each in accounts for row in each.rewards)
    executed = sum(each.executions > 0 for each in given.values())
    barred = sum(len(step.barred) for each in accounts for step in each.steps)
    taken_over = sum(isinstance(step.event, Recovered) for each in accounts for step in each.steps)
    facts = {"trials": _sorted(trials), "rewards": _sorted(rewards), "rewards_given": executed, "rewards_barred": barred}
    return {**facts, "taken_over": taken_over}


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


@asynccontextmanager
async def run_course(made: World, task: Task, seed: int) -> AsyncIterator[Course]:
    """Have the runs made from here on; those that are not over at the end of the block are left alone."""
    async with studying(task, made.instruments.devices, made.laboratory.api, seed) as study:
        yield Course(study)
