"""The launcher becomes the program that is on disk now: under the same pid, so that whoever keeps it alive notices nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Final, NoReturn

CHECK_S: Final = 60.0  # the imports take 1.5 s; this is for a machine in trouble
# what a start needs before it ends anything: that all of it can be imported, and that the settings make sense
CHECK: Final = """
import importlib
from config.settings import load_settings
from lics_actors import system
for module in system.PRELOAD:
    importlib.import_module(module)
system.fleet_spec(load_settings())
print("sound")
"""

log = logging.getLogger(__name__)


def obstacle() -> str | None:
    """Return why the program on disk would not start, None where nothing is in its way."""
    try:
        tried = subprocess.run(
            [sys.executable, "-c", CHECK], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CHECK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it could not be tried: {error}"
    if tried.stdout.strip() == "sound":  # an exit code may be lost to whoever else waits for children of this process
        return None
    said = tried.stderr.strip().splitlines()
    return f"the program on disk does not start: {said[-1] if said else 'nobody knows why'}"


def become_anew() -> NoReturn:
    """Replace this process by the same command from the program on disk. Nothing of the old fleet may run any more."""
    log.info("starting anew from the program on disk", extra={"command": sys.orig_argv})
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - our own command, again
