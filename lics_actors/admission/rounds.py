"""What the broker holds against what the tables say: who is to go, which rules are to change, what is lost. Pure.

What nobody knows is looked at twice before it goes: whoever is just being let in is at the broker before he is in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from drivers.protocol import Grants
from lics_actors.admission.accounts import acls, same_rules
from lics_actors.admission.rows import Kept

EVERY_S: Final = 10.0
ROLES_A_S: Final = 20.0  # a round reads every role's rules, some hundred bytes each, from a broker with one thread
RETRY_S, RETRY_MAX_S = 1.0, 30.0
ALARM: Final = "broker-accounts"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the tables say. `roles`: username → role of who may come in; `rules`: what each role is granted; `over`: usernames
    that are known, and over."""

    roles: Mapping[str, str]
    rules: Mapping[str, Grants]
    over: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Round:
    """What is to be done. `doubtful`: names that go if they are still nobody's next time; `lost`: who should be at the broker."""

    expel: frozenset[str] = frozenset()
    forget: frozenset[str] = frozenset()
    allow: Mapping[str, Grants] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()


def compare(kept: Kept, wanted: Wanted, doubtful: frozenset[str]) -> Round:
    """Return what is to be done, given the names that nobody knew last time."""
    strangers = kept.clients - wanted.roles.keys()
    idle = kept.roles.keys() - set(wanted.roles.values())
    changed = {
        role: grants
        for role, grants in wanted.rules.items()
        if role in set(wanted.roles.values()) and not same_rules(kept.roles.get(role, ()), acls(grants))
    }
    return Round(
        expel=frozenset(each for each in strangers if each in wanted.over or each in doubtful),
        forget=frozenset(idle & doubtful),
        allow=changed,
        lost=frozenset(wanted.roles.keys() - kept.clients),
        doubtful=frozenset((strangers - wanted.over) | idle),
    )


def conditions(lost: frozenset[str]) -> dict[str, str]:
    """Return the alarms that stand, by kind, a sentence each."""
    if not lost:
        return {}
    named = ", ".join(sorted(lost)[:3])
    text = f"the broker has lost {len(lost)} accounts of devices ({named} …): they cannot come in; rotate their credentials"
    return {ALARM: text}


def rest_s(roles: int) -> float:
    """Return how long to rest after a round over so many roles."""
    return max(EVERY_S, roles / ROLES_A_S)


def retry_s(failures: int, luck: float) -> float:
    """Return how long to wait after so many failures in a row (from 1): doubling, capped, the upper half of it by luck."""
    whole: float = min(RETRY_MAX_S, RETRY_S * 2.0 ** min(failures - 1, 16))
    return whole * (0.5 + 0.5 * luck)
