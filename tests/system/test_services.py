"""The embedded Postgres and Valkey: started, killed, left behind, stopped, never outliving who started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from lics_actors.services import broker as brokers
from lics_actors.services.ports import is_free
from lics_actors.services.postgres import Postgres
from lics_actors.services.programs import HOME
from lics_actors.services.server import ServerError
from lics_actors.services.valkey import Valkey
from tests.conftest import PASSWORD
from tests.waiting import eventually, wait_until

START = """
import asyncio, sys, time
from pathlib import Path
from lics_actors.services.postgres import Postgres
from lics_actors.services.valkey import Valkey
from lics_actors.services.broker import embedded_broker
folder, ports = Path(sys.argv[1]), [int(word) for word in sys.argv[2:]]
async def main():
    servers = [Postgres(folder / "postgres", folder / "pg.log", ports[0], "p" * 40, "p" * 40),
               Valkey(folder / "valkey", folder / "v.log", ports[1], "p" * 40),
               embedded_broker(folder / "broker", folder / "b.log", ports[2])]
    await asyncio.gather(*(server.start() for server in servers))
    print("started", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def postgres(folder: Path, port: int) -> Postgres:
    return Postgres(folder / "postgres", folder / "pg.log", port, PASSWORD, PASSWORD)


async def rows(server: Postgres) -> int:
    connection = await asyncpg.connect(server.owner_url)
    try:
        return int(await connection.fetchval("select count(*) from kept"))
    finally:
        await connection.close()


async def keep(server: Postgres) -> None:
    connection = await asyncpg.connect(server.owner_url)
    await connection.execute("create table if not exists kept (x int); insert into kept values (1)")
    await connection.close()


async def test_postgres_keeps_its_data_over_stop_and_kill_on_the_same_port(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    await server.start()
    await keep(server)
    await server.stop()
    assert is_free(server.port)
    await server.start()
    assert await rows(server) == 1
    server.kill()
    await server.ended()
    assert (server.cluster / "postmaster.pid").exists(), "a kill leaves its lock file"
    await server.start()
    assert await rows(server) == 1
    await server.stop()
    assert not (server.cluster / "postmaster.pid").exists()


async def test_lics_is_no_superuser_in_its_database(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    await server.start()
    connection = await asyncpg.connect(server.url)
    assert not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("copy (select 1) to program 'true'")
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(PASSWORD, "wrong"))
    await server.stop()


async def test_a_lock_file_that_names_a_recycled_pid_is_no_obstacle(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    await server.start()
    await server.stop()
    lock = server.cluster / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.cluster}\n1\n{server.port}\n\n127.0.0.1\n")
    await server.start()
    await server.stop()


async def test_an_interrupted_initdb_is_begun_again(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    half = server.folder / "fresh"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (server.folder / "fresh.password").write_text("left behind")
    await server.start()
    assert not half.exists()
    assert not (server.folder / "fresh.password").exists()
    await server.stop()


async def test_the_wrong_password_is_told_at_once(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    await server.start()
    await server.stop()
    other = Postgres(server.folder, server.log, server.port, "another-password", PASSWORD)
    with pytest.raises(ServerError, match="refuses the password"):
        await other.start()
    assert other.pid is None
    assert is_free(server.port)


async def test_data_of_another_major_version_is_not_passed_over(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    old = server.folder / "16"
    old.mkdir(parents=True)
    (old / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerError, match="PostgreSQL 16"):
        await server.start()


async def test_a_damaged_cluster_is_told_with_the_servers_own_words(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = postgres(data_dir, free_port())
    await server.start()
    await server.stop()
    (server.cluster / "global" / "pg_control").write_bytes(b"\0" * 8192)
    with pytest.raises(ServerError, match=r"postgres ended at once.*\n.*") as failed:
        await server.start()
    assert "FATAL" in failed.value.message


async def test_a_taken_port_is_told(data_dir: Path, free_port: Callable[[], int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Valkey(data_dir / "valkey", data_dir / "v.log", taken.getsockname()[1], PASSWORD)
        with pytest.raises(ServerError, match="in use"):
            await server.start()


async def test_a_data_directory_of_any_depth_will_do(data_dir: Path, free_port: Callable[[], int]) -> None:
    deep = data_dir / ("d" * 100) / ("with space and 'quotes'")
    server, valkey = postgres(deep, free_port()), Valkey(deep / "valkey", deep / "v.log", free_port(), PASSWORD)
    broker = brokers.embedded_broker(deep / "broker", deep / "b.log", free_port())
    for one in (server, valkey, broker):
        await one.start()
        await one.stop()


async def test_valkey_wants_its_password_and_keeps_nothing(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = Valkey(data_dir / "valkey", data_dir / "v.log", free_port(), PASSWORD)
    await server.start()
    assert (server.folder / "valkey.conf").stat().st_mode & 0o777 == 0o600
    client = Redis.from_url(f"redis://127.0.0.1:{server.port}")
    with pytest.raises(RedisError, match=r"(?i)authenticat"):
        await client.ping()
    await client.aclose()
    await server.stop()
    assert sorted(path.name for path in server.folder.iterdir()) == ["valkey.conf"]


@pytest.mark.linux
async def test_what_a_killed_parent_started_dies_with_it_and_the_next_start_works(
    data_dir: Path, free_port: Callable[[], int]
) -> None:
    ports = [free_port() for _ in range(3)]
    words = [sys.executable, "-c", START, str(data_dir), *map(str, ports)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=HOME) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) > 3
        parent.kill()
    wait_until(lambda: not any(_runs(child) for child in children), what="every child is gone")
    server = Postgres(data_dir / "postgres", data_dir / "pg.log", ports[0], "p" * 40, "p" * 40)
    await server.start()
    await server.stop()


async def test_a_leftover_is_ended_and_a_stranger_is_not(data_dir: Path, free_port: Callable[[], int]) -> None:
    first = postgres(data_dir, free_port())
    await first.start()
    await keep(first)
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd=first.cluster)  # noqa: ASYNC220
    second = postgres(data_dir, free_port())
    await second.start()
    assert first.pid is None, "two servers never share a cluster"
    assert await rows(second) == 1
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    await second.stop()


async def test_a_server_that_hangs_is_killed_at_the_deadline(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = Valkey(data_dir / "valkey", data_dir / "v.log", free_port(), PASSWORD)
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop(deadline_s=0.3)
    assert server.pid is None
    assert await eventually(lambda: is_free(server.port))


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
