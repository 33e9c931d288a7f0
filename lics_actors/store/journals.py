"""Journals into tables, each entry exactly once, whatever is repeated and whichever journal comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, assert_never
from uuid import UUID

from lics_actors.store.alarm_states import Alarm
from lics_actors.store.alarms import take_words
from lics_actors.store.audit_writes import write_audit
from lics_actors.store.availability import is_refusal, original
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.errors import RowRefusedError
from lics_actors.store.json_text import storable_int, storable_json, storable_text
from lics_actors.store.records import (
    AlarmCleared,
    AlarmRaised,
    Audited,
    Command,
    CommandAccepted,
    CommandMoved,
    CommandStep,
    DeviceChanged,
    DeviceDescribed,
    FleetEvent,
    InterlockReset,
    InterlockTripped,
    LeaseLost,
    PayloadRejected,
    Record,
)
from lics_actors.store.rejections import INSERT_REJECTED, rejected_values
from lics_actors.store.run_records import RunOpened, RunReacted, RunRecord, RunStepped
from lics_actors.store.run_shipping import ship_runs

SHIP_S = 60.0
STATE_EVENT = "lics.state"
LEASE_EVENT, TRIP_EVENT, RESET_EVENT = "lics.lease_lost", "lics.interlock_tripped", "lics.interlock_reset"
Row = tuple[Any, ...]

_COMMAND = """INSERT INTO command (id, device_id, name, args, principal, idempotent, actuates, deadline, accepted_at,
        state, state_at, n, epoch, reason, run_id, trial_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING"""
# A power loss may take back what was shipped already; what the device says again then stands in the place of a passing state.
_STATE = """INSERT INTO command_state (command_id, n, device_id, state, time, result, error, ledger_seq, epoch)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (command_id, n) DO UPDATE
    SET state = excluded.state, time = excluded.time, result = excluded.result, error = excluded.error,
        ledger_seq = excluded.ledger_seq, epoch = excluded.epoch
    WHERE command_state.state IN ('delivered', 'executing') AND excluded.state NOT IN ('delivered', 'executing')"""
# Where a command stands follows from its states alone, so it does not matter whether `command` or they came first.
_STAND = """UPDATE command SET state = s.state, state_at = s.time, n = s.n, epoch = coalesce(s.epoch, command.epoch)
    FROM (SELECT DISTINCT ON (command_id) command_id, n, state, time, max(epoch) OVER (PARTITION BY command_id) AS epoch
          FROM command_state WHERE command_id = ANY($1::uuid[]) ORDER BY command_id, n DESC) s
    WHERE command.id = s.command_id AND (command.n < s.n OR (command.n = s.n AND command.state <> s.state))"""
_DEVICE = """UPDATE device SET link = $3, health = $4, safety = $5, epoch = coalesce($6, epoch), reason = $7, state_at = $2
    WHERE id = $1 AND (state_at IS NULL OR state_at <= $2)"""
_DESCRIBED = """UPDATE device SET capabilities = $3, described_at = $2
    WHERE id = $1 AND (described_at IS NULL OR described_at <= $2)"""
_EVENT = """INSERT INTO device_event (time, device_id, type, data, epoch, seq)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"""
_FLEET = "INSERT INTO fleet_event (time, node, kind, principal, reason, detail) VALUES ($1, $2, $3, $4, $5, $6)"
_SHIPPED = "UPDATE journal_offset SET position = $2, shipped_at = $3 WHERE journal = $1"


@dataclass(slots=True)
class _Batch:
    """Rows by statement; of what is overwritten only the newest of each device."""

    commands: list[Row] = field(default_factory=list)
    states: list[Row] = field(default_factory=list)
    devices: dict[UUID, Row] = field(default_factory=dict)
    described: dict[UUID, Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    fleet: list[Row] = field(default_factory=list)
    alarms: list[AlarmRaised | AlarmCleared] = field(default_factory=list)
    audit: list[Audited] = field(default_factory=list)
    runs: list[RunRecord] = field(default_factory=list)


async def journal_position(repository: Connected, identity: UUID) -> int:
    """Return the position up to which a journal is in the database, 0 for one never seen.

    Raises:
        DatabaseUnavailableError
    """
    async with repository.raw(ANSWER_S) as connection:
        return await connection.fetchval("SELECT position FROM journal_offset WHERE journal = $1", identity) or 0


async def ship_journal(repository: Connected, identity: UUID, entries: Sequence[tuple[int, Record]]) -> list[Alarm]:
    """Write entries (position, record) of a journal, all or nothing; those already shipped are passed over.

    Returns the alarms that changed, as they are now.

    Raises:
        RowRefusedError: the database refuses an entry, though all that devices say is made storable first.
        DatabaseUnavailableError: nothing is known to be written; ship them again.
    """
    if not entries:
        return []
    async with repository.transaction(SHIP_S) as connection:
        known = await _locked_position(connection, identity)
        fresh = sorted((entry for entry in entries if entry[0] > known), key=lambda entry: entry[0])
        if not fresh:
            return []
        try:
            batch = _sorted_out(fresh)
            await _apply(connection, batch)
            alarms = await take_words(connection, identity, batch.alarms)
            await write_audit(connection, batch.audit)
        except Exception as error:
            if is_refusal(error):
                raise RowRefusedError("the database refuses a journal entry", reason=str(original(error))) from error
            raise
        await connection.execute(_SHIPPED, identity, fresh[-1][0], datetime.now(UTC))
    return alarms


async def _locked_position(connection: Any, identity: UUID) -> int:
    """Return the position, and keep others who ship the same journal waiting until the transaction ends."""
    await connection.execute(
        "INSERT INTO journal_offset (journal, position, shipped_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
        identity,
        datetime.now(UTC),
    )
    position: int = await connection.fetchval("SELECT position FROM journal_offset WHERE journal = $1 FOR UPDATE", identity)
    return position


async def _apply(connection: Any, batch: _Batch) -> None:
    """Execute a batch, devices in order of their ids so that two shippers cannot wait for each other."""
    many: tuple[tuple[str, Iterable[Row]], ...] = (
        (_COMMAND, batch.commands),
        (_STATE, batch.states),
        (_DEVICE, (batch.devices[device] for device in sorted(batch.devices))),
        (_DESCRIBED, (batch.described[device] for device in sorted(batch.described))),
        (_EVENT, batch.events),
        (INSERT_REJECTED, batch.rejected),
        (_FLEET, batch.fleet),
    )
    for statement, rows in many:
        if values := list(rows):
            await connection.executemany(statement, values)
    if batch.states:
        await connection.execute(_STAND, list({row[0] for row in batch.states}))
    if batch.runs:
        await ship_runs(connection, batch.runs)


def _sorted_out(entries: Iterable[tuple[int, Record]]) -> _Batch:
    batch = _Batch()
    for position, record in entries:
        match record:
            case CommandAccepted(command=command):
                _add_command(batch, command)
            case CommandMoved():
                batch.states.append(_state(record.command_id, record.n, record.device_id, record.step, record.epoch))
            case DeviceChanged():
                batch.events.append(_state_event(position, record))
                _keep_newest(batch.devices, _device(record))
            case LeaseLost(device_id=device_id, time=time, expires=expires):
                data = {"expires": expires.isoformat()}
                batch.events.append((time, device_id, LEASE_EVENT, storable_json(data), 0, position))
            case InterlockTripped() | InterlockReset():
                batch.events.append(_interlock_event(position, record))
            case DeviceDescribed():
                _keep_newest(batch.described, (record.device_id, record.time, storable_json(record.description)))
            case PayloadRejected():
                batch.rejected.append(rejected_values(record))
            case FleetEvent():
                batch.fleet.append(_fleet_event(record))
            case AlarmRaised() | AlarmCleared():
                batch.alarms.append(record)
            case Audited():
                batch.audit.append(record)
            case RunOpened() | RunStepped() | RunReacted():
                batch.runs.append(record)
            case _:
                assert_never(record)
    return batch


def _keep_newest(rows: dict[UUID, Row], row: Row) -> None:
    """Keep the later of two rows (device, time, …); of the same time the one that comes after."""
    if (kept := rows.get(row[0])) is None or kept[1] <= row[1]:
        rows[row[0]] = row


def _maybe(text: str | None) -> str | None:
    return None if text is None else storable_text(text)


def _add_command(batch: _Batch, command: Command) -> None:
    last = len(command.steps) - 1
    batch.commands.append(
        (
            command.command_id,
            command.device_id,
            storable_text(command.name),
            storable_json(command.args),
            storable_text(command.principal),
            command.idempotent,
            command.actuates,
            command.deadline,
            command.accepted_at,
            command.state.value,
            command.steps[last].time,
            last,
            storable_int(command.epoch, 64),
            _maybe(command.reason),
            command.run_id,
            command.trial_id,
        )
    )
    for n, step in enumerate(command.steps):
        batch.states.append(_state(command.command_id, n, command.device_id, step, command.epoch))


def _state(command_id: UUID, n: int, device_id: UUID, step: CommandStep, epoch: int | None) -> Row:
    return (
        command_id,
        n,
        device_id,
        step.state.value,
        step.time,
        None if step.result is None else storable_json(step.result),
        _maybe(step.error),
        storable_int(step.ledger_seq, 64),
        storable_int(epoch, 64),
    )


def _device(record: DeviceChanged) -> Row:
    return (
        record.device_id,
        record.time,
        record.link,
        record.health,
        record.safety,
        storable_int(record.epoch, 64),
        _maybe(record.reason),
    )


def _state_event(position: int, record: DeviceChanged) -> Row:
    data = {"link": record.link, "health": record.health, "safety": record.safety, "reason": record.reason}
    return (
        record.time,
        record.device_id,
        STATE_EVENT,
        storable_json(data),
        storable_int(record.epoch, 32) or 0,
        position,
    )


def _interlock_event(position: int, record: InterlockTripped | InterlockReset) -> Row:
    data: dict[str, Any] = {"rig_id": str(record.rig_id), "interlock": record.interlock}
    if isinstance(record, InterlockTripped):
        kind, data = TRIP_EVENT, data | {"rig": record.rig, "why": record.why}
    else:
        kind, data = RESET_EVENT, data | {"principal": record.principal, "reason": record.reason}
    return (record.time, record.device_id, kind, storable_json(data), 0, position)


def _fleet_event(record: FleetEvent) -> Row:
    return (
        record.time,
        storable_text(record.node),
        storable_text(record.kind),
        storable_text(record.principal),
        _maybe(record.reason),
        None if record.detail is None else storable_json(record.detail),
    )
