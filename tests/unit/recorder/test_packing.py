"""Packed rows are those that the driver's own word comes to, and whatever is not ordinary is left to it."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from drivers.protocol import DeviceRef, QuickReader, Received, TopicFilter
from drivers.registry import driver, driver_names
from lics_actors.device.messages import DeviceSpec
from lics_actors.recorder import packing
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.batch import RejectionLimit
from lics_actors.recorder.decoding import decode
from lics_actors.recorder.packing import Packer
from lics_actors.recorder.routing import Routes
from lics_actors.store.packed import PACKED_COLUMNS, POSTGRES_EPOCH_US, PackedTelemetry
from lics_actors.store.records import TelemetryRow
from tests.unit.drivers.payloads import METRICS, WILD_JSON, mutated

A, B = UUID(int=1), UUID(int=2)
NOW_US = 1_772_366_400_000_000
Y2000 = datetime(2000, 1, 1, tzinfo=UTC)
GOOD: dict[str, Any] = {"epoch": 1, "seq": 5, "ts": "2026-03-01T11:59:59.123456Z", "metrics": {"temp_c": 21.5, "rh": 40}}


def unpacked(rows: PackedTelemetry) -> list[TelemetryRow]:
    """Read a binary COPY as PostgreSQL does."""
    data = rows.stream()
    assert data[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    at, found = 19, []
    while (fields := struct.unpack_from(">h", data, at)[0]) != -1:
        at, row = at + 2, []
        for _ in range(fields):
            (length,) = struct.unpack_from(">i", data, at)
            row.append(None if length < 0 else data[at + 4 : at + 4 + length])
            at += 4 + max(length, 0)
        found.append(_row(dict(zip(PACKED_COLUMNS, row, strict=True))))
    assert at + 2 == len(data)
    assert len(found) == len(rows)
    return found


def _row(said: dict[str, Any]) -> TelemetryRow:
    assert said["tags"] is None
    (time_us,), (value,) = struct.unpack(">q", said["time"]), struct.unpack(">d", said["value"])
    (epoch,), (seq,) = struct.unpack(">i", said["epoch"]), struct.unpack(">q", said["seq"])
    time = Y2000 + timedelta(microseconds=time_us)
    return TelemetryRow(time, UUID(bytes=said["device_id"]), said["metric"].decode(), value, None, epoch, seq)


def native_routes(*gone: UUID) -> Routes:
    everyone = [DeviceSpec(each, str(each), "sensor", "native", {}) for each in (A, B)]
    routes = Routes({name: driver(name) for name in driver_names()}, "").of(everyone, 0)
    return routes.of([each for each in everyone if each.device_id not in gone], NOW_US) if gone else routes


def message(payload: bytes, topic: str = f"devices/{A}/telemetry", **more: Any) -> Arrival:
    return Arrival(topic.encode(), payload, NOW_US, **more)


def said(**more: Any) -> bytes:
    return json.dumps(GOOD | more).encode()


def packed(packer: Packer, *arrivals: Arrival) -> tuple[list[TelemetryRow], list[int]]:
    rows = PackedTelemetry()
    others = packer.pack(list(enumerate(arrivals)), rows)
    return unpacked(rows), [n for n, _ in others]


TOPICS = [f"devices/{A}/telemetry", f"devices/{B}/telemetry", f"devices/{A}/events", f"devices/{UUID(int=3)}/telemetry", "x"]
BODIES = st.builds(
    lambda epoch, seq, metrics: GOOD | {"epoch": epoch, "seq": seq, "metrics": metrics},
    st.sampled_from([0, 1, 2**31 - 1]),
    st.integers(0, 2**63 - 1),
    METRICS,
)
PAYLOADS = BODIES.map(lambda body: json.dumps(body).encode())


@given(st.lists(st.tuples(st.sampled_from(TOPICS), PAYLOADS | PAYLOADS.flatmap(mutated) | WILD_JSON), max_size=12))
@settings(max_examples=150)
def test_quickly_or_not_the_rows_are_the_same(sent: list[tuple[str, bytes]]) -> None:
    arrivals = [message(payload, topic) for topic, payload in sent]
    routes, rows = native_routes(), PackedTelemetry()
    others = Packer(routes).pack(list(enumerate(arrivals)), rows)
    rest, whole = decode(others, routes, RejectionLimit()), decode(list(enumerate(arrivals)), routes, RejectionLimit())

    def sortable(found: Sequence[TelemetryRow]) -> list[str]:
        return sorted(map(repr, found))

    assert sortable([*unpacked(rows), *rest.telemetry]) == sortable(whole.telemetry)
    assert (rest.events, rest.refused, rest.unreadable) == (whole.events, whole.refused, whole.unreadable)
    assert [row.payload for row in rest.rejected] == [row.payload for row in whole.rejected]


def test_ordinary_telemetry_is_packed_and_the_rest_keeps_its_order() -> None:
    rows, others = packed(
        Packer(native_routes()),
        message(said(tags={"cage": 3})),
        message(said()),
        message(b"{"),
        message(said(), f"devices/{B}/telemetry"),
        message(said(), f"devices/{A}/events"),
        message(said(), size=3_000_000),
        message(said(), "elsewhere"),
    )
    assert others == [0, 2, 4, 5, 6]
    assert [(row.device_id, row.metric, row.value) for row in rows] == [
        (A, "temp_c", 21.5),
        (A, "rh", 40.0),
        (B, "temp_c", 21.5),
        (B, "rh", 40.0),
    ]


def test_each_epoch_has_rows_of_its_own() -> None:
    rows, _ = packed(Packer(native_routes()), *(message(said(epoch=epoch)) for epoch in (1, 2, 1)))
    assert [row.epoch for row in rows] == [1, 1, 2, 2, 1, 1]


def test_the_earliest_time_and_whose_it_is_are_known() -> None:
    rows = PackedTelemetry()
    times = ["2026-03-01T11:00:00Z", "2026-02-28T23:59:59.999999Z", "2026-03-02T00:00:00Z"]
    Packer(native_routes()).pack(
        [
            (n, message(said(ts=ts), f"devices/{device}/telemetry"))
            for n, (ts, device) in enumerate(zip(times, (A, B, A), strict=True))
        ],
        rows,
    )
    assert rows.earliest == datetime.fromisoformat(times[1])
    assert list(rows.times()) == [
        (device, datetime.fromisoformat(ts)) for ts, device in zip(times, (A, B, A), strict=True) for _ in "ab"
    ]


def test_what_a_device_that_is_gone_said_depends_on_when() -> None:
    assert packed(Packer(native_routes(A)), message(said()), message(said(), f"devices/{B}/telemetry"))[1] == [0]


class Hasty:
    """A driver whose quick way is whatever a test wants."""

    name, settings_model, guarantees = "hasty", BaseModel, driver("native").guarantees

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        return (TopicFilter("hasty/#", 1, data=True),)

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:
        return ()

    def decode(self, device: DeviceRef, message: Received) -> Any:
        return []

    def quick_reader(self, device: DeviceRef, topic: str) -> QuickReader | None:
        if isinstance(self.reader, Exception):
            raise self.reader
        return self.reader  # type: ignore[no-any-return]


def hasty(reader: Any) -> Packer:
    return Packer(Routes({"hasty": Hasty(reader)}, "").of([DeviceSpec(A, "a", "sensor", "hasty", {})], 0))  # type: ignore[dict-item]


def broken(payload: bytes) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "reader",
    [
        None,
        ZeroDivisionError(),
        broken,
        lambda _: None,
        lambda _: (1, 1),
        lambda _: (1, 1, [(NOW_US, {"fine": 1.0}), (NOW_US, {"": 1.0})]),
        lambda _: (1, 1, [(NOW_US, {"fine": 1.0}), (NOW_US, {"x" * 101: 1.0})]),
        lambda _: (1, 1, [(NOW_US, {"fine": 1.0}), (NOW_US, {"a\0": 1.0})]),
        lambda _: (2**31, 1, [(NOW_US, {"fine": 1.0})]),
        lambda _: (1, 2**63, [(NOW_US, {"fine": 1.0})]),
        lambda _: (1, 1, [(NOW_US, {"fine": 1.0, "poor": "warm"})]),
        lambda _: (1, 1, [(2**70, {"fine": 1.0})]),
    ],
)
def test_a_quick_way_that_fails_costs_no_message_and_leaves_no_half(reader: Any) -> None:
    assert packed(hasty(reader), message(b"?", "hasty/1"), message(b"?", "hasty/1")) == ([], [0, 1])


def test_a_topic_that_is_no_text_is_left_to_the_driver() -> None:
    arrival = Arrival(b"hasty/\xff", b"?", NOW_US)
    rows = PackedTelemetry()
    assert hasty(lambda _: (1, 1, [(NOW_US, {"fine": 1.0})])).pack([(0, arrival)], rows) == [(0, arrival)]
    assert not rows


def test_a_message_may_hold_nothing() -> None:
    assert packed(hasty(lambda _: (1, 1, [])), message(b"?", "hasty/1")) == ([], [])


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "REMEMBERED_TOPICS", 3)
    monkeypatch.setattr(packing, "REMEMBERED_METRICS", 3)
    packer = hasty(lambda payload: (1, 1, [(NOW_US, {payload.decode(): 1.0})]))
    sent = [message(b"m%d" % (n % 7), f"hasty/{n % 5 if n < 30 else 0}") for n in range(50)]
    rows, others = packed(packer, *sent, *sent)
    assert [row.metric for row in rows] == [arrival.payload.decode() for arrival in (*sent, *sent)]
    assert others == []
    assert len(packer._lanes) <= 3
    assert all(lane and len(lane.heads) <= 3 for lane in packer._lanes.values())


def test_times_before_postgres_counts_are_rows_as_well() -> None:
    rows, _ = packed(hasty(lambda _: (1, 1, [(POSTGRES_EPOCH_US - 1, {"m": 1.0})])), message(b"?", "hasty/1"))
    assert rows[0].time == Y2000 - timedelta(microseconds=1)
