"""A real tree of processes under kill -9, kill -STOP and operators. Leaves are stand-ins; everything else is the real thing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from config.settings import load_settings
from lics_actors.client import FleetClient
from lics_actors.device.messages import Admin, DeviceSpec
from lics_actors.errors import (
    ConflictError,
    DeviceNotFoundError,
    DeviceTimeoutError,
    FleetUnavailableError,
    NodeNotFoundError,
)
from lics_actors.fleet.cache import write_cache
from lics_actors.fleet.messages import NodeState
from lics_actors.fleet.state import device_node
from lics_actors.runtime import process
from lics_actors.store.records import AlarmCleared, AlarmRaised, FleetEvent
from tests.pace import slowness
from tests.system.fleet_actors import QUICK
from tests.system.fleet_stand import DEVICES, FIVE, ONE, START_S, TWO, Stand, fleet_of_stand_ins, kill, launcher
from tests.waiting import eventually

VICTIMS = (ONE, TWO, FIVE)


@pytest.fixture
async def stand(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Stand]:
    """A fleet of six stand-ins, begun from the cache because there is no database."""
    async with fleet_of_stand_ins(data_dir, free_port()) as stand:
        yield stand


async def test_without_a_database_the_fleet_starts_from_the_file(stand: Stand) -> None:
    tree = await stand.all_running()
    assert {name: len(tree[name].children) for name in ("rack:1", "rack:2")} == {"rack:1": 4, "rack:2": 2}
    assert tree[device_node(ONE)].label == "cage-1"
    await eventually(lambda: _word(stand, "registrar", "cache"))
    await eventually(lambda: _word(stand, "housekeeper", "waiting (database away)"))
    await eventually(lambda: _word(stand, "recorder", "6"))
    await eventually(lambda: _word(stand, device_node(ONE), "cage-1"))
    assert await stand.client.alive() > 0
    twin = await stand.client.twin(FIVE)
    assert twin.reason == str(tree[device_node(FIVE)].pid)


async def _word(stand: Stand, name: str, word: str) -> bool:
    return (await stand.tree())[name].word == word


@pytest.mark.alone
async def test_a_killed_leaf_is_back_within_a_second_and_its_neighbours_notice_nothing(stand: Stand) -> None:
    before, killed, took = await stand.all_running(), set[str](), list[float]()
    for victim in VICTIMS:
        killed.add(device_node(victim))
        await stand.client.twin(victim)  # so that the client remembers the dead address
        began = time.perf_counter()
        kill(before[device_node(victim)])
        after = await stand.anew(device_node(victim), before[device_node(victim)].pid)
        took.append(time.perf_counter() - began)
        assert (after.incarnation, after.restarts) == (2, 1)
        assert after.last_error == "its process ended"
        twin = await stand.client.twin(victim)
        assert (twin.incarnation, twin.reason) == (2, str(after.pid))
        if took[-1] < 1.0:  # other work makes it longer, never shorter
            break
    assert min(took) < slowness()
    tree = await stand.tree()
    assert all(tree[name].pid == node.pid for name, node in before.items() if name not in killed)


async def test_a_leaf_killed_too_often_is_given_up_and_a_person_brings_it_back(stand: Stand) -> None:
    before = await stand.all_running()
    node = before[device_node(TWO)]
    for _ in range(QUICK.intensity + 1):
        kill(node)
        pid = node.pid
        if node.incarnation <= QUICK.intensity:
            node = await stand.anew(device_node(TWO), pid)
    given_up = await stand.state(TWO, NodeState.QUARANTINED)
    assert given_up.restarts == QUICK.intensity
    assert given_up.pid is None
    with pytest.raises(FleetUnavailableError, match="quarantined"):
        await stand.client.twin(TWO)
    alarms = [record for record in stand.recorded("rack-1") if isinstance(record, AlarmRaised)]
    assert [(alarm.source, alarm.kind) for alarm in alarms] == [(device_node(TWO), "quarantined")]
    tree = await stand.tree()
    assert all(tree[name].pid == other.pid for name, other in before.items() if name != device_node(TWO))

    await stand.client.restart(device_node(TWO), "cli:ada", "cable mended")
    assert (await stand.client.twin(TWO)).incarnation == QUICK.intensity + 2
    records = stand.recorded("rack-1")
    assert any(isinstance(record, AlarmCleared) and record.source == device_node(TWO) for record in records)
    asked = [record for record in records if isinstance(record, FleetEvent) and record.principal == "cli:ada"]
    assert [(record.kind, record.reason) for record in asked] == [("restart_requested", "cable mended")]


async def test_a_hung_leaf_is_killed_and_back(stand: Stand) -> None:
    before = await stand.all_running()
    await stand.client.twin(ONE)
    kill(before[device_node(ONE)], signal.SIGSTOP)
    with pytest.raises(DeviceTimeoutError):  # and nobody else waits for it
        await asyncio.wait_for(stand.client._ask_device(ONE, "anything", object, 0.2), 20)
    await stand.client.twin(TWO)
    after = await stand.anew(device_node(ONE), before[device_node(ONE)].pid)
    assert "did not answer a ping" in (after.last_error or "")
    assert (await stand.client.twin(ONE)).incarnation == 2


async def test_a_killed_rack_comes_back_with_its_devices_and_takes_nobody_elses(stand: Stand) -> None:
    before = await stand.all_running()
    await stand.client.twin(ONE)
    kill(before["rack:1"])
    await stand.anew("rack:1", before["rack:1"].pid)
    for device in DEVICES[:4]:
        again = await stand.anew(device_node(device.device_id), before[device_node(device.device_id)].pid)
        assert again.incarnation == 2
        assert process.start_mark(before[device_node(device.device_id)].pid or 0) is None
    tree = await stand.tree()
    assert all(tree[name].pid == before[name].pid for name in ("fleet", "rack:2", device_node(FIVE), "recorder"))
    await stand.client.twin(ONE)


async def test_a_hung_rack_is_killed_and_back(stand: Stand) -> None:
    before = await stand.all_running()
    kill(before["rack:2"], signal.SIGSTOP)
    await stand.anew("rack:2", before["rack:2"].pid)
    await stand.all_running()


async def test_a_killed_root_is_started_anew_with_everything(stand: Stand) -> None:
    before = await stand.all_running()
    await stand.client.twin(ONE)
    kill(before["fleet"])

    async def another() -> bool:
        return (await stand.client.tree()).pid != before["fleet"].pid

    await eventually(another)
    after = await stand.all_running()
    assert after["fleet"].restarts == 1
    assert not {node.pid for node in before.values()} & {node.pid for node in after.values()}
    assert stand.launcher.poll() is None
    await stand.client.twin(ONE)


async def test_a_hung_root_is_started_anew_with_everything(stand: Stand) -> None:
    before = await stand.all_running()
    kill(before["fleet"], signal.SIGSTOP)

    async def another() -> bool:
        return (await stand.client.tree()).pid != before["fleet"].pid

    await eventually(another, 45)
    after = await stand.all_running()
    assert not {node.pid for node in before.values()} & {node.pid for node in after.values()}


async def test_a_killed_admin_is_as_good_as_a_killed_root(stand: Stand) -> None:
    before = await stand.all_running()
    (admin,) = [one for one in process.running(stand.data_dir / "run" / "fleet.pids") if one.role == "admin"]
    os.kill(admin.pid, signal.SIGKILL)

    async def another() -> bool:
        return (await stand.client.tree()).pid != before["fleet"].pid

    await eventually(another)
    await stand.all_running()


async def test_a_term_leaves_nothing_behind(stand: Stand) -> None:
    await stand.all_running()
    running = process.running(stand.data_dir / "run" / "fleet.pids")
    assert len(running) >= 12  # admin, logger, root, recorder, registrar, two racks, six devices
    began = time.perf_counter()
    stand.launcher.terminate()
    assert await asyncio.to_thread(stand.launcher.wait, START_S) == 0
    assert time.perf_counter() - began < 20, "nobody was waited for until his time was over"
    assert [one for one in running if process.process_exists(one.pid, one.started)] == []
    assert list((stand.data_dir / "run").glob("fleet.json*")) == []
    with pytest.raises(FleetUnavailableError, match="not running"):
        await stand.client.alive()
    stopped = [record for record in stand.recorded("rack-1") if isinstance(record, FleetEvent) and record.kind == "stopped"]
    assert len(stopped) == 4


async def test_a_term_with_a_hung_leaf_still_ends_in_time(stand: Stand) -> None:
    tree = await stand.all_running()
    kill(tree[device_node(ONE)], signal.SIGSTOP)
    began = time.perf_counter()
    stand.launcher.terminate()
    assert await asyncio.to_thread(stand.launcher.wait, START_S) == 0
    assert time.perf_counter() - began < 20
    assert process.running(stand.data_dir / "run" / "fleet.pids") == []


async def test_a_launcher_killed_takes_everything_with_it_and_the_next_one_starts_cleanly(
    stand: Stand, free_port: Callable[[], int]
) -> None:
    await stand.all_running()
    running = process.running(stand.data_dir / "run" / "fleet.pids")
    stand.launcher.kill()
    await eventually(lambda: not [one for one in running if process.process_exists(one.pid, one.started)])
    with launcher(stand.data_dir, free_port()):
        await stand.all_running()  # the client finds the new place by itself


async def test_a_second_fleet_on_the_same_data_is_refused_in_a_sentence(stand: Stand, free_port: Callable[[], int]) -> None:
    before = await stand.all_running()
    with launcher(stand.data_dir, free_port(), alone=False) as second:
        assert await asyncio.to_thread(second.wait, START_S) == 1
    assert f"already running (process {stand.launcher.pid})" in (stand.data_dir / "stderr").read_text()
    assert (await stand.tree())["fleet"].pid == before["fleet"].pid


async def test_devices_are_added_changed_and_retired_while_everything_runs(stand: Stand) -> None:
    before = await stand.all_running()
    new = DeviceSpec(uuid4(), "cage-9", "pump", "native", {})
    with pytest.raises(DeviceNotFoundError):
        await stand.client.twin(new.device_id)
    await stand.client.register(new)
    tree = await stand.all_running(7)
    assert tree[device_node(new.device_id)].label == "cage-9"
    assert device_node(new.device_id) in {node.name for node in tree["rack:2"].children}

    await stand.client.register(replace(new, name="cage-10", admin=Admin.MAINTENANCE))
    await eventually(lambda: _changed(stand, new.device_id))
    await stand.client.register(replace(new, name="cage-10", admin=Admin.MAINTENANCE))  # the same again changes nothing
    assert (await stand.client.twin(new.device_id)).epoch == 2

    await stand.client.register(replace(new, admin=Admin.RETIRED))
    tree = await stand.all_running(6)
    await eventually(lambda: _unknown(stand, new.device_id))
    assert all(tree[name].pid == node.pid for name, node in before.items())

    for spec in DEVICES[4:]:  # an empty rack goes
        await stand.client.register(replace(spec, admin=Admin.RETIRED))
    tree = await stand.all_running(4)
    await eventually(lambda: _gone(stand, "rack:2"))


async def _changed(stand: Stand, device_id: UUID) -> bool:
    twin = await stand.client.twin(device_id)
    return twin.admin is Admin.MAINTENANCE and twin.epoch == 2


async def _unknown(stand: Stand, device_id: UUID) -> bool:
    try:
        await stand.client.twin(device_id)  # answered as long as it is stopping
    except DeviceNotFoundError:
        return True
    return False


async def _gone(stand: Stand, name: str) -> bool:
    return name not in await stand.tree()


async def test_a_device_that_cannot_begin_is_given_up_and_holds_nobody_up(stand: Stand) -> None:
    before = await stand.all_running()
    broken = DeviceSpec(uuid4(), "broken", "pump", "native", {"fails": True})
    await stand.client.register(broken)
    node = await stand.state(broken.device_id, NodeState.QUARANTINED)
    assert "as its settings say" in (node.last_error or "")
    with pytest.raises(ConflictError, match="given up again"):
        await asyncio.wait_for(stand.client.restart(node.name, "cli:ada", None), START_S)
    await stand.client.register(replace(broken, settings={}))
    await stand.client.restart(node.name, "cli:ada", "mended")
    tree = await stand.all_running(7)
    assert all(tree[name].pid == other.pid for name, other in before.items())


async def test_operators_restart_any_node_and_hear_when_there_is_none(stand: Stand) -> None:
    before = await stand.all_running()
    for name in ("recorder", "rack:2", device_node(ONE)):
        await stand.client.restart(name, "cli:ada", "because")
        assert (await stand.anew(name, before[name].pid)).restarts == 0
    for name in ("rack:77", "device:nobody", device_node(uuid4()), ""):
        with pytest.raises(NodeNotFoundError):
            await stand.client.restart(name, "cli:ada", None)
    records = [record for record in stand.recorded("fleet") if isinstance(record, FleetEvent) and record.principal == "cli:ada"]
    assert [(record.node, record.kind) for record in records] == [
        ("recorder", "restart_requested"),
        ("rack:2", "restart_requested"),
    ]


async def test_many_questions_at_once_are_all_answered(stand: Stand) -> None:
    await stand.all_running()
    wanted = [device.device_id for device in DEVICES] * 10
    twins = await asyncio.gather(*(stand.client.twin(device_id) for device_id in wanted))
    assert [twin.device_id for twin in twins] == wanted
    trees = await asyncio.gather(*(stand.client.tree() for _ in range(50)))
    (names,) = {frozenset(node.name for node in tree.children) for tree in trees}
    assert names > {"rack:1", "rack:2", "recorder"}


async def test_a_client_without_a_fleet_says_so_and_recovers(data_dir: Path, free_port: Callable[[], int]) -> None:
    write_cache(data_dir / "devices.json", DEVICES[:1], 0.0)
    client = await FleetClient.open(load_settings(data_dir=data_dir))
    try:
        with pytest.raises(FleetUnavailableError, match="not running"):
            await client.alive()
        (data_dir / "run").mkdir(exist_ok=True)
        (data_dir / "run" / "fleet.json").write_text("{ torn")
        with pytest.raises(FleetUnavailableError, match="not running"):
            await client.tree()
        with launcher(data_dir, free_port()):
            await eventually(lambda: client.twin(ONE))
    finally:
        await client.close()


def test_without_a_database_or_a_broker_the_fleet_says_what_to_set(data_dir: Path, free_port: Callable[[], int]) -> None:
    from config.settings import SettingsError
    from lics_actors.system import fleet_spec

    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        fleet_spec(load_settings(data_dir=data_dir, database_url=None, mqtt_broker_url="localhost"))
    with pytest.raises(SettingsError, match="MQTT_BROKER_URL is not set"):
        fleet_spec(load_settings(data_dir=data_dir, database_url="postgres://x/y", mqtt_broker_url=None))
