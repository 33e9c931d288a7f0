"""What the tests of the reducer share: a device, its words, and a world that performs the effects in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from drivers.protocol import (
    AckState,
    CommandAcked,
    CommandSpec,
    Described,
    Description,
    EventReported,
    Guarantees,
    PresenceReported,
    PresenceState,
    Sample,
    TelemetryReported,
)
from lics_actors.device.events import (
    Answer,
    CancelRequested,
    CommandRequested,
    DeviceEvent,
    Effect,
    Keep,
    MessageDecoded,
    PublishCommand,
    RenewLease,
    SetTimer,
)
from lics_actors.device.messages import Admin, CancelCommand, CommandState, DeviceSpec, InterlocksReset, RequestCommand
from lics_actors.device.state import reduce
from lics_actors.device.twin import kept_twin, restored
from lics_actors.errors import LicsError
from lics_actors.store.records import (
    Command,
    CommandAccepted,
    CommandMoved,
    CommandStep,
    InterlockReset,
    InterlockTripped,
    Record,
)

DEVICE = UUID(int=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEDGER = Guarantees(acknowledges=True, executes_once=True, sequenced=True, reports_presence=True)
WEAK = Guarantees(acknowledges=False, executes_once=False, sequenced=False, reports_presence=True)
MUTE = replace(WEAK, reports_presence=False)
PUMP = Description(
    type="pump",
    firmware="1",
    commands={
        "dispense": CommandSpec(
            {"type": "object", "required": ["ul"], "properties": {"ul": {"type": "number", "minimum": 0}}}, False, True
        ),
        "measure": CommandSpec({}, idempotent=False, actuates=False),
        "stop": CommandSpec({}, idempotent=True, actuates=True),
    },
)
SPEC = DeviceSpec(DEVICE, "pump", "pump", "native", {}, silent_s=30)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def asks(seconds: float, name: str = "dispense", **changes: Any) -> CommandRequested:
    """Return a request; `reply` is its command's id unless given."""
    fields: dict[str, Any] = {"command_id": uuid4(), "device_id": DEVICE, "name": name, "principal": "user:1", "wait_s": 5.0}
    fields["args"] = {"ul": 5} if name == "dispense" else {}
    reply, known = changes.pop("reply", None), changes.pop("known", None)
    wish = RequestCommand(**(fields | changes))
    return CommandRequested(at(seconds), wish, reply or str(wish.command_id), known)


def cancels(seconds: float, command_id: UUID, known: Command | None = None) -> CancelRequested:
    return CancelRequested(at(seconds), CancelCommand(DEVICE, command_id, "user:2", "spilt"), "canceller", known)


def presence(
    seconds: float, state: str = "online", epoch: int | None = 1, *, retained: bool = False, reason: str | None = None
) -> MessageDecoded:
    return MessageDecoded(at(seconds), PresenceReported(PresenceState(state), epoch, at(seconds), reason), retained)


def acks(seconds: float, command_id: UUID | None, state: str, **facts: Any) -> MessageDecoded:
    return MessageDecoded(at(seconds), CommandAcked(command_id, AckState(state), at(seconds), **facts))


def telemetry(seconds: float, epoch: int = 1, *, retained: bool = False, **metrics: float) -> MessageDecoded:
    sample = Sample(at(seconds), metrics or {"flow": 1.0})
    return MessageDecoded(at(seconds), TelemetryReported(epoch, 0, (sample,)), retained)


def happens(seconds: float, epoch: int = 1) -> MessageDecoded:
    return MessageDecoded(at(seconds), EventReported(epoch, 0, at(seconds), "lick"))


def described(seconds: float, description: Description = PUMP) -> MessageDecoded:
    return MessageDecoded(at(seconds), Described(description), retained=True)


class World:
    """Performs effects: a journal, a wire, answered peers and a timer, all in memory."""

    def __init__(self, guarantees: Guarantees = LEDGER, spec: DeviceSpec = SPEC) -> None:
        self.guarantees, self.spec = guarantees, spec
        self.records: list[Record] = []
        self.journal: dict[UUID, Command] = {}
        self.published: list[PublishCommand] = []
        self.answers: dict[str, list[Command | InterlocksReset | LicsError]] = {}
        self.tripped: dict[str, InterlockTripped] = {}
        self.renewals: list[RenewLease] = []
        self.state = restored(spec, guarantees, 1, START, twin=None, unsettled=[])

    def feed(self, *events: DeviceEvent) -> list[Effect]:
        """Let events happen; returns all effects."""
        told: list[Effect] = []
        for event in events:
            self.state, effects = reduce(self.state, self.with_known(event))
            for effect in effects:
                self.perform(effect)
            told += effects
        return told

    def with_known(self, event: DeviceEvent) -> DeviceEvent:
        """Return a request with what the journal has under its id, as the shell does."""
        if isinstance(event, CommandRequested | CancelRequested) and event.known is None:
            return replace(event, known=self.journal.get(event.request.command_id))
        return event

    def perform(self, effect: Effect) -> None:
        match effect:
            case Keep(record):
                self.keep(record)
            case PublishCommand():
                self.published.append(effect)
            case Answer(reply, body):
                self.answers.setdefault(reply, []).append(body)
            case RenewLease():
                self.renewals.append(effect)
            case SetTimer():
                pass

    def keep(self, record: Record) -> None:
        self.records.append(record)
        match record:
            case CommandAccepted(command):
                assert command.command_id not in self.journal
                self.journal[command.command_id] = command
            case CommandMoved(command_id, _, n, step, epoch):
                known = self.journal[command_id]
                assert n == len(known.steps)
                self.journal[command_id] = with_step(known, step, epoch)
            case InterlockTripped(rig_id=rig_id, interlock=interlock):
                self.tripped[f"{rig_id}/{interlock}"] = record
            case InterlockReset(rig_id=rig_id, interlock=interlock):
                del self.tripped[f"{rig_id}/{interlock}"]
            case _:
                pass

    def restart(self, seconds: float) -> None:
        """Rebuild the state from what is kept, as a new incarnation does."""
        unsettled = [c for c in self.journal.values() if not c.state.terminal or c.state is CommandState.INDETERMINATE]
        twin = kept_twin(self.state)
        self.state = restored(
            self.state.spec,
            self.guarantees,
            self.state.incarnation + 1,
            at(seconds),
            twin=twin,
            unsettled=unsettled,
            tripped=list(self.tripped.values()),
        )

    def states(self, command_id: UUID) -> list[str]:
        return [step.state.value for step in self.journal[command_id].steps]

    def answer(self, reply: object) -> Command | InterlocksReset | LicsError:
        (body,) = self.answers[str(reply)]
        return body

    def kept(self, kind: type[Record]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


def with_step(command: Command, step: CommandStep, epoch: int | None) -> Command:
    fields: Mapping[str, Any] = {name: getattr(command, name) for name in Command.__struct_fields__}
    epoch = command.epoch if epoch is None else epoch
    return Command(**{**fields, "steps": (*command.steps, step), "epoch": epoch})


def with_admin(admin: Admin, spec: DeviceSpec = SPEC) -> DeviceSpec:
    return replace(spec, admin=admin)


def online(guarantees: Guarantees = LEDGER, description: Description | None = PUMP) -> World:
    """Return a world whose device came online at second 0."""
    from lics_actors.device.events import ActorStarted, SessionOpened

    world = World(guarantees)
    world.feed(ActorStarted(at(0)), SessionOpened(at(0)))
    if description is not None:
        world.feed(described(0, description))
    world.feed(presence(0) if guarantees.reports_presence else telemetry(0))
    return world
