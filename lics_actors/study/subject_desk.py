"""What people do about subjects: audited, with a history. Web and command line share it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import PreconditionFailedError
from lics_actors.operators import ReasonMissingError
from lics_actors.store.repository import Repository
from lics_actors.store.subjects import NewSubject, Subject, Weight, facts
from lics_actors.study.subject_documents import check_subject, needs_reason


class SubjectDesk:
    """Keeps subjects and what they weigh."""

    def __init__(self, repository: Repository, audit: AuditLog) -> None:
        self._repository, self._audit = repository, audit

    async def create(self, asker: Asker, new: NewSubject, reason: str | None = None) -> Subject:
        """Keep a subject.

        Raises:
            InvalidError: it makes no sense; ConflictError: its name, tag or id is in use.
            DatabaseUnavailableError
        """
        async with self._audit.act(asker, "subject.create", f"subject:{new.subject_id or new.name}", reason) as found:
            check_subject(new.birth_date, datetime.now(UTC).date())
            subject = await self._repository.create_subject(new, reason)
            found.after = facts(subject)
        return subject

    async def change(
        self,
        asker: Asker,
        subject: Subject,
        changes: Mapping[str, Any],
        expected_version: int | None,
        reason: str | None,
    ) -> Subject:
        """Change some of a subject as it was read.

        Raises:
            ReasonMissingError: daily amounts, status or tag change, and nobody said why.
            InvalidError, ConflictError, PreconditionFailedError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "subject.change", f"subject:{subject.id}", reason) as found:
            found.before = facts(subject)
            if expected_version not in (None, subject.version):
                raise PreconditionFailedError(f"{subject.name} was changed by {subject.updated_by} in between; look at it again")
            other = {name for name, value in changes.items() if getattr(subject, name) != value}
            if lacking := needs_reason(other, reason):
                message = f"say why: {', '.join(sorted(lacking))}"
                raise ReasonMissingError("this change needs a reason", ({"field": "reason", "message": message},))
            check_subject(changes.get("birth_date"), datetime.now(UTC).date())
            after = await self._repository.update_subject(subject, changes, principal=asker.principal, reason=reason)
            found.after = facts(after)
        return after

    async def weigh(self, asker: Asker, subject: Subject, weight: Weight) -> Weight:
        """Note what a subject weighed.

        Raises:
            ConflictError: the id is that of another weight; DatabaseUnavailableError
        """
        async with self._audit.act(asker, "subject.weigh", f"subject:{subject.id}", None) as found:
            kept = await self._repository.weigh(subject, weight)
            found.after = {"weight_g": kept.weight_g, "time": kept.time.isoformat(), "note": kept.note}
        return kept
