"""Keys with which programs ask in their owner's name."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from quart import Blueprint, Response

from web.access import access
from web.asking import asker
from web.auth import principal, requires
from web.schemas.access import KeyList, KeyView, NewKeyBody, NewKeyView, key_view
from web.scoping import judged
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("api_keys", __name__)


@blueprint.get("/api-keys")
@requires("key:read")
@speaks(Speech(tag="users", answers={200: Said(KeyList, "Those that are valid.")}, errors=(503,)))
async def list_keys() -> Response:
    """Your keys."""
    owner = principal().account
    found = [] if owner is None else await access().users.repository.keys(owner)
    return answer(KeyList.model_construct(items=[key_view(each) for each in found]))


@blueprint.post("/api-keys")
@requires("key:write")
@speaks(
    Speech(
        tag="users",
        body=NewKeyBody,
        answers={201: Said(NewKeyView, "There it is; `secret` is shown this once.", headers=("Location",))},
        errors=(404, 409, 503),
    )
)
async def add_key(body: NewKeyBody) -> Response:
    """Make a key. It may what its scopes say, as long as you may; never manage accounts or keys."""
    who = principal()
    lifetime = timedelta(days=body.days)
    key, secret = await access().users.add_key(
        asker(),
        who.account,
        who.reach,
        body.name,
        scopes=frozenset(body.scopes),
        lifetime=lifetime,
        laboratory=body.laboratory_id,
    )
    made = NewKeyView.model_construct(key=key_view(key), secret=secret)
    return answer(made, 201, {"Location": "/api/v1/api-keys"})


@blueprint.delete("/api-keys/<uuid:key_id>")
@requires("key:write")
@judged("by its owner: keys of one's own account")
@speaks(Speech(tag="users", answers={200: Said(KeyView, "It is revoked.")}, errors=(409, 503)))
async def revoke_key(key_id: UUID) -> Response:
    """Revoke one of your keys, at once."""
    return answer(key_view(await access().users.revoke_key(asker(), principal().account, key_id)))
