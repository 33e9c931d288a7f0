"""How slow this machine is just now: promises in seconds are made for another one, which has nothing else to do."""

from __future__ import annotations

import subprocess
import sys
import time

PROCESSES = 8  # two for each core of the machine that the promises are made for
WORK = "sum(n * n for n in range(3_000_000))"
REFERENCE_S = 0.45  # there: 0.16 s of a core each, two after another, and their starts


def slowness() -> float:
    """Return how many times longer some processes take here than on the machine that the promises are for; 1 where it is less."""
    began = time.perf_counter()
    at_work = [subprocess.Popen([sys.executable, "-I", "-S", "-c", WORK]) for _ in range(PROCESSES)]
    for each in at_work:
        assert each.wait() == 0
    return max(1.0, (time.perf_counter() - began) / REFERENCE_S)
