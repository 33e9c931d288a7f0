"""A run over REST and its subject's welfare: what its order allows and tells, and what keeps it from beginning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from lics_actors.run.messages import RenewAllowance
from lics_actors.store.shipping import ship_journal
from lics_actors.welfare.calibration import Point
from tests.contract.run_records import opened, steps
from tests.contract.test_runs import journal
from tests.unit.web.conftest import Web
from tests.unit.web.test_web_runs import cage as the_cage
from tests.unit.web.test_web_subjects import told

cage = the_cage
FORCE = {"force": "a test"}


async def over(web: Web, run: dict[str, Any]) -> None:
    """Ship the journal of a session that came to its end just now."""
    run_id = UUID(run["id"])
    done = steps(run_id, trials=3)
    last = done[-1].time
    records = [opened(run_id, UUID(run["rig_id"]), uuid4()), *done]
    moved = [each if not hasattr(each, "n") else _later(each, datetime.now(UTC) - last) for each in records]
    await ship_journal(web.repository, uuid4(), journal(moved))


def _later(step: Any, by: timedelta) -> Any:
    return structs.replace(step, time=step.time + by)


async def test_an_order_says_what_the_run_may_give_and_what_its_pump_does(web: Web, cage: dict[str, Any]) -> None:
    pump = (await web.repository.find_device("pump")).id
    points = [Point(5, 4), Point(10, 8), Point(20, 16)]
    now = datetime.now(UTC)
    facts: dict[str, Any] = {"points": points, "principal": "user:1"}
    await web.repository.add_calibration(uuid4(), pump, made_at=now, valid_until=now + timedelta(days=1), **facts)
    path = f"/subjects/{cage['subject_id']}"
    await told(web, "POST", f"{path}/fluid", json={"substance": "fluid", "amount": 400.0})
    rules = {"session_s": 600.0, "between_s": 3600.0, "reason": "protocol 17/4"}
    assert (await told(web, "PUT", f"{path}/limits", json=rules))[0] == 200
    status, run = await told(web, "POST", "/runs", json={**cage, **FORCE})
    assert status == 202, run
    (order,) = web.fleet.orders.values()
    assert order.allowance is not None
    assert order.allowance.amount == 1100, "1500 a day, less what a hand gave; the protocol would give up to 1500"
    assert order.allowance.ends == order.ordered_at + timedelta(seconds=600)
    assert order.curves["pump"].commanded(8) == pytest.approx(10)
    _, day = await told(web, "GET", f"{path}/fluid")
    fluid = next(each for each in day["substances"] if each["substance"] == "fluid")
    assert (fluid["reserved"], fluid["left"]) == (1100, 0)

    ask = {"substance": "fluid", "ask": True, "amount": 100.0}
    assert (await told(web, "POST", f"{path}/fluid", json=ask))[0] == 201
    (wish,) = [each for each in web.fleet.wishes if isinstance(each, RenewAllowance)]
    assert wish.allowance is not None
    assert (wish.allowance.amount, wish.allowance.serial > order.allowance.serial) == (1000, True), "the run has so much less"
    web.fleet.down = True
    key = {"Idempotency-Key": "k-9"}
    status, refused = await told(web, "POST", f"{path}/fluid", key, json=ask)
    assert status == 503
    assert "not to be given now" in refused["detail"]["message"]
    assert (await told(web, "POST", f"{path}/fluid", json={"substance": "fluid", "amount": 10.0}))[0] == 201, "a fact is a fact"
    web.fleet.down = False
    assert (await told(web, "POST", f"{path}/fluid", key, json=ask))[0] == 409, (
        "it was refused, and is not given later by accident"
    )
    _, day = await told(web, "GET", f"{path}/fluid")
    by_hand = next(each for each in day["substances"] if each["substance"] == "fluid")["by_hand"]
    assert by_hand == 510, "what was not given stands beside what takes it back"

    await over(web, run)
    status, refused = await told(web, "POST", "/runs", json={**cage, **FORCE})
    assert (status, refused["detail"]["code"]) == (409, "SUBJECT_LIMIT"), refused
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    word = {"limit": "between_s", "value": 0.0, "until": until, "reason": "the first session was cut short"}
    assert (await told(web, "POST", f"{path}/overrides", json=word))[0] == 201
    assert (await told(web, "POST", "/runs", json={**cage, **FORCE}))[0] == 202


async def test_with_a_calibration_that_is_over_no_run_begins(web: Web, cage: dict[str, Any]) -> None:
    pump = (await web.repository.find_device("pump")).id
    past = datetime.now(UTC) - timedelta(days=40)
    facts: dict[str, Any] = {"points": [Point(5, 4), Point(10, 8)], "principal": "user:1"}
    await web.repository.add_calibration(uuid4(), pump, made_at=past, valid_until=past + timedelta(days=30), **facts)
    status, refused = await told(web, "POST", "/runs", json={**cage, **FORCE})
    assert (status, refused["detail"]["code"]) == (409, "CALIBRATION_EXPIRED")
    assert not web.fleet.orders
