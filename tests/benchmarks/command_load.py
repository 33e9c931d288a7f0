"""Commands over HTTP in a closed loop: so many callers, each with a connection it keeps and the next request after the answer.

Run as `python -m tests.benchmarks.command_load SETTINGS`; prints one JSON object, `Answered`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

import msgspec
import uvloop

from tests.benchmarks.http_caller import Caller
from tests.benchmarks.saying import say

BODY = {"name": "set_temperature", "args": {"value": 21.5}}
OK = 200


class Settings(msgspec.Struct):
    """Caller n begins at path n and goes round: with as many paths as callers it keeps to its own. `warm_s` is not counted."""

    port: int
    token: str
    paths: list[str]
    callers: int
    seconds: float
    warm_s: float = 0.0


class Answered(msgspec.Struct):
    """How long each request of the counted time took, and the rate; of all requests the ids answered 200, and other statuses.

    `others` holds the states of commands that were answered 200 and did not succeed, too.
    `such_as`: what the first of the other answers said.
    """

    took_ms: list[float]
    per_s: float
    cpu_share: float
    ids: list[str]
    others: dict[str, int]
    such_as: str


class _Answer(msgspec.Struct):
    id: str
    state: str = "succeeded"


async def play(settings: Settings) -> Answered:
    """Call until the time is over."""
    callers = [await Caller.open(settings.port, settings.token) for _ in range(settings.callers)]
    bodies: list[bytes] = []
    others: dict[str, int] = {}
    took_ms: list[float] = []
    such_as = ""
    began = time.perf_counter() + settings.warm_s
    until = began + settings.seconds

    async def call(caller: Caller, turn: int) -> None:
        nonlocal such_as
        paths, step = settings.paths, settings.callers
        async with caller:
            while (sent := time.perf_counter()) < until:
                status, body = await caller.post(paths[turn % len(paths)], BODY)
                now, turn = time.perf_counter(), turn + step
                if status == OK:
                    bodies.append(body)
                else:
                    such_as = such_as or body[:500].decode(errors="replace")
                    others[str(status)] = others.get(str(status), 0) + 1
                if sent >= began:
                    took_ms.append((now - sent) * 1e3)

    used = time.process_time()
    await asyncio.gather(*(call(caller, place) for place, caller in enumerate(callers)))
    seconds = time.perf_counter() - began
    share = (time.process_time() - used) / (seconds + settings.warm_s)
    answers = [msgspec.json.decode(body, type=_Answer) for body in bodies]
    others |= Counter(answer.state for answer in answers if answer.state != "succeeded")
    return Answered(took_ms, len(took_ms) / seconds, share, [answer.id for answer in answers], others, such_as)


if __name__ == "__main__":
    say(uvloop.run(play(msgspec.json.decode(sys.argv[1], type=Settings))))
