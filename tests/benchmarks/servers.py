"""The servers a bench stands on: its own on loopback, or those that DATABASE_URL, REDIS_URL and MQTT_BROKER_URL name."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from config.settings import Settings
from lics_actors.broker import broker_spec
from lics_actors.device.messages import BrokerSpec
from lics_actors.services.broker import Amqtt, Mosquitto, mosquitto_program
from lics_actors.services.ports import LOOPBACK, free_port
from lics_actors.services.postgres import Postgres
from lics_actors.services.server import Launch, Server
from lics_actors.services.valkey import Valkey
from lics_actors.store.migrate import upgrade
from tests.benchmarks.errors import BenchError

# Each far above rate x acknowledgement window (50,000 msg/s x 1 s), so that the broker never decides a figure; MQTT has
# 65,535 packet ids.
BROKER_LIMITS = {"max_inflight_messages": 60_000, "max_queued_messages": 1_000_000, "max_queued_bytes": 1 << 30}


@dataclass(frozen=True, slots=True)
class Servers:
    """Where to measure. The database is empty but for LICS's schema; the broker's topics start with a prefix of this run's own.

    `facts`: products and versions. `notes`: what a reader of the figures has to know. `started`: the servers we started.
    """

    database_url: str
    redis_url: str
    broker: BrokerSpec
    data_dir: Path
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    started: Mapping[str, Server] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """Return the pids of the servers we started."""
        return {name: server.pid for name, server in self.started.items() if server.pid}


class _RoomyMosquitto(Mosquitto):
    """mosquitto as LICS configures it, with limits that a load above what LICS can take does not reach."""

    def prepare(self) -> Launch:
        launch = super().prepare()
        conf = self.folder / "mosquitto.conf"
        text = conf.read_text()
        for name, value in BROKER_LIMITS.items():
            text = re.sub(rf"^{name} .*$", f"{name} {value}", text, flags=re.MULTILINE)
        conf.write_text(text)
        return launch


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """Start what is not given, in a temporary folder that is gone afterwards; on given ones leave nothing behind.

    Raises:
        BenchError: a given server cannot be used.
        ServerError: an embedded one does not start.
    """
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="lics-bench-"))  # short: sockets may lie in it
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        starting = _Starting(stack, folder, _Given(os.environ))
        database_url, redis_url = await starting.database(), await starting.redis()
        product, broker = await starting.broker(f"bench-{secrets.token_hex(4)}/")
        await upgrade(database_url)
        facts, notes = await _database_facts(database_url)
        started = {server.name: server for server in starting.started}
        facts, notes = {**facts, "broker": product}, (*notes, *_broker_notes(product))
        yield Servers(database_url, redis_url, broker, folder, facts, notes, started)


class _Starting:
    """Takes each server as it is given, or starts one that `stack` stops."""

    def __init__(self, stack: AsyncExitStack, folder: Path, given: _Given) -> None:
        self._stack, self._folder, self._given = stack, folder, given
        self._secret = secrets.token_urlsafe(32)
        self.started: list[Server] = []

    async def database(self) -> str:
        """Return the URL of an empty database."""
        if self._given.database_url:
            return await self._stack.enter_async_context(_own_database(self._given.database_url))
        options = {"track_commit_timestamp": "on"}
        server = Postgres(*self._place("pg"), self._secret, self._secret, options=options)
        await self._start(server)
        return server.owner_url  # benches make and drop tables of their own

    async def redis(self) -> str:
        """Return the URL of a Redis."""
        if self._given.redis_url:
            return self._given.redis_url
        server = Valkey(*self._place("valkey"), self._secret)
        await self._start(server)
        return server.url

    async def broker(self, prefix: str) -> tuple[str, BrokerSpec]:
        """Return a broker's product, and where it is."""
        if self._given.broker:
            return "given", self._given.broker_spec(prefix)
        program = mosquitto_program()
        server = Amqtt(*self._place("broker")) if program is None else _RoomyMosquitto(*self._place("broker"), program)
        await self._start(server)
        return server.product, BrokerSpec(LOOPBACK, server.port, prefix)

    def _place(self, name: str) -> tuple[Path, Path, int]:
        return self._folder / name, self._folder / "log" / f"{name}.log", free_port()

    async def _start(self, server: Server) -> None:
        self._stack.push_async_callback(server.stop)
        await server.start()
        self.started.append(server)


class _Given:
    """The servers that the environment names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.database_url = environment.get("DATABASE_URL")
        self.redis_url = environment.get("REDIS_URL")
        self.broker = environment.get("MQTT_BROKER_URL")

    def broker_spec(self, prefix: str) -> BrokerSpec:
        """Return the broker, its topics under `prefix`.

        Raises:
            SettingsError: its URL is none.
            BenchError: it wants more than the loads and references speak.
        """
        settings = Settings(_env_file=None, mqtt_topic_prefix=prefix)  # type: ignore[call-arg] # pydantic-settings' own
        spec = broker_spec(settings)
        if spec.tls or spec.username or spec.password:
            raise BenchError(
                "loads and references speak MQTT plainly and without a password, but MQTT_BROKER_URL asks for more",
                "name a broker for measuring, or unset MQTT_BROKER_URL for an embedded one",
            )
        return spec


def _broker_notes(product: str) -> tuple[str, ...]:
    if product == Amqtt.product:
        return ("mosquitto is not installed: the fallback broker amqtt is what was measured, on both sides",)
    if product == "given":
        return ("the broker is a given one: its limits and set_tcp_nodelay are as they are there",)
    return ()


@asynccontextmanager
async def _own_database(url: str) -> AsyncIterator[str]:
    """Make a database of this run's own on a given server, and drop it."""
    name = f"lics_bench_{secrets.token_hex(4)}"
    try:
        await _execute(url, f"create database {name}")
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise BenchError(
            f"cannot make a database on the server of DATABASE_URL: {error}",
            "see that it runs and that the role may (CREATEDB), or unset DATABASE_URL for an embedded server",
        ) from None
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        await _execute(url, f"drop database if exists {name} with (force)")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=10.0)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _database_facts(url: str) -> tuple[dict[str, str], tuple[str, ...]]:
    connection = await asyncpg.connect(url, timeout=10.0)
    try:
        said = {name: await connection.fetchval(f"show {name}") for name in ("server_version", *_DURABLE)}
        timescale = await connection.fetchval("select extversion from pg_extension where extname = 'timescaledb'")
    finally:
        await connection.close()
    facts = {"postgres": str(said["server_version"]), "timescaledb": timescale or "none"}
    return facts, tuple(sentence for name, sentence in _DURABLE.items() if said[name] != "on")


_DURABLE = {
    "track_commit_timestamp": "track_commit_timestamp is off on this server: commit latency cannot be measured and is left out",
    "fsync": "fsync is off on this server, which so does not keep what it commits",
    "synchronous_commit": "synchronous_commit is off on this server, which so does not keep what it commits",
}
