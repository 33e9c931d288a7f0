"""The simulated devices' memory that survives a power cut: boots, and each command taken with what became of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from drivers.native.simulator.rules import Entry
from drivers.protocol import AckState

_TABLES = """
CREATE TABLE IF NOT EXISTS device (device_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, ledger_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS command (
    device_id TEXT NOT NULL, command_id TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    result TEXT, error TEXT, ledger_seq INTEGER NOT NULL, PRIMARY KEY (device_id, command_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS execution (device_id TEXT NOT NULL, command_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS execution_of ON execution (device_id, command_id);
"""


class Ledger:
    """One SQLite file for all devices of a simulator.

    Table `execution` gets a row each time something is set in motion, whatever table `command` says: so it can prove that
    nothing ran twice. WAL with `synchronous=NORMAL` survives the death of the process, which is all a simulated power cut is.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def boot(self, device_id: UUID) -> int:
        """Return the epoch of a new boot. What was executing when the power went has failed as `interrupted`."""
        key = str(device_id)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO device VALUES (?, 1, 0) ON CONFLICT (device_id) DO UPDATE SET epoch = epoch + 1", (key,)
            )
            self._db.execute(
                "UPDATE command SET state = 'failed', error = 'interrupted' WHERE device_id = ? AND state = 'executing'", (key,)
            )
        return int(self._db.execute("SELECT epoch FROM device WHERE device_id = ?", (key,)).fetchone()[0])

    def entry(self, device_id: UUID, command_id: UUID) -> Entry | None:
        """Return what is known of a command, or None."""
        row = self._db.execute(
            "SELECT state, result, error, ledger_seq FROM command WHERE device_id = ? AND command_id = ?",
            (str(device_id), str(command_id)),
        ).fetchone()
        return None if row is None else Entry(AckState(row[0]), _load(row[1]), row[2], row[3])

    def begin(self, device_id: UUID, command_id: UUID, name: str) -> Entry:
        """Record that a command is being executed, before it is.

        Raises:
            sqlite3.IntegrityError: it was taken before.
        """
        key = str(device_id)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE device SET ledger_seq = ledger_seq + 1 WHERE device_id = ?", (key,))
            self._db.execute(
                "INSERT INTO command SELECT ?, ?, ?, 'executing', NULL, NULL, ledger_seq FROM device WHERE device_id = ?",
                (key, str(command_id), name, key),
            )
        taken = self.entry(device_id, command_id)
        assert taken is not None
        return taken

    def refuse(self, device_id: UUID, command_id: UUID, name: str, reason: str) -> None:
        """Record that a command was refused at its turn, so that a copy of it is, too.

        Raises:
            sqlite3.IntegrityError: it was taken before.
        """
        self._db.execute(
            "INSERT INTO command VALUES (?, ?, ?, ?, NULL, ?, 0)",
            (str(device_id), str(command_id), name, AckState.REJECTED.value, reason),
        )

    def count_execution(self, device_id: UUID, command_id: UUID) -> None:
        """Record that something was set in motion."""
        self._db.execute("INSERT INTO execution VALUES (?, ?)", (str(device_id), str(command_id)))

    def end(self, device_id: UUID, command_id: UUID, result: Any, error: str | None) -> Entry:
        """Record what became of a command."""
        state = AckState.SUCCEEDED if error is None else AckState.FAILED
        self._db.execute(
            "UPDATE command SET state = ?, result = ?, error = ? WHERE device_id = ? AND command_id = ?",
            (state.value, msgspec.json.encode(result).decode(), error, str(device_id), str(command_id)),
        )
        ended = self.entry(device_id, command_id)
        assert ended is not None
        return ended

    def executions(self, device_id: UUID, command_id: UUID) -> int:
        """Return how often a command set something in motion: 0 or 1, or there is a fault."""
        row = self._db.execute(
            "SELECT count(*) FROM execution WHERE device_id = ? AND command_id = ?", (str(device_id), str(command_id))
        ).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _load(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
