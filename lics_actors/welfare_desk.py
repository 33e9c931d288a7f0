"""What people do about what subjects are given and how pumps are calibrated: audited. Web and command line share it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from config.settings import Settings
from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import InvalidError
from lics_actors.operators import ReasonMissingError
from lics_actors.store.repository import Repository
from lics_actors.store.subject_days import SubjectDay
from lics_actors.store.subjects import Subject
from lics_actors.welfare.calibration import Calibration, Point, fitted
from lics_actors.welfare.days import LaboratoryDay, day_of, day_on
from lics_actors.welfare.messages import Entry, Limits, Override
from lics_actors.welfare_hand import Hand
from lics_actors.welfare_rounds import RunSteering

MAX_OVERRIDE: Final = timedelta(days=7)  # what is needed for longer is another limit, with its reason in the subject's history
MAX_VALID: Final = timedelta(days=366)


class WelfareDesk:
    """Keeps what hands give, overrides of limits, rules of sessions, and calibrations."""

    def __init__(self, repository: Repository, audit: AuditLog, settings: Settings, fleet: RunSteering) -> None:
        self._repository, self._audit = repository, audit
        self._hand = Hand(repository, fleet, settings)
        self._zone, self._starts = settings.zone(), settings.day_starts

    def day(self, named: date | None = None) -> LaboratoryDay:
        """Return a day of the laboratory; None: the present one."""
        if named is None:
            return day_of(datetime.now(UTC), self._zone, self._starts)
        return day_on(named, self._zone, self._starts)

    async def state(self, subject: Subject, named: date | None = None) -> SubjectDay:
        """Return what is known of a subject's day.

        Raises:
            DatabaseUnavailableError
        """
        return await self._repository.subject_day(subject.id, self.day(named))

    async def give(self, asker: Asker, subject: Subject, entry: Entry, *, ask: bool = False) -> Entry:
        """Note what a hand gave: a fact, also where it is more than it should be; that is an alarm then. `ask`: it is not given
        yet, and is to be given only if this says so: then no run can make it too much any more.

        Raises:
            InvalidError: it was given in the future; ConflictError: the id is that of something else.
            SubjectLimitError: not to be given. FleetUnavailableError: a run could not be asked, so not to be given.
            DatabaseUnavailableError
        """
        async with self._audit.act(asker, "welfare.give", f"subject:{subject.id}", entry.note or None) as found:
            if entry.at > datetime.now(UTC) + timedelta(minutes=1):
                raise InvalidError("nothing was given yet", ({"field": "time", "message": "is in the future"},))
            kept = await (self._hand.asked if ask else self._hand.noted)(subject.laboratory_id, entry)
            found.after = {"substance": kept.substance, "amount": kept.amount, "asked": ask, "time": kept.at.isoformat()}
        return kept

    async def rule_sessions(
        self, asker: Asker, subject: Subject, session_s: float | None, between_s: float | None, reason: str
    ) -> Limits:
        """Say how long a subject's sessions may last, and what must lie between two.

        Raises:
            ReasonMissingError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "welfare.limits", f"subject:{subject.id}", reason) as found:
            _needs(reason, "another limit needs a reason")
            before = await self._repository.subject_limits(subject.id)
            who = asker.principal
            await self._repository.rule_sessions(subject.laboratory_id, subject.id, session_s, between_s, who)
            found.before = {"session_s": before.session_s, "between_s": before.between_s}
            found.after = {"session_s": session_s, "between_s": between_s}
        return await self._repository.subject_limits(subject.id)

    async def override(self, asker: Asker, subject: Subject, override: Override) -> Override:
        """Let a limit have another value for a while.

        Raises:
            ReasonMissingError; InvalidError: it is over before it begins, or lasts too long.
            DatabaseUnavailableError
        """
        async with self._audit.act(asker, "welfare.override", f"subject:{subject.id}", override.reason) as found:
            _needs(override.reason, "an override needs a reason")
            if not timedelta() < override.until - override.begin <= MAX_OVERRIDE:
                message = f"between now and {MAX_OVERRIDE.days} days from now"
                raise InvalidError("an override ends by itself", ({"field": "until", "message": message},))
            await self._repository.override_limit(subject.laboratory_id, override)
            until = override.until.isoformat()
            found.after = {"id": str(override.id), "limit": override.limit, "value": override.value, "until": until}
        return override

    async def end_override(self, asker: Asker, subject: Subject, override_id: UUID) -> Override:
        """End an override now.

        Raises:
            OverrideNotFoundError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "welfare.override.end", f"subject:{subject.id}", None) as found:
            ended = await self._repository.end_override(subject.id, override_id, datetime.now(UTC), asker.principal)
            found.after = {"id": str(ended.id), "limit": ended.limit, "until": ended.until.isoformat()}
        return ended

    async def calibrate(
        self,
        asker: Asker,
        device_id: UUID,
        points: Sequence[Point],
        valid: timedelta,
        *,
        note: str = "",
        calibration_id: UUID | None = None,
    ) -> Calibration:
        """Keep a device's next calibration, good from now on.

        Raises:
            InvalidError: the points are no line, or it would be good for too long.
            ConflictError, DeviceNotFoundError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "device.calibrate", f"device:{device_id}", note or None) as found:
            fitted(points)
            if not timedelta() < valid <= MAX_VALID:
                raise InvalidError("no calibration lasts so long", ({"field": "valid_days", "message": "above 0, 366 at most"},))
            await self._repository.get_device(device_id)
            now = datetime.now(UTC)
            kept = await self._repository.add_calibration(
                calibration_id or uuid4(),
                device_id,
                points=points,
                made_at=now,
                valid_until=now + valid,
                principal=asker.principal,
                note=note,
            )
            curve, until = kept.fit.curve, kept.valid_until.isoformat()
            found.after = {"version": kept.version, "slope": curve.slope, "offset": curve.offset, "valid_until": until}
        return kept


def _needs(reason: str, message: str) -> None:
    if not reason.strip():
        raise ReasonMissingError(message, ({"field": "reason", "message": "say why"},))
