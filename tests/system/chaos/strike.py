"""Carries out a plan of faults on a world, and heals it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psutil

from lics_actors.services.server import Server
from tests.system.chaos.plan import Fault, Kind
from tests.system.chaos.world import NOBODY, SERVERS, World

PATIENCE_S = 4.0  # for a target that is down just now to come back and be struck
DELAY_S = 0.4
LOOK_S = 0.1
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault and what became of it: empty where there was nobody to strike."""

    fault: Fault
    began_s: float
    what: str

    def __str__(self) -> str:
        return f"{self.fault}  {self.what or 'nobody there'} (at {self.began_s:.1f} s)"


@dataclass(slots=True)
class Striker:
    """Strikes one world. `timeline`: what was done so far."""

    world: World
    timeline: list[Struck] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)  # no further fault begins
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def rage(self, faults: Sequence[Fault], tell: Callable[[Struck], None]) -> None:
        """Carry out all faults, each at its time, however long those before it last; fewer where it is enough before."""
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def one(fault: Fault) -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.enough.wait(), max(0.0, began + fault.at_s - loop.time()))
                return
            began_s = loop.time() - began
            place = len(self.timeline)
            self.timeline.append(Struck(fault, began_s, "under way"))
            what = await self._strike(fault)
            self.timeline[place] = Struck(fault, began_s, what)
            tell(self.timeline[place])

        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                tasks.create_task(one(fault))

    async def heal(self) -> None:
        """Set everything right that is not LICS's own to set right."""
        for link in self.world.links.values():
            link.heal()
        for pid in list(self.world.held):
            with suppress(psutil.Error):
                psutil.Process(pid).resume()
        for name in self.world.scope.servers:
            async with self._lock(name):
                if self.world.server(name).pid is None:
                    await self.world.server(name).start()
        for place in range(self.world.scope.devices):
            await self.world.instruments.order("thaw", place)
            await self.world.instruments.order("on", place)

    async def _strike(self, fault: Fault) -> str:
        name = fault.target.partition(":")[0]
        if name in SERVERS:
            async with self._lock(name):
                return await self._server(fault)
        match name:
            case "link":
                return await self._link(fault)
            case "device":
                return await self._device(fault)
            case "everything":
                return await self._everything()
            case _ if fault.kind in {Kind.RESTART, Kind.DRAIN}:
                return await self._steer(fault)
            case _:
                return await self._process(fault)

    async def _process(self, fault: Fault) -> str:
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while not (found := self.world.find(fault.target)):
            if asyncio.get_running_loop().time() > until:
                return ""
            await asyncio.sleep(LOOK_S)
        if fault.kind is Kind.KILL:
            return self._kill(found)
        return await self._pause(found, fault.duration_s)

    def _kill(self, those: Sequence[psutil.Process]) -> str:
        done = [each.pid for each in those if _signalled(each, signal.SIGKILL)]
        return f"pid {', '.join(map(str, done))}" if done else ""

    async def _pause(self, those: Sequence[psutil.Process], seconds: float) -> str:
        stopped = [each for each in those if _signalled(each, signal.SIGSTOP)]
        self.world.held.update(each.pid for each in stopped)
        await asyncio.sleep(seconds)
        survived = [_signalled(each, signal.SIGCONT) for each in stopped]
        self.world.held.difference_update(each.pid for each in stopped)
        gone = survived.count(False)
        return f"pid {stopped[0].pid}{f', {gone} of {len(stopped)} gone by the end' if gone else ''}" if stopped else ""

    async def _server(self, fault: Fault) -> str:
        server = self.world.server(fault.target)
        if server.pid is None:
            return ""
        if fault.kind is Kind.PAUSE:
            return await self._pause(self.world.find(fault.target), fault.duration_s)
        pid = server.pid
        if fault.kind is Kind.KILL:
            server.kill()
            await server.ended()
        else:
            await server.stop()
        await asyncio.sleep(fault.duration_s)
        await server.start()
        return f"pid {pid}"

    async def _everything(self) -> str:
        servers = sorted(self.world.scope.servers)
        for name in servers:
            await self._lock(name).acquire()
        try:
            what = self._kill(self.world.find(EVERYTHING))
            await asyncio.gather(*(_again(self.world.server(name)) for name in servers))
            return f"{len(what.split())} processes" if what else ""
        finally:
            for name in servers:
                self._lock(name).release()

    async def _link(self, fault: Fault) -> str:
        link = self.world.links[fault.target.partition(":")[2]]
        count = link.connections
        match fault.kind:
            case Kind.RESET:
                link.reset()
            case Kind.DROP:
                link.drop()
            case Kind.HOLE:
                link.hole()
            case _:
                link.slow(DELAY_S)
        await asyncio.sleep(fault.duration_s)
        if fault.kind is not Kind.RESET:
            link.heal()
        return f"{count} connections"

    async def _device(self, fault: Fault) -> str:
        place = int(fault.target.partition(":")[2])
        first, then = ("off", "on") if fault.kind is Kind.CUT else ("freeze", "thaw")
        await self.world.instruments.order(first, place)
        await asyncio.sleep(fault.duration_s)
        await self.world.instruments.order(then, place)
        return "done"

    async def _steer(self, fault: Fault) -> str:
        node = self.world.node(fault.target)
        if node == NOBODY:
            return ""
        said = await self._ask(fault.kind.value, node)
        if fault.kind is Kind.DRAIN:
            await asyncio.sleep(fault.duration_s)
            said += f", cleared; {await self._ask('clear', node)}"  # what is not cleared now is when all is healed
        return f"asked for; {said}"

    async def _ask(self, verb: str, node: str) -> str:
        try:
            answer = await self.world.laboratory.api.post(f"/api/v1/fleet/{verb}", json={"node": node, "reason": "chaos"})
        except httpx.TransportError as error:
            return type(error).__name__
        return str(answer.status_code)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


async def _again(server: Server) -> None:
    await server.ended()
    await server.start()


def _signalled(process: psutil.Process, number: int) -> bool:
    try:
        process.send_signal(number)  # psutil sees to it that the pid is still this process's
    except psutil.Error:
        return False
    return True
