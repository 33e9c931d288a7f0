"""What operators want of the fleet over the socket: done as over REST, audited as over REST, answered with the `ref`."""

from __future__ import annotations

from msgspec import Raw

from lics_actors.audit import Asker
from lics_actors.errors import InvalidError, LicsError
from lics_actors.operators import permission, wish_of
from web.auth import Principal, allowed
from web.errors import PermissionDeniedError
from web.live.client import Client
from web.live.hub import Hub
from web.live.protocol import FleetTold, Steer
from web.schemas.base import NUL
from web.schemas.steering import steered_view
from web.scoping import may_steer


async def steer(hub: Hub, client: Client, principal: Principal, said: Steer) -> None:
    """Do what a client wants of the fleet, and answer it."""
    try:
        if NUL in said.node or NUL in (said.reason or ""):
            raise InvalidError(
                "what was sent breaks a rule; see fields", ({"field": "node", "message": "holds a NUL character"},)
            )
        wish = wish_of(said.verb, said.node, said.reason, said.at_once)
        asker = Asker(principal.name, "ws", client.remote, client.request_id)
        if not allowed(principal, permission(wish)):
            refusal = PermissionDeniedError(f"{principal.name} may not {permission(wish)}")
            await hub.house.audit.refused(asker, f"fleet.{wish.verb.value}", wish.node, wish.reason, refusal)
            raise refusal
        await may_steer(hub.house, principal, asker, wish)
        done = await hub.house.operators.do(asker, wish)
        client.tell(FleetTold(said.ref, Raw(steered_view(done).model_dump_json().encode())))
    except LicsError as error:
        client.tell_error(error, ref=said.ref)
