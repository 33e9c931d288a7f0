"""Credentials of simulated devices: each its own, as real ones have, kept beside their ledgers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from config.settings import Settings
from lics_actors.admission.desk import CredentialDesk
from lics_actors.admission.opening import open_desks
from lics_actors.audit import Asker, AuditLog
from lics_actors.device.messages import BrokerSpec
from lics_actors.errors import DeviceNotEnabledError, DeviceNotFoundError
from lics_actors.store.repository import Repository

FILE: Final = "credentials.json"
AT_ONCE: Final = 4
Kept = dict[str, list[str]]  # device id → username, password


async def ways_in(
    settings: Settings, broker: BrokerSpec, devices: Sequence[UUID], folder: Path, who: Asker
) -> dict[UUID, BrokerSpec]:
    """Return how each device gets in: with what it has in `folder` where that is still good, else with new credentials.

    Those that LICS does not know, and all of them where LICS does not keep the broker's accounts, are left out.

    Raises:
        BrokerAccountsError, DatabaseUnavailableError
    """
    if settings.mqtt_control_username is None or settings.database_url is None:
        return {}
    repository = await Repository.connect(settings.database_url, pool_size=AT_ONCE, max_overflow=0)
    audit = AuditLog(settings)
    try:
        desk = open_desks(settings, repository, audit).credentials
        known, turn = read(folder), asyncio.Semaphore(AT_ONCE)

        async def one(device_id: UUID) -> None:
            async with turn:
                kept = await _good(desk, device_id, known.get(str(device_id)), who)
            known.pop(str(device_id), None)
            if kept is not None:
                known[str(device_id)] = kept

        await asyncio.gather(*(one(each) for each in devices))
        write(folder, known)
    finally:
        audit.close()
        await repository.close()
    found = {each: known[str(each)] for each in devices if str(each) in known}
    return {each: replace(broker, username=name, password=word) for each, (name, word) in found.items()}


async def _good(desk: CredentialDesk, device_id: UUID, kept: list[str] | None, who: Asker) -> list[str] | None:
    now = datetime.now(UTC)
    live = {each.username for each in await desk.repository.credentials(device_id) if each.live(now)}
    if kept is not None and kept[0] in live:
        return kept
    try:
        issued = await desk.issue(who, device_id, "simulated")
    except (DeviceNotFoundError, DeviceNotEnabledError):
        return None
    return [issued.credential.username, issued.password]


def read(folder: Path) -> Kept:
    """Return what is kept; nothing where there is no such file, or it is no use."""
    try:
        found = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def write(folder: Path, kept: Kept) -> None:
    """Keep it, readable by its owner only."""
    fresh = folder / f"{FILE}.new"
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(kept, file)
    fresh.replace(folder / FILE)
