"""Slots as the table keeps them, and what is told of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from lics_actors.schedule.messages import CLOSED, Plan, Slot, Status, Tell
from lics_actors.store.records import AlarmCleared, AlarmRaised
from lics_actors.store.slots import SlotRow

ALARM = "session_missed"


def row_of(slot: Slot) -> SlotRow:
    """Return how a slot is kept. One that is just being looked at waits: who comes after looks anew."""
    plan, status = slot.plan, Status.WAITING if slot.status is Status.LOOKING else slot.status
    where = (slot.id, plan.laboratory, plan.experiment, plan.subject, plan.rig, slot.date, slot.ordinal, slot.begin, slot.end)
    return SlotRow(*where, plan.policy, plan.reader, status.value, slot.why, slot.by, slot.until)


def slot_of(row: SlotRow, plans: Mapping[tuple[UUID, UUID], Plan]) -> Slot:
    """Return a slot that was kept; of a plan that is gone what the row knows of it. `plans`: by experiment and subject."""
    plan = plans.get((row.experiment_id, row.subject_id))
    if plan is None or plan.rig != row.rig_id:
        who = (row.experiment_id, row.subject_id, row.rig_id, row.laboratory_id)
        policy = row.policy if row.policy in {"skip", "late", "ask"} else "ask"
        plan = Plan(*who, UTC, row.begin_at, (), policy=policy, reader=row.reader_id)  # type: ignore[arg-type]
    status = Status(row.status)
    when = (row.begin_at, row.end_at)
    return Slot(row.id, plan, row.day, row.ordinal, *when, status, row.why, row.principal, None, row.until_at)


def source_of(experiment_id: UUID, subject_id: UUID, slot_id: UUID) -> str:
    """Return whose alarm it is: the experiment's, which says the laboratory, for this session alone."""
    return f"experiment:{experiment_id}/subject:{subject_id}/slot:{slot_id}"


def words_of(tell: Tell, names: Mapping[UUID, str], now: datetime) -> list[AlarmRaised | AlarmCleared]:
    """Return what alarms are told. What is decided already stands no more, and is still to be seen by a person."""
    slot, plan = tell.slot, tell.slot.plan
    source = source_of(plan.experiment, plan.subject, slot.id)
    over = AlarmCleared(now, source, ALARM)
    if tell.over:
        return [over]
    subject, rig, experiment = (names.get(each, str(each)) for each in (plan.subject, plan.rig, plan.experiment))
    message = f"{subject} at {rig} in {experiment}, {slot.begin:%Y-%m-%d %H:%M} UTC: {tell.message}"
    raised = AlarmRaised(now, source, ALARM, message, "medium")
    return [raised, over] if slot.status in CLOSED else [raised]
