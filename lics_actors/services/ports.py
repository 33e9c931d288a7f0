"""Ports of the embedded servers: free now, and the same again at the next start where possible."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path

# Below Linux's ephemeral range (32768-60999 by default), so that no outgoing connection takes a remembered port meanwhile.
FIRST_PORT, LAST_PORT = 20000, 32000
LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on.

    Raises:
        OSError: no free port was found in 200 tries.
    """
    for _ in range(200):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - nothing secret about a port
        if is_free(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


class PortMemory:
    """Remembers in one file which port each server had, so that addresses stay what they were."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pick(self, name: str, preferred: int | None = None) -> int:
        """Return the remembered port of `name`, else `preferred`, else any; always one that is free now."""
        known = self._read()
        for port in (known.get(name), preferred):
            if port is not None and is_free(port):
                break
        else:
            port = free_port()
        if known.get(name) != port:
            self._write({**known, name: port})
        return port

    def _read(self) -> dict[str, int]:
        try:
            known = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {name: port for name, port in known.items() if isinstance(port, int) and 0 < port < 65536}

    def _write(self, known: dict[str, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(known))
