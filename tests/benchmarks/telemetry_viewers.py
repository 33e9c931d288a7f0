"""People who look at devices while they are recorded: WebSocket clients of LICS in one process, each watching its share.

Run as `python -m tests.benchmarks.telemetry_viewers SETTINGS`; writes "ready" on stdout once every topic's snapshot has come and,
after SIGTERM, one JSON object, `Seen`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from uuid import UUID

import msgspec
import uvloop

from tests.benchmarks.live_listener import Heard, Listener
from tests.benchmarks.saying import say


class Settings(msgspec.Struct):
    """Where LICS is, and what each client watches."""

    port: int
    token: str
    watched: list[list[UUID]]


class Seen(msgspec.Struct):
    """What they got: `telemetry` messages, client by client. `cpu_share`: of a core."""

    telemetry: list[int]
    gaps: int
    disorder: int
    seconds: float
    cpu_share: float


async def main(settings: Settings) -> Seen:
    """Watch until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    counts = [0] * len(settings.watched)

    async def watch(place: int, devices: list[UUID]) -> Listener:
        def heard(message: Heard, _at: float, _size: int) -> None:
            counts[place] += message.kind == "telemetry"

        return await Listener.open(settings.port, settings.token, [f"device:{device}" for device in devices], heard)

    listeners = await asyncio.gather(*(watch(place, devices) for place, devices in enumerate(settings.watched)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    began, used = time.perf_counter(), time.process_time()
    await stop.wait()
    seconds = time.perf_counter() - began
    share = (time.process_time() - used) / seconds
    for listener in listeners:
        listener.cut()
    gaps, disorder = sum(each.gaps for each in listeners), sum(each.disorder for each in listeners)
    return Seen(counts, gaps, disorder, seconds, share)


if __name__ == "__main__":
    say(uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Settings))))
