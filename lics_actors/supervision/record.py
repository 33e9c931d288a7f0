"""What a supervisor leaves behind: its journal of events and alarms, written once per handled event."""

from __future__ import annotations

import json
import logging
import random
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lics_actors.errors import StorageFullError
from lics_actors.journal import Journal
from lics_actors.store.records import AlarmCleared, AlarmRaised, CrashReport, FleetEvent, Record
from lics_actors.supervision.holds import Holds
from lics_actors.supervision.messages import SYSTEM, ClearAlarm, RaiseAlarm, RecordEvent
from lics_actors.supervision.specs import Phase

KEPT_UNWRITTEN = 1000  # while the disk is full; the oldest go first
TRIM_AFTER = 500  # records: a supervisor writes some hundreds at its start and then hardly any

log = logging.getLogger(__name__)


def luck() -> float:
    """Return the random number of an event."""
    return random.random()  # noqa: S311 - spreads restarts, guards nothing


class SupervisorRecord:
    """Supervision goes on when the disk is full: what cannot be written is kept, bounded, and tried again."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._pending: deque[Record] = deque(maxlen=KEPT_UNWRITTEN)
        self._open = self._inherited()
        self._since_trim = TRIM_AFTER

    def clear_inherited(self, holds: Holds) -> None:
        """Clear the alarms that an earlier incarnation left open, of children that start anew: all that nothing keeps down."""
        for source, kind in sorted(self._open):
            hold = holds.read(source)
            if hold is None or hold.phase is not Phase.QUARANTINED:
                self._pending.append(AlarmCleared(datetime.now(UTC), source, kind))
                self._open.discard((source, kind))
        if self._pending:
            self._keep_open()
            self.write()

    def take(self, effect: RaiseAlarm | ClearAlarm | RecordEvent, crash: CrashReport | None = None) -> None:
        """Note down one thing, to be written with the next `write`, and say it in the log. `crash`: how the one died of whom an
        event tells that it exited."""
        now = datetime.now(UTC)
        match effect:
            case RaiseAlarm(name=name, kind=kind) if (name, kind) in self._open:
                pass  # raised by an earlier incarnation, or twice by people
            case RaiseAlarm(name=name, kind=kind, message=message):
                log.error("alarm raised", extra={"node": name, "alarm": kind, "reason": message})
                self._pending.append(AlarmRaised(now, name, kind, message))
                self._open.add((name, kind))
                self._keep_open()
            case ClearAlarm(name=name, kind=kind):
                log.info("alarm cleared", extra={"node": name, "alarm": kind})
                self._pending.append(AlarmCleared(now, name, kind))
                self._open.discard((name, kind))
                self._keep_open()
            case RecordEvent(name=name, kind=kind, principal=principal, reason=reason, incarnation=incarnation):
                facts = {"node": name, "event": kind, "principal": principal, "reason": reason, "incarnation": incarnation}
                log.log(logging.WARNING if kind in {"exited", "hung", "recycled"} else logging.INFO, "supervision", extra=facts)
                detail = {"incarnation": incarnation, **({} if crash is None else msgspec.to_builtins(crash))}
                self._pending.append(FleetEvent(now, name, kind, principal, reason, detail))

    def write(self) -> None:
        """Make durable what was noted down."""
        if not self._pending:
            return
        try:
            by_people = any(isinstance(record, FleetEvent) and record.principal != SYSTEM for record in self._pending)
            self._journal.append(list(self._pending), durable=by_people or any(not _routine(one) for one in self._pending))
        except StorageFullError:
            log.error("supervision record not written", extra={"kept": len(self._pending)})
            return
        self._since_trim += len(self._pending)
        self._pending.clear()
        if self._since_trim >= TRIM_AFTER:
            self._since_trim = 0
            self._journal.trim()

    def close(self) -> None:
        """Write the rest and close."""
        self.write()
        self._journal.close()

    def _keep_open(self) -> None:
        try:
            self._journal.keep_twin(json.dumps(sorted(self._open)).encode())
        except StorageFullError:
            log.error("open alarms not kept")

    def _inherited(self) -> set[tuple[str, str]]:
        kept = self._journal.twin()
        try:
            return {(str(source), str(kind)) for source, kind in json.loads(kept)} if kept else set()
        except (ValueError, TypeError):
            log.error("open alarms unreadable, forgotten")
            return set()


def _routine(record: Record) -> bool:
    """Return whether a record need not cost a flush to disk of its own: starts and stops can be seen otherwise."""
    return isinstance(record, FleetEvent) and record.kind in {"started", "stopped", "removed"}
