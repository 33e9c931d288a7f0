"""What `reduce` ordered, on its way: journaled first, performed then, and waiting where the disk takes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lics_actors.device.events import Effect, Keep, PublishCommand, RenewLease, SetTimer
from lics_actors.errors import StorageFullError
from lics_actors.journal import Journal
from lics_actors.store.records import CommandAccepted, CommandMoved, InterlockReset, InterlockTripped, Record

MAX_HELD = 1000  # records; commands are few, as none is accepted meanwhile: the rest is observations

AT_ONCE = (SetTimer, RenewLease)

log = logging.getLogger(__name__)


class Outbox:
    """Performs effects in their order, each batch behind one append; `perform` does all but journaling.

    Where the disk is full, effects wait and nothing is answered or published but what makes safe; timers and leases still run.
    """

    def __init__(self, journal: Journal, perform: Callable[[Effect], None]) -> None:
        self._journal, self._perform = journal, perform
        self._held: list[Effect] = []
        self.dropped = 0

    @property
    def blocked(self) -> bool:
        """Return whether effects wait for the disk."""
        return bool(self._held)

    def send(self, effects: list[Effect]) -> None:
        """Perform effects, or hold them until the disk takes their records again."""
        for effect in effects:
            if isinstance(effect, AT_ONCE):
                self._perform(effect)
        was_blocked = self.blocked
        self._held += [effect for effect in effects if not isinstance(effect, AT_ONCE)]
        try:
            self.flush()
        except StorageFullError as error:
            self._make_safe()
            self._bound()
            if not was_blocked:
                log.error(
                    "journal takes nothing, commands wait", extra={"path": str(self._journal.path), "reason": error.message}
                )

    def keep(self, effects: list[Effect]) -> None:
        """Journal what is to be kept of `effects`, behind everything that was held; `perform` then does the rest.

        Raises:
            StorageFullError: nothing of it was kept.
        """
        self.flush()
        self._append(effects)

    def perform(self, effects: list[Effect]) -> None:
        """Do what is kept: first what a device or a caller waits for, then what is only to be told of."""
        for effect in effects:
            if not isinstance(effect, Keep):
                self._perform(effect)
        for effect in effects:
            if isinstance(effect, Keep):
                self._perform(effect)

    def flush(self) -> None:
        """Perform what was held.

        Raises:
            StorageFullError: still not.
        """
        if self._held:
            self._append(self._held)
            held, self._held = self._held, []
            self.perform(held)

    def _append(self, effects: list[Effect]) -> None:
        keeps = [effect for effect in effects if isinstance(effect, Keep)]
        self._journal.append([keep.record for keep in keeps], durable=any(keep.durable for keep in keeps))

    def _make_safe(self) -> None:
        """Say what makes safe, journaled or not: that it happened unrecorded is the smaller harm."""
        safe = [effect for effect in self._held if isinstance(effect, PublishCommand) and effect.safe]
        self._held = [effect for effect in self._held if effect not in safe]
        self.perform(list[Effect](safe))

    def _bound(self) -> None:
        """Forget observations, oldest first, never what happened to a command or tripped."""
        surplus = len(self._held) - MAX_HELD
        if surplus <= 0:
            return
        kept: list[Effect] = []
        for effect in self._held:
            if surplus > 0 and isinstance(effect, Keep) and not _of_consequence(effect.record):
                surplus -= 1
                self.dropped += 1
            else:
                kept.append(effect)
        self._held = kept


def _of_consequence(record: Record) -> bool:
    return isinstance(record, CommandAccepted | CommandMoved | InterlockTripped | InterlockReset)
