"""The desks of devices' credentials and claim codes, as a part of the application."""

from __future__ import annotations

from typing import Final, cast

from quart import Quart, current_app

from config.settings import Settings
from lics_actors.admission.opening import Desks, open_desks
from lics_actors.audit import AuditLog
from lics_actors.store.repository import Repository

DESKS: Final = "lics_admission"


def install(app: Quart, settings: Settings, repository: Repository, audit: AuditLog) -> None:
    """Let the application give devices their credentials."""
    app.extensions[DESKS] = open_desks(settings, repository, audit)


def desks() -> Desks:
    """Return the desks of the application being asked."""
    return cast("Desks", current_app.extensions[DESKS])
