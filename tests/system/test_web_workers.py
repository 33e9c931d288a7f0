"""`LICS_WEB_WORKERS`: several processes on one port, that live and die without each other, and end with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from lics_actors.services.workers import Workers
from lics_actors.supervision.messages import Policy
from tests.unit.web.conftest import BEARER
from tests.unit.web.test_web_serve import Running
from tests.waiting import wait_until

COUNT = 2
STOPS_WITHIN_S = 4.0


def workers_of(running: Running) -> list[psutil.Process]:
    """Return the workers that are at work."""
    children = psutil.Process(running.process.pid).children()
    return [child for child in children if any(held.status == psutil.CONN_LISTEN for held in child.net_connections("tcp"))]


@pytest.fixture
def running(data_dir: Path, free_port: Callable[[], int]) -> Iterator[Running]:
    """A web with several workers, whose database and fleet are away."""
    address = f"postgres://nobody:secretive@127.0.0.1:{free_port()}/none"
    web = Running(data_dir, DATABASE_URL=address, LICS_WEB_WORKERS=str(COUNT), PROMETHEUS_PORT="0")
    wait_until(lambda: len(workers_of(web)) == COUNT, 40, "all workers listen")
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


def test_they_share_the_port_and_are_measured_as_one_even_when_one_is_killed(running: Running) -> None:
    ask(running, 20)
    assert counted(running) == 20
    assert running.place()["workers"] == COUNT
    victim = workers_of(running)[0]
    victim.kill()
    wait_until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE, 5)
    ask(running, 10)  # the other one answers, at once
    assert counted(running) == 30
    wait_until(lambda: len(workers_of(running)) == COUNT, 40, "it is started again")
    ask(running, 10)
    assert counted(running) == 40
    assert running.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_they_stop_together_and_leave_nothing_behind(running: Running, number: int) -> None:
    address, children = ("127.0.0.1", running.place()["port"]), workers_of(running)
    assert running.stop(number) < STOPS_WITHIN_S
    assert not any(child.is_running() for child in children)
    assert list((running.data_dir / "run").iterdir()) == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(address)


@pytest.mark.linux
def test_a_killed_parent_leaves_no_orphan(running: Running) -> None:
    children = workers_of(running)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(5)
    wait_until(lambda: not any(child.is_running() for child in children), 5, "the workers are gone")


def test_nobody_else_gets_onto_the_port(running: Running) -> None:
    port = str(running.place()["port"])
    (running.data_dir / "other").mkdir()
    second = Running(
        running.data_dir / "other", LICS_PORT=port, LICS_WEB_WORKERS=str(COUNT), DATABASE_URL="postgres://a:b@127.0.0.1/c"
    )
    try:
        assert second.process.wait(20) == 2
        assert f"port {port} of 127.0.0.1 is in use" in second.said().replace("\n", " ")
    finally:
        second.process.kill()
        second.process.wait()
        second.log.close()


def test_what_no_worker_could_serve_with_is_told_once(data_dir: Path) -> None:
    web = Running(data_dir, DATABASE_URL="nonsense", LICS_WEB_WORKERS=str(COUNT))
    assert web.process.wait(20) == 2
    assert web.said().count("DATABASE_URL") == 1
    web.log.close()


async def test_a_worker_that_never_comes_to_work_is_given_up() -> None:
    ended: list[int] = []
    words = [sys.executable, "-c", "raise SystemExit(3)"]
    policy = Policy(intensity=2, backoff_s=0.01, backoff_max_s=0.05, ping_every_s=None)
    workers = Workers(COUNT, words, {}, ended.append, policy=policy)
    async with asyncio.timeout(20):
        await workers.start()
        assert workers.failed.is_set()
        await workers.stop()
    assert len(set(ended)) == 3 * COUNT
