"""The express lane: it says exactly what Quart would, and leaves everything unusual to Hypercorn and it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from lics_actors.device.messages import CommandState
from lics_actors.errors import DeviceUnavailableError, InvalidError, LicsError, QueueFullError
from tests.unit.web.conftest import TOKEN, Web
from tests.waiting import eventually
from web import express

PLAIN = {"host": "x", "content-type": "application/json", "authorization": f"Bearer {TOKEN}", "x-request-id": "abc"}
DISPENSE = b'{"name":"dispense","args":{"volume_ul":20.0},"reason":"reward"}'
IDLE_S = 0.8  # an eighth of it passes between two requests: a busy machine may be seven times late
Answered = tuple[int, dict[str, str], Any]


class Served:
    """The application on Hypercorn, and how to stop it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.stopping = asyncio.Event()

    async def connect(self) -> Line:
        """Return a new connection."""
        return Line(*await asyncio.open_connection("127.0.0.1", self.port))


class Line:
    """A connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(
        self,
        path: str,
        parts: Sequence[bytes] = (DISPENSE,),
        headers: Sequence[tuple[str, str]] | None = None,
        *,
        pause_s: float = 0.0,
    ) -> Answered:
        """POST the parts, after a pause each but the first together with the head; return status, headers and JSON."""
        self.send(path, parts[:1], headers, sum(map(len, parts)))
        for part in parts[1:]:
            await asyncio.sleep(pause_s)
            self.writer.write(part)
        return await self.answered()

    def send(
        self, path: str, parts: Sequence[bytes], headers: Sequence[tuple[str, str]] | None = None, length: int | None = None
    ) -> None:
        """Send a request, or its beginning."""
        given = [*PLAIN.items(), ("content-length", str(length or sum(map(len, parts))))] if headers is None else headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in given)
        self.writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin1") + b"".join(parts))

    async def answered(self) -> Answered:
        """Return the next answer."""
        status = 100
        while status < 200:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            status = int(lines[0].split(" ")[1])
        names = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
        body = await self.reader.readexactly(int(names["content-length"]))
        return status, names, json.loads(body) if body else None


@pytest.fixture
def web(web_without_database: Web) -> Web:
    return web_without_database


@pytest.fixture
async def served(web: Web, free_port: Any) -> AsyncIterator[Served]:
    served, config = Served(free_port()), Config()
    config.bind, config.graceful_timeout, config.keep_alive_timeout = [f"127.0.0.1:{served.port}"], 1.0, IDLE_S
    config.include_server_header = False

    async def requests_only(scope: Any, receive: Any, send: Any) -> None:  # the fixture has started the application already
        if scope["type"] != "lifespan":
            await web.app(scope, receive, send)
            return
        for said in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{said}.complete"})

    requests_only.extensions = web.app.extensions  # type: ignore[attr-defined]
    express.open_lane()
    serving = asyncio.create_task(serve(requests_only, config, shutdown_trigger=served.stopping.wait))  # type: ignore[arg-type]

    async def listens() -> bool:
        try:
            (await served.connect()).writer.close()
        except OSError:
            return False
        return True

    await eventually(listens, what="it listens")
    yield served
    served.stopping.set()
    await serving


@pytest.fixture
async def line(served: Served) -> AsyncIterator[Line]:
    line = await served.connect()
    yield line
    line.writer.close()


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
    web: Web, line: Line, monkeypatch: pytest.MonkeyPatch, outcome: CommandState | Exception, wait: bool
) -> None:
    if isinstance(outcome, CommandState):
        web.fleet.outcome = outcome
    else:
        web.fleet.refusal = outcome  # type: ignore[assignment]
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    body = json.dumps({"name": "dispense", "args": {"volume_ul": 20.0}, "wait": wait}).encode()
    length = ("content-length", str(len(body)))
    status, headers, answered = await line.say(path, [body], [*PLAIN.items(), length, *UNUSUAL])
    no_quart(web, monkeypatch)
    lane_status, lane_headers, lane_answered = await line.say(path, [body])
    assert lane_status == status
    assert steady(lane_answered) == steady(answered)
    assert lane_headers.keys() == headers.keys()
    same = set(headers) - {"location", "content-length", "date"}  # a second may have begun between the two
    assert {name: lane_headers[name] for name in same} == {name: headers[name] for name in same}
    if "location" in headers:
        assert lane_headers["location"] == f"/api/v1/commands/{lane_answered['id']}?device_id={lane_answered['device_id']}"


async def test_an_answer_is_counted_and_noted_like_any_other(web: Web, line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    for extra in ([], UNUSUAL):
        await line.say(path, headers=[*PLAIN.items(), ("content-length", str(len(DISPENSE))), *extra])
    noted = [record for record in caplog.records if record.message == "request"]
    assert [(each.method, each.path, each.status, each.request_id) for each in noted] == [("POST", path, 200, "abc")] * 2  # type: ignore[attr-defined]
    exposition = (await web.app.extensions["lics_metrics"].exposition()).decode()
    template = "/api/v1/devices/<uuid:device_id>/command"
    assert f'api_requests_total{{endpoint="{template}",method="POST",status="200"}} 2.0' in exposition
    assert f'api_request_duration_seconds_count{{endpoint="{template}",method="POST"}} 2.0' in exposition


async def test_a_body_may_come_in_parts_and_a_key_makes_it_repeatable(
    web: Web, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_quart(web, monkeypatch)
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    headers = [*PLAIN.items(), ("content-length", str(len(DISPENSE))), ("idempotency-key", "one")]
    first = await line.say(path, [DISPENSE[:5], DISPENSE[5:]], headers)
    again = await line.say(path, [DISPENSE], headers)
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
    ({"idempotency-key": "x" * 300}, 422),
    ({"expect": "100-continue"}, 200),
]


@pytest.mark.parametrize(("change", "status"), CHANGED, ids=str)
async def test_what_is_not_plain_is_left_to_quart_whole(web: Web, line: Line, change: dict[str, str | None], status: int) -> None:
    headers = {**PLAIN, "content-length": str(len(DISPENSE)), **change}
    given = [(name, value) for name, value in headers.items() if value is not None]
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(DISPENSE), DISPENSE) if "transfer-encoding" in change else DISPENSE
    answered = await line.say(f"/api/v1/devices/{web.fleet.has_one()}/command", [body], headers=given)
    assert answered[0] == status
    assert len(web.fleet.executed) == (status == 200)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b"", 422), (b'{"name":""}', 422), (b'{"name":"dispense","args":{"a":1e999}}', 422), (b"[" * 50_000, 422)],
)
async def test_a_body_that_breaks_a_rule_is_refused_by_quart(web: Web, line: Line, body: bytes, status: int) -> None:
    answered = await line.say(f"/api/v1/devices/{web.fleet.has_one()}/command", [body])
    assert (answered[0], answered[1]["x-request-id"]) == (status, "abc")
    assert web.fleet.executed == []


async def test_two_tokens_a_query_or_another_spelling_are_quarts(web: Web, line: Line) -> None:
    device_id = web.fleet.has_one()
    path = f"/api/v1/devices/{device_id}/command"
    twice = [*PLAIN.items(), ("content-length", str(len(DISPENSE))), ("authorization", "Bearer wrong")]
    assert (await line.say(path, headers=twice))[0] in {200, 401}
    assert (await line.say(path + "?wait=no"))[0] == 200
    assert (await line.say(path.upper().replace("/API/V1/DEVICES", "/api/v1/devices").replace("/COMMAND", "/command")))[0] == 200
    assert (await line.say(path + "/"))[0] == 404


async def test_a_slow_body_is_waited_for_by_quart(web: Web, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(express, "BODY_S", 0.02)
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    assert (await line.say(path, [DISPENSE[:5], DISPENSE[5:9], DISPENSE[9:]], pause_s=0.1))[0] == 200
    assert len(web.fleet.executed) == 1
    many = [DISPENSE[n : n + 1] for n in range(len(DISPENSE))]
    assert (await line.say(path, many))[0] == 200
    assert (await line.say(path))[0] == 200


async def test_requests_sent_at_once_are_answered_in_their_order(web: Web, line: Line) -> None:
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    for name in ("a", "b", "c"):
        headers = {**PLAIN, "x-request-id": name, "content-length": str(len(DISPENSE))}
        line.send(path, [DISPENSE], list(headers.items()))
    said = [await line.answered() for _ in range(3)]
    assert [(status, names["x-request-id"]) for status, names, _ in said] == [(200, "a"), (200, "b"), (200, "c")]
    assert len(web.fleet.executed) == 3


async def test_a_connection_may_carry_plain_and_other_requests_in_turn(web: Web, line: Line) -> None:
    path = f"/api/v1/devices/{web.fleet.has_one()}/command"
    assert [(await line.say(each))[0] for each in (path, path + "/", path, path + "?wait=no", path)] == [200, 404, 200, 200, 200]


async def test_a_connection_is_closed_when_it_is_idle_not_while_it_is_used(web: Web, line: Line) -> None:
    path, loop = f"/api/v1/devices/{web.fleet.has_one()}/command", asyncio.get_running_loop()
    until = loop.time() + 2 * IDLE_S
    while loop.time() < until:
        assert (await line.say(path))[0] == 200
        await asyncio.sleep(IDLE_S / 8)
    assert await asyncio.wait_for(line.reader.read(), 20 * IDLE_S) == b""


async def test_a_connection_that_stops_within_a_body_is_closed_some_time(web: Web, line: Line) -> None:
    line.send(f"/api/v1/devices/{web.fleet.has_one()}/command", [DISPENSE[:5]], length=len(DISPENSE))
    line.writer.write_eof()
    assert await asyncio.wait_for(line.reader.read(), 20 * IDLE_S) == b""
    assert web.fleet.executed == []


class Slow:
    """A fleet that takes its time."""

    def __init__(self, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.done, self._command = asyncio.Event(), asyncio.Event(), web.fleet.command
        monkeypatch.setattr(web.fleet, "command", self.command)

    async def command(self, request: Any) -> Any:
        """Answer once a test says so."""
        self.asked.set()
        await self.done.wait()
        return await self._command(request)


async def test_a_command_that_takes_longer_than_a_connection_may_idle_is_answered(
    web: Web, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(web, monkeypatch)
    asyncio.get_running_loop().call_later(3 * IDLE_S, slow.done.set)
    assert (await line.say(f"/api/v1/devices/{web.fleet.has_one()}/command"))[0] == 200


async def test_a_command_under_way_is_answered_before_a_worker_ends(
    web: Web, served: Served, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(web, monkeypatch)
    line.send(f"/api/v1/devices/{web.fleet.has_one()}/command", [DISPENSE])
    await slow.asked.wait()
    served.stopping.set()
    asyncio.get_running_loop().call_later(0.1, slow.done.set)
    assert (await line.answered())[0] == 200
    assert await asyncio.wait_for(line.reader.read(), 20 * IDLE_S) == b""
