"""FleetClient: the only way into the fleet from web and CLI. An asyncio peer; no thread, no actor system of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar
from uuid import UUID

from thespian.actors import ActorAddress

from config.settings import Settings
from lics_actors.device.messages import (
    AskCommand,
    AskTwin,
    CancelCommand,
    DeviceSpec,
    DeviceTwin,
    InterlocksReset,
    RequestCommand,
    ResetInterlocks,
    RigSpec,
)
from lics_actors.errors import DeviceNotFoundError, DeviceTimeoutError, FleetUnavailableError, LicsError, RunNotFoundError
from lics_actors.fleet.messages import (
    AskAlive,
    AskCrashes,
    AskFleet,
    AskRoll,
    DeviceLocated,
    LocateDevice,
    NodeView,
    RegisterDevice,
    RegisterRig,
    RelaunchFleet,
    RestartNode,
    RollNodes,
    RollView,
    SteerNode,
)
from lics_actors.fleet.place import FleetPlace, read_place
from lics_actors.hosts.places import HostPlace, KnownHosts
from lics_actors.hosts.tree import laboratory_tree, owner_of, refusal
from lics_actors.run.messages import AskRun, AskRuns, LocateRun, RunLocated, RunView, RunWish, StartRun
from lics_actors.run.orders import RunOrder
from lics_actors.runtime import transport
from lics_actors.runtime.messages import AskDoor, DoorAt
from lics_actors.runtime.pacing import Pacing, beginnings
from lics_actors.runtime.peer import Peer, actor_address, host_port
from lics_actors.store.records import Command, CrashReport
from lics_actors.supervision.specs import Verb

MAX_LOCATIONS = 10_000  # far above any fleet of one host; the oldest is forgotten first
ASK_S = 2.0  # a supervisor or an idle actor answers in a millisecond; two seconds are a machine in trouble
RELAUNCH_S = 65.0  # the program on disk is tried first
RESTART_S = 40.0  # an orderly stop, and a begin that may take its time
BEYOND_WAIT_S = 2.0  # an actor answers a command after `wait_s` at the latest; so much for the way

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Located:
    """Where a device's actor is, and its door where it has one."""

    address: ActorAddress
    door: tuple[str, int] | None


class FleetClient:
    """Opened with `await FleetClient.open(settings)`, also while no fleet runs: each question finds out anew.

    Every method raises the LicsError of whoever answers, FleetUnavailableError when nobody does, and DeviceTimeoutError when
    it takes too long. Questions and commands may be repeated safely: what is done is done once per command id.
    """

    def __init__(self, run_dir: Path, pacing: Pacing, peer: Peer) -> None:
        self._run_dir = run_dir
        self._hosts = KnownHosts(run_dir)
        self._pacing = pacing
        self._peer = peer
        self._place: FleetPlace | None = None
        self._devices: OrderedDict[UUID, _Located] = OrderedDict()
        self._runs: OrderedDict[UUID, _Located] = OrderedDict()

    @classmethod
    async def open(cls, settings: Settings, *, max_queued: int = 64) -> Self:
        """Make ready. `max_queued`: requests that may wait for one actor; a further one is refused at once."""
        transport.install(settings.transport_key(), settings.fleet_host)
        pacing = Pacing(beginnings(settings.web_workers))
        return cls(settings.run_dir, pacing, await Peer.open(settings.fleet_host, max_queued))

    @classmethod
    async def within(cls, run_dir: Path, host: str) -> Self:
        """Make ready in a process of the fleet, whose transport is installed."""
        return cls(run_dir, Pacing(beginnings(1)), await Peer.open(host))

    async def close(self) -> None:
        """Fail what still waits and close every connection."""
        await self._peer.close()

    async def alive(self) -> float:
        """Return how long the FleetSupervisor took to answer, in seconds."""
        began = time.perf_counter()
        await self._ask_fleet(AskAlive(), bool)
        return time.perf_counter() - began

    async def tree(self) -> NodeView:
        """Return the supervision tree; of several hosts, all of theirs."""
        places = self._hosts.all()
        if not places:
            return await self._ask_fleet(AskFleet(), NodeView)
        answers = await self._ask_hosts(places, AskFleet(), NodeView)
        trees = {name: answer for name, answer in answers.items() if isinstance(answer, NodeView)}
        if not trees:
            raise _not_running()
        return laboratory_tree(places, trees, datetime.now(UTC))

    async def register(self, spec: DeviceSpec) -> None:
        """Have a device's actor started, changed, or (retired) stopped; its row is committed."""
        await self._tell_fleets(RegisterDevice(spec))

    async def register_rig(self, rig_id: UUID, rig: RigSpec | None) -> None:
        """Have devices take over the interlocks of a rig that is new, changed or (None) gone; its row is committed."""
        await self._tell_fleets(RegisterRig(rig_id, rig))

    async def reset(self, request: ResetInterlocks) -> InterlocksReset:
        """Have a device forget that interlocks have tripped.

        Raises:
            InterlockTrippedError: a condition still is so.
        """
        return await self._ask_device(request.device_id, request, InterlocksReset)

    async def restart(self, node: str, principal: str, reason: str | None) -> None:
        """Restart a node of the tree and wait until its new incarnation has begun. Lifts a quarantine.

        Raises:
            NodeNotFoundError, ConflictError (it was given up again), FleetUnavailableError, DeviceTimeoutError
        """
        await self._ask_node(RestartNode(node, principal, reason), bool, RESTART_S)

    async def steer(self, node: str, verb: Verb, principal: str, reason: str | None) -> None:
        """Restart, drain, quarantine or clear a node of the tree and wait until that is done.

        Raises:
            NodeNotFoundError, ConflictError (somebody else overruled it), FleetUnavailableError, DeviceTimeoutError
        """
        await self._ask_node(SteerNode(node, verb, principal, reason), bool, RESTART_S)

    async def roll(self, at_once: int, principal: str, reason: str | None) -> RollView:
        """Have all that run restarted, `at_once` at a time; return how it stands. `rolling` tells more.

        Raises:
            ConflictError (one is under way), FleetUnavailableError, DeviceTimeoutError
        """
        return await self._ask_fleet(RollNodes(at_once, principal, reason), RollView)

    async def rolling(self) -> RollView:
        """Return how the last rolling restart stands.

        Raises:
            NotFoundError: there was none since the fleet began.
        """
        return await self._ask_fleet(AskRoll(), RollView)

    async def relaunch(self, principal: str, reason: str | None) -> None:
        """Have the fleet ended and started anew from the program on disk; returns when that begins.

        Raises:
            ConflictError (that program would not start), FleetUnavailableError, DeviceTimeoutError
        """
        await self._ask_fleet(RelaunchFleet(principal, reason), bool, RELAUNCH_S)

    async def crashes(self, node: str) -> tuple[CrashReport, ...]:
        """Return how a node died lately, newest first."""
        return await self._ask_node(AskCrashes(node), tuple)

    async def twin(self, device_id: UUID) -> DeviceTwin:
        """Return what is true of a device now."""
        return await self._ask_device(device_id, AskTwin(device_id), DeviceTwin)

    async def command(self, request: RequestCommand) -> Command:
        """Have a device do something; return the command as it stands after at most `wait_s`."""
        timeout_s = request.wait_s + BEYOND_WAIT_S
        return await self._pacing.run(lambda: self._ask_device(request.device_id, request, Command, timeout_s))

    async def command_status(self, device_id: UUID, command_id: UUID) -> Command:
        """Return a command as the device's journal has it."""
        return await self._ask_device(device_id, AskCommand(device_id, command_id), Command)

    async def cancel(self, request: CancelCommand) -> Command:
        """Call a command off that was not dispatched yet; return it as it stands."""
        return await self._ask_device(request.device_id, request, Command)

    # runs

    async def start_run(self, order: RunOrder) -> None:
        """Have a run begin on this host; from here on it comes to its end, whatever dies.

        Raises:
            ConflictError (another order has this id), FleetUnavailableError, StorageFullError
        """
        await self._ask_fleet(StartRun(order), bool)

    async def runs(self) -> tuple[UUID, ...]:
        """Return the runs that are not over, of all hosts that answer."""
        places = self._hosts.all()
        if not places:
            return await self._ask_fleet(AskRuns(), tuple)
        answers = (await self._ask_hosts(places, AskRuns(), tuple)).values()
        return tuple(run_id for answer in answers if isinstance(answer, tuple) for run_id in answer)

    async def run(self, run_id: UUID) -> RunView:
        """Return a run as it is.

        Raises:
            RunNotFoundError: it is over, or was never begun.
        """
        return await self._ask_run(run_id, AskRun(run_id))

    async def steer_run(self, wish: RunWish) -> RunView:
        """Do with a run what an operator wants; return it as it is then. A wish may be repeated under its `ask_id`.

        Raises:
            RunNotFoundError: it is over, or was never begun. RunRefusedError: its state forbids it.
        """
        return await self._ask_run(wish.run_id, wish)

    async def _ask_run(self, run_id: UUID, body: AskRun | RunWish) -> RunView:
        known = self._runs.get(run_id)
        if known is not None:
            try:
                return await self._ask_at(known, body, RunView, ASK_S)
            except (FleetUnavailableError, RunNotFoundError) as error:
                if _too_busy(error):
                    raise
                self._runs.pop(run_id, None)
        places = self._hosts.all()
        question = LocateRun(run_id)
        found = await (self._first_of(places, question, RunLocated) if places else self._ask_fleet(question, RunLocated))
        address: ActorAddress = found.address
        located = self._runs[run_id] = _Located(address, await self._door_of(address))
        if len(self._runs) > MAX_LOCATIONS:
            self._runs.popitem(last=False)
        return await self._ask_at(located, body, RunView, ASK_S)

    # the fleet

    async def _ask_fleet(self, body: object, kind: type[Answer], timeout_s: float = ASK_S) -> Answer:
        """Ask where the FleetSupervisor was last; where nobody is there any more, look where it is now and ask once again."""
        place = self._place or self._look()
        try:
            return await self._ask(actor_address(place.host, place.port), body, kind, timeout_s)
        except FleetUnavailableError as error:
            if not _nobody_heard(error):
                raise
            moved = self._look()
            if moved == place:
                raise _not_running() from error
        return await self._ask(actor_address(moved.host, moved.port), body, kind, timeout_s)

    def _look(self) -> FleetPlace:
        self._place = read_place(self._run_dir)
        if self._place is None:
            raise _not_running()
        return self._place

    # several hosts

    async def _ask_node(self, body: RestartNode | SteerNode | AskCrashes, kind: type[Answer], timeout_s: float = ASK_S) -> Answer:
        places = self._hosts.all()
        if not places:
            return await self._ask_fleet(body, kind, timeout_s)
        host, node = owner_of(await self.tree(), body.node)
        place = next(place for place in places if place.name == host)
        return await self._ask_host(place, replace(body, node=node), kind, timeout_s)

    async def _tell_fleets(self, body: object) -> None:
        """Tell every host's fleet; who does not hear it reads it from the table within half a minute."""
        places = self._hosts.reachable()
        if not places:
            await self._ask_fleet(body, bool)
            return
        answers = await self._ask_hosts(places, body, bool)
        failed = [answer for answer in answers.values() if isinstance(answer, BaseException)]
        if failed and len(failed) == len(answers):
            raise failed[0]

    async def _ask_hosts(
        self, places: Sequence[HostPlace], body: object, kind: type[Answer]
    ) -> dict[str, Answer | BaseException]:
        answers = await asyncio.gather(*(self._ask_host(place, body, kind) for place in places), return_exceptions=True)
        return {place.name: answer for place, answer in zip(places, answers, strict=True)}

    async def _ask_host(self, place: HostPlace, body: object, kind: type[Answer], timeout_s: float = ASK_S) -> Answer:
        """Ask a host's FleetSupervisor; our own is looked for where the launcher says, which knows first."""
        if place.own:
            return await self._ask_fleet(body, kind, timeout_s)
        return await self._ask(actor_address(place.address, place.port), body, kind, timeout_s)

    async def _find(self, places: Sequence[HostPlace], device_id: UUID) -> DeviceLocated:
        """Ask all hosts, and take the word of the first who runs the device."""
        return await self._first_of(places, LocateDevice(device_id), DeviceLocated)

    async def _first_of(self, places: Sequence[HostPlace], question: object, kind: type[Answer]) -> Answer:
        asked = [asyncio.create_task(self._ask_host(place, question, kind)) for place in places]
        errors: list[LicsError] = []
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    return await answer
                except LicsError as error:
                    errors.append(error)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise refusal(errors)

    # devices

    async def ask_device(self, device_id: UUID, body: object, kind: type[Answer], timeout_s: float) -> Answer:
        """Ask a device's actor something of `device.messages`, at once; for the fleet's own, which pace themselves."""
        return await self._ask_device(device_id, body, kind, timeout_s)

    async def _ask_device(self, device_id: UUID, body: object, kind: type[Answer], timeout_s: float = ASK_S) -> Answer:
        """Ask where the device's actor was last; where it is not any more, locate it and ask once again in the time left."""
        known, began = self._devices.get(device_id), time.monotonic()
        if known is not None and not self._hosts.gone(host_port(known.address)[0]):
            try:
                return await self._ask_at(known, body, kind, timeout_s)
            except (FleetUnavailableError, DeviceNotFoundError) as error:  # dead, or another's address by now
                if _too_busy(error) or "outside" in error.facts:
                    raise
                if self._devices.get(device_id) is known:
                    del self._devices[device_id]
        try:
            async with asyncio.timeout(timeout_s + began - time.monotonic()):
                return await self._ask_at(await self._locate(device_id), body, kind, timeout_s)
        except TimeoutError:
            raise DeviceTimeoutError(f"no answer within {timeout_s:g} s", timeout_s=timeout_s) from None

    async def _locate(self, device_id: UUID) -> _Located:
        places = self._hosts.all()
        found = await (
            self._find(self._hosts.reachable(), device_id) if places else self._ask_fleet(LocateDevice(device_id), DeviceLocated)
        )
        located = self._devices[device_id] = _Located(found.address, await self._door_of(found.address))
        if len(self._devices) > MAX_LOCATIONS:
            self._devices.popitem(last=False)
        return located

    async def _door_of(self, address: ActorAddress) -> tuple[str, int] | None:
        at = await self._ask(address, AskDoor(), DoorAt, ASK_S)
        return None if at.port is None else (host_port(address)[0], at.port)

    async def _ask_at(self, located: _Located, body: object, kind: type[Answer], timeout_s: float) -> Answer:
        if located.door is None:
            return await self._ask(located.address, body, kind, timeout_s)
        return _checked(await self._peer.visit(located.door, body, timeout_s), body, kind)

    async def _ask(self, address: ActorAddress, body: object, kind: type[Answer], timeout_s: float) -> Answer:
        return _checked(await self._peer.ask(address, body, timeout_s), body, kind)


def _checked(answer: object, body: object, kind: type[Answer]) -> Answer:
    if not isinstance(answer, kind):
        log.error("answer of another kind", extra={"asked": type(body).__name__, "answered": type(answer).__name__})
        raise LicsError("the fleet answered something else than was asked; fleet and client are of different versions")
    return answer


def _nobody_heard(error: LicsError) -> bool:
    """Return whether the request did not reach any actor, as opposed to an actor's own refusal."""
    return error.facts.get("delivered") is False and "queued" not in error.facts


def _too_busy(error: LicsError) -> bool:
    return "queued" in error.facts


def _not_running() -> FleetUnavailableError:
    return FleetUnavailableError("the fleet is not running", delivered=False)
