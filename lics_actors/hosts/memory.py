"""What a host knows of itself without the database, for a start while that is away."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

FILE = "host.json"


@dataclass(frozen=True, slots=True)
class Memory:
    """`instance`: this data directory's; `fenced`: it was one of several when last heard of; `held`: its duties if not."""

    instance: UUID
    fenced: bool = True
    held: frozenset[str] = frozenset()


def read_memory(path: Path) -> Memory:
    """Return what is known; of a host that never joined, that it may do nothing by itself."""
    try:
        said = json.loads(path.read_text())
        return Memory(UUID(said["instance"]), bool(said["fenced"]), frozenset(map(str, said["held"])))
    except (OSError, ValueError, KeyError, TypeError):
        fresh = Memory(uuid4())
        write_memory(path, fresh)
        return fresh


def write_memory(path: Path, memory: Memory) -> None:
    """Keep it, durably: whoever starts without a database trusts it.

    Raises:
        OSError: it could not be written; the old one stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with fresh.open("w") as file:
        json.dump({"instance": str(memory.instance), "fenced": memory.fenced, "held": sorted(memory.held)}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
