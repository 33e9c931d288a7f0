"""Commands over REST: the real application and database, a fleet in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.device.messages import CommandState
from lics_actors.errors import (
    DeviceNotEnabledError,
    DeviceTimeoutError,
    DeviceUnavailableError,
    GuaranteeTooWeakError,
    InvalidError,
    LicsError,
    QueueFullError,
    StorageFullError,
    UnknownCommandError,
)
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, Record
from lics_actors.store.shipping import ship_journal
from tests.unit.web.conftest import Web

DISPENSE: dict[str, Any] = {"name": "dispense", "args": {"volume_ul": 20.0}, "reason": "reward"}


async def ship(web: Web, command: Command, steps: int) -> None:
    """Bring a command with its first `steps` steps into the tables, as the Recorder does."""
    first = Command(**{name: getattr(command, name) for name in command.__struct_fields__} | {"steps": command.steps[:1]})
    records: Sequence[Record] = [
        CommandAccepted(first),
        *(CommandMoved(command.command_id, command.device_id, n, command.steps[n], command.epoch) for n in range(1, steps)),
    ]
    await ship_journal(web.repository, uuid4(), list(enumerate(records, 1)))


async def test_a_command_is_answered_with_its_result_and_every_step(web: Web) -> None:
    device = await web.add()
    response = await web.ask("POST", f"/devices/{device['id']}/command", json=DISPENSE)
    body = await response.get_json()
    assert response.status_code == 200
    assert (body["state"], body["result"], body["principal"], body["reason"]) == (
        "succeeded",
        {"volume_ul": 20.0},
        "user:admin",
        "reward",
    )
    assert [step["state"] for step in body["steps"]] == ["accepted", "dispatched", "delivered", "succeeded"]
    assert all(step["time"].endswith("Z") for step in body["steps"])


async def test_a_command_that_fails_is_an_answer_not_an_error(web: Web) -> None:
    device = await web.add()
    web.fleet.outcome = CommandState.INDETERMINATE
    response = await web.ask("POST", f"/devices/{device['id']}/command", json=DISPENSE)
    assert (response.status_code, (await response.get_json())["state"]) == (200, "indeterminate")


async def test_who_does_not_wait_finds_the_command_where_he_was_told_at_once(web: Web) -> None:
    device = await web.add()
    response = await web.ask("POST", f"/devices/{device['id']}/command", json={**DISPENSE, "wait": False})
    assert (response.status_code, (await response.get_json())["state"]) == (202, "delivered")
    there = await web.ask("GET", response.headers["Location"])
    assert (there.status_code, (await there.get_json())["state"]) == (200, "delivered")
    command_id = (await response.get_json())["id"]
    assert (await web.ask("GET", f"/commands/{command_id}")).status_code == 200  # this process remembers the device
    elsewhere = await web.ask("GET", f"/commands/{command_id}?device_id={uuid4()}")
    assert elsewhere.status_code == 404


async def test_an_unknown_command_is_not_found(web: Web) -> None:
    response = await web.ask("GET", f"/commands/{uuid4()}")
    assert (response.status_code, (await response.get_json())["detail"]["code"]) == (404, "COMMAND_NOT_FOUND")
    assert (await web.ask("POST", f"/commands/{uuid4()}/cancel")).status_code == 404


async def test_the_journal_tells_what_the_tables_do_not_know_yet(web: Web) -> None:
    device = await web.add()
    response = await web.ask("POST", f"/devices/{device['id']}/command", json=DISPENSE)
    command = web.fleet.commands[UUID((await response.get_json())["id"])]
    await ship(web, command, steps=2)
    one = await (await web.ask("GET", f"/commands/{command.command_id}")).get_json()
    many = await (await web.ask("GET", f"/devices/{device['id']}/commands")).get_json()
    assert (one["state"], many["items"][0]["state"]) == ("succeeded", "succeeded")
    web.fleet.down = True
    one = await (await web.ask("GET", f"/commands/{command.command_id}")).get_json()
    assert (one["state"], len(one["steps"])) == ("dispatched", 2)
    narrow = "state=dispatched&name=dispense&principal=user:admin"
    found = await (await web.ask("GET", f"/devices/{device['id']}/commands?{narrow}")).get_json()
    assert len(found["items"]) == 1
    none = await (await web.ask("GET", f"/devices/{device['id']}/commands?state=failed")).get_json()
    assert none == {"items": [], "next": None}


async def test_a_key_makes_a_command_repeatable(web: Web) -> None:
    device = await web.add()
    address, key = f"/devices/{device['id']}/command", {"Idempotency-Key": "feeding-1"}
    first = await web.ask("POST", address, key, json=DISPENSE)
    again = await web.ask("POST", address, key, json=DISPENSE)
    assert (await first.get_json())["id"] == (await again.get_json())["id"]
    assert len(web.fleet.executed) == 1
    other = await web.ask("POST", address, key, json={**DISPENSE, "args": {"volume_ul": 21.0}})
    assert (other.status_code, (await other.get_json())["detail"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_known_from_the_tables_when_the_journal_has_forgotten(web: Web) -> None:
    device = await web.add()
    address, key = f"/devices/{device['id']}/command", {"Idempotency-Key": "feeding-1"}
    first = await web.ask("POST", address, key, json=DISPENSE)
    command = web.fleet.commands.pop(UUID((await first.get_json())["id"]))
    await ship(web, command, steps=4)
    again = await web.ask("POST", address, key, json=DISPENSE)
    assert (again.status_code, (await again.get_json())["id"]) == (200, str(command.command_id))
    assert len(web.fleet.executed) == 1
    other = await web.ask("POST", address, key, json={**DISPENSE, "name": "calibrate"})
    assert other.status_code == 409


REFUSALS = [
    (UnknownCommandError("no such command", ({"field": "name", "message": "one of: dispense"},)), 422),
    (InvalidError("bad args", ({"field": "args.volume_ul", "message": "too much"},)), 422),
    (DeviceNotEnabledError("in maintenance"), 409),
    (GuaranteeTooWeakError("cannot promise"), 409),
    (DeviceUnavailableError("offline"), 503),
    (QueueFullError("too many"), 503),
    (StorageFullError("full"), 503),
    (DeviceTimeoutError("no answer"), 504),
]


@pytest.mark.parametrize(("error", "status"), REFUSALS, ids=lambda value: getattr(value, "code", value))
async def test_the_actors_refusals_reach_the_caller(web_without_database: Web, error: LicsError, status: int) -> None:
    web = web_without_database
    web.fleet.refusal = error
    response = await web.ask("POST", f"/devices/{web.fleet.has_one()}/command", json=DISPENSE)
    detail = (await response.get_json())["detail"]
    assert (response.status_code, detail["code"], detail["type"]) == (status, error.code, error.type)
    if isinstance(error, InvalidError):
        assert detail["fields"] == list(error.fields)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"args": [1]}, "args"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": "5"}, "timeout_s"),
        ({"wait_s": 61}, "wait_s"),
        ({"wait": "no"}, "wait"),
        ({"args": {"volume_ul": 2**63}}, "args.volume_ul"),
        ({"id": str(uuid4())}, "id"),
    ],
)
async def test_a_command_that_makes_no_sense_reaches_no_actor(
    web_without_database: Web, change: dict[str, Any], field: str
) -> None:
    web = web_without_database
    response = await web.ask("POST", f"/devices/{web.fleet.has_one()}/command", json={**DISPENSE, **change})
    assert response.status_code == 422
    assert [entry["field"] for entry in (await response.get_json())["detail"]["fields"]] == [field]
    assert web.fleet.executed == []


async def test_devices_are_commanded_while_the_database_is_away(web_without_database: Web) -> None:
    web = web_without_database
    device_id = web.fleet.has_one()
    answered = await web.ask("POST", f"/devices/{device_id}/command", {"Idempotency-Key": "k"}, json={**DISPENSE, "wait": False})
    assert answered.status_code == 202
    assert (await web.ask("GET", answered.headers["Location"])).status_code == 200
    assert (await web.ask("POST", answered.headers["Location"].replace("?", "/cancel?"))).status_code == 200
