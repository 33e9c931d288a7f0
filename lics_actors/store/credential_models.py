"""The tables of devices' credentials and of claim codes."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.models import NAME_LENGTH, PRINCIPAL_LENGTH


class DeviceCredential(Model):
    """A device's way in at the broker, by the broker's hash of its secret; never deleted. Its device may be about to be made."""

    id = fields.UUIDField(primary_key=True)
    device_id = fields.UUIDField()
    username = fields.CharField(max_length=NAME_LENGTH, unique=True)
    secret_hash = fields.CharField(max_length=255)
    claim_id = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    expires_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    revoked_by = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)
    reason = fields.TextField(null=True)

    class Meta:
        table = "device_credential"
        indexes = (Index(fields=("device_id", "created_at"), name="idx_device_credential_device"),)


class DeviceClaim(Model):
    """A code that makes a device known, once and soon; `device_id` is reserved when it is first used."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    code_id = fields.CharField(max_length=16, unique=True)
    code_hash = fields.CharField(max_length=255)
    name = fields.CharField(max_length=NAME_LENGTH, null=True)
    location = fields.CharField(max_length=NAME_LENGTH, null=True)
    created_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    expires_at = fields.DatetimeField()
    device_id = fields.UUIDField(null=True)
    registered_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "device_claim"
        indexes = (Index(fields=("laboratory_id", "created_at"), name="idx_device_claim_laboratory"),)
