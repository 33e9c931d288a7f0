"""Composition root of the web: opens what it stands on, serves until told to stop, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import uvloop
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from quart import Quart

from config.orm import parse_database_url
from config.settings import Settings, SettingsError
from lics_actors.client import FleetClient
from lics_actors.store.repository import Repository
from web import express
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
BACKLOG: Final = 1024  # connections that may knock at once: after a restart all viewers come back together
OPEN_FILES: Final = 16_384
BEAT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket, and where it is."""

    socket: socket.socket

    @property
    def port(self) -> int:
        """Return the port, also when any was asked for."""
        return int(self.socket.getsockname()[1])


def bound(host: str, port: int, setting: str, *, shared: bool = False) -> Listener:
    """Return a bound socket that takes no connections yet. `shared`: others of ours may be bound to the port, too.

    Raises:
        SettingsError: the address is taken or is none of this machine's; says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    with _told(made, host, port, setting):
        made.bind((host, port))
    return Listener(made)


def listen(host: str, port: int, setting: str, *, shared: bool = False) -> Listener:
    """Return a listening socket, so that a second start fails at once and not at its first connection. Raises: as `bound`."""
    listener = bound(host, port, setting, shared=shared)
    with _told(listener.socket, host, port, setting):
        listener.socket.listen(BACKLOG)
    return listener


@contextmanager
def _told(made: socket.socket, host: str, port: int, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"port {port} of {host} is in use; stop what runs there or set {setting}") from None
        raise SettingsError(f"cannot listen on {host} port {port} ({error.strerror}); check LICS_HOST and {setting}") from None


def serve(settings: Settings) -> int:
    """Serve alone until SIGTERM or SIGINT; return the exit code.

    Raises:
        SettingsError: something that is set cannot be used.
    """
    check(settings)
    api = listen(settings.host, settings.port, "LICS_PORT")
    metrics = listen(settings.host, settings.prometheus_port, "PROMETHEUS_PORT") if settings.enable_metrics else None
    return uvloop.run(_serve(settings, api, metrics))


def serve_beside_others(settings: Settings, ready: int) -> int:
    """Serve as one of several workers on a port that the parent holds; write a byte to `ready` when at work.

    Raises:
        SettingsError: something that is set cannot be used.
    """
    check(settings)
    return uvloop.run(_serve(settings, listen(settings.host, settings.port, "LICS_PORT", shared=True), None, ready))


def check(settings: Settings) -> None:
    """See that the settings can be served with, and allow this process as many connections as the system does.

    Raises:
        SettingsError
    """
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set and no embedded database runs; start everything with `lics up`, or set it")
    parse_database_url(settings.database_url)
    _check_certificate(settings)
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < OPEN_FILES:  # a connection is one; many systems begin with 1024
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, most), most))


def _check_certificate(settings: Settings) -> None:
    if settings.web_cert_file is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.web_cert_file, settings.web_key_file)
    except OSError as error:  # ssl.SSLError is one
        text = f"LICS_WEB_CERT_FILE and LICS_WEB_KEY_FILE cannot be used: {error.strerror or error}"
        raise SettingsError(text) from None


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _serve(settings: Settings, api: Listener, metrics: Listener | None, ready: int | None = None) -> int:
    stopping = stop_on_signals()
    client = await FleetClient.open(settings)
    repository = await Repository.connect(
        settings.database_url or "", pool_size=settings.database_pool_size, max_overflow=settings.database_max_overflow
    )
    try:
        app = create_app(settings, client, repository)
        servers = [serve_app(stopping, app, api, settings), _say_goodbye(stopping, hub_of(app))]
        if metrics is not None:
            servers.append(serve_app(stopping, create_metrics_app(app.extensions[METRICS]), metrics))
        if ready is None:
            announce(settings, api, metrics)
        else:
            os.write(ready, b"\n")
            servers.append(_beat(stopping, ready))
        await asyncio.gather(*servers)
    finally:
        if ready is None:
            renounce(settings)
        await repository.close()
        await client.close()
    return 0


async def _beat(stopping: asyncio.Event, parent: int) -> None:
    """Tell the parent every BEAT_S that the loop is alive: a worker that hangs would keep its share of the connections."""
    os.set_blocking(parent, False)
    while not stopping.is_set():
        with suppress(OSError):  # full: the parent is busy; broken: it has ended, and we end with it
            os.write(parent, b".")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), BEAT_S)
    os.close(parent)


def announce(settings: Settings, api: Listener, metrics: Listener | None) -> None:
    """Write down, and say, where LICS serves."""
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    document = {
        "host": settings.host,
        "port": api.port,
        "metrics_port": metrics.port if metrics else None,
        "pid": os.getpid(),
        "workers": settings.web_workers,
        "started_at": datetime.now(UTC).isoformat(),
    }
    fresh = settings.run_dir / "web.json.new"
    fresh.write_text(json.dumps(document))
    fresh.replace(settings.run_dir / "web.json")
    log.info("web serves", extra=document)
    sys.stderr.write(f"LICS web: {settings.web_scheme}://{settings.host}:{api.port}  documentation at /docs\n")


def renounce(settings: Settings) -> None:
    """Take back what `announce` wrote."""
    (settings.run_dir / "web.json").unlink(missing_ok=True)


async def _say_goodbye(stopping: asyncio.Event, hub: Hub) -> None:
    """Close the WebSockets when told to stop: Hypercorn waits for them, and then for nothing else."""
    await stopping.wait()
    hub.stop()


async def serve_app(stopping: asyncio.Event, app: Quart, listener: Listener, settings: Settings | None = None) -> None:
    """Serve `app` until `stopping`; give requests under way GRACE_S, then leave them. `settings` may ask for TLS."""
    express.open_lane()
    config = _config(listener)
    if settings is not None and settings.web_cert_file is not None:
        config.certfile, config.keyfile = str(settings.web_cert_file), str(settings.web_key_file)
        config.alpn_protocols = ["http/1.1"]  # limits, the express lane and ready frames are of HTTP/1.1
    serving = asyncio.create_task(hypercorn_serve(cast("Any", app), config, shutdown_trigger=stopping.wait))
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
    config.backlog = BACKLOG
    config.websocket_max_message_size = MESSAGE_BYTES
    return config
