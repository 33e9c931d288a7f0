"""What the runs of an ordeal are to do: a protocol at the pace of a test, its versions, how many runs, where, with whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.system.chaos.instruments import Cages

VOLUME_UL: Final = 2.0
RUNS_A_SUBJECT: Final = 2
DAY: Final = 1.5  # of what a run's rewards come to: so in its second run a subject's day is over before the trials are
ROOM_UL: Final = 100.0  # for rewards by hand
NAME: Final = "quick_choice"
PROTOCOL: Final = """
protocol: 1
name: {name}
title: Two choices, at the pace of a test
roles:
  pump: {{type: pump, commands: [dispense, stop]}}
  panel: {{type: lickometer, commands: [show_image, clear_screen], events: [touch]}}
parameters:
  volume: {{default: {volume} ul, min: 1 ul, max: 4 ul}}
draws:
  side: {{values: {{left: 1, right: 1}}, max_run: 4}}
  gap: {{min: {gap} s, max: {gap} s + 50 ms}}
reward: {{command: pump.dispense, argument: volume_ul, amount: volume}}
limits: {{trials: {trials}, time: 60 min, reward: {reward} ul}}
trial: {{start: choice, interval: gap}}
outcomes:
  correct: {{good: true}}
  incorrect: {{}}
  unpaid: {{}}
  omission: {{}}
states:
  choice:
    enter:
      - command: panel.show_image
        args: {{image: "'ask_left' if side == 'left' else 'ask_right'"}}
    exit: [{{command: panel.clear_screen}}]
    transitions:
      - event: panel.touch
        when: (event.x < 400) == (side == 'left')
        to: reward
      - event: panel.touch
        end: incorrect
      - after: 3 s
        end: omission
  reward:
    enter: [{{reward: true}}]
    transitions:
      - {{command: pump.dispense, outcome: succeeded, end: correct}}
      - {{command: pump.dispense, end: unpaid}}
      - {{after: 8 s, end: unpaid}}
safe:
  - command: panel.clear_screen
  - command: pump.stop
recovery: {recovery}
"""


@dataclass(frozen=True, slots=True)
class Version:
    """How a version of the protocol differs, and how often it is taken. `room_ul`: beyond one reward a trial, for the hand."""

    recovery: str
    room_ul: float
    weight: float


# The last leaves nothing for rewards by hand: each brings the run to its limit before its trials are over.
VERSIONS: Final = (Version("resume", ROOM_UL, 7), Version("ask", ROOM_UL, 2), Version("resume", 0.0, 1))


@dataclass(frozen=True, slots=True)
class Task:
    """How many runs of how many trials, in which cages; `gap_s`: between trials. `meddle`: operators pause, reward, annotate.
    `rationed`: subjects have a daily limit, which runs come to."""

    runs: int
    trials: int
    cages: Cages
    gap_s: float = 0.05
    meddle: bool = True
    rationed: bool = True

    @property
    def day_ul(self) -> float:
        """Return what a subject may get in a day."""
        return DAY * VOLUME_UL * self.trials

    @property
    def subjects(self) -> int:
        """Return how many subjects a cage needs, also where others are slower."""
        return self.runs // (self.cages.count * RUNS_A_SUBJECT) + 2

    def text(self, version: Version) -> str:
        """Return the protocol's text."""
        reward = max(4.0, VOLUME_UL * self.trials + version.room_ul)
        return PROTOCOL.format(
            name=NAME, gap=self.gap_s, trials=self.trials, volume=VOLUME_UL, reward=reward, recovery=version.recovery
        )
