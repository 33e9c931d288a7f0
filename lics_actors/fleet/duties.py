"""The FleetSupervisor's part in several hosts: run what the Member says is ours, and tell it what we are at no more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from uuid import UUID

from lics_actors.device.messages import AdoptCommands, Link
from lics_actors.errors import ConflictError, FleetUnavailableError
from lics_actors.fleet.messages import FleetSpec, SteerNode
from lics_actors.fleet.state import device_node, device_of_node
from lics_actors.hosts.lease import ENDED, leased, write_lease
from lics_actors.hosts.member import Member
from lics_actors.hosts.messages import (
    CommandsLeft,
    DutiesHeld,
    DutiesLeft,
    FleetStops,
    HostSteered,
    LaboratoryChanged,
    Listen,
    MemberSpec,
    SteerHost,
)
from lics_actors.hosts.placement import RECORDING
from lics_actors.supervision.specs import ChildSpec, Phase, Verb
from lics_actors.supervision.state import ALIVE
from lics_actors.supervision.supervisor import Supervisor

MEMBER = "member"
LAST = -1  # a stage: everything else is gone before the host leaves the others
MEMBER_STOP_S = 4.0
MAX_STEERING = 20

__all__ = ["MEMBER", "HostDuties", "Member"]


class HostDuties(Supervisor):
    """What a FleetSupervisor does as one of several; alone, nothing of it happens."""

    def __init__(self) -> None:
        super().__init__()
        self.membership: MemberSpec | None = None
        self.records = True  # the laboratory's record is kept here
        self._wanted: frozenset[UUID] = frozenset()
        self._ending: dict[UUID, str] = {}  # devices that are given up, and the rack in which their actors end
        self._steering: dict[int, Callable[[object], None]] = {}
        self._ref_of_host = 0
        self._listening: set[str] = set()  # recorders that may have a session

    # what the FleetSupervisor says

    def recorder_names(self) -> Iterable[str]:
        """Return its recorders."""
        raise NotImplementedError

    def begun_with(self, rack: str) -> Collection[UUID]:
        """Return the devices that a rack's present incarnation was begun with."""
        raise NotImplementedError

    def hold(self, devices: frozenset[UUID]) -> None:
        """Run these devices and no others."""
        raise NotImplementedError

    def runs(self, device_id: UUID) -> bool:
        """Return whether it runs a device."""
        raise NotImplementedError

    def address_of(self, device_id: UUID) -> object | None:
        """Return where a device's actor is."""
        raise NotImplementedError

    # what it uses

    def join_hosts(self, spec: FleetSpec) -> list[ChildSpec]:
        """Begin with no duties, and no lease that an earlier life may have left; return the Member to start."""
        if spec.member is None:
            return []
        self.membership, self.records = spec.member, False
        write_lease(spec.member.lease, ENDED)
        return [ChildSpec(MEMBER, stage=LAST, stop_timeout_s=MEMBER_STOP_S)]

    def cut_off(self, word: str) -> bool:
        """Return whether a device whose actor says this may be another host's by now: it has no session, and may begin none."""
        return self.membership is not None and word == Link.CONNECTING and not leased(self.membership.lease)

    def laboratory_changed(self) -> None:
        """Have new devices placed."""
        if self.membership is not None:
            self.tell_child(MEMBER, LaboratoryChanged())

    def duties_held(self, message: DutiesHeld) -> None:
        """Take up what is ours, end what is not, and tell what has ended."""
        self._wanted = _devices(message.duties)
        self.hold(self._wanted - self._ending.keys())  # one that ends is not begun again before it has
        self._take_record(RECORDING in message.duties, again=RECORDING in message.ending)
        self._tell_left(message.ending)

    def device_given_up(self, device_id: UUID, rack: str) -> None:
        """Remember that a device's actor is about to end."""
        child = self.supervision.children.get(rack)
        if self.membership is not None and child is not None and child.phase in ALIVE:
            self._ending[device_id] = rack

    def devices_forgotten(self, nodes: Iterable[str]) -> None:
        """Hear from a rack that these actors are no more."""
        self._ended(device_id for node in nodes if (device_id := device_of_node(node)) is not None)

    def rack_changed(self, rack: str) -> None:
        """A rack's actors end with it; its next incarnation starts only those that are ours."""
        if not self._ending:
            return
        child = self.supervision.children.get(rack)
        if child is None or child.phase not in ALIVE:
            self._ended([device_id for device_id, at in self._ending.items() if at == rack])
        elif child.phase is Phase.STARTING:
            begun = self.begun_with(rack)
            self._ended([device_id for device_id, at in self._ending.items() if at == rack and device_id not in begun])

    def recorder_changed(self, name: str) -> None:
        """A recorder that died has no session; its next incarnation begins with the role as it is."""
        child = self.supervision.children.get(name)
        if not self.records and (child is None or child.phase not in ALIVE or child.phase is Phase.STARTING):
            self.recorder_ended(name)

    def recorder_ended(self, name: str) -> None:
        """Hear that a recorder has left its session."""
        if not self.records and name in self._listening:
            self._listening.discard(name)
            self._tell_left({RECORDING})

    def stop(self, reason: str) -> None:
        """Have the Member leave the others once everything has stopped."""
        if self.membership is not None:
            self.tell_child(MEMBER, FleetStops())
        super().stop(reason)

    def duties_heard(self, message: CommandsLeft | HostSteered) -> None:
        """Pass on what the Member found or did."""
        match message:
            case CommandsLeft(device_id=device_id, commands=commands):
                address = self.address_of(device_id)
                if address is not None:
                    self.send(address, AdoptCommands(commands))
            case HostSteered(ref=ref, outcome=outcome):
                reply = self._steering.pop(ref, None)
                if reply is not None:
                    reply(outcome)

    def steer_host(self, wish: SteerNode, reply: Callable[[object], None]) -> bool:
        """Drain a host, or end that; returns False where it is no host that is meant.

        Raises:
            ConflictError: nothing else is done to a host. FleetUnavailableError: the Member does not run just now.
        """
        kind, _, host = wish.node.partition(":")
        if kind != "host" or self.membership is None:
            return False
        if wish.verb not in {Verb.DRAIN, Verb.CLEAR}:
            raise ConflictError(f"a host can be drained and cleared; {wish.verb.value} what runs there", node=wish.node)
        if len(self._steering) >= MAX_STEERING:
            self._steering.pop(next(iter(self._steering)))  # nobody waits for it any more
        self._ref_of_host += 1
        drained = wish.verb is Verb.DRAIN
        if not self.tell_child(MEMBER, SteerHost(self._ref_of_host, host, drained, wish.principal, wish.reason)):
            raise FleetUnavailableError("the host's member is restarting; ask again", node=wish.node)
        self._steering[self._ref_of_host] = reply
        return True

    def _take_record(self, records: bool, *, again: bool) -> None:
        if records == self.records and not again:
            return
        self.records = records
        if records:
            self._listening.update(self.recorder_names())
        for name in self.recorder_names():
            self.tell_child(name, Listen(records))

    def _ended(self, devices: Iterable[UUID]) -> None:
        gone = {device_id for device_id in devices if self._ending.pop(device_id, None) is not None}
        if gone & self._wanted:
            self.hold(self._wanted - self._ending.keys())
        self._tell_left({device_node(device_id) for device_id in gone})

    def _tell_left(self, duties: Collection[str]) -> None:
        left = frozenset(duty for duty in duties if not self._busy(duty))
        if left:
            self.tell_child(MEMBER, DutiesLeft(left))

    def _busy(self, duty: str) -> bool:
        device_id = device_of_node(duty)
        if device_id is None:
            return self.records or bool(self._listening)
        return device_id in self._ending or self.runs(device_id)


def _devices(duties: Iterable[str]) -> frozenset[UUID]:
    return frozenset(device_id for duty in duties if (device_id := device_of_node(duty)) is not None)
