"""Which recorder has which device."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.registry import driver, driver_names
from lics_actors.device.messages import DeviceSpec
from lics_actors.recorder.partition import MOST, Part, owner, wanted_filters
from lics_actors.recorder.routing import Routes

DRIVERS = {name: driver(name) for name in driver_names()}
PREFIX = "labs/one/"
KEYS = [UUID(int=n).bytes for n in range(1, 3001)]
NATIVE = [DeviceSpec(UUID(int=n), f"sensor {n}", "sensor", "native", {}) for n in range(1, 21)]
BENCH = DeviceSpec(UUID(int=99), "bench", "controller", "mqtt_io", {"topic_prefix": "b", "sensors": {"plate": {"unit": "degC"}}})
FIXED = [4, 1, 4, 3, 3, 5, 5, 5, 3, 1, 3, 1]
BROKEN = DeviceSpec(UUID(int=100), "broken", "controller", "no such driver", {})


@given(st.binary(max_size=40), st.integers(1, MOST))
def test_every_key_has_one_owner_among_those_configured(key: bytes, of: int) -> None:
    owners = [number for number in range(1, MOST + 1) if Part(number, of).owns(key)]
    assert owners == [owner(key, of)]
    assert 1 <= owners[0] <= of


def test_the_answer_never_changes_with_python_or_host() -> None:
    # A recorder of another version, or on another day, has to come to the same answer, or nobody records a device.
    assert [owner(UUID(int=n).bytes, 5) for n in range(12)] == FIXED


@pytest.mark.parametrize("of", [2, 3, 8])
def test_shares_are_about_equal_and_few_devices_move_when_one_more_comes(of: int) -> None:
    counts = Counter(owner(key, of) for key in KEYS)
    assert all(0.8 * len(KEYS) / of < count < 1.2 * len(KEYS) / of for count in counts.values())
    moved = [key for key in KEYS if owner(key, of) != owner(key, of + 1)]
    assert all(owner(key, of + 1) == of + 1 for key in moved), "they go to the new one, nobody else is disturbed"
    assert len(moved) < 1.3 * len(KEYS) / (of + 1)


@given(st.binary(max_size=40), st.integers(1, MOST - 1))
def test_who_leaves_hands_over_only_what_was_his(key: bytes, of: int) -> None:
    if owner(key, of + 1) <= of:
        assert owner(key, of) == owner(key, of + 1)


def filters(part: Part) -> set[str]:
    devices = [*NATIVE, BENCH, BROKEN]
    routes = Routes(DRIVERS, PREFIX).of(devices, 0)
    return set(wanted_filters(part, routes, devices, PREFIX, DRIVERS))


def test_one_alone_hears_whole_conventions() -> None:
    assert filters(Part()) == {f"{PREFIX}devices/+/telemetry", f"{PREFIX}devices/+/events", f"{PREFIX}b/sensor/plate"}


@given(st.integers(2, MOST))
def test_several_subscribe_to_every_devices_data_by_name_and_each_to_his_own(of: int) -> None:
    shares = [filters(Part(number, of)) for number in range(1, of + 1)]
    everything = {f"{PREFIX}devices/{spec.device_id}/{leaf}" for spec in NATIVE for leaf in ("telemetry", "events")}
    assert set().union(*shares) == everything | {f"{PREFIX}b/sensor/plate"}
    assert sum(len(share) for share in shares) == len(everything) + 1


def test_one_that_is_no_longer_configured_wants_nothing() -> None:
    assert filters(Part(2, 1)) == filters(Part(5, 4)) == set()
    assert (Part(2, 1).retiring, Part(2, 1).whole, Part(2, 2).retiring, Part(1, 2).whole) == (True, False, False, False)
    assert (Part(1, 3).watches_broker, Part(3, 3).watches_broker) == (True, False)
