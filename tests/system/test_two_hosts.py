"""Two hosts on two addresses share a laboratory: both serve, one dies whole, it comes back, it is drained."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

from drivers.native.demo import DemoDevice
from lics_actors.services.broker import Broker
from lics_actors.services.ports import LOOPBACK
from lics_actors.device.messages import BrokerSpec
from tests.system.two_hosts import Site, all_online, devices_at, kill_host
from tests.waiting import eventually
from tests.conftest import OwnBroker


def pumps(count: int) -> list[DemoDevice]:
    return [DemoDevice(uuid4(), f"pump-{number}", "pump", f"site/{number}") for number in range(count)]


async def test_both_serve(own_broker: OwnBroker, data_dir: Path, database_url: str, redis_url: str, free_port: Callable[[], int]) -> None:
    site = Site(database_url, redis_url, own_broker.spec, free_port)
    devices = pumps(6)
    ids = {str(each.id) for each in devices}
    async with site.host("a", "127.0.0.2", data_dir / "a") as a, site.host("b", "127.0.0.3", data_dir / "b") as b:
        for each in devices:
            await a.register(each)
        async with a.simulator(*devices):
            began = time.monotonic()
            try:
                await all_online(b, ids)
            except AssertionError:
                print([(await b.device(each.id))["link"] for each in devices], [(await b.device(each.id))["reason"] for each in devices])
                import json
                print({k: (v["word"], v["state"], v["pid"], v["stats"] if v["kind"] in ("member","recorder") else 0) for k, v in (await b.nodes()).items()})
                raise
            print("online after", time.monotonic() - began)
            at = await devices_at(a)
            print({k: len(v) for k, v in at.items()})
            assert at == await devices_at(b)
            for web in (a, b):
                for each in devices:
                    answer = await web.command(each.id, "dispense", {"volume_ul": 5}, wait_s=5)
                    assert answer.status_code == 200 and answer.json()["state"] == "succeeded", answer.text
            kill_host(a)
            began = time.monotonic()
            await all_online_now(b, ids)
            print("failover", time.monotonic() - began)


async def all_online_now(lab, ids):
    async def so():
        at = await devices_at(lab)
        return at["b"] == ids
    await eventually(so, 20)
    await all_online(lab, ids)
