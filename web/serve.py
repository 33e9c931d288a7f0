"""Composition root of the web: opens what it stands on, serves until told to stop, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from quart import Quart

from config.settings import Settings, SettingsError
from lics_actors.client import FleetClient
from lics_actors.store.repository import Repository
from web.app import create_app
from web.live.hub import Hub
from web.live.install import hub_of
from web.live.limits import MESSAGE_BYTES
from web.metrics import METRICS, create_metrics_app

log = logging.getLogger(__name__)

GRACE_S: Final = 1.0  # for requests under way when we are told to stop
IDLE_S: Final = 5.0  # a connection without a request, or whose headers do not arrive, is closed
READ_S: Final = 90  # longer than the longest wait for a command (60 s)
MAX_HEADER_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket, and where it is."""

    socket: socket.socket

    @property
    def port(self) -> int:
        """Return the port, also when any was asked for."""
        return int(self.socket.getsockname()[1])


def listen(host: str, port: int, setting: str) -> Listener:
    """Return a bound socket.

    Raises:
        SettingsError: the address is taken or is none of this machine's; says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)  # so that a second start fails at once, not at its first connection
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"port {port} of {host} is in use; stop what runs there or set {setting}") from None
        raise SettingsError(f"cannot listen on {host} port {port} ({error.strerror}); check LICS_HOST and {setting}") from None
    return Listener(bound)


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code.

    Raises:
        SettingsError: something that is set cannot be used.
    """
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set and no embedded database runs; start everything with `lics up`, or set it")
    if settings.web_workers > 1:
        raise SettingsError(
            "LICS_WEB_WORKERS above 1 is not there yet; unset it (one worker serves some thousand requests a second)"
        )
    api = listen(settings.host, settings.port, "LICS_PORT")
    metrics = listen(settings.host, settings.prometheus_port, "PROMETHEUS_PORT") if settings.enable_metrics else None
    return asyncio.run(_serve(settings, api, metrics))


async def _serve(settings: Settings, api: Listener, metrics: Listener | None) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    client = await FleetClient.open(settings)
    repository = await Repository.connect(
        settings.database_url or "", pool_size=settings.database_pool_size, max_overflow=settings.database_max_overflow
    )
    try:
        app = create_app(settings, client, repository)
        servers = [serve_app(stopping, app, api), _say_goodbye(stopping, hub_of(app))]
        if metrics is not None:
            servers.append(serve_app(stopping, create_metrics_app(app.extensions[METRICS]), metrics))
        _announce(settings, api, metrics)
        await asyncio.gather(*servers)
    finally:
        (settings.run_dir / "web.json").unlink(missing_ok=True)
        await repository.close()
        await client.close()
    return 0


def _announce(settings: Settings, api: Listener, metrics: Listener | None) -> None:
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    document = {
        "host": settings.host,
        "port": api.port,
        "metrics_port": metrics.port if metrics else None,
        "pid": os.getpid(),
        "started_at": datetime.now(UTC).isoformat(),
    }
    fresh = settings.run_dir / "web.json.new"
    fresh.write_text(json.dumps(document))
    fresh.replace(settings.run_dir / "web.json")
    log.info("web serves", extra=document)
    sys.stderr.write(f"LICS web: http://{settings.host}:{api.port}  documentation at /docs\n")


async def _say_goodbye(stopping: asyncio.Event, hub: Hub) -> None:
    """Close the WebSockets when told to stop: Hypercorn waits for them, and then for nothing else."""
    await stopping.wait()
    hub.stop()


async def serve_app(stopping: asyncio.Event, app: Quart, listener: Listener) -> None:
    """Serve `app` until `stopping`; give requests under way GRACE_S, then leave them."""
    serving = asyncio.create_task(hypercorn_serve(cast("Any", app), _config(listener), shutdown_trigger=stopping.wait))
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    done, _ = await asyncio.wait({serving}, timeout=GRACE_S)
    if done:
        await serving
        return
    serving.cancel()
    await asyncio.wait({serving}, timeout=GRACE_S)


def _config(listener: Listener) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.socket.detach()}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_S
    config.read_timeout = READ_S
    config.h11_max_incomplete_size = MAX_HEADER_BYTES
    config.graceful_timeout = GRACE_S
    config.shutdown_timeout = GRACE_S
    config.keep_alive_max_requests = 1_000_000
    config.websocket_max_message_size = MESSAGE_BYTES
    return config
