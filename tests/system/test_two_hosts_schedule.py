"""Two hosts share a schedule: one begins the sessions; it dies whole, the other goes on, it comes back with its run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from tests.conftest import OwnBroker
from tests.system.laboratory import Laboratory
from tests.system.test_scheduler import KINDS, Cage, open_now
from tests.system.two_hosts import Site, joined, kill_host
from tests.waiting import eventually


@pytest.fixture
def site(own_broker: OwnBroker, database_url: str, redis_url: str, free_port: Callable[[], int]) -> Site:
    """Servers for several hosts."""
    return Site(database_url, redis_url, own_broker.spec, free_port)


async def schedules(laboratory: Laboratory, *names: str) -> str:
    """Return which of these hosts schedules, once exactly one does and the others wait for their turn."""

    async def so() -> str | None:
        nodes = await laboratory.nodes()
        words = {name: nodes[f"{name}/scheduler"]["word"] for name in names}
        at_work = [name for name, word in words.items() if word == "scheduling"]
        return at_work[0] if len(at_work) == 1 and set(words.values()) <= {"scheduling", "idle"} else None

    return await eventually(so, what="one host schedules")


async def test_the_host_that_schedules_dies_and_the_other_begins_what_is_due_once(site: Site, data_dir: Path) -> None:
    devices = {role: uuid4() for role in ("pump", "panel")}
    simulated = [SimulatedDeviceSpec(each, KINDS[role], role, rate_hz=0.0) for role, each in devices.items()]
    async with (
        Simulator(site.broker, simulated, data_dir / "simulator") as simulator,
        site.host("a", "127.0.0.2", data_dir / "a") as a,
        site.host("b", "127.0.0.3", data_dir / "b") as b,
    ):
        hosts = {"a": a, "b": b}
        await joined(a, b)
        lab = Cage(a, simulator, devices)
        await lab.furnish()
        dying = await schedules(a, "a", "b")
        surviving = "b" if dying == "a" else "a"
        lab.laboratory = hosts[surviving]
        first, second = await lab.subject("m-1"), await lab.subject("m-2")
        await lab.experiment("over two hosts", open_now(), first, second)
        begun = await lab.slot(first, "started")
        (run,) = await lab.runs(first)
        assert run["id"] == begun["id"]
        before = await lab.begun(run["id"])

        kill_host(hosts[dying])
        assert await schedules(lab.laboratory, surviving) == surviving
        waits = await lab.slot(second, "waiting")
        assert await lab.runs(second) == [], "the rig is still the first one's: its run is not over, only its host is away"

        hosts[dying].start("fleet", "fleet", "run")
        hosts[dying].start("web", "web")

        async def waits_for_a_person() -> bool:
            now = (await lab.get(f"/runs/{run['id']}"))["now"]
            return bool(now) and now["phase"] == "recovering"

        await eventually(waits_for_a_person, what="the run is back, and asks, as its protocol says")
        await lab.post(f"/runs/{run['id']}/resume", {}, 200)
        assert (await lab.begun(run["id"]))["now"]["n"] > before["now"]["n"], "it goes on where it was"
        await lab.end(run["id"])
        steps = [each["event"]["type"] for each in (await lab.get(f"/runs/{run['id']}/events", limit=500))["items"]]
        assert steps.count("Recovered") == 1, steps
        assert (await lab.slot(second, "started"))["id"] == waits["id"]
        (other,) = await lab.runs(second)
        await lab.begun(other["id"])
        assert [each["id"] for each in await lab.runs(first)] == [run["id"]]
        assert await schedules(lab.laboratory, "a", "b") == surviving, "who is back takes nothing away"
        await lab.end(other["id"])
