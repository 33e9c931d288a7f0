"""How to make an object of each kind in a laboratory: what the tests of laboratories know of the routes, in one place.

A new name in a path needs a maker here, and a new id in a body or a query a line in `IN_BODIES` or `IN_QUERIES`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.admission.rows import Claim
from lics_actors.experiment.library import text_of
from lics_actors.store.records import AlarmRaised
from lics_actors.store.runs import NewRun
from lics_actors.store.shipping import ship_journal
from lics_actors.store.slots import SlotRow
from tests.contract.store_rows import T0, accepted
from tests.unit.web.conftest import Web

Maker = Callable[[Web, UUID], Awaitable[str]]
CANARY: Final = "canary"  # stands in the name of whatever is made, with the laboratory's id


async def posted(web: Web, path: str, laboratory: UUID, **body: Any) -> dict[str, Any]:
    """Make something as somebody who may everything."""
    response = await web.ask("POST", path, json={"laboratory_id": str(laboratory), **body})
    assert response.status_code in {200, 201}, (path, await response.get_data())
    made: dict[str, Any] = await response.get_json()
    return made


def name_in(laboratory: UUID) -> str:
    """Return a name that nothing else has, and that gives the laboratory away."""
    return f"{CANARY}-{laboratory}-{uuid4()}"


async def device(web: Web, laboratory: UUID) -> str:
    """Make a device, which the fleet runs."""
    made = await posted(web, "/devices", laboratory, name=name_in(laboratory), type="pump")
    return str(made["id"])


async def rig(web: Web, laboratory: UUID) -> str:
    """Make a rig with a device."""
    pump = await device(web, laboratory)
    return str((await posted(web, "/rigs", laboratory, name=name_in(laboratory), devices={"pump": pump}))["id"])


async def subject(web: Web, laboratory: UUID) -> str:
    """Make a subject."""
    made = await posted(web, "/subjects", laboratory, name=name_in(laboratory), species="Mus musculus")
    return str(made["id"])


async def protocol(web: Web, laboratory: UUID, field: str = "protocol_id") -> str:
    """Upload a protocol; a laboratory has one of a name, so all of one laboratory are versions of the same."""
    text = text_of("two_choice").replace("title: ", f"title: {name_in(laboratory)} ", 1)
    return str((await posted(web, "/protocols", laboratory, document=text))[field])


async def version(web: Web, laboratory: UUID) -> str:
    """Upload a version of a protocol."""
    return await protocol(web, laboratory, "id")


async def command(web: Web, laboratory: UUID) -> str:
    """Have a device given a command, as its journal brings it into the table."""
    row = accepted(command_id=uuid4(), device=UUID(await device(web, laboratory)))
    await ship_journal(web.repository, uuid4(), [(1, row)])
    return str(row.command.command_id)


async def alarm(web: Web, laboratory: UUID) -> str:
    """Raise an alarm of a device."""
    source = f"device:{await device(web, laboratory)}"
    await ship_journal(web.repository, uuid4(), [(1, AlarmRaised(T0, source, "silent", "high", "nothing is heard"))])
    (found,) = (await web.repository.alarms(source=source)).items
    return str(found.id)


async def node(web: Web, laboratory: UUID) -> str:
    """Make the node of a device in the supervision tree."""
    return f"device:{await device(web, laboratory)}"


async def user(web: Web, laboratory: UUID) -> str:
    """Make somebody of a laboratory."""
    email = f"{uuid4().hex}@{laboratory.hex}.example"
    return str((await posted(web, "/users", laboratory, email=email, role="observer"))["user"]["id"])


async def claim(web: Web, laboratory: UUID) -> str:
    """Make a code by which a device may come."""
    now, claim_id = datetime.now(UTC), uuid4()
    row = Claim(
        id=claim_id,
        laboratory_id=laboratory,
        code_id=uuid4().hex[:8],
        created_at=now,
        created_by="t",
        expires_at=now + timedelta(hours=1),
        name=name_in(laboratory),
        location=None,
        device_id=None,
        registered_at=None,
        revoked_at=None,
    )
    await web.repository.add_claim(row, uuid4().hex)
    return str(claim_id)


async def run(web: Web, laboratory: UUID) -> str:
    """Make a run that was ordered."""
    name, now = name_in(laboratory), datetime.now(UTC)
    new = NewRun(uuid4(), laboratory, uuid4(), name, uuid4(), "fixed_ratio", 1, 7, f"user:{name}", now, "ul")
    return str((await web.repository.order_run(new)).id)


async def experiment(web: Web, laboratory: UUID) -> str:
    """Plan an experiment."""
    stages = [{"name": "only", "protocol_version_id": await version(web, laboratory)}]
    return str((await posted(web, "/experiments", laboratory, name=name_in(laboratory), stages=stages))["id"])


async def slot(web: Web, laboratory: UUID) -> str:
    """Plan a session."""
    now = datetime.now(UTC)
    plan, animal = UUID(await experiment(web, laboratory)), UUID(await subject(web, laboratory))
    place = UUID(await rig(web, laboratory))
    when = (now.date(), 0, now, now + timedelta(hours=1))
    row = SlotRow(uuid4(), laboratory, plan, animal, place, *when, "ask", None, "waiting", (), "system:schedule")
    await web.repository.keep_slots([row])
    return str(row.id)


async def laboratory_itself(web: Web, laboratory: UUID) -> str:
    """Return the laboratory."""
    return str(laboratory)


MAKERS: Final[dict[str, Maker]] = {
    "device_id": device,
    "rig_id": rig,
    "subject_id": subject,
    "protocol_id": protocol,
    "command_id": command,
    "alarm_id": alarm,
    "node": node,
    "run_id": run,
    "experiment_id": experiment,
    "user_id": user,
    "claim_id": claim,
    "slot_id": slot,
    "laboratory_id": laboratory_itself,
}
"""Name in a path → how to make such a thing."""

PERSONAL: Final = frozenset({"session_id", "key_id"})
"""Names of what belongs to one account and to no laboratory (test_nobody_reaches_what_is_another_persons)."""

PARTS: Final = {"number": "1", "export_id": str(uuid4()), "credential_id": str(uuid4()), "override_id": str(uuid4())}
"""Names of parts of an object that stands before them → one that may be there."""

BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("POST", "/commands/<uuid:command_id>/cancel"): {},
    ("POST", "/alarms/<int(max=9223372036854775807):alarm_id>/acknowledge"): {},
    ("POST", "/alarms/<int(max=9223372036854775807):alarm_id>/shelve"): {"for_s": 60.0, "reason": "x"},
    ("POST", "/alarms/<int(max=9223372036854775807):alarm_id>/unshelve"): {},
    ("PATCH", "/users/<uuid:user_id>"): {"disabled": True},
}
"""Routes that judge by themselves, after they have read the body → one that they take."""

IN_BODIES: Final = {
    "laboratory_id": "where something new is to be, or a device to go: none such",
    "id": "of something new: taken where there is such a thing",
    "devices": "of a rig: no such devices",
    "rig_id": "of a run to be: no such rig",
    "subject_id": "of a run to be: no such subject",
    "experiment_id": "of a run to be: no such experiment",
    "subjects": "of an experiment: no such subjects",
    "protocol_version_id": "of a stage of an experiment: no such version",
    "rigs": "of an experiment's schedule: no such rigs",
    "readers": "of an experiment's schedule: no such devices",
    "stages": "of an experiment: none is one, their versions are",
    "schedule": "of an experiment: none is one, its rigs and readers are",
}
"""Ids that bodies have → what becomes of another laboratory's. Each has its line in test_ids_in_bodies_and_queries."""

IN_QUERIES: Final = {
    "device_id": "of latest values: nothing, as of one that does not exist; of a command: no such command",
    "device": "of rigs: none",
    "subject": "of runs and of sessions: none; of a session's checks: no such subject",
    "experiment": "of runs and of sessions: none",
    "rig": "of runs and of sessions: none; of a session's checks: no such rig",
}
"""Ids that queries have → what becomes of another laboratory's."""
