"""`lics broker setup`: a mosquitto of the laboratory's own, as its operator makes it, becomes LICS's to keep."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL

import aiomqtt
import pytest

from lics_actors.admission.control import BrokerAccounts, control_spec
from lics_actors.device.messages import BrokerSpec
from lics_actors.services.broker import mosquitto_program, plugin_file
from tests.system.guarded import refused
from tests.waiting import PATIENCE_S, eventually

ROOT = Path(__file__).resolve().parents[2]
ADMIN_WORD = "the operator's own word"


@pytest.fixture
async def theirs(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[BrokerSpec]:
    """A mosquitto with an administrator made by `mosquitto_ctrl dynsec init`, and nobody else."""
    program, control = mosquitto_program(), shutil.which("mosquitto_ctrl")
    if program is None or plugin_file() is None or control is None:
        pytest.skip("mosquitto is not installed, or not its dynamic-security plugin")
    port, accounts, conf = free_port(), data_dir / "dynamic-security.json", data_dir / "mosquitto.conf"
    made = [control, "dynsec", "init", str(accounts), "admin", ADMIN_WORD]
    await asyncio.to_thread(subprocess.run, made, check=True, stdout=DEVNULL, stderr=DEVNULL)
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"plugin {plugin_file()}"]
    conf.write_text("\n".join([*lines, f"plugin_opt_config_file {accounts}", "user root"]))
    process = await asyncio.create_subprocess_exec(program, "-c", str(conf), stdout=DEVNULL, stderr=DEVNULL)
    spec = BrokerSpec("127.0.0.1", port)
    try:
        await eventually(lambda: listens(spec))
        yield spec
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE_S)


async def listens(spec: BrokerSpec) -> bool:
    _, writer = await asyncio.open_connection(spec.host, spec.port)
    writer.close()
    return True


def client(spec: BrokerSpec) -> aiomqtt.Client:
    return aiomqtt.Client(spec.host, spec.port, username=spec.username, password=spec.password, timeout=10.0)


@pytest.mark.mosquitto
async def test_a_mosquitto_of_ones_own_is_set_up_twice_and_kept(theirs: BrokerSpec, data_dir: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LICS_", "MQTT_", "DATABASE_"))}
    environment |= {"MQTT_BROKER_URL": theirs.host, "MQTT_BROKER_PORT": str(theirs.port), "LICS_DATA_DIR": str(data_dir)}
    environment |= {"LICS_BROKER_ADMIN_PASSWORD": ADMIN_WORD, "PYTHONPATH": str(ROOT), "MQTT_TOPIC_PREFIX": "labs/a/"}
    command = [sys.executable, "-m", "lics_actors", "broker", "setup"]
    for _ in range(2):
        run = await asyncio.to_thread(
            subprocess.run, command, cwd=data_dir, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert run.returncode == 0, run.stderr
    words = {name: (data_dir / "secrets" / name).read_text() for name in ("mqtt_password", "mqtt_control_password")}
    assert "MQTT_USERNAME=lics" in run.stdout and not any(word in run.stdout + run.stderr for word in words.values())
    own = replace(theirs, prefix="labs/a/", username="lics", password=words["mqtt_password"])
    assert not await refused(client(own)) and await refused(client(theirs))
    accounts = BrokerAccounts(control_spec(own, "lics-control", words["mqtt_control_password"]))
    assert (await accounts.kept()).clients == frozenset()
    async with client(own) as ours:
        assert [int(code.value) for code in await ours.subscribe("labs/a/#", 1)] == [1]  # type: ignore[union-attr]
        assert [int(code.value) for code in await ours.subscribe("labs/b/#", 1)] == [128]  # type: ignore[union-attr]
    environment["LICS_BROKER_ADMIN_PASSWORD"] = "wrong"
    run = await asyncio.to_thread(
        subprocess.run, command, cwd=data_dir, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 1 and "Traceback" not in run.stderr and "error:" in run.stderr
