"""Names of settings that nobody reads, but that are nearly those of settings. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from pydantic import AliasChoices

from config.settings import Settings

CLOSE: Final = 0.85  # of difflib; LICS_PROT and LICS_PORT have 0.89, LICS_NODE and LICS_HOST 0.67
NOT_SETTINGS: Final = frozenset({"LICS_VENV", "LICS_CALLED_AS", "LICS_SUBJECT_SPEED"})  # of ./lics and `lics simulate`
_ASSIGNED: Final = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=", re.MULTILINE)


def setting_names() -> frozenset[str]:
    """Return what settings are called in the environment."""
    named = {name: field.validation_alias for name, field in Settings.model_fields.items()}
    return frozenset(str(way.choices[0]) if isinstance(way, AliasChoices) else name.upper() for name, way in named.items())


def names_in(env_file: str) -> list[str]:
    """Return what a text like that of `.env` sets."""
    return _ASSIGNED.findall(env_file)


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Return names that are nearly a setting's → that setting."""
    known = setting_names()
    found = {}
    for name in sorted(set(names) - known - NOT_SETTINGS):
        near = difflib.get_close_matches(name.upper(), known, 1, CLOSE)
        if near and near[0] != name.upper():  # the case of letters does not matter
            found[name] = near[0]
    return found
