"""What subjects are given, over REST: the day, what hands give, limits, overrides, calibrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.unit.web.conftest import Web
from tests.unit.web.test_web_subjects import made, told


def fluid_of(day: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in day["substances"] if each["substance"] == "fluid")
    return found


async def test_a_subjects_day(web: Web) -> None:
    subject, _ = await made(web)
    path = f"/subjects/{subject['id']}/fluid"
    key = {"Idempotency-Key": "k-1"}
    for _ in range(2):
        status, entry = await told(web, "POST", path, key, json={"substance": "fluid", "amount": 400.0, "note": "evening"})
        assert (status, entry["fate"], entry["by"]) == (201, "confirmed", "user:admin")
    status, day = await told(web, "GET", path)
    assert status == 200
    fluid = fluid_of(day)
    assert (fluid["by_hand"], fluid["surely"], fluid["at_most"], fluid["left"]) == (400, 400, 400, 1100)
    assert (fluid["maximum"], day["limits"]["max_fluid"], len(day["entries"])) == (1500, 1500, 1)
    assert day["concerns"] == []
    await told(web, "POST", path, json={"substance": "fluid", "amount": 1200.0})
    _, day = await told(web, "GET", path)
    assert [each["kind"] for each in day["concerns"]] == ["fluid_excess"]
    _, other = await told(web, "GET", f"{path}?date=2026-01-31")
    assert (other["date"], other["entries"]) == ("2026-01-31", [])
    for wrong_day in ("0", "20261123", "2026-13-01"):
        assert (await told(web, "GET", f"{path}?date={wrong_day}"))[0] == 422
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for wrong in ({"amount": 0.0}, {"substance": "beer"}, {"time": later}):
        status, _ = await told(web, "POST", path, json={"substance": "fluid", "amount": 1.0, **wrong})
        assert status == 422
    assert (await told(web, "GET", f"/subjects/{uuid4()}/fluid"))[0] == 404


async def test_a_hand_may_ask_before_it_gives(web: Web) -> None:
    subject, _ = await made(web)
    path = f"/subjects/{subject['id']}/fluid"
    ask = {"substance": "fluid", "ask": True}
    assert (await told(web, "POST", path, json={**ask, "amount": 1000.0}))[0] == 201
    status, refused = await told(web, "POST", path, json={**ask, "amount": 600.0})
    assert (status, refused["detail"]["code"]) == (409, "SUBJECT_LIMIT")
    assert "500 µl are left" in refused["detail"]["message"]
    now = datetime.now(UTC).isoformat()
    assert (await told(web, "POST", path, json={**ask, "amount": 1.0, "time": now}))[0] == 422
    assert fluid_of((await told(web, "GET", path))[1])["by_hand"] == 1000


async def test_limits_and_overrides(web: Web) -> None:
    subject, _ = await made(web)
    path = f"/subjects/{subject['id']}"
    assert (await told(web, "PUT", f"{path}/limits", json={"session_s": 3600.0, "between_s": None}))[0] == 422
    rules = {"session_s": 3600.0, "between_s": None, "reason": "protocol 17/4"}
    status, limits = await told(web, "PUT", f"{path}/limits", json=rules)
    assert (status, limits["session_s"], limits["max_fluid"]) == (200, 3600, 1500)
    assert (await told(web, "GET", f"{path}/limits"))[1] == limits
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    body = {"limit": "max_fluid", "value": 3000.0, "until": until, "reason": "dehydrated"}
    status, override = await told(web, "POST", f"{path}/overrides", json=body)
    assert status == 201, override
    assert (status, override["by"], override["reason"]) == (201, "user:admin", "dehydrated")
    assert (await told(web, "GET", f"{path}/overrides"))[1] == {"items": [override]}
    _, day = await told(web, "GET", f"{path}/fluid")
    assert (fluid_of(day)["left"], day["limits"]["max_fluid"]) == (3000, 1500)
    for wrong in ({"reason": " "}, {"until": "2020-01-01T00:00:00Z"}, {"until": "2040-01-01T00:00:00Z"}, {"limit": "x"}):
        assert (await told(web, "POST", f"{path}/overrides", json={**body, **wrong}))[0] == 422
    assert (await told(web, "DELETE", f"{path}/overrides/{override['id']}"))[0] == 200
    assert (await told(web, "DELETE", f"{path}/overrides/{override['id']}"))[0] == 404
    assert (await told(web, "GET", f"{path}/overrides"))[1] == {"items": []}


async def test_a_pump_is_calibrated(web: Web) -> None:
    pump = await web.add()
    path = f"/devices/{pump['id']}/calibrations"
    weighed = [{"commanded": float(told_), "mass_mg": told_ * 95.0, "repeats": 100} for told_ in (5, 10, 20)]
    key = {"Idempotency-Key": "k-1"}
    for _ in range(2):
        status, first = await told(web, "POST", path, key, json={"points": weighed, "valid_days": 14.0})
        assert (status, first["version"], first["standing"]) == (201, 1, "valid")
    assert abs(first["slope"] - 0.95 / 0.9982) < 1e-9
    status, refused = await told(web, "POST", path, json={"points": [*weighed, {"commanded": 40.0, "measured": 3.0}]})
    assert (status, refused["detail"]["fields"][0]["field"]) == (422, "points")
    assert (await told(web, "POST", path, json={"points": [{"commanded": 1.0}, {"commanded": 2.0}]}))[0] == 422
    assert [each["version"] for each in (await told(web, "GET", path))[1]["items"]] == [1]
    assert (await told(web, "GET", f"/devices/{uuid4()}/calibrations"))[0] == 404
