"""What an actor lately said in the fleet's log, found by the processes it has had."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from config.settings import Settings
from lics_actors.runtime.process import recorded

LOG: Final = "fleet.log"  # where `lics up` keeps what the fleet says, with one older file beside it
PIDS: Final = "fleet.pids"
LOOKED_AT_BYTES: Final = 8 << 20  # of each file, from its end
POLL_S: Final = 0.3
ROOT: Final = "fleet"


def recent_lines(settings: Settings, node: str, limit: int) -> list[str] | None:
    """Return the last lines of a node, oldest first; None where nobody keeps the fleet's log in this data directory.

    A line is a node's if one of its processes since the fleet began wrote it, or if it names the node. The root's are all.
    """
    path = settings.log_dir / LOG
    if not path.exists():
        return None
    is_its = _chooser(settings, node)
    found: deque[str] = deque(maxlen=limit)
    for file in (path.with_suffix(".log.1"), path):
        found.extend(line for line in _tail(file) if is_its(line))
    return list(found)


def new_lines(settings: Settings, node: str) -> Iterator[str]:
    """Yield a node's lines as they are written, for ever; a log that is begun anew is followed again."""
    path = settings.log_dir / LOG
    position, rest = path.stat().st_size if path.exists() else 0, ""
    while True:
        text, position = _since(path, position)
        if not text:
            time.sleep(POLL_S)
            continue
        *lines, rest = (rest + text).split("\n")
        is_its = _chooser(settings, node)  # it may have a new process by now
        yield from (line for line in lines if is_its(line))


def _chooser(settings: Settings, node: str) -> Callable[[str], bool]:
    if node == ROOT:
        return bool
    pids = {process.pid for process in recorded(settings.run_dir / PIDS) if process.role == node}
    marks = [f'"{node}"', f"={node}", *(f'"pid": {pid}{end}' for pid in pids for end in ",}")]
    return lambda line: any(mark in line for mark in marks)


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            beginning = max(0, file.tell() - LOOKED_AT_BYTES)
            file.seek(beginning)
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[1:] if beginning else lines


def _since(path: Path, position: int) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(position if position <= size else 0)
            data = file.read()
            return data.decode(errors="replace"), file.tell()
    except FileNotFoundError:
        return "", 0
