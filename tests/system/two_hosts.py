"""Two hosts on one machine: a fleet and a web each, on loopback addresses of their own, over the same servers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lics_actors.device.messages import BrokerSpec
from lics_actors.runtime import process
from tests.system.laboratory import Laboratory
from tests.waiting import PATIENCE_S, eventually, wait_until

KEY = "the-same-key-on-both-hosts-for-tests-0123"


@dataclass(slots=True)
class Site:
    """What hosts share."""

    database_url: str
    redis_url: str
    broker: BrokerSpec
    free_port: Callable[[], int]

    def host(self, name: str, address: str, folder: Path, settings: Mapping[str, str] | None = None) -> Laboratory:
        """Return a host: not started yet."""
        folder.mkdir(exist_ok=True)
        own = {"LICS_NODE": name, "LICS_FLEET_HOST": address, "LICS_ACTOR_KEY": KEY, **(settings or {})}
        return Laboratory(folder, self.database_url, self.redis_url, self.broker, self.free_port, own)


def tree_of(laboratory: Laboratory, name: str) -> list[psutil.Process]:
    """Return a process of a host and everything below it."""
    launcher = psutil.Process(laboratory.processes[name].pid)
    below = {one.pid: one for one in launcher.children(recursive=True)}
    for known in process.running(laboratory.data_dir / "run" / "fleet.pids") if name == "fleet" else ():
        with suppress(psutil.NoSuchProcess):
            below[known.pid] = psutil.Process(known.pid)
    return [launcher, *below.values()]


def kill_host(laboratory: Laboratory) -> None:
    """SIGKILL everything of a host at once, as when its power goes."""
    doomed = [one for name in laboratory.processes for one in tree_of(laboratory, name)]
    for one in doomed:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGSTOP)  # so that nobody sees another die first
    for one in doomed:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    for child in laboratory.processes.values():
        child.wait(PATIENCE_S)
    laboratory.processes.clear()
    wait_until(lambda: not any(_lives(one) for one in doomed), what="the host is dead")


def _lives(one: psutil.Process) -> bool:
    try:
        return one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def devices_at(laboratory: Laboratory) -> dict[str, set[str]]:
    """Return which devices run on which host, as one host's web has it."""
    root = await laboratory.get("/api/v1/fleet")
    assert root["kind"] == "laboratory", root["kind"]
    found: dict[str, set[str]] = {}

    def walk(node: Any, host: str) -> None:
        if node["kind"] == "device" and node["state"] == "running":
            found[host].add(node["name"].partition(":")[2])
        for child in node["children"]:
            walk(child, host)

    for host in root["children"]:
        found[host["label"]] = set()
        walk(host, host["label"])
    return found


async def joined(*hosts: Laboratory) -> None:
    """Wait until all hosts are there, and each knows of the others: what is registered then is shared among them."""
    names = {host.environment["LICS_NODE"] for host in hosts}

    async def so() -> bool:
        for host in hosts:
            nodes = await host.nodes()
            words = {name: nodes[f"{name}/member"]["word"] for name in names}
            assert set(words.values()) == {"member"}, words
        return True

    await eventually(so, what="all have joined")


async def all_online(laboratory: Laboratory, devices: set[str], timeout_s: float = PATIENCE_S) -> None:
    """Wait until all devices are online, as their actors say."""

    async def so() -> bool:
        links = [await laboratory.get(f"/api/v1/devices/{each}") for each in devices]
        return all(device["link"] == "online" for device in links)

    await eventually(so, timeout_s, "all are online")
