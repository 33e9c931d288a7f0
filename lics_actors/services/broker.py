"""The embedded broker: mosquitto where it is installed, else amqtt; both keep sessions and queues over a restart."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import psutil

import config
from lics_actors.services.ports import LOOPBACK
from lics_actors.services.server import Launch, Server

TEMPLATE = Path(config.__file__).with_name("mosquitto.conf.template")
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# MQTT 3.1.1: CONNECT of client "", clean session, keep-alive 5 s; answered by CONNACK (0x20).
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"


class Broker(Server):
    """An embedded MQTT broker on loopback, without credentials."""

    name = "broker"
    product: ClassVar[str]
    guarantee: ClassVar[str]

    async def probe(self) -> None:
        """Connect as a client and wait for the CONNACK."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        try:
            writer.write(CONNECT)
            answer = await reader.readexactly(4)
            if answer[0] != 0x20:
                raise ConnectionError(f"not an MQTT broker: {answer!r}")
            writer.write(b"\xe0\x00")  # DISCONNECT
            await writer.drain()
        finally:
            writer.close()


class Mosquitto(Broker):
    """Eclipse mosquitto ≥ 2.0 from the system's packages."""

    product = "mosquitto"
    guarantee = (
        "QoS 1 is redelivered until acknowledged, sessions and queues survive a restart; "
        "a SIGKILL of the broker may lose what it acknowledged in the last second and had not delivered yet"
    )

    def __init__(self, folder: Path, log: Path, port: int, program: str) -> None:
        super().__init__(folder, log, port)
        self._program = program

    def prepare(self) -> Launch:
        """Write the configuration from config/mosquitto.conf.template."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Started by root it would change to the user `mosquitto`, who cannot write here.
        user = "user root" if os.geteuid() == 0 else ""
        text = TEMPLATE.read_text().format(port=self.port, host=LOOPBACK, folder=self.folder, user=user)
        conf = self.folder / "mosquitto.conf"
        conf.write_text(text)
        # SIGTERM lets it write its queues to disk; it ends within milliseconds.
        return Launch([self._program, "-c", str(conf)], self.folder, death_signal=self.stop_signal)

    def is_ours(self, process: psutil.Process) -> bool:
        """Tell by the program."""
        return process.name() == "mosquitto"


class Amqtt(Broker):
    """amqtt in its own process, with its gaps mended (amqtt_broker.py)."""

    product = "amqtt"
    guarantee = (
        "the fallback without mosquitto: QoS 1 is redelivered until acknowledged while the broker runs; "
        "a stop or a crash of the broker loses sessions, queues and retained messages. Install mosquitto for more"
    )

    def prepare(self) -> Launch:
        """Start this package's broker process."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        argv = [sys.executable, "-m", "lics_actors.services.amqtt_broker", str(self.port)]
        return Launch(argv, self.folder, death_signal=self.stop_signal, env={"PYTHONPATH": str(PACKAGE_ROOT)})

    def is_ours(self, process: psutil.Process) -> bool:
        """Tell by the module it runs."""
        return "lics_actors.services.amqtt_broker" in process.cmdline()


def mosquitto_program() -> str | None:
    """Return mosquitto's path if it is installed and at least 2.0 (older ones know no `listener … bind` address rules)."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if program is None:
        return None
    said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False, timeout=10).stdout
    version = re.search(r"mosquitto version (\d+)\.", said)
    return program if version is not None and int(version.group(1)) >= 2 else None


def embedded_broker(folder: Path, log: Path, port: int) -> Broker:
    """Return mosquitto where it is installed, else amqtt."""
    program = mosquitto_program()
    return Amqtt(folder, log, port) if program is None else Mosquitto(folder, log, port, program)
