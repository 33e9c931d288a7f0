"""Commands: telling a device to do something, and what became of it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.device.messages import CancelCommand, RequestCommand
from lics_actors.errors import CommandNotFoundError, LicsError, NotFoundError
from lics_actors.store.records import Command
from lics_actors.store.repository import CommandFilter
from web.asking import asker
from web.auth import Principal, principal, requires
from web.backing import backing
from web.idempotency import id_for
from web.orders import find, newest, note_order, place
from web.schemas.commands import (
    CancelBody,
    CommandBody,
    CommandPage,
    CommandQuery,
    CommandsQuery,
    CommandView,
    command_view,
)
from web.scoping import judged, within
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("commands", __name__)
ACTOR_ERRORS = (404, 409, 503, 504)


@blueprint.post("/devices/<uuid:device_id>/command")
@requires("device:command")
@judged("where the tables do not answer, by the device's actor")
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
    key = request.headers.get("Idempotency-Key")
    wanted = ordered(device_id, body, principal(), request.path, key)
    try:
        command = await place(backing(), wanted, keyed=key is not None)
    except LicsError as error:
        note_order(backing(), asker(), wanted, error)
        raise
    note_order(backing(), asker(), wanted, command)
    status, location = told(command)
    return answer(command_view(command), status, {"Location": location})


def ordered(device_id: UUID, body: CommandBody, asker: Principal, path: str, key: str | None) -> RequestCommand:
    """Return what a request's body wants of a device.

    Raises:
        InvalidError: the idempotency key is unusable.
    """
    return RequestCommand(
        command_id=id_for(asker.name, path, key),
        device_id=device_id,
        name=body.name,
        args=body.args,
        principal=asker.name,
        wait_s=body.wait_s if body.wait else 0.0,
        timeout_s=body.timeout_s,
        reason=body.reason,
        within=asker.reach.where("device:command"),
    )


def told(command: Command) -> tuple[int, str]:
    """Return how a placed command is answered: status and `Location`."""
    location = f"/api/v1/commands/{command.command_id}?device_id={command.device_id}"
    return HTTPStatus.OK if command.state.terminal else HTTPStatus.ACCEPTED, location


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
    items = await asyncio.gather(*(newest(house, command) for command in page.items))
    return answer(CommandPage.model_construct(items=[command_view(command) for command in items], next=page.next))


@blueprint.get("/commands/<uuid:command_id>")
@requires("device:read")
@judged("by the device it was given to")
@speaks(Speech(tag="commands", query=CommandQuery, answers={200: Said(CommandView, "As it stands.")}, errors=(503,)))
async def get_command(command_id: UUID, query: CommandQuery) -> Response:
    """What became of a command.

    Found in the tables about a second after it was accepted, and at once at the `Location` it was answered with.
    """
    command = await find(backing(), command_id, query.device_id)
    await _within(command.device_id, command_id)
    return answer(command_view(command))


@blueprint.post("/commands/<uuid:command_id>/cancel")
@requires("device:command")
@judged("by the device it was given to")
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
    async with house.audit.act(asker(), "command.cancel", f"command:{command_id}", body.reason) as found:
        device_id = query.device_id or house.commands.device_of(command_id)
        if device_id is None:
            device_id = (await house.repository.get_command(command_id)).device_id
        await _within(device_id, command_id)
        command = await house.fleet.cancel(CancelCommand(device_id, command_id, principal().name, body.reason))
        found.after = {"device": str(device_id), "state": command.state.value}
    return answer(command_view(command))


async def _within(device_id: UUID, command_id: UUID) -> None:
    try:
        await within("device", device_id)
    except NotFoundError:
        raise CommandNotFoundError(f"no command {command_id}", command_id=str(command_id)) from None
