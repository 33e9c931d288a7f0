"""The end of a recorder that is no longer configured: it brings home what the broker and its spool still hold, then is gone."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path

from lics_actors.recorder.brokerwatch import FILE as BROKER_FILE
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.disk import Disk
from lics_actors.recorder.intake import Intake
from lics_actors.recorder.session import SESSION_FILE, Session
from lics_actors.recorder.shipper import Shipper
from lics_actors.recorder.spool import FILE as SPOOL_FILE
from lics_actors.recorder.tally import Tally

log = logging.getLogger(__name__)

QUIET_S = 2.0  # a broker sends what it holds as soon as it may; this long nothing, and an answer after it, and it holds nothing
LOOK_S = 0.2
OURS = (SESSION_FILE, BROKER_FILE, "spool.lock", *(SPOOL_FILE + suffix for suffix in ("", "-wal", "-shm")))


async def brought_home(
    session: Session, intake: Intake, tally: Tally, *, shipper: Shipper, disk: Disk, letters: DeadLetters
) -> None:
    """Return once nothing is left: the session subscribes to nothing and is drained, the spool is shipped, and nothing in the
    folder waits for a person."""
    while not (session.empty and await _drained(session, intake, tally)):  # noqa: ASYNC110 - looked at from outside
        await asyncio.sleep(LOOK_S)
    log.info("the broker holds nothing for this recorder any more", extra={"received": tally.received})
    while shipper.waiting or letters.any() or disk.damaged():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)


async def _drained(session: Session, intake: Intake, tally: Tally) -> bool:
    """Return whether nothing came for a while though everything was acknowledged.

    The broker takes in what it is sent in order, and answers an acknowledgement with the next message: when it has answered
    something sent later than the last acknowledgement and no message came before that answer, its queue is empty.
    """
    received = tally.received
    await asyncio.sleep(QUIET_S)
    await intake.drained()
    return await session.round_trip() and session.empty and tally.received == received


def remove_folder(folder: Path) -> None:
    """Remove what a recorder keeps in its folder; what is not its own stays, and the folder with it."""
    for name in OURS:
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
        return
    log.warning("the folder of a retired recorder is not empty", extra={"folder": folder.name})
    shutil.move(folder, folder.with_name(f"{folder.name}.retired"))
