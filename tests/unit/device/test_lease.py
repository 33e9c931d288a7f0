"""Leases: who is given one, how long it is renewed, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from drivers.protocol import CommandSpec, Description
from lics_actors.device.events import (
    ActorStarted,
    ActorStopping,
    Answer,
    DeviceEvent,
    Effect,
    Keep,
    PublishCommand,
    RenewLease,
    SessionLost,
    SessionOpened,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.lease import FOREVER, LEASE, RENEW, Leasing, said
from lics_actors.device.messages import Admin, Link, Safety
from lics_actors.errors import GuaranteeTooWeakError
from lics_actors.store.records import LeaseLost
from tests.unit.device.laboratory import LEDGER, PUMP, SPEC, START, World, acks, asks, at, described, online, presence, with_admin

LEASED = replace(LEDGER, honours_leases=True)
VALVE = Description(
    type="actuator",
    firmware="1",
    commands={
        **PUMP.commands,
        "open": CommandSpec({"type": "object", "properties": {"hold_s": {}}}, idempotent=True, actuates=True, holds=True),
        "close": CommandSpec({}, idempotent=True, actuates=True, releases=True),
    },
)


def valve() -> World:
    return online(LEASED, VALVE)


def does(world: World, seconds: float, name: str, args: dict[str, Any] | None = None, took_s: float = 0.1) -> UUID:
    """Have the device do something, and succeed."""
    wish = asks(seconds, name, args={"ul": 5} if name == "dispense" else args or {})
    world.feed(wish)
    command_id: UUID = wish.request.command_id
    world.feed(acks(seconds + took_s, command_id, "succeeded"))
    return command_id


def rings(world: World, until: float) -> list[Effect]:
    """Let the timer ring as often as it is set, until then."""
    effects: list[Effect] = []
    while (timer := world.state.timer) is not None and timer <= at(until):
        world.state = _heard(world, timer)
        effects += world.feed(TimerFired(timer))
    return effects


def _heard(world: World, now: Any) -> Any:
    """The device is alive all the time; what it says is not the matter here."""
    import msgspec

    return msgspec.structs.replace(world.state, heard=max(now, world.state.heard or now))


def renewals(effects: list[Effect]) -> list[RenewLease]:
    return [effect for effect in effects if isinstance(effect, RenewLease)]


def test_an_actuating_command_carries_a_lease_and_nothing_is_renewed_after_it() -> None:
    world = valve()
    does(world, 1, "dispense")
    (dose,) = world.published
    assert dose.lease == at(1) + LEASE
    assert renewals(rings(world, 60)) == []
    assert world.state.safety is Safety.SAFE
    world.feed(presence(69))
    does(world, 70, "measure")
    does(world, 71, "close")
    assert [each.lease for each in world.published[1:]] == [None, None], "what moves nothing, and what makes safe"
    assert [each.safe for each in world.published] == [False, False, True]


def test_a_long_movement_is_let_finish() -> None:
    world = valve()
    wish = asks(1, "dispense", timeout_s=20.0)
    world.feed(wish)
    told = renewals(rings(world, 10))
    assert [each.expires for each in told[:2]] == [at(1) + RENEW + LEASE, at(1) + 2 * RENEW + LEASE]
    world.feed(acks(11, wish.request.command_id, "succeeded"))
    assert renewals(rings(world, 60)) == []


def test_what_is_held_is_renewed_until_it_is_released() -> None:
    world = valve()
    does(world, 1, "open")
    assert (world.state.safety, world.state.lease.held_until) == (Safety.ARMED, FOREVER)
    told = renewals(rings(world, 100))
    assert len(told) == pytest.approx(100 / (LEASE.total_seconds() / 3), abs=2)
    assert all(each.expires - LEASE <= at(100) for each in told)
    world.feed(asks(101, "close"))
    assert renewals(rings(world, 105)) == [], "also before the device has answered"
    assert world.state.safety is Safety.SAFE
    assert world.kept(LeaseLost) == []


def test_a_hold_time_ends_the_renewals() -> None:
    world = valve()
    does(world, 1, "open", {"hold_s": 20})
    assert at(20) <= renewals(rings(world, 60))[-1].expires <= at(21.1) + LEASE
    assert world.state.safety is Safety.SAFE
    assert world.kept(LeaseLost) == []
    does(world, 70, "open", {"hold_s": "a while"})
    assert world.state.lease.held_until == FOREVER, "no time is no limit"


def test_a_hold_is_not_shortened_by_a_shorter_one() -> None:
    world = valve()
    does(world, 1, "open", {"hold_s": 60})
    does(world, 2, "open", {"hold_s": 1})
    assert world.state.lease.held_until == at(61.1)


@pytest.mark.parametrize("how", ["maintenance", "quarantined"])
def test_losing_the_right_to_hold_ends_the_hold_for_good(how: str) -> None:
    world = valve()
    does(world, 1, "open")
    effects = world.feed(SpecChanged(at(2), with_admin(Admin(how))))
    effects += rings(world, 4)
    effects += world.feed(SpecChanged(at(4), SPEC))
    assert renewals(effects + rings(world, 30)) == []
    assert len(world.kept(LeaseLost)) == 1
    assert world.state.safety is Safety.SAFE


def test_a_lease_that_ran_out_is_not_taken_up_again() -> None:
    world = valve()
    does(world, 1, "open")
    world.feed(SessionLost(at(2), "broker gone"))
    rings(world, 8)
    assert world.state.safety is Safety.SAFE
    assert [each.expires for each in world.kept(LeaseLost)] == [at(1) + LEASE]
    assert renewals(world.feed(SessionOpened(at(9)), presence(9)) + rings(world, 30)) == []


def test_a_broker_that_comes_back_within_the_lease_costs_nothing() -> None:
    world = valve()
    does(world, 1, "open")
    world.feed(SessionLost(at(2), "broker gone"))
    effects = world.feed(SessionOpened(at(4)), presence(4))
    assert [each.expires for each in renewals(effects)] == [at(4) + LEASE]
    assert world.kept(LeaseLost) == []


def test_a_device_that_booted_holds_nothing() -> None:
    world = valve()
    does(world, 1, "open")
    effects = world.feed(presence(2, epoch=2))
    assert renewals(effects + rings(world, 30)) == []
    assert len(world.kept(LeaseLost)) == 1


def test_the_next_incarnation_goes_on_in_time_and_not_after() -> None:
    world = valve()
    does(world, 1, "open")
    world.restart(2)
    effects = world.feed(ActorStarted(at(2)), SessionOpened(at(2)), described(2, VALVE), presence(3))
    assert [each.expires for each in renewals(effects)] == [at(3) + LEASE]
    world.restart(20)
    effects = world.feed(ActorStarted(at(20)), SessionOpened(at(20)), presence(21))
    assert renewals(effects + rings(world, 40)) == []
    assert len(world.kept(LeaseLost)) == 1


def test_a_late_success_holds_nothing_once_the_lease_is_over() -> None:
    world = valve()
    wish = asks(1, "open", timeout_s=30.0)
    world.feed(wish)
    world.feed(SessionLost(at(2), "x"), SessionOpened(at(10)))
    world.feed(acks(10, wish.request.command_id, "succeeded"))
    assert world.state.lease == Leasing()


def test_holding_needs_a_convention_that_honours_leases() -> None:
    world = online(LEDGER, VALVE)
    wish = asks(1, "open")
    world.feed(wish)
    answer = world.answer(wish.request.command_id)
    assert isinstance(answer, GuaranteeTooWeakError)
    assert "leases" in answer.message
    does(world, 2, "dispense")
    assert [each.lease for each in world.published] == [None]


def test_how_a_command_carries_it() -> None:
    assert said("lics:1", at(0.5)) == {"holder": "lics:1", "expires": "2026-03-01T12:00:00.500000+00:00"}


class Holding(RuleBasedStateMachine):
    """Whatever happens: renewed only while entitled, and a simulated valve is open only under a running lease."""

    @initialize()
    def begin(self) -> None:
        self.world, self.seconds = valve(), 0.0
        self.open_until: float | None = None

    def feed(self, event: DeviceEvent) -> None:
        before = self.world.state
        for effect in self.world.feed(event):
            state = self.world.state
            match effect:
                case RenewLease(expires):
                    assert state.link is Link.ONLINE
                    assert state.spec.admin is Admin.ENABLED
                    moving = any(t.command.actuates and not t.command.safe for t in state.book.flying)
                    assert moving or state.lease.held_until is not None
                    assert expires == event.now + LEASE
                    assert before.lease.expires is not None
                    assert before.lease.expires > event.now, "what ran out is not renewed"
                case PublishCommand(lease=expires, safe=safe):
                    assert not (expires is not None and safe)
                case Keep() | Answer():
                    pass

    @rule(seconds=st.sampled_from([0.01, 0.5, 1.0, 2.0, 6.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.seconds + seconds
        while (timer := self.world.state.timer) is not None and timer <= at(until):
            self.seconds = max(self.seconds, (timer - START).total_seconds())
            self.feed(TimerFired(max(timer, at(self.seconds))))
        self.seconds = until

    @rule(name=st.sampled_from(["open", "open", "close", "dispense", "measure"]), hold_s=st.sampled_from([None, 1, 10]))
    def somebody_asks(self, name: str, hold_s: float | None) -> None:
        args = {"ul": 5} if name == "dispense" else {"hold_s": hold_s} if name == "open" and hold_s else {}
        self.feed(asks(self.seconds, name, args=args))

    @precondition(lambda self: self.world.state.book.flying)
    @rule(state=st.sampled_from(["delivered", "succeeded", "succeeded", "failed"]))
    def the_device_answers(self, state: str) -> None:
        self.feed(acks(self.seconds, self.world.state.book.flying[0].id, state))

    @rule(what=st.sampled_from(["lost", "opened", "online", "offline", "boot", "maintenance", "enabled", "restart"]))
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
                self.feed(SpecChanged(now, with_admin(Admin(what))))
            case _:
                self.feed(ActorStopping(now))
                self.world.restart(self.seconds)
                self.feed(ActorStarted(now))

    @invariant()
    def a_hold_is_armed_and_looked_after(self) -> None:
        if not hasattr(self, "world"):
            return
        state = self.world.state
        assert (state.safety is Safety.ARMED) == (state.lease.held_until is not None)
        if state.lease.held_until is not None:
            assert state.lease.expires is not None
            assert state.timer is not None
            assert state.timer <= state.lease.expires


Holding.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestHolding = Holding.TestCase
