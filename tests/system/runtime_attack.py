"""What somebody without the key may try."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path
from typing import Any

HOSTILE = [
    b"-5>" + b"x" * 40,
    b"99999999999>" + b"x" * 100,
    b"x" * 5000,
    b">" * 50,
    b"0>",
    b"40>" + b"\x00" * 40,
    b"1e3>" + b"y" * 99,
]


class Exploit:
    """Unpickling it creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


def attack(port: int, data: bytes) -> None:
    """Send `data` and wait until the other side has dealt with it: it answers, hangs up, or waits for more."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        try:
            connection.sendall(data)
            connection.recv(1000)
        except OSError:
            pass


def exploit(marker: Path) -> bytes:
    body = pickle.dumps(Exploit(marker))
    return b"%d>" % len(body) + body
