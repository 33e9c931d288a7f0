"""What holds of interlocks in every history of a device, its sources, its people and its actor's deaths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lics_actors.device.events import (
    ActorStarted,
    ActorStopping,
    Answer,
    DeviceEvent,
    Keep,
    PublishCommand,
    RenewLease,
    ResetRequested,
    SessionLost,
    SessionOpened,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.messages import Admin, InterlocksReset, Safety
from lics_actors.errors import InterlockTrippedError
from lics_actors.store.records import CommandAccepted, CommandMoved, InterlockReset, InterlockTripped
from tests.unit.device.laboratory import START, World, acks, asks, at, cancels, described, presence
from tests.unit.device.test_interlocks import (
    DOOR,
    LEASED,
    SENSOR,
    VALVE,
    from_sensor,
    guarded,
    interlock,
    resets,
    spec_with,
    there,
    told,
)

OPENED = {"event": "opened", "of": "door", "within_s": 1}
WARM_AND_LOST = {
    "all": [
        {"metric": "temperature_c", "of": "sensor", "op": ">", "value": 30, "for_s": 2},
        {"not": {"link": "offline", "of": "door"}},
    ]
}
DECLARED = (
    interlock(unknown="hold"),
    interlock(OPENED, "door", unknown_s=5),
    interlock(WARM_AND_LOST, "warm", unknown="hold", for_s=1),
)


class Guarded(RuleBasedStateMachine):
    """Feeds one event at a time and looks at what leaves, in which order, and what is latched."""

    @initialize(declared=st.sampled_from([DECLARED, DECLARED[:1], DECLARED[1:]]))
    def begin(self, declared: tuple[Any, ...]) -> None:
        self.world: World = guarded(*declared)
        self.declared, self.seconds, self.replies = declared, 0.0, 0

    def feed(self, event: DeviceEvent) -> None:
        before, tripped_before = self.world.state, set(self.world.tripped)
        effects = self.world.feed(event)
        tripped_after = set(self.world.tripped)
        self.check_what_leaves(effects, tripped_before)
        self.check_the_order(effects)
        if tripped_before - tripped_after:
            of_maintenance = isinstance(event, SpecChanged) and event.spec.admin is Admin.MAINTENANCE
            assert isinstance(event, ResetRequested) or of_maintenance, "nothing else ends it"
        assert {each.key for each in self.world.state.latches} == tripped_after, "the journal knows as much"
        for effect in effects:
            if isinstance(effect, RenewLease):
                assert not self.world.state.latches
                assert before.lease.expires is not None

    def check_what_leaves(self, effects: list[Any], tripped: set[str]) -> None:
        """While an interlock has tripped no actuating command leaves but what makes safe; nor is one taken."""
        barred = bool(tripped)
        for effect in effects:
            match effect:
                case Keep(InterlockTripped(), durable):
                    assert durable
                    barred = True
                case Keep(InterlockReset()):
                    barred = False  # perhaps; what follows is judged by the state
                case PublishCommand(command):
                    known = self.world.journal[command.command_id]
                    if barred and self.world.state.latches:
                        assert known.safe or not known.actuates, "nothing moves"
                case Keep(CommandAccepted(command)) if barred and self.world.state.latches:
                    assert command.safe or not command.actuates
                case _:
                    pass

    def check_the_order(self, effects: list[Any]) -> None:
        """What trips is journaled before anything leaves, and its safe commands leave before anything else does."""
        trips = [
            n for n, effect in enumerate(effects) if isinstance(effect, Keep) and isinstance(effect.record, InterlockTripped)
        ]
        if not trips:
            return
        outgoing = [effect for effect in effects if isinstance(effect, PublishCommand | RenewLease)]
        if outgoing and self.world.state.reachable:
            assert isinstance(outgoing[0], PublishCommand)
            assert outgoing[0].safe
        first = next((n for n, effect in enumerate(effects) if isinstance(effect, PublishCommand)), len(effects))
        assert trips[0] < first
        for n, effect in enumerate(effects):
            if isinstance(effect, PublishCommand):
                kept = [e.record for e in effects[:n] if isinstance(e, Keep)]
                assert effect.repeat or any(
                    isinstance(r, CommandMoved) and r.command_id == effect.command.command_id for r in kept
                )

    def reply(self) -> str:
        self.replies += 1
        return f"peer {self.replies}"

    @rule(seconds=st.sampled_from([0.01, 0.5, 1.0, 3.0, 12.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        until, rings = self.seconds + seconds, 0
        while (timer := self.world.state.timer) is not None and timer <= at(until):
            self.seconds = max(self.seconds, (timer - START).total_seconds())
            self.feed(TimerFired(max(timer, at(self.seconds))))
            rings += 1
            assert rings < 200, "it must not spin"
        self.seconds = until

    @rule(value=st.sampled_from([20, 20, 35, 41]), again=st.sampled_from([20, 41]))
    def the_sensor_measures(self, value: float, again: float) -> None:
        self.feed(from_sensor(self.seconds, value, again if value > 20 else value))

    @rule(state=st.sampled_from(["online", "online", "offline", "fault"]), device=st.sampled_from([SENSOR, DOOR]))
    def a_source_says_how_it_is(self, state: str, device: UUID) -> None:
        self.feed(there(self.seconds, state, device))

    @rule(kind=st.sampled_from(["opened", "closed"]))
    def the_door_moves(self, kind: str) -> None:
        self.feed(told(self.seconds, kind))

    @rule(name=st.sampled_from(["dispense", "open", "close", "measure", "stop"]))
    def somebody_asks(self, name: str) -> None:
        reply = self.reply()
        known = self.world.state.latches
        self.feed(asks(self.seconds, name, reply=reply, timeout_s=30.0))
        answers = self.world.answers.get(reply, [])
        if known and self.world.state.spec.admin is Admin.ENABLED and name in {"dispense", "open", "stop"}:
            assert [type(each) for each in answers] == [InterlockTrippedError]

    @precondition(lambda self: self.world.journal)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        self.feed(cancels(self.seconds, data.draw(st.sampled_from(list(self.world.journal)))))

    @rule(reason=st.sampled_from(["seen to", "seen to", ""]), name=st.sampled_from([None, None, "hot", "door"]))
    def somebody_resets(self, reason: str, name: str | None) -> None:
        before = set(self.world.tripped)
        self.world.answers.pop("resetter", None)
        self.feed(resets(self.seconds, reason, name))
        (answer,) = self.world.answers["resetter"]
        if not reason or isinstance(answer, InterlockTrippedError):
            assert set(self.world.tripped) >= before
        else:
            assert isinstance(answer, InterlocksReset)

    @precondition(lambda self: self.world.published)
    @rule(data=st.data(), state=st.sampled_from(["delivered", "succeeded", "succeeded", "failed"]))
    def the_device_answers(self, data: st.DataObject, state: str) -> None:
        said = data.draw(st.sampled_from([each.command.command_id for each in self.world.published[-4:]]))
        self.feed(acks(self.seconds, said, state))

    @rule(
        what=st.sampled_from(["lost", "opened", "online", "offline", "boot", "maintenance", "enabled", "undeclared", "restart"])
    )
    def something_happens(self, what: str) -> None:
        now = at(self.seconds)
        match what:
            case "lost":
                self.feed(SessionLost(now, "x"))
            case "opened":
                self.feed(SessionOpened(now))
            case "online" | "offline":
                self.feed(presence(self.seconds, what, self.world.state.epoch))
            case "boot":
                self.feed(presence(self.seconds, "online", (self.world.state.epoch or 0) + 1))
            case "maintenance" | "enabled":
                self.feed(SpecChanged(now, replace(spec_with(*self.declared), admin=Admin(what))))
            case "undeclared":
                self.feed(SpecChanged(now, spec_with(*self.declared[1:])))
            case _:
                self.feed(ActorStopping(now))
                self.world.restart(self.seconds)
                self.feed(ActorStarted(now))
                self.feed(SessionOpened(now))
                self.feed(described(self.seconds, VALVE))

    @invariant()
    def the_axis_says_it(self) -> None:
        if hasattr(self, "world"):
            state = self.world.state
            assert (state.safety is Safety.TRIPPED) == bool(state.latches)
            assert (state.book.barred is not None) == bool(state.latches)
            if state.latches:
                assert state.lease.held_until is None
                assert not [t for t in state.book.waiting if t.command.actuates and not t.command.safe]

    @invariant()
    def nothing_grows_without_bound(self) -> None:
        if hasattr(self, "world"):
            state = self.world.state
            assert len(state.latches) <= len(DECLARED)
            assert len(state.book.flying) <= 2 + 4 * len(DECLARED)
            if state.guard is not None:
                assert len(state.guard.since) <= 20
                assert len(state.guard.seen) <= 3


Guarded.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestGuarded = Guarded.TestCase


def test_the_machine_can_trip_and_reset() -> None:
    """The rules above are not vacuous."""
    world = guarded(*DECLARED)
    world.feed(from_sensor(1, 41))
    assert world.state.latches
    world.feed(from_sensor(2, 20), resets(3))
    assert not world.state.latches
    assert any(isinstance(each, InterlocksReset) for each in world.answers["resetter"])
    assert world.guarantees == LEASED
    assert Answer
