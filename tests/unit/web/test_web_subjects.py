"""Subjects over REST: keeping, changing with a reason, weighing, history."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.web.conftest import Web

MOUSE: dict[str, Any] = {
    "name": "m-1",
    "species": "Mus musculus",
    "rfid": "900.1",
    "daily": {"fluid_ul": {"target": 900, "max": 1500}},
}


async def made(web: Web, **more: Any) -> tuple[dict[str, Any], str]:
    response = await web.ask("POST", "/subjects", json={**MOUSE, **more})
    assert response.status_code == 201, await response.get_data()
    subject: dict[str, Any] = await response.get_json()
    assert response.headers["Location"] == f"/api/v1/subjects/{subject['id']}"
    return subject, response.headers["ETag"]


async def told(
    web: Web, method: str, path: str, headers: dict[str, str] | None = None, **given: Any
) -> tuple[int, dict[str, Any]]:
    response = await web.ask(method, path, headers, **given)
    return response.status_code, await response.get_json()


async def test_a_subjects_life(web: Web) -> None:
    subject, tag = await made(web, sex="male", birth_date="2025-05-01")
    assert (subject["sex"], subject["birth_date"], subject["status"], subject["daily"]) == (
        "male", "2025-05-01", "active", {"fluid_ul": {"target": 900.0, "max": 1500.0}},
    )  # fmt: skip
    path = f"/subjects/{subject['id']}"
    assert (await web.ask("GET", path, {"If-None-Match": tag})).status_code == 304
    status, page = await told(web, "GET", "/subjects?rfid=900.1&status=active")
    assert (status, [each["name"] for each in page["items"]]) == (200, ["m-1"])
    status, refused = await told(web, "PATCH", path, json={"daily": {"fluid_ul": {"max": 9000}}})
    assert (status, refused["detail"]["code"]) == (422, "REASON_REQUIRED")
    status, patched = await told(web, "PATCH", path, {"If-Match": tag}, json={"status": "retired", "reason": "end of study"})
    assert (status, patched["status"], patched["version"]) == (200, "retired", 2)
    assert (await told(web, "PATCH", path, {"If-Match": tag}, json={"notes": "x"}))[0] == 412
    assert (await told(web, "PATCH", path, json={"rfid": None, "reason": "tag lost"}))[1]["rfid"] is None
    _, history = await told(web, "GET", f"{path}/history")
    assert [(each["version"], each["changed"], each["reason"]) for each in history["items"][:2]] == [
        (3, ["rfid"], "tag lost"),
        (2, ["status"], "end of study"),
    ]
    assert history["items"][0]["principal"] == "user:admin"
    await made(web)


async def test_what_was_said_again_is_done_once(web: Web) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await told(web, "POST", "/subjects", key, json=MOUSE)
    again = await told(web, "POST", "/subjects", key, json=MOUSE)
    assert (first[0], again[0], first[1]["id"]) == (201, 200, again[1]["id"])
    status, other = await told(web, "POST", "/subjects", key, json={**MOUSE, "name": "m-2", "rfid": None})
    assert (status, other["detail"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert (await told(web, "POST", "/subjects", json=MOUSE))[0] == 409
    status, refused = await told(web, "POST", "/subjects", {"Idempotency-Key": "\x80"}, json={**MOUSE, "id": first[1]["id"]})
    assert (status, refused["detail"]["fields"][0]["field"]) == (422, "Idempotency-Key"), "also where the body says the id"
    path = f"/subjects/{first[1]['id']}/weights"
    for _ in range(2):
        status, weight = await told(web, "POST", path, key, json={"weight_g": 23.5, "time": "2026-01-31T12:00:00+01:00"})
        assert status == 201, weight
        assert (status, weight["weight_g"], weight["time"]) == (201, 23.5, "2026-01-31T11:00:00Z")
    assert len((await told(web, "GET", path))[1]["items"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"species": ""}, "species"),
        ({"species": "-"}, "species"),
        ({"species": "mouse"}, "species"),
        ({"sex": "both"}, "sex"),
        ({"birth_date": "2999-01-01"}, "birth_date"),
        ({"rfid": "x"}, "rfid"),
        ({"daily": {"fluid_ul": {"target": 10, "max": 5}}}, "daily.fluid_ul"),
        ({"daily": {"fluid_ul": {}}}, "daily.fluid_ul"),
        ({"daily": {"beer_ul": {"max": 5}}}, "daily.beer_ul"),
        ({"status": "happy"}, "status"),
        ({"colour": "black"}, "colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_place(web: Web, body: dict[str, Any], field: str) -> None:
    status, refused = await told(web, "POST", "/subjects", json={**MOUSE, **body})
    assert status == 422
    assert [each["field"] for each in refused["detail"]["fields"]] == [field]


async def test_nobody_is_found_who_is_not_there(web: Web) -> None:
    path = "/subjects/00000000-0000-4000-8000-000000000001"
    asked = (
        ("GET", "", None),
        ("PATCH", "", {"notes": "x"}),
        ("GET", "/history", None),
        ("GET", "/weights", None),
        ("POST", "/weights", {"weight_g": 1.0}),
    )
    for method, more, body in asked:
        status, refused = await told(web, method, path + more, **({"json": body} if body else {}))
        assert (status, refused["detail"]["code"]) == (404, "SUBJECT_NOT_FOUND")
