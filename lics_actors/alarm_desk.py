"""What people do about alarms: audited, in the table under its lock, and then on every screen. Web and command line share it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import DatabaseUnavailableError
from lics_actors.live.messages import ALARMS, AlarmLive, alarm_live
from lics_actors.store.alarm_states import Acknowledged, Act, Alarm, Shelved
from lics_actors.store.repository import Repository

SHELVES_S: Final = 2.0  # so late an alarm whose shelving is over is told to be back
TOLD: Final = ("state", "acknowledged_by", "comment", "shelved_until", "shelved_by", "shelve_reason")

Publish = Callable[[str, AlarmLive, bool], None]  # LivePublisher.publish

log = logging.getLogger(__name__)


class AlarmDesk:
    """Acts on alarms. `publish`: how screens are told; None: nobody looks on."""

    def __init__(self, repository: Repository, audit: AuditLog, publish: Publish | None) -> None:
        self._repository, self._audit, self._publish = repository, audit, publish

    async def act(self, asker: Asker, alarm_id: int, act: Act, reason: str | None) -> Alarm:
        """Do what a person wants with an alarm; return it as it is then.

        Raises:
            AlarmNotFoundError, ConflictError, InvalidError: it cannot be done.
            DatabaseUnavailableError: nothing is known to be done; ask again.
        """
        async with self._audit.act(asker, f"alarm.{verb(act)}", f"alarm:{alarm_id}", reason) as found:
            before, after = await self._repository.act_on_alarm(alarm_id, act)
            found.before, found.after = facts(before), facts(after)
        if after != before:
            self.tell([after])
        return after

    async def run(self) -> None:
        """Bring back the alarms whose shelving is over, until cancelled. Several may run: each alarm is told by one of them."""
        while True:
            try:
                self.tell(await self._repository.leave_shelves())
            except DatabaseUnavailableError:
                pass  # told by others; lists show the right state meanwhile
            except Exception:
                log.exception("alarms could not be taken off their shelves, to be tried again")
            await asyncio.sleep(SHELVES_S)

    def tell(self, alarms: Sequence[Alarm]) -> None:
        """Have screens show alarms as they are now."""
        for alarm in alarms if self._publish is not None else ():
            assert self._publish is not None
            self._publish(ALARMS, alarm_live(alarm), True)


def verb(act: Act) -> str:
    """Return an act in a word."""
    match act:
        case Acknowledged():
            return "acknowledge"
        case Shelved():
            return "shelve"
        case _:
            return "unshelve"


def facts(alarm: Alarm) -> dict[str, Any]:
    """Return what the audit keeps of an alarm."""
    told = {name: getattr(alarm, name) for name in TOLD}
    kept = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in told.items()}
    return {"source": alarm.source, "kind": alarm.kind, **kept}
