"""Commands over the socket: placed as over REST, their states streamed to whoever gave them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from uuid import uuid5

import msgspec

from lics_actors.audit import Asker
from lics_actors.device.messages import RequestCommand
from lics_actors.errors import DatabaseUnavailableError, LicsError
from lics_actors.live.messages import command_topic
from web.auth import Principal, allowed
from web.errors import PermissionDeniedError
from web.idempotency import id_for
from web.live.client import Client
from web.live.hub import Hub
from web.live.protocol import Order
from web.orders import note_order, place
from web.schemas.commands import CommandBody
from web.scoping import judge

PERMISSION: Final = "device:command"
WAIT_S: Final = 60.0  # as long as REST may wait for an outcome; then it is asked again
AGAIN_S: Final = 1.0


def request_of(client: Client, asker: Principal, order: Order) -> RequestCommand:
    """Return what the fleet is asked for. The same `key` names the same command as the same `Idempotency-Key` over REST.

    Raises:
        InvalidError, PermissionDeniedError
    """
    if not allowed(asker, PERMISSION):
        raise PermissionDeniedError(f"{asker.name} may not {PERMISSION}")
    said = {"name": order.name, "args": order.args, "reason": order.reason, "timeout_s": order.timeout_s}
    body = CommandBody.read(msgspec.json.encode(said))
    address = f"/api/v1/devices/{order.device_id}/command"
    return RequestCommand(
        command_id=uuid5(client.id, order.ref) if order.key is None else id_for(asker.name, address, order.key),
        device_id=order.device_id,
        name=body.name,
        args=body.args,
        principal=asker.name,
        wait_s=WAIT_S,
        timeout_s=body.timeout_s,
        reason=body.reason,
        within=asker.reach.where(PERMISSION),
    )


async def give(hub: Hub, client: Client, asker: Principal, order: Order) -> None:
    """Have a device do something, and its giver told of every state until the last, with the bus or without it."""
    topic: str | None = None
    wanted: RequestCommand | None = None
    try:
        wanted = request_of(client, asker, order)
        with suppress(DatabaseUnavailableError):  # the device's actor judges once more
            await judge(hub.house, asker, "device", order.device_id, PERMISSION)
        topic = command_topic(wanted.command_id)
        hub.follow(client, topic, order.ref)
        first = True
        while True:
            command = await place(hub.house, wanted, keyed=order.key is not None)
            if first:
                note_order(hub.house, Asker(asker.name, "ws", client.remote, client.request_id), wanted, command)
            first = False
            hub.tell_command(client, topic, order.ref, command)
            if command.state.terminal:
                return
            await asyncio.sleep(AGAIN_S)
    except LicsError as error:
        if isinstance(error, PermissionDeniedError) or "outside" in error.facts:
            hub.note_refusal(client, asker.name, PERMISSION, f"device:{order.device_id}", error)
        elif wanted is not None:
            note_order(hub.house, Asker(asker.name, "ws", client.remote, client.request_id), wanted, error)
        client.tell_error(error, topic=topic, ref=order.ref)
    finally:
        if topic is not None:
            hub.unfollow(client, topic, order.ref)
