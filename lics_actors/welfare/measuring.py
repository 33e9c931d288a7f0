"""Of something that a run gave: what its device was told, what it says it did, and what came out. Pure.

*Commanded* is what the device was told, *confirmed* what it says in its answer that it did, both on the device's own scale
(`volume_ul` in the arguments, `dispensed_ul` in the result). *Measured* is what came out: what a scale or sensor of the device
found, where the result has it (`measured_ul`, `measured_pellets`, `weighed_mg`), or else what the calibration that was in force
makes of the confirmed, or of the commanded where the device only says that it is done. Without either nobody measured anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lics_actors.experiment.quantities import VOLUME, unit_in_name
from lics_actors.welfare.calibration import WATER_MG_UL, Curve
from lics_actors.welfare.messages import Fate

KINDS: Final = {"ul": VOLUME, "pellets": "pellets"}
"""A run's unit of reward → the kind of quantity."""
FOUND: Final = "measured_"  # a result's field that begins so is what came out, and not what was done for it
WEIGHED: Final = "weighed_mg"
MOST: Final = 1e12  # a thousand cubic metres: whoever says more has lost its mind, or its decimal point


@dataclass(frozen=True, slots=True)
class Amounts:
    """In base units; None: nobody knows."""

    commanded: float | None = None
    confirmed: float | None = None
    measured: float | None = None


def amounts(unit: str, args: object, result: object, fate: Fate, curve: Curve | None) -> Amounts:
    """Return what is known of a reward. `unit`: the run's; `curve`: of the calibration that was in force."""
    kind = KINDS.get(unit)
    if kind is None or fate is Fate.REFUSED:
        return Amounts()
    said = result if isinstance(result, Mapping) else {}
    commanded = _only(args if isinstance(args, Mapping) else {}, kind)
    confirmed = _only({name: each for name, each in said.items() if not str(name).startswith(FOUND)}, kind)
    done = confirmed if confirmed is not None or fate is not Fate.CONFIRMED else commanded
    return Amounts(commanded, confirmed, _found(said, kind, done, curve))


def _found(said: Mapping[str, Any], kind: str, done: float | None, curve: Curve | None) -> float | None:
    found = _only({name: each for name, each in said.items() if str(name).startswith(FOUND)}, kind)
    if found is not None:
        return found
    weighed = _number(said.get(WEIGHED))
    if kind == VOLUME and weighed is not None:
        return weighed / WATER_MG_UL
    if kind != VOLUME or curve is None or done is None:
        return None
    return max(0.0, curve.measured(done)) if done > 0 else 0.0


def _only(said: Mapping[str, Any], kind: str) -> float | None:
    """Return the only amount of that kind among fields, whose names end in their units."""
    found = [number * factor for number, of_kind, factor in map(_read, said.items()) if of_kind == kind and number is not None]
    return found[0] if len(found) == 1 else None


def _read(field: tuple[str, Any]) -> tuple[float | None, str, float]:
    return _number(field[1]), *unit_in_name(str(field[0]))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        return None
    return float(value)
