"""Signing in over REST: what lets somebody in, and all that must not."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from quart import Response

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.access.people import Account
from lics_actors.access.roles import TABLE, Role, permissions_of
from lics_actors.access.tokens import AccessTokens
from lics_actors.audit import JOURNAL
from lics_actors.journal import JournalReader, journal_path
from tests.unit.web.conftest import TOKEN, Web
from web.access import ACCESS, COOKIE, CSRF_COOKIE, Access
from web.auth import PUBLIC, permission_of

PASSWORD = "a feeder hums at dawn"
OTHER = "and the pumps reply softly"


def access_of(web: Web) -> Access:
    found = web.app.extensions[ACCESS]
    assert isinstance(found, Access)
    return found


async def ask(
    web: Web, method: str, path: str, token: str | None = None, headers: dict[str, str] | None = None, **given: Any
) -> Response:
    bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
    answered = await web.app.test_client(use_cookies=False).open(
        f"/api/v1{path}", method=method, headers={**bearer, **(headers or {})}, **given
    )
    assert isinstance(answered, Response)
    return answered


async def person(web: Web, email: str = "ada@lab.example", role: Role = Role.RESEARCHER) -> str:
    """Make somebody with a password; return the account's id."""
    made = await web.ask("POST", "/users", json={"email": email, "role": role.value})
    assert made.status_code == 201, await made.get_data()
    body = await made.get_json()
    redeemed = await ask(web, "POST", "/auth/reset", json={"email": email, "code": body["code"], "password": PASSWORD})
    assert redeemed.status_code == 204, await redeemed.get_data()
    return str(body["user"]["id"])


async def sign_in(web: Web, email: str = "ada@lab.example", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    response = await ask(web, "POST", "/auth/sign-in", json={"email": email, "password": password, **more})
    assert response.status_code == 200, await response.get_data()
    tokens: dict[str, Any] = await response.get_json()
    return tokens


async def code_of(response: Response) -> tuple[int, str]:
    return response.status_code, (await response.get_json())["detail"]["code"]


async def test_somebody_signs_in_goes_on_and_out(web: Web) -> None:
    user = await person(web)
    tokens = await sign_in(web)
    me = await (await ask(web, "GET", "/auth/me", tokens["access_token"])).get_json()
    assert (me["principal"], me["role"], me["user"]) == ("user:ada@lab.example", "researcher", user)
    assert set(me["permissions"]) == permissions_of(Role.RESEARCHER)
    assert tokens["expires_in"] == 900
    following = await (await ask(web, "POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).get_json()
    assert following["session"] == tokens["session"] == me["session"]
    assert following["refresh_token"] != tokens["refresh_token"]
    assert (await ask(web, "POST", "/auth/sign-out", following["access_token"])).status_code == 204
    for token in (tokens["access_token"], following["access_token"]):  # both, at once
        assert (await ask(web, "GET", "/auth/me", token)).status_code == 401
    gone = await ask(web, "POST", "/auth/refresh", json={"refresh_token": following["refresh_token"]})
    assert await code_of(gone) == (401, "SESSION_OVER")


async def test_a_refresh_token_that_comes_twice_ends_its_session(web: Web) -> None:
    await person(web)
    first, other = await sign_in(web), await sign_in(web)
    second = await (await ask(web, "POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})).get_json()
    replayed = await ask(web, "POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert await code_of(replayed) == (401, "SESSION_OVER")
    assert (await ask(web, "GET", "/auth/me", second["access_token"])).status_code == 401
    assert (await ask(web, "POST", "/auth/refresh", json={"refresh_token": second["refresh_token"]})).status_code == 401
    assert (await ask(web, "GET", "/auth/me", other["access_token"])).status_code == 200, "another session goes on"


async def test_of_many_who_refresh_at_once_one_goes_on(web: Web) -> None:
    await person(web)
    tokens = await sign_in(web)
    body = {"refresh_token": tokens["refresh_token"]}
    answers = await asyncio.gather(*(ask(web, "POST", "/auth/refresh", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]


async def test_wrong_and_unknown_are_told_alike_and_take_as_long(web: Web) -> None:
    await person(web)
    disabled = await person(web, "off@lab.example")
    assert (await web.ask("PATCH", f"/users/{disabled}", json={"disabled": True})).status_code == 200
    await web.ask("POST", "/users", json={"email": "new@lab.example", "role": "observer"})  # no password yet
    said, took = [], []
    for email in ("ada@lab.example", "nobody@lab.example", "off@lab.example", "new@lab.example"):
        began = time.perf_counter()
        response = await ask(web, "POST", "/auth/sign-in", json={"email": email, "password": OTHER})
        took.append(time.perf_counter() - began)
        detail = (await response.get_json())["detail"]
        said.append((response.status_code, {name: detail[name] for name in ("code", "message", "type")}))
    assert said == [said[0]] * 4
    assert said[0][0] == 401
    assert min(took) > 0.01, "each is hashed"


async def test_too_many_attempts_wait_whoever_exists(web: Web) -> None:
    await person(web)
    for email in ("ada@lab.example", "nobody@lab.example"):
        codes: list[int] = []
        while 429 not in codes and len(codes) < 20:  # a slow machine is past the first, short waits before it asks again
            response = await ask(web, "POST", "/auth/sign-in", json={"email": email, "password": OTHER})
            codes.append(response.status_code)
        assert codes[:6] == [401] * 6, "five are free"
        assert codes[-1] == 429
        assert int(response.headers["Retry-After"]) >= 1


# tokens that nobody issued


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes, hashing: str = "sha256") -> str:
    text = f"{_part(header)}.{_part(claims)}"
    mac = hmac.new(secret, text.encode(), hashing).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize("flood", [False, True], ids=["each is audited", "a flood fills no disk"])
async def test_the_known_attacks_on_tokens(web: Web, data_dir: Path, monkeypatch: pytest.MonkeyPatch, flood: bool) -> None:
    if not flood:
        monkeypatch.setattr("web.auth.NOTED", 1000)
    await person(web)
    tokens = await sign_in(web)
    good = tokens["access_token"]
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    secret = (data_dir / "secrets" / "jwt" / header["kid"]).read_bytes()
    assert (data_dir / "secrets" / "jwt" / header["kid"]).stat().st_mode & 0o777 == 0o600
    (data_dir / "known").write_bytes(b"k" * 64)
    assert (await ask(web, "GET", "/auth/me", _signed(header, claims, secret))).status_code == 200, "the forge works"
    text, signature = good.rsplit(".", 1)
    now = time.time()
    forged = {
        "none": f"{_part({**header, 'alg': 'none'})}.{_part(claims)}.",
        "None": f"{_part({**header, 'alg': 'None'})}.{_part(claims)}.",
        "none, signed": _signed({**header, "alg": "none"}, claims, secret),
        "stripped signature": f"{text}.",
        "no signature": text,
        "half a signature": f"{text}.{signature[:20]}",
        "another's signature": f"{text}.{(await sign_in(web))['access_token'].rsplit('.', 1)[1]}",
        "HS512": _signed({**header, "alg": "HS512"}, claims, secret, "sha512"),
        "HS512 under the name of HS256": _signed(header, claims, secret, "sha512"),
        "RS256": _signed({**header, "alg": "RS256"}, claims, secret),
        "kid is a path": _signed({**header, "kid": "../../known"}, claims, b"k" * 64),
        "kid is an absolute path": _signed({**header, "kid": str(data_dir / "known")}, claims, b"k" * 64),
        "kid is /dev/null": _signed({**header, "kid": "/dev/null"}, claims, b""),
        "kid is SQL": _signed({**header, "kid": "' UNION SELECT 'k"}, claims, b"k"),
        "kid is no text": _signed({**header, "kid": 7}, claims, secret),
        "kid is unknown": _signed({**header, "kid": "1700000000000-00000000"}, claims, secret),
        "no kid": _signed({"alg": "HS256", "typ": "at+jwt"}, claims, secret),
        "a key in the header": _signed({**header, "jwk": {"kty": "oct", "k": "a2s"}}, claims, b"kk"),
        "a key's address": _signed({**header, "jku": "https://evil.example/keys"}, claims, secret),
        "critical": _signed({**header, "crit": ["exp"]}, claims, secret),
        "another type": _signed({**header, "typ": "JWT"}, claims, secret),
        "expired": _signed(header, {**claims, "exp": now - 1}, secret),
        "not yet valid": _signed(header, {**claims, "nbf": now + 60}, secret),
        "issued later": _signed(header, {**claims, "iat": now + 60}, secret),
        "wrong audience": _signed(header, {**claims, "aud": "grafana"}, secret),
        "no audience": _signed(header, {name: value for name, value in claims.items() if name != "aud"}, secret),
        "wrong issuer": _signed(header, {**claims, "iss": "evil"}, secret),
        "no end": _signed(header, {name: value for name, value in claims.items() if name != "exp"}, secret),
        "a role of its own": f"{_part(header)}.{_part({**claims, 'role': 'super_admin'})}.{signature}",
        "not JSON": _signed(header, claims, secret).split(".")[0] + ".e30x.e30",
        "an endless one": good + "A" * 100_000,
        "empty parts": "..",
    }
    for name, token in forged.items():
        response = await ask(web, "GET", "/auth/me", token)
        assert response.status_code == 401, name
    assert (await ask(web, "GET", "/auth/me", good)).status_code == 200
    refused = [each for each in audited(data_dir) if each.action == "auth.token" and each.outcome == "refused"]
    assert len(refused) == (10 if flood else len(forged))
    assert {(each.principal, each.target) for each in refused} == {("anonymous", "/api/v1/auth/me")}


def audited(data_dir: Path) -> list[Any]:
    """Return what the audit's journal holds."""
    reader = JournalReader(journal_path(data_dir / "journals", JOURNAL))
    try:
        return [record for _, record in reader.read(0, 10_000)]
    finally:
        reader.close()


# cookies


async def test_a_browser_keeps_its_refresh_token_where_no_script_reads_it(web: Web) -> None:
    await person(web)
    client = web.app.test_client()
    signed = await client.post("/api/v1/auth/sign-in", json={"email": "ada@lab.example", "password": PASSWORD, "cookie": True})
    tokens = await signed.get_json()
    assert tokens["refresh_token"] is None
    cookies = {cookie.split("=", 1)[0]: cookie for cookie in signed.headers.getlist("Set-Cookie")}
    assert "HttpOnly" in cookies[COOKIE]
    assert "SameSite=Strict" in cookies[COOKIE]
    assert "Path=/api/v1/auth" in cookies[COOKIE]
    assert "HttpOnly" not in cookies[CSRF_COOKIE]
    csrf = {"X-CSRF-Token": tokens["csrf_token"]}
    for headers in (
        {},
        {"X-CSRF-Token": "x"},
        {"X-CSRF-Token": ""},
        {**csrf, "Sec-Fetch-Site": "cross-site"},
        {**csrf, "Sec-Fetch-Site": "same-site"},
    ):
        assert await code_of(await client.post("/api/v1/auth/refresh", headers=headers)) == (403, "CROSS_SITE"), headers
    refreshed = await client.post("/api/v1/auth/refresh", headers={**csrf, "Sec-Fetch-Site": "same-origin"})
    assert refreshed.status_code == 200
    again = await client.post("/api/v1/auth/refresh", headers=csrf)
    assert again.status_code == 403, "the token of one refresh is not that of the next"
    following = await refreshed.get_json()
    out = await client.post("/api/v1/auth/sign-out", headers={"Authorization": f"Bearer {following['access_token']}"})
    assert out.status_code == 204
    assert all("Max-Age=0" in cookie for cookie in out.headers.getlist("Set-Cookie"))


async def test_a_session_that_somebody_plants_is_not_taken_over(web: Web) -> None:
    await person(web)
    await person(web, "eve@lab.example", Role.OBSERVER)
    eve = await sign_in(web, "eve@lab.example")
    planted = {"Cookie": f"{COOKIE}={eve['refresh_token']}"}
    response = await ask(
        web, "POST", "/auth/sign-in", headers=planted, json={"email": "ada@lab.example", "password": PASSWORD, "cookie": True}
    )
    ada = await response.get_json()
    assert ada["session"] != eve["session"]
    assert eve["refresh_token"] not in str(response.headers)
    me = await (await ask(web, "GET", "/auth/me", ada["access_token"])).get_json()
    assert me["principal"] == "user:ada@lab.example"


# passwords, codes, the first administrator


async def test_a_password_is_changed_by_who_knows_it(web: Web) -> None:
    await person(web)
    tokens, elsewhere = await sign_in(web), await sign_in(web)
    path, token = "/auth/password", tokens["access_token"]
    wrong = await ask(web, "POST", path, token, json={"current": OTHER, "password": OTHER})
    assert await code_of(wrong) == (401, "SIGN_IN_REFUSED")
    weak = await ask(web, "POST", path, token, json={"current": PASSWORD, "password": "Password1234"})
    assert await code_of(weak) == (422, "PASSWORD_REFUSED")
    changed = await ask(web, "POST", path, token, json={"current": PASSWORD, "password": OTHER})
    assert changed.status_code == 200
    new = await changed.get_json()
    for old in (tokens, elsewhere):
        assert (await ask(web, "GET", "/auth/me", old["access_token"])).status_code == 401
        assert (await ask(web, "POST", "/auth/refresh", json={"refresh_token": old["refresh_token"]})).status_code == 401
    assert (await ask(web, "GET", "/auth/me", new["access_token"])).status_code == 200
    assert (await ask(web, "POST", "/auth/sign-in", json={"email": "ada@lab.example", "password": PASSWORD})).status_code == 401
    await sign_in(web, password=OTHER)


async def test_a_code_works_once(web: Web) -> None:
    user = await person(web)
    code = (await (await web.ask("POST", f"/users/{user}/code")).get_json())["code"]
    wanted = {"email": "ada@lab.example", "code": code, "password": OTHER}
    await sign_in(web)  # until then the password is valid
    assert (await ask(web, "POST", "/auth/reset", json={**wanted, "email": "eve@lab.example"})).status_code == 401
    assert (await ask(web, "POST", "/auth/reset", json={**wanted, "code": code[:-1]})).status_code == 401
    assert (await ask(web, "POST", "/auth/reset", json=wanted)).status_code == 204
    assert (await ask(web, "POST", "/auth/reset", json=wanted)).status_code == 401
    await sign_in(web, password=OTHER)


async def test_the_first_administrator_is_made_once(web: Web, data_dir: Path) -> None:
    wanted = {"email": "root@lab.example", "password": PASSWORD}
    assert (await ask(web, "POST", "/auth/claim", json={**wanted, "code": "x"})).status_code == 401
    code = (data_dir / "secrets" / "first_admin_code").read_text()
    assert (await ask(web, "POST", "/auth/claim", json={**wanted, "code": code})).status_code == 204
    assert (await ask(web, "POST", "/auth/claim", json={**wanted, "email": "eve@lab.example", "code": code})).status_code == 401
    me = await (await ask(web, "GET", "/auth/me", (await sign_in(web, "root@lab.example"))["access_token"])).get_json()
    assert me["role"] == "super_admin"


# accounts


async def test_who_is_disabled_is_out_at_once(web: Web) -> None:
    user = await person(web)
    tokens = await sign_in(web)
    key = await new_key(web, tokens["access_token"], ["device:read"])
    assert (await ask(web, "GET", "/devices", key)).status_code == 200
    assert (await web.ask("PATCH", f"/users/{user}", json={"disabled": True, "reason": "left"})).status_code == 200
    assert (await ask(web, "GET", "/auth/me", tokens["access_token"])).status_code == 401
    assert (await ask(web, "GET", "/devices", key)).status_code == 401
    assert (await ask(web, "POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).status_code == 401
    assert (await ask(web, "POST", "/auth/sign-in", json={"email": "ada@lab.example", "password": PASSWORD})).status_code == 401


async def test_another_role_counts_at_once_and_the_session_goes_on(web: Web) -> None:
    user = await person(web)
    tokens = await sign_in(web)
    assert (await web.ask("PATCH", f"/users/{user}", json={"role": "observer"})).status_code == 200
    assert (await ask(web, "GET", "/auth/me", tokens["access_token"])).status_code == 401
    following = await (await ask(web, "POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).get_json()
    device = await web.add()
    body = {"name": "dispense", "args": {"volume_ul": 20.0}}
    refused = await ask(web, "POST", f"/devices/{device['id']}/command", following["access_token"], json=body)
    assert await code_of(refused) == (403, "PERMISSION_DENIED")


async def test_an_account_is_changed_as_it_was_seen_or_not_at_all(web: Web) -> None:
    path = f"/users/{await person(web)}"
    seen = (await web.ask("GET", path)).headers["ETag"]
    changed = await web.ask("PATCH", path, {"If-Match": seen}, json={"role": "technician"})
    assert changed.status_code == 200
    late = await web.ask("PATCH", path, {"If-Match": seen}, json={"disabled": True})
    assert await code_of(late) == (412, "PRECONDITION_FAILED")
    assert await code_of(await web.ask("PATCH", path, {"If-Match": '"nothing"'}, json={"disabled": True})) == (
        412,
        "PRECONDITION_FAILED",
    )
    again = await web.ask("PATCH", path, {"If-Match": changed.headers["ETag"]}, json={"disabled": True})
    assert (again.status_code, (await again.get_json())["disabled_at"] is not None) == (200, True)


async def test_the_last_administrator_stays(web: Web) -> None:
    root = await person(web, "root@lab.example", Role.SUPER_ADMIN)
    for change in ({"disabled": True}, {"role": "observer"}):
        assert await code_of(await web.ask("PATCH", f"/users/{root}", json=change)) == (409, "LAST_ADMIN")
    await person(web, "second@lab.example", Role.SUPER_ADMIN)
    assert (await web.ask("PATCH", f"/users/{root}", json={"disabled": True})).status_code == 200


async def test_nobody_makes_himself_or_others_higher(web: Web) -> None:
    root = await person(web, "root@lab.example", Role.SUPER_ADMIN)
    lead = await person(web, "lead@lab.example", Role.LAB_ADMIN)
    token = (await sign_in(web, "lead@lab.example"))["access_token"]
    for role in ("super_admin", "lab_admin", "device"):
        made = await ask(web, "POST", "/users", token, json={"email": "x@lab.example", "role": role})
        assert await code_of(made) == (403, "ROLE_TOO_HIGH")
    for user in (root, lead):
        for method, path, body in (
            ("PATCH", f"/users/{user}", {"role": "observer"}),
            ("PATCH", f"/users/{user}", {"disabled": True}),
            ("POST", f"/users/{user}/code", None),
            ("DELETE", f"/users/{user}/sessions", None),
        ):
            response = await ask(web, method, path, token, json=body) if body else await ask(web, method, path, token)
            # who is of no laboratory of his does not exist for an administrator of one
            expected = (404, "USER_NOT_FOUND") if user == root else (403, "ROLE_TOO_HIGH")
            assert await code_of(response) == expected, path
    technician = await person(web, "tess@lab.example", Role.TECHNICIAN)
    raised = await ask(web, "PATCH", f"/users/{technician}", token, json={"role": "lab_admin"})
    assert raised.status_code == 403
    assert (await ask(web, "PATCH", f"/users/{technician}", token, json={"role": "observer"})).status_code == 200


async def test_what_nobody_asked_for_is_not_assigned(web: Web) -> None:
    user = await person(web)
    for path, body in (
        ("/users", {"email": "x@lab.example", "role": "observer", "password_hash": "x"}),
        ("/users", {"email": "x@lab.example", "role": "observer", "generation": 9}),
        ("/auth/sign-in", {"email": "ada@lab.example", "password": PASSWORD, "role": "super_admin"}),
        ("/auth/reset", {"email": "x@lab.example", "code": "c", "password": PASSWORD, "role": "super_admin"}),
        ("/api-keys", {"name": "x", "scopes": ["device:read"], "days": 1, "account_id": user}),
    ):
        assert (await ask(web, "POST", path, TOKEN, json=body)).status_code == 422, path
    for change in ({"email": "eve@lab.example"}, {"id": str(uuid4())}, {"created_by": "x"}, {"role": 1}):
        assert (await web.ask("PATCH", f"/users/{user}", json=change)).status_code == 422


# sessions and keys are one's own


async def new_key(web: Web, token: str, scopes: list[str], name: str = "script") -> str:
    made = await ask(web, "POST", "/api-keys", token, json={"name": name, "scopes": scopes, "days": 1})
    assert made.status_code == 201, await made.get_data()
    return str((await made.get_json())["secret"])


async def test_nobody_reaches_what_is_another_persons(web: Web) -> None:
    await person(web)
    await person(web, "eve@lab.example", Role.LAB_ADMIN)
    ada, eve = await sign_in(web), await sign_in(web, "eve@lab.example")
    await new_key(web, ada["access_token"], ["device:read"])
    (key,) = (await (await ask(web, "GET", "/api-keys", ada["access_token"])).get_json())["items"]
    assert (await (await ask(web, "GET", "/api-keys", eve["access_token"])).get_json())["items"] == []
    assert await code_of(await ask(web, "DELETE", f"/api-keys/{key['id']}", eve["access_token"])) == (404, "API_KEY_NOT_FOUND")
    ended = await ask(web, "DELETE", f"/auth/sessions/{ada['session']}", eve["access_token"])
    assert await code_of(ended) == (404, "SESSION_NOT_FOUND")
    sessions = (await (await ask(web, "GET", "/auth/sessions", eve["access_token"])).get_json())["items"]
    assert [(each["id"], each["current"]) for each in sessions] == [(eve["session"], True)]
    assert (await ask(web, "GET", "/auth/me", ada["access_token"])).status_code == 200


async def test_a_key_may_what_it_says_until_it_is_revoked(web: Web) -> None:
    await person(web)
    token = (await sign_in(web))["access_token"]
    for scopes in (["user:write"], ["key:write"], ["account:read"], ["audit:read"], ["fleet:restart"], ["nonsense"]):
        body = {"name": "x", "scopes": scopes, "days": 1}
        assert (await ask(web, "POST", "/api-keys", token, json=body)).status_code == 422, scopes
    secret = await new_key(web, token, ["device:read"])
    assert (await ask(web, "GET", "/devices", secret)).status_code == 200
    assert (await ask(web, "GET", "/fleet", secret)).status_code == 403
    assert (await ask(web, "GET", "/api-keys", secret)).status_code == 403
    (key,) = (await (await ask(web, "GET", "/api-keys", token)).get_json())["items"]
    assert key["last_used_at"] is not None
    assert "secret" not in str(key)
    for wrong in (secret[:-1], secret + "x", f"lk_{uuid4().hex}_{secret.rsplit('_', 1)[1]}", "lk_", "lk_x_y", secret.upper()):
        assert (await ask(web, "GET", "/devices", wrong)).status_code == 401, wrong
    assert (await ask(web, "DELETE", f"/api-keys/{key['id']}", token)).status_code == 200
    assert (await ask(web, "GET", "/devices", secret)).status_code == 401


async def test_the_bootstrap_token_has_no_account(web: Web) -> None:
    me = await (await web.ask("GET", "/auth/me")).get_json()
    assert (me["principal"], me["role"], me["user"]) == ("user:admin", "super_admin", None)
    for method, path, body in (
        ("POST", "/auth/sign-out", None),
        ("POST", "/auth/password", {"current": "x", "password": PASSWORD}),
        ("POST", "/api-keys", {"name": "x", "scopes": ["device:read"], "days": 1}),
        ("DELETE", f"/api-keys/{uuid4()}", None),
    ):
        response = await ask(web, method, path, TOKEN, json=body) if body else await ask(web, method, path, TOKEN)
        assert await code_of(response) == (409, "NO_ACCOUNT"), path


# the whole table


def issued(tokens: AccessTokens, role: Role) -> str:
    """Return an access token of somebody with `role`, whom no table knows: the matrix is of roles alone."""
    now = datetime.now(UTC)
    account = Account(
        uuid4(), f"{role}@lab.example", role, 1, now, "t", now, None, now, None, None, None, {DEFAULT_LABORATORY: role}
    )
    return tokens.issue(account, uuid4())[0]


async def test_every_role_at_every_route(web: Web) -> None:
    tokens = access_of(web).desk.tokens
    nowhere = str(UUID(int=9))
    declared = set()
    for rule in web.app.url_map.iter_rules():
        permission = permission_of(web.app.view_functions[rule.endpoint])
        assert permission is not None, rule.rule
        if permission == PUBLIC:
            continue
        declared.add(permission)
        assert permission in TABLE, f"{rule.rule} names {permission}, which the table of roles does not have"
        path = re.sub(r"<int[^>]*>", "7", re.sub(r"<uuid:\w+>", nowhere, rule.rule)).removeprefix("/api/v1")
        path = re.sub(r"<[^>]*>", "nothing", path)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            for role in Role:
                response = await ask(web, method, path, issued(tokens, role), headers={"Content-Type": "text/plain"}, data=b"x")
                may = role in TABLE[permission]
                assert (response.status_code != 403) == may, (method, path, role, response.status_code)
                assert response.status_code != 401
    steering = {
        "fleet:drain",
        "fleet:quarantine",
        "fleet:clear",
        "run:override",
    }  # named by what is asked for, not by a route of its own
    assert set(TABLE) - declared <= steering, "nothing in the table is for nothing"


async def test_nothing_secret_is_logged_or_audited(web: Web, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    user = await person(web)
    tokens = await sign_in(web)
    key = await new_key(web, tokens["access_token"], ["device:read"])
    code = (await (await web.ask("POST", f"/users/{user}/code")).get_json())["code"]
    await ask(web, "POST", "/auth/sign-in", json={"email": "ada@lab.example", "password": OTHER})
    await ask(web, "GET", "/devices", key)
    await ask(web, "POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    await ask(web, "POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    records = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    entries = audited(data_dir)
    written = records + " ".join(map(repr, entries))
    for secret in (PASSWORD, OTHER, tokens["access_token"], tokens["refresh_token"], key, key.split("_", 2)[2], code):
        assert secret not in written
    acts = {(entry.action, str(entry.outcome)) for entry in entries}
    assert {("auth.sign-in", "ok"), ("auth.sign-in", "refused"), ("auth.reset", "ok"), ("user.add", "ok")} <= acts
    assert {("key.add", "ok"), ("user.reset", "ok"), ("auth.refresh", "refused")} <= acts


async def test_a_token_costs_little(web: Web) -> None:
    await person(web)
    token = (await sign_in(web))["access_token"]
    keeper = access_of(web).keeper
    assert keeper.remembered(token) is not None
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(1000):
            keeper.remembered(token)
        rounds.append((time.perf_counter() - began) / 1000)
    print(f"a known token costs {min(rounds) * 1e6:.1f} µs")
    assert min(rounds) < 500e-6, "the bar is 50 µs; a slow machine may take ten times as long"
