"""A leaf's alarms: which conditions stand now, told in its own journal when one begins and when it ends."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from lics_actors.errors import StorageFullError
from lics_actors.journal.file import JournalError
from lics_actors.journal.writer import Journal
from lics_actors.store.records import AlarmCleared, AlarmRaised, Record

log = logging.getLogger(__name__)

USUAL = "high"  # the priority of a kind that has none of its own
AGAIN_S = 60.0  # how often the sentence of an alarm that stands is brought up to date


class AlarmJournal:
    """Used by one thread. What stands is kept in the journal too, so that a new incarnation ends what an old one began."""

    def __init__(self, path: Path, source: str = "recorder", priorities: Mapping[str, str] = MappingProxyType({})) -> None:
        self._source, self._priorities = source, priorities
        self._journal = Journal(path)
        now = time.monotonic()  # of what stands: the sentence, and when it was journalled or found
        self._standing = {kind: (text, now) for kind, text in _sentences(self._journal.twin()).items()}

    @property
    def standing(self) -> frozenset[str]:
        """Return the kinds of alarm that have been told and not ended."""
        return frozenset(self._standing)

    def tell(self, conditions: Mapping[str, str]) -> None:
        """Journal what changed: `conditions` maps the kind of each condition that stands now to a sentence about it.

        A sentence that changes is told again after a while. A full disk is logged, and the same told again next time.
        """
        now = datetime.now(UTC)
        begun = [kind for kind in conditions if kind not in self._standing]
        ended = [kind for kind in self._standing if kind not in conditions]
        anew = [kind for kind in self._standing if kind in conditions and self._outdated(kind, conditions[kind])]
        if not begun and not ended and not anew:
            return
        records: list[Record] = [
            AlarmRaised(now, self._source, kind, conditions[kind], self._priorities.get(kind, USUAL)) for kind in (*begun, *anew)
        ]
        records += [AlarmCleared(now, self._source, kind) for kind in ended]
        told_at = time.monotonic()
        standing = {kind: told for kind, told in self._standing.items() if kind in conditions}
        standing |= {kind: (conditions[kind], told_at) for kind in (*begun, *anew)}
        try:
            self._journal.append(records)
            self._journal.keep_twin(json.dumps({kind: text for kind, (text, _) in standing.items()}).encode())
        except (StorageFullError, JournalError) as error:
            log.error("alarms cannot be journalled", extra={"begun": begun, "ended": ended, "reason": error.message})
            return
        self._standing = standing
        for kind in begun:
            log.error("alarm raised", extra={"kind": kind, "detail": conditions[kind]})
        for kind in ended:
            log.info("alarm cleared", extra={"kind": kind})

    def _outdated(self, kind: str, text: str) -> bool:
        said, at = self._standing[kind]
        return said != text and time.monotonic() - at >= AGAIN_S

    def trim(self) -> None:
        """Drop what has been shipped."""
        try:
            self._journal.trim()
        except (StorageFullError, JournalError) as error:
            log.warning("the journal of alarms cannot be trimmed", extra={"reason": error.message})

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def _sentences(data: bytes | None) -> dict[str, str]:
    try:
        kept = json.loads(data or b"{}")
    except ValueError:
        return {}
    if isinstance(kept, list):  # as written before sentences were kept
        kept = dict.fromkeys((kind for kind in kept if isinstance(kind, str)), "")
    return {str(kind): str(text) for kind, text in kept.items()} if isinstance(kept, dict) else {}
