"""Runs in the cages of a world, one after another in each, kept going like a patient person would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

from config.settings import load_settings
from drivers.native.demo import DemoDevice
from drivers.native.spec import DEVICE_TYPES
from lics_actors.client import FleetClient
from lics_actors.device.messages import RoleSpec
from lics_actors.errors import LicsError, RunNotFoundError
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.reading import read
from lics_actors.run.messages import AnnotateRun, PauseRun, ResumeRun, RewardRun, RunView, RunWish, StopRun
from lics_actors.run.orders import RunOrder
from lics_actors.runtime import transport
from lics_actors.services.ports import LOOPBACK
from tests.system.chaos.instruments import Cages

LABORATORY: Final = UUID(int=1)
PRINCIPAL: Final = "chaos"
LOOK_S, RETRY_S = 0.5, 0.3
RESUMED_AFTER_S = 3.0  # somebody looks at a run that waits for a person
MEDDLE_S = 4.0  # mean time between what operators do to a run
PROTOCOL: Final = """
protocol: 1
name: quick_choice
title: Two choices, at the pace of a test
roles:
  pump: {{type: pump, commands: [dispense, stop]}}
  panel: {{type: lickometer, commands: [show_image, clear_screen], events: [touch]}}
parameters:
  volume: {{default: 2 ul, min: 1 ul, max: 4 ul}}
draws:
  side: {{values: {{left: 1, right: 1}}, max_run: 4}}
  gap: {{min: {gap} s, max: {gap} s + 50 ms}}
reward: {{command: pump.dispense, argument: volume_ul, amount: volume}}
limits: {{trials: {trials}, time: 60 min, reward: {reward} ul}}
trial: {{start: choice, interval: gap}}
outcomes:
  correct: {{good: true}}
  incorrect: {{}}
  unpaid: {{}}
  omission: {{}}
states:
  choice:
    enter:
      - command: panel.show_image
        args: {{image: "'ask_left' if side == 'left' else 'ask_right'"}}
    exit: [{{command: panel.clear_screen}}]
    transitions:
      - event: panel.touch
        when: (event.x < 400) == (side == 'left')
        to: reward
      - event: panel.touch
        end: incorrect
      - after: 3 s
        end: omission
  reward:
    enter: [{{reward: true}}]
    transitions:
      - {{command: pump.dispense, outcome: succeeded, end: correct}}
      - {{command: pump.dispense, end: unpaid}}
      - {{after: 8 s, end: unpaid}}
safe:
  - command: panel.clear_screen
  - command: pump.stop
recovery: {recovery}
"""


@dataclass(frozen=True, slots=True)
class Task:
    """How many runs of how many trials, in which cages; `gap_s`: between trials. `meddle`: operators pause, reward, annotate."""

    runs: int
    trials: int
    cages: Cages
    gap_s: float = 0.05
    meddle: bool = True

    def text(self, recovery: str) -> str:
        """Return the protocol; its limit lets every trial be rewarded once, and leaves nothing for rewards by hand."""
        return PROTOCOL.format(gap=self.gap_s, trials=self.trials, reward=max(4, 2 * self.trials), recovery=recovery)


@dataclass(slots=True)
class Study:
    """What was ordered, and what came of it. `over`: the runs that have come to their end."""

    task: Task
    devices: Sequence[DemoDevice]
    client: FleetClient
    seed: int
    orders: list[RunOrder] = field(default_factory=list)
    over: set[UUID] = field(default_factory=set)
    views: dict[UUID, RunView] = field(default_factory=dict)
    meddled: dict[str, int] = field(default_factory=dict)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Have all runs made."""
        async with asyncio.TaskGroup() as group:
            for place in range(self.task.cages.count):
                group.create_task(self._inhabit(place))
        self.finished.set()

    async def stop(self) -> None:
        """Have no further run begin, and those under way end after their trial."""
        self.task = Task(len(self.orders), self.task.trials, self.task.cages, self.task.gap_s, meddle=False)
        await asyncio.gather(*(self._until_stopped(order.run_id) for order in self.orders))

    async def _inhabit(self, place: int) -> None:
        dice = Random(f"lics study {self.seed} {place}")
        while len(self.orders) < self.task.runs:
            order = self._order(place, dice)
            self.orders.append(order)
            await self._accepted(order)
            await self._until_over(order.run_id, dice)

    def _order(self, place: int, dice: Random) -> RunOrder:
        cage = self.task.cages.all[place]
        document, _ = prepared(read(self.task.text("ask" if dice.random() < 0.2 else "resume")), DEVICE_TYPES)
        roles = {"pump": self.devices[cage.pump], "panel": self.devices[cage.screen]}
        return RunOrder(
            run_id=uuid4(),
            laboratory_id=LABORATORY,
            rig_id=uuid4(),  # in the tables a rig is in one run at a time, and these runs are not ordered there
            rig=f"cage {place}",
            protocol_version_id=UUID(int=7),
            document=document.document.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
            roles={role: RoleSpec(each.id, each.driver, {}) for role, each in roles.items()},
            seed=dice.randrange(2**31),
            principal=PRINCIPAL,
            ordered_at=datetime.now(UTC),
            rehearsed=True,
            arm_within_s=120.0,  # what it needs may be down for so long
        )

    async def _accepted(self, order: RunOrder) -> None:
        while True:
            try:
                return await self.client.start_run(order)
            except LicsError:
                await asyncio.sleep(RETRY_S)

    async def _until_over(self, run_id: UUID, dice: Random) -> None:
        waits_since: float | None = None
        clock = asyncio.get_running_loop().time
        next_s = clock() + dice.expovariate(1 / MEDDLE_S)
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                view = self.views[run_id] = await self.client.run(run_id)
            except RunNotFoundError:
                self.over.add(run_id)
                return
            except LicsError:
                continue
            waiting = view.phase in {"paused", "recovering"} and not view.holding
            waits_since = (waits_since or clock()) if waiting else None
            if waits_since is not None and clock() - waits_since > RESUMED_AFTER_S:
                await self._wish(ResumeRun(run_id, uuid4(), PRINCIPAL))
            elif self.task.meddle and clock() > next_s:
                next_s = clock() + dice.expovariate(1 / MEDDLE_S)
                await self._wish(_whim(run_id, dice))

    async def _until_stopped(self, run_id: UUID) -> None:
        wish = StopRun(run_id, uuid4(), PRINCIPAL, "enough")
        while run_id not in self.over:
            await self._wish(wish)
            await asyncio.sleep(LOOK_S)

    async def _wish(self, wish: RunWish) -> None:
        name = type(wish).__name__
        try:
            await self.client.steer_run(wish)
        except LicsError as error:
            name = f"{name} {error.code}"
        self.meddled[name] = self.meddled.get(name, 0) + 1


def _whim(run_id: UUID, dice: Random) -> RunWish:
    common: tuple[Any, ...] = (run_id, UUID(int=dice.getrandbits(128), version=4), PRINCIPAL)
    match dice.randrange(4):
        case 0:
            return PauseRun(*common, "to look after the animal")
        case 1:
            return RewardRun(*common, amount=2.0)
        case _:
            return AnnotateRun(*common, text="it grooms")


@asynccontextmanager
async def studying(task: Task, devices: Sequence[DemoDevice], data_dir: Path, seed: int) -> AsyncIterator[Study]:
    """Make runs within the block, of the LICS of that data directory."""
    settings = load_settings(data_dir=data_dir)
    transport.install(settings.transport_key(), LOOPBACK)
    client = await FleetClient.open(settings)
    study = Study(task, devices, client, seed)
    running = asyncio.create_task(study.run())
    try:
        yield study
    finally:
        running.cancel()
        (outcome,) = await asyncio.gather(running, return_exceptions=True)
        await client.close()
        if isinstance(outcome, Exception):
            raise outcome
