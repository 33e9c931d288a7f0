"""The tables of welfare: what hands gave, what runs were granted, overrides, rules of sessions, and calibrations.

What runs gave stands in `reward`; what a subject may have a day, in `subject.daily`.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.models import PRINCIPAL_LENGTH, WORD_LENGTH


class WelfareGift(Model):
    """What a hand gave a subject; append-only. `substance`: fluid (µl), food (mg) or pellets."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    subject_id = fields.UUIDField()
    substance = fields.CharField(max_length=WORD_LENGTH)
    amount = fields.FloatField()
    time = fields.DatetimeField()
    note = fields.TextField(default="")
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    noted_at = fields.DatetimeField()

    class Meta:
        table = "welfare_gift"
        indexes = (Index(fields=("subject_id", "time", "id"), name="idx_welfare_gift"),)


class WelfareGrant(Model):
    """What a run may give of a subject's day by itself (welfare/bank.py); append-only. It is held until the run is over."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    subject_id = fields.UUIDField()
    run_id = fields.UUIDField()
    substance = fields.CharField(max_length=WORD_LENGTH)
    amount = fields.FloatField()
    day_begin = fields.DatetimeField()
    until_at = fields.DatetimeField()
    override_id = fields.UUIDField(null=True)
    granted_at = fields.DatetimeField()

    class Meta:
        table = "welfare_grant"
        indexes = (
            Index(fields=("subject_id", "day_begin"), name="idx_welfare_grant"),
            Index(fields=("run_id",), name="idx_welfare_grant_run"),
        )


class WelfareOverride(Model):
    """A person's word that a limit of a subject has another value for a while, and why."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    subject_id = fields.UUIDField()
    limit_name = fields.CharField(max_length=WORD_LENGTH)
    value = fields.FloatField()
    begin_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    reason = fields.TextField()
    ended_by = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)

    class Meta:
        table = "welfare_override"
        indexes = (Index(fields=("subject_id", "until_at"), name="idx_welfare_override"),)


class WelfareSession(Model):
    """How long a subject's sessions may last, and what must lie between two of them."""

    subject_id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    session_s = fields.FloatField(null=True)
    between_s = fields.FloatField(null=True)
    updated_at = fields.DatetimeField()
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "welfare_session"


class CalibrationRow(Model):
    """A version of a device's calibration (welfare/calibration.py); append-only. `points`: [[commanded, measured], …]."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    device_id = fields.UUIDField()
    version = fields.IntField()
    points = fields.JSONField[list[Any]]()
    made_at = fields.DatetimeField()
    valid_until = fields.DatetimeField()
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    note = fields.TextField(default="")

    class Meta:
        table = "calibration"
        unique_together = (("device_id", "version"),)
