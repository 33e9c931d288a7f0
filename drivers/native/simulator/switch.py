"""A valve, a light or a shock grid: on until it is switched off, or until its lease runs out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from drivers.native.simulator.model import Blinking, Done, Happening
from drivers.protocol import JsonObject


@dataclass(frozen=True, slots=True)
class Switch(Blinking):
    """One output. `left_s`: how long it stays on where `switch_on` said for how long."""

    on: bool = False
    switched_on_total: int = 0
    left_s: float | None = None

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Switch, tuple[Happening, ...]]:  # noqa: ARG002
        """Return it later; off where its time is over."""
        if not self.on or self.left_s is None:
            return self, ()
        if self.left_s > elapsed_s:
            return replace(self, left_s=self.left_s - elapsed_s), ()
        return replace(self, on=False, left_s=None), (Happening(self.left_s, "switched", {"on": False}),)

    def metrics(self, dice: Random) -> Mapping[str, float]:  # noqa: ARG002
        """Return whether it is on, and how often it was switched on."""
        return {"on": float(self.on), "switched_on_total": float(self.switched_on_total)}

    def finish(self, name: str, args: JsonObject, share: float) -> Done:  # noqa: ARG002
        """Return it on or off; an event where that is a change."""
        if name not in {"switch_on", "switch_off", "stop"}:
            return Done(self)
        on = name == "switch_on"
        times = self.switched_on_total + (on and not self.on)
        events = () if on == self.on else (Happening(0.0, "switched", {"on": on}),)
        left_s = float(args["hold_s"]) if on and "hold_s" in args else None
        return Done(Switch(on, times, left_s), {"on": on}, events=events)

    def made_safe(self) -> Done:
        """Return it off."""
        return self.finish("switch_off", {}, 1.0)
