"""The fleet and its devices from the command line: real database, broker, simulated devices and processes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.settings import load_settings
from drivers.native.demo import demo_devices
from lics_actors.client import FleetClient
from lics_actors.device.messages import BrokerSpec
from lics_actors.fleet.cache import read_cache
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.store.repository import NewDevice, Repository
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

PUMP = demo_devices()[0]


@pytest.fixture
async def laboratory(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> AsyncIterator[Laboratory]:
    """A laboratory whose fleet is not started yet, and without web."""
    laboratory = Laboratory(data_dir, database_url, redis_url, broker, free_port)
    try:
        yield laboratory
    finally:
        await laboratory._leave()


async def said(laboratory: Laboratory, *words: str, code: int = 0) -> Any:
    """Return the JSON document of a command that ends with `code`."""
    ended, text = await laboratory.cli(*words, "--json")
    assert ended == code, text
    return json.loads(text)


async def fleet_runs(laboratory: Laboratory, devices: int) -> dict[str, Any]:
    """Wait until the fleet runs so many devices; return the tree's nodes by name."""

    client = await FleetClient.open(load_settings(data_dir=laboratory.data_dir))

    async def check() -> bool:
        nodes = _below(await client.tree())
        return sum(node.kind == "device" and node.state is NodeState.RUNNING for node in nodes) == devices

    try:
        await eventually(check)
    finally:
        await client.close()
    return {node["name"]: node for node in _all(await said(laboratory, "fleet", "tree"))}


def _below(node: NodeView) -> list[NodeView]:
    return [node, *(below for child in node.children for below in _below(child))]


def _all(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(below for child in node["children"] for below in _all(child))]


async def test_a_pump_from_registration_to_reward(laboratory: Laboratory) -> None:
    assert (await laboratory.cli("device", "list"))[1].startswith("no devices")
    laboratory.start("fleet", "fleet", "run")
    await fleet_runs(laboratory, 0)
    added = await said(laboratory, "device", "add", "pump-1", "--type", "pump", "--id", str(PUMP.id), "--location", "room 2")
    assert (added["name"], added["fleet_told"]) == ("pump-1", True)
    await fleet_runs(laboratory, 1)
    async with laboratory.simulator(PUMP, rate_hz=5.0):
        await eventually(lambda: _online(laboratory))

        done = await said(laboratory, "device", "command", "pump-1", "dispense", "volume_ul=20", "--reason", "reward")
        assert (done["state"], done["principal"].split(":")[0], done["reason"]) == ("succeeded", "cli", "reward")
        assert next(step["state"] for step in done["steps"]) == "accepted"
        code, text = await laboratory.cli("device", "command", "PUMP-1", "dispense", "volume_ul=20")
        assert code == 0 and "succeeded" in text and " ms" in text

        code, text = await laboratory.cli("device", "command", "pump-1", "dispense", "volume_ul=lots")
        assert code == 2 and "volume_ul" in text
        code, text = await laboratory.cli("device", "command", "pump-1", "explode")
        assert code == 2
        later = await said(laboratory, "device", "command", str(PUMP.id), "dispense", "volume_ul=1", "--no-wait")
        assert later["state"] in {"accepted", "dispatched", "delivered", "executing", "succeeded"}

        telemetry = await eventually(lambda: _telemetry(laboratory))
        assert {item["metric"] for item in telemetry} and all(isinstance(item["value"], float) for item in telemetry)
        metric = telemetry[0]["metric"]
        words = ("device", "telemetry", "pump-1", "--metric", metric, "--bucket", "1h", "--agg", "count")
        counted = await said(laboratory, *words)
        assert counted["items"][0]["value"] >= 1
        assert (await laboratory.cli("device", "telemetry", "pump-1"))[0] == 0

    code, text = await laboratory.cli("device", "command", "pump-1", "dispense", "volume_ul=20", "--timeout", "1s")
    assert code in {1, 3} and "Traceback" not in text
    code, text = await laboratory.cli("device", "show", "pump-1")
    assert code == 0 and "room 2" in text and "dispense volume_ul=" in text and "offline" in text


async def _online(laboratory: Laboratory) -> bool:
    shown = await said(laboratory, "device", "show", "pump-1")
    return bool(shown["now"] and shown["now"]["status"] == "online")


async def _telemetry(laboratory: Laboratory) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await said(laboratory, "device", "telemetry", "pump-1", "--last", "10m"))["items"]
    return items


async def test_operators_see_and_restart_the_tree(laboratory: Laboratory) -> None:
    await said(laboratory, "device", "add", "cage-1", "--type", "lickometer")
    await said(laboratory, "device", "add", "[red]cage-2", "--type", "other", "--silent", "2m")
    laboratory.start("fleet", "fleet", "run")
    before = await fleet_runs(laboratory, 2)
    assert before["recorder"]["state"] == before["registrar"]["state"] == "running"

    code, text = await laboratory.cli("fleet", "tree")
    assert code == 0 and "cage-1" in text and "[red]cage-2" in text and "2 of 2 device actors run" in text
    code, text = await laboratory.cli("fleet", "watch", "--interval", "0.2", "--looks", "2")
    assert code == 0 and text.count("2 of 2 device actors run") >= 2

    restarted = await said(laboratory, "fleet", "restart", "cage-1", "--reason", "a new cable")
    after = await fleet_runs(laboratory, 2)
    changed = {name for name, node in after.items() if node["pid"] != before[name]["pid"]}
    assert changed == {restarted["node"]}
    code, text = await laboratory.cli("fleet", "restart", "cage-3")
    assert code == 1 and "lics fleet tree" in text

    watching = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lics_actors", "fleet", "watch"),
        cwd=laboratory.data_dir,
        env=laboratory.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell starts what runs in its background
    )
    assert watching.stdout is not None
    await asyncio.wait_for(watching.stdout.readline(), 40)
    watching.send_signal(signal.SIGINT)
    text = (await asyncio.wait_for(watching.stdout.read(), 40)).decode()
    assert (await watching.wait(), "Traceback" in text) == (0, False)

    await laboratory.stop("fleet")
    for words in (("fleet", "tree"), ("fleet", "watch"), ("fleet", "restart", "cage-1"), ("device", "command", "cage-1", "x")):
        code, text = await laboratory.cli(*words)
        assert code == 3 and "the fleet is not running" in text and "Traceback" not in text
    added = await said(laboratory, "device", "add", "cage-4", "--type", "pump")
    assert added["fleet_told"] is False


async def test_what_is_no_device_is_refused_with_the_place(laboratory: Laboratory) -> None:
    code, text = await laboratory.cli("device", "add", "x", "--type", "toaster", "--driver", "mqtt_io", "--setting", "sensors=1")
    assert code == 2 and "type:" in text and "settings.topic_prefix:" in text and "settings.sensors" in text
    await said(laboratory, "device", "add", "x", "--type", "pump")
    code, text = await laboratory.cli("device", "add", "x", "--type", "pump")
    assert code == 1 and "called 'x'" in text
    for words in (("show", "y"), ("telemetry", "y")):
        code, text = await laboratory.cli("device", *words)
        assert code == 1 and "no device called 'y'" in text
    code, _ = await laboratory.cli("device", "telemetry", "x", "--last", "soon")
    assert code == 2


async def test_a_device_nobody_told_the_fleet_of_is_found_and_kept_for_a_start_without_database(laboratory: Laboratory) -> None:
    laboratory.start("fleet", "fleet", "run")
    await fleet_runs(laboratory, 0)
    repository = await Repository.connect(laboratory.database_url, pool_size=1, max_overflow=0)
    row = await repository.create_device(NewDevice("quiet", "pump", "native", "user:ada"))
    await repository.close()
    await said(laboratory, "fleet", "restart", "registrar")  # it reads every half minute, and when it begins
    await fleet_runs(laboratory, 1)
    assert [spec.device_id for spec in (read_cache(laboratory.data_dir / "devices.json") or ((),))[0]] == [row.id]


async def test_a_fleet_started_without_its_database_takes_over_what_it_says_when_it_comes(laboratory: Laboratory) -> None:
    await said(laboratory, "device", "add", "old", "--type", "pump")
    laboratory.start("fleet", "fleet", "run")
    before = await fleet_runs(laboratory, 1)
    await eventually(lambda: read_cache(laboratory.data_dir / "devices.json"))
    await laboratory.stop("fleet")
    await said(laboratory, "device", "add", "new", "--type", "pump")

    real, port = urlsplit(laboratory.database_url), laboratory.free_port()
    away = real._replace(netloc=real.netloc.replace(f":{real.port}", f":{port}")).geturl()
    laboratory.environment["DATABASE_URL"] = away
    laboratory.start("fleet", "fleet", "run")
    after = await fleet_runs(laboratory, 1)
    assert after["registrar"]["word"] == "cache"
    assert set(after) == set(before)
    async with forwarder(port, real.hostname or "", real.port or 0):
        await fleet_runs(laboratory, 2)


@asynccontextmanager
async def forwarder(port: int, host: str, target: int) -> AsyncIterator[None]:
    """Be the database's address."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(host, target)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    server = await asyncio.start_server(connect, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_a_device_that_was_just_registered_is_kept_for_a_start_without_database(laboratory: Laboratory) -> None:
    laboratory.start("fleet", "fleet", "run")
    await fleet_runs(laboratory, 0)
    await said(laboratory, "device", "add", "fresh", "--type", "pump")
    kept = laboratory.data_dir / "devices.json"
    await eventually(
        lambda: [spec.name for spec in (read_cache(kept) or ((),))[0]] == ["fresh"], 20, "long before the next half minute"
    )
