"""Units of protocols: what `10 ul` and `volume_ul` mean. Pure.

A table of our own: importing a unit library and making its registry took 0.8 s, and a protocol needs a dozen units.
Inside, a quantity is a number in the base unit of its kind: seconds, microlitres, pellets, …
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TEXT, TRUTH, NUMBER, UNKNOWN = "text", "truth", "number", "unknown"
TIME, VOLUME = "time", "volume"

# unit → kind, and how many of the kind's base unit it is
UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "us": (TIME, 1e-6),
    "ms": (TIME, 1e-3),
    "s": (TIME, 1.0),
    "min": (TIME, 60.0),
    "h": (TIME, 3600.0),
    "nl": (VOLUME, 1e-3),
    "ul": (VOLUME, 1.0),
    "µl": (VOLUME, 1.0),
    "μl": (VOLUME, 1.0),
    "ml": (VOLUME, 1e3),
    "pellets": ("pellets", 1.0),
    "hz": ("frequency", 1.0),
    "Hz": ("frequency", 1.0),
    "ul_s": ("flow", 1.0),
    "µl/s": ("flow", 1.0),
    "px": ("pixels", 1.0),
    "pct": ("percent", 1.0),
    "%": ("percent", 1.0),
    "c": ("temperature", 1.0),
    "degC": ("temperature", 1.0),
    "°C": ("temperature", 1.0),
    "lux": ("light", 1.0),
    "lx": ("light", 1.0),
    "ppm": ("concentration", 1.0),
    "pf": ("capacitance", 1.0),
    "pF": ("capacitance", 1.0),
    "licks": ("licks", 1.0),
    "deg": ("angle", 1.0),
}
BASE: Final[Mapping[str, str]] = {
    kind: next(unit for unit, (other, factor) in UNITS.items() if other == kind and factor == 1.0) for kind, _ in UNITS.values()
}
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?)\s*([A-Za-zµμ°%][A-Za-z_/]*)?")


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of a protocol: its value in base units, and its kind."""

    value: float | str | bool
    kind: str


def literal(given: float | str | bool) -> Literal:
    """Return what a constant means: `10 ul`, `0.5`, `true`, or any other text.

    Raises:
        ValueError: a number with a unit nobody knows, as `10 galons`.
    """
    match given:
        case bool():
            return Literal(given, TRUTH)
        case int() | float():
            return Literal(given, NUMBER)
    found = _QUANTITY.fullmatch(given.strip())
    if found is None:
        return Literal(given, TEXT)
    number, unit = float(found[1]), found[2]
    if unit is None:
        return Literal(number, NUMBER)
    kind, factor = unit_of(unit)
    return Literal(number * factor, kind)


def unit_of(unit: str) -> tuple[str, float]:
    """Return a unit's kind and its size in base units.

    Raises:
        ValueError: there is no such unit.
    """
    if unit not in UNITS:
        raise ValueError(f"there is no unit {unit!r}; there are: {', '.join(UNITS)}")
    return UNITS[unit]


def unit_in_name(name: str) -> tuple[str, float]:
    """Return the unit that a name of the contract ends in (`volume_ul`, `duration_ms`); a plain number where it has none."""
    for cut in range(1, len(name)):
        if name[cut - 1] == "_" and name[cut:] in UNITS:
            return UNITS[name[cut:]]
    return UNITS.get(name, (NUMBER, 1.0)) if name == "pellets" else (NUMBER, 1.0)


def is_quantity(kind: str) -> bool:
    """Return whether values of that kind are numbers."""
    return kind not in {TEXT, TRUTH}


def told(value: float | str | bool | None, kind: str) -> str:
    """Return a value for people: `1.5 ml`, `2 min`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or kind not in BASE:
        return f"{value:g}" if isinstance(value, float) else str(value)
    if kind == TIME and abs(value) >= 60:
        return f"{value / 60:.4g} min"
    if kind == VOLUME and abs(value) >= 1000:
        return f"{value / 1000:.4g} ml"
    return f"{value:.4g} {BASE[kind]}"
