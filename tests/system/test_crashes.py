"""Actors that die in every way, and what is known of it afterwards; actors that hold too much, and how they are put anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.fleet.state import device_node
from lics_actors.store.records import AlarmRaised, CrashReport, FleetEvent
from tests.system.fleet_stand import DEVICES, ONE, TWO, Stand, fleet_of_stand_ins, kill
from tests.waiting import eventually


@pytest.fixture
async def stand(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Stand]:
    """A fleet of six stand-ins."""
    async with fleet_of_stand_ins(data_dir, free_port(), "beating") as stand:
        yield stand


async def dead(stand: Stand, before: NodeView) -> tuple[NodeView, CrashReport]:
    """Wait for a node's successor; return it and the report on its predecessor."""
    after = await stand.anew(before.name, before.pid)
    report = (await stand.client.crashes(before.name))[0]
    assert report.incarnation == before.incarnation
    return after, report


@pytest.mark.linux
async def test_each_death_leaves_a_report_that_outlives_everybody(stand: Stand) -> None:
    node = (await stand.all_running())[device_node(ONE)]
    assert await stand.client.crashes("rack:9") == await stand.client.crashes(node.name) == ()

    kill(node)
    node, killed = await dead(stand, node)
    assert (killed.signal, killed.status, killed.traceback) == ("SIGKILL", None, None)
    assert killed.lived_s is not None and killed.lived_s > 0

    await stand.ask(ONE, "fail_in_loop")
    node, failed = await dead(stand, node)
    assert "RuntimeError: as it was told" in (failed.traceback or "")
    assert [line for line in failed.lines if "WARNING" in line and "about to fail" in line]
    assert not [line for line in failed.lines if "s3cret" in line]

    await stand.ask(ONE, "segfault")
    node, crashed = await dead(stand, node)
    assert crashed.signal == "SIGSEGV"
    assert "Segmentation fault" in (crashed.traceback or "") and "in on_request" in (crashed.traceback or "")

    rack = (await stand.tree())["rack:1"]
    kill(rack)
    await stand.anew("rack:1", rack.pid)
    assert await stand.client.crashes(node.name) == (crashed, failed, killed)
    assert [report.signal for report in await stand.client.crashes("rack:1")] == ["SIGKILL"]
    exited = [
        record.detail or {} for record in stand.recorded("rack-1") if isinstance(record, FleetEvent) and record.kind == "exited"
    ]
    assert [each["signal"] for each in exited if "signal" in each] == ["SIGKILL", "SIGSEGV"]


@pytest.mark.linux
async def test_who_holds_too_much_is_put_anew_in_order_and_without_blame(data_dir: Path, free_port: Callable[[], int]) -> None:
    async with fleet_of_stand_ins(data_dir, free_port(), "counting") as stand:
        before = await stand.all_running()
        await stand.ask(ONE, "hoard_memory")
        await stand.ask(TWO, "hoard_files")
        for device_id, word in ((ONE, "MiB of its own"), (TWO, "files open")):
            node = before[device_node(device_id)]
            after = await stand.anew(node.name, node.pid)
            assert after.restarts == 0 and word in (after.last_error or "")
            assert await stand.client.crashes(node.name) == ()

        async def small() -> bool:
            stats = [(await stand.tree())[device_node(device.device_id)].stats for device in DEVICES]
            return all(0 <= each["memory_mib"] < 48 and 0 < each["files"] < 64 for each in stats)

        await eventually(small)
        recycled = [r.node for r in stand.recorded("rack-1") if isinstance(r, FleetEvent) and r.kind == "recycled"]
        assert sorted(recycled) == [device_node(ONE), device_node(TWO)]


@pytest.mark.linux
async def test_who_holds_too_much_each_time_is_given_up(data_dir: Path, free_port: Callable[[], int]) -> None:
    hoarder = replace(DEVICES[0], settings={"hoards": True})
    async with fleet_of_stand_ins(data_dir, free_port(), "counting", [hoarder, *DEVICES[1:]]) as stand:
        given_up = await stand.state(ONE, NodeState.QUARANTINED, 30)
        assert given_up.incarnation == 4 and given_up.held_by == "system:fleet"
        assert "MiB of its own" in (given_up.held_reason or "")
        alarms = [record for record in stand.recorded("rack-1") if isinstance(record, AlarmRaised)]
        assert [(alarm.source, alarm.kind) for alarm in alarms] == [(device_node(ONE), "quarantined")]
