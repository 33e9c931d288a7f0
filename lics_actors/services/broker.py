"""The embedded broker: mosquitto where it is installed, else amqtt; both keep sessions and queues over a restart."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import psutil

import config
from lics_actors.admission.accounts import SALT_BYTES, hashed, with_own_accounts
from lics_actors.services.dynamic_security import write_document
from lics_actors.services.ports import LOOPBACK
from lics_actors.services.server import Launch, Server

log = logging.getLogger(__name__)

TEMPLATE = Path(config.__file__).with_name("mosquitto.conf.template")
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
PLUGIN: Final = "mosquitto_dynamic_security.so"
# MQTT 3.1.1: CONNECT of client "", clean session, keep-alive 5 s; answered by CONNACK (0x20), also where it is refused.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"


@dataclass(frozen=True, slots=True)
class OwnAccounts:
    """LICS's own accounts at an embedded broker: username → password, and the prefix of the laboratory's topics."""

    passwords: Mapping[str, str] = field(repr=False)
    prefix: str = ""


class Broker(Server):
    """An embedded MQTT broker on loopback: open to anybody without `accounts`, else to nobody who has none there."""

    name = "broker"
    product: ClassVar[str]
    guarantee: ClassVar[str]

    def __init__(self, folder: Path, log: Path, port: int, accounts: OwnAccounts | None = None) -> None:
        super().__init__(folder, log, port)
        self.accounts = accounts

    @property
    def accounts_file(self) -> Path:
        """Return the file that holds accounts and rules, LICS's and the devices'; the running broker writes it, too."""
        return self.folder / "dynamic-security.json"

    def write_accounts(self) -> None:
        """See that the file has LICS's own accounts as they are now. One that cannot be read is put aside."""
        assert self.accounts is not None
        known = self._known_accounts() if self.accounts_file.exists() else {}
        hidden = {name: hashed(word, secrets.token_bytes(SALT_BYTES)) for name, word in self.accounts.passwords.items()}
        write_document(self.accounts_file, with_own_accounts(known, hidden, self.accounts.prefix))

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

    def _known_accounts(self) -> dict[str, Any]:
        try:
            known = json.loads(self.accounts_file.read_text())
        except ValueError:
            known = None
        if isinstance(known, dict):
            return known
        log.error("the accounts of devices are lost: their file is damaged", extra={"file": str(self.accounts_file)})
        self.accounts_file.replace(self.accounts_file.with_suffix(".damaged"))
        return {}


class Mosquitto(Broker):
    """Eclipse mosquitto ≥ 2.0 from the system's packages."""

    product = "mosquitto"
    guarantee = (
        "QoS 1 is redelivered until acknowledged, sessions and queues survive a restart; "
        "a SIGKILL of the broker may lose what it acknowledged in the last second and had not delivered yet"
    )

    def __init__(self, folder: Path, log: Path, port: int, program: str, accounts: OwnAccounts | None = None) -> None:
        super().__init__(folder, log, port, accounts)
        self._program = program

    def prepare(self) -> Launch:
        """Write the configuration from config/mosquitto.conf.template."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Started by root it would change to the user `mosquitto`, who cannot write here.
        user = "user root" if os.geteuid() == 0 else ""
        access = "allow_anonymous true"
        if self.accounts is not None:
            self.write_accounts()
            access = f"allow_anonymous false\nplugin {plugin_file()}\nplugin_opt_config_file {self.accounts_file}"
        text = TEMPLATE.read_text().format(port=self.port, host=LOOPBACK, folder=self.folder, user=user, access=access)
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
        if self.accounts is not None:
            self.write_accounts()
            argv.append(str(self.accounts_file))
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


def plugin_file() -> Path | None:
    """Return mosquitto's dynamic-security plugin, which Debian, Homebrew and the makefile put into different folders."""
    folders = [Path(each) for each in ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")]
    found = [folder / PLUGIN for folder in folders] + [path for folder in folders[:2] for path in folder.glob(f"*/{PLUGIN}")]
    return next((path for path in found if path.exists()), None)


def embedded_broker(folder: Path, log: Path, port: int, accounts: OwnAccounts | None = None) -> Broker:
    """Return mosquitto where it is installed (with its plugin, where there are to be accounts), else amqtt."""
    program = mosquitto_program()
    if program is None or (accounts is not None and plugin_file() is None):
        return Amqtt(folder, log, port, accounts)
    return Mosquitto(folder, log, port, program, accounts)
