"""Runs in the cages of a world, one after another in each, ordered and kept going over REST like a patient person would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final
from uuid import UUID

import httpx

from drivers.native.demo import DemoDevice
from tests.benchmarks.errors import BenchError
from tests.system.chaos.instruments import TYPES
from tests.system.chaos.task import NAME, RUNS_A_SUBJECT, VERSIONS, VOLUME_UL, Task

LOOK_S, RETRY_S, ASK_S = 1.0, 0.5, 8.0
RESUMED_AFTER_S = 3.0  # somebody looks at a run that waits for a person
MEDDLE_S = 6.0  # mean time between what operators do to a run
REHEARSED_TRIALS: Final = 100
AT_ONCE = 8  # when all is prepared
SILENT = 0  # in the place of a status: nobody answered


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `said` empty where nobody answered, or not in JSON."""

    status: int
    said: dict[str, Any]

    @property
    def word(self) -> str:
        """Return it in a word, for a count."""
        detail = self.said.get("detail")
        code = detail.get("code", "") if isinstance(detail, dict) else ""
        return f"{self.status} {code}".strip()


@dataclass(frozen=True, slots=True)
class Ordered:
    """A run that was accepted. `whole`: all of its trials can be rewarded, and are to come."""

    run_id: UUID
    place: int
    subject_id: UUID


@dataclass(slots=True)
class Study:
    """What was ordered, and what came of it. `over`: runs at their end, as the tables have them; `meddled`, `asked`: answers to
    wishes and orders, counted; `subjects`: cage by cage; `unmade`: runs that failed before their first trial, and were ordered
    once more."""

    task: Task
    devices: Sequence[DemoDevice]
    api: httpx.AsyncClient
    seed: int
    orders: list[Ordered] = field(default_factory=list)
    over: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    views: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    meddled: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    subjects: list[list[UUID]] = field(default_factory=list)
    unmade: int = 0
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    _rigs: list[str] = field(default_factory=list)
    _claimed: int = 0

    # before anything is struck

    async def prepare(self) -> None:
        """Keep rigs, subjects and the protocol, and rehearse it.

        Raises:
            BenchError: LICS does not take them.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def furnish(place: int) -> tuple[str, list[UUID]]:
            async with turn:
                return await self._rig(place), await self._animals(place)

        cages = await asyncio.gather(*map(furnish, range(self.task.cages.count)))
        self._rigs, self.subjects = [rig for rig, _ in cages], [animals for _, animals in cages]
        for number, version in enumerate(VERSIONS, 1):
            kept = await self._must("protocols", {"document": self.task.text(version)})
            path = f"protocols/{kept['protocol_id']}/versions/{number}/rehearsals"
            await self._must(path, {"trials": REHEARSED_TRIALS, "subject_model": "ideal"})

    async def _rig(self, place: int) -> str:
        cage = self.task.cages.all[place]
        roles = {"pump": cage.pump, "panel": cage.screen, "air": cage.pump + TYPES - 1}  # the last plays no role
        devices = {role: str(self.devices[at].id) for role, at in roles.items()}
        return str((await self._must("rigs", {"name": f"cage {place}", "devices": devices}))["id"])

    async def _animals(self, place: int) -> list[UUID]:
        daily = {"fluid_ul": {"max": self.task.day_ul}} if self.task.rationed else {}
        bodies = [{"name": f"m-{place}-{n}", "species": "Mus musculus", "daily": daily} for n in range(self.task.subjects)]
        return [UUID((await self._must("subjects", body))["id"]) for body in bodies]

    async def _must(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._post(path, body)
        if answer.status not in {200, 201}:
            raise BenchError(f"{path} is answered with {answer.status}: {answer.said}")
        return answer.said

    # meanwhile

    async def run(self) -> None:
        """Have all runs made."""
        async with asyncio.TaskGroup() as group:
            for place in range(self.task.cages.count):
                group.create_task(self._inhabit(place))
        self.finished.set()

    async def stop(self) -> None:
        """Have no further run begin, and those under way end after their trial."""
        self.task = replace(self.task, runs=len(self.orders), meddle=False)
        await asyncio.gather(*(self._until_stopped(order.run_id) for order in self.orders))

    def running(self) -> int:
        """Return how many runs were in their second trial or a later one when last looked at."""
        views = (each["now"] for each in self.views.values())
        return sum(bool(now) and now["phase"] == "running" and now["trial"] > 1 for now in views)

    async def _inhabit(self, place: int) -> None:
        dice, made = Random(f"lics study {self.seed} {place}"), 0
        while self._claimed < self.task.runs:
            self._claimed += 1
            order = await self._accepted(place, made, dice)
            made += 1
            self.orders.append(order)
            ended = await self._until_over(order.run_id, dice)
            self.over[order.run_id] = ended
            if ended["phase"] == "failed" and not ended["trials"]:
                self.unmade, self._claimed = self.unmade + 1, self._claimed - 1

    async def _accepted(self, place: int, made: int, dice: Random) -> Ordered:
        """Order a run under one key until it is taken."""
        animals = self.subjects[place]
        subject = animals[min(made // RUNS_A_SUBJECT, len(animals) - 1)]
        number = dice.choices(range(1, len(VERSIONS) + 1), [each.weight for each in VERSIONS])[0]
        body = {"rig_id": self._rigs[place], "protocol": NAME, "number": number, "subject_id": str(subject)}
        body["seed"] = dice.randrange(2**31)
        while True:
            answer = await self._post("runs", body, f"chaos-{self.seed}-{place}-{made}")
            self.asked[answer.word] += 1
            if answer.status == httpx.codes.ACCEPTED:
                return Ordered(UUID(answer.said["id"]), place, subject)
            await asyncio.sleep(RETRY_S)

    async def _until_over(self, run_id: UUID, dice: Random) -> dict[str, Any]:
        waits_since: float | None = None
        clock = asyncio.get_running_loop().time
        next_s = clock() + dice.expovariate(1 / MEDDLE_S)
        while True:
            await asyncio.sleep(LOOK_S)
            answer = await self._ask("GET", f"runs/{run_id}")
            if answer.status != httpx.codes.OK:
                self.asked[f"look: {answer.word}"] += 1
                continue
            view = self.views[run_id] = answer.said
            if view["ended_at"] is not None:
                return view
            now = view["now"]
            waiting = now is not None and now["phase"] in {"paused", "recovering"} and not now["holding"]
            waits_since = (waits_since or clock()) if waiting else None
            if waits_since is not None and clock() - waits_since > RESUMED_AFTER_S:
                await self._wish(run_id, "resume", {})
            elif self.task.meddle and clock() > next_s:
                next_s = clock() + dice.expovariate(1 / MEDDLE_S)
                await self._wish(run_id, *_whim(dice))

    async def _until_stopped(self, run_id: UUID) -> None:
        while run_id not in self.over:
            await self._wish(run_id, "stop", {"reason": "enough"})
            await asyncio.sleep(LOOK_S)

    async def _wish(self, run_id: UUID, verb: str, body: dict[str, Any]) -> None:
        answer = await self._post(f"runs/{run_id}/{verb}", body)
        self.meddled[f"{verb} {answer.word}"] += 1

    async def fluid(self) -> dict[UUID, dict[str, Any]]:
        """Return what LICS says of each subject's day."""
        found = {}
        for subject in (each for animals in self.subjects for each in animals):
            answer = await self._ask("GET", f"subjects/{subject}/fluid")
            if answer.status != httpx.codes.OK:
                raise BenchError(f"a subject's day is answered with {answer.status}: {answer.said}")
            found[subject] = answer.said
        return found

    async def _post(self, path: str, body: dict[str, Any], key: str | None = None) -> Answer:
        return await self._ask("POST", path, json=body, headers={} if key is None else {"Idempotency-Key": key})

    async def _ask(self, method: str, path: str, **more: Any) -> Answer:
        try:
            answer = await self.api.request(method, f"/api/v1/{path}", **more)
            return Answer(answer.status_code, answer.json())
        except (httpx.HTTPError, ValueError) as error:
            return Answer(SILENT, {"detail": {"code": type(error).__name__}})


def _whim(dice: Random) -> tuple[str, dict[str, Any]]:
    match dice.randrange(4):
        case 0:
            return "pause", {"reason": "to look after the animal"}
        case 1:
            return "reward", {"amount": f"{VOLUME_UL} ul"}
        case _:
            return "annotate", {"text": "it grooms"}


@asynccontextmanager
async def studying(task: Task, devices: Sequence[DemoDevice], api: httpx.AsyncClient, seed: int) -> AsyncIterator[Study]:
    """Make runs within the block, over connections like `api`'s."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=api.base_url, headers=api.headers, timeout=ASK_S, limits=limits) as client:
        study = Study(task, devices, client, seed)
        await study.prepare()
        running = asyncio.create_task(study.run())
        try:
            yield study
        finally:
            running.cancel()
            (outcome,) = await asyncio.gather(running, return_exceptions=True)
            if isinstance(outcome, Exception):
                raise outcome
