"""Running Postgres where we are root: it refuses to, so it becomes an ordinary user who can reach its files.

No user is created. Folders on the way that bar that user (a home of mode 0700) get search permission for their own group,
and the process joins that group: nothing is opened to others.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from lics_actors.services.server import RunAs

logger = logging.getLogger(__name__)
CANDIDATES = ("lics", "postgres", "nobody")


def _account(owner: int | None) -> pwd.struct_passwd:
    if owner:  # the cluster already belongs to someone
        return pwd.getpwuid(owner)
    for name in CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)


def _ancestors(path: Path) -> Iterator[Path]:
    resolved = path.resolve()
    yield from reversed([resolved, *resolved.parents])


def _barring(folder: Path, uid: int) -> os.stat_result | None:
    status = folder.stat()
    mode = status.st_mode
    if not stat.S_ISDIR(mode) or mode & stat.S_IXOTH or (status.st_uid == uid and mode & stat.S_IXUSR):
        return None
    return status


def ordinary_user(owner: int | None, reach: Iterable[Path]) -> RunAs | None:
    """Return whom to run as so that all of `reach` can be reached; None where we are not root.

    `owner` is the uid that owns the data already, if any.
    """
    if os.geteuid() != 0:
        return None
    account = _account(owner)
    gids = {account.pw_gid}
    for folder in {folder for path in reach for folder in _ancestors(path)}:
        status = _barring(folder, account.pw_uid)
        if status is None:
            continue
        gids.add(status.st_gid)
        if not status.st_mode & stat.S_IXGRP:
            logger.warning("search permission given to group", extra={"folder": str(folder), "gid": status.st_gid})
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXGRP)
    return RunAs(account.pw_uid, (account.pw_gid, *sorted(gids - {account.pw_gid})))


def hand_over(folder: Path, run_as: RunAs | None) -> None:
    """Give a folder to the user who will work in it, mode 0700."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if run_as is not None:
        os.chown(folder, run_as.uid, run_as.gids[0])


def open_tree(folder: Path, run_as: RunAs | None) -> None:
    """Let `run_as` read a program's folder that was installed under a umask of 077, by its group."""
    if run_as is None or not folder.exists() or folder.stat().st_mode & stat.S_IROTH:
        return
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        searchable = stat.S_IXGRP if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IRGRP | searchable)
