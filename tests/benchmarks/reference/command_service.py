"""The reference of `lics bench command`: the smallest service that turns an HTTP request into an acknowledged MQTT command.

POST /devices/<id>/command → QoS 1 publish → the device's `succeeded` → 200. No authentication, no journal, no supervision, no
reconnect. Run as `python -m tests.benchmarks.reference.command_service SETTINGS`; writes "ready" on stdout; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import aiomqtt
import msgspec
from aiohttp import web

PATIENCE_S = 5.0
FINAL = frozenset({"succeeded", "failed", "rejected"})


class Settings(msgspec.Struct):
    """Where it listens, and the broker."""

    http_port: int
    host: str
    port: int
    prefix: str


class Order(msgspec.Struct):
    """The body of a request."""

    name: str
    args: dict[str, object] = {}


class Ack(msgspec.Struct):
    """What a device answers."""

    id: str
    state: str


class Service:
    """One future a command."""

    def __init__(self, settings: Settings, client: aiomqtt.Client) -> None:
        self._prefix, self._client = settings.prefix, client
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._order, self._ack = msgspec.json.Decoder(Order).decode, msgspec.json.Decoder(Ack).decode

    async def hear(self) -> None:
        """Settle commands as devices answer."""
        async for message in self._client.messages:
            payload = bytes(message.payload)  # type: ignore[arg-type]  # what devices send is bytes
            ack = self._ack(payload)
            waiting = self._waiting.pop(ack.id, None) if ack.state in FINAL else None
            if waiting is not None and not waiting.done():
                waiting.set_result(payload)

    async def command(self, request: web.Request) -> web.Response:
        """Answer with the device's last word, or 504."""
        order = self._order(await request.read())
        command_id = str(uuid4())
        deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE_S)
        payload = msgspec.json.encode({"id": command_id, "name": order.name, "args": order.args, "deadline": deadline})
        waiting = self._waiting[command_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._client.publish(f"{self._prefix}devices/{request.match_info['device']}/commands", payload, qos=1)
                return web.Response(body=await waiting, content_type="application/json")
        except TimeoutError:
            self._waiting.pop(command_id, None)
            return web.Response(status=504)


async def main(settings: Settings) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    at_once = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]  # Nagle and delayed ACKs would cost 44 ms a command
    name = f"reference-{os.getpid()}"
    async with aiomqtt.Client(settings.host, settings.port, identifier=name, socket_options=at_once) as client:
        client.pending_calls_threshold = 1000  # fifty callers are meant; it would warn of more than ten
        await client.subscribe(f"{settings.prefix}devices/+/commands/ack", qos=1)
        service = Service(settings, client)
        hearing = asyncio.create_task(service.hear())
        app = web.Application()
        app.router.add_post("/devices/{device}/command", service.command)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", settings.http_port).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.wait({hearing, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        hearing.cancel()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Settings)))
