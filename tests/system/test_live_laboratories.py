"""Laboratories over the WebSocket: what a viewer is told of, what not, and that it ends when a device or a membership does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.access.people import Account
from lics_actors.access.roles import Role
from lics_actors.live.messages import ALARMS, SCHEDULE, AlarmLive, NodeLive, SlotLive
from lics_actors.store.repository import NewDevice
from lics_actors.store.runs import NewRun
from lics_actors.store.shipping import ship_journal
from lics_actors.store.slots import SlotRow
from tests.contract.store_rows import accepted
from tests.system.live_web import NOW, LiveWeb, Viewer, live_web
from tests.system.test_live_access import access_of

OWN: Final = DEFAULT_LABORATORY


@pytest.fixture
async def web(data_dir: Path, database_url: str, redis_url: str) -> AsyncIterator[LiveWeb]:
    """A web worker."""
    async with live_web(data_dir, database_url, redis_url) as running:
        yield running


async def member(web: LiveWeb, role: Role, *places: UUID) -> tuple[Account, str]:
    """Return somebody with a role in laboratories, and a token of a session."""
    email = f"{uuid4().hex}@lab.example"
    account = await web.repository.add_account(email, role, "t", code_hash=None, code_expires_at=None, laboratory=places[0])
    for place in places[1:]:
        _, account = await web.repository.put_member(place, account.id, role, "t")
    until = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    session = await web.repository.open_session(account.id, uuid4().hex, until, remote=None, agent=None)
    return account, access_of(web).desk.tokens.issue(account, session.id)[0]


async def added(web: LiveWeb, place: UUID) -> UUID:
    """Register a device in a laboratory."""
    return (await web.repository.create_device(NewDevice(f"pump {uuid4()}", "pump", "native", "t", laboratory_id=place))).id


async def refused(viewer: Viewer, **said: Any) -> dict[str, Any]:
    """Say something, and return the error that comes back."""
    await viewer.say(**said)
    error = await viewer.until("error")
    return {name: error["detail"][name] for name in ("code", "message")}


async def until_the_end(web: LiveWeb, viewer: Viewer) -> list[dict[str, Any]]:
    """Return what a viewer hears until something that everybody hears."""
    web.bus.publish("fleet", NodeLive("recorder", "restarted", None, NOW), keep=True)
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1]["kind"] != "event" or heard[-1]["event"].get("node") != "recorder":
        heard.append(await viewer.hear())
    return heard


async def test_everybodys_topics_tell_of_ones_own_laboratory(web: LiveWeb) -> None:
    other = (await web.repository.add_laboratory("the other one", "t")).id
    ours, theirs = await added(web, OWN), await added(web, other)
    inside = await (await web.connect()).sign_in((await member(web, Role.OBSERVER, OWN))[1])
    everyone = await web.viewer()
    for viewer, count in ((inside, 1), (everyone, 2)):
        assert len((await viewer.subscribe("fleet"))["devices"]) == count
        assert (await viewer.subscribe("alarms"))["alarms"] == []
    new = await added(web, OWN)  # by another worker: this one has to look
    for device in (theirs, ours, new):
        web.tell_device(device, topics=("fleet",))
        web.bus.publish("fleet", NodeLive(f"device:{device}", "quarantined", None, NOW), keep=True)
        web.bus.publish(ALARMS, AlarmLive(f"device:{device}", "silent", "high", "nothing is heard", NOW), keep=True)
    web.bus.publish(ALARMS, AlarmLive("recorder", "lag", "high", "it lags", NOW), keep=True)
    for viewer in (inside, everyone):
        while (await viewer.until("alarm"))["alarm"]["source"] != "recorder":
            pass
        await until_the_end(web, viewer)
    assert str(theirs) not in str(inside.seen)
    assert str(theirs) in str(everyone.seen)
    for device in (ours, new):
        assert {each["kind"] for each in inside.seen if str(device) in str(each)} >= {"device", "event", "alarm"}
    again = await (await web.connect()).sign_in((await member(web, Role.OBSERVER, OWN))[1])
    await again.subscribe("fleet", "alarms", after=1)  # what was said before it came is kept by the bus
    await until_the_end(web, again)
    assert str(theirs) not in str(again.seen)


async def test_sessions_are_told_to_their_own_laboratory(web: LiveWeb) -> None:
    other = (await web.repository.add_laboratory("the other one", "t")).id
    inside = await (await web.connect()).sign_in((await member(web, Role.OBSERVER, OWN))[1])
    everyone = await web.viewer()
    now = datetime.now(UTC)
    rows = [
        SlotRow(uuid4(), place, uuid4(), uuid4(), uuid4(), now.date(), 0, now, now, "ask", None, "waiting", (), "system:schedule")
        for place in (OWN, other)
    ]
    await web.repository.keep_slots(rows)
    ours, theirs = (str(row.id) for row in rows)
    for viewer, shown in ((inside, {ours}), (everyone, {ours, theirs})):
        assert {each["id"] for each in (await viewer.subscribe("schedule"))["sessions"]} == shown
        await viewer.subscribe("fleet")
    for row in rows:
        what = (row.id, row.laboratory_id, row.experiment_id, row.subject_id, row.rig_id, now, now)
        web.bus.publish(SCHEDULE, SlotLive(*what, "missed", ("the lid is open",), "system:schedule", now), True)
    told = await inside.until("session")
    assert (told["session"]["id"], told["session"]["status"]) == (ours, "missed")
    assert {(await everyone.until("session"))["session"]["id"] for _ in rows} == {ours, theirs}
    await until_the_end(web, inside)
    assert theirs not in str(inside.seen)


async def test_what_is_elsewhere_is_told_like_what_is_not_there(web: LiveWeb) -> None:
    other = (await web.repository.add_laboratory("the other one", "t")).id
    theirs, ours = await added(web, other), await added(web, OWN)
    given = accepted(command_id=uuid4(), device=theirs)
    await ship_journal(web.repository, uuid4(), [(1, given)])
    run = NewRun(uuid4(), other, uuid4(), "a rig", uuid4(), "fixed_ratio", 1, 7, "user:eve", NOW, "ul")
    await web.repository.order_run(run)
    viewer = await (await web.connect()).sign_in((await member(web, Role.LAB_ADMIN, OWN))[1])
    assert (await viewer.subscribe("runs"))["runs"] == []
    assert len((await (await web.viewer()).subscribe("runs"))["runs"]) == 1
    for topic, nothing in (
        (f"run:{run.run_id}", f"run:{uuid4()}"),
        (f"device:{theirs}", f"device:{uuid4()}"),
        (f"command:{given.command.command_id}", f"command:{uuid4()}"),
    ):
        there = await refused(viewer, kind="subscribe", topics=[topic])
        absent = await refused(viewer, kind="subscribe", topics=[nothing])
        assert str(there).replace(topic.partition(":")[2], "…") == str(absent).replace(nothing.partition(":")[2], "…")
    order = {"kind": "command", "name": "dispense", "args": {"volume_ul": 5.0}}
    nowhere = uuid4()
    told, nothing_there = [str(await refused(viewer, ref="a", device_id=str(each), **order)) for each in (theirs, nowhere)]
    assert told.replace(str(theirs), "…") == nothing_there.replace(str(nowhere), "…")
    assert "DEVICE_NOT_FOUND" in told
    for verb in ("restart", "drain", "quarantine", "clear"):
        steered = await refused(viewer, kind="fleet", ref=verb, verb=verb, node=f"device:{theirs}", reason="x")
        assert steered["code"] == "NODE_NOT_FOUND"
        shared = await refused(viewer, kind="fleet", ref=verb, verb=verb, node="recorder", reason="x")
        assert shared["code"] == "PERMISSION_DENIED"
    web.tell_device(theirs)
    web.tell_event(theirs, 1)
    web.tell_values(theirs, 2, plate_c=36.0)
    await viewer.subscribe(f"device:{ours}")
    web.tell_event(ours, 1)
    await viewer.until("event", topic=f"device:{ours}")
    assert not [each for each in viewer.seen if each["kind"] != "error" and str(theirs) in str(each)]


async def test_a_device_that_goes_is_told_of_no_more(web: LiveWeb) -> None:
    other = (await web.repository.add_laboratory("the other one", "t")).id
    pump, stays = await added(web, OWN), await added(web, OWN)
    left = await (await web.connect()).sign_in((await member(web, Role.OBSERVER, OWN))[1])
    both = await (await web.connect()).sign_in((await member(web, Role.OBSERVER, OWN, other))[1])
    for viewer in (left, both):
        await viewer.subscribe(f"device:{pump}", f"device:{stays}", "fleet")
    await web.repository.move_device(pump, other, expected_version=None, principal="t")
    await access_of(web).endings.told()
    gone = await left.until("error", topic=f"device:{pump}")
    assert gone["detail"]["code"] == "DEVICE_NOT_FOUND"
    assert [each["id"] for each in (await left.until("snapshot", topic="fleet"))["devices"]] == [str(stays)]
    before = len(left.seen)
    web.tell_device(pump)
    web.tell_event(pump, 1)
    await both.until("event", topic=f"device:{pump}")
    await until_the_end(web, left)
    assert str(pump) not in str(left.seen[before:])


async def test_who_is_taken_out_is_sent_away(web: LiveWeb) -> None:
    other = (await web.repository.add_laboratory("the other one", "t")).id
    account, token = await member(web, Role.OBSERVER, OWN, other)
    viewer = await (await web.connect()).sign_in(token)
    await viewer.subscribe(f"device:{await added(web, other)}")
    await web.repository.remove_member(other, account.id)
    await access_of(web).endings.told()
    assert await viewer.close_code() == 4401, "with the next token it comes back, and sees what that says"
