"""Commands, whichever way they come: placing one, and finding what became of it. REST and the WebSocket share this."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from lics_actors.device.messages import CommandState, RequestCommand
from lics_actors.errors import CommandNotFoundError, DatabaseUnavailableError, IdempotencyKeyReusedError, LicsError
from lics_actors.store.records import Command
from web.backing import ASK_S, Backing

log = logging.getLogger(__name__)


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


async def _done_before(house: Backing, wanted: RequestCommand) -> Command | None:
    """Return the settled command of an earlier request with the same key, older than what the journal keeps."""
    try:
        known = await house.repository.get_command(wanted.command_id)
    except CommandNotFoundError:
        return None
    except DatabaseUnavailableError:
        return None  # the device's journal knows the commands of the last day
    if (known.name, known.args) != (wanted.name, dict(wanted.args)):
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", command_id=str(known.command_id))
    return known if known.state.terminal and known.state is not CommandState.INDETERMINATE else None


async def find(house: Backing, command_id: UUID, device_id: UUID | None = None) -> Command:
    """Return a command from the tables or, where it is younger or the tables are away, from its device's journal.

    Raises:
        CommandNotFoundError, DatabaseUnavailableError
    """
    device_id = device_id or house.commands.device_of(command_id)
    missing: LicsError
    try:
        return await newest(house, await house.repository.get_command(command_id))
    except (CommandNotFoundError, DatabaseUnavailableError) as error:
        missing = error
    journalled = await _journalled(house, device_id, command_id) if device_id is not None else None
    if journalled is None:
        raise missing
    return journalled


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
