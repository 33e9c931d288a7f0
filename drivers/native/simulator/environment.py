"""An environment sensor: temperature, humidity, light and CO2 of a cage. Pure.

Each quantity returns to its mean with some inertia (an Ornstein-Uhlenbeck process). The constants are chosen to look like a
room of an animal facility: 22 °C, 55 %, lights on from 07:00 to 19:00 UTC; nothing may be concluded from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import exp, sqrt
from random import Random

from drivers.native.simulator.model import Blinking, Done, Happening
from drivers.protocol import JsonObject

LIGHTS_ON_HOUR, LIGHTS_OFF_HOUR = 7, 19
DAY_LUX, NIGHT_LUX = 180.0, 2.0


@dataclass(frozen=True, slots=True)
class Environment(Blinking):
    """Readings of one cage."""

    temperature_c: float = 22.0
    humidity_pct: float = 55.0
    co2_ppm: float = 650.0
    light_lux: float = DAY_LUX
    interval_s: float | None = None

    @property
    def report_interval_s(self) -> float | None:
        """Return what `set_report_interval` asked for."""
        return self.interval_s

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Environment, tuple[Happening, ...]]:
        """Return the cage a little later; nothing happens there."""
        light = DAY_LUX if LIGHTS_ON_HOUR <= start.hour < LIGHTS_OFF_HOUR else NIGHT_LUX
        later = replace(
            self,
            temperature_c=_TEMPERATURE_C.next(self.temperature_c, elapsed_s, dice),
            humidity_pct=min(100.0, max(0.0, _HUMIDITY_PCT.next(self.humidity_pct, elapsed_s, dice))),
            co2_ppm=max(400.0, _CO2_PPM.next(self.co2_ppm, elapsed_s, dice)),
            light_lux=light,
        )
        return later, ()

    def metrics(self, dice: Random) -> Mapping[str, float]:
        """Return the readings with the noise and resolution of common sensors (SHT4x, SCD4x, BH1750)."""
        return {
            "temperature_c": round(self.temperature_c + dice.gauss(0, 0.02), 2),
            "humidity_pct": round(min(100.0, max(0.0, self.humidity_pct + dice.gauss(0, 0.1))), 1),
            "light_lux": round(max(0.0, self.light_lux + dice.gauss(0, 1.0)), 1),
            "co2_ppm": float(round(self.co2_ppm + dice.gauss(0, 3.0))),
        }

    def finish(self, name: str, args: JsonObject, share: float) -> Done:  # noqa: ARG002
        """Return the sensor with its new interval."""
        if name == "set_report_interval":
            return Done(replace(self, interval_s=float(args["seconds"])), {"seconds": args["seconds"]})
        return Done(self)


@dataclass(frozen=True, slots=True)
class _Drift:
    """An Ornstein-Uhlenbeck process with that mean, time constant and standard deviation."""

    mean: float
    inertia_s: float
    spread: float

    def next(self, value: float, elapsed_s: float, dice: Random) -> float:
        kept = exp(-elapsed_s / self.inertia_s)
        return self.mean + (value - self.mean) * kept + dice.gauss(0, self.spread * sqrt(1 - kept * kept))


_TEMPERATURE_C = _Drift(22.0, 900, 0.5)
_HUMIDITY_PCT = _Drift(55.0, 600, 3.0)
_CO2_PPM = _Drift(650.0, 300, 60.0)
