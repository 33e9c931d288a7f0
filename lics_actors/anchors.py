"""The anchor of the audit: the last place of its chain that this host has seen, kept outside the database.

Rows that end before it were cut off, and a chain that leads to another digest was made anew. Whoever may write the data
directory and the table can change both: what `lics audit anchor` prints may be kept further away.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lics_actors.errors import StorageFullError
from lics_actors.store.audit_chain import Link

FILE: Final = "audit.anchor"


def anchor_path(data_dir: Path) -> Path:
    """Return where the anchor is."""
    return data_dir / FILE


def read_anchor(path: Path) -> Link | None:
    """Return the anchor, None where there is none.

    Raises:
        ValueError: what is there is none, so somebody or the disk has spoiled it.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        kept = json.loads(text)
        return Link(int(kept["n"]), bytes.fromhex(kept["digest"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no anchor: {error}") from None


def write_anchor(path: Path, link: Link) -> None:
    """Keep a later place; a power loss leaves the earlier one, or this.

    Raises:
        StorageFullError
    """
    kept = {"n": link.n, "digest": link.digest.hex(), "time": datetime.now(UTC).isoformat()}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StorageFullError(f"the audit's anchor cannot be kept: {error}", path=str(path)) from error


def parse_anchor(text: str) -> Link:
    """Return the place that `n:digest` names, as `lics audit anchor` prints it.

    Raises:
        ValueError: it names none.
    """
    n, _, digest = text.strip().partition(":")
    link = Link(int(n), bytes.fromhex(digest))
    if link.n < 1 or len(link.digest) != 32:
        raise ValueError("an anchor is a row's number, a colon and 64 hexadecimal digits")
    return link


def anchor_text(link: Link) -> str:
    """Return a place as people keep it."""
    return f"{link.n}:{link.digest.hex()}"
