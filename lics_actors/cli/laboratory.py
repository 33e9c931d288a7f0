"""How the commands get to the fleet and to the tables, and who they say is asking."""

from __future__ import annotations

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from config.settings import load_settings
from lics_actors.errors import DatabaseUnavailableError, DeviceNotFoundError

if TYPE_CHECKING:
    from lics_actors.audit import Asker, Found
    from lics_actors.client import FleetClient
    from lics_actors.fleet.messages import NodeView
    from lics_actors.store.repository import Repository


def principal() -> str:
    """Return who is asking: the operating system's user."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli:unknown"


def asker() -> Asker:
    """Return who is asking, for the audit; over SSH, from where."""
    from lics_actors.audit import Asker  # noqa: PLC0415 - slow, and only when a command runs

    remote = os.environ.get("SSH_CLIENT", "").partition(" ")[0]
    return Asker(principal(), "cli", remote or None)


@asynccontextmanager
async def act(action: str, target: str, reason: str | None = None) -> AsyncIterator[Found]:
    """Do something under audit."""
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs

    audit = AuditLog(load_settings())
    try:
        async with audit.act(asker(), action, target, reason) as found:
            yield found
    finally:
        audit.close()


@asynccontextmanager
async def fleet() -> AsyncIterator[FleetClient]:
    """Give the way into the fleet."""
    from lics_actors.client import FleetClient  # noqa: PLC0415 - slow, and only when a command runs

    client = await FleetClient.open(load_settings())
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def tables() -> AsyncIterator[Repository]:
    """Give the way to the tables.

    Raises:
        DatabaseUnavailableError: there is no database, or it does not answer.
    """
    from lics_actors.store.repository import Repository  # noqa: PLC0415 - slow, and only when a command runs

    url = load_settings().database_url
    if url is None:
        raise DatabaseUnavailableError("LICS does not run here: DATABASE_URL is not set and no embedded database runs")
    repository = await Repository.connect(url, pool_size=1, max_overflow=1)
    try:
        yield repository
    finally:
        await repository.close()


def nodes_of(tree: NodeView) -> list[NodeView]:
    """Return a tree's nodes, each before its children."""
    return [tree, *(node for child in tree.children for node in nodes_of(child))]


def device_in(tree: NodeView, id_or_name: str) -> UUID:
    """Return the id of the device that runs under this id or name.

    Raises:
        DeviceNotFoundError: the fleet runs none.
    """
    for node in nodes_of(tree):
        if node.kind == "device" and id_or_name.lower() in {node.label.lower(), node.name.removeprefix("device:")}:
            return UUID(node.name.removeprefix("device:"))
    raise DeviceNotFoundError(f"the fleet runs no device called {id_or_name!r}; see `lics device list`", name=id_or_name)
