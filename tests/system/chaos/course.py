"""The runs of an ordeal from their first order to the judgement of what they left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from tests.system.chaos.run_accounts import gathered, gifts
from tests.system.chaos.run_verdict import judged
from tests.system.chaos.study import Study, Task, studying
from tests.system.chaos.verdict import Finding
from tests.system.chaos.world import World
from tests.waiting import eventually

REST_S = 600.0  # for what is left of the runs when the faults are over, at the pace of a quiet machine
SHIPPED_S = 60.0
STATES = "select id, state from command where id = any($1::uuid[])"


class Course:
    """All runs that are to be made."""

    def __init__(self, study: Study) -> None:
        self.study = study

    async def over(self) -> None:
        """Wait until all runs are over."""
        await self.study.finished.wait()

    async def finish(self, facts: dict[str, Any], tell: Callable[[str], None]) -> None:
        """Wait for what is left, and say what was done."""
        left = self.study.task.runs - len(self.study.over)
        tell(f"{len(self.study.over)} runs of {self.study.task.runs} are over")
        try:
            await asyncio.wait_for(self.over(), REST_S)
        except TimeoutError:
            under_way = [str(each.run_id) for each in self.study.orders if each.run_id not in self.study.over]
            tell(f"runs still under way: {', '.join(under_way)}")
        facts |= {"runs": len(self.study.over), "runs_after_the_faults": left, "wishes": dict(sorted(self.study.meddled.items()))}

    async def judged(self, made: World) -> list[Finding]:
        """Judge all that is left of the runs, once it has arrived."""
        task, devices = self.study.task, made.instruments.devices
        pumps: list[UUID] = [devices[cage.pump].id for cage in task.cages.all]
        given = gifts(made.on.data_dir / "instruments" / "ledger.sqlite", pumps)
        connection = await asyncpg.connect(made.on.database_url)
        findings: list[Finding] = []

        async def clean() -> bool:
            nonlocal findings
            accounts, _ = await gathered(connection, [each.run_id for each in self.study.orders])
            states = {row["id"]: row["state"] for row in await connection.fetch(STATES, list(given))}
            findings = judged(accounts, given, states, task.runs)
            return not any(each.lost or each.doubled for each in findings)

        try:
            await eventually(clean, SHIPPED_S)
        except AssertionError:
            pass  # what was seen last says it all
        finally:
            await connection.close()
        return findings


@asynccontextmanager
async def run_course(made: World, task: Task, seed: int) -> AsyncIterator[Course]:
    """Have the runs made from here on; those that are not over at the end of the block are left alone."""
    async with studying(task, made.instruments.devices, made.data_dir, seed) as study:
        yield Course(study)
