"""The tables. Migrations are made from here by aerich (`lics db revision`); tests/contract/test_migrations.py sees drift.

A TimescaleDB hypertable has no primary key of one column, but a Tortoise model must have one: `Telemetry` and `DeviceEvent`
declare `time`, migration 0 drops the constraint, and nobody calls `save()` or `get(pk=…)` on them.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.store.indexes import UniqueAmong

NAME_LENGTH = 255  # contracts.md section 3: a device's name has 1-255 characters
METRIC_LENGTH = 100  # contracts.md section 5
WORD_LENGTH = 32
PRINCIPAL_LENGTH = 255


class Device(Model):
    """A device as people registered it, and its state as its actor last reported it.

    `version` counts what people changed (the ETag); the actor's reports leave it alone. `moved_at`: from another laboratory.
    """

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField(db_default=DEFAULT_LABORATORY)
    moved_at = fields.DatetimeField(null=True)
    name = fields.CharField(max_length=NAME_LENGTH)
    type = fields.CharField(max_length=WORD_LENGTH)
    driver = fields.CharField(max_length=64)
    location = fields.CharField(max_length=NAME_LENGTH, null=True)
    settings = fields.JSONField[dict[str, Any]](default=dict)
    capabilities = fields.JSONField[dict[str, Any]](default=dict)
    silent_s = fields.FloatField(default=30.0)
    admin = fields.CharField(max_length=WORD_LENGTH, default="enabled")
    link = fields.CharField(max_length=WORD_LENGTH, default="offline")
    health = fields.CharField(max_length=WORD_LENGTH, default="ok")
    safety = fields.CharField(max_length=WORD_LENGTH, default="safe")
    epoch = fields.BigIntField(null=True)
    reason = fields.TextField(null=True)
    state_at = fields.DatetimeField(null=True)
    described_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "device"
        indexes = (
            UniqueAmong(fields=("laboratory_id", "name"), name="uidx_device_name_in_laboratory", condition="admin <> 'retired'"),
            Index(fields=("name", "id"), name="idx_device_name_id"),
            Index(fields=("moved_at",), name="idx_device_moved"),
        )


class Telemetry(Model):
    """One value of one metric (contracts.md section 5)."""

    time = fields.DatetimeField(primary_key=True)
    device_id = fields.UUIDField()
    metric = fields.CharField(max_length=METRIC_LENGTH)
    value = fields.FloatField()
    tags = fields.JSONField[dict[str, Any] | None](null=True)
    epoch = fields.IntField()
    seq = fields.BigIntField()

    class Meta:
        table = "telemetry"
        unique_together = (("device_id", "metric", "time", "epoch", "seq"),)


class DeviceEvent(Model):
    """Something that happened at a device, or to its state (type `lics.state`, `seq` being the journal's position)."""

    time = fields.DatetimeField(primary_key=True)
    device_id = fields.UUIDField()
    type = fields.CharField(max_length=METRIC_LENGTH)
    data = fields.JSONField[dict[str, Any] | None](null=True)
    epoch = fields.IntField()
    seq = fields.BigIntField()

    class Meta:
        table = "device_event"
        unique_together = (("device_id", "time", "epoch", "seq", "type"),)
        indexes = (Index(fields=("device_id", "type", "time"), name="idx_device_event_type"),)


class CommandRow(Model):
    """A command and where it stands: the `n`th of its states."""

    id = fields.UUIDField(primary_key=True)
    device_id = fields.UUIDField()
    name = fields.TextField()
    args = fields.JSONField[dict[str, Any]]()
    principal = fields.TextField()
    idempotent = fields.BooleanField()
    actuates = fields.BooleanField()
    deadline = fields.DatetimeField()
    accepted_at = fields.DatetimeField()
    state = fields.CharField(max_length=WORD_LENGTH)
    state_at = fields.DatetimeField()
    n = fields.IntField()
    epoch = fields.BigIntField(null=True)
    reason = fields.TextField(null=True)
    run_id = fields.UUIDField(null=True)
    trial_id = fields.UUIDField(null=True)

    class Meta:
        table = "command"
        indexes = (
            Index(fields=("device_id", "accepted_at", "id"), name="idx_command_device"),
            Index(fields=("accepted_at", "id"), name="idx_command_accepted"),
        )


class CommandStateRow(Model):
    """One state of a command's life; append-only."""

    id = fields.BigIntField(primary_key=True)
    command_id = fields.UUIDField()
    n = fields.IntField()
    device_id = fields.UUIDField()
    state = fields.CharField(max_length=WORD_LENGTH)
    time = fields.DatetimeField()
    result = fields.JSONField[Any](null=True)
    error = fields.TextField(null=True)
    ledger_seq = fields.BigIntField(null=True)
    epoch = fields.BigIntField(null=True)

    class Meta:
        table = "command_state"
        unique_together = (("command_id", "n"),)
        indexes = (Index(fields=("device_id", "time"), name="idx_command_state_device"),)


class RejectedPayload(Model):
    """A payload that broke the contract. `id` is a digest of what was received, so a repeat is absorbed."""

    id = fields.UUIDField(primary_key=True)
    device_id = fields.UUIDField()
    time = fields.DatetimeField()
    topic = fields.TextField()
    reason = fields.TextField()
    payload = fields.BinaryField()
    size = fields.BigIntField()
    suppressed = fields.BigIntField()

    class Meta:
        table = "rejected_payload"
        indexes = (Index(fields=("device_id", "time", "id"), name="idx_rejected_payload_device"),)


class FleetEventRow(Model):
    """Something that happened in the supervision tree."""

    id = fields.BigIntField(primary_key=True)
    time = fields.DatetimeField()
    node = fields.TextField()
    kind = fields.TextField()
    principal = fields.TextField()
    reason = fields.TextField(null=True)
    detail = fields.JSONField[dict[str, Any] | None](null=True)

    class Meta:
        table = "fleet_event"
        indexes = (Index(fields=("time", "id"), name="idx_fleet_event_time"),)


class Alarm(Model):
    """Something that needs, or needed, a person; one open row per source and kind. Its rules are in store/alarm_states.py.

    `journal`: whose entry raised it last.
    """

    id = fields.BigIntField(primary_key=True)
    source = fields.CharField(max_length=NAME_LENGTH)
    kind = fields.CharField(max_length=METRIC_LENGTH)
    severity = fields.CharField(max_length=WORD_LENGTH)
    message = fields.TextField()
    raised_at = fields.DatetimeField()
    cleared_at = fields.DatetimeField(null=True)
    count = fields.IntField(default=1)
    last_at = fields.DatetimeField(null=True)
    returned_at = fields.DatetimeField(null=True)
    acknowledged_at = fields.DatetimeField(null=True)
    acknowledged_by = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)
    comment = fields.TextField(null=True)
    shelved_at = fields.DatetimeField(null=True)
    shelved_by = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)
    shelved_until = fields.DatetimeField(null=True)
    shelve_reason = fields.TextField(null=True)
    journal = fields.UUIDField(null=True)

    class Meta:
        table = "alarm"
        indexes = (
            UniqueAmong(fields=("source", "kind"), name="uidx_alarm_open", condition="cleared_at IS NULL"),
            Index(fields=("raised_at", "id"), name="idx_alarm_raised"),
        )


class Audit(Model):
    """What a person, or a program in a person's name, did or tried; append-only.

    An act has two rows of the same `act`: `asked` before it is done, and how it ended. One without an end: nobody lived to tell.
    `n` and `digest`: its place in the chain (store/audit_chain.py). Triggers refuse every change.
    """

    id = fields.BigIntField(primary_key=True)
    act = fields.UUIDField()
    time = fields.DatetimeField()
    principal = fields.TextField()
    action = fields.CharField(max_length=METRIC_LENGTH)
    target = fields.TextField()
    outcome = fields.CharField(max_length=WORD_LENGTH)
    reason = fields.TextField(null=True)
    origin = fields.CharField(max_length=WORD_LENGTH)
    remote = fields.TextField(null=True)
    request_id = fields.TextField(null=True)
    error = fields.TextField(null=True)
    before = fields.JSONField[dict[str, Any] | None](null=True)
    after = fields.JSONField[dict[str, Any] | None](null=True)
    laboratory_id = fields.UUIDField(null=True)
    n = fields.BigIntField(unique=True)
    digest = fields.BinaryField()

    class Meta:
        table = "audit"
        unique_together = (("act", "outcome"),)
        indexes = (Index(fields=("time", "id"), name="idx_audit_time"),)


class JournalOffset(Model):
    """How far a journal is in the database: its entries up to `position` are."""

    journal = fields.UUIDField(primary_key=True)
    position = fields.BigIntField()
    shipped_at = fields.DatetimeField()

    class Meta:
        table = "journal_offset"


class RollupState(Model):
    """How far a table is rolled up: all before `materialised`; what comes before `threshold` is told (store/late.py)."""

    source = fields.CharField(primary_key=True, max_length=WORD_LENGTH)
    threshold = fields.DatetimeField(null=True)
    materialised = fields.DatetimeField(null=True)

    class Meta:
        table = "rollup_state"


class RollupLate(Model):
    """Rows of a device came within an hour that is rolled up already: from `low` to `high`. `version`: how often it was told."""

    id = fields.BigIntField(primary_key=True)
    source = fields.CharField(max_length=WORD_LENGTH)
    device_id = fields.UUIDField()
    hour = fields.DatetimeField()
    low = fields.DatetimeField()
    high = fields.DatetimeField()
    version = fields.BigIntField(default=1)

    class Meta:
        table = "rollup_late"
        unique_together = (("source", "device_id", "hour"),)


class RetentionRule(Model):
    """How long values are kept, in days (None: for ever). `metric`: a pattern with `*` and `?`; `device_type` empty: any."""

    id = fields.BigIntField(primary_key=True)
    metric = fields.CharField(max_length=METRIC_LENGTH)
    device_type = fields.CharField(max_length=WORD_LENGTH)
    raw_days = fields.FloatField(null=True)
    rollup_days = fields.FloatField(null=True)
    updated_at = fields.DatetimeField()
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "retention_rule"
        unique_together = (("metric", "device_type"),)


class RetentionHorizon(Model):
    """Single values of a series before `raw_from` are deleted; the nil UUID and no metric stand for all series."""

    id = fields.BigIntField(primary_key=True)
    device_id = fields.UUIDField()
    metric = fields.CharField(max_length=METRIC_LENGTH)
    raw_from = fields.DatetimeField()

    class Meta:
        table = "retention_horizon"
        unique_together = (("device_id", "metric"),)


class Rig(Model):
    """Devices in roles, and the interlocks between them. `version` counts what people changed (the ETag)."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField(db_default=DEFAULT_LABORATORY)
    name = fields.CharField(max_length=NAME_LENGTH)
    devices = fields.JSONField[dict[str, Any]](default=dict)
    interlocks = fields.JSONField[list[Any]](default=list)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    updated_by = fields.CharField(max_length=PRINCIPAL_LENGTH)

    class Meta:
        table = "rig"
        unique_together = (("laboratory_id", "name"),)


class FleetHost(Model):
    """A host with a fleet of its own, among several. `fenced`: it knows of others; `generation`: how often it has joined."""

    name = fields.CharField(primary_key=True, max_length=WORD_LENGTH * 2)
    instance = fields.UUIDField()
    generation = fields.BigIntField(default=1)
    address = fields.CharField(max_length=WORD_LENGTH * 2)
    port = fields.IntField()
    sites = fields.JSONField[list[str]](default=list)
    fenced = fields.BooleanField(default=False)
    gone = fields.BooleanField(default=False)
    drained_at = fields.DatetimeField(null=True)
    drained_by = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)
    version = fields.CharField(max_length=WORD_LENGTH)
    joined_at = fields.DatetimeField()
    heartbeat_at = fields.DatetimeField()

    class Meta:
        table = "fleet_host"


class FleetDuty(Model):
    """What one host at a time does: serve a device, or record. `host` is to do it, `holder` may be doing it."""

    duty = fields.CharField(primary_key=True, max_length=WORD_LENGTH * 2)
    host = fields.CharField(max_length=WORD_LENGTH * 2, null=True)
    holder = fields.CharField(max_length=WORD_LENGTH * 2, null=True)
    generation = fields.BigIntField(default=0)
    since = fields.DatetimeField()

    class Meta:
        table = "fleet_duty"


class AccountRow(Model):
    """Somebody who may sign in; never deleted, so that a name in the audit is always the same person's."""

    id = fields.UUIDField(primary_key=True)
    email = fields.CharField(max_length=180, unique=True)
    role = fields.CharField(max_length=WORD_LENGTH)
    generation = fields.BigIntField(default=1)
    created_at = fields.DatetimeField()
    created_by = fields.CharField(max_length=PRINCIPAL_LENGTH)
    changed_at = fields.DatetimeField()
    disabled_at = fields.DatetimeField(null=True)
    password_hash = fields.TextField(null=True)
    password_at = fields.DatetimeField(null=True)
    code_hash = fields.CharField(max_length=64, null=True)
    code_expires_at = fields.DatetimeField(null=True)
    signed_in_at = fields.DatetimeField(null=True)

    class Meta:
        table = "account"
        indexes = (Index(fields=("changed_at",), name="idx_account_changed"),)


class SessionRow(Model):
    """A sign-in, which lasts until it is ended or expires."""

    id = fields.UUIDField(primary_key=True)
    account_id = fields.UUIDField()
    created_at = fields.DatetimeField()
    used_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    end_reason = fields.CharField(max_length=WORD_LENGTH, null=True)
    remote = fields.TextField(null=True)
    agent = fields.TextField(null=True)

    class Meta:
        table = "session"
        indexes = (
            Index(fields=("account_id", "created_at"), name="idx_session_account"),
            Index(fields=("ended_at",), name="idx_session_ended"),
        )


class RefreshTokenRow(Model):
    """A refresh token by the SHA-256 of it; a used one is kept as long as its session, to be known again."""

    hash = fields.CharField(primary_key=True, max_length=64)
    session_id = fields.UUIDField()
    issued_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_token"
        indexes = (Index(fields=("session_id",), name="idx_refresh_token_session"),)


class ApiKeyRow(Model):
    """A program's way in, by the SHA-256 of its secret. `laboratory_id` None: into all laboratories of its owner."""

    id = fields.UUIDField(primary_key=True)
    account_id = fields.UUIDField()
    laboratory_id = fields.UUIDField(null=True)
    name = fields.CharField(max_length=64)
    secret_hash = fields.CharField(max_length=64)
    scopes = fields.JSONField[list[str]]()
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    last_used_from = fields.TextField(null=True)

    class Meta:
        table = "api_key"
        indexes = (
            Index(fields=("account_id", "created_at"), name="idx_api_key_account"),
            Index(fields=("revoked_at",), name="idx_api_key_revoked"),
        )
