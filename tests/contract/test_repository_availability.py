"""The database away, frozen, full, restarted: told in seconds, never with a driver's own exception, and healed by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from config.settings import SettingsError
from lics_actors.errors import DatabaseUnavailableError
from lics_actors.services.postgres import Postgres
from lics_actors.store import engine
from lics_actors.store.alarm_states import Unshelved
from lics_actors.store.migrate import current, downgrade, upgrade
from lics_actors.store.repository import DeviceFilter, Repository
from lics_actors.store.seed import seed_demo
from lics_actors.store.shipping import Shipped, journal_position, ship_journal, ship_samples
from tests.contract.store_rows import DEVICE, at, changed, event, new_device, reading, rejection
from tests.waiting import eventually

SECONDS = 20.0  # ANSWER_S and RELEASE_S are 5.5 s together; the rest is for a busy machine. Nobody would wait for a minute

Call = Callable[[Repository], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "ping": lambda r: r.ping(),
    "create_device": lambda r: r.create_device(new_device()),
    "get_device": lambda r: r.get_device(DEVICE),
    "find_device": lambda r: r.find_device("pump"),
    "list_devices": lambda r: r.list_devices(DeviceFilter()),
    "update_device": lambda r: r.update_device(DEVICE, {"name": "x"}, expected_version=None, principal="x"),
    "retire_device": lambda r: r.retire_device(DEVICE, expected_version=None, principal="x"),
    "device_specs": lambda r: r.device_specs(),
    "get_command": lambda r: r.get_command(DEVICE),
    "list_commands": lambda r: r.list_commands(DEVICE),
    "telemetry": lambda r: r.telemetry(DEVICE),
    "buckets": lambda r: r.telemetry(DEVICE, bucket_s=60),
    "latest": lambda r: r.latest(DEVICE),
    "events": lambda r: r.events(DEVICE),
    "rejected": lambda r: r.rejected(DEVICE),
    "fleet_events": lambda r: r.fleet_events(),
    "alarms": lambda r: r.alarms(),
    "alarm": lambda r: r.alarm(1),
    "act_on_alarm": lambda r: r.act_on_alarm(1, Unshelved(at(1))),
    "leave_shelves": lambda r: r.leave_shelves(),
    "alarm_counts": lambda r: r.alarm_counts(),
    "audit": lambda r: r.audit(),
    "has_timescale": lambda r: r.has_timescale(),
    "ship_samples": lambda r: ship_samples(r, [reading(1)], [event(1)], [rejection(1)]),
    "ship_journal": lambda r: ship_journal(r, DEVICE, [(1, changed(1))]),
    "journal_position": lambda r: journal_position(r, DEVICE),
}


async def told(call: Awaitable[Any]) -> DatabaseUnavailableError:
    """Return what is told, and that in time."""
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError) as caught:
        await call
    assert time.monotonic() - started < SECONDS
    return caught.value


@pytest.fixture
async def own_postgres(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Postgres]:
    """A server that the test may stop."""
    server = Postgres(data_dir / "postgres", data_dir / "postgres.log", free_port(), "a" * 32, "b" * 32, safe=False)
    await server.start()
    await upgrade(server.owner_url, application_url=server.url)
    yield server
    await server.stop()


@pytest.mark.parametrize("name", CALLS)
async def test_nobody_is_there(name: str, free_port: Callable[[], int]) -> None:
    repository = await Repository.connect(f"postgresql://lics:secret@127.0.0.1:{free_port()}/lics")
    error = await told(CALLS[name](repository))
    assert "secret" not in str(error) + str(error.facts)
    await repository.close()


async def test_nobody_is_there_to_migrate(free_port: Callable[[], int]) -> None:
    url = f"postgresql://lics:secret@127.0.0.1:{free_port()}/lics"
    for call in (upgrade(url), downgrade(url), current(url), seed_demo(url)):
        await told(call)


async def test_a_port_where_somebody_else_listens(free_port: Callable[[], int]) -> None:
    async def silent(_reader: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    async def loud(_reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
        await writer.drain()
        writer.close()

    for behaviour in (silent, loud):
        port = free_port()
        server = await asyncio.start_server(behaviour, "127.0.0.1", port)
        repository = await Repository.connect(f"postgresql://lics@127.0.0.1:{port}/lics")
        await told(repository.ping())
        await told(repository.get_device(DEVICE))
        server.close()
        await repository.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "", "postgres://h:99999/d", "postgresql://a,b/d", "sqlite:///x"])
async def test_what_is_no_url_is_told_at_once(url: str) -> None:
    with pytest.raises(SettingsError):
        await Repository.connect(url)
    with pytest.raises(SettingsError):
        await upgrade(url)


async def test_a_wrong_password_and_a_wrong_database(own_postgres: Postgres) -> None:
    wrong = await Repository.connect(own_postgres.url.replace("b" * 32, "wrong"))
    assert "password" in str(await told(wrong.ping()))
    missing = await Repository.connect(own_postgres.url + "x")
    assert "database" in str(await told(missing.ping()))
    for repository in (wrong, missing):
        await repository.close()


async def test_it_goes_and_comes_back(own_postgres: Postgres) -> None:
    repository = await Repository.connect(own_postgres.url, pool_size=3, max_overflow=2)
    device = (await repository.create_device(new_device())).id
    await asyncio.gather(*(repository.get_device(device) for _ in range(5)))  # every connection is in use once
    await own_postgres.stop()
    for call in CALLS.values():
        await told(call(repository))
    await own_postgres.start()
    assert (await eventually(lambda: repository.get_device(device))).id == device
    assert await ship_samples(repository, [reading(1)], [event(1)], [rejection(1)]) == Shipped(1, 1, 1, 0)
    for _ in range(10):
        assert await repository.ping() < 5.0
    await repository.close()


async def test_it_is_away_at_first(own_postgres: Postgres) -> None:
    await own_postgres.stop()
    repository = await Repository.connect(own_postgres.url)
    await told(repository.device_specs())
    await own_postgres.start()
    await eventually(repository.ping)
    assert await repository.device_specs() == []
    await repository.close()


async def test_connections_that_are_cut_are_replaced(repository: Repository, database_url: str) -> None:
    device = (await repository.create_device(new_device())).id
    await asyncio.gather(*(repository.get_device(device) for _ in range(10)))
    admin = await asyncpg.connect(database_url)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    await admin.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}")
    await admin.close()
    outcomes = await asyncio.gather(*(repository.get_device(device) for _ in range(20)), return_exceptions=True)
    assert all(getattr(o, "id", None) == device or isinstance(o, DatabaseUnavailableError) for o in outcomes)
    assert (await eventually(lambda: repository.get_device(device))).id == device


@pytest.mark.linux
async def test_a_frozen_server_holds_nobody(own_postgres: Postgres) -> None:
    repository = await Repository.connect(own_postgres.url, pool_size=2, max_overflow=0)
    device = (await repository.create_device(new_device())).id
    await asyncio.gather(*(repository.get_device(device) for _ in range(4)))
    postmaster = int((own_postgres.cluster / "postmaster.pid").read_text().split()[0])
    family = [postmaster, *(child.pid for child in psutil.Process(postmaster).children(recursive=True))]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        calls = [told(repository.get_device(device)), told(repository.ping()), told(repository.list_devices(DeviceFilter()))]
        await asyncio.gather(*calls)
        await told(repository.ping())
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    assert (await eventually(lambda: repository.get_device(device))).id == device
    await repository.close()


async def test_who_finds_every_connection_taken_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ACQUIRE_S", 0.2)
    repository = await Repository.connect(database_url, pool_size=1, max_overflow=1)
    async with repository.raw(20.0), repository.raw(20.0):
        for call in CALLS.values():
            await told(call(repository))
    assert await repository.ping() < 5.0
    await repository.close()


async def test_a_lock_that_somebody_keeps(repository: Repository, database_url: str) -> None:
    device = (await repository.create_device(new_device())).id
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM device FOR UPDATE")
        await told(repository.update_device(device, {"name": "x"}, expected_version=None, principal="x"))
    await other.close()
    assert (await repository.update_device(device, {"name": "x"}, expected_version=1, principal="x")).version == 2


async def test_a_cancelled_caller_leaves_the_pool_whole(repository: Repository) -> None:
    async def slow() -> None:
        async with repository.transaction(20.0) as connection:
            await connection.execute("SELECT pg_sleep(20)")

    for _ in range(15):  # more than there are connections
        task = asyncio.ensure_future(slow())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.gather(*(repository.ping() for _ in range(15)))


async def test_a_database_without_tables(empty_database_url: str) -> None:
    repository = await Repository.connect(empty_database_url)
    for name, call in CALLS.items():
        if name not in {"ping", "has_timescale"}:
            assert "lics db upgrade" in str(await told(call(repository)))
    await repository.close()


async def test_a_read_only_database(repository: Repository, database_url: str) -> None:
    other = await asyncpg.connect(database_url)
    name = await other.fetchval("SELECT current_database()")
    await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await other.close()
    later = await Repository.connect(database_url)
    await told(ship_samples(later, [reading(1)], [], []))
    await later.close()
