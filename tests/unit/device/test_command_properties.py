"""What holds in every history of a device, its broker, its peers and its actor's deaths."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from drivers.protocol import CommandAcked, Guarantees, PresenceReported, TelemetryReported
from lics_actors.device.commands import MAX_DOUBTFUL, MAX_WAITING
from lics_actors.device.events import (
    ActorStarted,
    ActorStopping,
    Answer,
    CommandUnsayable,
    DescriptionKnown,
    DeviceEvent,
    Effect,
    Keep,
    MessageDecoded,
    MessageRefused,
    PublishCommand,
    SessionLost,
    SessionOpened,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.messages import Admin, CommandState, Link
from lics_actors.device.model import DeviceState
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, CommandStep
from tests.unit.device.laboratory import (
    LEDGER,
    MUTE,
    PUMP,
    SPEC,
    START,
    WEAK,
    World,
    acks,
    asks,
    cancels,
    happens,
    presence,
    telemetry,
    with_admin,
)

S = CommandState
SETTLED = {S.SUCCEEDED, S.FAILED, S.REJECTED, S.EXPIRED}
ARROWS = {
    S.ACCEPTED: {S.DISPATCHED, S.EXPIRED, S.CANCELLED},
    S.DISPATCHED: {S.DELIVERED, S.EXECUTING, S.INDETERMINATE, *SETTLED},
    S.DELIVERED: {S.EXECUTING, S.INDETERMINATE, *SETTLED},
    S.EXECUTING: {S.INDETERMINATE, *SETTLED},
    S.INDETERMINATE: SETTLED,
}
IN_FLIGHT = {S.DISPATCHED, S.DELIVERED, S.EXECUTING}
steps = st.sampled_from([0.0, 0.01, 0.5, 1.0, 3.0, 6.0, 40.0])
HAPPENINGS = ["session opens", "session lost", "offline", "fault", "boot", "restart", "stop", "admin"]
epochs = st.sampled_from([None, 0, 1, 2, 3])


class Histories(RuleBasedStateMachine):
    """Feeds one event at a time and compares what comes out with the contract."""

    @initialize(guarantees=st.sampled_from([LEDGER, LEDGER, LEDGER, WEAK, MUTE]), well=st.sampled_from([True, True, False]))
    def begin(self, guarantees: Guarantees, well: bool) -> None:
        self.world = World(guarantees)
        self.seconds, self.replies = 0.0, 0
        self.accepted: list[UUID] = []
        self.feed(ActorStarted(START))
        if well:
            self.everything_is_well()

    def feed(self, event: DeviceEvent) -> None:
        world, before = self.world, self.world.state
        known = dict(world.journal)
        sent = list(world.published)
        effects = world.feed(event)
        self.check_publishing(event.now, effects, sent, known)
        self.check_order_of_effects(effects, known)
        self.check_reconciliation(before, effects, known)
        if self.fenced(event, before.epoch):
            lapse = World(world.guarantees)
            lapse.state, lapse.journal = before, known
            elapsed = lapse.feed(MessageRefused(event.now, "t", "r", b"", 0, recorded_elsewhere=True))
            assert [e for e in effects if not _timer(e)] == [e for e in elapsed if not _timer(e)], "time alone did this"
        self.accepted += [e.record.command.command_id for e in effects if isinstance(e, Keep) and _accepts(e)]

    def check_publishing(
        self, now: datetime, effects: list[Effect], sent: list[PublishCommand], known: dict[UUID, Command]
    ) -> None:
        state = self.world.state
        new = [e for e in effects if isinstance(e, PublishCommand) and not e.repeat]
        for effect in (e for e in effects if isinstance(e, PublishCommand)):
            command = self.world.journal[effect.command.command_id]
            assert state.link is Link.ONLINE
            assert state.spec.admin is Admin.ENABLED
            earlier = [p.command for p in sent if p.command.command_id == command.command_id]
            assert all(command_ == effect.command for command_ in earlier), "always the same words"
            if effect.repeat:
                assert command.command_id in known, "dispatched before"
                assert S.DISPATCHED in [step.state for step in known[command.command_id].steps]
                in_time = command.idempotent and command.deadline > now
                assert state.guarantees.executes_once or in_time
            else:
                assert not earlier, "once as a new one"
                assert command.deadline > now
                assert command.epoch == state.epoch
        assert len(new) <= 1
        if new:
            flying = [c.command_id for c in self.world.journal.values() if c.state in IN_FLIGHT]
            assert flying == [new[0].command.command_id], "nothing else in flight"
            assert not state.book.asked, "no repeat unanswered"

    def check_order_of_effects(self, effects: list[Effect], known: dict[UUID, Command]) -> None:
        """Replay the effects: nothing is said or told that is not journaled and durable by then."""
        written = {command_id: (command.state, True) for command_id, command in known.items()}
        for effect in effects:
            match effect:
                case Keep(CommandAccepted(command), durable):
                    assert durable
                    written[command.command_id] = (command.state, True)
                case Keep(CommandMoved(command_id, _, _, step), durable):
                    assert step.state in ARROWS[written[command_id][0]]
                    again = step.state is S.SUCCEEDED and self.world.state.guarantees.executes_once  # its ledger says so, too
                    assert durable or again or step.state in {S.DELIVERED, S.EXECUTING}
                    self.check_timeout(self.world.journal[command_id], step)
                    written[command_id] = (step.state, durable)
                case PublishCommand(command, repeat):
                    state, _ = written[command.command_id]
                    assert state is S.DISPATCHED or (repeat and state in IN_FLIGHT | {S.INDETERMINATE})
                case Answer(_, Command() as told):
                    assert told.state is written[told.command_id][0]
                case _:
                    pass

    def check_timeout(self, command: Command, step: CommandStep) -> None:
        """What ran out of time in flight is in doubt, unless doing it again is harmless."""
        assert step.state is not S.INDETERMINATE or not command.idempotent
        assert step.error != "not answered before its deadline" or command.idempotent

    def check_reconciliation(self, before: DeviceState, effects: list[Effect], known: dict[UUID, Command]) -> None:
        """A device with a ledger that comes back, or boots anew, is asked for all that LICS does not know."""
        state = self.world.state
        back = state.reachable and (not before.reachable or state.epoch != before.epoch)
        if back and state.guarantees.executes_once:
            repeated = {effect.command.command_id for effect in effects if isinstance(effect, PublishCommand) and effect.repeat}
            assert repeated == {t.id for t in (*state.book.flying, *state.book.doubtful) if known[t.id].state is not S.ACCEPTED}

    def fenced(self, event: DeviceEvent, epoch: int | None) -> bool:
        if not isinstance(event, MessageDecoded) or epoch is None or isinstance(event.decoded, CommandAcked):
            return False
        said = event.decoded.epoch if isinstance(event.decoded, PresenceReported | TelemetryReported) else None
        believed = isinstance(event.decoded, PresenceReported) or self.world.guarantees.sequenced
        return believed and said is not None and said < epoch

    @property
    def requested(self) -> list[UUID]:
        return list(self.world.journal)

    # what may happen

    @rule(seconds=steps)
    def time_passes(self, seconds: float) -> None:
        """Also the timer rings, where one is set."""
        until = self.seconds + seconds
        while (timer := self.world.state.timer) is not None and timer <= START + timedelta(seconds=until):
            self.seconds = max(self.seconds, (timer - START).total_seconds())
            self.feed(TimerFired(max(timer, START + timedelta(seconds=self.seconds))))
        self.seconds = until

    @rule(
        what=st.sampled_from(["session opens", "session lost", "offline", "fault", "boot", "restart", "stop", "admin"]),
        data=st.data(),
    )
    def something_happens(self, what: str, data: st.DataObject) -> None:
        now = START + timedelta(seconds=self.seconds)
        match what:
            case "session opens":
                self.feed(SessionOpened(now))
            case "session lost":
                self.feed(SessionLost(now, "x"))
            case "offline" | "fault":
                self.feed(presence(self.seconds, what, data.draw(epochs), retained=data.draw(st.booleans())))
            case "boot":
                self.feed(presence(self.seconds, "online", data.draw(epochs)))
            case "restart":
                self.world.restart(self.seconds)
                self.feed(ActorStarted(now))
            case "stop":
                self.feed(ActorStopping(now))
                assert not any(t.waiters for t in (*self.world.state.book.waiting, *self.world.state.book.flying))
                self.something_happens("restart", data)
            case _:
                self.feed(SpecChanged(now, with_admin(data.draw(st.sampled_from(Admin)))))

    @rule()
    def everything_is_well(self) -> None:
        now = START + timedelta(seconds=self.seconds)
        self.feed(DescriptionKnown(now, PUMP))
        self.feed(SpecChanged(now, SPEC))
        if not self.world.state.session:
            self.feed(SessionOpened(now))
        self.feed(presence(self.seconds, epoch=self.world.state.epoch))
        self.feed(happens(self.seconds, self.world.state.epoch or 0))

    @rule(epoch=st.sampled_from([0, 1, 2, 3]), kind=st.sampled_from([telemetry, happens]))
    def the_device_says_something(self, epoch: int, kind: Callable[..., MessageDecoded]) -> None:
        self.feed(kind(self.seconds, epoch))

    @rule(
        name=st.sampled_from(["dispense", "dispense", "measure", "stop"]),
        wait_s=st.sampled_from([0.0, 1.0, 5.0, 60.0]),
        timeout_s=st.sampled_from([1.0, 5.0, 30.0]),
    )
    def somebody_asks(self, name: str, wait_s: float, timeout_s: float) -> None:
        command_id = UUID(int=1000 + len(self.world.journal))
        self.feed(asks(self.seconds, name, command_id=command_id, wait_s=wait_s, timeout_s=timeout_s, reply=self.reply()))

    @rule(name=st.sampled_from(["dispense", "stop", "nonsense"]), timeout_s=st.sampled_from([5.0, 0.0]), data=st.data())
    def somebody_asks_again_or_wrongly(self, name: str, timeout_s: float, data: st.DataObject) -> None:
        command_id = data.draw(st.sampled_from([UUID(int=1), *self.requested]))
        self.feed(asks(self.seconds, name, command_id=command_id, timeout_s=timeout_s, reply=self.reply()))

    def reply(self) -> str:
        self.replies += 1
        return f"peer {self.replies}"

    @precondition(lambda self: self.requested)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        self.feed(cancels(self.seconds, data.draw(st.sampled_from(self.requested))))

    @precondition(lambda self: self.world.published)
    @rule(
        data=st.data(),
        state=st.sampled_from(["delivered", "executing", "succeeded", "failed", "rejected"]),
        error=st.sampled_from([None, "expired", "stale_epoch", "x"]),
    )
    def the_device_acknowledges_what_it_was_told(self, data: st.DataObject, state: str, error: str | None) -> None:
        told = data.draw(st.sampled_from([p.command.command_id for p in self.world.published[-3:]]))
        self.feed(acks(self.seconds, told, state, error=error))

    @precondition(lambda self: self.requested)
    @rule(data=st.data(), state=st.sampled_from(["delivered", "succeeded"]))
    def the_device_acknowledges_anything(self, data: st.DataObject, state: str) -> None:
        self.feed(acks(self.seconds, data.draw(st.sampled_from(self.requested)), state))

    @precondition(lambda self: self.world.published)
    @rule(data=st.data())
    def the_driver_cannot_say_it(self, data: st.DataObject) -> None:
        said = data.draw(st.sampled_from(self.world.published))
        self.feed(CommandUnsayable(START + timedelta(seconds=self.seconds), said.command, "too long"))

    # what always holds

    @invariant()
    def at_most_one_is_in_flight(self) -> None:
        assert sum(command.state in IN_FLIGHT for command in self.world.journal.values()) <= 1

    @invariant()
    def the_book_says_what_the_journal_says(self) -> None:
        book = self.world.state.book
        by_state = {
            "waiting": ({S.ACCEPTED}, book.waiting),
            "flying": (IN_FLIGHT, book.flying),
            "doubtful": ({S.INDETERMINATE}, book.doubtful),
        }
        for states, tracked in by_state.values():
            expected = {c.command_id: c for c in self.world.journal.values() if c.state in states}
            assert {t.id: t.command for t in tracked} == expected
        assert len(book.waiting) <= MAX_WAITING
        assert len(book.doubtful) <= MAX_DOUBTFUL
        assert set(book.asked) <= {t.id for t in (*book.flying, *book.doubtful)}

    @invariant()
    def new_commands_are_sent_in_the_order_of_acceptance(self) -> None:
        sent = [p.command.command_id for p in self.world.published if not p.repeat]
        assert sent == [command_id for command_id in self.accepted if command_id in sent]

    @invariant()
    def each_peer_is_answered_at_most_once(self) -> None:
        assert all(len(bodies) == 1 for reply, bodies in self.world.answers.items() if reply != "canceller")

    @invariant()
    def a_timer_is_set_whenever_time_matters(self) -> None:
        state = self.world.state
        due = [t.command.deadline for t in (*state.book.waiting, *state.book.flying)]
        if state.link is Link.ONLINE and state.heard is not None:
            due.append(state.heard + timedelta(seconds=30))
        if due:
            assert state.timer is not None
            assert state.timer <= min(due)

    def teardown(self) -> None:
        """In the end every command is settled or in doubt, and everybody was answered."""
        if not hasattr(self, "world"):
            return
        self.seconds += 100_000
        self.feed(TimerFired(START + timedelta(seconds=self.seconds)))
        assert all(command.state.terminal for command in self.world.journal.values())
        assert not any(t.waiters for t in self.world.state.book.doubtful)


def _accepts(effect: Keep) -> Any:
    return isinstance(effect.record, CommandAccepted)


def _timer(effect: Effect) -> bool:
    return dataclasses.asdict(effect).keys() == {"at"}


Histories.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestHistories = Histories.TestCase
