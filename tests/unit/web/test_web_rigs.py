"""Rigs over REST: defining them, what is refused and where it says so, and resetting."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.device.messages import TrippedInterlock
from lics_actors.errors import InterlockTrippedError
from tests.unit.web.conftest import Web
from tests.unit.web.fleet_stub import EPOCH

HOT: dict[str, Any] = {
    "name": "hot",
    "when": {"metric": "temperature_c", "of": "sensor", "op": ">", "value": 40},
    "trip": [{"role": "pump", "command": "stop"}],
}


async def members(web: Web) -> dict[str, str]:
    """Return a pump and a sensor."""
    return {"pump": (await web.add("pump"))["id"], "sensor": (await web.add("sensor"))["id"]}


async def made(web: Web, **more: Any) -> tuple[dict[str, Any], str]:
    body = {"name": "cage 3", "devices": await members(web), "interlocks": [HOT], **more}
    response = await web.ask("POST", "/rigs", json=body)
    assert response.status_code == 201, await response.get_data()
    rig: dict[str, Any] = await response.get_json()
    assert response.headers["Location"] == f"/api/v1/rigs/{rig['id']}"
    return rig, response.headers["ETag"]


def trips(web: Web, rig: dict[str, Any], name: str = "hot") -> UUID:
    pump = UUID(rig["devices"]["pump"])
    web.fleet.tripped[pump] = (TrippedInterlock(UUID(rig["id"]), rig["name"], name, EPOCH, "it was hot"),)
    return pump


async def test_a_rigs_life(web: Web) -> None:
    rig, tag = await made(web)
    assert (rig["interlocks"], rig["version"], rig["tripped"], rig["unknown"]) == ([HOT], 1, [], [])
    told = web.fleet.rigs[UUID(rig["id"])]
    assert told is not None
    assert (set(told.roles), told.interlocks) == ({"pump", "sensor"}, (HOT,))
    page = await (await web.ask("GET", f"/rigs?device={rig['devices']['pump']}")).get_json()
    assert [each["name"] for each in page["items"]] == ["cage 3"]
    assert (await web.ask("GET", f"/rigs/{rig['id']}", {"If-None-Match": tag})).status_code == 304
    patched = await web.ask("PATCH", f"/rigs/{rig['id']}", {"If-Match": tag}, json={"name": "cage 4"})
    assert (patched.status_code, (await patched.get_json())["version"]) == (200, 2)
    assert (await web.ask("PUT", f"/rigs/{rig['id']}", {"If-Match": tag}, json={"name": "x"})).status_code == 412
    replaced = await web.ask("PUT", f"/rigs/{rig['id']}", json={"name": "cage 5"})
    assert (await replaced.get_json())["interlocks"] == []
    history = (await (await web.ask("GET", f"/rigs/{rig['id']}/history")).get_json())["items"]
    assert [(each["version"], each["changed"]) for each in history] == [
        (3, ["devices", "interlocks", "name"]), (2, ["name"]), (1, ["devices", "interlocks", "name"])
    ]  # fmt: skip
    assert (history[1]["facts"]["name"], history[1]["principal"]) == ("cage 4", "user:admin")
    assert (await web.ask("DELETE", f"/rigs/{rig['id']}", {"If-Match": tag})).status_code == 412
    assert (await web.ask("DELETE", f"/rigs/{rig['id']}")).status_code == 204
    assert web.fleet.rigs[UUID(rig["id"])] is None
    for gone in ("", "/history"):
        assert (await web.ask("GET", f"/rigs/{rig['id']}{gone}")).status_code == 404


async def test_a_key_makes_it_repeatable(web: Web) -> None:
    body = {"name": "cage 3", "devices": await members(web), "interlocks": [HOT]}
    first, again = [await web.ask("POST", "/rigs", {"Idempotency-Key": "k"}, json=body) for _ in range(2)]
    assert [first.status_code, again.status_code] == [201, 200]
    other = await web.ask("POST", "/rigs", {"Idempotency-Key": "k"}, json={**body, "interlocks": []})
    assert other.status_code == 409
    assert (await web.ask("POST", "/rigs", json=body)).status_code == 409, "its name is in use"


@pytest.mark.parametrize(
    ("interlock", "field"),
    [
        ({**HOT, "when": {**HOT["when"], "of": "nobody"}}, "interlocks[0].when.of"),
        ({**HOT, "when": {"all": [HOT["when"], {"link": "offline", "of": "x"}]}}, "interlocks[0].when.all[1].of"),
        ({**HOT, "when": {"not": {"event": "opened", "of": "x"}}}, "interlocks[0].when.not.of"),
        ({**HOT, "trip": [{"role": "x"}]}, "interlocks[0].trip[0].role"),
        ({**HOT, "when": {**HOT["when"], "op": "~"}}, "interlocks[0].when.metric.op"),
        ({**HOT, "when": {}}, "interlocks[0].when"),
        ({**HOT, "when": {**HOT["when"], "link": "offline"}}, "interlocks[0].when"),
        ({**HOT, "trip": []}, "interlocks[0].trip"),
        ({**HOT, "unknown": "maybe"}, "interlocks[0].unknown"),
        ({**HOT, "for_s": -1}, "interlocks[0].for_s"),
        ({**HOT, "name": "a/b"}, "interlocks[0].name"),
    ],
)
async def test_a_refusal_says_where_and_why(web: Web, interlock: dict[str, Any], field: str) -> None:
    body = {"name": "cage 3", "devices": await members(web), "interlocks": [interlock]}
    response = await web.ask("POST", "/rigs", json=body)
    detail = (await response.get_json())["detail"]
    assert (response.status_code, [each["field"] for each in detail["fields"]]) == (422, [field])
    assert all(each["message"] for each in detail["fields"])


async def test_devices_that_there_are_not(web: Web) -> None:
    devices = await members(web)
    assert (await web.ask("DELETE", f"/devices/{devices['sensor']}")).status_code == 204
    response = await web.ask("POST", "/rigs", json={"name": "x", "devices": {**devices, "door": str(uuid4())}})
    fields = {each["field"]: each["message"] for each in (await response.get_json())["detail"]["fields"]}
    assert fields == {"devices.sensor": "sensor is retired", "devices.door": "there is no such device"}


async def test_reset_needs_a_reason_and_is_audited(web: Web) -> None:
    rig, _ = await made(web)
    pump = trips(web, rig)
    shown = await (await web.ask("GET", f"/rigs/{rig['id']}")).get_json()
    assert [(each["interlock"], each["why"]) for each in shown["tripped"]] == [("hot", "it was hot")]
    assert shown["unknown"] == []
    for body in ({}, {"reason": ""}, {"reason": " "}):
        assert (await web.ask("POST", f"/rigs/{rig['id']}/reset", json=body)).status_code == 422
    wrong = await web.ask("POST", f"/rigs/{rig['id']}/reset", json={"reason": "x", "interlock": "cold"})
    assert wrong.status_code == 422
    done = await web.ask("POST", f"/rigs/{rig['id']}/reset", json={"reason": "fan replaced", "interlock": "hot"})
    assert (done.status_code, (await done.get_json())["tripped"]) == (200, [])
    assert [(each.device_id, each.reason, each.principal) for each in web.fleet.resets] == [(pump, "fan replaced", "user:admin")]


async def test_a_reset_is_refused_while_it_still_is_so(web: Web) -> None:
    rig, _ = await made(web)
    trips(web, rig)
    web.fleet.refusal = InterlockTrippedError("it still is so")
    refused = await web.ask("POST", f"/rigs/{rig['id']}/reset", json={"reason": "x"})
    assert (refused.status_code, (await refused.get_json())["detail"]["code"]) == (409, "INTERLOCK_TRIPPED")


async def test_what_has_tripped_is_not_defined_away(web: Web) -> None:
    rig, _ = await made(web)
    trips(web, rig)
    for method, body in (
        ("DELETE", None),
        ("PUT", {"name": "cage 3"}),
        ("PATCH", {"interlocks": []}),
        ("PATCH", {"devices": {}}),
    ):
        response = await web.ask(method, f"/rigs/{rig['id']}", json=body)
        assert response.status_code in {409, 422}, (method, body)
    assert (await web.ask("PATCH", f"/rigs/{rig['id']}", json={"name": "renamed"})).status_code == 200


async def test_without_a_fleet_rigs_are_kept_and_nobody_says_that_all_is_well(web: Web) -> None:
    web.fleet.down = True
    rig, _ = await made(web)
    assert rig["unknown"] == [rig["devices"]["pump"]]
    assert (await web.ask("POST", f"/rigs/{rig['id']}/reset", json={"reason": "x"})).status_code == 503
