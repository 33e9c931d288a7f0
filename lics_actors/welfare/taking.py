"""From what tables keep to what rules read: a subject's limits, and what a run's unit of reward is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lics_actors.welfare.messages import Limits, Substance

DAILY: Final = {Substance.FLUID: "fluid_ul", Substance.FOOD: "food_mg", Substance.PELLETS: "food_pellets"}
"""Substance → its name in a subject's daily amounts (study/subject_documents.py)."""
UNITS: Final = {"ul": Substance.FLUID, "pellets": Substance.PELLETS}
"""Base unit of a protocol's reward (experiment/quantities.py) → substance."""
KINDS: Final = {"volume": Substance.FLUID, "pellets": Substance.PELLETS}
"""Kind of a protocol's reward (experiment/quantities.py) → substance."""


def limits_of(daily: Mapping[str, Any], session_s: float | None = None, between_s: float | None = None) -> Limits:
    """Return a subject's limits: `daily` as it is kept with the subject."""
    said = {f"{edge}_{substance}": daily.get(name, {}).get(edge) for substance, name in DAILY.items() for edge in ("min", "max")}
    return Limits(session_s=session_s, between_s=between_s, **said)
