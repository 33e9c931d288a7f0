"""The desk of what subjects are given, as a part of the application."""

from __future__ import annotations

from typing import Final, cast

from quart import Quart, current_app

from config.settings import Settings
from lics_actors.audit import AuditLog
from lics_actors.store.repository import Repository
from lics_actors.welfare_desk import WelfareDesk
from lics_actors.welfare_rounds import RunSteering

DESK: Final = "lics_welfare_desk"


def install(app: Quart, repository: Repository, fleet: RunSteering, audit: AuditLog, settings: Settings) -> None:
    """Let the application keep what subjects are given."""
    app.extensions[DESK] = WelfareDesk(repository, audit, settings, fleet)


def welfare_desk() -> WelfareDesk:
    """Return the desk of the application being asked."""
    return cast("WelfareDesk", current_app.extensions[DESK])
