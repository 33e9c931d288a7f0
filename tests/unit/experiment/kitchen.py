"""A protocol with everything in it, and a way to play with a run of any protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from drivers.native.spec import DEVICE_TYPES
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.engine import reduce
from lics_actors.experiment.library import protocol_of, text_of
from lics_actors.experiment.messages import (
    AbortAsked,
    Annotated,
    Armed,
    Arming,
    Broken,
    CommandSettled,
    DeviceSaid,
    Effect,
    Event,
    MetricSaid,
    ParameterAsked,
    PauseAsked,
    Recovered,
    ResumeAsked,
    RewardAsked,
    Scheduled,
    SessionOver,
    StopAsked,
    TimerFired,
    Validated,
)
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.reading import read
from lics_actors.experiment.state import RunState, new_run

KITCHEN = """
protocol: 1
name: kitchen
title: Kitchen <sink> & more
roles:
  pump: {type: pump, commands: [dispense, stop, set_flow_rate], events: [dispensed]}
  panel: {type: lickometer, commands: [show_image, clear_screen], events: [touch, lick], metrics: [lick_rate_hz]}
  room: {type: environment, metrics: [temperature_c]}
parameters:
  volume: {default: 10 ul, min: 1 ul, max: 60 ul}
  bright: {default: true}
  image: {default: star, choices: [star, moon]}
  odds: {default: 0.3, min: 0, max: 1}
variables:
  touches: 0
  waited: 0 s
draws:
  side: {values: {left: odds, right: 1}, max_run: 2}
  hold: {min: 100 ms, max: 0.5 s}
  wait: {values: {1 s: 1, 2 s: 1}}
staircases:
  level:
    start: 5
    min: 1
    max: 9
    steps: [{outcome: good, after: 2, by: 1}, {outcome: bad, by: -1}]
blocks:
  - {name: first, trials: 3}
  - {name: second, until: block_count.good >= 2 or block.time > 5 min, set: {odds: 0.9, touches: 5}}
after_blocks: repeat
reward: {command: pump.dispense, argument: volume_ul, amount: volume}
limits: {time: 20 min, trials: 40, reward: 60 ul}
trial: {start: begin, interval: "wait if side == 'left' else 0 s"}
outcomes:
  good: {good: true}
  bad: {}
states:
  begin:
    enter:
      - command: panel.show_image
        args: {image: image}
      - set: {touches: 0, waited: trial.time}
      - command: pump.set_flow_rate
        args: {rate_ul_s: 200 ul_s}
    exit: [{marker: begun}]
    transitions:
      - event: panel.touch
        when: event.x > 20 * level and bright
        do: [{set: {touches: touches + 1}}]
      - when: touches >= 3
        to: {win: odds, lose: 1 - odds}
      - event: panel.lick
        when: event.duration_ms > 50 ms and not (event.bout % 2 == 0)
        do: [{reward: 2 * volume}]
        to: win
      - metric: room.temperature_c
        when: value > 30 degC or session.time < 0 s
        end: bad
      - after: hold
        when: touches > 100
        to: lose
      - after: 5 s
        to: lose
  win:
    enter: [{reward: true}, {reward: true}]
    transitions:
      - command: pump.dispense
        outcome: [succeeded, indeterminate]
        end: good
      - command: pump.dispense
        do: [{set: {waited: waited + trial.time}}]
      - after: min(10 s, 2 * wait)
        end: good
  lose:
    transitions:
      - event: panel.touch
        to: lose
      - after: 1 s
        do: [{marker: lost}]
        end: bad
safe:
  - command: panel.clear_screen
  - command: pump.stop
recovery: ask
"""

RUN_ID = UUID("7b9b2d1e-0000-4000-8000-000000000001")
LEGS = (Validated(0.0), Scheduled(0.0), Arming(0.0), Armed(1.0))
OUTCOMES = ("succeeded", "failed", "rejected", "expired", "cancelled", "indeterminate")


def kitchen(*changes: tuple[str, str]) -> Plan:
    return changed(KITCHEN, *changes)


def classic(name: str, *changes: tuple[str, str]) -> Plan:
    return changed(text_of(name), *changes)


def changed(text: str, *changes: tuple[str, str]) -> Plan:
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return prepared(read(text), DEVICE_TYPES)[0]


def plan_of(name: str) -> Plan:
    return prepared(protocol_of(name), DEVICE_TYPES)[0]


@dataclass
class Play:
    """A run that is played with; remembers everything."""

    plan: Plan
    seed: int = 1
    run: RunState = field(init=False)
    first: RunState = field(init=False)
    recorded: list[tuple[Event, list[Effect]]] = field(default_factory=list)
    commands: list[UUID] = field(default_factory=list)
    timers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run = self.first = new_run(self.plan, RUN_ID, self.seed)

    def begin(self) -> Play:
        for event in LEGS:
            self.hear(event)
        return self

    def hear(self, *events: Event) -> list[Effect]:
        """Feed events; return what the last one caused."""
        effects: list[Effect] = []
        for event in events:
            self.run, effects = reduce(self.plan, self.run, event)
            self.recorded.append((event, effects))
            self.commands += [each.id for each in effects if type(each).__name__ == "SendCommand"]
            self.timers += [each.timer for each in effects if type(each).__name__ == "SetTimer"]
        return effects

    def now(self, later: float = 0.0) -> float:
        return self.run.now + later

    def fire(self, prefix: str = "") -> list[Effect]:
        """Fire the set timer that is due first, of those whose name begins so."""
        timer = min((each for each in self.run.timers if each.startswith(prefix)), key=lambda each: self.run.timers[each])
        return self.hear(TimerFired(self.run.timers[timer], timer))

    def settle(self, outcome: str = "succeeded") -> list[Effect]:
        """Settle all pending commands; return what that caused together."""
        effects: list[Effect] = []
        for command_id in list(self.run.pending):
            effects += self.hear(CommandSettled(self.now(0.01), command_id, outcome))  # type: ignore[arg-type]
        return effects

    def touch(self, x: int = 700) -> list[Effect]:
        return self.hear(DeviceSaid(self.now(0.1), "panel", "touch", {"x": x, "y": 5, "image": None}))

    def told(self, kind: type) -> list[Any]:
        return [each for _, effects in self.recorded for each in effects if isinstance(each, kind)]


Move = tuple[int, int, float]


def event_of(play: Play, move: Move) -> Event:
    """Return the event that three numbers mean for a run: half of them to the point, some of them stale or absurd."""
    kind, choice, later = move
    at = play.now(later)
    match kind % 18:
        case 0 | 1 | 2 | 3:
            data = {"x": choice * 37 % 800, "y": 3} if choice % 5 else {}
            return DeviceSaid(at, "panel", "touch", data)
        case 4 | 5:
            return DeviceSaid(at, "panel", "lick", {"duration_ms": choice % 90, "bout": choice % 3})
        case 6 | 7 | 8 if play.commands:
            return CommandSettled(at, _of(play.commands[-6:], choice), OUTCOMES[choice % 6])  # type: ignore[arg-type]
        case 9 | 10 if play.run.timers:
            due = play.run.timers
            near = [each for each in due if each != "session" or choice % 20 == 0]
            if not near:
                return ResumeAsked(at, "eve")
            timer = min(near, key=lambda each: due[each]) if choice % 11 else _of(near, choice)
            return TimerFired(max(at, due[timer]) if choice % 7 else at, timer)
        case 11 if play.timers:
            return TimerFired(at, _of(play.timers, choice))
        case 12:
            return MetricSaid(at, "room", "temperature_c", choice % 40)
        case 13:
            return PauseAsked(at, "eve") if choice % 4 == 0 else ResumeAsked(at, "eve")
        case 14:
            return (RewardAsked(at, "eve", float(choice % 50) - 1), Annotated(at, "eve", "hm"))[choice % 2]
        case 15:
            asks = [("volume", 5.0 + choice % 80), ("nothing", 1), ("image", "moon"), ("odds", True), ("volume", "x")]
            name, value = asks[choice % 5]
            return ParameterAsked(at, "eve", name, value)
        case 16 if choice % 6 == 0:
            rare: Sequence[Event] = (
                StopAsked(at, "eve"), Broken(at, "gone"), AbortAsked(at, "eve"), Recovered(at), SessionOver(at, "long enough")
            )  # fmt: skip
            return rare[choice // 6 % 5]
        case 16:
            return Recovered(at) if choice % 3 == 0 else ResumeAsked(at, "eve")
        case _:
            return LEGS[choice % 4]


def _of(values: Sequence[Any], choice: int) -> Any:
    return values[choice % len(values)]
