"""What people decide of planned sessions; audited. The scheduler hears of it from the table. Web and command line share it."""

from __future__ import annotations

from lics_actors.audit import Asker, AuditLog
from lics_actors.operators import ReasonMissingError
from lics_actors.store.repository import Repository
from lics_actors.store.slots import SlotRow, Wish


class ScheduleDesk:
    """Takes what people want of sessions."""

    def __init__(self, repository: Repository, audit: AuditLog) -> None:
        self._repository, self._audit = repository, audit

    async def wish(self, asker: Asker, slot: SlotRow, wish: Wish, reason: str) -> SlotRow:
        """Have a session begun now, also outside its window, or left out. Its checks are made all the same.

        Raises:
            ReasonMissingError. SlotDecidedError: there is nothing to decide of it any more. DatabaseUnavailableError
        """
        async with self._audit.act(asker, f"schedule.{wish}", f"experiment:{slot.experiment_id}", reason or None) as found:
            if not reason.strip():
                raise ReasonMissingError(f"to {wish} a session needs a reason", ({"field": "reason", "message": "say why"},))
            found.before = {"slot_id": str(slot.id), "subject_id": str(slot.subject_id), "status": slot.status}
            wished = await self._repository.wish_slot(slot.id, wish, asker.principal, reason)
            found.after = {"slot_id": str(slot.id), "wish": wish}
        return wished
