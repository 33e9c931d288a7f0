"""Run as a script before a server: become its user, bind its life to ours, then become the server.

A script of its own and not a `preexec_fn`: nothing of a running interpreter (threads, locks) is forked along. Stdlib only,
started with `python -I -S`: argv is `signal parent_pid uid gids command…`, `-` for "as we are".
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _become(uid: str, gids: str) -> None:
    if uid == "-":
        return
    groups = [int(gid) for gid in gids.split(",")]
    os.setgroups(groups)
    os.setgid(groups[0])
    os.setuid(int(uid))


def _die_with(parent: int, signal_number: int) -> None:
    if sys.platform == "linux":
        # After the change of user: the kernel clears the setting when credentials change (prctl(2)).
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it died in between
        raise SystemExit(1)


if __name__ == "__main__":
    death_signal, parent_pid, user_id, group_ids, *command = sys.argv[1:]
    _become(user_id, group_ids)
    _die_with(int(parent_pid), int(death_signal))
    os.execv(command[0], command)  # noqa: S606 - the command is our own
