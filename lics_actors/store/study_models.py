"""The tables of what is studied: subjects, protocols in versions, experiments, and who changed what of them and why."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.indexes import UniqueAmong
from lics_actors.store.models import NAME_LENGTH, PRINCIPAL_LENGTH, WORD_LENGTH

RFID_LENGTH = 64


class SubjectRow(Model):
    """An animal. `daily`: what it is to get of fluid and food (study/subject_documents.py); a retired one leaves name and tag."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    name = fields.CharField(max_length=NAME_LENGTH)
    species = fields.CharField(max_length=NAME_LENGTH)
    sex = fields.CharField(max_length=WORD_LENGTH)
    birth_date = fields.DateField(null=True)
    rfid = fields.CharField(max_length=RFID_LENGTH, null=True)
    status = fields.CharField(max_length=WORD_LENGTH)
    daily = fields.JSONField[dict[str, Any]](default=dict)
    notes = fields.TextField(default="")
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "subject"
        indexes = (
            UniqueAmong(fields=("laboratory_id", "name"), name="uidx_subject_name_in_use", condition="status <> 'retired'"),
            UniqueAmong(fields=("laboratory_id", "rfid"), name="uidx_subject_rfid_in_use", condition="status <> 'retired'"),
            Index(fields=("name", "id"), name="idx_subject_name"),
        )


class SubjectWeight(Model):
    """What a subject weighed; append-only."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    subject_id = fields.UUIDField()
    time = fields.DatetimeField()
    weight_g = fields.FloatField()
    note = fields.TextField(default="")
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    noted_at = fields.DatetimeField()

    class Meta:
        table = "subject_weight"
        indexes = (Index(fields=("subject_id", "time", "id"), name="idx_subject_weight"),)


class ChangeRow(Model):
    """A version of a subject or an experiment: who made it, why, and what it is; append-only, written with what it tells of."""

    id = fields.BigIntField(primary_key=True)
    laboratory_id = fields.UUIDField()
    kind = fields.CharField(max_length=WORD_LENGTH)
    about = fields.UUIDField()
    version = fields.IntField()
    time = fields.DatetimeField()
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    reason = fields.TextField(null=True)
    changed = fields.JSONField[list[str]]()
    facts = fields.JSONField[dict[str, Any]]()

    class Meta:
        table = "change_history"
        unique_together = (("about", "version"),)


class ProtocolRow(Model):
    """A protocol by its name; what it says is in its versions. `newest`: the number of the latest."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    name = fields.CharField(max_length=NAME_LENGTH)
    title = fields.TextField()
    newest = fields.IntField()
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "protocol"
        unique_together = (("laboratory_id", "name"),)
        indexes = (Index(fields=("name", "id"), name="idx_protocol_name"),)


class ProtocolVersionRow(Model):
    """A protocol as somebody wrote it (`text`) and as LICS reads it (`document`, of which `digest` is); never changed.

    The document is JSON kept as text: jsonb would forget the order of its names, in which chance is asked.
    """

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    protocol_id = fields.UUIDField()
    number = fields.IntField()
    schema_version = fields.IntField()
    digest = fields.CharField(max_length=64)
    text = fields.TextField()
    document = fields.TextField()
    findings = fields.JSONField[list[Any]]()
    note = fields.TextField(default="")
    created_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "protocol_version"
        unique_together = (("protocol_id", "number"), ("protocol_id", "digest"))


class ProtocolRehearsal(Model):
    """What a rehearsal of a version came to; append-only. `sound`: it may be armed on the strength of this one."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    version_id = fields.UUIDField()
    time = fields.DatetimeField()
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    trials = fields.IntField()
    subject_model = fields.CharField(max_length=WORD_LENGTH)
    seed = fields.BigIntField()
    parameters = fields.JSONField[dict[str, Any]]()
    sound = fields.BooleanField()
    why_not = fields.TextField(default="")
    result = fields.JSONField[dict[str, Any]]()
    software = fields.CharField(max_length=WORD_LENGTH)

    class Meta:
        table = "protocol_rehearsal"
        indexes = (Index(fields=("version_id", "time", "id"), name="idx_protocol_rehearsal"),)


class ExperimentRow(Model):
    """A plan: which subjects go through which stages, when, and what leads from one to the next (study/plans.py)."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    name = fields.CharField(max_length=NAME_LENGTH)
    about = fields.TextField(default="")
    status = fields.CharField(max_length=WORD_LENGTH)
    stages = fields.JSONField[list[Any]]()
    subjects = fields.JSONField[list[str]]()
    schedule = fields.JSONField[dict[str, Any]](default=dict)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "experiment"
        unique_together = (("laboratory_id", "name"),)
        indexes = (Index(fields=("name", "id"), name="idx_experiment_name"),)
