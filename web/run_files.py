"""The desk where people have files made of runs, as a part of the application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final, cast

from quart import Quart, current_app

from config.settings import Settings
from lics_actors.audit import AuditLog
from lics_actors.export_desk import ExportDesk
from lics_actors.store.repository import Repository

DESK: Final = "lics_export_desk"


def install(app: Quart, repository: Repository, audit: AuditLog, settings: Settings) -> None:
    """Let the application make and give out files; what is being made when it ends is given up."""
    desk = app.extensions[DESK] = ExportDesk(repository, audit, settings)

    async def closing() -> AsyncGenerator[None, None]:
        yield
        await desk.close()

    app.while_serving(closing)


def export_desk() -> ExportDesk:
    """Return the desk of the application being asked."""
    return cast("ExportDesk", current_app.extensions[DESK])
