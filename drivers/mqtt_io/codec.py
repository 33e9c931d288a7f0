"""Devices served by the program mqtt-io (2.x): its topics and payloads, which carry neither times nor command ids. Pure.

Below its `topic_prefix` mqtt-io publishes `status`, `sensor/NAME` (a decimal number), `input/NAME` and `output/NAME` (on
or off payload, the latter after every change of an output) and `stream/NAME` (bytes), and listens to `output/NAME/set`,
`output/NAME/set_on_ms` and `stream/NAME/send`. What it confirms is only that an output now *is* on or off.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from drivers.errors import DecodeError, EncodeError
from drivers.mqtt_io.settings import InputSettings, MqttIoSettings, OutputSettings
from drivers.protocol import (
    AckState,
    CommandAcked,
    CommandSpec,
    Decoded,
    Description,
    DeviceRef,
    Driver,
    EventReported,
    EventSpec,
    Grants,
    Guarantees,
    MetricSpec,
    OutgoingCommand,
    PresenceReported,
    PresenceState,
    Publication,
    Received,
    Sample,
    TelemetryReported,
    TopicFilter,
)
from drivers.schema import argument_errors

SET_OUTPUT, PULSE_OUTPUT, SEND_STREAM = "set_output", "pulse_output", "send_stream"
MAX_STREAM_BYTES: Final = 65_536
MAX_PULSE_MS: Final = 600_000
_NUMBER: Final = re.compile(rb"-?[0-9]{1,309}(?:\.[0-9]{1,100})?")  # Python's `f"{value:.{digits}f}"`, which mqtt-io prints
_ON_OR_OFF: Final = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
_TEXT_OR_BYTES: Final = {"type": "object", "properties": {"text": {"type": "string"}, "base64": {"type": "string"}}}


class MqttIoDriver:
    """Weaker than the native convention: nothing is numbered, and a command runs as often as it arrives."""

    name: str = "mqtt_io"
    guarantees: Guarantees = Guarantees(acknowledges=False, executes_once=False, sequenced=False, reports_presence=True)
    settings_model: type[BaseModel] = MqttIoSettings

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        """Return the topic of each thing the settings name."""
        settings = _settings(device, "subscriptions")
        base = _base(device, settings)
        readable = [name for name, stream in settings.streams.items() if stream.read]
        return (
            TopicFilter(base + settings.status_topic, 1),
            *(TopicFilter(f"{base}sensor/{name}", 1, data=True) for name in settings.sensors),
            *(TopicFilter(f"{base}input/{name}", 1, data=True) for name in settings.inputs),
            *(TopicFilter(f"{base}output/{name}", 1, data=True, answers=True) for name in settings.outputs),
            *(TopicFilter(f"{base}stream/{name}", 1, data=True) for name in readable),
        )

    def grants(self, device: DeviceRef) -> Grants:
        """Return the topics of each thing the settings name; another instance's prefix may lie below this one's, so no more."""
        settings = _settings(device, "grants")
        base = _base(device, settings)
        told = [each.filter for each in self.subscriptions(device)]
        set_topics = [f"{base}output/{name}/{leaf}" for name in settings.outputs for leaf in ("set", "set_on_ms", "set_off_ms")]
        sent = [f"{base}stream/{name}/send" for name, stream in settings.streams.items() if stream.write]
        return Grants(tuple(told), (*set_topics, *sent))

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:  # noqa: ARG002
        """Return nothing: each device has a prefix of its own."""
        return ()

    def device_of(self, topic: str, prefix: str) -> UUID | None:  # noqa: ARG002
        """Return None: topics do not name the device."""
        return None

    def decode(self, device: DeviceRef, message: Received) -> Sequence[Decoded]:
        """Return what mqtt-io said. Readings have the time of their arrival, so retained ones say nothing."""
        settings = _settings(device, message.topic)
        base = _base(device, settings)
        if not message.topic.startswith(base):
            raise DecodeError(message.topic, "not a topic of this device")
        leaf = message.topic[len(base) :]
        if leaf == settings.status_topic:
            return _status(settings, message)
        kind, _, name = leaf.partition("/")
        reader = _READERS.get(kind)
        if reader is None:
            raise DecodeError(message.topic, "mqtt-io has no such topic")
        said = reader(settings, name, message)
        return () if message.retained else said

    def encode(self, device: DeviceRef, command: OutgoingCommand) -> Sequence[Publication]:
        """Return the message that sets or pulses an output or writes to a stream."""
        settings = _settings(device, command.name, EncodeError)
        spec = _commands(settings).get(command.name)
        if spec is None:
            raise EncodeError(command.name, "mqtt-io has no such command, or the settings name nothing it could act on")
        for error in argument_errors(spec.args, command.args):
            raise EncodeError(command.name, f"{error['field']}: {error['message']}")
        base, args = _base(device, settings), command.args
        match command.name:
            case "set_output":
                output = settings.outputs[args["output"]]
                payload = output.on_payload if args["on"] else output.off_payload
                return (Publication(f"{base}output/{args['output']}/set", payload.encode()),)
            case "pulse_output":
                return (Publication(f"{base}output/{args['output']}/set_on_ms", str(args["duration_ms"]).encode()),)
            case _:
                return (Publication(f"{base}stream/{args['stream']}/send", args["data"].encode()),)

    def echo_of(self, device: DeviceRef, command: OutgoingCommand) -> str | None:  # noqa: ARG002
        """Return the output's state that confirms `set_output`; None for the others, which nothing confirms."""
        output, on = command.args.get("output"), command.args.get("on")
        if command.name != SET_OUTPUT or not isinstance(output, str) or not isinstance(on, bool):
            return None
        return _echo(output, on)

    def description(self, device: DeviceRef) -> Description | None:
        """Return what the settings name; mqtt-io does not describe itself."""
        settings = _settings(device, "description")
        switches = {name: MetricSpec("", 0, 1) for name in settings.outputs}
        inputs = {name: MetricSpec("", 0, 1) for name, each in settings.inputs.items() if each.report == "metric"}
        sensors = {name: MetricSpec(each.unit, each.min, each.max) for name, each in settings.sensors.items()}
        changes = {name: EventSpec(_ON_OR_OFF) for name, each in settings.inputs.items() if each.report == "event"}
        streams = {f"stream.{name}": EventSpec(_TEXT_OR_BYTES) for name, each in settings.streams.items() if each.read}
        return Description(
            type="controller",
            firmware=settings.firmware,
            metrics=sensors | inputs | switches,
            commands=_commands(settings),
            events=changes | streams,
        )


def _settings(device: DeviceRef, what: str, error: type[DecodeError | EncodeError] = DecodeError) -> MqttIoSettings:
    try:
        return MqttIoSettings.model_validate(device.settings)
    except ValidationError as fault:
        raise error(what, f"the device's settings are not usable: {fault.error_count()} error(s)") from fault


def _base(device: DeviceRef, settings: MqttIoSettings) -> str:
    return f"{device.prefix}{settings.topic_prefix}/"


def _echo(output: str, on: bool) -> str:
    return f"output/{output}={'on' if on else 'off'}"


def _status(settings: MqttIoSettings, message: Received) -> Sequence[Decoded]:
    states = {
        settings.status_running.encode(): (PresenceState.ONLINE, None),
        settings.status_stopped.encode(): (PresenceState.OFFLINE, settings.status_stopped),
        settings.status_dead.encode(): (PresenceState.OFFLINE, settings.status_dead),
    }
    if not message.payload:
        return ()  # a retained status was cleared
    if message.payload not in states:
        raise DecodeError(message.topic, "none of the configured status payloads")
    state, reason = states[message.payload]
    return (PresenceReported(state, None, message.time, reason),)


def _reading(name: str, value: float, message: Received) -> TelemetryReported:
    return TelemetryReported(0, message.position, (Sample(message.time, {name: value}),))


def _sensor(settings: MqttIoSettings, name: str, message: Received) -> Sequence[Decoded]:
    if name not in settings.sensors:
        raise DecodeError(message.topic, "a sensor the settings do not name")
    if _NUMBER.fullmatch(message.payload) is None or not isfinite(value := float(message.payload)):
        raise DecodeError(message.topic, "no decimal number")
    return (_reading(name, value, message),)


def _is_on(switch: InputSettings | OutputSettings, message: Received) -> bool:
    if message.payload == switch.on_payload.encode():
        return True
    if message.payload == switch.off_payload.encode():
        return False
    raise DecodeError(message.topic, "neither its on nor its off payload")


def _input(settings: MqttIoSettings, name: str, message: Received) -> Sequence[Decoded]:
    switch = settings.inputs.get(name)
    if switch is None:
        raise DecodeError(message.topic, "an input the settings do not name")
    on = _is_on(switch, message)
    if switch.report == "metric":
        return (_reading(name, float(on), message),)
    return (EventReported(0, message.position, message.time, name, {"on": on}),)


def _output(settings: MqttIoSettings, name: str, message: Received) -> Sequence[Decoded]:
    switch = settings.outputs.get(name)
    if switch is None:
        raise DecodeError(message.topic, "an output the settings do not name")
    on = _is_on(switch, message)
    confirmed = CommandAcked(None, AckState.SUCCEEDED, message.time, {"output": name, "on": on}, echo=_echo(name, on))
    return (confirmed, _reading(name, float(on), message))


def _stream(settings: MqttIoSettings, name: str, message: Received) -> Sequence[Decoded]:
    if name not in settings.streams or not settings.streams[name].read:
        raise DecodeError(message.topic, "a stream the settings do not name")
    if len(message.payload) > MAX_STREAM_BYTES:
        raise DecodeError(message.topic, f"{len(message.payload)} bytes, more than {MAX_STREAM_BYTES}")
    return (EventReported(0, message.position, message.time, f"stream.{name}", _text_or_bytes(message.payload)),)


def _text_or_bytes(payload: bytes) -> dict[str, str]:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = "\0"
    return {"base64": b64encode(payload).decode()} if "\0" in text else {"text": text}


def _commands(settings: MqttIoSettings) -> dict[str, CommandSpec]:
    outputs = sorted(settings.outputs)
    writable = {name: stream for name, stream in settings.streams.items() if stream.write}
    commands = {}
    if outputs:
        commands[SET_OUTPUT] = CommandSpec(
            _arguments(output={"enum": outputs}, on={"type": "boolean"}), idempotent=True, actuates=True
        )
        duration = {"type": "integer", "minimum": 1, "maximum": MAX_PULSE_MS}
        commands[PULSE_OUTPUT] = CommandSpec(
            _arguments(output={"enum": outputs}, duration_ms=duration), idempotent=False, actuates=True
        )
    if writable:
        data = {"type": "string", "minLength": 1, "maxLength": 16_384}
        commands[SEND_STREAM] = CommandSpec(
            _arguments(stream={"enum": sorted(writable)}, data=data),
            idempotent=False,
            actuates=any(stream.actuates for stream in writable.values()),
        )
    return commands


def _arguments(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}


_READERS: Final[Mapping[str, Callable[[MqttIoSettings, str, Received], Sequence[Decoded]]]] = {
    "sensor": _sensor,
    "input": _input,
    "output": _output,
    "stream": _stream,
}
MQTT_IO: Final[Driver] = MqttIoDriver()
