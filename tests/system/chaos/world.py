"""The world that chaos strikes: servers, the links to them, a whole LICS kept up, and devices; and who is who in it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil

from drivers.native.demo import counted_devices
from lics_actors.fleet.recorders import recorder_name
from lics_actors.fleet.state import device_node, rack_node
from lics_actors.run.orders import run_of_node
from lics_actors.runtime.process import RecordedProcess, running
from lics_actors.services.ports import free_port
from lics_actors.services.server import Server
from tests.benchmarks.errors import BenchError
from tests.benchmarks.servers import Servers
from tests.benchmarks.whole_lics import SETTINGS, BenchLaboratory
from tests.system.chaos.instruments import NO_CAGES, Cages, Instruments, instruments
from tests.system.chaos.link import LOOPBACK, Link
from tests.system.chaos.plan import Scope
from tests.system.laboratory import subscribed
from tests.waiting import eventually

SERVERS = {"broker": "broker", "postgres": "postgres", "redis": "valkey"}  # target → the server's own name
READY_S, ONLINE_S, STOP_S = 60.0, 60.0, 30.0
AGAIN_S = 0.5  # systemd's RestartSec is 0.1 s by default
LOOK_S = 0.05
NOBODY = "nobody"  # has no node in any tree
PATIENT_S = 120.0  # a device that is not to speak yet is not stale on a slow machine
SUBSCRIBED_S = 1.0  # recorders hear of a device when its rack does; what it says before they have subscribed is nobody's


@dataclass(slots=True)
class World:
    """Everything there is. `up_starts`: how often `lics up` was started."""

    on: Servers
    laboratory: BenchLaboratory
    links: Mapping[str, Link]
    instruments: Instruments
    scope: Scope
    seed: int
    up_starts: int = 1
    leaving: bool = False
    held: set[int] = field(default_factory=set)  # pids that were stopped (SIGSTOP) and not continued yet

    @property
    def data_dir(self) -> Path:
        """Return LICS's data directory."""
        return self.laboratory.data_dir

    def server(self, target: str) -> Server:
        """Return a server by its name among the targets."""
        return self.on.started[SERVERS[target]]

    def up(self) -> psutil.Process | None:
        """Return `lics up` while it runs."""
        process = self.laboratory.processes.get("up")
        return psutil.Process(process.pid) if process is not None and process.poll() is None else None

    def find(self, target: str) -> list[psutil.Process]:
        """Return the processes of a target; none where it is down just now."""
        try:
            return self._find(target)
        except psutil.Error:  # it went while we looked
            return []

    def _find(self, target: str) -> list[psutil.Process]:
        name, _, number = target.partition(":")
        place = int(number or 0)
        match name:
            case "actor" | "rack" | "recorder" | "registrar" | "housekeeper" | "scheduler" | "fleet" | "admin" | "run" | "runs":
                return self._actors(self.node(target))
            case "launcher":
                return self._programs("fleet", "run")
            case "web":
                return self._programs("lics_actors", "web")
            case "worker":
                web = self._programs("lics_actors", "web")
                return sorted(web[0].children(), key=lambda each: each.pid)[place : place + 1] if web else []
            case "up":
                return [up] if (up := self.up()) else []
            case "everything":
                servers = [process for each in SERVERS for process in self.find(each)]
                return [*self.family(), *servers]
            case _:
                pid = self.server(name).pid
                return [] if pid is None else [process := psutil.Process(pid), *process.children(recursive=True)]

    def node(self, target: str) -> str:
        """Return the name that a target has in the supervision tree; `run:n` is the n-th of those that are under way."""
        name, _, number = target.partition(":")
        match name:
            case "actor":
                return device_node(self.instruments.devices[int(number)].id)
            case "rack":
                return rack_node(int(number) + 1)
            case "recorder":
                return recorder_name(int(number) + 1)
            case "run":
                alive = sorted({each.role for each in self.recorded() if run_of_node(each.role) is not None})
                return alive[int(number) % len(alive)] if alive else NOBODY
            case _:
                return name

    def family(self) -> list[psutil.Process]:
        """Return `lics up` and everything below it."""
        up = self.up()
        return [up, *up.children(recursive=True)] if up else []

    def recorded(self) -> list[RecordedProcess]:
        """Return the fleet's processes that run, as they wrote themselves down."""
        return running(self.data_dir / "run" / "fleet.pids")

    def strays(self) -> list[psutil.Process]:
        """Return the processes that work for this LICS and are not below `lics up`."""
        ours, mark = {each.pid for each in self.family()}, str(self.data_dir)
        return [each for each in psutil.process_iter() if each.pid not in ours and _works_for(each, mark)]

    def _actors(self, role: str) -> list[psutil.Process]:
        return [psutil.Process(each.pid) for each in self.recorded() if each.role == role]

    def _programs(self, *words: str) -> list[psutil.Process]:
        up = self.up()
        return [each for each in up.children() if tuple(each.cmdline()[-2:]) == words] if up else []

    async def keep_up(self) -> None:
        """Start `lics up` again whenever it has ended, as a service manager would."""
        while not self.leaving:
            if self.laboratory.processes["up"].poll() is not None:
                await asyncio.sleep(AGAIN_S)
                self.laboratory.start("up", "up")
                self.up_starts += 1
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        """Stop LICS in order.

        Raises:
            AssertionError: it did not stop within `STOP_S`.
        """
        self.leaving = True
        process = self.laboratory.processes.pop("up")
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"`lics up` did not stop within {STOP_S} s") from None


def _works_for(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error, OSError):
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get("LICS_DATA_DIR") == mark
    return False


@asynccontextmanager
async def world(on: Servers, scope: Scope, seed: int, rate_hz: float, cages: Cages = NO_CAGES) -> AsyncIterator[World]:
    """Build a world, all of it at work and all devices online, subjects in `cages`.

    Raises:
        BenchError: it does not come up.
    """
    folder = on.data_dir / "lics"
    (folder / "tmp").mkdir(parents=True)
    async with AsyncExitStack() as stack:
        links = {name: await stack.enter_async_context(Link(port)) for name, port in _ports(on).items()}
        laboratory = _laboratory(on, folder, links, scope)
        stack.push_async_callback(laboratory.api.aclose)
        laboratory.start("up", "up")
        stack.push_async_callback(_end, laboratory)
        try:
            await eventually(laboratory._answers, READY_S, "LICS answers")
        except AssertionError as error:
            raise BenchError(f"LICS does not come up: {error}\n{(folder / 'up.out').read_text()[-2000:]}") from None
        for device in counted_devices(scope.devices):
            await laboratory.register(device, silent_s=PATIENT_S)
        port = links["devices-broker"].port
        state_dir = on.data_dir / "instruments"
        playing = instruments(scope.devices, port, on.broker.prefix, state_dir, rate_hz, seed, cages)
        made = World(on, laboratory, links, await stack.enter_async_context(playing), scope, seed)
        keeping = asyncio.create_task(made.keep_up())
        stack.callback(keeping.cancel)
        await eventually(lambda: all_online(made), ONLINE_S, "all devices are online")
        known = partial(subscribed, folder, on.broker.prefix, made.instruments.devices)
        await eventually(known, ONLINE_S, "the recorders know of all devices")
        await asyncio.sleep(SUBSCRIBED_S)
        await made.instruments.order("speak")
        yield made


def _ports(on: Servers) -> dict[str, int]:
    ports = {name: urlsplit(url).port or 0 for name, url in (("lics-postgres", on.database_url), ("lics-redis", on.redis_url))}
    return {**ports, "lics-broker": on.broker.port, "devices-broker": on.broker.port}


def _laboratory(on: Servers, folder: Path, links: Mapping[str, Link], scope: Scope) -> BenchLaboratory:
    database_url, redis_url = _through(on.database_url, links["lics-postgres"]), _through(on.redis_url, links["lics-redis"])
    broker = on.broker.__class__(LOOPBACK, links["lics-broker"].port, on.broker.prefix)
    settings = {
        **SETTINGS,
        "LICS_RECORDERS": str(scope.recorders),
        "LICS_WEB_WORKERS": str(scope.workers),
        "TMPDIR": str(folder / "tmp"),
    }
    return BenchLaboratory(folder, database_url, redis_url, broker, free_port, settings)


def _through(url: str, link: Link) -> str:
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}{at}{LOOPBACK}:{link.port}"))


async def _end(laboratory: BenchLaboratory) -> None:
    """Whatever came before: leave no process."""
    process = laboratory.processes.pop("up", None)
    if process is not None and process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, STOP_S)
        process.kill()
    for each in psutil.process_iter():
        if each.pid != os.getpid() and _works_for(each, str(laboratory.data_dir)):
            with suppress(psutil.Error):
                each.kill()


async def all_online(made: World) -> bool:
    """Return whether LICS says of every device that it is online."""
    nodes = await made.laboratory.nodes()
    return all(nodes.get(device_node(each.id), {}).get("word") == "online" for each in made.instruments.devices)
