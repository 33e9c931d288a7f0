"""What a run tells: each step once on its topic and once more after a reconnect, in words that viewers understand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drivers.protocol import Publication
from lics_actors.experiment.messages import DeviceSaid, Marked, PhaseChanged, SendCommand, SetTimer
from lics_actors.live.messages import RUNS, LiveMessage, RunLive, RunStepLive, decode, encode, run_topic
from lics_actors.run.messages import RunView
from lics_actors.run.telling import AGAIN, Telling
from lics_actors.store.run_records import RunStepped
from web.live.protocol import RunTold, StepTold
from web.live.views import told

RUN, LAB, NOW = UUID(int=9), UUID(int=1), datetime(2026, 3, 1, 12, tzinfo=UTC)


class Bus:
    def __init__(self) -> None:
        self.said: list[tuple[str, LiveMessage]] = []

    def publish(self, topic: str, message: LiveMessage, keep: bool) -> None:
        assert keep
        self.said.append((topic, decode(encode(message))))


def step(n: int, *effects: Any, **more: Any) -> RunStepped:
    return RunStepped(RUN, n, NOW, DeviceSaid(1.5, "panel", "touch", {"x": 3}), effects, **more)


def view(phase: Any = "running", trial: int = 1) -> RunView:
    return RunView(RUN, phase, "", 1, 1.5, trial, True, -1, 0.0, {}, 0, {}, {})


def test_a_step_is_told_on_its_topic_and_on_the_bus_and_the_run_when_it_changes() -> None:
    sent: list[Publication] = []
    bus = Bus()
    telling = Telling(RUN, LAB, "lab/", sent.extend, bus)  # type: ignore[arg-type]
    command = SendCommand(UUID(int=5), "pump", "dispense", {"volume_ul": 8}, 1, 8.0)
    telling.told(step(3, SetTimer("0.1", 2.0), command, Marked(1, "reward"), barred={command.id: "enough"}), view())
    (said,) = sent
    assert (said.topic, said.qos) == (f"lab/experiments/{RUN}/events", 1)
    told_json = json.loads(said.payload)
    assert [each["type"] for each in told_json["effects"]] == ["SendCommand", "Marked"]
    assert (told_json["v"], told_json["n"], told_json["event"]["data"]) == (1, 3, {"x": 3})
    assert told_json["barred"] == {str(command.id): "enough"}
    topics = [topic for topic, _ in bus.said]
    assert topics == [run_topic(RUN), RUNS, run_topic(RUN)]
    telling.told(step(4), view())
    telling.told(step(5, PhaseChanged("paused", "")), view("paused"))
    assert [topic for topic, _ in bus.said[3:]] == [run_topic(RUN)] * 2 + [RUNS, run_topic(RUN)]
    for topic, message in bus.said:
        assert isinstance(message, RunLive | RunStepLive)
        seen = told(topic, 7, message)
        if isinstance(seen, StepTold):
            assert json.loads(bytes(seen.step))["n"] == message.n
        else:
            assert isinstance(seen, RunTold) and seen.run.n == message.n


def test_after_a_reconnect_the_last_steps_come_again_and_without_a_bus_it_is_silent_there() -> None:
    sent: list[Publication] = []
    telling = Telling(RUN, LAB, "", sent.extend, None)
    for n in range(AGAIN + 5):
        telling.told(step(n), view())
    sent.clear()
    telling.again()
    assert [json.loads(each.payload)["n"] for each in sent] == list(range(5, AGAIN + 5))
