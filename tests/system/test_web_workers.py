"""`LICS_WEB_WORKERS`: several processes on one port, that live and die without each other, and end with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from lics_actors.live.messages import NodeLive
from lics_actors.live.publisher import LivePublisher
from lics_actors.services import keeper, workers
from lics_actors.services.programs import command_words
from lics_actors.services.workers import Workers
from lics_actors.supervision.specs import Policy
from tests.system.live_web import Viewer
from tests.unit.web.conftest import BEARER, TOKEN
from tests.unit.web.test_web_serve import Running
from tests.waiting import PATIENCE_S, eventually, wait_until

COUNT = 2
STOPS_WITHIN_S = 15.0  # a second of grace, and a busy machine; it never waits for clients


def workers_of(running: Running) -> list[psutil.Process]:
    """Return the workers that are at work."""
    children = psutil.Process(running.process.pid).children()
    return [child for child in children if any(held.status == psutil.CONN_LISTEN for held in child.net_connections("tcp"))]


@pytest.fixture
def running(data_dir: Path, free_port: Callable[[], int]) -> Iterator[Running]:
    """A web with several workers, whose database and fleet are away."""
    address = f"postgres://nobody:secretive@127.0.0.1:{free_port()}/none"
    web = Running(data_dir, DATABASE_URL=address, LICS_WEB_WORKERS=str(COUNT), PROMETHEUS_PORT="0")
    wait_until(lambda: len(workers_of(web)) == COUNT, what="all workers listen")
    web.place()
    yield web
    web.process.kill()
    web.process.wait()
    web.log.close()


def counted(running: Running) -> float:
    """Return how many answers about the fleet all workers have counted."""
    text = httpx.get(f"http://127.0.0.1:{running.place()['metrics_port']}/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("api_requests_total{") and "/api/v1/fleet" in line]
    assert len(lines) <= 1
    return float(lines[0].split()[-1]) if lines else 0.0


def ask(running: Running, times: int) -> None:
    """Ask for the fleet, each time over a connection of its own."""
    for _ in range(times):
        assert httpx.get(running.url("/api/v1/fleet"), headers=BEARER).status_code == 503


def nobody_else_gets_onto_the_port(running: Running) -> None:
    """See that not even another LICS with several workers shares the port."""
    port = str(running.place()["port"])
    (running.data_dir / "other").mkdir()
    second = Running(
        running.data_dir / "other", LICS_PORT=port, LICS_WEB_WORKERS=str(COUNT), DATABASE_URL="postgres://a:b@127.0.0.1/c"
    )
    try:
        assert second.process.wait(PATIENCE_S) == 2
        assert f"port {port} of 127.0.0.1 is in use" in second.said().replace("\n", " ")
    finally:
        second.process.kill()
        second.process.wait()
        second.log.close()


def test_they_share_the_port_are_measured_as_one_and_stop_together(running: Running) -> None:
    ask(running, 20)
    assert counted(running) == 20
    assert running.place()["workers"] == COUNT
    nobody_else_gets_onto_the_port(running)
    victim = workers_of(running)[0]
    victim.kill()
    wait_until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
    ask(running, 10)  # the other one answers, at once
    assert counted(running) == 30
    wait_until(lambda: len(workers_of(running)) == COUNT, what="it is started again")
    ask(running, 10)
    assert counted(running) == 40
    assert running.process.poll() is None
    address, children = ("127.0.0.1", running.place()["port"]), workers_of(running)
    assert running.stop(signal.SIGINT) < STOPS_WITHIN_S
    assert not any(child.is_running() for child in children)
    assert list((running.data_dir / "run").iterdir()) == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(address)


@pytest.mark.linux
def test_a_killed_parent_leaves_no_orphan(running: Running) -> None:
    children = workers_of(running)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(PATIENCE_S)
    wait_until(lambda: not any(child.is_running() for child in children), what="the workers are gone")


def test_what_no_worker_could_serve_with_is_told_once(data_dir: Path) -> None:
    web = Running(data_dir, DATABASE_URL="nonsense", LICS_WEB_WORKERS=str(COUNT))
    assert web.process.wait(PATIENCE_S) == 2
    assert web.said().count("DATABASE_URL") == 1
    web.log.close()


async def test_a_hung_worker_is_killed_and_another_takes_its_place(
    data_dir: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LOOK_S": 0.2, "MISSES": 2}.items():
        monkeypatch.setattr(keeper, name, value)
    monkeypatch.setattr(workers, "SILENT_S", 5.0)
    away = f"postgres://nobody:secretive@127.0.0.1:{free_port()}/none"
    env = {"LICS_DATA_DIR": str(data_dir), "DATABASE_URL": away, "LICS_ADMIN_TOKEN": TOKEN, "LICS_PORT": str(free_port())}
    ended: list[int] = []
    crew = Workers(1, command_words("lics web --ready {ready}"), env, ended.append)
    others = {child.pid for child in psutil.Process().children()}  # servers of other tests

    def workers_now() -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if child.pid not in others]

    await crew.start()
    try:
        (first,) = workers_now()
        await asyncio.sleep(5.5)  # longer than anybody may be silent
        assert ended == [], "one that beats is left alone"
        first.suspend()
        await eventually(lambda: ended == [first.pid], what="the hung one is killed")
        await eventually(lambda: [child for child in workers_now() if child.pid != first.pid], what="another is started")
    finally:
        await crew.stop()


async def test_a_worker_that_never_comes_to_work_is_given_up() -> None:
    ended: list[int] = []
    words = [sys.executable, "-c", "raise SystemExit(3)"]
    policy = Policy(intensity=2, backoff_s=0.01, backoff_max_s=0.05, ping_every_s=None, look_every_s=None)
    workers = Workers(COUNT, words, {}, ended.append, policy=policy)
    async with asyncio.timeout(PATIENCE_S):
        await workers.start()
        assert workers.failed.is_set()
        await workers.stop()
    assert len(set(ended)) == 3 * COUNT


async def test_clients_of_all_workers_are_told_the_same_and_a_killed_worker_takes_only_its_own(
    data_dir: Path, database_url: str, redis_url: str
) -> None:
    web = Running(data_dir, DATABASE_URL=database_url, REDIS_URL=redis_url, LICS_WEB_WORKERS=str(COUNT))
    bus = LivePublisher(redis_url, "")
    speaking = asyncio.create_task(bus.run())
    try:
        await eventually(lambda: len(workers_of(web)) == COUNT, what="all workers listen")
        port = (await asyncio.to_thread(web.place))["port"]
        async with AsyncExitStack() as stack:
            viewers = []
            for _ in range(24):  # of two workers, one has all of them once in eight million runs
                socket_ = await stack.enter_async_context(connect(f"ws://127.0.0.1:{port}/ws", proxy=None))
                viewers.append(await Viewer(socket_).sign_in(TOKEN))
                await viewers[-1].subscribe("fleet")
            for n in range(10):
                bus.publish("fleet", NodeLive(f"rack:{n}", "restarted", None, datetime.now(UTC)), keep=True)
            heard = [[(await viewer.until("event"))["n"] for _ in range(10)] for viewer in viewers]
            assert all(numbers == heard[0] for numbers in heard)
            victim = workers_of(web)[0]
            victim.kill()
            bus.publish("fleet", NodeLive("rack:x", "restarted", None, datetime.now(UTC)), keep=True)
            told = await asyncio.gather(*(viewer.until("event") for viewer in viewers), return_exceptions=True)
            cut = [viewer for viewer, got in zip(viewers, told, strict=True) if isinstance(got, ConnectionClosed)]
            assert 0 < len(cut) < len(viewers)
            assert all(isinstance(got, dict | ConnectionClosed) for got in told), told
            await asyncio.to_thread(victim.wait, PATIENCE_S)  # it listens to its very end: until then a newcomer may come to it
            again = await stack.enter_async_context(connect(f"ws://127.0.0.1:{port}/ws", proxy=None))
            back = await Viewer(again).sign_in(TOKEN)
            await back.subscribe("fleet", after=heard[0][-1])
            assert [message["event"]["node"] for message in back.seen if message["kind"] == "event"] == ["rack:x"]
            began = time.monotonic()
            web.process.send_signal(signal.SIGTERM)
            assert await back.close_code() == 1001
            assert time.monotonic() - began < PATIENCE_S / 4, "nobody is waited for"
        assert await asyncio.to_thread(web.process.wait, PATIENCE_S) == 0
    finally:
        speaking.cancel()
        web.process.kill()
        web.process.wait()
        web.log.close()
