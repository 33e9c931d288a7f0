"""The whole surface: every route guarded and described, every stray request answered with the one body."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from quart import Response

from tests.unit.web.conftest import BEARER, TOKEN, Web
from web.auth import ADMIN, BOOTSTRAP, PUBLIC, Principal, allowed, permission_of
from web.docs import ASSETS
from web.errors import STATUS
from web.speech import speech_of

PUBLIC_PATHS = {
    "/health",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/redoc",
    "/redoc/start.js",
    "/",
    "/start.js",
    "/icon.svg",
    "/api/v1/auth/sign-in",
    "/api/v1/auth/refresh",
    "/api/v1/auth/reset",
    "/api/v1/auth/claim",
}


NO_TOKENS = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwdw==",
    TOKEN,
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    "Bearer \xff\xfe",
)


@pytest.fixture
def web(web_without_database: Web) -> Web:
    """The application; nothing here needs its database."""
    return web_without_database


async def raw(web: Web, method: str, path: str, headers: dict[str, str] | None = None, **given: Any) -> Response:
    """Send a request as it is, without a token."""
    answered = await web.app.test_client().open(path, method=method, headers=headers or {}, **given)
    assert isinstance(answered, Response)
    return answered


async def assert_told(response: Response, status: int) -> dict[str, Any]:
    """Check the one body and return its detail."""
    detail: dict[str, Any] = (await response.get_json())["detail"]
    assert response.status_code == status
    assert {"code", "message", "type", "request_id"} <= set(detail) <= {"code", "message", "type", "request_id", "fields"}
    assert STATUS[detail["type"]] == status
    assert response.headers["X-Request-ID"] == detail["request_id"]
    return detail


async def test_every_route_declares_a_permission_and_the_public_ones_are_known(web: Web) -> None:
    for rule in web.app.url_map.iter_rules():
        permission = permission_of(web.app.view_functions[rule.endpoint])
        assert permission is not None, f"{rule.rule} declares no permission"
        if permission == PUBLIC:
            assert rule.rule in PUBLIC_PATHS or rule.rule.startswith("/docs/assets/"), rule.rule
        else:
            assert re.fullmatch(r"[a-z]+:[a-z]+", permission), permission
            assert rule.rule.startswith("/api/v1/")


async def test_a_route_without_a_declaration_answers_nobody(web: Web) -> None:
    async def leak() -> str:
        raise AssertionError("reached")

    web.app._got_first_request = False
    web.app.add_url_rule("/leak", "leak", leak)
    await assert_told(await raw(web, "GET", "/leak", BEARER), 403)
    await assert_told(await raw(web, "GET", "/leak"), 401)


@pytest.mark.parametrize("header", NO_TOKENS)
async def test_nobody_gets_in_without_the_token(web: Web, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for rule in web.app.url_map.iter_rules():
        if permission_of(web.app.view_functions[rule.endpoint]) == PUBLIC:
            continue
        path = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", rule.rule)
        path = re.sub(r"<int[^>]*>", "7", path)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            response = await raw(web, method, path, headers, data=b"{}")
            await assert_told(response, 401)
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert web.fleet.executed == []


def test_a_name_alone_allows_nothing() -> None:
    assert allowed(BOOTSTRAP, "device:read")
    assert not allowed(Principal(ADMIN), "device:read")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/devices/", 404),
        ("GET", "/api/v1//devices", 404),
        ("GET", "/api/v1/devices/not-an-id", 404),
        ("GET", "/docs/assets/../../../etc/passwd", 404),
        ("GET", "/docs/assets/url.json", 404),
        ("DELETE", "/api/v1/devices", 405),
        ("TRACE", "/api/v1/devices", 405),
        ("GET", "/api/v1/devices?q=" + "x" * 9000, 414),
    ],
)
async def test_stray_requests_get_the_one_body(web: Web, method: str, path: str, status: int) -> None:
    response = await raw(web, method, path, BEARER)
    await assert_told(response, status)
    if status == 405:
        assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("content_type", "data", "status", "code"),
    [
        (None, b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("text/plain", b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", b"name=x", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/json", b"", 422, "MALFORMED_JSON"),
        ("application/json", b"{", 422, "MALFORMED_JSON"),
        ("application/json", b"\xff", 422, "MALFORMED_JSON"),
        ("application/json", b"[]", 422, "VALIDATION_ERROR"),
        ("application/json; charset=utf-8", b"{}", 422, "VALIDATION_ERROR"),
        ("application/json", b'{"name": "' + b"x" * 1_100_000 + b'"}', 413, "PAYLOAD_TOO_LARGE"),
    ],
)
async def test_bodies_that_cannot_be_read(web: Web, content_type: str | None, data: bytes, status: int, code: str) -> None:
    headers = BEARER | ({"Content-Type": content_type} if content_type else {})
    detail = await assert_told(await raw(web, "POST", "/api/v1/devices", headers, data=data), status)
    assert detail["code"] == code


async def test_a_fault_of_ours_is_told_as_one_and_logged(
    web: Web, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(web.fleet, "tree", broken)
    response = await raw(web, "GET", "/api/v1/fleet", BEARER | {"X-Request-ID": "abc-1"})
    detail = await assert_told(response, 500)
    assert detail["request_id"] == "abc-1"
    assert "secret" not in json.dumps(detail)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.__dict__["request_id"] == "abc-1"
    assert "secret of the house" in (caplog.text)


@pytest.mark.parametrize("given_id", ["", "a b", "x" * 129, "ä", "a\tb"])
async def test_a_request_id_that_is_none_is_replaced(web: Web, given_id: str) -> None:
    response = await raw(web, "GET", "/health/live", {"X-Request-ID": given_id})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])


async def test_the_description_is_complete(web: Web) -> None:
    described = await (await raw(web, "GET", "/openapi.json")).get_json()
    seen: set[str] = set()
    for rule in web.app.url_map.iter_rules():
        speech = speech_of(web.app.view_functions[rule.endpoint])
        if speech is None:
            assert rule.rule in PUBLIC_PATHS or rule.rule.startswith("/docs/assets/"), f"{rule.rule} is not described"
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = described["paths"][re.sub(r"<(?:[^:>]*:)?(\w+)>", r"{\1}", rule.rule)][method.lower()]
            assert operation["summary"]
            assert operation["tags"]
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert operation["security"] == ([] if rule.rule in PUBLIC_PATHS else [{"bearer": []}])
            for status, told in operation["responses"].items():
                assert told["description"]
                if int(status) >= 400 and not rule.rule.startswith("/health"):
                    assert told["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
                    assert told["content"]["application/json"]["example"]["detail"]["code"]
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert names <= set(described["components"]["schemas"])
    assert all("properties" in schema or "enum" in schema for schema in described["components"]["schemas"].values())
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_bodies_are_described_with_examples_that_are_accepted(web: Web) -> None:
    schemas = (await (await raw(web, "GET", "/openapi.json")).get_json())["components"]["schemas"]
    for view in web.app.view_functions.values():
        speech = speech_of(view)
        if speech is not None and speech.body is not None:
            for example in schemas[speech.body.__name__]["examples"]:
                speech.body.read(json.dumps(example).encode())


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/"])
async def test_the_readers_need_no_other_host(web: Web, path: str) -> None:
    page = await raw(web, "GET", path)
    text = (await page.get_data(as_text=False)).decode()
    assert page.status_code == 200
    assert not re.findall(r"https?://", page.headers["Content-Security-Policy"] + text)
    start = (await (await raw(web, "GET", f"{path.rstrip('/')}/start.js")).get_data(as_text=False)).decode()
    for source in re.findall(r'(?:src|href|from)[= ]"([^"]+)"', text + start):
        if source not in {"/openapi.json", "/health"}:
            assert (await raw(web, "GET", source)).status_code == 200, source


async def test_every_group_of_routes_says_what_it_is(web: Web) -> None:
    described = await (await raw(web, "GET", "/openapi.json")).get_json()
    used = {tag for path in described["paths"].values() for operation in path.values() for tag in operation["tags"]}
    assert {tag["name"] for tag in described["tags"] if tag["description"]} == used


@pytest.mark.parametrize("name", ASSETS)
async def test_the_readers_files_are_sent_once(web: Web, name: str) -> None:
    first = await raw(web, "GET", f"/docs/assets/{name}")
    again = await raw(web, "GET", f"/docs/assets/{name}", {"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert len(await first.get_data(as_text=False)) > 1000


async def test_every_answer_carries_the_security_headers(web: Web) -> None:
    for path in ("/health/live", "/nowhere", "/docs", "/api/v1/devices"):
        headers = (await raw(web, "GET", path)).headers
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
