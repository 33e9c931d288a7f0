"""`lics up`: a whole laboratory comes up, is of use, survives its parts, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.settings import load_settings
from lics_actors.services.readiness import fetch
from tests.waiting import wait_until

HOME = Path(__file__).resolve().parents[2]
LIVE_S = 60.0  # the promise is 20 s on a free machine; this one may be busy with other tests
WITHOUT_MOSQUITTO = "import shutil, sys; shutil.which = lambda *_, **__: None; from lics_actors.__main__ import main; main()"


class Up:
    """`lics up` in its own data directory, on its own ports."""

    def __init__(self, data_dir: Path, ports: dict[str, int]) -> None:
        self.data_dir, self.ports = data_dir, ports
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(data_dir),
            "PYTHONPATH": str(HOME),
            "LICS_DATA_DIR": str(data_dir / "lab"),
            **{name: str(port) for name, port in ports.items()},
        }
        self.output = data_dir / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str, program: tuple[str, ...] = ("-m", "lics_actors")) -> None:
        """Start it, its output going to a file."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", *program, "up", *words], cwd=self.data_dir, env=self.env, stdout=output, stderr=output
            )

    def said(self) -> str:
        """Return what it has said."""
        return self.output.read_text()

    def live(self) -> None:
        """Wait until it says that it is up."""

        def up() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode}")
            return "Ctrl-C stops everything" in self.said()

        try:
            wait_until(up, LIVE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()}\n{self.logs()}") from None

    def logs(self) -> str:
        """Return the end of every log."""
        logs = sorted((self.data_dir / "lab" / "log").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    def lics(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another `lics` command against it."""
        command = [sys.executable, "-P", "-m", "lics_actors", *words]
        return subprocess.run(command, cwd=self.data_dir, env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def get(self, path: str) -> Any:
        """GET a document as administrator."""
        settings = load_settings(data_dir=self.data_dir / "lab", port=self.ports["LICS_PORT"])
        status, body = fetch(settings, path)
        assert status == 200, body
        return body

    def family(self) -> list[psutil.Process]:
        """Return every process it has started."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal; return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def part(self, name: str) -> psutil.Process:
        """Return a part's process by what it runs."""
        marks = {
            "postgres": lambda words: words[0].endswith("/postgres"),
            "valkey": lambda words: "valkey-server" in words[0],
            "mosquitto": lambda words: words[0].endswith("mosquitto"),
            "fleet": lambda words: words[-2:] == ["fleet", "run"],
            "web": lambda words: words[-2:] == ["lics_actors", "web"],
        }
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if (words := child.cmdline()) and marks[name](words))


def gone(family: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)


@pytest.fixture
def lab(data_dir: Path, free_port: Callable[[], int]) -> Iterator[Up]:
    up = Up(data_dir, {name: free_port() for name in ("LICS_PORT", "PROMETHEUS_PORT", "LICS_FLEET_PORT")})
    yield up
    if up.process is not None and up.process.poll() is None:
        up.process.kill()
        up.process.wait()


def nothing_left(lab: Up, family: list[psutil.Process], ports: list[int]) -> None:
    wait_until(lambda: gone(family), what="every process is gone")
    wait_until(lambda: not held(lab, ports), what="nobody of ours listens")
    sockets = [path for path in lab.data_dir.rglob("*") if path.is_socket()]
    assert sockets == []
    assert not (lab.data_dir / "lab" / "run" / "endpoints.json").exists()


def held(lab: Up, ports: list[int]) -> list[int]:
    """Return who still listens on such a port and works for this laboratory; a port that is free may be taken by anybody."""
    those = {c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr[1] in ports}
    return [pid for pid in those if pid is None or _works_for(pid, str(lab.data_dir))]


def _works_for(pid: int, mark: str) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return mark in " ".join([*process.cmdline(), *process.environ().values()])
    return False


def listening(family: list[psutil.Process]) -> list[int]:
    pids = {process.pid for process in family}
    connections = psutil.net_connections("tcp")
    return sorted({c.laddr[1] for c in connections if c.status == psutil.CONN_LISTEN and c.pid in pids})


@pytest.mark.linux
def test_the_demo_is_live_of_use_gone_on_ctrl_c_and_there_again(lab: Up) -> None:
    lab.start("--demo")
    lab.live()
    assert "24 of 24 devices online" in lab.said()
    token = (lab.data_dir / "lab" / "secrets" / "admin_token").read_text()
    assert token not in lab.said(), "no terminal, no token"

    listed = json.loads(lab.lics("device", "list", "--json").stdout)
    assert len(listed["items"] if isinstance(listed, dict) else listed) == 24
    done = lab.lics("device", "command", "cage-1-pump", "dispense", "volume_ul=20", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "succeeded"
    pump = next(device for device in lab.get("/api/v1/devices?limit=500")["items"] if device["name"] == "cage-1-pump")
    commands = lab.get(f"/api/v1/devices/{pump['id']}/commands")["items"]
    assert [command["state"] for command in commands] == ["succeeded"]

    family = lab.family()
    ports = listening(family)
    assert set(lab.ports.values()) <= set(ports)
    second = lab.lics("up", "--demo")
    assert second.returncode == 1
    assert lab.process is not None
    assert f"pid {lab.process.pid}" in second.stderr
    assert str(lab.ports["LICS_PORT"]) in second.stderr
    assert lab.lics("doctor").returncode == 0

    started = time.monotonic()
    assert lab.end() == 0
    assert time.monotonic() - started < 30, "nobody was waited for until his time was over"
    nothing_left(lab, family, ports)

    lab.start("--demo")
    lab.live()
    assert lab.get(f"/api/v1/devices/{pump['id']}/commands")["items"] == commands
    assert lab.end(signal.SIGTERM) == 0


@pytest.mark.linux
def test_it_survives_the_death_of_every_part_and_leaves_nothing_when_it_is_killed_itself(lab: Up) -> None:
    lab.start("--demo")
    lab.live()
    ports = listening(lab.family())
    for name in ("postgres", "valkey", "mosquitto", "web", "fleet"):
        victim = lab.part(name)
        victim.kill()
        wait_until(lambda victim=victim, name=name: lab.part(name).pid != victim.pid, what=f"{name} is back")
    wait_until(lambda: lab.get("/health")["status"] == "healthy")

    def online() -> bool:
        racks = [rack for rack in lab.get("/api/v1/fleet")["children"] if rack["kind"] == "rack"]
        devices = [device for rack in racks for device in rack["children"]]
        return len(devices) == 24 and all(device["word"] == "online" for device in devices)

    wait_until(online, 40, "24 devices are online again")
    assert "went down" in lab.said()
    assert "runs again" in lab.said()
    done = lab.lics("device", "command", "cage-2-pump", "dispense", "volume_ul=5", "--json")
    assert json.loads(done.stdout)["state"] == "succeeded", done.stderr

    family = lab.family()
    ports = sorted({*ports, *listening(family)})
    assert lab.process is not None
    lab.process.kill()
    lab.process.wait()
    wait_until(lambda: gone(family), what="what it started dies with it")
    wait_until(lambda: not held(lab, ports), what="nobody of ours listens")
    doctor = lab.lics("doctor")
    assert doctor.returncode == 0, doctor.stdout

    lab.start("--demo")
    lab.live()
    assert lab.end() == 0


@pytest.mark.linux
def test_it_runs_on_the_fallback_broker_and_says_what_that_guarantees(lab: Up) -> None:
    lab.start("--demo", program=("-c", WITHOUT_MOSQUITTO))
    lab.live()
    assert "amqtt" in lab.said()
    assert "loses sessions" in " ".join(lab.said().replace("│", " ").split())
    done = lab.lics("device", "command", "cage-3-pump", "dispense", "volume_ul=5", "--json")
    assert json.loads(done.stdout)["state"] == "succeeded", done.stderr
    assert lab.end() == 0


@pytest.mark.parametrize("setting", ["LICS_PORT", "PROMETHEUS_PORT", "LICS_FLEET_PORT"])
def test_a_port_in_use_is_a_sentence(lab: Up, setting: str) -> None:
    with socket.create_server(("127.0.0.1", lab.ports[setting])):
        done = lab.lics("up")
    assert done.returncode == 1
    assert f"port {lab.ports[setting]} on 127.0.0.1 is in use by" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert f"{setting}=" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.linux
def test_ctrl_c_while_it_starts_leaves_nothing(lab: Up) -> None:
    lab.start("--demo")
    wait_until(lambda: "postgres" in lab.said())
    family = lab.family()
    ports = listening(family)
    assert lab.end() == 0
    nothing_left(lab, family, ports)
    assert "Traceback" not in lab.said()


@pytest.mark.linux
def test_a_second_ctrl_c_kills_what_hangs(lab: Up) -> None:
    lab.start()
    lab.live()
    family = lab.family()
    hung = lab.part("web")
    hung.suspend()
    assert lab.process is not None
    lab.process.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in lab.said())
    assert lab.process.poll() is None
    assert lab.end() == 0
    wait_until(lambda: gone(family))


def test_a_server_that_cannot_start_is_a_sentence_with_its_log(lab: Up) -> None:
    cluster = lab.data_dir / "lab" / "postgres" / "18"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("nonsense")
    done = lab.lics("up")
    assert done.returncode == 1
    assert "error: postgres ended at once" in done.stderr
    assert "postgresql.conf" in done.stderr, "the end of the server's own log"
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_cannot_be_made_is_a_sentence(lab: Up) -> None:
    (lab.data_dir / "lab").write_text("a file")
    done = lab.lics("up")
    assert done.returncode == 1
    assert "LICS_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_anothers_is_taken_for_ours(lab: Up) -> None:
    (lab.data_dir / "elsewhere" / "web").mkdir(parents=True)
    (lab.data_dir / "elsewhere" / "web" / "__init__.py").touch()
    lab.env["PYTHONPATH"] = f"{lab.data_dir / 'elsewhere'}{os.pathsep}{HOME}"
    done = lab.lics("up")
    assert done.returncode == 1
    assert "not LICS's own" in done.stderr
