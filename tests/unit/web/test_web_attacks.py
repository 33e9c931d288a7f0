"""Known attacks: each is refused, and the audit says who tried what, from where."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lics_actors.access.passwords import Passwords
from lics_actors.access.roles import Role
from tests.unit.web.conftest import TOKEN, Web
from tests.unit.web.test_web_access import OTHER, PASSWORD, access_of, ask, new_key, person, sign_in
from tests.unit.web.test_web_audited import audited
from web.access import COOKIE


async def refused(web: Web, data_dir: Path, name: str) -> tuple[str, str, str]:
    """Return who was refused what, and why, by the request of that name."""
    await web.app.extensions["lics"].audit.flush()
    (entry,) = [each for each in audited(data_dir) if each.request_id == name and each.outcome == "refused"]
    assert entry.remote is not None
    return entry.principal, entry.action, (entry.error or "").partition(":")[0]


async def attack(web: Web, name: str, path: str, token: str = "", method: str = "POST", **given: Any) -> int:
    headers = {"X-Request-ID": name, **given.pop("headers", {})}
    return (await ask(web, method, path, token, headers=headers, **given)).status_code


async def test_a_stolen_refresh_token(web: Web, data_dir: Path) -> None:
    await person(web)
    old = (await sign_in(web))["refresh_token"]
    assert await attack(web, "first", "/auth/refresh", json={"refresh_token": old}) == 200
    assert await attack(web, "again", "/auth/refresh", json={"refresh_token": old}) == 401
    told = [each for each in audited(data_dir) if each.request_id == "again" and each.outcome == "refused"]
    assert {(each.principal, each.action) for each in told} >= {("user:ada@lab.example", "auth.refresh")}
    assert await attack(web, "made-up", "/auth/refresh", json={"refresh_token": "x" * 43}) == 401
    assert await refused(web, data_dir, "made-up") == ("anonymous", "auth.refresh", "SESSION_OVER")


async def test_a_page_of_another_site_uses_the_cookie(web: Web, data_dir: Path) -> None:
    await person(web)
    token = (await sign_in(web))["refresh_token"]
    cookie = {"Cookie": f"{COOKIE}={token}", "Sec-Fetch-Site": "cross-site"}
    assert await attack(web, "csrf", "/auth/refresh", headers=cookie) == 403
    assert await refused(web, data_dir, "csrf") == ("anonymous", "auth.refresh", "CROSS_SITE")
    assert await attack(web, "good", "/auth/refresh", json={"refresh_token": token}) == 200, "nothing of it was used up"


async def test_a_session_that_somebody_plants(web: Web, data_dir: Path) -> None:
    await person(web)
    await person(web, "eve@lab.example", Role.OBSERVER)
    eve = await sign_in(web, "eve@lab.example")
    planted = {"Cookie": f"{COOKIE}={eve['refresh_token']}"}
    said = {"email": "ada@lab.example", "password": PASSWORD, "cookie": True}
    assert await attack(web, "planted", "/auth/sign-in", headers=planted, json=said) == 200
    (entry,) = [each for each in audited(data_dir) if each.request_id == "planted" and each.outcome == "ok"]
    assert entry.target == "user:ada@lab.example"
    assert (entry.after or {})["session"] != eve["session"], "hers is a new one, whatever came with the request"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", {"email": "x@lab.example", "role": "observer", "password_hash": "x"}),
        ("POST", "/users", {"email": "x@lab.example", "role": "observer", "generation": 9}),
        ("POST", "/api-keys", {"name": "x", "scopes": ["device:read"], "days": 1, "account_id": str(uuid4())}),
        ("POST", "/devices", {"name": "x", "type": "pump", "created_by": "user:eve"}),
        ("POST", "/devices", {"name": "x", "type": "pump", "admin": "retired"}),
    ],
)
async def test_what_nobody_asked_for_is_assigned(web: Web, data_dir: Path, method: str, path: str, body: dict[str, Any]) -> None:
    assert await attack(web, "mass", path, TOKEN, method, json=body) == 422
    who, action, why = await refused(web, data_dir, "mass")
    assert (who, action.split(" ")[0], why) == ("user:admin", "http.post", "CONFLICT")


async def test_what_is_another_persons(web: Web, data_dir: Path) -> None:
    await person(web)
    await person(web, "eve@lab.example", Role.LAB_ADMIN)
    ada, eve = await sign_in(web), await sign_in(web, "eve@lab.example")
    await new_key(web, ada["access_token"], ["device:read"])
    (key,) = (await (await ask(web, "GET", "/api-keys", ada["access_token"])).get_json())["items"]
    for name, path in (("session", f"/auth/sessions/{ada['session']}"), ("key", f"/api-keys/{key['id']}")):
        assert await attack(web, name, path, eve["access_token"], "DELETE") == 404
        who, action, _ = await refused(web, data_dir, name)
        assert (who, action) == ("user:eve@lab.example", {"session": "auth.sign-out", "key": "key.revoke"}[name])
    assert (await ask(web, "GET", "/auth/me", ada["access_token"])).status_code == 200


async def test_a_role_that_is_not_his(web: Web, data_dir: Path) -> None:
    await person(web, "eve@lab.example", Role.OBSERVER)
    token = (await sign_in(web, "eve@lab.example"))["access_token"]
    assert await attack(web, "user", "/users", token, json={"email": "x@lab.example", "role": "observer"}) == 403
    assert await refused(web, data_dir, "user") == ("user:eve@lab.example", "user:write", "PERMISSION_DENIED")


async def test_every_sign_in_hashes_once_whoever_there_is(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a sign-in is that of one argon2id, 70 ms; so it is the number of them that may tell nothing."""
    hashed: list[str] = []
    real = Passwords._run

    async def counted(self: Passwords, work: Any, *given: Any) -> Any:
        hashed.append(work.__name__)
        return await real(self, work, *given)

    await person(web)
    off = await person(web, "off@lab.example")
    await web.ask("PATCH", f"/users/{off}", json={"disabled": True})
    await web.ask("POST", "/users", json={"email": "new@lab.example", "role": "observer"})
    await access_of(web).desk.passwords.verify("warm", None)
    monkeypatch.setattr(Passwords, "_run", counted)
    work = []
    for email in ("ada@lab.example", "nobody@lab.example", "off@lab.example", "new@lab.example", "no address"):
        hashed.clear()
        assert (await ask(web, "POST", "/auth/sign-in", json={"email": email, "password": OTHER})).status_code == 401
        work.append(tuple(hashed))
    assert work == [("verify_and_update",)] * 5
    work = []
    for email in ("ada@lab.example", "nobody@lab.example", "off@lab.example"):
        hashed.clear()
        said = {"email": email, "code": "x" * 43, "password": "correct-Zebra-stapler-77"}
        assert (await ask(web, "POST", "/auth/reset", json=said)).status_code == 401
        work.append(tuple(hashed))
    assert work == [("hash",)] * 3
