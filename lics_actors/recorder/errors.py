"""What can go wrong in the recorder; facts as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class RecorderError(Exception):
    """Root of the recorder's errors."""


class MalformedPacketError(RecorderError):
    """The bytes from the broker are no MQTT 3.1.1; the connection cannot be read any further."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed MQTT packet: {reason}")
        self.reason = reason


class BrokerAwayError(RecorderError):
    """The broker cannot be reached, does not answer, or the connection to it was lost."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"broker {host}:{port}: {reason}")
        self.host, self.port, self.reason = host, port, reason


_REFUSALS: Mapping[int, str] = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not accept the client id",
    3: "it is unavailable",
    4: "user name or password is wrong",
    5: "not authorised",
}


class BrokerRefusedError(BrokerAwayError):
    """The broker answered CONNECT with a refusal (MQTT 3.1.1 section 3.2.2.3)."""

    def __init__(self, host: str, port: int, code: int) -> None:
        super().__init__(host, port, _REFUSALS.get(code, f"it refuses with code {code}"))
        self.code = code


class SpoolCorruptError(RecorderError):
    """The spool's file cannot be read; it was moved to `kept_as`, and `salvaged` messages were taken over from it."""

    def __init__(self, path: Path, reason: str, kept_as: Path | None = None, salvaged: int = 0) -> None:
        super().__init__(f"{path.name} is corrupt: {reason}")
        self.path, self.reason, self.kept_as, self.salvaged = path, reason, kept_as, salvaged


class SpoolInUseError(RecorderError):
    """Another process writes this spool."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder.name}: another Recorder has the spool open")
        self.folder = folder
