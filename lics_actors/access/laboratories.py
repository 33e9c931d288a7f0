"""Who may do what in which laboratory. Pure.

Everything that people make belongs to a laboratory. An account has one role in each laboratory that it is a member of; a
super_admin is everywhere. What is outside somebody's laboratories does not exist for him.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from lics_actors.access.roles import IN_PERSON, Role, may_manage, permissions_of

DEFAULT_LABORATORY: Final = UUID(int=1)
"""The laboratory that is there before anybody makes another one."""
MEMBER_ROLES: Final = (Role.LAB_ADMIN, Role.RESEARCHER, Role.TECHNICIAN, Role.OBSERVER)
"""What somebody can be in a laboratory, highest first."""
MAX_MEMBERSHIPS: Final = 40  # of an account: each takes 80 bytes of its access token, which comes with every request

Laboratories = frozenset[UUID] | None
"""Where to look: in these; None: everywhere."""


class Sight(StrEnum):
    """How a request for an object is judged."""

    GRANTED = "granted"
    FORBIDDEN = "forbidden"  # he may see the object's laboratory, and not do this there: 403
    UNKNOWN = "unknown"  # as if there were no such object: 404


@dataclass(frozen=True, slots=True)
class Reach:
    """What somebody may: everywhere, laboratory by laboratory, and with what is his `own`, which belongs to no laboratory."""

    everywhere: frozenset[str] = frozenset()
    places: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    @property
    def anywhere(self) -> frozenset[str]:
        """What he may at some place at least."""
        return self.everywhere.union(self.own, *self.places.values())

    def where(self, permission: str) -> Laboratories:
        """Return the laboratories in which he has a permission; None: in all there are and will be."""
        if permission in self.everywhere:
            return None
        return frozenset(place for place, may in self.places.items() if permission in may)

    def sees(self, laboratory: UUID) -> bool:
        """Return whether a laboratory exists for him."""
        return bool(self.everywhere) or laboratory in self.places

    def may(self, permission: str, laboratory: UUID) -> bool:
        """Return whether he has a permission in a laboratory."""
        return permission in self.everywhere or permission in self.places.get(laboratory, ())

    def judge(self, permission: str, laboratory: UUID | None) -> Sight:
        """Return how a request for an object of a laboratory is judged; None: there is no such object."""
        if laboratory is None or not self.sees(laboratory):
            return Sight.UNKNOWN
        return Sight.GRANTED if self.may(permission, laboratory) else Sight.FORBIDDEN

    def may_all(self, permission: str, laboratories: frozenset[UUID]) -> bool:
        """Return whether he may do what concerns all `laboratories`: what they share, as the fleet's root, is all theirs."""
        return permission in self.everywhere or (bool(laboratories) and all(self.may(permission, each) for each in laboratories))


OWN: Final = frozenset({"account:read", "account:write", "key:read", "key:write"})
NOWHERE: Final = Reach()
EVERYWHERE: Final = Reach(permissions_of(Role.SUPER_ADMIN))


def reach_of(role: Role, memberships: Mapping[UUID, Role]) -> Reach:
    """Return what an account may: `role` counts where it is super_admin, the memberships' roles in their laboratories.

    Who is a member of none may still do what is his own: see and change his account. A device may nothing here.
    """
    if role is Role.SUPER_ADMIN:
        return EVERYWHERE
    if role is Role.DEVICE:
        return NOWHERE
    places = {place: permissions_of(each) for place, each in memberships.items() if each in MEMBER_ROLES}
    return Reach(places=places, own=OWN)


def narrowed(reach: Reach, scopes: frozenset[str], only: UUID | None) -> Reach:
    """Return what a key may with these scopes, in all its owner's laboratories or `only` in one: never more than its owner."""
    scopes = scopes - IN_PERSON
    if only is not None:
        may = (reach.everywhere | reach.places.get(only, frozenset())) & scopes
        return Reach(places={only: may} if reach.sees(only) else {})
    return Reach(reach.everywhere & scopes, {place: may & scopes for place, may in reach.places.items()})


class Unplaced(StrEnum):
    """Why something new has no laboratory."""

    NAME_ONE = "you are in several laboratories: name one as `laboratory_id`"
    NOT_YOURS = "there is no such laboratory"
    NOWHERE = "you may not do this in any laboratory"


def placed(reach: Reach, permission: str, named: UUID | None) -> UUID | Unplaced:
    """Return the laboratory of something new: the one `named`, or else the only one in which he may make it.

    Who may everywhere and names none means the default one.
    """
    where = reach.where(permission)
    if named is not None:
        return named if where is None or named in where else Unplaced.NOT_YOURS
    if where is None:
        return DEFAULT_LABORATORY
    if len(where) > 1:
        return Unplaced.NAME_ONE
    return next(iter(where), Unplaced.NOWHERE)


def highest(memberships: Mapping[UUID, Role]) -> Role:
    """Return the highest role among memberships, the least one where there is none."""
    return min(memberships.values(), key=MEMBER_ROLES.index, default=Role.OBSERVER)


def grants(reach: Reach, laboratory: UUID, role: Role) -> bool:
    """Return whether he may give this role in a laboratory to somebody, or take it."""
    if "user:write" in reach.everywhere:
        return role in MEMBER_ROLES
    return reach.may("user:write", laboratory) and may_manage(Role.LAB_ADMIN, role)


def meets(reach: Reach, memberships: Mapping[UUID, Role]) -> bool:
    """Return whether an account with these memberships exists for him."""
    return "user:read" in reach.everywhere or any(reach.may("user:read", each) for each in memberships)


def manages(reach: Reach, role: Role, memberships: Mapping[UUID, Role]) -> bool:
    """Return whether he may do what concerns a whole account: disable it, or have its password set anew.

    Who is of several laboratories is managed by nobody who is administrator in some of them only: he would come into the others.
    """
    if "user:write" in reach.everywhere:
        return True
    return role in MEMBER_ROLES and bool(memberships) and all(grants(reach, place, each) for place, each in memberships.items())
