"""Hosts cut off from database and broker, and frozen ones: nobody serves what another has taken over, and commands run once."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil

from drivers.native.demo import DemoDevice
from lics_actors.hosts.placement import DEAD_S
from tests.conftest import OwnBroker
from tests.system.chaos.link import Link
from tests.system.laboratory import Laboratory
from tests.system.test_two_hosts import BACK_S, all_at, pumps, serves
from tests.system.two_hosts import Site, all_online, devices_at, joined, tree_of
from tests.waiting import eventually

STEADY_S = 2.0  # whoever steals a session back does so within a retry, 0.2 s


def through(url: str, link: Link) -> str:
    """Return a database's URL by way of a link."""
    parts = urlsplit(url)
    credentials, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{link.port}"))


async def stays_online(laboratory: Laboratory, devices: list[DemoDevice], seconds: float) -> None:
    """See that no device is without its link for so long: two who steal each other's session do so five times a second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for each in devices:
            assert (await laboratory.device(each.id))["link"] == "online", each.name
        await asyncio.sleep(0.05)


async def pids(laboratory: Laboratory, devices: list[DemoDevice]) -> set[int]:
    nodes = await laboratory.nodes()
    return {nodes[f"device:{each.id}"]["pid"] for each in devices}


async def test_cut_off_and_frozen_hosts(
    own_broker: OwnBroker, data_dir: Path, database_url: str, redis_url: str, free_port: Callable[[], int]
) -> None:
    site = Site(database_url, redis_url, own_broker.spec, free_port)
    devices = pumps(4)
    ids = {str(each.id) for each in devices}
    port = urlsplit(database_url).port
    assert port is not None
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(Link(port)) for _ in range(2)]
        a, b = [
            await stack.enter_async_context(
                site.host(name, address, data_dir / name, {"DATABASE_URL": through(database_url, link)})
            )
            for name, address, link in (("a", "127.0.0.2", links[0]), ("b", "127.0.0.3", links[1]))
        ]
        await joined(a, b)
        for each in devices:
            await a.register(each)
        simulator = await stack.enter_async_context(a.simulator(*devices))
        await all_online(a, ids)
        shared = await devices_at(a)
        assert {len(held) for held in shared.values()} == {2}

        # the database is away for everybody: what stands goes on, wherever it is
        actors = await pids(a, devices)
        for link in links:
            link.drop()
        began, commands = time.monotonic(), []
        while time.monotonic() - began < DEAD_S + 1.0:
            commands += [*await serves(a, devices), *await serves(b, devices)]
        for link in links:
            link.heal()
        await eventually(lambda: _members(a, "member"), 15.0)
        assert await devices_at(a) == shared and await pids(a, devices) == actors

        # one host alone is cut off from the database: the other takes over, and the first begins no session any more
        links[0].drop()
        await all_at(b, "b", ids, BACK_S)
        await stays_online(b, devices, STEADY_S)
        commands += await serves(b, devices)
        links[0].heal()
        await eventually(lambda: _holds_nothing(b, "a"), 10.0)
        await stays_online(b, devices, 1.0)

        # a host freezes as a whole, and thaws when it has been given up
        frozen = [one for name in b.processes for one in tree_of(b, name)]
        for one in frozen:
            one.send_signal(signal.SIGSTOP)
        try:
            await all_at(a, "a", ids, BACK_S)
            commands += await serves(a, devices)
        finally:
            for one in frozen:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGCONT)
        await eventually(lambda: _holds_nothing(a, "b"), 15.0)
        await stays_online(a, devices, STEADY_S)
        commands += [*await serves(a, devices), *await serves(b, devices)]
        assert {simulator.device(device).executions(command) for device, command in commands} == {1}


async def _members(laboratory: Laboratory, word: str) -> bool:
    nodes = await laboratory.nodes()
    return all(nodes[f"{host}/member"]["word"] == word for host in "ab")


async def _holds_nothing(laboratory: Laboratory, host: str) -> bool:
    nodes = await laboratory.nodes()
    return not (await devices_at(laboratory))[host] and nodes[f"{host}/member"]["stats"]["duties"] == 0
