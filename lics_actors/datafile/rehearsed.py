"""The dossier of a rehearsal's first session: as that of a run, but nobody was there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from drivers.description import description_json
from lics_actors.datafile.dossier import DeviceFacts, Dossier, Move, ProtocolFacts, RunFacts, SubjectFacts
from lics_actors.datafile.lines import digest_of
from lics_actors.experiment.rehearsal import Rehearsal, Session
from lics_actors.study.protocol_documents import canonical


def rehearsed(task: Rehearsal, session: Session, started_at: datetime, software: Mapping[str, str]) -> Dossier:
    """Return the dossier of a session that was rehearsed; devices and subject get ids of their own, the same each time."""
    run_id = session.begun.run_id
    document: dict[str, Any] = msgspec.json.decode(canonical(task.plan.document))
    roles = {role: task.devices[each.type] for role, each in task.plan.document.roles.items()}
    devices = tuple(
        DeviceFacts(role, _id(run_id, role), f"simulated {each.type}", each.type, "native", each.firmware)
        for role, each in roles.items()
    )
    facts = RunFacts(
        run_id=run_id,
        started_at=started_at,
        seed=session.begun.seed,
        protocol=ProtocolFacts(task.plan.document.name, task.plan.document.title, 0, digest_of(document), document),
        parameters=dict(task.parameters or {}),
        devices=devices,
        described={each.type: description_json(each) for each in roles.values()},
        subject=SubjectFacts(_id(run_id, "subject"), f"a simulated {task.subject} subject", "mouse"),
        rig="rehearsal",
        rehearsed=True,
        software=dict(software),
    )
    return Dossier(facts, tuple(Move(event, tuple(effects)) for event, effects in session.recorded))


def _id(run_id: UUID, name: str) -> UUID:
    return uuid5(run_id, name)
