"""Which role may do what: the one table. Routes and messages only name a permission. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is in the laboratory."""

    SUPER_ADMIN = "super_admin"
    LAB_ADMIN = "lab_admin"
    RESEARCHER = "researcher"
    TECHNICIAN = "technician"
    OBSERVER = "observer"
    DEVICE = "device"  # speaks to the broker, never to the API


_S, _L, _R, _T, _O = Role.SUPER_ADMIN, Role.LAB_ADMIN, Role.RESEARCHER, Role.TECHNICIAN, Role.OBSERVER
ADMINS: Final = frozenset({_S, _L})
PEOPLE: Final = frozenset({_S, _L, _R, _T, _O})
WORKERS: Final = frozenset({_S, _L, _R, _T})  # those who move something
KEEPERS: Final = frozenset({_S, _L, _T})  # those who keep the house running

TABLE: Final[dict[str, frozenset[Role]]] = {
    "device:read": PEOPLE,
    "device:command": WORKERS,
    "device:write": WORKERS,
    "device:restart": WORKERS,
    "device:credential": KEEPERS,
    "fleet:read": PEOPLE,
    "fleet:restart": KEEPERS,
    "fleet:drain": KEEPERS,
    "fleet:quarantine": KEEPERS,
    "fleet:clear": KEEPERS,
    "rig:read": PEOPLE,
    "rig:write": frozenset({_S, _L, _R}),
    "rig:reset": WORKERS,
    "subject:read": PEOPLE,
    "subject:write": WORKERS,
    "welfare:override": ADMINS,
    "calibration:write": WORKERS,
    "protocol:read": PEOPLE,
    "protocol:write": frozenset({_S, _L, _R}),
    "laboratory:read": PEOPLE,
    "laboratory:write": ADMINS,
    "laboratory:create": frozenset({_S}),
    "experiment:read": PEOPLE,
    "experiment:write": frozenset({_S, _L, _R}),
    "schedule:read": PEOPLE,
    "schedule:write": WORKERS,
    "run:read": PEOPLE,
    "run:start": WORKERS,
    "run:steer": WORKERS,
    "run:override": ADMINS,
    "alarm:acknowledge": WORKERS,
    "alarm:shelve": KEEPERS,
    "audit:read": ADMINS,
    "audit:export": ADMINS,
    "account:read": PEOPLE,
    "account:write": PEOPLE,
    "key:read": PEOPLE,
    "key:write": PEOPLE,
    "user:read": ADMINS,
    "user:write": ADMINS,
}
"""Permission → roles that have it."""

IN_PERSON: Final = frozenset(each for each in TABLE if each.partition(":")[0] in {"account", "key", "user"})
"""What no API key may: a stolen key makes no further keys and no users, and changes no password."""

_BY_ROLE: Final = {role: frozenset(each for each, roles in TABLE.items() if role in roles) for role in Role}
_MANAGED: Final = {_S: frozenset(Role), _L: frozenset({_R, _T, _O})}


def permissions_of(role: Role) -> frozenset[str]:
    """Return what a role may."""
    return _BY_ROLE[role]


def may_manage(role: Role, other: Role) -> bool:
    """Return whether somebody with `role` may make, change, disable or reset accounts with the role `other`."""
    return other in _MANAGED.get(role, frozenset())
