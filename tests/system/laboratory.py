"""A whole laboratory for a test: fleet and web as real processes over the test's servers, and an HTTP client of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
import psutil

from drivers.native.demo import DemoDevice
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from lics_actors.device.messages import BrokerSpec
from lics_actors.fleet.recorders import recorder_number
from lics_actors.recorder.session import SESSION_FILE
from lics_actors.services.readiness import DEAF
from tests.waiting import PATIENCE_S, eventually, wait_until

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-tests-on-loopback-0123456789"
SAID = ("telemetry", "events")
SUBSCRIBED = "subscriptions changed"  # lics_actors/recorder/session.py logs it
STOP_S = 30.0  # what it gives its parts, and what a busy machine adds


@dataclass(slots=True)
class Laboratory:
    """Fleet and web of one data directory. `async with` starts both and stops both; each may be stopped and killed alone."""

    data_dir: Path
    database_url: str
    redis_url: str
    broker: BrokerSpec
    free_port: Callable[[], int]
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    api: httpx.AsyncClient = field(init=False)
    environment: dict[str, str] = field(init=False)
    metrics_url: str = field(init=False)

    def __post_init__(self) -> None:
        port, metrics, fleet = self.free_port(), self.free_port(), self.free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LICS_", "MQTT_", "DATABASE_"))},
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "MQTT_BROKER_URL": self.broker.host,
            "MQTT_BROKER_PORT": str(self.broker.port),
            "MQTT_TOPIC_PREFIX": self.broker.prefix,
            "LICS_DATA_DIR": str(self.data_dir),
            "LICS_PORT": str(port),
            "PROMETHEUS_PORT": str(metrics),
            "LICS_FLEET_PORT": str(fleet),
            "LICS_ADMIN_TOKEN": TOKEN,
            "PYTHONPATH": str(ROOT),
            **self.settings,
        }
        self.metrics_url = f"http://127.0.0.1:{metrics}/metrics"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.api = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE_S)

    async def __aenter__(self) -> Self:
        try:
            self.start("fleet", "fleet", "run")
            self.start("web", "web")
            await eventually(self._answers, what="web answers")
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._show_logs()
        await self._leave()

    def start(self, name: str, *arguments: str) -> None:
        """Start `lics …` as the process `name`, its output in the data directory."""
        log = self.data_dir / f"{name}.out"
        with log.open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "lics_actors", *arguments],
                cwd=self.data_dir,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def stop(self, name: str) -> None:
        """SIGTERM, and wait until it has ended."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, STOP_S)

    async def cli(self, *arguments: str) -> tuple[int, str]:
        """Run `lics …` to its end; return exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lics_actors", *arguments),
            cwd=self.data_dir,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode or 0, output.decode()

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of an answer that must be 200."""
        answer = await self.api.get(path, params=query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    async def register(self, device: DemoDevice, **more: Any) -> None:
        """Register a device over REST."""
        body = {
            "id": str(device.id),
            "name": device.name,
            "type": device.type,
            "driver": device.driver,
            "location": device.location,
            **more,
        }
        answer = await self.api.post("/api/v1/devices", json=body)
        assert answer.status_code == 201, answer.text

    async def device(self, device_id: UUID) -> Any:
        """Return a device as the API has it."""
        return await self.get(f"/api/v1/devices/{device_id}")

    async def is_link(self, device_id: UUID, link: str) -> bool:
        """Return whether a device's link is as said."""
        return bool((await self.device(device_id))["link"] == link)

    async def command(self, device_id: UUID, name: str, args: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Command a device over REST."""
        body = {"name": name, "args": dict(args or {}), **more}
        return await self.api.post(f"/api/v1/devices/{device_id}/command", json=body)

    async def records(self) -> None:
        """Wait until its recorder has subscribed: what a device has said before that is nobody's."""
        await eventually(lambda: SUBSCRIBED in (self.data_dir / "fleet.out").read_text(), what="the recorder has subscribed")

    async def nodes(self) -> dict[str, Any]:
        """Return the supervision tree's nodes by name."""
        found: dict[str, Any] = {}

        def walk(node: Any) -> None:
            found[node["name"]] = node
            for child in node["children"]:
                walk(child)

        walk(await self.get("/api/v1/fleet"))
        return found

    async def settled(self, command_id: str, device_id: UUID, *states: str, timeout_s: float = PATIENCE_S) -> Any:
        """Return a command once its state is one of those."""

        async def is_so() -> Any:
            command = await self.get(f"/api/v1/commands/{command_id}", device_id=str(device_id))
            return command if command["state"] in states else None

        return await eventually(is_so, timeout_s, f"command is {' or '.join(states)}")

    def simulator(self, *devices: DemoDevice, **spec: Any) -> Simulator:
        """Return a simulator of those devices, its ledgers in the data directory."""
        specs = [SimulatedDeviceSpec(each.id, each.type, each.name, **spec) for each in devices]
        return Simulator(self.broker, specs, self.data_dir / "simulator")

    async def _answers(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended with {process.returncode}"
        health = await self.api.get("/health")
        if health.json()["status"] != "healthy":
            return False
        found = (await self.nodes()).items()  # of several hosts "host/recorder", of which one listens
        words = [node["word"] for name, node in found if recorder_number(name.rpartition("/")[2]) is not None]
        return not DEAF.issuperset(words)  # else what devices say now is nobody's

    async def _leave(self) -> None:
        await self.api.aclose()
        for name in reversed(list(self.processes)):
            process = self.processes.pop(name)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{name} did not stop within {STOP_S} s") from None

    def _show_logs(self) -> None:
        for log in sorted(self.data_dir.glob("*.out")):
            sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}\n")


def subscribed(data_dir: Path, prefix: str, devices: Iterable[DemoDevice]) -> bool:
    """Return whether the recorders of a data directory have between them asked the broker for what all devices say."""
    files = data_dir.glob(f"spool*/{SESSION_FILE}")
    asked = {name for file in files for name in json.loads(file.read_text())}
    every = {f"{prefix}devices/+/{leaf}" for leaf in SAID}
    return every <= asked or {f"{prefix}devices/{device.id}/{leaf}" for device in devices for leaf in SAID} <= asked


def kill_process(pid: int) -> None:
    """SIGKILL a process of the test's own laboratory, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
