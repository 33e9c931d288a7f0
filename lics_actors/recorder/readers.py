"""Open journals, a bounded number of them: each costs a recorder three file descriptors and some 0.2 MiB."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lics_actors.journal import JournalReader


class Readers:
    """At most `most`: the one used longest ago is closed for another. May be used from any thread, by one at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Path, JournalReader] = {}  # the one used longest ago is first

    def __len__(self) -> int:
        return len(self._open)

    def open(self, path: Path) -> JournalReader:
        """Return a journal's reader.

        Raises:
            JournalCorruptError: it cannot be read, or is gone.
        """
        reader = self._open.pop(path, None) or JournalReader(path)
        self._open[path] = reader
        if len(self._open) > self._most:
            self.forget(next(iter(self._open)))
        return reader

    def forget(self, path: Path) -> None:
        """Close a journal, if it is open."""
        reader = self._open.pop(path, None)
        if reader is not None:
            reader.close()

    def keep(self, paths: Collection[Path]) -> None:
        """Close all but these: a file that was deleted keeps its space on disk while it is open."""
        wanted = set(paths)
        for path in list(self._open):  # a copy: of a task that was cancelled a thread may still be opening one
            if path not in wanted:
                self.forget(path)

    def close(self) -> None:
        """Close all."""
        self.keep(())
