"""Real servers for tests: started when first asked for, one of each a session, on free ports, gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
from redis import Redis

from lics_actors.device.messages import BrokerSpec
from lics_actors.services.broker import Amqtt, Broker, Mosquitto, embedded_broker, mosquitto_program, plugin_file
from lics_actors.services.ports import LOOPBACK
from lics_actors.services.ports import free_port as pick_port
from lics_actors.services.postgres import Postgres
from lics_actors.services.valkey import Valkey
from tests.system.guarded import Guarded, own_accounts

Result = TypeVar("Result")

# a loaded machine is no fault of the code; pytest's own timeout ends what hangs
hypothesis.settings.register_profile("lics", deadline=None)
hypothesis.settings.load_profile("lics")

PASSWORD = "only-for-tests-on-loopback-0123456789"


ALONE = {  # modules whose tests measure, or load the machine all the time; single tests that measure are marked themselves
    "test_all_at_once",
    "test_chaos",
    "test_chaos_runs",
    "test_many",
    "test_scale",
}
FIRST = ("test_openapi", "test_up", "test_bench", "test_tutorial")  # the longest: who begins with them does not end with them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what must run alone, and have the longest modules run first."""
    for item in items:
        if item.path.stem in ALONE:
            item.add_marker(pytest.mark.alone)
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


def run_alone(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own, leaving the tests' loop alone."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lics-"))  # short: Unix sockets may lie in it
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data directory with a short path."""
    yield from _short_folder()


@pytest.fixture(scope="session")
def session_dir() -> Iterator[Path]:
    """The folder of the session's servers."""
    yield from _short_folder()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that returns a free port of the loopback address."""
    return pick_port


@pytest.fixture(scope="session")
def postgres_server(session_dir: Path) -> Iterator[str]:
    """The superuser's URL of a PostgreSQL server: LICS_TEST_DATABASE_URL's, else an embedded one."""
    given = os.environ.get("LICS_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = Postgres(session_dir / "postgres", session_dir / "log" / "postgres.log", pick_port(), PASSWORD, PASSWORD, safe=False)
    run_alone(server.start())
    yield server.admin_url
    run_alone(server.stop())


def with_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _database(server: str, template: str | None = None) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    like = f" template {template}" if template else ""
    run_alone(_execute(server, f"create database {name}{like}"))
    yield with_database(server, name)
    run_alone(_execute(server, f"drop database if exists {name} with (force)"))


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    yield from _database(postgres_server)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated database that tests clone."""
    from lics_actors.store.migrate import upgrade

    databases = _database(postgres_server)
    url = next(databases)
    run_alone(upgrade(url))
    name = urlsplit(url).path.lstrip("/")
    # TimescaleDB keeps a worker in every database that lets it in, and one that is in use cannot be cloned.
    run_alone(_execute(postgres_server, f"alter database {name} allow_connections false"))
    run_alone(_execute(postgres_server, f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'"))
    yield name
    next(databases, None)


@pytest.fixture
def database_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh database with the current schema."""
    yield from _database(postgres_server, migrated_template)


@pytest.fixture(scope="session")
def valkey_server(session_dir: Path) -> Iterator[Valkey]:
    """The session's Valkey."""
    server = Valkey(session_dir / "valkey", session_dir / "log" / "valkey.log", pick_port(), PASSWORD)
    run_alone(server.start())
    yield server
    run_alone(server.stop())


@pytest.fixture
def redis_url(valkey_server: Valkey) -> str:
    """The URL of an empty Redis."""
    with Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


@pytest.fixture(scope="session")
def broker_server(session_dir: Path) -> Iterator[Broker]:
    """The session's broker: mosquitto if it is installed, else amqtt."""
    server = embedded_broker(session_dir / "broker", session_dir / "log" / "broker.log", pick_port())
    run_alone(server.start())
    yield server
    run_alone(server.stop())


def own_prefix() -> str:
    """Return a topic prefix that no other test uses."""
    return f"t{uuid.uuid4().hex[:8]}/"


@pytest.fixture
def broker(broker_server: Broker) -> BrokerSpec:
    """The session's broker under a topic prefix of the test's own."""
    return BrokerSpec(LOOPBACK, broker_server.port, own_prefix())


@pytest.fixture(params=[pytest.param("mosquitto", marks=pytest.mark.mosquitto), "amqtt"])
async def each_broker(request: pytest.FixtureRequest, data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Broker]:
    """A broker of the test's own, of each kind that LICS may embed."""
    folder, log = data_dir / "broker", data_dir / "broker.log"
    broker: Broker
    if request.param == "amqtt":
        broker = Amqtt(folder, log, free_port())
    elif (program := mosquitto_program()) is None:
        pytest.skip("mosquitto is not installed")
    else:
        broker = Mosquitto(folder, log, free_port(), program)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture(params=[pytest.param("mosquitto", marks=pytest.mark.mosquitto), "amqtt"])
async def guarded(request: pytest.FixtureRequest, data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Guarded]:
    """A broker of the test's own with accounts, of each kind that LICS may embed."""
    folder, log, accounts = data_dir / "broker", data_dir / "broker.log", own_accounts()
    broker: Broker
    if request.param == "amqtt":
        broker = Amqtt(folder, log, free_port(), accounts)
    elif (program := mosquitto_program()) is None or plugin_file() is None:
        pytest.skip("mosquitto is not installed, or not its dynamic-security plugin")
    else:
        broker = Mosquitto(folder, log, free_port(), program, accounts)
    await broker.start()
    yield Guarded(broker)
    await broker.stop()


class OwnBroker:
    """A broker that one test may stop, kill and start again on the same port."""

    def __init__(self, server: Broker) -> None:
        self.server = server
        self.spec = BrokerSpec(LOOPBACK, server.port, own_prefix())

    async def start(self) -> None:
        """Start it again, with what it kept on disk."""
        await self.server.start()

    async def stop(self) -> None:
        """Stop it in an orderly way."""
        await self.server.stop()

    def kill(self) -> None:
        """SIGKILL it."""
        self.server.kill()


@pytest.fixture
def own_broker(data_dir: Path) -> Iterator[OwnBroker]:
    """A broker of the test's own, running."""
    server = embedded_broker(data_dir / "broker", data_dir / "log" / "broker.log", pick_port())
    run_alone(server.start())
    yield OwnBroker(server)
    run_alone(server.stop())


@pytest.fixture
def own_postgres(data_dir: Path) -> Iterator[Postgres]:
    """A migrated PostgreSQL of the test's own, with fsync, that can be stopped and started."""
    from lics_actors.store.migrate import upgrade

    server = Postgres(data_dir / "postgres", data_dir / "log" / "postgres.log", pick_port(), PASSWORD, PASSWORD)
    run_alone(server.start())
    run_alone(upgrade(server.owner_url, application_url=server.url))
    yield server
    run_alone(server.stop())
