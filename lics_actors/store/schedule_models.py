"""The table of sessions to be: what the scheduler decided of each, and what people want of it."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.models import PRINCIPAL_LENGTH, WORD_LENGTH


class SessionSlot(Model):
    """A session that an experiment plans, once; `id` is its run's. Written by the scheduler alone, but for what people want.

    `policy`: what becomes of it where it does not begin in time; `reader_id`: the RFID reader at which the subject begins it;
    `until_at`: so long its run is asked for. `wish`: what somebody wants of it and nobody has heard yet, start or skip.
    """

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    experiment_id = fields.UUIDField()
    subject_id = fields.UUIDField()
    rig_id = fields.UUIDField()
    day = fields.DateField()
    ordinal = fields.IntField()
    begin_at = fields.DatetimeField()
    end_at = fields.DatetimeField()
    policy = fields.CharField(max_length=WORD_LENGTH)
    reader_id = fields.UUIDField(null=True)
    status = fields.CharField(max_length=WORD_LENGTH)
    why = fields.JSONField[list[str]](default=list)
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    until_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()
    wish = fields.CharField(max_length=WORD_LENGTH, null=True)
    wish_by = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)
    wish_reason = fields.TextField(null=True)
    wish_at = fields.DatetimeField(null=True)

    class Meta:
        table = "session_slot"
        unique_together = (("experiment_id", "subject_id", "day", "ordinal"),)
        indexes = (
            Index(fields=("begin_at", "id"), name="idx_session_slot_begin"),
            Index(fields=("rig_id", "begin_at"), name="idx_session_slot_rig"),
            Index(fields=("subject_id", "begin_at"), name="idx_session_slot_subject"),
        )
