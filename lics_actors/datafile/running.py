"""Starts the exporting process and hears what came of it: limits, none of our secrets, its death with ours."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from lics_actors.datafile.exporting import NotWritten, Outcome, Task

HOME: Final = Path(__file__).resolve().parents[2]
CHILD: Final = HOME / "lics_actors" / "services" / "child.py"

log = logging.getLogger(__name__)
_outcomes: Final[msgspec.json.Decoder[Outcome]] = msgspec.json.Decoder(Outcome)


async def run(task: Task) -> Outcome:
    """Have a file written by a process of its own, which is killed where the caller is cancelled."""
    words = [sys.executable, "-P", "-m", "lics_actors.datafile.exporting"]
    dying = [sys.executable, "-I", "-S", str(CHILD), str(int(signal.SIGKILL)), str(os.getpid()), "-", "-"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *dying, *words, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(), start_new_session=True
    )
    try:
        said, complained = await process.communicate(msgspec.json.encode(task))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return _outcomes.decode(said)
    log.error(
        "an exporting process died", extra={"code": process.returncode, "said": complained.decode(errors="replace")[-2000:]}
    )
    if process.returncode == -signal.SIGALRM:
        return NotWritten("TOO_SLOW", f"it took longer than {task.limit_s} s; raise LICS_EXPORT_S")
    return NotWritten("EXPORT_FAILED", f"the process that makes it ended with {process.returncode}; the log says why")


def _environment() -> Mapping[str, str]:
    """Return what the process needs, and none of our secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
    paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # numpy would start a thread, and take memory, for each core
    return {**kept, **one, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
