"""Where somebody may do what is being asked: objects, lists and new things by laboratory.

Memberships are not told to the web yet: until then whoever may at all may everywhere.
"""

from __future__ import annotations

from uuid import UUID

from lics_actors.access.laboratories import DEFAULT_LABORATORY, Laboratories


def where() -> Laboratories:
    """Return the laboratories in which who asks has the permission of the route being answered; None: all."""
    return None


def place(named: UUID | None) -> UUID:
    """Return the laboratory of something new: the one `named`, or the only one in which who asks may make it."""
    return named or DEFAULT_LABORATORY
