"""The WebSocket asks the same keeper as REST: by role, until the token ends, and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest

from lics_actors.access.roles import TABLE, Role
from lics_actors.access.rules import Claims
from lics_actors.access.tokens import AccessTokens
from lics_actors.store.sign_ins import SignIns
from tests.system.live_web import LiveWeb, Viewer, live_web
from tests.waiting import eventually
from web.access import ACCESS, Access
from web.live.protocol import ClientMessage


@pytest.fixture
async def web(data_dir: Path, database_url: str, redis_url: str) -> AsyncIterator[LiveWeb]:
    """A web worker."""
    async with live_web(data_dir, database_url, redis_url) as running:
        yield running


def access_of(web: LiveWeb) -> Access:
    found = web.app.extensions[ACCESS]
    assert isinstance(found, Access)
    return found


async def signed_in(web: LiveWeb, role: Role, tokens: AccessTokens | None = None, email: str | None = None) -> tuple[str, Claims]:
    """Return an access token of somebody with a session."""
    name = email or f"{role}@lab.example"
    account = await web.repository.account_by_email(name)
    if account is None:
        account = await web.repository.add_account(name, role, "t", code_hash=None, code_expires_at=None)
    expires = account.created_at.replace(year=account.created_at.year + 1)
    session = await web.repository.open_session(account.id, uuid4().hex, expires, remote=None, agent=None)
    return (tokens or access_of(web).desk.tokens).issue(account, session.id)


SAID = {"auth", "subscribe", "unsubscribe", "command", "fleet", "ping"}
"""What a client may say; `auth`, `unsubscribe` and `ping` ask nothing of the laboratory."""


def test_every_message_is_known_here() -> None:
    assert {kind.__struct_config__.tag for kind in get_args(ClientMessage)} == SAID, "a new one needs its permission below"


async def test_every_role_and_every_message(web: LiveWeb) -> None:
    for role in Role:
        token, _ = await signed_in(web, role)
        viewer = await web.connect()
        if role is Role.DEVICE:
            await viewer.say(kind="auth", token=token)
            assert await viewer.close_code() == 4403
            continue
        await viewer.sign_in(token)
        topics = {"fleet": "fleet:read", "alarms": "fleet:read", "runs": "run:read", "schedule": "schedule:read"}
        topics |= {f"device:{uuid4()}": "device:read", f"run:{uuid4()}": "run:read"}
        for topic, permission in topics.items():
            await viewer.say(kind="subscribe", topics=[topic])
            heard = await viewer.hear()
            refused = heard["kind"] == "error" and heard["detail"]["type"] == "permission_error"
            assert refused == (role not in TABLE[permission]), (role, topic, heard)
        await viewer.say(kind="command", ref="c", device_id=str(uuid4()), name="dispense", args={})
        assert await refusal(viewer, "c") == (role not in TABLE["device:command"]), role
        for verb in ("restart", "drain", "quarantine", "clear"):
            await viewer.say(kind="fleet", ref=verb, verb=verb, node="device:x", reason="a test")
            assert await refusal(viewer, verb) == (role not in TABLE[f"fleet:{verb}"]), (role, verb)


async def refusal(viewer: Viewer, ref: str) -> bool:
    """Return whether what was asked under `ref` was refused for lack of a permission."""
    while True:
        heard = await viewer.hear()
        if heard.get("ref") == ref:
            return bool(heard["kind"] == "error" and heard["detail"]["type"] == "permission_error")


async def test_who_is_signed_out_elsewhere_is_cut_off(web: LiveWeb) -> None:
    token, claims = await signed_in(web, Role.OBSERVER)
    staying, _ = await signed_in(web, Role.OBSERVER)
    viewer, other = await (await web.connect()).sign_in(token), await (await web.connect()).sign_in(staying)
    # another worker ends the session: this one hears the bell, or looks by itself
    assert isinstance(web.repository, SignIns)
    await web.repository.end_session(claims.session, claims.account, "signed out")
    await access_of(web).endings._bell.ring()
    assert await viewer.close_code() == 4401
    await other.say(kind="ping", ref="still here")
    await other.until("pong")


async def test_a_connection_ends_with_its_token_unless_it_is_renewed(web: LiveWeb) -> None:
    short = AccessTokens(access_of(web).desk.tokens._keys, 10.0)
    token, _ = await signed_in(web, Role.OBSERVER, short)
    ends, stays = await (await web.connect()).sign_in(token), await (await web.connect()).sign_in(token)
    following, _ = await signed_in(web, Role.OBSERVER)
    await stays.say(kind="auth", token="x.y.z")
    assert (await stays.until("error"))["detail"]["type"] == "authentication_error"
    somebody, _ = await signed_in(web, Role.OBSERVER, email="eve@lab.example")
    await stays.say(kind="auth", token=somebody)
    assert (await stays.until("error"))["detail"]["code"] != "UNAUTHENTICATED", "nobody becomes another"
    await stays.say(kind="auth", token=following)
    assert await ends.close_code() == 4401
    await stays.say(kind="ping", ref="still here")
    await stays.until("pong")


async def test_without_redis_and_tables_what_is_known_stays(web: LiveWeb) -> None:
    endings = access_of(web).endings
    _, claims = await signed_in(web, Role.OBSERVER)
    await web.repository.end_session(claims.session, claims.account, "signed out")
    await eventually(lambda: claims.session in endings.ended.sessions, what="it looks by itself, every two seconds")
