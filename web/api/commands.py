"""Commands: telling a device to do something, and what became of it."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.device.messages import CancelCommand, CommandState, RequestCommand
from lics_actors.errors import CommandNotFoundError, DatabaseUnavailableError, IdempotencyKeyReusedError, LicsError
from lics_actors.store.records import Command
from lics_actors.store.repository import CommandFilter
from web.auth import principal, requires
from web.backing import ASK_S, backing
from web.idempotency import id_for
from web.schemas.commands import (
    CancelBody,
    CommandBody,
    CommandPage,
    CommandQuery,
    CommandsQuery,
    CommandView,
    command_view,
)
from web.speech import Said, Speech, answer, speaks

log = logging.getLogger(__name__)
blueprint = Blueprint("commands", __name__)
ACTOR_ERRORS = (404, 409, 503, 504)


@blueprint.post("/devices/<uuid:device_id>/command")
@requires("device:command")
@speaks(
    Speech(
        tag="commands",
        body=CommandBody,
        headers=("Idempotency-Key",),
        answers={
            200: Said(CommandView, "Settled; `state` says how: it may have failed.", ("Location",)),
            202: Said(CommandView, "Accepted and durable, not settled yet; `Location` tells more.", ("Location",)),
        },
        errors=ACTOR_ERRORS,
    )
)
async def command_device(device_id: UUID, body: CommandBody) -> Response:
    """Have a device do something.

    The command is on the disk before it is sent, and reaches one terminal state. One that timed out and is not
    harmless to repeat is `indeterminate` until the device's own ledger settles it; it is never sent twice.
    With an `Idempotency-Key`, the same request again is answered with the same command.
    """
    house, key = backing(), request.headers.get("Idempotency-Key")
    wanted = RequestCommand(
        command_id=id_for(principal().name, request.path, key),
        device_id=device_id,
        name=body.name,
        args=body.args,
        principal=principal().name,
        wait_s=body.wait_s if body.wait else 0.0,
        timeout_s=body.timeout_s,
        reason=body.reason,
    )
    done = await _done_before(wanted) if key is not None else None
    command = done or await house.fleet.command(wanted)
    house.commands.remember(command.command_id, device_id)
    return _told(command)


async def _done_before(wanted: RequestCommand) -> Command | None:
    """Return the settled command of an earlier request with the same key, older than what the journal keeps."""
    try:
        known = await backing().repository.get_command(wanted.command_id)
    except CommandNotFoundError:
        return None
    except DatabaseUnavailableError:
        return None  # the device's journal knows the commands of the last day
    if (known.name, known.args) != (wanted.name, dict(wanted.args)):
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", command_id=str(known.command_id))
    return known if known.state.terminal and known.state is not CommandState.INDETERMINATE else None


def _told(command: Command) -> Response:
    location = f"/api/v1/commands/{command.command_id}?device_id={command.device_id}"
    status = HTTPStatus.OK if command.state.terminal else HTTPStatus.ACCEPTED
    return answer(command_view(command), status, {"Location": location})


@blueprint.get("/devices/<uuid:device_id>/commands")
@requires("device:read")
@speaks(Speech(tag="commands", query=CommandsQuery, answers={200: Said(CommandPage, "A page, newest first.")}, errors=(404, 503)))
async def list_commands(device_id: UUID, query: CommandsQuery) -> Response:
    """What a device was told to do.

    Commands of the last second may not be listed yet; those listed are as the device's journal has them.
    """
    house = backing()
    chosen = CommandFilter(state=query.state, name=query.name, principal=query.principal, since=query.since, until=query.until)
    page = await house.repository.list_commands(device_id, chosen, limit=query.limit, cursor=query.cursor)
    if not page.items:
        await house.repository.get_device(device_id)
    items = await asyncio.gather(*(_newest(command) for command in page.items))
    return answer(CommandPage.model_construct(items=[command_view(command) for command in items], next=page.next))


@blueprint.get("/commands/<uuid:command_id>")
@requires("device:read")
@speaks(Speech(tag="commands", query=CommandQuery, answers={200: Said(CommandView, "As it stands.")}, errors=(503,)))
async def get_command(command_id: UUID, query: CommandQuery) -> Response:
    """What became of a command.

    Found in the tables about a second after it was accepted, and at once at the `Location` it was answered with.
    """
    return answer(command_view(await _find(command_id, query.device_id)))


@blueprint.post("/commands/<uuid:command_id>/cancel")
@requires("device:command")
@speaks(
    Speech(
        tag="commands",
        body=CancelBody,
        body_required=False,
        query=CommandQuery,
        answers={200: Said(CommandView, "As it stands: `cancelled`, or what it had come to before.")},
        errors=ACTOR_ERRORS,
    )
)
async def cancel_command(command_id: UUID, body: CancelBody, query: CommandQuery) -> Response:
    """Call off a command that was not sent yet."""
    house = backing()
    device_id = query.device_id or house.commands.device_of(command_id)
    if device_id is None:
        device_id = (await house.repository.get_command(command_id)).device_id
    command = await house.fleet.cancel(CancelCommand(device_id, command_id, principal().name, body.reason))
    return answer(command_view(command))


async def _find(command_id: UUID, device_id: UUID | None) -> Command:
    """Return a command from the tables or, where it is younger or the tables are away, from its device's journal."""
    house = backing()
    device_id = device_id or house.commands.device_of(command_id)
    missing: LicsError
    try:
        return await _newest(await house.repository.get_command(command_id))
    except (CommandNotFoundError, DatabaseUnavailableError) as error:
        missing = error
    journalled = await _journalled(device_id, command_id) if device_id is not None else None
    if journalled is None:
        raise missing
    return journalled


async def _newest(command: Command) -> Command:
    """Return what the device's journal knows of a command that is not settled, if that is more."""
    if command.state.terminal and command.state is not CommandState.INDETERMINATE:
        return command
    journalled = await _journalled(command.device_id, command.command_id)
    return journalled if journalled is not None and len(journalled.steps) > len(command.steps) else command


async def _journalled(device_id: UUID, command_id: UUID) -> Command | None:
    try:
        async with asyncio.timeout(ASK_S):
            return await backing().fleet.command_status(device_id, command_id)
    except (LicsError, TimeoutError) as error:
        log.debug("a journal was not asked", extra={"device_id": str(device_id), "error": str(error)})
        return None
