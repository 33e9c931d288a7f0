"""An RFID reader: it says the tag of whoever comes near. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from drivers.native.simulator.model import Blinking, Done, Happening
from drivers.protocol import JsonObject


@dataclass(frozen=True, slots=True)
class Reader(Blinking):
    """A reader that has read so many tags."""

    reads: int = 0

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Reader, tuple[Happening, ...]]:  # noqa: ARG002
        """Return itself: nobody comes by by chance."""
        return self, ()

    def metrics(self, dice: Random) -> Mapping[str, float]:  # noqa: ARG002
        """Return how many tags it has read."""
        return {"reads_total": float(self.reads)}

    def finish(self, name: str, args: JsonObject, share: float) -> Done:  # noqa: ARG002
        """Return itself: it has but a light."""
        return Done(self)

    def felt(self, kind: str, data: JsonObject) -> Reader:  # noqa: ARG002
        """Return it after a tag came near."""
        return replace(self, reads=self.reads + 1) if kind == "tag" else self
