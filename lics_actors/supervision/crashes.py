"""How children died: the last reports of each, on disk, for whoever asks afterwards."""

from __future__ import annotations

import logging
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

from lics_actors.runtime.lastwords import LastWords, read_last_words
from lics_actors.store.records import CrashReport
from lics_actors.supervision.incarnation import Incarnation

KEPT = 5  # reports a node
CRASHES = "crashes"  # folder in the data directory

log = logging.getLogger(__name__)


class Crashes:
    """The files of one host. A node has one supervisor at a time, so no file has two writers."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / CRASHES

    def last_words(self, node: str) -> Path:
        """Return where a node's process writes what it says."""
        return self._folder / f"{quote(node, safe='')}.words"

    def read(self, node: str) -> tuple[CrashReport, ...]:
        """Return how a node died lately, newest first."""
        try:
            return msgspec.json.decode(self._path(node).read_bytes(), type=tuple[CrashReport, ...])
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError) as error:
            log.error("crash reports unreadable, forgotten", extra={"node": node, "reason": str(error)})
            return ()

    def report(self, known: Incarnation, reason: str, lived_s: float) -> CrashReport:
        """Return how this incarnation died, from what is left of it, and keep it. Not fsynced: it can be lost with the power."""
        report = _report(known, reason, lived_s, read_last_words(self.last_words(known.name)))
        path = self._path(known.name)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode((report, *self.read(known.name))[:KEPT]))
            fresh.replace(path)
        except OSError as error:
            log.error("crash report not kept", extra={"node": known.name, "reason": str(error)})
        return report

    def forget(self, node: str) -> None:
        """Remove all that is kept of a node that will never be again."""
        for path in (self.last_words(node), self._path(node)):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.error("crash reports not removed", extra={"node": node, "reason": str(error)})

    def _path(self, node: str) -> Path:
        return self._folder / f"{quote(node, safe='')}.json"


def _report(known: Incarnation, reason: str, lived_s: float, words: LastWords) -> CrashReport:
    code = known.exit_code
    thrown = next((said.traceback for said in reversed(words.said) if said.traceback), None)
    return CrashReport(
        node=known.name,
        time=datetime.now(UTC),
        incarnation=known.number,
        reason=reason,
        signal=signal_name(-code) if code is not None and code < 0 else None,
        status=code if code is not None and code >= 0 else None,
        lived_s=round(lived_s, 3),
        memory_mib=round(known.peak_bytes / 2**20, 1) if known.peak_bytes else None,
        traceback=words.stacks or thrown,
        lines=tuple(f"{datetime.fromtimestamp(each.at, UTC).isoformat()} {each.level} {each.text}" for each in words.said),
    )


def signal_name(number: int) -> str:
    """Return a signal's name, or its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
