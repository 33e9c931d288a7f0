"""Two hosts on two addresses share a laboratory: both serve, one dies whole, it comes back, it is drained."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from drivers.native.demo import DemoDevice
from lics_actors.hosts.placement import DEAD_S
from tests.conftest import OwnBroker
from tests.system.laboratory import Laboratory
from tests.system.two_hosts import Site, all_online, devices_at, kill_host
from tests.waiting import eventually

BACK_S = DEAD_S + 10.0  # measured 5.3 to 5.8 s, of which DEAD_S is waiting; the rest is for slow machines


def pumps(count: int) -> list[DemoDevice]:
    return [DemoDevice(uuid4(), f"pump-{number}", "pump", f"site/{number}") for number in range(count)]


async def serves(laboratory: Laboratory, devices: list[DemoDevice]) -> None:
    """Command each device by this host's web."""
    for each in devices:
        answer = await laboratory.command(each.id, "dispense", {"volume_ul": 5}, wait_s=10)
        assert answer.status_code == 200 and answer.json()["state"] == "succeeded", answer.text


@pytest.fixture
def site(own_broker: OwnBroker, database_url: str, redis_url: str, free_port: Callable[[], int]) -> Site:
    """Servers for several hosts."""
    return Site(database_url, redis_url, own_broker.spec, free_port)


async def test_both_serve_and_one_takes_over_from_the_other(site: Site, data_dir: Path) -> None:
    devices = pumps(6)
    ids = {str(each.id) for each in devices}
    async with site.host("a", "127.0.0.2", data_dir / "a") as a, site.host("b", "127.0.0.3", data_dir / "b") as b:
        for each in devices:
            await a.register(each)
        async with a.simulator(*devices):
            await all_online(b, ids)
            at = await devices_at(a)
            assert {host: len(held) for host, held in at.items()} == {"a": 3, "b": 3}
            assert at == await devices_at(b)
            await serves(a, devices)
            await serves(b, devices)
            kill_host(a)
            began = time.monotonic()
            await eventually(lambda: _all_at(b, "b", ids), BACK_S)
            await all_online(b, ids, began + BACK_S - time.monotonic())
            print(f"online at the other host after {time.monotonic() - began:.1f} s")
            await serves(b, devices)


async def _all_at(laboratory: Laboratory, host: str, devices: set[str]) -> bool:
    return (await devices_at(laboratory))[host] == devices
