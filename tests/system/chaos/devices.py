"""Simulated devices as a process of their own: plays until told to stop, and says at the end what the broker acknowledged.

Run as `python -m tests.system.chaos.devices SETTINGS`; says `ready`, then answers each line of stdin, an `Order`, with a line.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import msgspec

from drivers.native.simulator import SimulatedDevice, SimulatedDeviceSpec, Simulator, SubjectSpec
from lics_actors.device.messages import BrokerSpec

ONLINE_S = 30.0
Ranges = list[tuple[int, int]]  # from, to (inclusive)


class Seat(msgspec.Struct, frozen=True):
    """A device to play."""

    id: UUID
    type: str
    name: str


class Settings(msgspec.Struct):
    """`rate_hz`: telemetry messages a second and device, from `speak` to `quiet`, after which subjects sleep, too. `subjects`:
    the places, cage by cage, at which an ideal subject lives that is `speed` times faster than a rodent."""

    host: str
    port: int
    prefix: str
    state_dir: str
    seats: list[Seat]
    rate_hz: float
    seed: int
    subjects: list[list[int]] = []
    speed: float = 1.0
    username: str | None = None
    password: str | None = None


class Order(msgspec.Struct):
    """`do`: on, off, freeze, thaw for the device at `place`; speak, quiet, online, count or confirmed for all."""

    do: str
    place: int = -1


class Confirmed(msgspec.Struct):
    """What the broker acknowledged to a device, by epoch."""

    telemetry: dict[int, Ranges]
    events: dict[int, Ranges]


def ranges(numbers: Iterable[int]) -> Ranges:
    """Return numbers as ranges."""
    found: Ranges = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def by_epoch(confirmed: Iterable[tuple[int, int]]) -> dict[int, Ranges]:
    """Return each epoch's numbers as ranges."""
    found: dict[int, list[int]] = {}
    for epoch, seq in confirmed:
        found.setdefault(epoch, []).append(seq)
    return {epoch: ranges(numbers) for epoch, numbers in found.items()}


async def _obey(simulator: Simulator, order: Order, rate_hz: float) -> object:
    match order.do:
        case "speak" | "quiet":
            for device in simulator.devices:
                device.set_rate(rate_hz if order.do == "speak" else 0.0)
            if order.do == "quiet":
                simulator.send_to_sleep()  # dozens of them touch something twice a second
        case "online":
            return sum(device.connected for device in simulator.devices)
        case "count":  # quick, also after an hour of much
            return sum(device.confirmed_count for device in simulator.devices)
        case "confirmed":
            return [_confirmed(device) for device in simulator.devices]
        case _:
            device = simulator.devices[order.place]
            match order.do:
                case "on":
                    await device.power_on()
                case "off":
                    await device.power_off()
                case "freeze":
                    device.freeze()
                case "thaw":
                    device.thaw()
    return "done"


def _confirmed(device: SimulatedDevice) -> Confirmed:
    return Confirmed(by_epoch(device.confirmed), by_epoch(device.confirmed_events))


async def play(settings: Settings) -> None:
    """Play until stdin ends."""
    broker = BrokerSpec(settings.host, settings.port, settings.prefix, settings.username, settings.password)
    specs = [
        SimulatedDeviceSpec(seat.id, seat.type, seat.name, rate_hz=0.0, remember=True, keepalive_s=5) for seat in settings.seats
    ]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    subjects = [
        SubjectSpec(f"subject {n}", tuple(settings.seats[place].id for place in places), "ideal", settings.speed)
        for n, places in enumerate(settings.subjects)
    ]
    async with Simulator(broker, specs, Path(settings.state_dir), seed=settings.seed, subjects=subjects) as simulator:
        await simulator.online(ONLINE_S)
        _say("ready")
        while line := await reader.readline():
            _say(await _obey(simulator, msgspec.json.decode(line, type=Order), settings.rate_hz))


def _say(what: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(play(msgspec.json.decode(sys.argv[1], type=Settings)))
