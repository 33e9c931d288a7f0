"""What holds for every driver, whatever its convention."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.description import description_json, description_of
from drivers.errors import DecodeError, EncodeError, UnknownDriverError
from drivers.native.spec import PUMP
from drivers.protocol import CommandAcked, DeviceRef, Driver, EventReported, OutgoingCommand, Received, TelemetryReported
from drivers.registry import device_ref, driver, driver_names
from drivers.topics import matches, overlap
from drivers.values import value_fault

NOW = datetime(2026, 5, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A driver with settings that use all of it, and what its devices understand."""

    name: str
    settings: dict[str, Any]
    other_settings: dict[str, Any]
    commands: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def driver(self) -> Driver:
        return driver(self.name)

    def device(self, prefix: str = "") -> DeviceRef:
        return device_ref(UUID(int=1), self.settings, prefix)

    def other(self, prefix: str = "") -> DeviceRef:
        return device_ref(UUID(int=2), self.other_settings, prefix)


_THINGS = {
    "sensors": {"t": {"unit": "°C"}},
    "inputs": {"door": {}, "lever": {"report": "metric"}},
    "outputs": {"valve": {}},
    "streams": {"scale": {}},
}
CASES = {
    "native": Case("native", {}, {}, (("dispense", {"volume_ul": 20}), ("stop", {}))),
    "mqtt_io": Case(
        "mqtt_io",
        {"topic_prefix": "cage-1/io", **_THINGS},
        {"topic_prefix": "cage-1/io2", **_THINGS},
        (
            ("set_output", {"output": "valve", "on": True}),
            ("pulse_output", {"output": "valve", "duration_ms": 10}),
            ("send_stream", {"stream": "scale", "data": "T"}),
        ),
    ),
}
each_driver = pytest.mark.parametrize("case", [pytest.param(CASES[name], id=name) for name in driver_names()])
PREFIXES = ("", "labs/a/")


def test_an_unknown_driver_is_told_with_those_there_are() -> None:
    with pytest.raises(UnknownDriverError, match="no driver 'telepathy'; there are: native, mqtt_io") as caught:
        driver("telepathy")
    assert caught.value.known == driver_names() == tuple(CASES)


@pytest.mark.parametrize("error", [DecodeError("t", "r"), EncodeError("c", "r"), UnknownDriverError("n", ("a", "b"))])
def test_errors_travel_between_processes(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@each_driver
def test_a_driver_is_known_by_its_name(case: Case) -> None:
    assert case.driver.name == case.name and driver(case.name) is case.driver


@each_driver
def test_settings_have_a_schema_and_are_checked(case: Case) -> None:
    model = case.driver.settings_model
    assert model.model_json_schema()["type"] == "object"
    for good in (case.settings, case.other_settings):
        model.model_validate(good)
    with pytest.raises(ValueError, match="no_such_setting"):
        model.model_validate({**case.settings, "no_such_setting": 1})


@each_driver
@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_filters_of_two_devices_never_overlap(case: Case, prefix: str) -> None:
    for mine in case.driver.subscriptions(case.device(prefix)):
        for yours in case.driver.subscriptions(case.other(prefix)):
            assert not overlap(mine.filter, yours.filter)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_filters_of_two_drivers_never_overlap(prefix: str) -> None:
    filters = {
        name: [each.filter for each in (*case.driver.subscriptions(case.device(prefix)), *case.driver.shared_filters(prefix))]
        for name, case in CASES.items()
    }
    assert not [(a, b) for a in filters["native"] for b in filters["mqtt_io"] if overlap(a, b)]


@each_driver
@pytest.mark.parametrize("prefix", PREFIXES)
def test_filters_keep_to_the_prefix_and_say_who_wants_them(case: Case, prefix: str) -> None:
    filters = case.driver.subscriptions(case.device(prefix))
    assert filters and len({each.filter for each in filters}) == len(filters)
    for each in filters:
        assert each.filter.startswith(prefix) and each.qos in {0, 1} and (each.control or each.data)


@each_driver
@pytest.mark.parametrize("prefix", PREFIXES)
def test_shared_filters_cover_the_data_and_name_the_device(case: Case, prefix: str) -> None:
    shared = case.driver.shared_filters(prefix)
    assert all(each.data for each in shared)
    if not shared:
        return  # the Recorder subscribes to each device's own
    device = case.device(prefix)
    for each in case.driver.subscriptions(device):
        assert each.data is any(matches(wide.filter, each.filter) for wide in shared)
        if each.data:
            assert case.driver.device_of(each.filter, prefix) == device.device_id


@each_driver
@given(topic=st.text(max_size=60))
def test_any_topic_names_a_device_or_none(case: Case, topic: str) -> None:
    case.driver.device_of(topic, "")
    case.driver.device_of(topic, topic)


@each_driver
@given(data=st.data())
def test_whatever_arrives_is_decoded_or_refused(case: Case, data: st.DataObject) -> None:
    device = case.device("labs/a/")
    own = [each.filter for each in case.driver.subscriptions(device)]
    topic = data.draw(st.sampled_from(own) | st.text(max_size=40) | st.sampled_from(own).map(lambda topic: topic + "/x"))
    payload = data.draw(st.binary(max_size=100) | st.sampled_from([b"1", b"ON", b"running", b"{}", b"[" * 9999]))
    received = Received(topic, payload, NOW, data.draw(st.integers(0, 2**40)), data.draw(st.booleans()))
    try:
        said = case.driver.decode(device, received)
    except DecodeError as error:
        assert error.topic == topic and error.reason
        return
    for each in said:
        check_storable(each)


def check_storable(said: object) -> None:
    match said:
        case TelemetryReported():
            assert 0 <= said.epoch < 2**31 and 0 <= said.seq < 2**63 and value_fault(said.tags) is None
            for sample in said.samples:
                assert sample.time.utcoffset() is not None and value_fault(dict(sample.metrics)) is None
        case EventReported():
            assert 0 <= said.epoch < 2**31 and 0 <= said.seq < 2**63
            assert value_fault([said.type, said.data]) is None
        case CommandAcked():
            assert value_fault([said.result, said.error]) is None


@each_driver
@pytest.mark.parametrize("prefix", PREFIXES)
def test_commands_are_said_below_the_prefix_and_not_where_the_device_talks(case: Case, prefix: str) -> None:
    device = case.device(prefix)
    for name, args in case.commands:
        for each in case.driver.encode(device, OutgoingCommand(uuid4(), name, args, NOW)):
            assert each.topic.startswith(prefix) and not {"+", "#"} & set(each.topic) and each.qos == 1
            assert not any(matches(own.filter, each.topic) for own in case.driver.subscriptions(device))


@each_driver
@given(name=st.text(max_size=20), args=st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.floats() | st.text()))
def test_any_command_is_said_or_refused(case: Case, name: str, args: dict[str, Any]) -> None:
    command = OutgoingCommand(uuid4(), name, args, NOW)
    case.driver.echo_of(case.device(), command)
    try:
        case.driver.encode(case.device(), command)
    except EncodeError as error:
        assert error.command == name


@each_driver
def test_who_does_not_acknowledge_has_an_echo_or_says_nothing(case: Case) -> None:
    for name, args in case.commands:
        echo = case.driver.echo_of(case.device(), OutgoingCommand(uuid4(), name, args, NOW))
        assert echo is None or not case.driver.guarantees.acknowledges


@each_driver
def test_what_cannot_be_done_once_is_described_as_such(case: Case) -> None:
    description = case.driver.description(case.device()) or PUMP
    assert {name for name, _ in case.commands} <= set(description.commands)
    assert description_of(description_json(description)) == description
    if not case.driver.guarantees.executes_once:
        assert any(each.actuates and not each.idempotent for each in description.commands.values())
