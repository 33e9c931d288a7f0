"""Member: the leaf that makes this host one of several. It says that the host lives, takes duties, and keeps the lease."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from math import inf
from pathlib import Path
from uuid import UUID

from thespian.actors import ActorAddress

from config import __version__
from lics_actors.errors import ConflictError, DatabaseUnavailableError, LicsError, StorageFullError
from lics_actors.fleet.state import device_of_node
from lics_actors.hosts.commands import look_for_commands
from lics_actors.hosts.lease import ENDED, LEASE_S, lease_clock, write_lease
from lics_actors.hosts.memory import Memory, read_memory, write_memory
from lics_actors.hosts.messages import (
    CommandsLeft,
    DutiesHeld,
    DutiesLeft,
    FleetStops,
    HostSteered,
    LaboratoryChanged,
    MemberSpec,
    SteerHost,
)
from lics_actors.hosts.placement import DEAD_S, HostState
from lics_actors.hosts.places import HostPlace, write_hosts
from lics_actors.hosts.tree import host_alarms
from lics_actors.journal import JournalError, journal_path
from lics_actors.journal.alarms import AlarmJournal
from lics_actors.journal.doubt import doubt
from lics_actors.runtime.actor import LeafActor
from lics_actors.runtime.transport import host_port
from lics_actors.store.hosts import Beaten, HostRow, Joining
from lics_actors.store.repository import Repository

BEAT_EVERY_S = 0.5
NAME, SOURCE = "member", "hosts"  # of its journal; and of its alarms, the same at all hosts, so that one stands
ARRANGE_EVERY_S = 30.0  # heals a notice of a changed laboratory that was lost
LEAVE_S = 2.0
STOP_S = 3.0

log = logging.getLogger(__name__)


class Member(LeafActor):
    """Begins with a `MemberSpec`; tells `DutiesHeld`, hears `DutiesLeft`, `LaboratoryChanged` and `FleetStops`."""

    def __init__(self) -> None:
        super().__init__()
        self.word = "joining"
        self.hosts: tuple[HostRow, ...] = ()
        self._held: frozenset[str] = frozenset()
        self._told: frozenset[str] | None = None
        self._lost: set[str] = set()  # others have them, and something of ours may still be there
        self._left: set[str] = set()  # let go here, not yet in the table
        self._leaves = False
        self._arrange = True
        self._arranged_at = 0.0
        self._signature: object = None
        self._fenced = False
        self._generation = 0
        self._beaten_at = self._steady_since = -inf
        self._patient = True
        self._alarms: AlarmJournal | None = None
        self._repository: Repository | None = None
        self._steering: set[asyncio.Future[None]] = set()

    def begin(self, spec: object) -> None:
        """Start living."""
        assert isinstance(spec, MemberSpec)
        self.spec = spec
        self._memory = read_memory(Path(spec.state_file))
        self._at = host_port(self.supervisor)
        self.start_loop()

    def state_word(self) -> str:
        """Return how it goes."""
        return self.word

    def stats(self) -> Mapping[str, float]:
        """Return how many hosts there are, and what this one has."""
        alive = sum(row.state in {HostState.UP, HostState.DRAINING} for row in self.hosts)
        return {"hosts": len(self.hosts), "hosts_alive": alive, "duties": len(self._held), "fenced": float(self._fenced)}

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what the FleetSupervisor says."""
        match message:
            case DutiesLeft(duties=duties):
                self.in_loop(self._left.update, duties)
            case LaboratoryChanged():
                self.in_loop(self._rearrange)
            case SteerHost():
                self.in_loop(self._steer_soon, message)
            case FleetStops():
                self._leaves = True
            case _:
                self.unrecognised(message, sender)

    def on_events(self, events: list[object]) -> None:
        """Pass on what the loop decided; a changed word needs no more than that the actor wakes."""
        for event in events:
            if isinstance(event, DutiesHeld | CommandsLeft | HostSteered):
                self.send(self.supervisor, event)

    def stop(self, reason: str) -> None:  # noqa: ARG002 - the base's word
        """Leave the others, if the whole fleet stops; restarted alone, go on where this incarnation ends."""
        self.stop_loop(self.stopped, STOP_S)

    # the loop's thread

    async def run(self) -> None:
        """Live among the others until stopped."""
        repository = self._repository = await Repository.connect(self.spec.database_url, pool_size=1, max_overflow=2)
        looking = asyncio.create_task(look_for_commands(repository, self._devices, self.post))
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._turn(repository)
                    self._say("drained" if self._is(HostState.DRAINING) else "member" if self._fenced else "alone")
                except DatabaseUnavailableError as error:
                    self._away(error)
                except ConflictError as error:
                    self._deposed(error)
                if looking.done():  # it never ends by itself
                    looking.result()
                await asyncio.sleep(max(0.0, BEAT_EVERY_S - (time.monotonic() - began)))
        finally:
            looking.cancel()
            await self._end(repository)

    def _devices(self) -> list[UUID]:
        """Return the devices whose commands another host may have left: those held here, where there is another."""
        held = self._held if self._fenced else ()
        return [device_id for duty in held if (device_id := device_of_node(duty)) is not None]

    async def _steer(self, wish: SteerHost) -> None:
        try:
            assert self._repository is not None
            await self._repository.drain_host(wish.host, wish.drained, principal=wish.principal, reason=wish.reason)
            self.post(HostSteered(wish.ref, True))
        except LicsError as error:
            self.post(HostSteered(wish.ref, error))

    async def _turn(self, repository: Repository) -> None:
        if not self._generation:
            await self._join(repository)
        began = lease_clock()
        others = any(row.name != self.spec.name and row.state is not HostState.LEFT for row in self.hosts)
        if others and not self._fenced:
            self._fence(began)
        beaten = await repository.beat(self.spec.name, self._generation, fenced=others)
        if beaten.holds != len(self._held):
            held = await repository.held_duties(self.spec.name)
            await self._doubt(repository, held - self._held)
            self._lost, self._held = set((self._lost | self._held) - held), held
            self._tell({duty for duty, _, holder in beaten.pending if holder == self.spec.name})
        self._fenced = others
        self._steady(time.monotonic())
        self._remember()
        if not self._lost:  # what others have taken over must have ended here before anything here may connect again
            write_lease(self.spec.lease, began + LEASE_S if others else inf)
        self._see(beaten)
        await self._settle(repository, beaten)

    async def _join(self, repository: Repository) -> None:
        rows = await repository.fleet_hosts()
        self.hosts = tuple(rows)
        fenced = any(row.name != self.spec.name and row.state is not HostState.LEFT for row in rows)
        if fenced:
            self._fence(lease_clock())
        host, port = self._at
        joining = Joining(self.spec.name, self._memory.instance, host, port, self.spec.sites, __version__, fenced)
        self._generation = await repository.join_hosts(joining)
        self._held = await repository.held_duties(self.spec.name)
        log.info("joined", extra={"host": self.spec.name, "generation": self._generation, "holds": len(self._held)})

    def _fence(self, began: float) -> None:
        """Let the lease end, before any other host may read that it does."""
        self._fenced = True
        self._remember()
        write_lease(self.spec.lease, began + LEASE_S)

    async def _settle(self, repository: Repository, beaten: Beaten) -> None:
        """Take what is to be ours, give up what is not, and have everything placed where something has changed."""
        name = self.spec.name
        ours = [duty for duty, host, _ in beaten.pending if host == name]
        giving = {duty for duty, _, holder in beaten.pending if holder == name}
        if ours:
            await self._doubt(repository, ours)  # before they are ours: what cannot be noted is not taken
            self._held |= await repository.claim_duties(name, self._generation, ours, patient=self._patient)
        if left := self._left & giving:
            await repository.release_duties(name, left)
            self._held -= left
            giving -= left
        self._lost -= self._left | self._held  # what is ours again need not end
        self._left.clear()
        self._tell(giving)
        signature = [(row.name, row.state, row.sites) for row in beaten.hosts]
        if self._arrange or signature != self._signature or time.monotonic() - self._arranged_at > ARRANGE_EVERY_S:
            self._arrange = False
            await repository.arrange_duties(patient=self._patient)
            self._signature, self._arranged_at = signature, time.monotonic()

    async def _doubt(self, repository: Repository, taken: Collection[str]) -> None:
        """See to it, before their actors begin, that what had tripped under another host stays so (journal/doubt.py)."""
        devices = [device_id for duty in taken if (device_id := device_of_node(duty)) is not None]
        for device_id in await repository.tripped_devices(devices) if devices else ():
            log.warning("a device that had tripped is taken over", extra={"device": str(device_id)})
            await asyncio.to_thread(doubt, journal_path(Path(self.spec.journal_dir), f"device-{device_id}"))

    def _tell(self, giving: set[str]) -> None:
        now = self._held - giving
        if now != self._told or giving or self._lost:  # again and again, until what is given up is let go
            self._told = now
            self.post(DutiesHeld(now, frozenset(giving | self._lost)))

    def _see(self, beaten: Beaten) -> None:
        places = [HostPlace(row.name, row.address, row.port, row.state.value, row.name == self.spec.name) for row in beaten.hosts]
        if [(row.name, row.address, row.port, row.state) for row in self.hosts] != [
            (row.name, row.address, row.port, row.state) for row in beaten.hosts
        ] or self._signature is None:
            log.info("hosts changed", extra={"hosts": {place.name: place.state for place in places}})
            write_hosts(Path(self.spec.run_dir), places)
        self.hosts = beaten.hosts
        self._alarm({row.name: row.state for row in beaten.hosts})

    def _alarm(self, states: Mapping[str, HostState]) -> None:
        try:
            self._alarms = self._alarms or AlarmJournal(journal_path(Path(self.spec.journal_dir), NAME), SOURCE)
        except (StorageFullError, JournalError) as error:
            log.error("alarms of hosts cannot be told", extra={"reason": error.message})
            return
        self._alarms.tell(host_alarms(self.spec.name, states))

    def _is(self, state: HostState) -> bool:
        return any(row.name == self.spec.name and row.state is state for row in self.hosts)

    def _steady(self, now: float) -> None:
        """Follow nobody for silence until we ourselves have been here for a while: the database may have been away for all."""
        if now - self._beaten_at > LEASE_S:
            self._steady_since = now
        patient = now - self._steady_since < DEAD_S
        if patient is not self._patient:
            self._patient, self._arrange = patient, True
        self._beaten_at = now

    def _steer_soon(self, wish: SteerHost) -> None:
        task = asyncio.ensure_future(self._steer(wish))
        self._steering.add(task)
        task.add_done_callback(self._steering.discard)

    def _rearrange(self) -> None:
        self._arrange = True

    def _away(self, error: LicsError) -> None:
        """Without the database a host that was alone goes on, also from a start; one of several keeps what stands."""
        if self._told is None and not self._memory.fenced:
            self._held = self._memory.held
            write_lease(self.spec.lease, inf)
            self._tell(set())
        self._say("database away" if not self._fenced else "database away: no new sessions")
        log.warning("the hosts' table is away", extra={"reason": error.message, "fenced": self._fenced})

    def _deposed(self, error: LicsError) -> None:
        """Another is here under our name, or a person has forgotten us: what we had may be anybody's."""
        write_lease(self.spec.lease, ENDED)
        self._lost |= self._held
        self._generation, self._held = 0, frozenset()
        self._tell(set())
        self._say("deposed")
        log.error("this host may not serve", extra={"reason": error.message})

    def _remember(self) -> None:
        now = Memory(self._memory.instance, self._fenced, frozenset() if self._fenced else self._held)
        if now != self._memory:
            write_memory(Path(self.spec.state_file), now)
            self._memory = now

    def _say(self, word: str) -> None:
        if word != self.word:
            self.word = word
            self.post(word)

    async def _end(self, repository: Repository) -> None:
        try:
            if self._leaves and self._generation:
                async with asyncio.timeout(LEAVE_S):
                    await repository.leave_hosts(self.spec.name, self._generation)
                write_lease(self.spec.lease, ENDED)
        except (LicsError, TimeoutError) as error:
            log.warning("left without a word", extra={"reason": str(error)})
        finally:
            if self._alarms is not None:
                self._alarms.close()
            await repository.close()
