"""The four axes: what a device, its broker and people say, and what LICS then holds to be true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.protocol import CommandSpec, Description
from lics_actors.device.events import (
    ActorStarted,
    ActorStopping,
    DescriptionKnown,
    ListeningResumed,
    MessageRefused,
    SessionLost,
    SessionOpened,
    SetTimer,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.hearing import KEPT_REJECTS, MAX_METRICS, MAX_TOPICS
from lics_actors.device.messages import Admin, Health, Link
from lics_actors.device.twin import kept_twin, restored, twin_of
from lics_actors.store.records import DeviceChanged, DeviceDescribed, PayloadRejected
from tests.unit.device.laboratory import (
    DEVICE,
    LEDGER,
    MUTE,
    PUMP,
    SPEC,
    WEAK,
    World,
    acks,
    at,
    described,
    happens,
    online,
    presence,
    telemetry,
    with_admin,
)


def connected(world: World | None = None) -> World:
    world = world or World()
    world.feed(ActorStarted(at(0)), SessionOpened(at(0)))
    return world


def test_a_device_connects_until_its_status_is_known() -> None:
    world = World()
    world.feed(ActorStarted(at(0)))
    assert world.state.link is Link.CONNECTING
    world.feed(SessionOpened(at(1)), described(1.1))
    assert world.state.link is Link.CONNECTING
    world.feed(presence(1.2, retained=True))
    assert (world.state.link, world.state.health, world.state.epoch) == (Link.ONLINE, Health.OK, 1)
    assert [record.link for record in world.kept(DeviceChanged)] == ["connecting", "online"]
    assert world.kept(DeviceDescribed)[0].description["commands"]["dispense"]["actuates"]


def test_its_record_never_runs_backwards_though_messages_arrived_before_the_actor_took_them() -> None:
    world = World()
    world.feed(SessionOpened(at(0.9)), presence(1), ActorStarted(at(2)), presence(1, epoch=2))
    times = [record.time for record in world.kept(DeviceChanged)]
    assert times == sorted(times)
    assert times[-1] == at(2)


def test_without_a_status_it_is_offline_after_some_seconds() -> None:
    world = connected()
    world.feed(telemetry(1), TimerFired(at(2.9)))
    assert world.state.link is Link.CONNECTING
    world.feed(TimerFired(at(3)))
    assert world.state.link is Link.OFFLINE
    assert world.state.reason
    world.feed(telemetry(4))
    assert world.state.link is Link.OFFLINE, "only a status says it is back"
    world.feed(presence(5))
    assert world.state.link is Link.ONLINE


def test_a_device_without_a_status_is_online_by_any_message() -> None:
    world = connected(World(MUTE))
    world.feed(telemetry(1, retained=True))
    assert world.state.link is Link.CONNECTING, "a retained message proves nothing"
    world.feed(telemetry(2))
    assert world.state.link is Link.ONLINE
    silent = connected(World(MUTE))
    silent.feed(TimerFired(at(29)))
    assert silent.state.link is Link.CONNECTING
    silent.feed(TimerFired(at(30)))
    assert silent.state.link is Link.OFFLINE
    silent.feed(happens(31))
    assert silent.state.link is Link.ONLINE


def test_silence_makes_it_stale_and_a_word_brings_it_back() -> None:
    world = online()
    world.feed(happens(20), TimerFired(at(49)))
    assert world.state.link is Link.ONLINE
    world.feed(TimerFired(at(50)))
    assert world.state.link is Link.STALE
    assert twin_of(world.state).status == "stale"
    world.feed(telemetry(51))
    assert world.state.link is Link.ONLINE
    assert [record.link for record in world.kept(DeviceChanged)][-2:] == ["stale", "online"]


def test_not_having_listened_is_no_silence() -> None:
    world = connected()
    world.feed(presence(1), telemetry(2), ListeningResumed(at(7)), TimerFired(at(36)))
    assert world.state.link is Link.ONLINE
    assert world.state.last_seen == at(2), "nothing was heard"
    world.feed(ListeningResumed(at(3)), TimerFired(at(36.9)))
    assert world.state.link is Link.ONLINE
    world.feed(TimerFired(at(37)))
    assert world.state.link is Link.STALE
    world.feed(ListeningResumed(at(38)))
    assert world.state.link is Link.STALE, "listening brings nobody back"
    unheard = connected()
    unheard.feed(ListeningResumed(at(1)))
    assert unheard.state.heard is None


@pytest.mark.parametrize("silent_s", [0.0, -1.0, float("nan"), float("inf"), 1e300])
def test_a_senseless_silence_makes_nothing_stale(silent_s: float) -> None:
    world = World(spec=replace(SPEC, silent_s=silent_s))
    connected(world).feed(presence(0), TimerFired(at(1e6)))
    assert world.state.link is Link.ONLINE


def test_the_last_will_is_believed_at_once_and_is_no_sign_of_life() -> None:
    world = online()
    world.feed(presence(5, "offline"))
    assert (world.state.link, world.state.last_seen) == (Link.OFFLINE, at(0))
    world.feed(presence(6, "offline", reason="battery"))
    assert world.state.reason == "battery"
    assert world.state.since == at(5)


def test_a_lost_session_means_not_knowing() -> None:
    world = online()
    world.feed(SessionLost(at(1), "refused"))
    assert world.state.link is Link.CONNECTING
    assert "broker: refused" in (world.state.reason or "")
    world.feed(presence(2), telemetry(2))  # were on their way
    assert world.state.link is Link.CONNECTING
    world.feed(TimerFired(at(100)))
    assert world.state.link is Link.CONNECTING, "the device is not to blame"
    world.feed(SessionOpened(at(101)), presence(101.1, retained=True))
    assert world.state.link is Link.ONLINE


def test_a_fault_is_health_not_absence() -> None:
    world = online()
    world.feed(presence(1, "fault", reason="valve stuck"))
    assert (world.state.link, world.state.health, world.state.reason) == (Link.ONLINE, Health.FAULT, "valve stuck")
    assert twin_of(world.state).status == "fault"
    world.feed(presence(2))
    assert world.state.health is Health.OK


def test_earlier_boots_are_fenced_and_later_ones_noticed() -> None:
    world = online()
    world.feed(presence(1, epoch=3))
    assert (world.state.epoch, world.state.book.counts["reboots"]) == (3, 1)
    before = world.state
    world.feed(presence(2, "offline", epoch=2), telemetry(2, epoch=1, flow=9), happens(2, epoch=2))
    assert world.state.book.counts["messages_fenced"] == 3
    assert (world.state.link, world.state.metrics, world.state.last_seen) == (before.link, before.metrics, before.last_seen)
    world.feed(telemetry(3, epoch=4))
    assert world.state.epoch == 4
    assert [record.epoch for record in world.kept(DeviceChanged)] == [None, 1, 3, 4]


def test_replaced_hardware_is_let_in_by_maintenance() -> None:
    world = online()
    world.feed(presence(1, epoch=7), presence(2, epoch=0))
    assert world.state.epoch == 7
    world.feed(SpecChanged(at(3), with_admin(Admin.MAINTENANCE)), SpecChanged(at(4), SPEC), presence(5, epoch=0))
    assert world.state.epoch == 0


def test_conventions_without_sequence_have_no_epochs_in_their_data() -> None:
    world = online(WEAK)
    world.feed(telemetry(1, epoch=0, flow=3), presence(2, epoch=None))
    assert world.state.metrics["flow"].value == 3
    assert world.state.link is Link.ONLINE


def test_the_twin_has_the_latest_values_of_a_bounded_number_of_metrics() -> None:
    world = online()
    world.feed(telemetry(1, a=1), telemetry(2, a=2, b=3))
    assert {name: reading.value for name, reading in world.state.metrics.items()} == {"a": 2, "b": 3}
    for n in range(MAX_METRICS):
        world.feed(telemetry(3, **{f"m{n}": n}))
    world.feed(telemetry(4, a=5))
    assert len(world.state.metrics) == MAX_METRICS
    assert world.state.metrics["a"].value == 5


def refused(seconds: float, **changes: object) -> MessageRefused:
    return replace(MessageRefused(at(seconds), "t/status", "no JSON", b"x" * 9000, 9000), **changes)


def test_bad_payloads_are_all_counted_and_some_kept() -> None:
    world = online()
    before = world.state.link
    for n in range(KEPT_REJECTS + 5):
        world.feed(refused(n))
    assert world.state.link is before
    kept = world.kept(PayloadRejected)
    assert len(kept) == KEPT_REJECTS
    assert (len(kept[0].payload), kept[0].size, kept[0].suppressed) == (4096, 9000, 0)
    assert twin_of(world.state).rejected_payloads == KEPT_REJECTS + 5
    world.feed(refused(61))
    assert world.kept(PayloadRejected)[-1].suppressed == 5
    world.feed(refused(-1e6))
    assert len(world.kept(PayloadRejected)) == KEPT_REJECTS + 2, "a clock set back stops nothing"
    world.feed(refused(62, recorded_elsewhere=True))
    assert world.state.book.counts["payloads_rejected_by_record"] == 1
    assert len(world.kept(PayloadRejected)) == KEPT_REJECTS + 2


def test_rubbish_on_one_topic_hides_none_on_another_and_fills_no_memory() -> None:
    world = online()
    world.feed(*(refused(n / 100) for n in range(KEPT_REJECTS + 1)))
    world.feed(refused(1, topic="t/describe"))
    assert world.kept(PayloadRejected)[-1].topic == "t/describe"
    world.feed(*(refused(2, topic=f"t/{n}") for n in range(2 * MAX_TOPICS)))
    assert len(world.state.rejects.topics) <= MAX_TOPICS + 1
    assert twin_of(world.state).rejected_payloads == KEPT_REJECTS + 2 + 2 * MAX_TOPICS


def test_a_description_is_recorded_when_it_changes() -> None:
    world = online()
    world.feed(described(1), DescriptionKnown(at(1), PUMP))
    assert len(world.kept(DeviceDescribed)) == 1
    world.feed(DescriptionKnown(at(2), replace(PUMP, firmware="2")))
    assert [record.description["firmware"] for record in world.kept(DeviceDescribed)] == ["1", "2"]


def test_the_next_incarnation_knows_what_the_last_one_knew() -> None:
    world = online()
    world.feed(presence(1, "fault"), telemetry(2, flow=4))
    before = world.state
    world.restart(10)
    state = world.state
    assert (state.link, state.health, state.epoch, state.last_seen) == (Link.CONNECTING, Health.FAULT, 1, at(2))
    assert (state.description, state.metrics, state.incarnation) == (before.description, before.metrics, 2)


UNREADABLE = [
    b"",
    b"\xff",
    b"[]",
    b'{"epoch":"x"}',
    b'{"description":{}}',
    b'{"description":{"type":1,"firmware":"","events":{"x":[]}}}',
]


@pytest.mark.parametrize("twin", UNREADABLE)
def test_a_twin_nobody_can_read_is_forgotten(twin: bytes) -> None:
    state = restored(SPEC, LEDGER, 3, at(0), twin=twin, unsettled=[])
    assert (state.description, state.epoch, state.link) == (None, None, Link.CONNECTING)
    assert restored(SPEC, LEDGER, 3, at(0), twin=kept_twin(state), unsettled=[]).description is None


def test_one_timer_is_ordered_and_not_for_every_message() -> None:
    world = online()
    timers = [effect for n in range(1, 20) for effect in world.feed(telemetry(n)) if isinstance(effect, SetTimer)]
    assert timers == []
    assert world.state.timer == at(3), "for the status that came in the meantime: it rings once too often, then for the silence"
    effects = world.feed(TimerFired(at(20)))
    assert effects == [SetTimer(at(49))]


def test_stopping_says_why_the_link_is_not_known() -> None:
    world = online()
    world.feed(ActorStopping(at(3)))
    assert world.kept(DeviceChanged)[-1].reason == "the fleet has stopped"
    assert twin_of(world.state).device_id == DEVICE


def test_acknowledgements_are_signs_of_life() -> None:
    world = online()
    world.feed(acks(29, DEVICE, "delivered"), TimerFired(at(31)))
    assert world.state.link is Link.ONLINE


def test_a_description_with_a_command_travels_in_the_twin() -> None:
    other = Description("x", "y", commands={"z": CommandSpec({"type": "object"}, True, False)})
    world = online(description=other)
    assert twin_of(world.state).description == {
        "type": "x", "firmware": "y", "metrics": {}, "events": {},
        "commands": {"z": {"args": {"type": "object"}, "idempotent": True, "actuates": False}},
    }  # fmt: skip
