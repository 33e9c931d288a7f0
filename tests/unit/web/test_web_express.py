"""The express lane: it says exactly what Quart would, and leaves everything unusual to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from lics_actors.device.messages import CommandState
from lics_actors.errors import DeviceUnavailableError, InvalidError, LicsError, QueueFullError
from tests.unit.web.conftest import TOKEN, Web
from web import express

PLAIN = {"host": "x", "content-type": "application/json", "authorization": f"Bearer {TOKEN}", "x-request-id": "abc"}
DISPENSE = b'{"name":"dispense","args":{"volume_ul":20.0},"reason":"reward"}'


@pytest.fixture
def web(web_without_database: Web) -> Web:
    return web_without_database


async def say(
    web: Web,
    path: str,
    parts: Sequence[bytes] = (DISPENSE,),
    headers: Sequence[tuple[str, str]] | None = None,
    *,
    query: bytes = b"",
    pause_s: float = 0.0,
) -> tuple[int, dict[str, str], Any]:
    """Send a POST as a server would; return status, headers and the JSON of the answer."""
    given = list(PLAIN.items()) if headers is None else list(headers)
    if headers is None:
        given.append(("content-length", str(sum(map(len, parts)))))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin1")) for name, value in given],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "extensions": {},
    }
    coming = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        if len(coming) == 1:
            await asyncio.sleep(pause_s)
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await web.app(scope, receive, send)  # type: ignore[arg-type]
    names = {name.decode().lower(): value.decode() for name, value in said[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in said[1:])
    return said[0]["status"], names, json.loads(body) if body else None


def no_quart(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail where Quart is asked."""

    async def asked(_: Any) -> Any:
        raise AssertionError("Quart was asked")

    monkeypatch.setattr(web.app, "handle_request", asked)


def steady(body: Any) -> Any:
    """Return an answer without what differs from command to command."""
    if "detail" in body:
        return body
    return {**body, "id": "", "accepted_at": "", "deadline": "", "steps": [{**step, "time": ""} for step in body["steps"]]}


UNUSUAL = [("origin", "http://elsewhere")]  # makes a request Quart's
OUTCOMES: list[CommandState | LicsError | Exception] = [
    CommandState.SUCCEEDED,
    CommandState.INDETERMINATE,
    InvalidError("bad args", ({"field": "args.volume_ul", "message": "too much"},)),
    DeviceUnavailableError("offline"),
    QueueFullError("too many"),
    LicsError("a secret of the implementation"),
    ZeroDivisionError("a bug"),
]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("outcome", OUTCOMES, ids=str)
async def test_the_lane_says_what_quart_says(
    web: Web, monkeypatch: pytest.MonkeyPatch, outcome: CommandState | Exception, wait: bool
) -> None:
    if isinstance(outcome, CommandState):
        web.fleet.outcome = outcome
    else:
        web.fleet.refusal = outcome  # type: ignore[assignment]
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    body = json.dumps({"name": "dispense", "args": {"volume_ul": 20.0}, "wait": wait}).encode()
    length = ("content-length", str(len(body)))
    status, headers, answered = await say(web, path, [body], [*PLAIN.items(), length, *UNUSUAL])
    no_quart(web, monkeypatch)
    lane_status, lane_headers, lane_answered = await say(web, path, [body])
    assert lane_status == status
    assert steady(lane_answered) == steady(answered)
    assert lane_headers.keys() == headers.keys()
    same = set(headers) - {"location", "content-length"}
    assert {name: lane_headers[name] for name in same} == {name: headers[name] for name in same}
    if "location" in headers:
        assert lane_headers["location"] == f"/api/v1/commands/{lane_answered['id']}?device_id={lane_answered['device_id']}"


async def test_an_answer_is_counted_and_noted_like_any_other(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    for extra in ([], UNUSUAL):
        await say(web, path, headers=[*PLAIN.items(), ("content-length", str(len(DISPENSE))), *extra])
    noted = [record for record in caplog.records if record.message == "request"]
    assert [(each.method, each.path, each.status, each.request_id) for each in noted] == [("POST", path, 200, "abc")] * 2  # type: ignore[attr-defined]
    exposition = (await web.app.extensions["lics_metrics"].exposition()).decode()
    template = "/api/v1/devices/<uuid:device_id>/command"
    assert f'api_requests_total{{endpoint="{template}",method="POST",status="200"}} 2.0' in exposition
    assert f'api_request_duration_seconds_count{{endpoint="{template}",method="POST"}} 2.0' in exposition


async def test_a_body_may_come_in_parts_and_a_key_makes_it_repeatable(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    no_quart(web, monkeypatch)
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    headers = [*PLAIN.items(), ("content-length", str(len(DISPENSE))), ("idempotency-key", "one")]
    first = await say(web, path, [DISPENSE[:5], DISPENSE[5:]], headers)
    again = await say(web, path, [DISPENSE], headers)
    assert first[2]["id"] == again[2]["id"]
    assert len(web.fleet.executed) == 1


CHANGED = [
    ({"authorization": None}, 401),
    ({"authorization": "Bearer wrong"}, 401),
    ({"authorization": f"Basic {TOKEN}"}, 401),
    ({"content-type": "text/plain"}, 415),
    ({"content-type": "application/json; charset=utf-8"}, 200),
    ({"content-length": None, "transfer-encoding": "chunked"}, 200),
    ({"content-length": "99999999"}, 413),
    ({"idempotency-key": "no good\x00"}, 422),
    ({"expect": "100-continue"}, 200),
]


@pytest.mark.parametrize(("change", "status"), CHANGED, ids=str)
async def test_what_is_not_plain_is_left_to_quart_whole(web: Web, change: dict[str, str | None], status: int) -> None:
    headers = {**PLAIN, "content-length": str(len(DISPENSE)), **change}
    given = [(name, value) for name, value in headers.items() if value is not None]
    answered = await say(web, f"/api/v1/devices/{web.fleet.has_one()}/command", headers=given)
    assert answered[0] == status
    assert len(web.fleet.executed) == (status == 200)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b"", 422), (b'{"name":""}', 422), (b'{"name":"dispense","args":{"a":1e999}}', 422), (b"[" * 50_000, 422)],
)
async def test_a_body_that_breaks_a_rule_is_refused_by_quart(web: Web, body: bytes, status: int) -> None:
    answered = await say(web, f"/api/v1/devices/{web.fleet.has_one()}/command", [body])
    assert (answered[0], answered[1]["x-request-id"]) == (status, "abc")
    assert web.fleet.executed == []


async def test_two_tokens_a_query_or_another_spelling_are_quarts(web: Web) -> None:
    device_id = web.fleet.has_one()
    path = f"/api/v1/devices/{device_id}/command"
    twice = [*PLAIN.items(), ("content-length", str(len(DISPENSE))), ("authorization", "Bearer wrong")]
    assert (await say(web, path, headers=twice))[0] in {200, 401}
    assert (await say(web, path, query=b"wait=no"))[0] == 200
    assert (await say(web, path.upper().replace("/API/V1/DEVICES", "/api/v1/devices").replace("/COMMAND", "/command")))[0] == 200
    assert (await say(web, path + "/"))[0] == 404
    assert (await say(web, f"{path}\n"))[0] == 404


async def test_a_slow_body_is_waited_for_by_quart(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(express, "BODY_S", 0.02)
    answered = await say(web, f"/api/v1/devices/{web.fleet.has_one()}/command", pause_s=0.1)
    assert answered[0] == 200
    assert len(web.fleet.executed) == 1
    many = [DISPENSE[n : n + 1] for n in range(len(DISPENSE))]
    assert (await say(web, f"/api/v1/devices/{web.fleet.has_one()}/command", many))[0] == 200
