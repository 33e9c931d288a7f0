"""Experiments over REST: keeping a plan, refusing what makes no sense, and a subject's way through the stages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.experiment.library import text_of
from lics_actors.store.shipping import ship_journal
from tests.contract.run_records import opened, steps
from tests.contract.test_runs import journal
from tests.unit.web.conftest import Web
from tests.unit.web.test_web_runs import cage
from tests.unit.web.test_web_subjects import told

__all__ = ["cage"]  # a fixture


@pytest.fixture
async def plan(web: Web, cage: dict[str, Any]) -> dict[str, Any]:
    """Two stages of one protocol, with one mouse."""
    _, version = await told(web, "POST", "/protocols", json={"document": text_of("fixed_ratio")})
    stage = {"protocol_version_id": version["id"], "parameters": {"ratio": 2.0}}
    first = {**stage, "name": "easy", "advance": {"runs": 1, "trials": 3, "share": 0.5}}
    return {
        "name": "ratios",
        "stages": [first, {**stage, "name": "hard", "parameters": {"ratio": 9.0}}],
        "subjects": [cage["subject_id"]],
    }


async def test_an_experiments_life(web: Web, plan: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "a"}
    status, made = await told(web, "POST", "/experiments", key, json=plan)
    assert (status, made["status"], made["version"]) == (201, "draft", 1), made
    assert (await told(web, "POST", "/experiments", key, json=plan))[0] == 200
    assert (await told(web, "POST", "/experiments", key, json={**plan, "name": "x"}))[0] == 409
    assert (await told(web, "POST", "/experiments", json=plan))[0] == 409
    path = f"/experiments/{made['id']}"
    answered = await web.ask("GET", path)
    tag = {"If-Match": answered.headers["ETag"]}
    status, changed = await told(web, "PATCH", path, tag, json={"status": "active", "reason": "approved"})
    assert (status, changed["status"], changed["version"]) == (200, "active", 2)
    assert (await told(web, "PATCH", path, tag, json={"about": "x"}))[0] == 412
    _, history = await told(web, "GET", f"{path}/history")
    newest = history["items"][0]
    assert (newest["changed"], newest["reason"]) == (["status"], "approved")
    for query, count in (("", 1), ("?status=draft", 0), (f"?subject={plan['subjects'][0]}", 1), (f"?subject={uuid4()}", 0)):
        assert len((await told(web, "GET", f"/experiments{query}"))[1]["items"]) == count
    for method, more in (("GET", ""), ("GET", "/history"), ("GET", "/places"), ("PATCH", "")):
        asked = {"json": {"about": "x"}} if method == "PATCH" else {}
        assert (await told(web, method, f"/experiments/{uuid4()}{more}", **asked))[0] == 404


async def test_a_plan_that_names_what_is_not_there_is_refused(web: Web, plan: dict[str, Any]) -> None:
    stage = plan["stages"][0]
    for change, field in (
        ({"subjects": [str(uuid4())]}, "subjects.0"),
        ({"stages": [{**stage, "protocol_version_id": str(uuid4()), "advance": None}]}, "stages.0.protocol_version_id"),
        ({"stages": [{**stage, "parameters": {"ratio": 999.0}, "advance": None}]}, "stages.0.parameters.ratio"),
        ({"stages": [{**stage, "advance": {"outcome": "nothing", "share": 0.5}}, plan["stages"][1]]}, "stages.0.advance.outcome"),
    ):
        status, refused = await told(web, "POST", "/experiments", json={**plan, **change})
        assert (status, [each["field"] for each in refused["detail"]["fields"]]) == (422, [field])


async def test_a_subject_goes_through_the_stages(web: Web, plan: dict[str, Any], cage: dict[str, Any]) -> None:
    _, made = await told(web, "POST", "/experiments", json=plan)
    path = f"/experiments/{made['id']}"
    wanted = {"rig_id": cage["rig_id"], "subject_id": cage["subject_id"], "experiment_id": made["id"], "force": "test"}
    assert (await told(web, "POST", "/runs", json=wanted))[0] == 409, "it is a draft"
    await told(web, "PATCH", path, json={"status": "active"})
    status, run = await told(web, "POST", "/runs", json=wanted)
    assert (status, run["stage"], run["parameters"]) == (202, 0, {"ratio": 2.0})
    run_id = UUID(run["id"])
    begin = opened(run_id, UUID(run["rig_id"]), UUID(run["protocol_version_id"]))
    await ship_journal(web.repository, uuid4(), journal([begin, *steps(run_id, trials=8)]))
    _, places = await told(web, "GET", f"{path}/places")
    assert [(each["stage"], each["name"], each["why"]) for each in places["items"]] == [(1, "hard", "easy was mastered")]
    status, run = await told(web, "POST", "/runs", {"Idempotency-Key": "2"}, json=wanted)
    assert (status, run["stage"], run["parameters"]) == (202, 1, {"ratio": 9.0})
    await told(web, "POST", f"/runs/{run['id']}/abort", json={"reason": "x"})
    assert (await told(web, "POST", "/runs", json={**wanted, "stage": 7}))[0] == 422
    assert (await told(web, "POST", "/runs", json={**wanted, "protocol": "fixed_ratio"}))[0] == 422
    assert (await told(web, "GET", f"/runs?experiment={made['id']}"))[1]["items"][1]["id"] == str(run_id)


async def test_a_run_begun_by_hand_keeps_to_the_windows_and_to_its_runs_a_day(
    web: Web, plan: dict[str, Any], cage: dict[str, Any]
) -> None:
    now = datetime.now(UTC)
    shut = {"begin": f"{now + timedelta(hours=2):%H:%M}", "end": f"{now + timedelta(hours=3):%H:%M}"}
    said = {**plan, "status": "active", "schedule": {"windows": [shut]}}
    _, made = await told(web, "POST", "/experiments", json=said)
    wanted = {"rig_id": cage["rig_id"], "subject_id": cage["subject_id"], "experiment_id": made["id"], "force": "test"}
    status, refused = await told(web, "POST", "/runs", json=wanted)
    assert (status, refused["detail"]["code"]) == (409, "OUTSIDE_SCHEDULE")
    assert "the next opens" in refused["detail"]["message"]
    key = {"Idempotency-Key": "beyond"}
    status, run = await told(web, "POST", "/runs", key, json={**wanted, "beyond_schedule": "the owner is here"})
    assert status == 202
    await told(web, "PATCH", f"/experiments/{made['id']}", json={"schedule": {"a_day": 1}})
    status, refused = await told(web, "POST", "/runs", {"Idempotency-Key": "other"}, json=wanted)
    assert (status, refused["detail"]["code"]) == (409, "OUTSIDE_SCHEDULE")
    assert "1 of 1 sessions" in refused["detail"]["message"]
    again, same = await told(web, "POST", "/runs", key, json=wanted)
    assert (again, same["id"]) == (202, run["id"]), "asked again it is the same run"
    status, checked = await told(web, "GET", f"/experiments/{made['id']}/preflight?subject={cage['subject_id']}")
    assert status == 200
    codes = {each["code"]: each["forbids"] for each in checked["problems"]}
    assert not checked["ready"]
    assert codes.keys() >= {"A_DAY", "RIG"}
    status, checked = await told(
        web, "GET", f"/experiments/{made['id']}/preflight?subject={cage['subject_id']}&rig={cage['rig_id']}"
    )
    codes = {each["code"]: each["forbids"] for each in checked["problems"]}
    assert codes.keys() >= {"A_DAY", "RUN_UNDER_WAY", "NOT_REHEARSED"}
    assert all(each["todo"] for each in checked["problems"])
