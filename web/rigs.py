"""The desk where people keep rigs and reset interlocks, as a part of the application."""

from __future__ import annotations

from typing import Final, cast

from quart import Quart, current_app

from lics_actors.audit import AuditLog
from lics_actors.rig_desk import RigDesk, RigFleet
from lics_actors.store.repository import Repository

DESK: Final = "lics_rig_desk"


def install(app: Quart, repository: Repository, fleet: RigFleet, audit: AuditLog) -> None:
    """Let the application keep rigs."""
    app.extensions[DESK] = RigDesk(repository, fleet, audit)


def rig_desk() -> RigDesk:
    """Return the desk of the application being asked."""
    return cast("RigDesk", current_app.extensions[DESK])
