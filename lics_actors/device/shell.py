"""The shell around a device's rules: it journals and performs what `reduce` orders, and tells it what came of it.

Knows neither Thespian nor a loop: `Outside` is what the DeviceActor lends it. One thread.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, assert_never
from uuid import UUID

from drivers import registry
from drivers.errors import UnknownDriverError
from drivers.protocol import OutgoingCommand, Publication, TopicFilter
from lics_actors.clock import StepWatch
from lics_actors.device import lease, reserving
from lics_actors.device.commands import outgoing
from lics_actors.device.events import (
    ActorStarted,
    ActorStopping,
    Answer,
    CancelRequested,
    CommandAwaited,
    CommandRequested,
    CommandsAdopted,
    CommandUnsayable,
    DescriptionKnown,
    DeviceEvent,
    Effect,
    Keep,
    ListeningResumed,
    MemoryLost,
    PublishCommand,
    RenewLease,
    ReservationChanged,
    ResetRequested,
    SessionLost,
    SessionOpened,
    SetTimer,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.interpreter import Interpreter
from lics_actors.device.live import LiveFeed
from lics_actors.device.messages import (
    AskCommand,
    AskTwin,
    CancelCommand,
    DeviceSpec,
    FreeDevice,
    KeepDevice,
    RequestCommand,
    ResetInterlocks,
    status_word,
)
from lics_actors.device.model import DeviceState
from lics_actors.device.outbox import Outbox
from lics_actors.device.peers import Peers, listened
from lics_actors.device.session import BrokerLost, BrokerReached, DataRested, MessageArrived
from lics_actors.device.state import reduce
from lics_actors.device.stepping import stepped
from lics_actors.device.twin import kept_twin, restored, twin_of
from lics_actors.device.watching import Watchers, WatchOver
from lics_actors.errors import CommandNotFoundError, DeviceNotFoundError, LicsError, StorageFullError
from lics_actors.journal import Journal
from lics_actors.store.records import (
    Command,
    DeviceChanged,
    InterlockReset,
    InterlockTripped,
    LeaseLost,
    PayloadRejected,
    Record,
)

RETRY_DISK_S = 1.0
SYNC_S = 0.2  # an fsync costs 0.2 ms of CPU; within this the next command's mostly comes, and makes durable what was before it

log = logging.getLogger(__name__)
Reply = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class TimerRang:
    """The time given to `Outside.arm` has come."""


@dataclass(frozen=True, slots=True)
class SyncDue:
    """What the journal has written without waiting for the disk has waited long enough."""


@dataclass(frozen=True, slots=True)
class DiskRetryDue:
    """Perhaps the disk has room again."""


Heard = MessageArrived | BrokerReached | BrokerLost | DataRested
Happening = Heard | CommandUnsayable | TimerRang | DiskRetryDue | SyncDue | WatchOver


class Outside(Protocol):
    """What the shell needs of the world; nothing of it waits, nothing of it answers."""

    def publish(self, session: int, publications: Sequence[Publication]) -> None:
        """Send messages in the session of that number, if it still stands."""

    def subscribe(self, filters: Sequence[TopicFilter]) -> None:
        """Listen to these topics from now on."""

    def arm(self, at: datetime) -> None:
        """Have `TimerRang` happen then, instead of at any time given before."""

    def later(self, delay_s: float, happening: Happening) -> None:
        """Have something happen after a while."""


class DeviceShell:
    """One device. What happens goes to `happened`, what peers want to `requested`.

    Raises:
        UnknownDriverError: no driver of the device's `driver`.
    """

    def __init__(
        self, spec: DeviceSpec, prefix: str, incarnation: int, journal: Journal, outside: Outside, *, feed: LiveFeed | None = None
    ) -> None:
        self._feed = feed
        self._holder = f"lics:{incarnation}"
        self._prefix, self._incarnation, self._journal, self._outside = prefix, incarnation, journal, outside
        self._outbox = Outbox(journal, self._perform)
        self._tallies: Counter[str] = Counter()
        self._replies: dict[str, Reply] = {}
        self._serials = itertools.count(1)
        self._session = 0
        self._clock = StepWatch()
        self._retrying = self._syncing = self._twin_changed = False
        self.interpreter = self._interpreter_of(spec)
        self._peers = Peers(spec, prefix)
        self._state = self._restored(spec)
        self._watchers = Watchers()

    @property
    def filters(self) -> list[TopicFilter]:
        """Return what to listen to."""
        return listened(self.interpreter.filters, self._peers)

    @property
    def word(self) -> str:
        """Return the device's status."""
        state = self._state
        return status_word(state.link, state.health, state.safety, state.spec.admin)

    @property
    def silent_s(self) -> float:
        """Return after how many seconds without a message the device is stale."""
        return self._state.silent_s

    @property
    def remembers(self) -> bool:
        """Return whether everything that was decided is journaled."""
        return not self._outbox.blocked

    def start(self) -> None:
        """Go on where the last incarnation stopped, or was killed."""
        effects = self._reduce(ActorStarted(_now()))
        if self._journal.forgot:
            self._journal.forgot = False
            effects += self._reduce(MemoryLost(_now()))
        description = self.interpreter.driver.description(self.interpreter.device)
        if description is not None:
            effects += self._reduce(DescriptionKnown(_now(), description))
        self._settle(effects)

    def stop(self) -> None:
        """Answer everybody who waits; nothing must happen after."""
        self._settle(self._reduce(ActorStopping(_now())))

    def happened(self, happenings: Sequence[object]) -> None:
        """Take what happened since the last time: one append to the journal for all of it."""
        self._look_at_clock()
        told: list[Effect] = []
        for happening in happenings:
            told += self._took(happening)
        self._settle(told)

    def requested(self, body: object, reply: Reply) -> bool:
        """Answer what `device.messages` says can be asked, now or later; returns False for anything else.

        Raises:
            DeviceNotFoundError: it is meant for another device; its sender has a stale address.
            StorageFullError: the disk takes nothing, so nothing has happened.
        """
        self._look_at_clock()
        match body:
            case RequestCommand(command_id=command_id, device_id=device_id):
                self._check_addressee(device_id)
                self._check_place(body)
                self._decide(CommandRequested(_now(), body, self._token(), self._known(command_id)), reply)
            case CancelCommand(command_id=command_id, device_id=device_id):
                self._check_addressee(device_id)
                self._decide(CancelRequested(_now(), body, self._token(), self._known(command_id)), reply)
            case AskCommand(device_id=device_id):
                self._check_addressee(device_id)
                self._tell_command(body, reply)
            case KeepDevice(device_id=device_id):
                self._check_addressee(device_id)
                self._keep(body, reply)
            case FreeDevice(device_id=device_id):
                self._check_addressee(device_id)
                self._settle(self._reduce(ReservationChanged(_now(), reserving.freed(self._state.reserved, body))))
                reply(True)
            case ResetInterlocks(device_id=device_id):
                self._check_addressee(device_id)
                self._decide(ResetRequested(_now(), body, self._token()), reply)
            case AskTwin(device_id):
                self._check_addressee(device_id)
                reply(twin_of(self._state))
            case _:
                return False
        return True

    def adopt(self, commands: Sequence[Command]) -> None:
        """See commands through that another host accepted for this device."""
        unknown = tuple(command for command in commands if self._known(command.command_id) is None)
        if unknown:
            self._settle(self._reduce(CommandsAdopted(_now(), unknown)))

    def changed(self, spec: DeviceSpec) -> None:
        """Take over another specification. Another driver or other settings mean starting over, with the same journal."""
        self._look_at_clock()
        known = self._state.spec
        if (spec.driver, spec.settings) == (known.driver, known.settings):
            self._settle(self._reduce(SpecChanged(_now(), spec)))
            if spec.rigs != known.rigs:
                self._listen_to(spec)
            return
        try:
            interpreter = self._interpreter_of(spec)
        except (UnknownDriverError, ValueError) as error:
            facts = {"device": str(spec.device_id), "driver": spec.driver, "reason": str(error)}
            log.error("changed specification cannot be used, going on with the old one", extra=facts)
            return
        self.stop()
        self.interpreter = interpreter
        self._state = self._restored(spec)
        self._peers = Peers(spec, self._prefix)
        self._outside.subscribe(self.filters)
        self.start()

    def stats(self) -> Mapping[str, float]:
        """Return what happened since this incarnation began, and what waits now."""
        state = self._state
        return {
            **state.book.counts,
            **self._tallies,
            "commands_waiting": len(state.book.waiting),
            "commands_in_flight": len(state.book.flying),
            "commands_in_doubt": len(state.book.doubtful),
            "payloads_rejected": state.rejects.total,
            "driver_faults": self.interpreter.faults,
            "records_dropped": self._outbox.dropped,
        }

    def _look_at_clock(self) -> None:
        """Move with the wall clock where it was set, before anything is judged by it."""
        if step := self._clock.stepped_s():
            self._tallies["clock_steps"] += 1
            self._state = stepped(self._state, timedelta(seconds=step))

    def _took(self, happening: object) -> list[Effect]:
        match happening:
            case MessageArrived():
                events: Sequence[DeviceEvent] | None = self._peers.heard(happening.received) if self._peers else None
                if events is None:
                    events = self.interpreter.heard(happening, self._flying())
                return [effect for event in events for effect in self._reduce(event)]
            case BrokerReached(time, session):
                self._session = session
                self._tallies["sessions"] += 1
                return self._reduce(SessionOpened(time))
            case BrokerLost(time, reason):
                return self._reduce(SessionLost(time, reason))
            case DataRested(time):
                self._tallies["data_rests"] += 1
                return self._reduce(ListeningResumed(time))
            case CommandUnsayable():
                return self._reduce(happening)
            case TimerRang():
                return self._reduce(TimerFired(_now()))
            case WatchOver():
                self._watchers.over(happening, twin_of(self._state))
                return []
            case SyncDue():
                self._syncing = False
                with suppress(StorageFullError):  # the next append says so
                    self._journal.sync()
                return []
            case DiskRetryDue():
                self._retrying = False  # the outbox tries with every list of effects, also an empty one
                return []
            case _:
                raise LicsError(f"{type(happening).__name__} is nothing that happens to a device")

    def _reduce(self, event: DeviceEvent) -> list[Effect]:
        before = self._state
        self._state, effects = reduce(before, event)
        if _worth_keeping(self._state) != _worth_keeping(before):
            self._twin_changed = True
        return effects

    def _decide(self, event: CommandRequested | CancelRequested | CommandAwaited | ResetRequested, reply: Reply) -> None:
        state, effects = reduce(self._state, event)
        self._twin_changed = self._twin_changed or _worth_keeping(state) != _worth_keeping(self._state)
        self._outbox.keep(effects)
        self._replies[event.reply] = reply
        self._state = state
        self._outbox.perform(effects)

    def _tell_command(self, asked: AskCommand, reply: Reply) -> None:
        known = self._known(asked.command_id)
        if known is None:
            reply(CommandNotFoundError("no such command", command_id=str(asked.command_id)))
        elif asked.wait_s > 0 and not known.state.terminal:
            self._decide(CommandAwaited(_now(), asked, self._token(), known), reply)
        else:
            reply(known)

    def _keep(self, wish: KeepDevice, reply: Reply) -> None:
        if wish.laboratory_id not in {None, self._state.spec.laboratory_id}:
            raise DeviceNotFoundError(f"no device {wish.device_id}", device_id=str(wish.device_id), outside=True)
        now = _now()
        self._settle(self._reduce(ReservationChanged(now, reserving.kept(self._state.reserved, wish, now))))
        over = self._watchers.add(wish.seen if wish.wait_s > 0 else "", reply, twin_of(self._state))
        if over is not None:
            self._outside.later(wish.wait_s, over)

    def _settle(self, effects: list[Effect]) -> None:
        self._outbox.send(effects)
        if self._outbox.blocked and not self._retrying:
            self._retrying = True
            self._outside.later(RETRY_DISK_S, DiskRetryDue())
        if self._twin_changed:
            with suppress(StorageFullError):
                self._journal.keep_twin(kept_twin(self._state))
                self._twin_changed = False
        if self._journal.unsynced and not self._syncing:
            self._syncing = True
            self._outside.later(SYNC_S, SyncDue())
        if self._watchers:
            self._watchers.looked(twin_of(self._state))
        if self._feed is not None:
            self._feed.looked(self._state)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Keep(record):
                self._report(record)
            case PublishCommand(command, lease=expires):
                if expires is not None:
                    command = dataclasses.replace(command, lease=lease.said(self._holder, expires))
                said = self.interpreter.said(command, _now())
                if isinstance(said, CommandUnsayable):
                    self._outside.later(0, said)
                else:
                    self._outside.publish(self._session, said)
            case RenewLease(expires):
                self._outside.publish(self._session, self.interpreter.renewed(self._holder, expires))
            case Answer(token, body):
                reply = self._replies.pop(token, None)
                if reply is not None:
                    reply(body)
            case SetTimer(at):
                self._outside.arm(at)
            case _:
                assert_never(effect)

    def _report(self, record: Record) -> None:
        if self._feed is not None:
            self._feed.recorded(record)
        device = str(self._state.spec.device_id)
        match record:
            case DeviceChanged(link=link, health=health, reason=reason, epoch=epoch):
                facts = {"device": device, "link": link, "health": health, "reason": reason, "epoch": epoch}
                log.info("device changed", extra=facts)
            case InterlockTripped(rig=rig, interlock=name, why=why):
                log.error("interlock tripped", extra={"device": device, "rig": rig, "interlock": name, "reason": why})
            case InterlockReset(interlock=name, principal=principal, reason=reason):
                facts = {"device": device, "interlock": name, "principal": principal, "reason": reason}
                log.warning("interlock reset", extra=facts)
            case LeaseLost():
                log.warning("lease lost", extra={"device": device, "expires": record.expires.isoformat()})
            case PayloadRejected(topic=topic, reason=reason, suppressed=suppressed):
                log.warning(
                    "payload rejected", extra={"device": device, "topic": topic, "reason": reason, "suppressed": suppressed}
                )
            case _:
                pass

    def _interpreter_of(self, spec: DeviceSpec) -> Interpreter:
        device = registry.device_ref(spec.device_id, spec.settings, self._prefix)
        return Interpreter(registry.driver(spec.driver), device)

    def _restored(self, spec: DeviceSpec) -> DeviceState:
        twin, unsettled = self._journal.twin(), self._journal.unsettled()
        guarantees = self.interpreter.driver.guarantees
        tripped = self._journal.tripped()
        return restored(spec, guarantees, self._incarnation, _now(), twin=twin, unsettled=unsettled, tripped=tripped)

    def _listen_to(self, spec: DeviceSpec) -> None:
        before, self._peers = self.filters, Peers(spec, self._prefix)
        if self.filters != before:
            self._outside.subscribe(self.filters)

    def _check_addressee(self, device_id: UUID) -> None:
        if device_id != self._state.spec.device_id:
            raise DeviceNotFoundError("this is another device's actor", device_id=str(device_id))

    def _check_place(self, wish: RequestCommand) -> None:
        """Whoever asks may know another laboratory than the one the device is in by now; here it is known for sure."""
        if wish.within is not None and self._state.spec.laboratory_id not in wish.within:
            raise DeviceNotFoundError(f"no device {wish.device_id}", device_id=str(wish.device_id), outside=True)

    def _known(self, command_id: UUID) -> Command | None:
        tracked = self._state.book.find(command_id)
        return tracked.command if tracked else self._journal.command(command_id)

    def _token(self) -> str:
        return str(next(self._serials))

    def _flying(self) -> OutgoingCommand | None:
        flying = self._state.book.flying
        return outgoing(flying[0].command) if flying else None


def _worth_keeping(state: DeviceState) -> tuple[object, ...]:
    return state.axes, state.description, state.lease.kept, state.reserved


def _now() -> datetime:
    return datetime.now(UTC)
