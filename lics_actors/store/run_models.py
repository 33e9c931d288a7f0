"""The tables of runs: what was ordered, and what their journals brought under (run, n), so that a repeat is harmless."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from lics_actors.store.indexes import UniqueAmong
from lics_actors.store.models import NAME_LENGTH, PRINCIPAL_LENGTH, WORD_LENGTH


class RunRow(Model):
    """A session: subject × rig × version of a protocol. `opened`: the journal's RunOpened, as bytes; `phase_n`: the step that
    brought the phase; `parameters` and amounts in base units; `forced`: why it was armed without a rehearsal.

    One that is not over (`ended_at` is not known) has its rig and its subject for itself.
    """

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    rig_id = fields.UUIDField()
    rig = fields.CharField(max_length=NAME_LENGTH)
    subject_id = fields.UUIDField(null=True)
    subject = fields.CharField(max_length=NAME_LENGTH, null=True)
    experiment_id = fields.UUIDField(null=True)
    stage = fields.IntField(null=True)
    protocol_version_id = fields.UUIDField()
    protocol = fields.CharField(max_length=NAME_LENGTH)
    protocol_number = fields.IntField()
    parameters = fields.JSONField[dict[str, Any]](default=dict)
    seed = fields.BigIntField()
    unit = fields.CharField(max_length=WORD_LENGTH, default="")
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    forced = fields.TextField(null=True)
    ordered_at = fields.DatetimeField()
    opened_at = fields.DatetimeField(null=True)
    opened = fields.BinaryField(null=True)
    phase = fields.CharField(max_length=WORD_LENGTH)
    why = fields.TextField(default="")
    phase_n = fields.BigIntField(default=-1)
    phase_at = fields.DatetimeField()
    began_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    n = fields.BigIntField(default=-1)
    trials = fields.IntField(default=0)
    outcomes = fields.JSONField[dict[str, int]](default=dict)
    commanded = fields.FloatField(default=0.0)
    confirmed = fields.FloatField(default=0.0)

    class Meta:
        table = "run"
        indexes = (
            UniqueAmong(fields=("rig_id",), name="uidx_run_rig_unfinished", condition="ended_at IS NULL"),
            UniqueAmong(fields=("subject_id",), name="uidx_run_subject_unfinished", condition="ended_at IS NULL"),
            Index(fields=("ordered_at", "id"), name="idx_run_ordered"),
            Index(fields=("subject_id", "ordered_at"), name="idx_run_subject"),
            Index(fields=("experiment_id", "ordered_at"), name="idx_run_experiment"),
        )


class TrialRow(Model):
    """A trial: what was drawn for it, and how it ended. `_s`: seconds on the run's axis; `_n`: the step."""

    id = fields.BigIntField(primary_key=True)
    laboratory_id = fields.UUIDField()
    run_id = fields.UUIDField()
    number = fields.IntField()
    block = fields.CharField(max_length=NAME_LENGTH)
    drawn = fields.JSONField[dict[str, Any]]()
    began_at = fields.DatetimeField()
    began_s = fields.FloatField()
    began_n = fields.BigIntField()
    outcome = fields.CharField(max_length=NAME_LENGTH, null=True)
    reason = fields.TextField(default="")
    rewarded = fields.FloatField(default=0.0)
    ended_at = fields.DatetimeField(null=True)
    ended_s = fields.FloatField(null=True)
    ended_n = fields.BigIntField(null=True)

    class Meta:
        table = "trial"
        unique_together = (("run_id", "number"),)


class RewardRow(Model):
    """A reward that a run decided on, by the id of its command. `principal`: whose hand it was, null: the protocol's; `barred`:
    why it was not sent; `outcome`: of the command, null while it is open."""

    id = fields.UUIDField(primary_key=True)
    laboratory_id = fields.UUIDField()
    run_id = fields.UUIDField()
    trial = fields.IntField()
    n = fields.BigIntField()
    role = fields.CharField(max_length=NAME_LENGTH)
    amount = fields.FloatField()
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH, null=True)
    barred = fields.TextField(null=True)
    time = fields.DatetimeField()
    at_s = fields.FloatField()
    outcome = fields.CharField(max_length=WORD_LENGTH, null=True)
    settled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "reward"
        indexes = (Index(fields=("run_id", "n"), name="idx_reward_run"),)


class RunEventRow(Model):
    """A step of a run, whole: `record` is the journal's RunStepped as bytes, from which the run can be replayed."""

    id = fields.BigIntField(primary_key=True)
    laboratory_id = fields.UUIDField()
    run_id = fields.UUIDField()
    n = fields.BigIntField()
    time = fields.DatetimeField()
    at_s = fields.FloatField()
    kind = fields.CharField(max_length=WORD_LENGTH)
    record = fields.BinaryField()

    class Meta:
        table = "run_event"
        unique_together = (("run_id", "n"),)


class RunReaction(Model):
    """How long it took from what was heard to the command that answers it, by LICS's clock."""

    id = fields.BigIntField(primary_key=True)
    laboratory_id = fields.UUIDField()
    run_id = fields.UUIDField()
    n = fields.BigIntField()
    command_id = fields.UUIDField()
    heard = fields.DatetimeField()
    decided = fields.DatetimeField()
    left_at = fields.DatetimeField()

    class Meta:
        table = "run_reaction"
        unique_together = (("run_id", "command_id"),)


class Annotation(Model):
    """What somebody wrote down during a run."""

    id = fields.BigIntField(primary_key=True)
    laboratory_id = fields.UUIDField()
    run_id = fields.UUIDField()
    n = fields.BigIntField()
    time = fields.DatetimeField()
    at_s = fields.FloatField()
    principal = fields.CharField(max_length=PRINCIPAL_LENGTH)
    text = fields.TextField()

    class Meta:
        table = "annotation"
        unique_together = (("run_id", "n"),)
