"""Commands, whichever way they come: placing one, and finding what became of it. REST and the WebSocket share this."""

from __future__ import annotations

import asyncio
import logging
from typing import Final
from uuid import UUID

from lics_actors.audit import Asker
from lics_actors.device.messages import CommandState, RequestCommand
from lics_actors.errors import CommandNotFoundError, DatabaseUnavailableError, IdempotencyKeyReusedError, LicsError
from lics_actors.store.records import Command
from web.backing import ASK_S, Backing
from web.patience import within

log = logging.getLogger(__name__)

TABLES_S: Final = 1.0  # a command waits no longer for the tables, and then for a while not at all
HEDGE_S: Final = 0.25  # tables that take longer may be away: the device's journal knows the commands of the last day


async def place(house: Backing, wanted: RequestCommand, *, keyed: bool) -> Command:
    """Have a device do something; return the command as it stands after at most `wanted.wait_s`.

    `keyed`: its id was made from an idempotency key, so it may be an old one.

    Raises:
        LicsError: the actor's refusal, or nobody answers.
    """
    done = await _done_before(house, wanted) if keyed else None
    command = done or await house.fleet.command(wanted)
    house.commands.remember(command.command_id, wanted.device_id)
    return command


def note_order(house: Backing, asker: Asker, wanted: RequestCommand, came: Command | LicsError) -> None:
    """Tell the audit of a command: whose it was, where from, and what came of it until it was answered."""
    after = {"command": str(wanted.command_id), "name": wanted.name}
    target, error = f"device:{wanted.device_id}", None
    if isinstance(came, LicsError):
        error = came
    else:
        after["state"] = came.state.value
    house.audit.note(asker, "device.command", target, wanted.reason, after=after, error=error)


async def _done_before(house: Backing, wanted: RequestCommand) -> Command | None:
    """Return the settled command of an earlier request with the same key, older than what the journal keeps.

    Tables that are away delay no command: the device's journal knows the commands of the last day.
    """
    if not house.tables.lasts:
        return None
    try:
        known = await within(TABLES_S, house.repository.get_command(wanted.command_id))
        if wanted.within is not None and await house.homes.of("device", wanted.device_id) not in wanted.within:
            return None  # the command was his, the device is not any more: its actor says so
    except CommandNotFoundError:
        return None
    except (DatabaseUnavailableError, TimeoutError) as error:
        house.tables.was_tried()
        log.debug("the tables were not asked for an earlier command", extra={"error": str(error)})
        return None
    if (known.name, known.args) != (wanted.name, dict(wanted.args)):
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", command_id=str(known.command_id))
    return known if known.state.terminal and known.state is not CommandState.INDETERMINATE else None


async def find(house: Backing, command_id: UUID, device_id: UUID | None = None) -> Command:
    """Return a command from the tables or, where it is younger or the tables are away, from its device's journal.

    Raises:
        CommandNotFoundError, DatabaseUnavailableError
    """
    device_id = device_id or house.commands.device_of(command_id)
    asked = asyncio.ensure_future(house.repository.get_command(command_id))
    if device_id is not None and (journalled := await _sooner(house, asked, device_id, command_id)) is not None:
        return journalled
    missing: LicsError
    try:
        return await newest(house, await asked)
    except (CommandNotFoundError, DatabaseUnavailableError) as error:
        missing = error
    journalled = await _journalled(house, device_id, command_id) if device_id is not None else None
    if journalled is None:
        raise missing
    return journalled


async def _sooner(house: Backing, asked: asyncio.Future[Command], device_id: UUID, command_id: UUID) -> Command | None:
    """Return what the device's journal knows where the tables, which were asked, do not answer at once."""
    try:
        await within(HEDGE_S, asked)
    except TimeoutError:
        return await _journalled(house, device_id, command_id)
    except LicsError:
        return None  # told by whoever awaits it
    return None


async def newest(house: Backing, command: Command) -> Command:
    """Return what the device's journal knows of a command that is not settled, if that is more."""
    if command.state.terminal and command.state is not CommandState.INDETERMINATE:
        return command
    journalled = await _journalled(house, command.device_id, command.command_id)
    return journalled if journalled is not None and len(journalled.steps) > len(command.steps) else command


async def _journalled(house: Backing, device_id: UUID, command_id: UUID) -> Command | None:
    try:
        async with asyncio.timeout(ASK_S):
            return await house.fleet.command_status(device_id, command_id)
    except (LicsError, TimeoutError) as error:
        log.debug("a journal was not asked", extra={"device_id": str(device_id), "error": str(error)})
        return None
