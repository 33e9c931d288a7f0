"""What must be true before a laboratory starts: a usable data directory, free ports."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.settings import Settings
from lics_actors.services.ports import is_free

GRACE_S = 3.0  # what a killed `up` started is dying meanwhile


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why it cannot start, and what to do."""

    sentence: str
    next_step: str


def unusable_data_dir(folder: Path) -> Obstacle | None:
    """Make the data directory if need be; return why it cannot be used, if so."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        return Obstacle(
            f"the data directory {folder} cannot be used: {error.strerror}", "give yourself the right, or set LICS_DATA_DIR"
        )
    return None


def wanted_ports(settings: Settings) -> dict[str, tuple[str, int]]:
    """Return setting → (address, port) of what LICS listens on itself."""
    wanted = {"LICS_PORT": (settings.host, settings.port), "LICS_FLEET_PORT": (settings.fleet_host, settings.fleet_port)}
    if settings.enable_metrics:
        wanted["PROMETHEUS_PORT"] = (settings.host, settings.prometheus_port)
    return {name: place for name, place in wanted.items() if place[1] != 0}


def taken_port(settings: Settings, grace_s: float = GRACE_S) -> Obstacle | None:
    """Return which port is in use and by whom, or set twice; None where all are free within `grace_s`."""
    if clash := _clash(wanted_ports(settings)):
        return clash
    until = time.monotonic() + grace_s
    while True:
        taken = [(name, host, port) for name, (host, port) in wanted_ports(settings).items() if not is_free(port, host)]
        if not taken:
            return None
        if time.monotonic() >= until:
            break
        time.sleep(0.1)
    name, host, port = taken[0]
    return Obstacle(
        f"port {port} on {host} is in use{_by_whom(port)}", f"stop that, or choose another port: {name}={_other(port)}"
    )


def _clash(wanted: dict[str, tuple[str, int]]) -> Obstacle | None:
    by_port: dict[int, str] = {}
    for name, (_, port) in wanted.items():
        if port in by_port:
            return Obstacle(f"{by_port[port]} and {name} are both {port}", f"set one to another port: {name}={_other(port)}")
        by_port[port] = name
    return None


def _other(port: int) -> int:
    candidates = range(port + 10, min(port + 1000, 65535), 10)
    return next((candidate for candidate in candidates if is_free(candidate)), port + 10)


def _by_whom(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.AccessDenied, OSError):
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            try:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f" by pid {connection.pid}"
    return ""
