"""The table of files that were made of runs."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.models import PRINCIPAL_LENGTH, WORD_LENGTH


class ExportRow(Model):
    """A file of a run, being made or kept under `key`. `sha256`: of the file; `record_sha256`: of the record in it."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    run_id = fields.UUIDField()
    format = fields.CharField(max_length=WORD_LENGTH)
    state = fields.CharField(max_length=WORD_LENGTH)
    created_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    ended_at = fields.DatetimeField(null=True)
    key = fields.TextField()
    software = fields.CharField(max_length=WORD_LENGTH)
    size = fields.BigIntField(null=True)
    sha256 = fields.CharField(max_length=64, null=True)
    record_sha256 = fields.CharField(max_length=64, null=True)
    reason = fields.TextField(null=True)

    class Meta:
        table = "export"
        indexes = (Index(fields=("run_id", "created_at", "id"), name="idx_export_run"),)
