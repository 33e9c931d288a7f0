"""Commands over REST while everything breaks: harmless ones, actuating ones, some with a key and asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx

from drivers.native.demo import DemoDevice

ASK_S = 8.0
TRIES = 4
MOST_UNDER_WAY = 40
ARGS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "pump": [
        ("dispense", {"volume_ul": 2.0}),
        ("dispense", {"volume_ul": 5.0}),
        ("set_flow_rate", {"rate_ul_s": 250.0}),
        ("identify", {"seconds": 1}),
    ],
    "feeder": [("feed", {"pellets": 1}), ("identify", {"seconds": 1})],
    "lickometer": [
        ("show_image", {"image": "gratings"}),
        ("set_threshold", {"threshold_pf": 12.0}),
        ("identify", {"seconds": 1}),
    ],
    "environment": [("identify", {"seconds": 1})],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a request: status 0 where none came. `state` and `command_id` of 200 and 202."""

    status: int
    command_id: UUID | None = None
    state: str = ""
    what: str = ""


@dataclass(slots=True)
class Request:
    """A command that somebody wanted, once; `answers`: to each time it was asked. `tag` is its reason in the record."""

    tag: str
    device_id: UUID
    name: str
    keyed: bool
    answers: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class Load:
    """Asks at a steady pace, whatever the answers."""

    api: httpx.AsyncClient
    devices: tuple[DemoDevice, ...]
    seed: int
    per_s: float
    requests: list[Request] = field(default_factory=list)

    async def run(self) -> None:
        """Ask until cancelled; what is under way then is asked to its end."""
        dice = Random(f"lics chaos load {self.seed}")
        pumps = [device for device in self.devices for _ in range(3 if device.type == "pump" else 1)]
        turn = asyncio.Semaphore(MOST_UNDER_WAY)
        under_way: set[asyncio.Task[None]] = set()
        limits = httpx.Limits(max_connections=MOST_UNDER_WAY)
        base_url, headers = self.api.base_url, self.api.headers
        async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=ASK_S, limits=limits) as client:
            try:
                while True:
                    await turn.acquire()
                    task = asyncio.create_task(self._ask(client, dice.choice(pumps), Random(dice.random())))
                    under_way.add(task)
                    task.add_done_callback(lambda done: (under_way.discard(done), turn.release()))
                    await asyncio.sleep(dice.expovariate(self.per_s))
            finally:
                await asyncio.gather(*under_way)

    async def _ask(self, client: httpx.AsyncClient, device: DemoDevice, dice: Random) -> None:
        name, args = dice.choice(ARGS[device.type])
        request = Request(f"chaos-{self.seed}-{len(self.requests)}", device.id, name, keyed=dice.random() < 0.4)
        self.requests.append(request)
        body = {"name": name, "args": args, "reason": request.tag, "timeout_s": 3.0, "wait": dice.random() < 0.8, "wait_s": 4.0}
        headers = {"Idempotency-Key": request.tag} if request.keyed else {}
        for attempt in range(TRIES if request.keyed else 1):
            answer = await _answer(client, f"/api/v1/devices/{device.id}/command", body, headers)
            request.answers.append(answer)
            if 200 <= answer.status < 500:
                return
            await asyncio.sleep(0.3 * 2**attempt)


async def _answer(client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> Answer:
    try:
        said = await client.post(path, json=body, headers=headers)
        told = said.json()
    except (httpx.HTTPError, ValueError) as error:
        return Answer(0, what=type(error).__name__)
    if said.status_code in {200, 202}:
        return Answer(said.status_code, UUID(told["id"]), told["state"])
    return Answer(said.status_code, what=str(told.get("detail", {}).get("code", told)))


@asynccontextmanager
async def loaded(api: httpx.AsyncClient, devices: tuple[DemoDevice, ...], seed: int, per_s: float) -> AsyncIterator[Load]:
    """Command these devices within the block, over connections like `api`'s."""
    load = Load(api, devices, seed, per_s)
    task = asyncio.create_task(load.run())
    try:
        yield load
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
