"""A reward pump and a pellet feeder. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import floor
from random import Random

from drivers.native.simulator.model import Blinking, Done, Happening
from drivers.native.spec import HOPPER_PELLETS, RESERVOIR_UL
from drivers.protocol import JsonObject

PRIME_UL = 100.0  # the dead volume of half a metre of tubing with 0.5 mm bore
LOW_UL = 1_000.0
PELLET_S = 0.25


@dataclass(frozen=True, slots=True)
class Pump(Blinking):
    """A syringe pump: what it dispenses is missing in its reservoir. 200 µl/s give a 20 µl drop in 0.1 s."""

    reservoir_ul: float = RESERVOIR_UL
    dispensed_total_ul: float = 0.0
    flow_rate_ul_s: float = 200.0

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Pump, tuple[Happening, ...]]:  # noqa: ARG002
        """Return itself: a pump at rest does nothing."""
        return self, ()

    def metrics(self, dice: Random) -> Mapping[str, float]:  # noqa: ARG002
        """Return its reservoir and counter."""
        return {
            "reservoir_ul": round(self.reservoir_ul, 3),
            "dispensed_total_ul": round(self.dispensed_total_ul, 3),
            "flow_rate_ul_s": self.flow_rate_ul_s,
        }

    def duration_s(self, name: str, args: JsonObject) -> float:
        """Return volume over flow rate."""
        return self._volume_ul(name, args) / self.flow_rate_ul_s

    def finish(self, name: str, args: JsonObject, share: float) -> Done:
        """Return the pump after so much of the dose; a reservoir that holds less than the dose is an error."""
        if name == "set_flow_rate":
            return Done(replace(self, flow_rate_ul_s=float(args["rate_ul_s"])), {"rate_ul_s": args["rate_ul_s"]})
        if name not in {"dispense", "prime"}:
            return Done(self)
        wanted = self._volume_ul(name, args) * min(1.0, max(0.0, share))
        given = min(wanted, self.reservoir_ul)
        left = self.reservoir_ul - given
        events = [Happening(0.0, "dispensed", {"volume_ul": round(given, 3)})]
        if left < LOW_UL <= self.reservoir_ul:
            events.append(Happening(0.0, "reservoir_low", {"reservoir_ul": round(left, 3)}))
        later = replace(self, reservoir_ul=left, dispensed_total_ul=self.dispensed_total_ul + given)
        error = "reservoir_empty" if given < wanted else None
        return Done(later, {"dispensed_ul": round(given, 3)}, error, tuple(events))

    def _volume_ul(self, name: str, args: JsonObject) -> float:
        match name:
            case "dispense":
                return float(args["volume_ul"])
            case "prime":
                return PRIME_UL
            case _:
                return 0.0


@dataclass(frozen=True, slots=True)
class Feeder(Blinking):
    """A pellet dispenser: one turn of its disc drops one pellet."""

    pellets_left: int = HOPPER_PELLETS
    pellets_total: int = 0

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Feeder, tuple[Happening, ...]]:  # noqa: ARG002
        """Return itself: a feeder at rest does nothing."""
        return self, ()

    def metrics(self, dice: Random) -> Mapping[str, float]:  # noqa: ARG002
        """Return its hopper and counter."""
        return {"pellets_left": float(self.pellets_left), "pellets_total": float(self.pellets_total)}

    def duration_s(self, name: str, args: JsonObject) -> float:
        """Return one turn of the disc for each pellet."""
        return PELLET_S * int(args["pellets"]) if name == "feed" else 0.0

    def finish(self, name: str, args: JsonObject, share: float) -> Done:
        """Return the feeder after so many whole pellets; an empty hopper is an error."""
        if name != "feed":
            return Done(self)
        wanted = floor(int(args["pellets"]) * min(1.0, max(0.0, share)))
        given = min(wanted, self.pellets_left)
        later = replace(self, pellets_left=self.pellets_left - given, pellets_total=self.pellets_total + given)
        error = "hopper_empty" if given < wanted else None
        return Done(later, {"pellets": given}, error, (Happening(0.0, "pellets_dropped", {"pellets": given}),))
