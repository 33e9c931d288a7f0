"""The express lane: plain commands are answered ahead of Quart, with the same rules in a fraction of its time.

A request's way through Hypercorn's streams and Quart costs 0.8 ms of CPU (measured; the command's own work here is 0.15 ms), and
commands are what a running experiment sends. Only what is plain goes this way: one JSON body, a valid token that may command, a
body that keeps the rules. Everything else, each kind of refusal included, is left to them byte for byte: so what the express
lane says is a command's outcome or its actor's refusal, and nothing is decided twice. docs/decisions/0017 has the figures.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import h11
from hypercorn.asyncio import tcp_server
from hypercorn.config import Config
from hypercorn.events import Event, RawData
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.h11 import H11Protocol
from quart import Quart

from lics_actors.audit import Asker
from lics_actors.device.messages import RequestCommand
from lics_actors.errors import LicsError
from web.api.commands import command_device, ordered, told
from web.auth import Refusals, TokenKeeper, allowed, permission_of
from web.backing import Backing
from web.endings import SECURITY_HEADERS, note, request_name
from web.errors import problem_of
from web.metrics import ApiMetrics
from web.orders import note_order, place
from web.plain import Begun, Plain, answer, read
from web.proxies import Proxies
from web.rates import Rates
from web.schemas.commands import CommandBody, command_json
from web.speech import JSON

log = logging.getLogger(__name__)

LANE: Final = "lics_express"
ENDPOINT: Final = "/api/v1/devices/<uuid:device_id>/command"  # the route's template, for the metrics
BODY_S: Final = 1.0  # a plain body comes with its headers, or right behind them
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_PERMISSION: Final = permission_of(command_device) or ""


@dataclass(frozen=True, slots=True)
class _Said:
    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lane:
    """What an application answers plain commands with."""

    house: Backing
    keeper: TokenKeeper
    metrics: ApiMetrics
    refusals: Refusals
    rates: Rates
    proxies: Proxies

    def origin(self, plain: Plain, peer: str | None) -> str | None:
        """Return the address that a request comes from."""
        return self.proxies.origin(peer, plain.headers.get(b"x-forwarded-for", b"").decode("ascii"))

    def wanted(self, plain: Plain, remote: str | None) -> RequestCommand | None:
        """Return what is wanted, None where it is not plain or not to be done; what is wanted is counted."""
        scheme, _, token = plain.headers.get(b"authorization", b"").decode("ascii").partition(" ")
        if scheme.lower() != "bearer":
            return None
        asker = self.keeper.remembered(token.strip())
        if asker is None or not allowed(asker, _PERMISSION):
            return None
        home = self.house.homes.known(plain.device_id)
        if home is not None and not asker.reach.may(_PERMISSION, home):
            return None  # refused, and noted, where all are; a device that is not known is judged by its actor
        if not (self.rates.spare("address", remote or "") and self.rates.spare("account", asker.name)):
            return None  # refused where all are
        key = plain.headers.get(b"idempotency-key")
        try:
            body = CommandBody.read(plain.body)
            wanted = ordered(plain.device_id, body, asker, plain.path, None if key is None else key.decode("ascii"))
        except LicsError:
            return None
        self.rates.take("address", remote or "")
        self.rates.take("account", asker.name)
        return wanted

    async def said(self, wanted: RequestCommand, name: str, remote: str | None, *, keyed: bool) -> _Said:
        """Have it done; whatever comes of it is an answer."""
        asker = Asker(wanted.principal, "rest", remote, name)
        try:
            command = await place(self.house, wanted, keyed=keyed)
            note_order(self.house, asker, wanted, command)
            status, location = told(command)
            return _Said(status, command_json(command), {"location": location})
        except Exception as error:
            if isinstance(error, LicsError):
                note_order(self.house, asker, wanted, error)
            problem = problem_of(error)
            if isinstance(error, LicsError) and "outside" in error.facts:
                await self.refusals.note(asker, _PERMISSION, f"device:{wanted.device_id}", error)
            if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                log.error("request failed unexpectedly", exc_info=error, extra={"request_id": name})
            return _Said(problem.status, json.dumps(problem.body(name)).encode(), problem.headers)


def install(app: Quart, lane: Lane) -> None:
    """Have `app`'s plain commands answered ahead of it, by servers that were started after `open_lane`."""
    app.extensions[LANE] = lane


def open_lane() -> None:
    """Have Hypercorn's connections of this process look for plain commands. Repeating it does nothing."""
    tcp_server.ProtocolWrapper = Express  # type: ignore[attr-defined,assignment]


class Express(ProtocolWrapper):
    """A connection of Hypercorn. What is not plain, and every connection of another application, goes on as ever."""

    def __init__(self, app: Any, config: Config, context: Any, *others: Any) -> None:
        super().__init__(app, config, context, *others)
        extensions = getattr(getattr(app, "app", None), "extensions", {})
        self._lane: Lane | None = extensions.get(LANE)
        self._held = b""  # the beginning of a plain command
        self._patience: asyncio.TimerHandle | None = None
        self._returning: asyncio.Task[None] | None = None
        self._answered_at = 0.0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        server = getattr(self.send, "__self__", None)
        if self._lane is not None and isinstance(server, tcp_server.TCPServer):
            self._server = server
            server._idle_timeout = self._idle  # type: ignore[method-assign]

    async def handle(self, event: Event) -> None:
        """Take what the socket had, or that it was closed."""
        if self._returning is not None:
            await self._returning
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        data, self._held = self._held, b""
        lane = self._lane
        if lane is None or not isinstance(event, RawData) or not self._free():
            await super().handle(event)
            return
        data += event.data
        plain = read(data)
        if isinstance(plain, Begun):
            self._held = data
            self._patience = asyncio.get_running_loop().call_later(BODY_S, self._give_back)
            return
        remote = None if plain is None else lane.origin(plain, self.client[0] if self.client else None)
        wanted = None if plain is None else lane.wanted(plain, remote)
        if plain is None or wanted is None:
            await super().handle(RawData(data))
            return
        await self._answer(lane, plain, wanted, remote)

    def _free(self) -> bool:
        """Return whether nothing is under way on this connection but what is held here."""
        protocol = self.protocol
        if not isinstance(protocol, H11Protocol) or protocol.stream is not None or self.context.terminated.is_set():
            return False
        connection = protocol.connection
        return isinstance(connection, h11.Connection) and (
            connection.our_state is h11.IDLE and connection.their_state is h11.IDLE and not connection.trailing_data[0]
        )

    def _give_back(self) -> None:
        """Leave a body that does not come to Hypercorn and Quart, who know what to say of it."""
        held, self._held, self._patience = self._held, b"", None
        self._returning = asyncio.create_task(super().handle(RawData(held)))
        self._returning.add_done_callback(self._given_back)

    def _given_back(self, task: asyncio.Task[None]) -> None:
        self._returning = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("connection failed", exc_info=error)
            self._server.writer.transport.abort()

    async def _answer(self, lane: Lane, plain: Plain, wanted: RequestCommand, remote: str | None) -> None:
        began = time.perf_counter()
        self._at_rest.clear()
        try:
            name = request_name(plain.headers.get(b"x-request-id", b"").decode("ascii"))
            said = await lane.said(wanted, name, remote, keyed=b"idempotency-key" in plain.headers)
            await self.send(RawData(answer(said.status, self._headers(said, name), said.body)))
        finally:
            self._answered_at = asyncio.get_running_loop().time()
            self._at_rest.set()
        lane.metrics.answered("POST", ENDPOINT, said.status, time.perf_counter() - began)
        note("POST", plain.path, said.status, name)  # a line takes a tenth of a request's time; nobody waits for it

    def _headers(self, said: _Said, name: str) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-type", JSON.encode()),
            (b"x-request-id", name.encode()),
            *((header.lower().encode(), value.encode()) for header, value in said.headers.items()),
            *_SECURITY,
            *self.config.response_headers("h11"),
        ]

    async def _idle(self) -> None:
        """Close a connection that nobody uses, as Hypercorn would; plain commands are not known to it, so here they count."""
        loop, patience_s = asyncio.get_running_loop(), self.config.keep_alive_timeout
        until = loop.time() + patience_s
        while (wait_s := until - loop.time()) > 0:
            try:
                async with asyncio.timeout(wait_s):
                    await self.context.terminated.wait()
                break
            except TimeoutError:
                await self._at_rest.wait()
                until = self._answered_at + patience_s
        await self._at_rest.wait()
        await asyncio.shield(self._server._initiate_server_close())
