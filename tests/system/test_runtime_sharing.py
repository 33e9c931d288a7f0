"""Memory prepared for forking: children are cheaper, nothing else is different."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PREPARE = "from lics_actors.runtime.sharing import share_with_children; share_with_children()"
SCRIPT = """
import asyncio, gc, importlib, json, os, sqlite3, sys, threading, weakref
from lics_actors.system import PRELOAD
for name in PRELOAD:
    importlib.import_module(name)
class Kept:
    pass
held = [Kept(), open(os.devnull)]  # what nobody names itself
gone = weakref.ref(held[0])
{prepare}
gc.collect()
descriptor = held[1].fileno()
held.clear()
try:
    os.fstat(descriptor)
    closed = False
except OSError:
    closed = True
reader, writer = os.pipe()
if os.fork() == 0:
    import drivers.registry
    from lics_actors.device.messages import CommandState
    before = sys.getrefcount(CommandState)
    many = [CommandState for _ in range(1000)]
    database = sqlite3.connect(":memory:")
    database.execute("create table t (x)")
    asyncio.run(asyncio.sleep(0))
    thread = threading.Thread(target=lambda: [str(drivers.registry.driver_names()) for _ in range(100)])
    thread.start()
    thread.join()
    unique = sum(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Private_"))
    said = dict(counted=sys.getrefcount(CommandState) - before, unique_kib=unique, gone=gone() is None, closed=closed)
    os.write(writer, json.dumps(said).encode())
    sys.exit(0)  # through all of the interpreter's own clearing up
pid, status = os.wait()
print(json.dumps({{**json.loads(os.read(reader, 4096)), "status": status}}))
"""


def told(prepare: str) -> dict[str, Any]:
    """Run the script to its end, which must be an orderly one."""
    words = [sys.executable, "-c", SCRIPT.format(prepare=prepare)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.linux
def test_a_child_has_less_memory_of_its_own_and_everything_else_is_as_before() -> None:
    before, after = told("pass"), told(PREPARE)
    for said in (before, after):
        assert (said["gone"], said["closed"], said["status"]) == (True, True, 0)
    assert before["counted"] == 1000
    if sys.version_info >= (3, 12):
        assert after["counted"] == 0
        assert after["unique_kib"] < 0.75 * before["unique_kib"], (before, after)
    else:
        assert after["counted"] == 1000


def test_it_may_be_done_twice() -> None:
    told(f"{PREPARE}; share_with_children()")
