"""The WebSocket as clients meet it: real Hypercorn, real Valkey, real database; a fleet in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from redis import Redis

from lics_actors.device.messages import CommandState, Link, RequestCommand
from lics_actors.errors import DeviceUnavailableError
from lics_actors.live.messages import AlarmLive, CommandLive, NodeLive, command_topic
from lics_actors.store.records import AlarmRaised
from lics_actors.store.rows import NewDevice
from lics_actors.store.shipping import ship_journal
from tests.system.live_web import TOKEN, LiveWeb, live_web
from tests.waiting import PATIENCE_S, eventually
from web.live.pacing import TELEMETRY_S
from web.live.wire import SocketWire

BEARER = {"Authorization": f"Bearer {TOKEN}"}
DISPENSE = {"name": "dispense", "args": {"volume_ul": 20.0}, "reason": "reward"}


@pytest.fixture
async def web(data_dir: Path, database_url: str, redis_url: str) -> AsyncIterator[LiveWeb]:
    """A web worker."""
    async with live_web(data_dir, database_url, redis_url) as running:
        yield running


async def device(web: LiveWeb, name: str = "pump-1") -> UUID:
    """Have a device in tables and fleet; return its id."""
    row = await web.repository.create_device(NewDevice(name, "pump", "native", "user:admin"))
    await web.fleet.register(row.spec())
    return row.id


async def test_a_device_is_told_as_it_is_and_then_as_it_changes(web: LiveWeb) -> None:
    pump = await device(web)
    viewer = await web.viewer()
    topic = f"device:{pump}"
    snapshot = await viewer.subscribe(topic)
    rest = await web.app.test_client().get(f"/api/v1/devices/{pump}", headers=BEARER)
    assert snapshot["device"] == await rest.get_json()
    web.tell_device(pump, Link.STALE)
    changed = await viewer.until("device")
    assert (changed["topic"], changed["device"]["status"], changed["device"]["id"]) == (topic, "stale", str(pump))
    web.tell_event(pump, 1)
    event = await viewer.until("event")
    assert event["event"]["data"] == {"seq": 1}
    web.tell_values(pump, 7, temperature_c=21.5)
    told = await viewer.until("telemetry")
    assert told["telemetry"]["metrics"] == {"temperature_c": 21.5}
    assert snapshot["n"] < changed["n"] < event["n"] < told["n"]
    assert {type(client.wire) for client in web.hub._clients} == {SocketWire}, "Hypercorn is as wire.py knows it"


async def test_the_way_in(web: LiveWeb) -> None:
    ready = await (await web.connect(additional_headers=BEARER)).hear()
    assert (ready["kind"], ready["principal"], ready["version"]) == ("ready", "user:admin", 1)
    pump = await device(web)
    viewer = await web.connect(f"/ws/{pump}")
    await viewer.sign_in()
    assert (await viewer.until("snapshot"))["device"]["id"] == str(pump)
    await viewer.say(kind="ping", ref="7")
    assert await viewer.hear() == {"kind": "pong", "ref": "7"}


@pytest.mark.parametrize(
    ("headers", "first"),
    [
        ({"Authorization": "Bearer wrong"}, None),
        ({"Authorization": "Basic xyz"}, None),
        ({}, '{"kind":"auth","token":"wrong"}'),
        ({}, '{"kind":"subscribe","topics":["fleet"]}'),
        ({}, "nonsense"),
        ({}, b"\x00"),
    ],
)
async def test_who_is_not_known_is_told_so_and_sent_away(
    web: LiveWeb, headers: dict[str, str], first: str | bytes | None
) -> None:
    stranger = await web.connect(additional_headers=headers)
    if first is not None:
        await stranger.socket.send(first)
    assert await stranger.close_code() == 4401
    (refused,) = stranger.seen
    assert (refused["kind"], refused["detail"]["code"], refused["detail"]["type"]) == (
        "error",
        "UNAUTHENTICATED",
        "authentication_error",
    )
    assert refused["detail"]["request_id"]


async def test_other_paths_are_none_of_ours(web: LiveWeb) -> None:
    for path in ("/ws/nonsense", f"/ws/{uuid4()}/more", "/wss", "/ws/", "/api/v1/devices"):  # the last is there, but for GET
        with pytest.raises(Exception, match=r"HTTP 40[45]"):
            await web.connect(path)


async def test_the_fleet_and_its_changes(web: LiveWeb) -> None:
    pump, feeder = await device(web), await device(web, "feeder-1")
    web.tell_device(feeder, Link.STALE)  # the tables do not know yet
    viewer = await web.viewer()
    await eventually(lambda: Redis.from_url(web.redis_url).xlen("lics:live:fleet"), what="the bus keeps it")
    snapshot = await viewer.subscribe("fleet")
    known = {each["id"]: each["status"] for each in snapshot["devices"]}
    assert known == {str(pump): "offline", str(feeder): "stale"}
    web.tell_device(pump)
    assert (await viewer.until("device"))["device"]["status"] == "online"
    web.bus.publish("fleet", NodeLive("rack:1", "restarted", "it hung", datetime.now(UTC)), keep=True)
    event = (await viewer.until("event"))["event"]
    assert (event["node"], event["type"], event["data"]) == ("rack:1", "lics.restarted", {"reason": "it hung"})


async def test_open_alarms_and_what_becomes_of_them(web: LiveWeb) -> None:
    now = datetime.now(UTC)
    await ship_journal(web.repository, uuid4(), [(1, AlarmRaised(now, "recorder", "spool_filling", "it fills"))])
    viewer = await web.viewer()
    snapshot = await viewer.subscribe("alarms")
    assert [(alarm["kind"], alarm["count"]) for alarm in snapshot["alarms"]] == [("spool_filling", 1)]
    assert snapshot["alarms"][0]["state"] == "unacknowledged"
    gone = AlarmLive("recorder", "spool_filling", "high", "it fills", now, returned_at=now + timedelta(seconds=1))
    web.bus.publish("alarms", gone, keep=True)
    assert (await viewer.until("alarm"))["alarm"]["active"] is False
    assert [alarm["state"] for alarm in (await viewer.subscribe("alarms"))["alarms"]] == ["returned"]


async def test_what_does_not_exist_is_refused_and_the_rest_is_not(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    unknown = f"device:{uuid4()}"
    await viewer.say(kind="subscribe", topics=["nonsense", unknown, f"device:{pump}"])
    errors = {(m["topic"], m["detail"]["code"]) for m in [await viewer.until("error"), await viewer.until("error")]}
    assert errors == {("nonsense", "TOPIC_NOT_FOUND"), (unknown, "DEVICE_NOT_FOUND")}
    if not any(message["kind"] == "snapshot" for message in viewer.seen):
        await viewer.until("snapshot")
    (client,) = web.hub._clients
    assert set(client.subscriptions) == {f"device:{pump}"}


async def test_unsubscribed_is_silent_and_nothing_is_left_behind(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    await viewer.subscribe(f"device:{pump}")
    await viewer.say(kind="unsubscribe", topics=[f"device:{pump}", "fleet"])
    await eventually(lambda: not web.hub._feeds, what="nobody listens")
    web.tell_event(pump, 1)
    await viewer.say(kind="ping")
    assert (await viewer.hear())["kind"] == "pong"
    await viewer.subscribe(f"device:{pump}")
    web.tell_event(pump, 2)
    assert (await viewer.until("event"))["event"]["seq"] == 2
    await viewer.socket.close()
    await eventually(lambda: not web.hub._clients and not web.hub._feeds, what="the client is forgotten")
    redis = Redis.from_url(web.redis_url)
    await eventually(lambda: redis.pubsub_channels("lics:live:*") == [], what="no channel is listened to")


async def test_a_client_that_comes_back_is_told_what_it_missed(web: LiveWeb) -> None:
    pump = await device(web)
    topic = f"device:{pump}"
    first = await web.viewer()
    await first.subscribe(topic)
    web.tell_event(pump, 1)
    seen = (await first.until("event"))["n"]
    await first.socket.close()
    for seq in range(2, 12):
        web.tell_event(pump, seq)
    await eventually(lambda: Redis.from_url(web.redis_url).xlen(f"lics:live:{topic}") == 11, what="the bus keeps them")
    for after in (seen, {topic: seen, "fleet": 1}):
        again = await web.viewer()
        snapshot = await again.subscribe(topic, after=after)
        assert [message["event"]["seq"] for message in again.seen if message["kind"] == "event"] == list(range(2, 12))
        numbers = [message["n"] for message in again.seen if "n" in message]
        assert numbers == sorted(numbers)
        assert snapshot["n"] >= numbers[-1] > seen
    late = await web.viewer()
    await late.subscribe(topic, after=seen - 3_600_000_000)
    gap = next(message for message in late.seen if message["kind"] == "gap")
    assert (gap["topic"], gap["from"]) == (topic, seen - 3_600_000_000 + 1)
    assert gap["to"] >= numbers[-1]
    assert late.seen[-1]["kind"] == "snapshot"


async def test_a_command_is_told_in_all_its_states_to_who_gave_it(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    await viewer.say(kind="command", ref="1", device_id=str(pump), **DISPENSE)
    told = await viewer.until("command")
    command = told["command"]
    assert (told["ref"], command["state"], command["principal"], command["reason"]) == ("1", "succeeded", "user:admin", "reward")
    assert told["topic"] == f"command:{command['id']}"
    rest = await web.app.test_client().get(f"/api/v1/commands/{command['id']}?device_id={pump}", headers=BEARER)
    assert await rest.get_json() == command
    await viewer.say(kind="command", ref="1", device_id=str(pump), **DISPENSE)
    assert (await viewer.until("command"))["command"] == command, "the same ref is the same command"
    assert len(web.fleet.executed) == 1
    await eventually(lambda: not web.hub._feeds, what="it is followed no longer")


async def test_the_bus_tells_its_states_as_they_come(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    web.fleet.slow = True  # the answer to the command itself never comes
    await viewer.say(kind="command", ref="1", device_id=str(pump), **DISPENSE)
    await eventually(lambda: [name for name in web.hub._feeds if name.startswith("command:")], what="it is followed")
    (topic,) = web.hub._feeds
    await eventually(lambda: Redis.from_url(web.redis_url).pubsub_channels("lics:live:command:*"), what="it is listened to")
    web.fleet.slow = False
    template = await web.fleet.command(wanted_by(pump, UUID(topic.removeprefix("command:"))))
    for steps in range(1, len(template.steps) + 1):
        fields = {name: getattr(template, name) for name in template.__struct_fields__} | {"steps": template.steps[:steps]}
        web.bus.publish(topic, CommandLive(type(template)(**fields)), keep=True)
    states = [(await viewer.until("command", ref="1", topic=topic))["command"]["state"] for _ in template.steps]
    assert states == [str(step.state) for step in template.steps]


def wanted_by(device_id: UUID, command_id: UUID) -> RequestCommand:
    """Return what the hub has asked the fleet for."""
    return RequestCommand(command_id, device_id, "dispense", {"volume_ul": 20.0}, "user:admin", 5.0, reason="reward")


async def test_a_key_names_the_same_command_here_and_in_rest(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    await viewer.say(kind="command", ref="1", device_id=str(pump), key="k-1", **DISPENSE)
    command = (await viewer.until("command"))["command"]
    headers = {**BEARER, "Idempotency-Key": "k-1"}
    rest = await web.app.test_client().post(f"/api/v1/devices/{pump}/command", headers=headers, json=DISPENSE)
    assert (await rest.get_json())["id"] == command["id"]
    other = await web.viewer()
    await other.say(kind="command", ref="x", device_id=str(pump), key="k-1", name="stop", args={})
    assert (await other.until("error", ref="x"))["detail"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(web.fleet.executed) == 1


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"name": ""}, "VALIDATION_ERROR", "name"),
        ({"timeout_s": 0}, "VALIDATION_ERROR", "timeout_s"),
        ({"args": {"a": "x\0y"}}, "VALIDATION_ERROR", "args.a"),
        ({"key": "a b"}, "VALIDATION_ERROR", "Idempotency-Key"),
        ({"device_id": str(uuid4())}, "DEVICE_NOT_FOUND", None),
    ],
)
async def test_a_command_that_breaks_a_rule_is_refused_as_in_rest(
    web: LiveWeb, change: dict[str, object], code: str, field: str | None
) -> None:
    pump, viewer = await device(web), await web.viewer()
    await viewer.say(**{"kind": "command", "ref": "9", "device_id": str(pump), **DISPENSE, **change})
    refused = await viewer.until("error", ref="9")
    assert refused["detail"]["code"] == code
    assert field is None or refused["detail"]["fields"][0]["field"] == field
    assert not web.fleet.executed


async def test_the_actors_refusal_is_told(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    web.fleet.refusal = DeviceUnavailableError("it is offline")
    await viewer.say(kind="command", ref="9", device_id=str(pump), **DISPENSE)
    refused = await viewer.until("error", ref="9")
    assert (refused["detail"]["code"], refused["detail"]["type"]) == ("DEVICE_OFFLINE", "device_unavailable")


async def test_a_command_of_another_can_be_watched(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    web.fleet.outcome = CommandState.DELIVERED
    rest = await web.app.test_client().post(f"/api/v1/devices/{pump}/command", headers=BEARER, json={**DISPENSE, "wait": False})
    command = await rest.get_json()
    topic = command_topic(UUID(command["id"]))
    snapshot = await viewer.subscribe(topic)
    assert snapshot["command"] == command
    web.bus.publish(topic, CommandLive(web.fleet.commands[UUID(command["id"])]), keep=True)
    assert (await viewer.until("command"))["command"]["id"] == command["id"]
    assert "ref" not in viewer.seen[-1]
    unknown = f"command:{uuid4()}"
    began = time.monotonic()
    await viewer.say(kind="subscribe", topics=[unknown])
    assert (await viewer.until("error", topic=unknown))["detail"]["code"] == "COMMAND_NOT_FOUND"
    assert time.monotonic() - began > 1.0, "a command that another worker placed is in the tables after a second"


async def test_two_workers_tell_the_same(web: LiveWeb, database_url: str, data_dir: Path) -> None:
    pump = await device(web)
    async with live_web(data_dir, database_url, web.redis_url) as other:
        await other.fleet.register((await other.repository.get_device(pump)).spec())
        viewers = [await web.viewer(), await other.viewer()]
        for viewer in viewers:
            await viewer.subscribe(f"device:{pump}")
        for seq in range(50):
            (web if seq % 2 else other).tell_event(pump, seq)
        heard = [[(await viewer.until("event"))["n"] for _ in range(50)] for viewer in viewers]
        assert heard[0] == heard[1] == sorted(heard[0])


async def test_a_worker_that_stops_says_so_at_once(web: LiveWeb) -> None:
    viewers = [await web.viewer() for _ in range(20)] + [await web.connect()]
    for viewer in viewers[:10]:
        await viewer.subscribe("fleet")
    began = time.monotonic()
    web.stopping.set()
    web.hub.stop()
    codes = await asyncio.gather(*(viewer.close_code() for viewer in viewers))
    assert time.monotonic() - began < PATIENCE_S / 4, "nobody is waited for"
    assert set(codes) == {1001}


async def test_values_are_paced_and_merged_and_the_newest_arrive(web: LiveWeb) -> None:
    pump, viewer = await device(web), await web.viewer()
    await viewer.subscribe(f"device:{pump}")
    began = time.monotonic()
    for seq in range(300):
        web.tell_values(pump, seq, **{f"m{seq % 3}": float(seq)})
        await asyncio.sleep(0.001)
    newest: dict[str, float] = {}
    count = 0
    while newest.get("m2") != 299.0:
        newest |= (await viewer.until("telemetry"))["telemetry"]["metrics"]
        count += 1
    assert newest == {"m0": 297.0, "m1": 298.0, "m2": 299.0}
    assert count <= (time.monotonic() - began) / TELEMETRY_S + 2
    assert count < 150, "several in one message"
