"""Scheduler: the leaf that begins sessions in their windows. Of several hosts' one is at work; all it knows is in the tables."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from config.settings import Settings
from lics_actors.audit import AuditLog
from lics_actors.client import FleetClient
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import SchedulerSpec
from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import ALARMS, SCHEDULE, SlotLive, alarm_live
from lics_actors.runtime.leaf import LeafActor
from lics_actors.schedule.messages import CLOSED, Status
from lics_actors.scheduler.readers import Readers
from lics_actors.scheduler.shell import Shell
from lics_actors.scheduler.starting import Starter
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.repository import Repository
from lics_actors.store.slots import SlotRow
from lics_actors.study.experiment_desk import ExperimentDesk
from lics_actors.study.preflight_desk import PreflightDesk
from lics_actors.study.run_desk import RunDesk
from lics_actors.welfare.days import Calendar
from lics_actors.welfare_gate import WelfareGate

LOCK: Final = 0x6C696371  # advisory, for the session: one scheduler a database
SHIFT_S: Final = 1800.0  # so long one works before it begins anew with what the tables say
IDLE_S: Final = 10.0  # until another host's is looked for again
RETRY_S, RETRY_MAX_S = 1.0, 30.0

log = logging.getLogger(__name__)


class Scheduler(LeafActor):
    """Begins with a `SchedulerSpec`."""

    def __init__(self) -> None:
        super().__init__()
        self.word = "starting"
        self.failures = 0
        self.begun = 0
        self._shell: Shell | None = None

    def begin(self, spec: object) -> None:
        """Start scheduling."""
        assert isinstance(spec, SchedulerSpec)
        self.spec = spec
        self.start_loop()

    def state_word(self) -> str:
        """Return how it goes: scheduling, idle (another host's schedules), waiting (the database is away)."""
        return self.word

    def stats(self) -> Mapping[str, float]:
        """Return how many sessions are to come, wait for a person, and were begun."""
        shell = self._shell
        slots = [] if shell is None else list(shell.state.slots.values())
        asked = sum(each.status is Status.ASKED for each in slots)
        open_ = sum(each.status not in CLOSED for each in slots) - asked
        begun = self.begun + (0 if shell is None else shell.begun)
        return {"sessions_open": float(open_), "sessions_asked": float(asked), "sessions_begun": float(begun)}

    def on_events(self, events: list[object]) -> None:
        """Wake, so that operators see the word that changed."""

    async def run(self) -> None:
        """Schedule until stopped."""
        repository: Repository | None = None
        spec, audit = self.spec, AuditLog(Settings(data_dir=Path(self.spec.data_dir)))
        client = await FleetClient.within(Path(spec.run_dir), spec.host)
        publisher = None if spec.redis_url is None else LivePublisher(spec.redis_url, spec.broker.prefix)
        publishing = None if publisher is None else asyncio.create_task(publisher.run())
        try:
            while True:
                try:
                    repository = repository or await Repository.connect(spec.database_url, pool_size=2, max_overflow=2)
                    rest = await self._shift(repository, client, audit, publisher)
                except (LicsError, OSError) as error:
                    self.failures += 1
                    rest = min(RETRY_MAX_S, RETRY_S * 2.0 ** min(self.failures - 1, 8)) * random.uniform(0.5, 1.0)  # noqa: S311
                    self._say("waiting")
                    log.warning("the scheduler has to wait", extra={"reason": str(error), "seconds": round(rest, 1)})
                await asyncio.sleep(rest)
        finally:
            if publishing is not None:
                publishing.cancel()
                with suppress(asyncio.CancelledError):
                    await publishing
            audit.close()
            await client.close()
            if repository is not None:
                await repository.close()

    async def _shift(
        self, repository: Repository, client: FleetClient, audit: AuditLog, publisher: LivePublisher | None
    ) -> float:
        """Schedule for a while where nobody else does; return how long to rest."""
        async with _alone(repository) as standing:
            if standing is None:
                self._say("idle")
                return IDLE_S
            shell = Shell(
                repository,
                starter(repository, client, audit, self.spec.calendar),
                partial(_show, publisher),
                partial(_show_one, publisher),
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(SHIFT_S - 60):
                    await self._work(shell, standing)
        return 0.0

    async def _work(self, shell: Shell, standing: Callable[[], Awaitable[Any]]) -> None:
        async def at_work() -> None:
            await standing()
            self.failures = 0
            self._say("scheduling")

        readers = Readers(self.spec.broker, shell.tag)
        self._shell = shell
        try:
            await shell.run(at_work, readers.listen)
        finally:
            self.begun, self._shell = self.begun + shell.begun, None
            await readers.close()

    def _say(self, word: str) -> None:
        if word != self.word:
            self.word = word
            self.post(word)


def _show(publisher: LivePublisher | None, alarms: Sequence[Alarm]) -> None:
    for each in alarms if publisher is not None else ():
        assert publisher is not None
        publisher.publish(ALARMS, alarm_live(each), True)


def _show_one(publisher: LivePublisher | None, row: SlotRow, now: datetime) -> None:
    if publisher is not None:
        what = (row.id, row.laboratory_id, row.experiment_id, row.subject_id, row.rig_id, row.begin_at, row.end_at)
        publisher.publish(SCHEDULE, SlotLive(*what, row.status, row.why, row.principal, now), True)


def starter(repository: Repository, client: FleetClient, audit: AuditLog, calendar: Calendar) -> Starter:
    """Return who looks at sessions and begins their runs."""
    gate = WelfareGate(repository, calendar)
    experiments, runs = ExperimentDesk(repository, audit), RunDesk(repository, client, audit, gate)
    return Starter(
        repository, experiments, runs, PreflightDesk(repository, client, experiments, runs, gate=gate, calendar=calendar)
    )


@asynccontextmanager
async def _alone(repository: Repository) -> AsyncIterator[Callable[[], Awaitable[Any]] | None]:
    """Give, for at most SHIFT_S, how to make sure that no other is at work; None: another is."""
    async with repository.raw(SHIFT_S) as connection:
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            yield lambda: connection.fetchval("SELECT 1")
        else:
            yield None
