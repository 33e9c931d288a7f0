"""Runs over REST: begun once and against the rig as it is, refused with the holder's name, steered, and read."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.errors import DeviceReservedError
from lics_actors.run.messages import AbortRun, AnnotateRun, PauseRun, RewardRun, SetRunParameter
from lics_actors.store.shipping import ship_journal
from tests.contract.run_records import by_hand, opened, steps
from tests.contract.test_runs import journal
from tests.unit.web.conftest import Web
from tests.unit.web.test_web_subjects import MOUSE, told


@pytest.fixture
async def cage(web: Web) -> dict[str, Any]:
    """A rig with a pump and a panel that have described themselves, and a mouse."""
    roles = {}
    for role, kind in (("pump", "pump"), ("panel", "lickometer")):
        device = await web.add(role, type=kind)
        described = description_json(DEVICE_TYPES[kind])
        await web.repository.update_device(
            UUID(device["id"]), {"capabilities": described}, expected_version=None, principal="system:test"
        )
        roles[role] = device["id"]
    rig = (await told(web, "POST", "/rigs", json={"name": "cage 1", "devices": roles}))[1]
    mouse = (await told(web, "POST", "/subjects", json=MOUSE))[1]
    return {
        "rig_id": rig["id"],
        "subject_id": mouse["id"],
        "protocol": "fixed_ratio",
        "roles": {},
        "parameters": {"volume": "12 ul"},
    }


async def rehearsed(web: Web) -> None:
    _, version = await told(web, "POST", "/protocols", json={"classic": "fixed_ratio"})
    path = f"/protocols/{version['protocol_id']}/versions/{version['number']}/rehearsals"
    assert (await told(web, "POST", path, json={"trials": 100}))[0] == 201


async def test_a_run_begins_once(web: Web, cage: dict[str, Any]) -> None:
    status, refused = await told(web, "POST", "/runs", json=cage)
    assert (status, refused["detail"]["code"]) == (409, "NOT_REHEARSED")
    await rehearsed(web)
    key = {"Idempotency-Key": "session-1"}
    status, run = await told(web, "POST", "/runs", key, json=cage)
    assert (status, run["phase"], run["now"]["phase"], run["unit"]) == (202, "scheduled", "running", "ul"), run
    (order,) = web.fleet.orders.values()
    assert (order.run_id, order.parameters, order.rehearsed) == (UUID(run["id"]), {"volume": 12.0}, True)
    assert {role: spec.device_id for role, spec in order.roles.items()}.keys() == {"pump", "panel"}
    assert next(iter(order.document["states"])) == "begin"
    status, again = await told(web, "POST", "/runs", key, json=cage)
    assert (status, again["id"], len(web.fleet.orders)) == (202, run["id"], 1)
    status, other = await told(web, "POST", "/runs", key, json={**cage, "parameters": {}})
    assert (status, other["detail"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    status, held = await told(web, "POST", "/runs", json=cage)
    assert (status, held["detail"]["code"]) == (409, "RUN_UNDER_WAY")
    assert held["detail"]["facts"]["run_id"] in held["detail"]["message"]
    assert run["id"] in held["detail"]["message"]
    assert "m-1" in held["detail"]["message"]
    _, listed = await told(web, "GET", f"/runs?subject={cage['subject_id']}&unfinished=true")
    assert [each["id"] for each in listed["items"]] == [run["id"]]


async def test_who_may_overrides_the_rehearsal_with_a_reason(web: Web, cage: dict[str, Any]) -> None:
    status, run = await told(web, "POST", "/runs", json={**cage, "force": "a test of the pump"})
    assert (status, run["forced"]) == (202, "a test of the pump")


async def test_what_does_not_fit_the_rig_is_refused_with_its_path(web: Web, cage: dict[str, Any]) -> None:
    force = {"force": "test"}
    for change, field in (
        ({"roles": {"panel": "nowhere"}}, "roles.panel"),
        ({"roles": {"pump": "panel"}}, "roles.pump"),
        ({"roles": {"what": "pump"}}, "roles.what"),
        ({"parameters": {"volume": "9 ml"}}, "parameters.volume"),
        ({"parameters": {"volume": 9.0}}, "parameters.volume"),
    ):
        status, refused = await told(web, "POST", "/runs", json={**cage, **force, **change})
        assert (status, refused["detail"]["fields"][0]["field"]) == (422, field)
    for change, code in (
        ({"rig_id": str(uuid4())}, "RIG_NOT_FOUND"),
        ({"subject_id": str(uuid4())}, "SUBJECT_NOT_FOUND"),
        ({"protocol": "nobody"}, "PROTOCOL_NOT_FOUND"),
        ({"number": 7}, "PROTOCOL_NOT_FOUND"),
    ):
        status, refused = await told(web, "POST", "/runs", json={**cage, **force, **change})
        assert (status, refused["detail"]["code"]) == (404, code)
    await told(web, "PATCH", f"/subjects/{cage['subject_id']}", json={"status": "resting", "reason": "ill"})
    status, refused = await told(web, "POST", "/runs", json={**cage, **force})
    assert (status, "resting" in refused["detail"]["message"]) == (409, True)
    assert (await told(web, "GET", "/runs"))[1]["items"] == []


async def test_a_fleet_that_refuses_or_is_away(web: Web, cage: dict[str, Any]) -> None:
    wanted, key = {**cage, "force": "test"}, {"Idempotency-Key": "a"}
    web.fleet.refusal = DeviceReservedError("the pump is another run's")
    assert (await told(web, "POST", "/runs", json=wanted))[0] == 409
    ((first,),) = [(await told(web, "GET", "/runs"))[1]["items"]]
    assert (first["phase"], first["why"]) == ("failed", "the pump is another run's")
    web.fleet.refusal, web.fleet.down = None, True
    assert (await told(web, "POST", "/runs", key, json=wanted))[0] == 503
    (run, _) = (await told(web, "GET", "/runs"))[1]["items"]
    assert (run["phase"], run["ended_at"]) == ("scheduled", None), "nobody knows whether it was taken"
    assert (await told(web, "POST", f"/runs/{run['id']}/abort", json={"reason": "x"}))[0] == 503
    web.fleet.down = False
    status, again = await told(web, "POST", "/runs", key, json=wanted)
    assert (status, again["id"], again["now"]["phase"]) == (202, run["id"], "running")


async def test_one_that_nobody_has_begun_can_be_aborted(web: Web, cage: dict[str, Any]) -> None:
    web.fleet.down = True
    await told(web, "POST", "/runs", json={**cage, "force": "test"})
    web.fleet.down = False
    (run,) = (await told(web, "GET", "/runs"))[1]["items"]
    assert (await told(web, "POST", f"/runs/{run['id']}/pause", json={}))[0] == 409
    status, refused = await told(web, "POST", f"/runs/{run['id']}/abort", json={})
    assert (status, refused["detail"]["code"]) == (422, "REASON_REQUIRED")
    status, ended = await told(web, "POST", f"/runs/{run['id']}/abort", json={"reason": "wrong cage"})
    assert (status, ended["phase"], ended["now"]) == (200, "aborted", None)
    assert (await told(web, "POST", "/runs", json={**cage, "force": "test"}))[0] == 202, "its rig and subject are free"


async def test_operators_steer_a_run(web: Web, cage: dict[str, Any]) -> None:
    _, run = await told(web, "POST", "/runs", json={**cage, "force": "test"})
    path, key = f"/runs/{run['id']}", {"Idempotency-Key": "p"}
    for _ in range(2):
        assert (await told(web, "POST", f"{path}/pause", key, json={"reason": "asleep"}))[0] == 200
    assert (await told(web, "POST", f"{path}/annotate", json={"text": "door slammed"}))[0] == 200
    assert (await told(web, "POST", f"{path}/reward", json={"amount": "0.01 ml"}))[0] == 200
    assert (await told(web, "POST", f"{path}/parameters", json={"name": "volume", "value": "20 ul"}))[0] == 200
    assert (await told(web, "POST", f"{path}/abort", json={"reason": "fire"}))[0] == 200
    first, second, note, reward, parameter, abort = web.fleet.wishes
    assert isinstance(first, PauseRun)
    assert isinstance(second, PauseRun)
    assert (first.ask_id, first.principal, first.reason) == (second.ask_id, "user:admin", "asleep")
    assert isinstance(note, AnnotateRun)
    assert isinstance(reward, RewardRun)
    assert (note.text, reward.amount) == ("door slammed", 10.0)
    assert isinstance(parameter, SetRunParameter)
    assert (parameter.name, parameter.value) == ("volume", 20.0)
    assert isinstance(abort, AbortRun)
    for verb, body in (
        ("reward", {"amount": "5 s"}),
        ("reward", {"amount": "-5 ul"}),
        ("parameters", {"name": "volume", "value": 3.0}),
    ):
        assert (await told(web, "POST", f"{path}/{verb}", json=body))[0] == 422
    for verb in ("pause", "stop"):
        assert (await told(web, "POST", f"/runs/{uuid4()}/{verb}", json={}))[0] == 404


async def test_what_happened_in_a_run_is_read(web: Web, cage: dict[str, Any]) -> None:
    _, run = await told(web, "POST", "/runs", json={**cage, "force": "test"})
    run_id, path = UUID(run["id"]), f"/runs/{run['id']}"
    done = steps(run_id, trials=8)
    begin = opened(run_id, UUID(run["rig_id"]), UUID(run["protocol_version_id"]))
    await ship_journal(web.repository, uuid4(), journal([begin, *by_hand(run_id, 0), *[s for s in done if s.n > 1]]))
    _, whole = await told(web, "GET", path)
    assert (whole["phase"], whole["trials"], whole["now"]) == ("stopped", 8, None)
    _, trials = await told(web, "GET", f"{path}/trials?limit=3")
    assert [each["number"] for each in trials["items"]] == [1, 2, 3]
    _, rest = await told(web, "GET", f"{path}/trials?cursor={trials['next']}")
    assert [each["number"] for each in rest["items"]] == [4, 5, 6, 7, 8]
    assert len((await told(web, "GET", f"{path}/rewards"))[1]["items"]) == 9
    assert (await told(web, "GET", f"{path}/annotations"))[1]["items"][0]["principal"] == "user:2"
    _, found = await told(web, "GET", f"{path}/events?kind=RewardAsked")
    assert [(each["event"]["type"], each["effects"][0]["name"]) for each in found["items"]] == [("RewardAsked", "dispense")]
    assert (await told(web, "POST", f"{path}/stop", json={}))[0] == 409
    for part in ("trials", "rewards", "annotations", "events"):
        assert (await told(web, "GET", f"/runs/{uuid4()}/{part}"))[0] == 404
