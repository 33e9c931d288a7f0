"""Where goes what no table takes: a file for a person to look at, one JSON object a line."""

from __future__ import annotations

import json
import logging
import os
from base64 import b64encode
from pathlib import Path

from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.disk import DiskThread

log = logging.getLogger(__name__)

FILE = "dead-letters.jsonl"
MAX_BYTES = 64 << 20  # then the file before it goes: a fault that repeats must not fill the disk


class DeadLetters:
    """Append only; the alarm about it stands until a person has moved the file away."""

    def __init__(self, folder: Path, thread: DiskThread) -> None:
        self.path, self._thread = folder / FILE, thread

    async def keep_message(self, arrival: Arrival, reason: str) -> None:
        """Keep a message whole, durably."""
        await self._keep(
            {
                "received": arrival.received.isoformat(),
                "topic": arrival.topic.decode(errors="replace"),
                "payload_base64": b64encode(arrival.payload).decode(),
                "retained": arrival.retained,
                "reason": reason,
            }
        )

    async def keep_entry(self, journal: str, position: int, record: bytes, reason: str) -> None:
        """Keep a journal entry, durably. `record` is what `encode_record` made of it."""
        await self._keep(
            {"journal": journal, "position": position, "record_base64": b64encode(record).decode(), "reason": reason}
        )

    def any(self) -> bool:
        """Return whether there is something to look at."""
        return self.path.exists()

    async def _keep(self, letter: dict[str, object]) -> None:
        try:
            await self._thread.do(self._append, letter)
        except OSError as error:
            log.error("a dead letter is lost", extra={"why": letter["reason"], "reason": str(error)})

    def _append(self, letter: dict[str, object]) -> None:
        if self.path.exists() and self.path.stat().st_size > MAX_BYTES:
            self.path.replace(self.path.with_suffix(".old.jsonl"))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(letter) + "\n")
            file.flush()
            os.fsync(file.fileno())
