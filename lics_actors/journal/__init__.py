"""The local journal of an actor: what happened, durable before anything acts on it, and the outbox to the database.

One SQLite file in WAL mode an actor, one writing process a file. Readers (the Recorder) never block the writer.
"""

from lics_actors.journal.file import (
    JournalCorruptError,
    JournalError,
    JournalReplacedError,
    journal_files,
    journal_path,
    shipped_at_ns,
    write_shipped,
)
from lics_actors.journal.reader import JournalReader
from lics_actors.journal.writer import Journal

__all__ = [
    "Journal",
    "JournalCorruptError",
    "JournalError",
    "JournalReader",
    "JournalReplacedError",
    "journal_files",
    "journal_path",
    "shipped_at_ns",
    "write_shipped",
]
