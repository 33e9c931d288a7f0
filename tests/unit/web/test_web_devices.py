"""Devices over REST: the real application and database, a fleet in memory."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.unit.web.conftest import Web
from tests.waiting import eventually
from web.backing import Registrations


async def test_a_device_is_registered_read_changed_and_retired(web: Web) -> None:
    made = await web.ask("POST", "/devices", json={"name": "pump-1", "type": "pump", "location": "room 2"})
    device = await made.get_json()
    address = f"/api/v1/devices/{device['id']}"
    assert (made.status_code, made.headers["Location"]) == (201, address)
    assert (device["live"], device["status"], device["metrics"]["temperature_c"]["value"]) == (True, "online", 21.5)
    assert UUID(device["id"]) in web.fleet.devices
    changed = await web.ask("PATCH", address, json={"location": None, "admin": "maintenance"})
    assert changed.status_code == 200
    body = await changed.get_json()
    assert (body["location"], body["admin"], body["status"], body["version"]) == (None, "maintenance", "maintenance", 2)
    assert (await web.ask("DELETE", address)).status_code == 204
    assert (await web.ask("DELETE", address)).status_code == 204
    retired = await (await web.ask("GET", address)).get_json()
    assert (retired["status"], retired["live"]) == ("retired", False)
    assert UUID(device["id"]) not in web.fleet.devices
    assert await (await web.ask("GET", "/devices")).get_json() == {"items": [], "next": None}
    listed = await (await web.ask("GET", "/devices?retired=true")).get_json()
    assert [item["name"] for item in listed["items"]] == ["pump-1"]


async def test_a_device_keeps_the_id_it_brings(web: Web) -> None:
    own = str(uuid4())
    assert (await web.add(id=own))["id"] == own
    again = await web.ask("POST", "/devices", json={"name": "pump-2", "type": "pump", "id": own})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "pump"}, "name"),
        ({"name": "", "type": "pump"}, "name"),
        ({"name": "x" * 256, "type": "pump"}, "name"),
        ({"name": " ", "type": "pump"}, "name"),
        ({"name": "p", "type": "toaster"}, "type"),
        ({"name": "p", "type": "pump", "driver": "nobody"}, "driver"),
        ({"name": "p", "type": "pump", "settings": {"nonsense": 1}}, "settings.nonsense"),
        ({"name": "p", "type": "pump", "silent_s": 0}, "silent_s"),
        ({"name": "p", "type": "pump", "admin": "retired"}, "admin"),
        ({"name": "p", "type": "pump", "colour": "red"}, "colour"),
        ({"name": "p\0", "type": "pump"}, "name"),
    ],
)
async def test_a_refusal_names_the_field(web_without_database: Web, body: dict[str, Any], field: str) -> None:
    web = web_without_database
    response = await web.ask("POST", "/devices", json=body)
    detail = (await response.get_json())["detail"]
    assert (response.status_code, detail["type"]) == (422, "validation_error")
    assert field in [entry["field"] for entry in detail["fields"]]


async def test_two_people_do_not_overwrite_each_other(web: Web) -> None:
    device = await web.add()
    address = f"/devices/{device['id']}"
    seen = (await web.ask("GET", address)).headers["ETag"]
    first = await web.ask("PATCH", address, {"If-Match": seen}, json={"location": "room 1"})
    second = await web.ask("PATCH", address, {"If-Match": seen}, json={"location": "room 2"})
    assert (first.status_code, second.status_code) == (200, 412)
    assert (await (await web.ask("GET", address)).get_json())["location"] == "room 1"
    assert (await web.ask("DELETE", address, {"If-Match": seen})).status_code == 412
    assert (await web.ask("PUT", address, {"If-Match": '"foreign"'}, json={"name": "p", "type": "pump"})).status_code == 412
    assert (await web.ask("DELETE", address, {"If-Match": first.headers["ETag"]})).status_code == 204


async def test_what_has_not_changed_is_not_sent_again_and_a_live_change_spoils_no_write(web: Web) -> None:
    device = await web.add()
    address = f"/devices/{device['id']}"
    seen = (await web.ask("GET", address)).headers["ETag"]
    same = await web.ask("GET", address, {"If-None-Match": seen})
    assert (same.status_code, await same.get_data()) == (304, b"")
    web.fleet.down = True
    assert (await web.ask("GET", address, {"If-None-Match": seen})).status_code == 200
    assert (await web.ask("PATCH", address, {"If-Match": seen}, json={"location": "room 1"})).status_code == 200


async def test_put_takes_back_what_it_does_not_mention(web: Web) -> None:
    device = await web.add(location="room 1", silent_s=5.0)
    response = await web.ask("PUT", f"/devices/{device['id']}", json={"name": "pump-9", "type": "feeder"})
    body = await response.get_json()
    assert (body["name"], body["type"], body["location"], body["silent_s"]) == ("pump-9", "feeder", None, 30.0)


@pytest.mark.parametrize(
    "body", [{}, {"name": None}, {"settings": None}, {"nmae": "x"}, {"driver": "nobody"}, {"settings": {"x": 1}}]
)
async def test_a_patch_that_makes_no_sense_is_refused(web: Web, body: dict[str, Any]) -> None:
    device = await web.add()
    assert (await web.ask("PATCH", f"/devices/{device['id']}", json=body)).status_code == 422


async def test_a_key_makes_registering_repeatable(web: Web) -> None:
    key, body = {"Idempotency-Key": "k1"}, {"name": "pump-1", "type": "pump"}
    first = await web.ask("POST", "/devices", key, json=body)
    again = await web.ask("POST", "/devices", key, json=body)
    other = await web.ask("POST", "/devices", key, json={**body, "name": "pump-2"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.headers["Location"] == again.headers["Location"]
    assert (await other.get_json())["detail"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    taken = await web.ask("POST", "/devices", {"Idempotency-Key": "k2"}, json=body)
    assert (await taken.get_json())["detail"]["code"] == "CONFLICT"
    assert (await web.ask("POST", "/devices", {"Idempotency-Key": "k 3"}, json=body)).status_code == 422


async def test_lists_come_in_pages_and_can_be_narrowed(web: Web) -> None:
    for n in range(5):
        await web.add(f"pump-{n}", location="room 1" if n < 3 else "room 2")
    await web.add("lick-1", type="lickometer")
    names, cursor = [], ""
    while True:
        page = await (await web.ask("GET", f"/devices?limit=2{cursor}")).get_json()
        names += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert names == ["lick-1", *(f"pump-{n}" for n in range(5))]

    async def found(query: str) -> list[str]:
        return [item["name"] for item in (await (await web.ask("GET", f"/devices?{query}")).get_json())["items"]]

    assert await found("type=lickometer") == ["lick-1"]
    assert await found("location=room%202") == ["pump-3", "pump-4"]
    assert await found("q=LICK") == ["lick-1"]
    assert await found("status=online") == []
    assert len(await found("status=offline&link=offline&driver=native")) == 6


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "cursor=nonsense", "type=toaster", "stauts=online", "limit=1&limit=2", "q=%00"]
)
async def test_a_query_that_makes_no_sense_is_refused(web_without_database: Web, query: str) -> None:
    web = web_without_database
    response = await web.ask("GET", f"/devices?{query}")
    assert response.status_code == 422, await response.get_data()


async def test_without_fleet_devices_are_told_as_last_recorded_and_registered_all_the_same(web: Web) -> None:
    web.fleet.down = True
    device = await web.add()
    assert (device["live"], device["status"], "metrics" in device and device["metrics"]) == (False, "offline", None)
    assert web.fleet.devices == {}
    web.fleet.down = False
    await eventually(lambda: UUID(device["id"]) in web.fleet.devices, what="the fleet hears of the device when it is back")


async def test_a_hung_actor_costs_a_second_not_the_answer(web: Web) -> None:
    device = await web.add()
    web.fleet.slow = True
    response = await web.ask("GET", f"/devices/{device['id']}")
    assert (response.status_code, (await response.get_json())["live"]) == (200, False)


async def test_restarting_names_who_and_why(web: Web) -> None:
    device = await web.add()
    node = f"device:{device['id']}"
    response = await web.ask("POST", f"/devices/{device['id']}/restart", json={"reason": "it hangs"})
    assert (response.status_code, await response.get_json()) == (200, {"node": node, "restarted": True})
    assert (await web.ask("POST", f"/devices/{device['id']}/restart")).status_code == 200
    assert web.fleet.restarted == [(node, "user:admin", "it hangs"), (node, "user:admin", None)]
    missing = await web.ask("POST", f"/devices/{uuid4()}/restart")
    assert (missing.status_code, (await missing.get_json())["detail"]["code"]) == (404, "DEVICE_NOT_FOUND")


@pytest.mark.parametrize("path", ["", "/commands", "/telemetry", "/events", "/rejected"])
async def test_an_unknown_device_is_not_found(web: Web, path: str) -> None:
    response = await web.ask("GET", f"/devices/{uuid4()}{path}")
    assert (response.status_code, (await response.get_json())["detail"]["code"]) == (404, "DEVICE_NOT_FOUND")


async def test_without_database_the_answer_is_503_with_the_one_body(web_without_database: Web) -> None:
    web = web_without_database
    body = {"name": "p", "type": "pump"}
    answers = [
        await web.ask("GET", "/devices"),
        await web.ask("POST", "/devices", json=body),
        await web.ask("GET", f"/devices/{uuid4()}"),
        await web.ask("GET", f"/commands/{uuid4()}"),
    ]
    for response in answers:
        detail = (await response.get_json())["detail"]
        assert (response.status_code, detail["code"]) == (503, "DATABASE_UNAVAILABLE")
        assert "127.0.0.1" not in detail["message"]
        assert "nothing" not in detail["message"]


async def test_whoever_tells_the_fleet_last_tells_the_newest(web: Web) -> None:
    """Two workers: what one is still telling, the other has changed meanwhile."""
    device = await web.add()
    older = (await web.repository.get_device(UUID(device["id"]))).spec()
    await web.repository.update_device(older.device_id, {"location": "room 9"}, expected_version=None, principal="user:admin")
    registrations = Registrations(web.fleet, web.repository)
    assert await registrations.tell(older)
    assert web.fleet.devices[older.device_id].location == "room 9"
    assert not registrations._pending
