"""Laboratories and who is a member of them."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.models import PRINCIPAL_LENGTH, WORD_LENGTH

LABORATORY_NAME_LENGTH = 100


class LaboratoryRow(Model):
    """A laboratory: what people, devices, rigs and data belong to. Never deleted, as what is recorded names it."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=LABORATORY_NAME_LENGTH, unique=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "laboratory"


class MembershipRow(Model):
    """What somebody is in a laboratory."""

    id = fields.UUIDField(primary_key=True)
    account_id = fields.UUIDField()
    laboratory_id = fields.UUIDField()
    role = fields.CharField(max_length=WORD_LENGTH)
    since = fields.DatetimeField()
    given_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "membership"
        unique_together = (("account_id", "laboratory_id"),)
        indexes = (Index(fields=("laboratory_id", "account_id"), name="idx_membership_laboratory"),)
