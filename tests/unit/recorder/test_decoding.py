"""What becomes of messages: rows, or a rejection that says why; one bad message changes nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from drivers.errors import DecodeError
from drivers.protocol import (
    DeviceRef,
    EventReported,
    PresenceReported,
    PresenceState,
    Received,
    Sample,
    TelemetryReported,
    TopicFilter,
)
from drivers.registry import driver, driver_names
from lics_actors.device.messages import DeviceSpec
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.batch import KEPT_REJECTIONS_PER_MINUTE, RejectionLimit
from lics_actors.recorder.decoding import SHARES_OF_STRANGERS, UNKNOWN_DEVICE, Decoded, decode, unknown_devices
from lics_actors.recorder.routing import NOBODY, Routes
from lics_actors.store.records import REJECTED_KEPT_BYTES

A, B = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1_000_000)
GOOD = {"epoch": 1, "seq": 5, "ts": "2026-03-01T11:59:59.123456Z", "metrics": {"temp_c": 21.5, "rh": 40}}


class Stub:
    """A driver that says whatever a test has it say."""

    name, settings_model = "stub", BaseModel

    def __init__(self, said: Any) -> None:
        self.said = said

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        return (TopicFilter("stub/#", 1, data=True),)

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:
        return ()

    def decode(self, device: DeviceRef, message: Received) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def native_routes() -> Routes:
    routes = Routes({name: driver(name) for name in driver_names()}, "")
    return routes.of([DeviceSpec(A, "a", "sensor", "native", {})], 0)


def stub_routes(said: Any) -> Routes:
    return Routes({"stub": Stub(said)}, "").of([DeviceSpec(A, "a", "sensor", "stub", {})], 0)  # type: ignore[dict-item]


def message(payload: bytes, topic: str = f"devices/{A}/telemetry", **more: Any) -> Arrival:
    return Arrival(topic.encode(), payload, NOW_US, **more)


def run(routes: Routes, *arrivals: Arrival) -> Decoded:
    return decode(list(enumerate(arrivals, 1)), routes, RejectionLimit())


def test_telemetry_becomes_a_row_a_value() -> None:
    decoded = run(native_routes(), message(json.dumps(GOOD | {"tags": {"cage": 3}}).encode()))
    time = datetime(2026, 3, 1, 11, 59, 59, 123456, tzinfo=UTC)
    assert [tuple(getattr(row, name) for name in row.__struct_fields__) for row in decoded.telemetry] == [
        (time, A, "temp_c", 21.5, {"cage": 3}, 1, 5),
        (time, A, "rh", 40.0, {"cage": 3}, 1, 5),
    ]
    assert (decoded.rows, decoded.refused) == (2, 0)


def test_an_event_becomes_a_row() -> None:
    event = {"epoch": 1, "seq": 0, "ts": "2026-03-01T12:00:00Z", "type": "lick", "data": {"spout": "left"}}
    decoded = run(native_routes(), message(json.dumps(event).encode(), f"devices/{A}/events"))
    (row,) = decoded.events
    assert (row.time, row.device_id, row.type, row.data) == (NOW, A, "lick", {"spout": "left"})


def test_a_convention_without_times_gets_those_of_arrival() -> None:
    spec = DeviceSpec(B, "b", "controller", "mqtt_io", {"topic_prefix": "bench", "sensors": {"plate": {}}})
    routes = Routes({name: driver(name) for name in driver_names()}, "").of([spec], 0)
    decoded = decode([(77, message(b"4.5", "bench/sensor/plate"))], routes, RejectionLimit())
    (row,) = decoded.telemetry
    assert (row.time, row.value, row.epoch, row.seq) == (NOW, 4.5, 0, 77)
    retained = message(b"4.5", "bench/sensor/plate", retained=True)
    assert decode([(78, retained)], routes, RejectionLimit()) == Decoded()


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=40))
def test_good_messages_get_through_whatever_stands_between_them(items: list[tuple[bool, bytes]]) -> None:
    arrivals = [
        message(json.dumps(GOOD | {"seq": n}).encode() if good else b"\xff" + garbage) for n, (good, garbage) in enumerate(items)
    ]
    decoded = run(native_routes(), *arrivals)
    assert sorted({row.seq for row in decoded.telemetry}) == [n for n, (good, _) in enumerate(items) if good]
    assert decoded.refused == sum(not good for good, _ in items)
    assert len(decoded.rejected) == min(decoded.refused, KEPT_REJECTIONS_PER_MINUTE)


@given(st.binary(max_size=3000), st.sampled_from([f"devices/{A}/telemetry", f"devices/{A}/events", f"devices/{B}/events", "x"]))
def test_random_bytes_are_refused_and_told(payload: bytes, topic: str) -> None:
    decoded = run(native_routes(), message(payload, topic))
    assert (decoded.refused, len(decoded.rejected), decoded.rows, decoded.unreadable) == (1, 1, 0, [])
    (row,) = decoded.rejected
    assert (row.payload, row.size, row.time, row.topic) == (payload[:REJECTED_KEPT_BYTES], len(payload), NOW, topic)
    assert row.reason


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", ""),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 100_000, ""),
        (json.dumps(GOOD | {"epoch": 2**31}).encode(), "epoch"),
        (json.dumps(GOOD | {"seq": 2**63}).encode(), "seq"),
        (json.dumps(GOOD | {"seq": -1}).encode(), "seq"),
        (json.dumps(GOOD | {"metrics": {"x": "warm"}}).encode(), "metrics"),
        (b'{"epoch":1,"seq":1,"ts":"2026-03-01T12:00:00Z","metrics":{"x":1e999}}', ""),
        (json.dumps(GOOD | {"metrics": {"x" * 101: 1}}).encode(), ""),
        (json.dumps(GOOD | {"metrics": {"a\0b": 1}}).encode(), ""),
        (json.dumps(GOOD | {"tags": {"a": "\0"}}).encode(), ""),
        (json.dumps(GOOD | {"ts": "yesterday"}).encode(), "ts"),
    ],
)
def test_garbage_of_every_kind_is_refused(payload: bytes, why: str) -> None:
    decoded = run(native_routes(), message(payload))
    assert (decoded.refused, decoded.rows, decoded.unreadable) == (1, 0, [])
    assert why.lower() in decoded.rejected[0].reason.lower()


def test_what_was_cut_on_the_way_is_refused_with_its_own_size() -> None:
    decoded = run(native_routes(), message(b"x" * REJECTED_KEPT_BYTES, size=3_000_000))
    assert decoded.rejected[0].size == 3_000_000
    assert "3000000" in decoded.rejected[0].reason


def test_an_unknown_devices_message_is_refused() -> None:
    routes = native_routes()
    stranger = message(b"{}", f"devices/{B}/telemetry")
    assert unknown_devices([(1, stranger), (2, message(b"{}")), (3, message(b"{}", "devices/x/events"))], routes) == {B}
    decoded = run(routes, stranger, message(b"{}", "devices/x/events"))
    assert [(row.device_id, row.reason) for row in decoded.rejected] == [(B, UNKNOWN_DEVICE), (NOBODY, UNKNOWN_DEVICE)]


@pytest.mark.parametrize(
    "said",
    [
        [TelemetryReported(0, 0, (Sample(NOW, {"x": 1.0}),)), TelemetryReported(-1, 0, ())],
        [TelemetryReported(0, 2**63, (Sample(NOW, {"x": 1.0}),))],
        [TelemetryReported(2**31, 0, (Sample(NOW, {"x": 1.0}),))],
        [TelemetryReported(0, 0, (Sample(NOW, {"": 1.0}),))],
        [TelemetryReported(0, 0, (Sample(NOW, {"x" * 101: 1.0}),))],
        [TelemetryReported(0, 0, (Sample(NOW, {"x": 1.0, "y": float("nan")}),))],
        [TelemetryReported(0, 0, (Sample(NOW, {"x": 1.0}),), {"tag": "\0"})],
        [EventReported(0, 0, NOW, "a\0", None)],
        [EventReported(0, 0, NOW, "a", {"deep": "\ud800"})],
    ],
)
def test_what_no_table_holds_is_refused_as_a_whole_message(said: list[Any]) -> None:
    decoded = run(stub_routes(said), message(b"x", "stub/1"))
    assert (decoded.rows, decoded.refused, decoded.unreadable) == (0, 1, [])


def test_a_drivers_own_fault_keeps_the_message_whole() -> None:
    arrival = message(b"perfectly good", "stub/1")
    decoded = run(stub_routes(ZeroDivisionError("a\0bug")), arrival)
    assert [kept for kept, _ in decoded.unreadable] == [arrival]
    assert decoded.rejected[0].reason == "the driver failed: ZeroDivisionError: a\ufffdbug"
    refused = run(stub_routes(DecodeError("stub/1", "nonsense")), arrival)
    assert (refused.unreadable, refused.rejected[0].reason) == ([], "nonsense")


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=200)
def test_a_rejection_can_always_be_stored(topic: bytes) -> None:
    (row,) = run(native_routes(), Arrival(topic, b"", NOW_US)).rejected
    row.topic.encode()
    assert "\0" not in row.topic


def test_a_crowd_of_strangers_fills_no_table() -> None:
    crowd = [message(b"?", f"devices/{UUID(int=n)}/telemetry") for n in range(100, 1100)]
    crowd += [message(b"?", f"devices/{n}/telemetry") for n in range(1000)]
    decoded = run(native_routes(), *crowd)
    assert decoded.refused == 2000
    assert len(decoded.rejected) <= SHARES_OF_STRANGERS * KEPT_REJECTIONS_PER_MINUTE


def test_events_and_what_is_for_the_twin_may_come_in_one_message() -> None:
    said = [PresenceReported(PresenceState.ONLINE, 1, NOW), EventReported(0, 3, NOW, "lick", None)]
    decoded = run(stub_routes(said), message(b"x", "stub/1"))
    assert ([row.type for row in decoded.events], decoded.refused) == (["lick"], 0)
