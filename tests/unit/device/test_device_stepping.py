"""The wall clock is set: what is waited for comes when it would have come, and what was recorded stays."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import PresenceState
from lics_actors.clock import STEP_S, StepWatch
from lics_actors.device.conditions import Reading, Seen
from lics_actors.device.events import SessionOpened, TimerFired
from lics_actors.device.guard import Guard
from lics_actors.device.interlocks import Latch
from lics_actors.device.lease import FOREVER, Leasing
from lics_actors.device.messages import CommandState, Link
from lics_actors.device.stepping import moved, stepped
from lics_actors.store.records import InterlockTripped
from tests.unit.device.laboratory import DEVICE, START, World, acks, asks, at, described, presence, telemetry

HOUR = 3600.0
steps = st.integers(-(10**7), 10**7).map(float)


def online() -> World:
    world = World()
    world.feed(SessionOpened(at(0)), described(0), presence(0))
    assert world.state.link is Link.ONLINE
    return world


def step(world: World, seconds: float) -> None:
    world.state = stepped(world.state, timedelta(seconds=seconds))


@given(steps)
def test_a_deadline_comes_when_it_would_have_come(by: float) -> None:
    world = online()
    wish = asks(1, timeout_s=5.0)
    world.feed(wish)
    command_id = wish.request.command_id
    step(world, by)
    world.feed(TimerFired(at(5.9 + by)))
    assert world.journal[command_id].state is CommandState.DISPATCHED
    world.feed(TimerFired(at(6.1 + by)))
    assert world.journal[command_id].state is CommandState.INDETERMINATE
    assert world.journal[command_id].deadline == at(6), "what was recorded, and said to the device, stays"


@given(steps)
def test_who_waits_is_answered_when_he_would_have_been(by: float) -> None:
    world = online()
    first, second = asks(1, timeout_s=20.0, wait_s=3.0), asks(1, timeout_s=20.0, wait_s=3.0)
    world.feed(first, second)
    step(world, by)
    world.feed(TimerFired(at(3.9 + by)))
    assert world.answers == {}
    world.feed(TimerFired(at(4.1 + by)))
    assert set(world.answers) == {first.reply, second.reply}


@given(steps)
def test_a_device_is_stale_when_it_has_been_silent_for_so_long(by: float) -> None:
    world = online()
    world.feed(telemetry(1))
    step(world, by)
    world.feed(TimerFired(at(30.9 + by)))
    assert world.state.link is Link.ONLINE
    world.feed(TimerFired(at(31.1 + by)))
    assert world.state.link is Link.STALE


def test_connecting_is_given_up_in_time() -> None:
    world = World()
    world.feed(SessionOpened(at(0)))
    step(world, -HOUR)
    world.feed(TimerFired(at(4 - HOUR)))
    assert world.state.link is Link.OFFLINE


def test_a_command_accepted_by_a_clock_that_was_ahead_is_given_its_own_time_after_a_restart() -> None:
    world = online()
    wish = asks(HOUR, timeout_s=5.0)
    world.feed(telemetry(HOUR - 1), wish)
    world.restart(10.0)
    (flying,) = world.state.book.flying
    assert flying.deadline == at(15)
    world.feed(SessionOpened(at(11)), presence(11), acks(12, wish.request.command_id, "succeeded"))
    assert world.journal[wish.request.command_id].state is CommandState.SUCCEEDED


@given(steps)
def test_interlocks_and_leases_move_too_and_back_is_back(by: float) -> None:
    record = InterlockTripped(DEVICE, START, UUID(int=9), "rig", "hot", "too hot", ())
    guard = Guard(
        (),
        {DEVICE: frozenset({"t"})},
        {DEVICE: Seen(PresenceState.ONLINE, at(1), {"t": Reading((1.0,), at(2))})},
        at(3),
        {"a": at(4)},
        {"b": at(5)},
        at(6),
    )
    state = online().state
    state = type(state)(
        **{name: getattr(state, name) for name in state.__struct_fields__}
        | {"guard": guard, "latches": (Latch(record, again=at(7)),), "lease": Leasing(at(8), FOREVER)}
    )
    after = stepped(state, timedelta(seconds=by))
    assert after.guard is not None
    assert after.guard.seen[DEVICE] == Seen(PresenceState.ONLINE, at(1 + by), {"t": Reading((1.0,), at(2 + by))})
    assert (after.guard.session, after.guard.matched, after.guard.since, after.guard.due) == (
        at(3 + by),
        {"a": at(4 + by)},
        {"b": at(5 + by)},
        at(6 + by),
    )
    assert after.latches == (Latch(record, again=at(7 + by)),)
    assert after.lease == Leasing(at(8 + by), FOREVER)
    assert stepped(after, timedelta(seconds=-by)) == state


def test_what_is_no_time_stays() -> None:
    assert moved(("a", 1, None, frozenset({2})), timedelta(1)) == ("a", 1, None, frozenset({2}))


def test_only_a_step_is_a_step() -> None:
    wall, steady = 1000.0, 5.0
    watch = StepWatch(lambda: wall, lambda: steady)
    assert watch.stepped_s() == 0.0
    wall, steady = 1010.0, 15.1  # slewed
    assert watch.stepped_s() == 0.0
    wall += HOUR
    assert watch.stepped_s() == pytest.approx(HOUR - 0.1)
    assert watch.stepped_s() == 0.0
    wall -= 2 * HOUR
    assert watch.stepped_s() == pytest.approx(-2 * HOUR)
    for _ in range(20):
        wall += STEP_S / 4
        found = watch.stepped_s()
        assert found == 0.0 or found >= STEP_S, "small ones add up"
