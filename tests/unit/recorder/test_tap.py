"""What viewers see of what arrives: every event, the newest telemetry of those watched, within a bounded work, and no harm."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import Decoded, DeviceRef, Driver, Received
from drivers.registry import driver
from lics_actors.device.messages import DeviceSpec
from lics_actors.live.messages import EventLive, LiveMessage, TelemetryLive, device_topic
from lics_actors.recorder import tap as taps
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.routing import Routes
from lics_actors.recorder.tap import DECODES, EVENTS, Tap

NOW_US = 1_795_000_000_000_000
DEVICES = [UUID(int=n + 1) for n in range(5)]
A, B = DEVICES[:2]
NATIVE, MQTT_IO = driver("native"), driver("mqtt_io")


class Counting:
    """A driver that counts what it is asked to decode, and fails on what says so."""

    def __init__(self, real: Driver) -> None:
        self._real, self.decoded = real, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def decode(self, device: DeviceRef, message: Received) -> Sequence[Decoded]:
        self.decoded[message.topic.rpartition("/")[2]] += 1
        if b"boom" in message.payload:
            raise RuntimeError("a driver's bug")
        return self._real.decode(device, message)


class Bus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.said: list[tuple[str, LiveMessage, bool]] = []
        self.missed: list[str] = []
        self.topics: frozenset[str] = frozenset()

    def publish(self, topic: str, message: LiveMessage, keep: bool) -> None:
        self.said.append((topic, message, keep))

    def lost(self, topic: str) -> None:
        self.missed.append(topic)

    def watched(self) -> frozenset[str]:
        return self.topics


class Bench:
    """A tap with what is around it."""

    def __init__(self, *watched: UUID, devices: Sequence[UUID] = DEVICES) -> None:
        self.native = Counting(NATIVE)
        self.bus = Bus()
        self.drivers: dict[str, Any] = {"native": self.native, "mqtt_io": MQTT_IO}
        self.routes = Routes(self.drivers, "").of([native(each) for each in devices], 0)
        self.tap = Tap(lambda: self.routes, self.bus)
        self.watch(*watched)

    def watch(self, *devices: UUID) -> None:
        self.bus.topics = frozenset(map(device_topic, devices))
        self.tap.tick()

    @property
    def events(self) -> list[EventLive]:
        return [message for _, message, _ in self.bus.said if isinstance(message, EventLive)]

    @property
    def telemetry(self) -> list[TelemetryLive]:
        return [message for _, message, _ in self.bus.said if isinstance(message, TelemetryLive)]

    def metrics(self) -> dict[str, float]:
        return {name: value for message in self.telemetry for name, value in message.metrics.items()}


def native(device_id: UUID) -> DeviceSpec:
    return DeviceSpec(device_id, "a device", "sensor", "native", {})


def arrival(device: UUID, leaf: str, body: dict[str, Any] | bytes, **more: Any) -> Arrival:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrival(f"devices/{device}/{leaf}".encode(), payload, NOW_US, **more)


def event(seq: int, device: UUID = A, **more: Any) -> Arrival:
    body = {"epoch": 1, "seq": seq, "ts": "2026-11-23T12:00:00.000000Z", "type": "lick", "data": {"side": "left"}}
    return arrival(device, "events", body, **more)


def readings(seq: int, device: UUID = A, **metrics: float) -> Arrival:
    body = {"epoch": 1, "seq": seq, "ts": f"2026-11-23T12:00:00.{seq:06}Z", "metrics": metrics}
    return arrival(device, "telemetry", body)


def test_events_are_told_at_once_whoever_looks_on() -> None:
    bench = Bench()
    bench.tap.hear([event(0), event(1), event(0, B)])
    assert [(each.device_id, each.seq) for each in bench.events] == [(A, 0), (A, 1), (B, 0)]
    topic, message, keep = bench.bus.said[0]
    assert (topic, keep) == (device_topic(A), True)
    assert message == EventLive(A, datetime(2026, 11, 23, 12, tzinfo=UTC), "lick", {"side": "left"}, 1, 0)


def test_telemetry_that_nobody_watches_is_decoded_once_a_topic() -> None:
    bench = Bench(B)
    for seq in range(1000):
        bench.tap.hear([readings(seq, plate_c=1.0)])
        if seq % 10 == 0:
            bench.tap.tick()
    assert bench.native.decoded == {"telemetry": 1}
    assert bench.bus.said == []


def test_telemetry_of_a_watched_device_is_told_by_the_tick_with_the_newest_values() -> None:
    bench = Bench(A)
    bench.tap.hear([readings(seq, plate_c=float(seq), room_c=-1.0) for seq in range(5)])
    assert bench.telemetry == []
    bench.tap.tick()
    bench.tap.tick()
    (told,) = bench.telemetry
    assert (told.seq, told.epoch, told.metrics) == (4, 1, {"plate_c": 4.0, "room_c": -1.0})
    assert told.time == datetime(2026, 11, 23, 12, 0, 0, 4, tzinfo=UTC)


def test_samples_of_one_message_count_in_their_order() -> None:
    bench = Bench(A)
    samples = [{"ts": f"2026-11-23T12:00:0{n}Z", "metrics": {f"m{n % 2}": n}} for n in range(5)]
    bench.tap.hear([arrival(A, "telemetry", {"epoch": 1, "seq": 0, "samples": samples})])
    bench.tap.tick()
    (told,) = bench.telemetry
    assert (told.metrics, told.time.second) == ({"m0": 4.0, "m1": 3.0}, 4)


def test_a_viewer_who_comes_and_goes_is_followed() -> None:
    bench = Bench()
    bench.tap.hear([readings(0, plate_c=0.0)])
    bench.watch(A)
    bench.tap.hear([readings(1, plate_c=1.0), readings(1, B, plate_c=9.0)])
    bench.tap.tick()
    bench.watch()
    bench.tap.hear([readings(2, plate_c=2.0)])
    bench.tap.tick()
    assert [each.metrics for each in bench.telemetry] == [{"plate_c": 1.0}]


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=1), min_size=1, max_size=40))
def test_a_slow_device_misses_no_metric_whatever_its_messages_hold(messages: list[dict[str, int]]) -> None:
    bench, expected = Bench(A), dict[str, float]()
    for seq, metrics in enumerate(messages):
        bench.tap.hear([readings(seq, **metrics)])
        expected |= metrics
        if seq % taps.RING == taps.RING - 1:
            bench.tap.tick()
    bench.tap.tick()
    assert bench.metrics() == expected


def test_metrics_that_come_in_turns_are_all_seen_also_of_too_many_fast_devices() -> None:
    many = [UUID(int=n + 1) for n in range(DECODES // 4)]
    bench, seq = Bench(*many, devices=many), 0
    for _ in range(60):
        for device in many:
            turns = [{"plate_c": seq}, {"room_c": seq}, {"channel1": seq}, {"channel2": seq}, {"plate_c": seq, "x": seq}]
            bench.tap.hear([readings(seq + n, device, **turn) for n, turn in enumerate(turns)])
        bench.tap.tick()
        seq += 10
    for device in many[:5]:
        seen = {name for each in bench.telemetry if each.device_id == device for name in each.metrics}
        assert seen == {"plate_c", "room_c", "channel1", "channel2", "x"}


def test_the_work_of_a_tick_is_bounded_and_nobody_is_forgotten() -> None:
    many = [UUID(int=n + 1) for n in range(3 * DECODES)]
    bench = Bench(*many, devices=many)
    for seq in range(2):
        for device in many:
            bench.tap.hear([readings(seq, device, plate_c=1.0)])
        for _ in range(4):
            before = bench.native.decoded.total()
            bench.tap.tick()
            assert bench.native.decoded.total() - before <= DECODES
    for _ in range(5):
        bench.tap.hear([readings(9, device, plate_c=2.0) for device in many])
        bench.tap.tick()
    assert {each.device_id for each in bench.telemetry} == set(many)


def test_a_burst_of_events_is_told_over_some_ticks_in_order_and_without_loss() -> None:
    bench = Bench()
    bench.tap.hear([event(seq) for seq in range(3 * EVENTS)])
    assert len(bench.events) == EVENTS
    bench.tap.hear([event(3 * EVENTS)])
    for _ in range(3):
        bench.tap.tick()
    assert [each.seq for each in bench.events] == list(range(3 * EVENTS + 1))
    assert bench.bus.missed == []


def test_more_events_than_can_wait_are_lost_and_known_to_be() -> None:
    bench = Bench()
    bench.tap.hear([event(seq) for seq in range(taps.MAX_EVENTS + EVENTS)])
    bench.tap.hear([event(seq, B) for seq in range(taps.MAX_EVENTS + EVENTS)])
    assert len(bench.tap._events) <= taps.MAX_EVENTS
    assert set(bench.bus.missed) == {device_topic(A), device_topic(B)}


def test_what_breaks_its_contract_or_is_old_is_passed_over() -> None:
    bench = Bench(A)
    nasty = [b"", b"{", b'{"epoch":1}', b"\xff" * 100, b"[" * 1000]
    for leaf in ("events", "telemetry", "status", "unheard-of"):
        bench.tap.hear([arrival(A, leaf, each) for each in nasty])
    bench.tap.hear([event(0, retained=True), event(1, size=10**6)])
    bench.tap.hear([arrival(UUID(int=99), "events", b"{}"), Arrival(b"\xff\xfe", b"", NOW_US), Arrival(b"", b"", NOW_US)])
    bench.tap.tick()
    assert bench.bus.said == []
    bench.tap.hear([event(2), readings(0, plate_c=1.0), *(arrival(A, "telemetry", each) for each in nasty)])
    bench.tap.tick()
    assert ([each.seq for each in bench.events], bench.metrics()) == ([2], {"plate_c": 1.0})
    assert bench.tap.faults == 0


def test_a_driver_that_fails_costs_its_own_messages() -> None:
    bench = Bench(A)
    bench.tap.hear([arrival(A, "events", b"boom"), event(0, B), readings(0, plate_c=1.0), arrival(A, "telemetry", b"boom")])
    bench.tap.tick()
    bench.tap.hear([event(1, A)])
    assert [(each.device_id, each.seq) for each in bench.events] == [(B, 0), (A, 1)]
    assert bench.metrics() == {"plate_c": 1.0}
    assert bench.tap.faults == 2


def test_a_bus_that_fails_does_not_reach_the_record() -> None:
    bench = Bench(A)
    bench.bus.publish = bench.bus.watched = lambda *_: 1 / 0  # type: ignore[method-assign, assignment]
    bench.tap.hear([event(0), readings(0, plate_c=1.0)])
    bench.tap.tick()
    assert bench.tap.faults == 2


def test_devices_that_come_and_go_are_followed() -> None:
    bench = Bench(A, devices=[])
    bench.tap.hear([event(0), readings(0, plate_c=0.0)])
    bench.routes = bench.routes.of([native(A)], NOW_US)
    bench.tap.tick()
    bench.tap.hear([event(1), readings(1, plate_c=1.0)])
    bench.tap.tick()
    bench.routes = bench.routes.of([], NOW_US - 60_000_000)
    bench.tap.tick()
    bench.tap.hear([event(2), readings(2, plate_c=2.0)])
    bench.tap.tick()
    assert ([each.seq for each in bench.events], bench.metrics()) == ([1], {"plate_c": 1.0})


def test_topics_without_end_are_forgotten_not_gathered(monkeypatch: Any) -> None:
    monkeypatch.setattr(taps, "MAX_TOPICS", 50)
    bench = Bench(A)
    bench.tap.hear([arrival(UUID(int=n + 100), "telemetry", b"{}") for n in range(1000)])
    assert len(bench.tap._topics) <= 50
    bench.tap.hear([event(0)])
    assert len(bench.events) == 1


def test_a_convention_without_numbers_and_with_both_on_one_topic_is_told_too() -> None:
    bench = Bench(A)
    settings = {"topic_prefix": "box", "inputs": {"door": {}}, "sensors": {"plate": {"unit": "degC"}}}
    bench.routes = bench.routes.of([DeviceSpec(A, "a box", "controller", "mqtt_io", settings)], NOW_US)
    bench.tap.tick()
    for said in (b"ON", b"OFF", b"ON"):
        bench.tap.hear([Arrival(b"box/input/door", said, NOW_US)])
    bench.tap.hear([Arrival(b"box/sensor/plate", b"21.5", NOW_US)])
    bench.tap.tick()
    assert [each.data for each in bench.events] == [{"on": True}, {"on": False}, {"on": True}]
    assert len({each.seq for each in bench.events}) == 3
    assert bench.metrics() == {"plate": 21.5}
