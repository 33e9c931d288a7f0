"""Whose message it is, and what is subscribed to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.registry import driver, driver_names
from lics_actors.device.messages import DeviceSpec
from lics_actors.recorder import routing
from lics_actors.recorder.routing import GONE_GRACE_US, NOBODY, NoRoute, Route, Routes

DRIVERS = {name: driver(name) for name in driver_names()}
A, B, C = (UUID(int=n) for n in (1, 2, 3))
PREFIX = "labs/one/"
SHARED = {f"{PREFIX}devices/+/telemetry", f"{PREFIX}devices/+/events"}


def native(device_id: UUID) -> DeviceSpec:
    return DeviceSpec(device_id, f"device {device_id.int}", "sensor", "native", {})


def bench(device_id: UUID, prefix: str = "bench", **settings: Any) -> DeviceSpec:
    settings = {"topic_prefix": prefix, "sensors": {"plate": {"unit": "degC"}}} | settings
    return DeviceSpec(device_id, f"bench {device_id.int}", "controller", "mqtt_io", settings)


def routes(*devices: DeviceSpec, now_us: int = 0) -> Routes:
    return Routes(DRIVERS, PREFIX).of(devices, now_us)


def owner(found: Route | NoRoute) -> UUID:
    return found.device.device_id if isinstance(found, Route) else found.device_id


def test_shared_filters_are_wanted_before_any_device_is_known() -> None:
    assert set(Routes(DRIVERS, PREFIX).filters) == SHARED
    assert set(routes(native(A), native(B)).filters) == SHARED


def test_a_device_of_its_own_topics_is_subscribed_to_by_itself() -> None:
    both = routes(native(A), bench(B))
    assert set(both.filters) == SHARED | {f"{PREFIX}bench/sensor/plate"}
    found = both.find(f"{PREFIX}bench/sensor/plate".encode(), 0)
    assert isinstance(found, Route)
    assert (found.device.device_id, found.driver.name, found.device.prefix) == (B, "mqtt_io", PREFIX)


def test_native_topics_name_their_device() -> None:
    known = routes(native(A))
    assert isinstance(known.find(f"{PREFIX}devices/{A}/telemetry".encode(), 0), Route)
    assert known.find(f"{PREFIX}devices/{B}/telemetry".encode(), 0) == NoRoute(B)
    assert known.find(f"{PREFIX}devices/me/telemetry".encode(), 0) == NoRoute(NOBODY)
    assert known.find(f"devices/{A}/telemetry".encode(), 0) == NoRoute(NOBODY)


def test_a_device_of_another_convention_does_not_speak_for_a_native_one() -> None:
    assert routes(bench(A)).find(f"{PREFIX}devices/{A}/telemetry".encode(), 0) == NoRoute(A)


@given(st.binary(max_size=80))
def test_any_topic_has_an_answer(topic: bytes) -> None:
    known = routes(native(A), bench(B))
    assert known.find(topic, 0) == known.find(topic, 0)
    assert isinstance(known.find(topic, 0), NoRoute)


def test_what_a_retired_device_said_before_still_counts() -> None:
    topic, retired_us = f"{PREFIX}devices/{A}/telemetry".encode(), 10**12
    later = routes(native(A), native(B)).of([native(B)], retired_us)
    assert isinstance(later.find(topic, retired_us - 1), Route)
    assert isinstance(later.find(topic, retired_us + GONE_GRACE_US), Route)
    assert later.find(topic, retired_us + GONE_GRACE_US + 1) == NoRoute(A)
    much_later = later.of([native(B)], 2 * retired_us)
    assert much_later.find(topic, retired_us + GONE_GRACE_US + 1) == NoRoute(A), "gone since the first time"
    back = much_later.of([native(A), native(B)], 3 * retired_us)
    assert isinstance(back.find(topic, 4 * retired_us), Route)


def test_a_gone_devices_topics_are_no_longer_wanted_and_may_be_taken_over() -> None:
    topic = f"{PREFIX}bench/sensor/plate".encode()
    gone = routes(bench(A), native(B)).of([native(B)], 5)
    assert set(gone.filters) == SHARED
    assert owner(gone.find(topic, 0)) == A
    taken = gone.of([native(B), bench(C)], 6)
    assert owner(taken.find(topic, 10**12)) == C
    assert topic.decode() in taken.filters


def test_a_device_that_cannot_be_recorded_is_named_and_harms_no_other() -> None:
    unknown = DeviceSpec(A, "a", "sensor", "no such driver", {})
    broken = DeviceSpec(B, "b", "sensor", "mqtt_io", {"topic_prefix": 5})
    both = routes(unknown, broken, native(C))
    assert set(both.unusable) == {A, B}
    assert isinstance(both.find(f"{PREFIX}devices/{C}/events".encode(), 0), Route)


def test_the_memory_of_topics_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "_REMEMBERED_TOPICS", 3)
    known = routes(native(A))
    for n in range(10):
        known.find(f"devices/{n}/telemetry".encode(), 0)
        assert isinstance(known.find(f"{PREFIX}devices/{A}/telemetry".encode(), 0), Route)
    assert len(known._seen) <= 3
