"""A word beside a device's journal, from before its actor begins: it had tripped elsewhere, so this journal does not know all.

Where several hosts share a laboratory, what has tripped is latched in the journal of the host that served the device. Whoever
takes the device over is told by the table, and doubts: everything that could have tripped counts as tripped until a person has
seen to it.
"""

from __future__ import annotations

import os
from pathlib import Path

SUFFIX = ".doubt"


def doubt(journal: Path) -> None:
    """Have the next actor of this journal doubt it, also after a power loss.

    Raises:
        OSError: it could not be written.
    """
    journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _beside(journal).open("w") as file:
        os.fsync(file.fileno())
    folder = os.open(journal.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def doubted(journal: Path) -> bool:
    """Return whether a journal is doubted."""
    return _beside(journal).exists()


def believe(journal: Path) -> None:
    """End it: what was doubted is latched by now."""
    _beside(journal).unlink(missing_ok=True)


def _beside(journal: Path) -> Path:
    return journal.with_name(journal.name + SUFFIX)
