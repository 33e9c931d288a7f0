"""Operators over REST: what they want reaches the fleet with who and why; alarms and audit beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from lics_actors.errors import FleetUnavailableError
from lics_actors.journal import JournalReader, journal_path
from lics_actors.store.records import AlarmRaised, Audited
from lics_actors.store.shipping import ship_journal
from tests.unit.web.conftest import Web


async def told(web: Web, method: str, path: str, status: int = 200, **given: Any) -> Any:
    answer = await web.ask(method, path, **given)
    assert answer.status_code == status, await answer.get_data(as_text=True)
    return await answer.get_json()


async def test_each_verb_reaches_the_fleet_with_who_and_why(web: Web) -> None:
    for verb in ("drain", "quarantine", "clear"):
        done = await told(web, "POST", f"/fleet/{verb}", json={"node": "rack:1", "reason": "why"})
        assert (done["verb"], done["node"], done["state"], done["incarnation"], done["roll"]) == (
            verb,
            "rack:1",
            "running",
            1,
            None,
        )
    await told(web, "POST", "/fleet/restart", json={"node": "rack:1", "reason": "why"})
    assert web.fleet.steered == [(verb, "rack:1", "user:admin", "why") for verb in ("drain", "quarantine", "clear")]
    assert web.fleet.restarted == [("rack:1", "user:admin", "why")]
    every = await told(web, "POST", "/fleet/restart", 202, json={"node": "all", "at_once": 3, "reason": "why"})
    assert (every["state"], every["roll"]["total"]) == (None, 3)
    assert await told(web, "GET", "/fleet/roll") == every["roll"]
    assert (await told(web, "POST", "/fleet/restart", 202, json={"node": "fleet", "reason": "why"}))["roll"] is None
    assert web.fleet.steered[3:] == [("roll", "3", "user:admin", "why"), ("relaunch", "fleet", "user:admin", "why")]


@pytest.mark.parametrize(
    ("verb", "body", "status", "code"),
    [
        ("drain", {"node": "recorder"}, 422, "REASON_REQUIRED"),
        ("restart", {"node": "all"}, 422, "REASON_REQUIRED"),
        ("restart", {"node": "rack:1", "reason": "  "}, 422, "REASON_REQUIRED"),
        ("clear", {"node": "all", "reason": "x"}, 422, "VERB_NOT_FOR_ALL"),
        ("restart", {"node": "all", "reason": "x", "at_once": 17}, 422, "VALIDATION_ERROR"),
        ("quarantine", {"node": "nowhere", "reason": "x"}, 404, "NODE_NOT_FOUND"),
    ],
)
async def test_what_is_refused_is_not_done(web: Web, verb: str, body: dict[str, Any], status: int, code: str) -> None:
    assert (await told(web, "POST", f"/fleet/{verb}", status, json=body))["detail"]["code"] == code
    assert web.fleet.steered == [] == web.fleet.restarted


async def test_each_act_is_on_disk_with_its_end(web: Web, data_dir: Any) -> None:
    await told(web, "POST", "/fleet/drain", json={"node": "rack:1", "reason": "why"})
    await told(web, "POST", "/fleet/drain", 422, json={"node": "rack:1"})
    web.fleet.down = True
    await told(web, "POST", "/fleet/clear", 503, json={"node": "rack:1", "reason": "why"})
    reader = JournalReader(journal_path(data_dir / "journals", "operators"))
    acts = [record for _, record in reader.read(0, 100) if isinstance(record, Audited) and record.outcome != "asked"]
    reader.close()
    assert [(act.action, act.outcome) for act in acts] == [
        ("fleet.drain", "ok"),
        ("fleet.drain", "refused"),
        ("fleet.clear", "failed"),
    ]
    assert acts[0].before == {"state": "running", "incarnation": 1, "restarts": 2, "held_by": None} == acts[0].after
    assert FleetUnavailableError.code in str(acts[2].error)


async def test_the_fleet_in_short_its_crashes_and_its_log(web: Web, data_dir: Any) -> None:
    status = await told(web, "GET", "/fleet/status")
    assert (status["healthy"], status["nodes"], status["troubles"]) == (True, 2, [])
    await ship_journal(
        web.repository, uuid4(), [(1, AlarmRaised(datetime.now(UTC), "recorder", "disk-full", "it is", "critical"))]
    )
    (crash,) = (await told(web, "GET", "/fleet/nodes/rack:1/crashes"))["items"]
    assert (crash["signal"], crash["lines"], crash["node"]) == ("SIGKILL", ["a last word"], "rack:1")
    assert await told(web, "GET", "/fleet/nodes/rack:1/logs") == {"node": "rack:1", "kept": False, "lines": []}
    (data_dir / "log").mkdir(exist_ok=True)
    lines = [json.dumps({"message": str(n), "node": "rack:1" if n % 2 else "rack:11", "pid": n}) for n in range(9)]
    (data_dir / "log" / "fleet.log").write_text("\n".join(lines) + "\n")
    kept = await told(web, "GET", "/fleet/nodes/rack:1/logs?limit=2")
    assert [json.loads(line)["message"] for line in kept["lines"]] == ["5", "7"]
    for what in ("crashes", "logs"):
        await told(web, "GET", f"/fleet/nodes/nowhere/{what}", 404)


async def test_alarms_are_acknowledged_and_shelved(web: Web) -> None:
    await ship_journal(
        web.repository, uuid4(), [(1, AlarmRaised(datetime.now(UTC), "recorder", "disk-full", "it is", "critical"))]
    )
    (alarm,) = (await told(web, "GET", "/alarms?active=true&acknowledged=false&shelved=false"))["items"]
    where = f"/alarms/{alarm['id']}"
    assert await told(web, "GET", where) == alarm
    shelved = await told(web, "POST", f"{where}/shelve", json={"for_s": 60, "reason": "cleaning"})
    assert (shelved["state"], shelved["shelved_by"], shelved["shelve_reason"]) == ("shelved", "user:admin", "cleaning")
    assert (await told(web, "POST", f"{where}/acknowledge", 409))["detail"]["code"] == "ALARM_SHELVED"
    assert (await told(web, "POST", f"{where}/unshelve"))["state"] == "unacknowledged"
    assert (await told(web, "POST", f"{where}/unshelve", 409))["detail"]["code"] == "ALARM_NOT_SHELVED"
    seen = await told(web, "POST", f"{where}/acknowledge", json={"comment": "seen"})
    assert (seen["state"], seen["acknowledged_by"], seen["comment"]) == ("acknowledged", "user:admin", "seen")
    await told(web, "POST", f"{where}/shelve", 422, json={"for_s": 60})
    await told(web, "POST", "/alarms/99999/acknowledge", 404)
    assert (await told(web, "GET", "/alarms?acknowledged=false"))["items"] == []
