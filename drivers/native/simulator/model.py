"""What a simulated instrument is: a value that a step of time and a command turn into the next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Protocol

from drivers.protocol import JsonObject


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a step, `after_s` after the step's begin."""

    after_s: float
    type: str
    data: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: with a result, or with an error."""

    model: Model
    result: Any = None
    error: str | None = None
    events: tuple[Happening, ...] = ()


class Model(Protocol):
    """One instrument at one moment. `dice` is the only source of chance."""

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Model, tuple[Happening, ...]]:
        """Return the instrument `elapsed_s` after `start`, and what happened in between."""

    def metrics(self, dice: Random) -> Mapping[str, float]:
        """Return what its sensors read, with their noise."""

    def duration_s(self, name: str, args: JsonObject) -> float:
        """Return how long a command takes."""

    def finish(self, name: str, args: JsonObject, share: float) -> Done:
        """Return how a command ends after `share` (0 to 1) of its duration; below 1 it was stopped."""

    def made_safe(self) -> Done:
        """Return it with nothing held that a lease had let it hold."""

    def inhabited(self) -> Model:
        """Return it with somebody living at it: what is done to it comes through `felt` only."""

    def felt(self, kind: str, data: JsonObject) -> Model:
        """Return it after a subject did that to it."""

    @property
    def report_interval_s(self) -> float | None:
        """Return how often it was told to report, or None."""


@dataclass(frozen=True, slots=True)
class Blinking:
    """What every instrument does: blink when asked who it is, and report as often as the simulator says."""

    @property
    def report_interval_s(self) -> float | None:
        """Return None: the simulator's rate holds."""
        return None

    def made_safe(self) -> Done:
        """Return itself: it holds nothing."""
        return Done(self)  # type: ignore[arg-type]  # every instrument is a Model, this half of one is not

    def inhabited(self) -> Model:
        """Return itself: nobody touches it."""
        return self  # type: ignore[return-value]

    def felt(self, kind: str, data: JsonObject) -> Model:  # noqa: ARG002
        """Return itself: it feels nothing."""
        return self  # type: ignore[return-value]

    def duration_s(self, name: str, args: JsonObject) -> float:  # noqa: ARG002
        """Return 0: the light blinks on by itself, settings take effect at once."""
        return 0.0
