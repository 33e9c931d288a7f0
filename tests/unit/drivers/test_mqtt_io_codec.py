"""mqtt-io's topics and payloads without the program (tests/system/test_mqtt_io.py has it)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.errors import DecodeError, DriverError, EncodeError
from drivers.mqtt_io.codec import MAX_STREAM_BYTES, MQTT_IO
from drivers.mqtt_io.settings import MqttIoSettings
from drivers.protocol import (
    AckState,
    CommandAcked,
    Decoded,
    DeviceRef,
    EventReported,
    MetricSpec,
    OutgoingCommand,
    PresenceReported,
    PresenceState,
    Publication,
    Received,
    Sample,
    TelemetryReported,
)
from drivers.schema import schema_fault

SETTINGS: dict[str, Any] = {
    "topic_prefix": "cage-1/io",
    "sensors": {"nest_c": {"unit": "°C", "min": -20, "max": 60}},
    "inputs": {"door": {}, "lever": {"report": "metric", "on_payload": "1", "off_payload": "0"}},
    "outputs": {"valve": {}, "light": {"on_payload": "bright", "off_payload": "dark"}},
    "streams": {"scale": {"actuates": False}, "tags": {"write": False}, "motor": {"read": False, "write": False}},
}
DEVICE = DeviceRef(uuid4(), SETTINGS, "lab/")
BASE = "lab/cage-1/io/"
NOW = datetime(2026, 5, 4, tzinfo=UTC)


def decode(leaf: str, payload: bytes, *, retained: bool = False) -> list[Decoded]:
    return list(MQTT_IO.decode(DEVICE, Received(BASE + leaf, payload, NOW, 77, retained)))


def reading(name: str, value: float) -> TelemetryReported:
    return TelemetryReported(0, 77, (Sample(NOW, {name: value}),))


@pytest.mark.parametrize(
    ("leaf", "payload", "said"),
    [
        ("status", b"running", [PresenceReported(PresenceState.ONLINE, None, NOW)]),
        ("status", b"stopped", [PresenceReported(PresenceState.OFFLINE, None, NOW, "stopped")]),
        ("status", b"dead", [PresenceReported(PresenceState.OFFLINE, None, NOW, "dead")]),
        ("status", b"", []),
        ("sensor/nest_c", b"21.50", [reading("nest_c", 21.5)]),
        ("sensor/nest_c", b"-3", [reading("nest_c", -3.0)]),
        ("input/door", b"ON", [EventReported(0, 77, NOW, "door", {"on": True})]),
        ("input/door", b"OFF", [EventReported(0, 77, NOW, "door", {"on": False})]),
        ("input/lever", b"1", [reading("lever", 1.0)]),
        ("input/lever", b"0", [reading("lever", 0.0)]),
        (
            "output/light",
            b"bright",
            [
                CommandAcked(None, AckState.SUCCEEDED, NOW, {"output": "light", "on": True}, echo="output/light=on"),
                reading("light", 1.0),
            ],
        ),
        ("stream/scale", b"12.5 g\r\n", [EventReported(0, 77, NOW, "stream.scale", {"text": "12.5 g\r\n"})]),
        ("stream/scale", b"\xff\x00", [EventReported(0, 77, NOW, "stream.scale", {"base64": "/wA="})]),
        ("stream/scale", b"a\0", [EventReported(0, 77, NOW, "stream.scale", {"base64": "YQA="})]),
    ],
)
def test_what_mqtt_io_says(leaf: str, payload: bytes, said: list[Decoded]) -> None:
    assert decode(leaf, payload) == said


@pytest.mark.parametrize(
    ("leaf", "payload"), [("sensor/nest_c", b"21"), ("input/door", b"ON"), ("output/valve", b"OFF"), ("stream/scale", b"x")]
)
def test_a_retained_reading_has_no_time_and_says_nothing(leaf: str, payload: bytes) -> None:
    assert decode(leaf, payload) and decode(leaf, payload, retained=True) == []


def test_a_retained_status_says_what_is() -> None:
    assert decode("status", b"running", retained=True) == [PresenceReported(PresenceState.ONLINE, None, NOW)]


@pytest.mark.parametrize(
    ("leaf", "payload"),
    [
        ("status", b"sleeping"),
        ("status", b"\xff"),
        ("sensor/nest_c", b""),
        ("sensor/nest_c", b"nan"),
        ("sensor/nest_c", b"inf"),
        ("sensor/nest_c", b"1e5"),
        ("sensor/nest_c", b"1_000"),
        ("sensor/nest_c", b" 1"),
        ("sensor/nest_c", b"1\n"),
        ("sensor/nest_c", "１".encode()),
        ("sensor/nest_c", b"9" * 309),
        ("sensor/nest_c", b"9" * 100_000),
        ("sensor/other", b"1"),
        ("input/door", b"on"),
        ("input/other", b"ON"),
        ("output/valve", b"bright"),
        ("output/other", b"ON"),
        ("output/valve/set", b"ON"),
        ("stream/other", b"x"),
        ("stream/motor", b"x"),
        ("stream/scale", b"x" * (MAX_STREAM_BYTES + 1)),
        ("weather/x", b"x"),
        ("sensor", b"1"),
        ("", b"x"),
    ],
)
def test_what_it_never_says_is_refused(leaf: str, payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(leaf, payload)
    assert caught.value.topic == BASE + leaf


def test_topics_of_others_are_refused() -> None:
    with pytest.raises(DecodeError, match="not a topic of this device"):
        MQTT_IO.decode(DEVICE, Received("lab/cage-10/io/status", b"running", NOW))


@given(st.sampled_from(["status", "sensor/nest_c", "input/door", "output/valve", "stream/scale", "x"]), st.binary(max_size=200))
def test_any_bytes(leaf: str, payload: bytes) -> None:
    try:
        decode(leaf, payload)
    except DecodeError as error:
        assert error.topic == BASE + leaf


@given(st.integers(0, 6).flatmap(lambda digits: st.floats(-1e6, 1e6).map(lambda value: f"{value:.{digits}f}")))
def test_numbers_as_mqtt_io_prints_them(text: str) -> None:
    assert decode("sensor/nest_c", text.encode()) == [reading("nest_c", float(text))]


def command(name: str, **args: Any) -> OutgoingCommand:
    return OutgoingCommand(uuid4(), name, args, NOW)


@pytest.mark.parametrize(
    ("sent", "topic", "payload", "echo"),
    [
        (command("set_output", output="valve", on=True), "output/valve/set", b"ON", "output/valve=on"),
        (command("set_output", output="light", on=False), "output/light/set", b"dark", "output/light=off"),
        (command("pulse_output", output="valve", duration_ms=50), "output/valve/set_on_ms", b"50", None),
        (command("send_stream", stream="scale", data="TARE é\r\n"), "stream/scale/send", "TARE é\r\n".encode(), None),
    ],
)
def test_what_is_said_to_mqtt_io(sent: OutgoingCommand, topic: str, payload: bytes, echo: str | None) -> None:
    assert MQTT_IO.encode(DEVICE, sent) == (Publication(BASE + topic, payload),)
    assert MQTT_IO.echo_of(DEVICE, sent) == echo


@given(st.sampled_from(["valve", "light"]), st.booleans())
def test_the_echo_of_a_command_is_what_the_output_then_says(output: str, on: bool) -> None:
    sent = command("set_output", output=output, on=on)
    (publication,) = MQTT_IO.encode(DEVICE, sent)
    said = decode(f"output/{output}", publication.payload)  # mqtt-io publishes the same payload on the output's topic
    assert isinstance(said[0], CommandAcked) and said[0].echo == MQTT_IO.echo_of(DEVICE, sent)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (command("explode"), "no such command"),
        (command("set_output"), "args.on: is required"),
        (command("set_output", output="heater", on=True), "args.output"),
        (command("set_output", output=["valve"], on=True), "args.output"),
        (command("set_output", output="valve", on=1), "args.on"),
        (command("pulse_output", output="valve", duration_ms=0), "args.duration_ms"),
        (command("send_stream", stream="tags", data="x"), "args.stream"),
        (command("send_stream", stream="scale", data=""), "args.data"),
        (command("send_stream", stream="scale", data="\ud800"), "surrogate"),
    ],
)
def test_what_cannot_be_said(sent: OutgoingCommand, reason: str) -> None:
    with pytest.raises(EncodeError) as caught:
        MQTT_IO.encode(DEVICE, sent)
    assert caught.value.command == sent.name and reason in caught.value.reason


@pytest.mark.parametrize(
    "sent", [command("set_output"), command("set_output", output=1, on=True), command("set_output", output="valve", on="x")]
)
def test_nonsense_has_no_echo(sent: OutgoingCommand) -> None:
    assert MQTT_IO.echo_of(DEVICE, sent) is None


def test_the_description_comes_from_the_settings() -> None:
    said = MQTT_IO.description(DEVICE)
    assert said is not None and said.type == "controller"
    assert dict(said.metrics) == {
        "nest_c": MetricSpec("°C", -20, 60),
        "lever": MetricSpec("", 0, 1),
        "valve": MetricSpec("", 0, 1),
        "light": MetricSpec("", 0, 1),
    }
    assert set(said.events) == {"door", "stream.scale", "stream.tags"}
    flags = {name: (each.idempotent, each.actuates) for name, each in said.commands.items()}
    assert flags == {"set_output": (True, True), "pulse_output": (False, True), "send_stream": (False, False)}
    assert [schema_fault(each.args) for each in said.commands.values()] == [None] * 3


def test_a_stream_that_may_move_something_is_said_to_actuate() -> None:
    said = MQTT_IO.description(DeviceRef(uuid4(), {"topic_prefix": "a", "streams": {"arm": {}}}))
    assert said is not None and said.commands["send_stream"].actuates


def test_without_things_there_are_no_commands() -> None:
    said = MQTT_IO.description(DeviceRef(uuid4(), {"topic_prefix": "a"}))
    assert said is not None and said.commands == {} == said.metrics


def test_nothing_is_promised_that_mqtt_io_does_not_keep() -> None:
    promised = MQTT_IO.guarantees
    assert not (promised.acknowledges or promised.executes_once or promised.sequenced or promised.honours_leases)
    assert promised.reports_presence


@pytest.mark.parametrize(
    "change",
    [
        {"topic_prefix": ""},
        {"topic_prefix": "/a"},
        {"topic_prefix": "a/"},
        {"topic_prefix": "a/#"},
        {"topic_prefix": "+"},
        {"topic_prefix": "$SYS/x"},
        {"topic_prefix": "a b"},
        {"topic_prefix": "devices"},
        {"topic_prefix": "devices/x"},
        {"topic_prefix": "a" * 201},
        {"sensors": {"a/b": {}}},
        {"sensors": {"": {}}},
        {"sensors": {"a" * 91: {}}},
        {"sensors": {"a\0": {}}},
        {"sensors": {"a": {"units": "m"}}},
        {"inputs": {"a": {"report": "both"}}},
        {"inputs": {"a": {"on_payload": "OFF"}}},
        {"outputs": {"a": {"off_payload": "ON"}}},
        {"outputs": {"a": {}}, "sensors": {"a": {}}},
        {"inputs": {"a": {"report": "metric"}}, "sensors": {"a": {}}},
        {"status_dead": "stopped"},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MqttIoSettings.model_validate({"topic_prefix": "a"} | change)


@pytest.mark.parametrize("prefix", ["a", "ab", "a/b", "labor-1/käfig_2", "device/x"])
def test_prefixes_that_do(prefix: str) -> None:
    assert (
        MqttIoSettings.model_validate({"topic_prefix": prefix, "inputs": {"a": {}}, "sensors": {"a": {}}}).topic_prefix == prefix
    )


def test_unusable_settings_are_the_drivers_own_error() -> None:
    broken = DeviceRef(uuid4(), {"topic_prefix": "#"})
    with pytest.raises(DecodeError):
        MQTT_IO.decode(broken, Received("#/status", b"running", NOW))
    with pytest.raises(EncodeError):
        MQTT_IO.encode(broken, command("set_output"))
    for ask in (MQTT_IO.subscriptions, MQTT_IO.description):
        with pytest.raises(DriverError):
            ask(broken)
