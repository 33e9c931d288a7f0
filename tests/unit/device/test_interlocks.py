"""Interlocks in the reducer: what trips, in which order things leave, what is refused meanwhile, and what ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from drivers.protocol import CommandSpec, Description, EventReported, PresenceReported, PresenceState, Sample, TelemetryReported
from lics_actors.device.events import (
    ActorStarted,
    DeviceEvent,
    Effect,
    Keep,
    MemoryLost,
    PeerDecoded,
    PublishCommand,
    ResetRequested,
    SessionLost,
    SessionOpened,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.messages import (
    Admin,
    DeviceSpec,
    InterlocksReset,
    ResetInterlocks,
    RigPart,
    RoleSpec,
    Safety,
)
from lics_actors.errors import InterlockTrippedError, InvalidError
from lics_actors.store.records import AlarmCleared, AlarmRaised, Command, InterlockReset, InterlockTripped, LeaseLost
from tests.unit.device.laboratory import DEVICE, LEDGER, PUMP, SPEC, World, acks, asks, at, described, presence, telemetry

RIG, SENSOR, DOOR = UUID(int=77), UUID(int=2), UUID(int=3)
LEASED = replace(LEDGER, honours_leases=True)
VALVE = Description(
    type="actuator",
    firmware="1",
    commands={
        **PUMP.commands,
        "open": CommandSpec({}, idempotent=True, actuates=True, holds=True),
        "close": CommandSpec({}, idempotent=True, actuates=True, releases=True),
        "dim": CommandSpec({"type": "object"}, idempotent=True, actuates=True),
    },
)
HOT = {"metric": "temperature_c", "of": "sensor", "op": ">", "value": 40}
TRIP = [{"role": "valve", "command": "close"}]


def interlock(when: Mapping[str, Any] = HOT, name: str = "hot", trip: Any = TRIP, **more: Any) -> dict[str, Any]:
    return {"name": name, "when": dict(when), "trip": trip, **more}


def spec_with(*interlocks: Mapping[str, Any], spec: DeviceSpec = SPEC) -> DeviceSpec:
    roles = {
        "valve": RoleSpec(DEVICE, "native", {}),
        "sensor": RoleSpec(SENSOR, "native", {}, silent_s=30),
        "door": RoleSpec(DOOR, "native", {}, silent_s=30),
    }
    return replace(spec, rigs=(RigPart(RIG, "cage 3", roles, interlocks),) if interlocks else ())


def from_sensor(seconds: float, value: float, *more: float, device: UUID = SENSOR, name: str = "temperature_c") -> PeerDecoded:
    samples = tuple(Sample(at(seconds + n / 1000), {name: each}) for n, each in enumerate((value, *more)))
    return PeerDecoded(at(seconds), device, TelemetryReported(1, 0, samples))


def told(seconds: float, kind: str, data: Mapping[str, Any] | None = None, device: UUID = DOOR, **more: Any) -> PeerDecoded:
    return PeerDecoded(at(seconds), device, EventReported(1, 0, at(seconds), kind, data), **more)


def there(seconds: float, state: str = "online", device: UUID = SENSOR) -> PeerDecoded:
    return PeerDecoded(at(seconds), device, PresenceReported(PresenceState(state), 1, at(seconds)))


def guarded(*interlocks: Mapping[str, Any], guarantees: Any = LEASED) -> World:
    """Return a world whose device, sensor and door came online at second 0."""
    world = World(guarantees, spec_with(*(interlocks or (interlock(),))))
    world.feed(ActorStarted(at(0)), SessionOpened(at(0)), described(0, VALVE), presence(0))
    world.feed(there(0), there(0, device=DOOR), from_sensor(0, 20))
    assert world.state.safety is Safety.ARMED
    return world


def resets(seconds: float, reason: str = "cooled down", name: str | None = None, rig: UUID = RIG) -> ResetRequested:
    return ResetRequested(at(seconds), ResetInterlocks(DEVICE, rig, "user:1", reason, name), "resetter")


def published(effects: list[Effect]) -> list[str]:
    return [effect.command.name for effect in effects if isinstance(effect, PublishCommand)]


def tripped(world: World) -> bool:
    return world.state.safety is Safety.TRIPPED


def test_a_condition_trips_in_this_order_journal_then_the_safe_command_then_the_rest() -> None:
    world = guarded()
    world.feed(asks(1), asks(1.1), asks(1.2, "measure"))
    effects = world.feed(from_sensor(2, 41))
    kinds = [
        type(e.record).__name__ if isinstance(e, Keep) else e.command.name if isinstance(e, PublishCommand) else type(e).__name__
        for e in effects
    ]
    assert kinds[0] == "DeviceChanged", "a record of its own, which says tripped"
    assert kinds[1:4] == ["InterlockTripped", "CommandMoved", "Answer"], "the waiting dose is called off"
    assert kinds[4:8] == ["AlarmRaised", "CommandAccepted", "CommandMoved", "close"]
    (record,) = world.kept(InterlockTripped)
    assert (record.rig, record.interlock, record.why) == ("cage 3", "hot", "sensor temperature_c is 41 (> 40)")
    assert all(e.durable for e in effects if isinstance(e, Keep) and isinstance(e.record, InterlockTripped))
    assert tripped(world)
    cancelled = [c for c in world.journal.values() if c.state == "cancelled"]
    assert [c.steps[-1].error for c in cancelled] == ["interlock 'hot' of rig 'cage 3' has tripped"]
    assert [t.command.name for t in world.state.book.waiting] == ["measure"], "what moves nothing may wait"
    (alarm,) = world.kept(AlarmRaised)
    assert (alarm.source, alarm.kind) == (f"device:{DEVICE}", "interlock")


def test_a_command_that_comes_with_the_tripping_time_does_not_slip_through() -> None:
    world = guarded(interlock({**HOT, "for_s": 2}))
    world.feed(from_sensor(1, 41))
    assert not tripped(world)
    effects = world.feed(asks(3.5, reply="x"))
    assert published(effects) == ["close"]
    refusal = world.answer("x")
    assert isinstance(refusal, InterlockTrippedError)
    assert refusal.facts["interlock"] == "hot"
    assert refusal.type == "conflict"


def test_meanwhile_only_what_moves_nothing_or_makes_safe_is_taken() -> None:
    world = guarded(interlock(trip=[{"role": "valve", "command": "dim", "args": {"to": 0}}]))
    world.feed(from_sensor(1, 41))
    (safe,) = world.state.book.flying
    world.feed(acks(1.1, safe.id, "succeeded"))
    world.feed(asks(2, "dispense", reply="dose"), asks(2, "dim", args={"to": 9}, reply="brighter"))
    assert all(isinstance(world.answer(reply), InterlockTrippedError) for reply in ("dose", "brighter"))
    for n, (name, args) in enumerate([("measure", {}), ("close", {}), ("dim", {"to": 0})]):
        wish = asks(3 + n, name, args=args)
        effects = world.feed(wish)
        assert published(effects) == [name]
        world.feed(acks(3.5 + n, wish.request.command_id, "succeeded"))


def test_what_is_in_flight_is_followed_and_never_said_again() -> None:
    world = guarded()
    dose = asks(1, timeout_s=30.0, wait_s=60.0)
    world.feed(dose)
    world.feed(from_sensor(2, 41))
    assert [t.command.name for t in world.state.book.flying] == ["close", "dispense"]
    effects = world.feed(SessionLost(at(3), "x"), SessionOpened(at(4)), presence(4))
    assert set(published(effects)) == {"close"}
    effects = world.feed(TimerFired(at(32)), presence(32))
    assert world.states(dose.request.command_id)[-1] == "indeterminate"
    assert "dispense" not in published(effects)
    world.feed(there(33), from_sensor(33, 20))
    effects = world.feed(resets(34))
    assert published(effects) == ["dispense"], "now the ledger is asked"


def test_it_is_said_again_until_the_device_confirms_and_each_time_it_comes_back() -> None:
    world = guarded(interlock(unknown="hold"))
    effects = world.feed(from_sensor(1, 41))
    for now in range(2, 200):
        effects += world.feed(presence(now), TimerFired(at(now)))
    said = [effect.command.deadline for effect in effects if isinstance(effect, PublishCommand)]
    assert [(time - at(2)).total_seconds() for time in said] == [1, 5, 13, 29, 61, 121, 181]
    effects = world.feed(SessionLost(at(200), "x"), SessionOpened(at(201)), presence(201))
    assert "close" in published(effects)
    (safe,) = [t for t in world.state.book.flying if t.command.safe and t.command.accepted_at == at(201)]
    world.feed(acks(202, safe.id, "succeeded"))
    effects = [e for now in range(203, 400) for e in world.feed(presence(now), TimerFired(at(now)))]
    assert published(effects) == [], "confirmed"


def test_an_unreachable_device_is_made_safe_when_it_comes_back() -> None:
    world = guarded()
    world.feed(presence(1, "offline"))
    assert published(world.feed(from_sensor(2, 41))) == []
    assert tripped(world)
    assert published(world.feed(presence(3))) == ["close"]


def test_tripping_ends_what_is_held() -> None:
    world = guarded()
    wish = asks(1, "open")
    world.feed(wish, acks(1.1, wish.request.command_id, "succeeded"))
    assert world.state.lease.held_until is not None
    world.feed(from_sensor(2, 41))
    assert world.state.lease.held_until is None
    renewed = len(world.renewals)
    world.feed(TimerFired(at(4)), TimerFired(at(8)))
    assert len(world.renewals) == renewed
    assert len(world.kept(LeaseLost)) <= 1


def test_only_a_persons_reset_with_a_reason_ends_it() -> None:
    world = guarded()
    world.feed(from_sensor(1, 41))
    world.feed(from_sensor(2, 20), SpecChanged(at(3), spec_with(interlock())))
    world.restart(4)
    world.feed(ActorStarted(at(4)), SessionOpened(at(4)), presence(4), there(4), from_sensor(4, 20))
    assert tripped(world)
    for reason in ("", "  "):
        world.feed(resets(5, reason))
        assert isinstance(world.answers.pop("resetter")[0], InvalidError)
    world.feed(resets(6, name="another"), resets(6, rig=UUID(int=9)))
    assert world.answers.pop("resetter") == [InterlocksReset(DEVICE, ())] * 2
    assert tripped(world)
    world.feed(resets(7))
    assert world.answer("resetter") == InterlocksReset(DEVICE, ("hot",))
    assert world.state.safety is Safety.ARMED
    (record,) = world.kept(InterlockReset)
    assert (record.principal, record.reason) == ("user:1", "cooled down")
    assert len(world.kept(AlarmCleared)) == 1
    effects = world.feed(asks(8))
    assert published(effects) == ["dispense"]


def test_a_reset_is_refused_while_it_still_is_so() -> None:
    world = guarded()
    world.feed(from_sensor(1, 41))
    world.feed(resets(2))
    refusal = world.answer("resetter")
    assert isinstance(refusal, InterlockTrippedError)
    assert "41" in refusal.message
    assert tripped(world)


def test_each_interlock_is_reset_by_itself() -> None:
    world = guarded(interlock(), interlock({"event": "opened", "of": "door"}, "door"))
    world.feed(from_sensor(1, 41), told(2, "opened"))
    assert len(world.kept(InterlockTripped)) == 2
    world.feed(from_sensor(3, 20), resets(4, name="hot"))
    assert tripped(world)
    assert world.kept(AlarmCleared) == []
    world.feed(resets(5, name="door"))
    assert not tripped(world)


def test_a_trip_without_a_command_only_bars() -> None:
    world = guarded(interlock(trip=[{"role": "valve"}]))
    effects = world.feed(from_sensor(1, 41))
    assert published(effects) == []
    assert tripped(world)
    assert published(world.feed(TimerFired(at(100)), presence(100))) == []


def test_a_device_in_maintenance_is_latched_and_made_safe_once_it_is_enabled() -> None:
    world = guarded()
    world.feed(SpecChanged(at(1), replace(spec_with(interlock()), admin=Admin.MAINTENANCE)))
    assert published(world.feed(from_sensor(2, 41))) == []
    assert tripped(world)
    effects = world.feed(SpecChanged(at(3), spec_with(interlock())))
    assert published(effects) == ["close"]


def test_what_no_rig_declares_any_more_is_forgotten_in_maintenance_only() -> None:
    world = guarded()
    world.feed(from_sensor(1, 41))
    world.feed(SpecChanged(at(2), SPEC))
    assert tripped(world)
    world.restart(3)
    world.feed(ActorStarted(at(3)), SessionOpened(at(3)), presence(3))
    assert tripped(world)
    world.feed(SpecChanged(at(4), replace(SPEC, admin=Admin.MAINTENANCE)))
    assert world.state.safety is Safety.SAFE
    assert [each.principal for each in world.kept(InterlockReset)] == ["system:device"]
    world.feed(SpecChanged(at(5), SPEC))
    assert published(world.feed(presence(5), asks(6))) == ["dispense"]


def test_what_is_still_declared_is_not_forgotten_in_maintenance() -> None:
    world = guarded()
    world.feed(from_sensor(1, 41))
    world.feed(SpecChanged(at(2), replace(spec_with(interlock()), admin=Admin.MAINTENANCE)))
    assert tripped(world)


def test_an_interlock_that_is_declared_later_judges_at_once() -> None:
    world = guarded()
    cold = interlock({**HOT, "op": "<", "value": 30}, "cold")
    world.feed(SpecChanged(at(1), spec_with(interlock(), cold)))
    assert [each.interlock for each in world.kept(InterlockTripped)] == ["cold"]


def test_an_actor_that_lost_its_journal_takes_all_as_tripped() -> None:
    world = guarded(interlock(), interlock(name="other"))
    effects = world.feed(MemoryLost(at(1)))
    assert [each.interlock for each in world.kept(InterlockTripped)] == ["hot", "other"]
    assert published(effects) == ["close", "close"]
    plain = World(LEASED)
    plain.feed(ActorStarted(at(0)), MemoryLost(at(0)))
    assert plain.state.safety is Safety.SAFE


def test_a_restart_calls_off_what_the_journal_says_waits() -> None:
    world = guarded()
    world.feed(from_sensor(1, 41))
    wish = asks(2).request
    from lics_actors.device.messages import CommandState
    from lics_actors.store.records import CommandAccepted, CommandStep

    command = Command(
        wish.command_id,
        DEVICE,
        "dispense",
        {"ul": 5},
        "user:1",
        False,
        True,
        at(60),
        (CommandStep(CommandState.ACCEPTED, at(2)),),
    )
    world.keep(CommandAccepted(command))
    world.restart(3)
    effects = world.feed(ActorStarted(at(3)), SessionOpened(at(3)), presence(3))
    assert published(effects) == ["close"]
    assert world.states(wish.command_id)[-1] == "cancelled"


def test_its_own_word_counts_too() -> None:
    world = guarded(interlock({"metric": "flow", "of": "valve", "op": ">", "value": 5}, unknown="hold"))
    world.feed(telemetry(1, flow=4))
    assert not tripped(world)
    assert published(world.feed(telemetry(2, flow=6))) == ["close"]


@pytest.mark.parametrize(
    "document",
    [
        {"name": "x", "when": {"moon": "full"}, "trip": TRIP},
        {"name": "x", "when": {**HOT, "of": "nobody"}, "trip": TRIP},
        {"name": "x", "when": {**HOT, "op": "~"}, "trip": TRIP},
        {"name": "x", "when": {**HOT, "for_s": -1}, "trip": TRIP},
        {"name": "x", "when": {**HOT, "value": "hot"}, "trip": TRIP},
        {"name": "x", "when": {"event": "opened", "of": "door", "where": [{}]}, "trip": TRIP},
        {"name": "x", "when": HOT},
        {},
    ],
)
def test_what_cannot_be_read_trips(document: Mapping[str, Any]) -> None:
    world = guarded(document)
    assert not tripped(world), "after its grace"
    world.feed(TimerFired(at(10.1)))
    assert tripped(world)
    assert "cannot be read" in world.kept(InterlockTripped)[0].why


def happening(world: World, *events: DeviceEvent) -> bool:
    world.feed(*events)
    return tripped(world)
