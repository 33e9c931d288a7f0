"""Actors that hang in every way, found by their heartbeats alone; and a supervisor that was away and blames nobody."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lics_actors.fleet.state import device_node
from tests.system.fleet_stand import DEVICES, FIVE, ONE, TWO, Stand, fleet_of_stand_ins, kill

BACK_S = 30.0  # found after 6 to 7; the bar of 10 is test_scale's, which measures once more beside other work
WHERE = {"stopped": "", "block_loop": "", "block_thread": "in on_request", "spin_loop": "in _spin"}  # stacks of the hung
THREE = DEVICES[2].device_id


@pytest.fixture
async def stand(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Stand]:
    """A fleet of six stand-ins that are never pinged."""
    async with fleet_of_stand_ins(data_dir, free_port(), "beating") as stand:
        yield stand


@pytest.mark.linux
async def test_however_a_device_hangs_it_is_back_soon_and_its_neighbours_notice_nothing(stand: Stand) -> None:
    before = await stand.all_running()
    hung = {ONE: "stopped", TWO: "block_loop", THREE: "block_thread", FIVE: "spin_loop"}
    began = time.monotonic()
    kill(before[device_node(ONE)], signal.SIGSTOP)
    await asyncio.gather(*(stand.ask(device_id, name) for device_id, name in hung.items() if name != "stopped"))
    for device_id, how in hung.items():
        node = device_node(device_id)
        after = await stand.anew(node, before[node].pid, began + BACK_S - time.monotonic())
        assert (after.incarnation, after.restarts) == (2, 1)
        said = "its thread was in one handler" if how == "block_thread" else "its loop gave no sign of life"
        assert said in (after.last_error or "")
        (report,) = await stand.client.crashes(node)
        assert (report.signal, report.incarnation) == ("SIGKILL", 1) and said in report.reason
        assert WHERE[how] in (report.traceback or "")
    tree = await stand.tree()
    untouched = before.keys() - {device_node(device_id) for device_id in hung}
    assert all(tree[name].pid == before[name].pid for name in untouched)


@pytest.mark.linux
async def test_a_hung_rack_is_found_by_its_heartbeat_too(stand: Stand) -> None:
    before = await stand.all_running()
    kill(before["rack:2"], signal.SIGSTOP)
    after = await stand.anew("rack:2", before["rack:2"].pid, BACK_S)
    assert "its thread gave no sign of life" in (after.last_error or "")
    await stand.all_running()


@pytest.mark.linux
async def test_a_rack_that_was_away_itself_blames_none_of_its_devices(stand: Stand) -> None:
    before = await stand.all_running()
    everybody = [before[device_node(device.device_id)] for device in DEVICES[:4]]
    for node in (before["fleet"], before["rack:1"], *everybody):  # as a host that was suspended, or a machine that swaps
        kill(node, signal.SIGSTOP)
    await asyncio.sleep(8.0)  # longer than anybody's silence may last
    for node in (before["fleet"], before["rack:1"], *everybody):
        kill(node, signal.SIGCONT)
    for _ in range(5):
        await asyncio.sleep(0.5)
        tree = await stand.tree()
        assert {name: node.pid for name, node in tree.items()} == {name: node.pid for name, node in before.items()}


@pytest.mark.linux
async def test_all_devices_of_a_rack_killed_in_one_instant_are_all_back_at_once(stand: Stand) -> None:
    before = await stand.all_running()
    for device in DEVICES:  # the kernel tells of some of these deaths with one signal
        kill(before[device_node(device.device_id)])
    for device in DEVICES:
        node = device_node(device.device_id)
        after = await stand.anew(node, before[node].pid)
        assert after.last_error == "its process ended", "seen at once, and not by its silence"
