"""The WebSocket as clients meet it: real Hypercorn, real Valkey, real database; a fleet in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from lics_actors.device.messages import Link
from lics_actors.store.rows import NewDevice
from tests.system.live_web import TOKEN, LiveWeb, live_web
from web.live.wire import SocketWire


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
    rest = await web.app.test_client().get(f"/api/v1/devices/{pump}", headers={"Authorization": f"Bearer {TOKEN}"})
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
    assert {type(client.wire) for client in web.hub._clients} == {SocketWire}
