"""`Device.settings` of a device served by mqtt-io: what its own configuration file says, as far as LICS must know it. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

# mqtt-io puts names into topics as they are; with `stream.` in front they fit the record's 100 characters
ThingName = Annotated[str, Field(min_length=1, max_length=90, pattern=r"^[^/+#\x00\s]+$")]
Payload = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


RESERVED = frozenset({"devices", "experiments", "provision", "lics"})  # first levels of LICS's own topics, after the prefix


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SensorSettings(_Strict):
    """One of `sensor_inputs`."""

    unit: Annotated[str, Field(max_length=50, pattern=r"^[^\x00]*$")] = ""
    min: float | None = None
    max: float | None = None


class InputSettings(_Strict):
    """One of `digital_inputs`. `report`: an event at each change, or a metric that is 1 or 0."""

    report: Literal["event", "metric"] = "event"
    on_payload: Payload = "ON"
    off_payload: Payload = "OFF"


class OutputSettings(_Strict):
    """One of `digital_outputs`."""

    on_payload: Payload = "ON"
    off_payload: Payload = "OFF"


class StreamSettings(_Strict):
    """One of `stream_modules`. `actuates`: what is sent there may move something, which LICS then refuses to send:
    mqtt-io confirms nothing, so nobody would know whether it ran once."""

    read: bool = True
    write: bool = True
    actuates: bool = True


class MqttIoSettings(_Strict):
    """`topic_prefix` is mqtt-io's own without the installation's MQTT_TOPIC_PREFIX in front."""

    topic_prefix: Annotated[
        str,
        Field(
            max_length=200,
            pattern=r"^[^/+#$\x00\s](?:[^+#\x00\s]*[^/+#\x00\s])?$",
            description="mqtt-io's `mqtt.topic_prefix` without the installation's prefix; none of LICS's own",
        ),
    ]
    sensors: dict[ThingName, SensorSettings] = {}
    inputs: dict[ThingName, InputSettings] = {}
    outputs: dict[ThingName, OutputSettings] = {}
    streams: dict[ThingName, StreamSettings] = {}
    status_topic: ThingName = "status"
    status_running: Payload = "running"
    status_stopped: Payload = "stopped"
    status_dead: Payload = "dead"
    firmware: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = "mqtt-io"

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        if (first := self.topic_prefix.split("/")[0]) in RESERVED:
            raise ValueError(f"topic_prefix: `{first}/` belongs to LICS")
        metrics = [*self.sensors, *self.outputs, *(name for name, each in self.inputs.items() if each.report == "metric")]
        twice = [name for name, count in Counter(metrics).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]}: sensors, outputs and inputs reported as metrics have names of their own")
        for name, each in (self.inputs | self.outputs).items():
            if each.on_payload == each.off_payload:
                raise ValueError(f"{name}: on_payload and off_payload are the same")
        if len({self.status_running, self.status_stopped, self.status_dead}) < 3:
            raise ValueError("status payloads: two are the same")
        return self
