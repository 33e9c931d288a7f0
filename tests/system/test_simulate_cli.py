"""`lics simulate` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from drivers.native.demo import DEMO_CAGES, counted_devices, demo_devices
from lics_actors.device.messages import BrokerSpec
from tests.waiting import PATIENCE_S, eventually, wait_until

ROOT = Path(__file__).resolve().parents[2]


def environment(broker: BrokerSpec, data_dir: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LICS_", "MQTT_", "DATABASE_"))}
    own |= {"LICS_DATA_DIR": str(data_dir), "MQTT_BROKER_URL": broker.host, "MQTT_BROKER_PORT": str(broker.port)}
    return own | {"MQTT_TOPIC_PREFIX": broker.prefix, "PYTHONPATH": str(ROOT)}


@contextmanager
def simulate(broker: BrokerSpec, data_dir: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "lics_actors", "simulate", *words]
    process = subprocess.Popen(
        command, env=environment(broker, data_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=data_dir
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def statuses(broker: BrokerSpec, state: str, count: int) -> dict[str, dict[str, object]]:
    """Wait until `count` devices have this retained status; return them by id."""
    seen: dict[str, dict[str, object]] = {}

    async def found() -> bool:
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await client.subscribe(f"{broker.prefix}devices/+/status", 1)
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                said = msgspec.json.decode(message.payload)
                if said["state"] == state:
                    seen[message.topic.value.split("/")[-2]] = said
                if len(seen) == count:
                    return True
        return False

    await eventually(found, what=f"{count} devices {state}")
    return seen


async def test_sigterm_ends_it_cleanly_and_the_next_run_is_the_next_boot(broker: BrokerSpec, data_dir: Path) -> None:
    expected = {str(each.id) for each in counted_devices(4)}
    for epoch in (1, 2):
        with simulate(broker, data_dir, "--count", "4", "--rate", "5") as process:
            online = await statuses(broker, "online", 4)
            assert set(online) == expected and {said["epoch"] for said in online.values()} == {epoch}
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0, errors
            assert "Traceback" not in errors
        offline = await statuses(broker, "offline", 4)
        assert {said["reason"] for said in offline.values()} == {"stopped"}


async def test_the_demo_is_all_there_and_runs_once(broker: BrokerSpec, data_dir: Path) -> None:
    with simulate(broker, data_dir, "--demo", "--rate", "0", "--subject-model", "ideal", "--subject-speed", "5"):
        online = await statuses(broker, "online", 3 * DEMO_CAGES)
        assert set(online) == {str(each.id) for each in demo_devices()}
        with simulate(broker, data_dir, "--demo") as second:
            _, errors = second.communicate(timeout=PATIENCE_S)
            assert second.returncode == 1 and "simulated already" in errors and "Traceback" not in errors


def test_it_says_when_it_waits_for_the_broker(data_dir: Path, free_port: object) -> None:
    assert callable(free_port)
    with simulate(BrokerSpec("127.0.0.1", free_port()), data_dir, "--count", "1") as process:
        wait_until((data_dir / "simulator" / "count" / "ledger.sqlite").exists)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0 and "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "either --demo or --count"),
        (("--demo", "--count", "3"), "either --demo or --count"),
        (("--count", "1", "--fault", "meteor=1"), "the knobs are"),
        (("--count", "1", "--fault", "delay"), "the knobs are"),
        (("--count", "1", "--fault", "delay=soon"), "a probability from 0 to 1"),
        (("--count", "1", "--fault", "delay=nan"), "a probability from 0 to 1"),
        (("--count", "1", "--fault", "nobody:delay=1"), "no simulated device is called nobody"),
    ],
)
def test_mistakes_are_told_in_a_sentence(data_dir: Path, words: tuple[str, ...], says: str) -> None:
    with simulate(BrokerSpec("127.0.0.1", 1), data_dir, *words) as process:
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2 and says in errors and "Traceback" not in errors


def test_the_devices_can_be_listed_without_a_broker(data_dir: Path) -> None:
    with simulate(BrokerSpec("127.0.0.1", 1), data_dir, "--demo", "--list", "--json") as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert [each["id"] for each in json.loads(out)["devices"]] == [str(each.id) for each in demo_devices()]
