"""`lics web` as a process: starts whatever is away, says where it is, refuses a taken port, stops at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.web.conftest import BEARER, TOKEN
from tests.waiting import wait_until

STOPS_WITHIN_S = 15.0  # a second of grace for what is under way, and a busy machine; it never waits for clients
FOREIGN = ("LICS_", "DATABASE_", "REDIS_", "MQTT_")
ANY = {"DATABASE_URL": "postgres://a:b@127.0.0.1/c", "LICS_PORT": "0", "PROMETHEUS_PORT": "0"}


class Running:
    """A `lics web` of the test's own."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.log = (data_dir / "web.log").open("w+")
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("LICS_", "DATABASE_", "REDIS_", "MQTT_"))
        }
        given = {
            "LICS_DATA_DIR": str(data_dir),
            "LICS_ADMIN_TOKEN": TOKEN,
            "LICS_PORT": "0",
            "PROMETHEUS_PORT": "0",
            **environment,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lics_actors", "web"], env=clean | given, stdout=self.log, stderr=self.log
        )

    def place(self) -> dict[str, Any]:
        """Return where it serves, once it does."""
        path = self.data_dir / "run" / "web.json"
        place: dict[str, Any] = wait_until(lambda: json.loads(path.read_text()), what=f"{path} appears")
        return place

    def url(self, path: str) -> str:
        """Return an address of the API."""
        return f"http://127.0.0.1:{self.place()['port']}{path}"

    def said(self) -> str:
        """Return what it wrote."""
        return Path(self.log.name).read_text()

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Stop it; return how long it took, in seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(10) == 0, self.said()
        return time.monotonic() - began


@pytest.fixture
def running(data_dir: Path, free_port: Callable[[], int]) -> Iterator[Running]:
    """A web whose database and fleet are away."""
    web = Running(data_dir, DATABASE_URL=f"postgres://nobody:secretive@127.0.0.1:{free_port()}/none")
    yield web
    with contextlib.suppress(ProcessLookupError):
        web.process.kill()
    web.process.wait()


def test_it_serves_while_everything_is_away_and_says_so(running: Running) -> None:
    health = httpx.get(running.url("/health"))
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    devices = httpx.get(running.url("/api/v1/devices"), headers=BEARER)
    assert (devices.status_code, devices.json()["detail"]["code"]) == (503, "DATABASE_UNAVAILABLE")
    fleet = httpx.get(running.url("/api/v1/fleet"), headers=BEARER)
    assert (fleet.status_code, fleet.json()["detail"]["code"]) == (503, "FLEET_UNAVAILABLE")
    metrics = httpx.get(f"http://127.0.0.1:{running.place()['metrics_port']}/metrics").text
    assert "lics_fleet_up 0.0" in metrics
    assert 'api_requests_total{endpoint="/api/v1/fleet",method="GET",status="503"} 1.0' in metrics
    assert "secretive" not in running.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_leaves_nothing_behind(running: Running, number: int) -> None:
    address = ("127.0.0.1", running.place()["port"])
    with socket.create_connection(address) as idle, socket.create_connection(address) as half:
        idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: lab\r\n\r\n")
        assert b"200" in idle.recv(1000)
        half.sendall(b"POST /api/v1/devices HTTP/1.1\r\nHost: lab\r\nContent-Length: 99999\r\n\r\n{")
        assert running.stop(number) < STOPS_WITHIN_S
    assert not (running.data_dir / "run" / "web.json").exists()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(address)


def test_a_taken_port_is_told_in_a_sentence(running: Running, free_port: Callable[[], int]) -> None:
    place = running.place()
    for name, port in (("LICS_PORT", place["port"]), ("PROMETHEUS_PORT", place["metrics_port"])):
        refused = subprocess.run(
            [sys.executable, "-m", "lics_actors", "web"],
            env=os.environ
            | {
                "LICS_DATA_DIR": str(running.data_dir),
                "DATABASE_URL": "postgres://a:b@127.0.0.1/c",
                "LICS_PORT": "0",
                "PROMETHEUS_PORT": "0",
            }
            | {name: str(port)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert refused.returncode == 2
        assert f"port {port} of 127.0.0.1 is in use" in refused.stderr.replace("\n", " ")
        assert name in refused.stderr
        assert "Traceback" not in refused.stderr


def test_headers_that_never_end_and_bytes_that_are_no_http_cost_nobody_else(running: Running) -> None:
    address = ("127.0.0.1", running.place()["port"])
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(socket.create_connection(address)) for _ in range(50)]
        for n, stranger in enumerate(strangers):
            stranger.sendall(b"\x16\x03\x01\x00" if n % 2 else b"GET /health HTTP/1.1\r\nX-Slow: ")
        big = stack.enter_context(socket.create_connection(address))
        with contextlib.suppress(OSError):
            big.sendall(b"GET / HTTP/1.1\r\nX-Big: " + b"x" * 1_000_000)
        assert httpx.get(running.url("/health/live")).status_code == 200
        strangers[0].settimeout(15)
        assert strangers[0].recv(1000)[:12] in {b"", b"HTTP/1.1 408", b"HTTP/1.1 400"}  # closed, not kept for ever
    assert running.process.poll() is None
